//! The words of the shop's answers. Each claim in them comes from an agent or an article.

use super::answer::Resolution;
use super::knowledge::{Article, Citation};
use super::ticket::{Ticket, TicketReason};
use crate::domain::{Money, OrderId, Product};
use crate::inventory::{ShippingState, StockStatus};
use crate::journeys::{LineOption, ModificationOptions};
use crate::order::OrderView;

/// An answer before it is sent.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) text: String,
    pub(super) citations: Vec<Citation>,
    pub(super) resolution: Resolution,
}

impl Reply {
    fn answer(text: String) -> Self {
        Self {
            text,
            citations: Vec::new(),
            resolution: Resolution::Answered,
        }
    }

    pub(super) fn clarification(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            citations: Vec::new(),
            resolution: Resolution::Clarifying,
        }
    }

    pub(super) fn sign_in() -> Self {
        Self {
            text: "Please sign in with the account that you ordered with. Then I can look at your \
                   order."
                .to_owned(),
            citations: Vec::new(),
            resolution: Resolution::SignInNeeded,
        }
    }

    pub(super) fn ticket(ticket: Ticket) -> Self {
        let why = match ticket.reason {
            TicketReason::Complaint => "I am sorry that we gave you cause to complain.",
            TicketReason::TechnicalIssue => "I am sorry that something does not work.",
            TicketReason::NotUnderstood => "I am sorry that I did not understand you.",
            TicketReason::PersonAsked => "Of course.",
            TicketReason::NoArticle => "I do not know the answer to that.",
        };
        let hours = ticket.priority.answer_within().as_secs() / 3_600;
        Self {
            text: format!(
                "{why} A person will answer you here within {hours} hours. They can read what we \
                 wrote, so you need not repeat it."
            ),
            citations: Vec::new(),
            resolution: Resolution::Escalated(ticket),
        }
    }
}

pub(super) fn format_product_response(
    product: &Product,
    stock: StockStatus,
    unit_price: Money,
) -> Reply {
    let stock = match stock {
        StockStatus::Available => "It is in stock",
        StockStatus::Low => "There are only a few left",
        StockStatus::Out => "It is out of stock at present",
    };
    let description = match product.description.trim() {
        "" => String::new(),
        text => format!(" {text}"),
    };
    Reply::answer(format!(
        "{} ({}).{description} {stock}, and it costs {unit_price} before tax.",
        product.name, product.sku
    ))
}

pub(super) fn format_order_response(order: &OrderView, parcels: &[ShippingState]) -> Reply {
    let units: u32 = order.lines.iter().map(|line| line.quantity.get()).sum();
    let mut text = format!(
        "Your order {} with {units} {} is {}.",
        order.order,
        if units == 1 { "unit" } else { "units" },
        order.phase
    );
    let count = |state| parcels.iter().filter(|parcel| **parcel == state).count();
    let (sent, waiting) = (
        count(ShippingState::Dispatched),
        count(ShippingState::AwaitingDispatch),
    );
    match (sent, waiting) {
        (0, 0) => {}
        (0, _) => text.push_str(" It waits in our warehouse to be sent."),
        (_, 0) => text.push_str(" It has left our warehouse."),
        (_, _) => text.push_str(" A part of it has left our warehouse; the rest follows."),
    }
    for parcel in &order.parcels {
        let tracking = &parcel.tracking;
        text.push_str(&match &parcel.scan {
            Some(scan) => format!(" Parcel {tracking} is {}.", scan.status),
            None => format!(" Its tracking number is {tracking}."),
        });
    }
    let waiting: u32 = order.units.iter().map(|line| line.backordered).sum();
    if waiting > 0 && order.cancelled.is_none() {
        text.push_str(&format!(
            " Of it {waiting} wait for stock; they are sent when they come, and paid then."
        ));
    }
    Reply::answer(text)
}

pub(super) fn format_change_response(order: &OrderId, options: &ModificationOptions) -> Reply {
    let lines = match options {
        ModificationOptions::TooLate { phase } => {
            return Reply::answer(format!(
                "Your order {order} is {phase} and can no longer be changed. What you received \
                 and do not want, you can return."
            ));
        }
        ModificationOptions::Changeable { lines, .. } => lines,
    };
    let mut text = format!(
        "Your order {order} can still be changed: its address in the same country, its lines, or \
         it can be cancelled. Fewer units keep their price; more have the one of today:"
    );
    for line in lines {
        let LineOption {
            sku,
            ordered,
            available,
            unit_difference,
            alternatives,
        } = line;
        text.push_str(&format!(
            "\n- {sku}: {ordered} ordered, {available} more in stock, price of one now \
             {unit_difference} against the order's"
        ));
        for other in alternatives {
            text.push_str(&format!(
                "\n  - or {}: {} in stock, {} a piece against the order's",
                other.sku, other.available, other.unit_difference
            ));
        }
    }
    Reply::answer(text)
}

/// A stranger's order and a missing one get this same answer.
pub(super) fn format_order_not_found(order: &OrderId) -> Reply {
    Reply::answer(format!(
        "I find no order {order} under your account. Please check its number, and that you are \
         signed in with the account that you ordered with."
    ))
}

pub(super) fn format_faq_response(article: &Article) -> Reply {
    Reply {
        text: article.body.to_string(),
        citations: vec![article.cite()],
        resolution: Resolution::Answered,
    }
}
