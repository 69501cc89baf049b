//! The answers of the shop. Each claim in them comes from an agent or an article.

use std::time::Duration;

use minijinja::context;
use serde::Serialize;

use super::action::SupportAction;
use super::answer::{Resolution, SupportError};
use super::knowledge::{Article, Citation};
use super::phrases::Phrases;
use super::ticket::{Ticket, TicketReason};
use crate::domain::{Money, OrderId, Product};
use crate::inventory::{ShippingState, StockStatus};
use crate::journeys::{LineOption, ModificationOptions};
use crate::order::OrderView;

/// An answer before it is sent.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) text: String,
    /// What agents and articles said, in the order in which the text has it.
    pub(super) facts: Vec<Box<str>>,
    pub(super) citations: Vec<Citation>,
    pub(super) resolution: Resolution,
}

/// Fills in the shop's templates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speaker<'a>(pub(super) &'a Phrases);

type Said = Result<Reply, SupportError>;

impl Speaker<'_> {
    fn say(self, name: &str, facts: impl Serialize, resolution: Resolution) -> Said {
        let phrase = self.0.fill(name, facts);
        let phrase = phrase.map_err(|error| SupportError::Phrase(error.to_string().into()))?;
        Ok(Reply {
            text: phrase.text,
            facts: phrase.facts,
            citations: Vec::new(),
            resolution,
        })
    }

    fn answer(self, name: &str, facts: impl Serialize) -> Said {
        self.say(name, facts, Resolution::Answered)
    }

    /// Asks back, in the words of one of the templates that do.
    pub(super) fn clarification(self, name: &str) -> Said {
        self.say(name, context! {}, Resolution::Clarifying)
    }

    /// What the shop is not for, and what it is for.
    pub(super) fn out_of_scope(self) -> Said {
        self.say("what-is-meant", context! {}, Resolution::OutOfScope)
    }

    pub(super) fn sign_in(self) -> Said {
        self.say("sign-in", context! {}, Resolution::SignInNeeded)
    }

    /// A ticket was opened; a person answers within this time.
    pub(super) fn ticket(self, ticket: Ticket, within: Duration) -> Said {
        let why = match ticket.reason {
            TicketReason::Complaint => "complaint",
            TicketReason::TechnicalIssue => "technical",
            TicketReason::NotUnderstood => "unclear",
            TicketReason::PersonAsked => "asked",
            TicketReason::OverLimit => "limit",
            TicketReason::ActionRefused => "refused",
            TicketReason::NoArticle => "unknown",
        };
        let hours = within.as_secs().div_ceil(3_600);
        let facts = context! { why, hours };
        self.say("ticket", facts, Resolution::Escalated(ticket))
    }

    pub(super) fn offer(self, action: &SupportAction) -> Said {
        let facts = context! { action => action.to_string() };
        self.say("offer", facts, Resolution::Offered)
    }

    pub(super) fn confirmed(self, action: &SupportAction) -> Said {
        self.answer("confirmed", context! { action => action.to_string() })
    }

    pub(super) fn left(self) -> Said {
        self.answer("left", context! {})
    }

    pub(super) fn format_product_response(
        self,
        product: &Product,
        stock: StockStatus,
        unit_price: Money,
    ) -> Said {
        let stock = match stock {
            StockStatus::Available => "available",
            StockStatus::Low => "low",
            StockStatus::Out => "out",
        };
        let facts = context! {
            name => product.name,
            sku => product.sku.as_str(),
            description => product.description.trim(),
            stock,
            price => unit_price.to_string(),
        };
        self.answer("product", facts)
    }

    pub(super) fn format_order_response(
        self,
        order: &OrderView,
        parcels: &[ShippingState],
    ) -> Said {
        #[derive(Serialize)]
        struct Parcel {
            tracking: String,
            status: Option<String>,
        }
        let count = |state| parcels.iter().filter(|parcel| **parcel == state).count();
        let waiting = match order.cancelled {
            Some(_) => 0,
            None => order.units.iter().map(|line| line.backordered).sum::<u32>(),
        };
        let told = order.parcels.iter().map(|parcel| Parcel {
            tracking: parcel.tracking.to_string(),
            status: parcel.scan.as_ref().map(|scan| scan.status.to_string()),
        });
        let facts = context! {
            order => order.order.as_str(),
            units => order.lines.iter().map(|line| line.quantity.get()).sum::<u32>(),
            phase => order.phase.to_string(),
            sent => count(ShippingState::Dispatched),
            unsent => count(ShippingState::AwaitingDispatch),
            parcels => told.collect::<Vec<_>>(),
            waiting,
        };
        self.answer("order", facts)
    }

    pub(super) fn format_change_response(
        self,
        order: &OrderId,
        options: &ModificationOptions,
    ) -> Said {
        let lines = match options {
            ModificationOptions::TooLate { phase } => {
                let facts = context! { order => order.as_str(), phase => phase.to_string() };
                return self.answer("too-late", facts);
            }
            ModificationOptions::Changeable { lines, .. } => lines,
        };
        let lines: Vec<_> = lines.iter().map(line_option).collect();
        self.answer("changeable", context! { order => order.as_str(), lines })
    }

    /// A stranger's order and a missing one get this same answer.
    pub(super) fn format_order_not_found(self, order: &OrderId) -> Said {
        self.answer("no-order", context! { order => order.as_str() })
    }

    pub(super) fn format_faq_response(self, article: &Article) -> Said {
        let reply = self.answer("article", context! { body => article.body })?;
        Ok(Reply {
            citations: vec![article.cite()],
            ..reply
        })
    }
}

fn line_option(line: &LineOption) -> minijinja::Value {
    let LineOption {
        sku,
        ordered,
        available,
        unit_difference,
        alternatives,
    } = line;
    let alternatives: Vec<_> = alternatives
        .iter()
        .map(|other| {
            context! {
                sku => other.sku.as_str(),
                available => other.available,
                difference => other.unit_difference.to_string(),
            }
        })
        .collect();
    context! {
        sku => sku.as_str(),
        ordered => ordered.get(),
        available,
        difference => unit_difference.to_string(),
        alternatives,
    }
}
