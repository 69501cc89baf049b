//! What the Order agent promises, in given/when/then form, and its laws over random histories.

// Helpers stand outside the test functions, where clippy takes no test for one.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod orders_are_checked_when_they_come_in;
mod orders_change_until_the_label;
mod orders_keep_to_their_graph;
mod payments_are_for_the_total;
mod returns_give_back_what_was_paid;
mod totals_are_the_sum_of_their_parts;

use std::sync::Arc;
use std::time::Duration;

use common::{destination, sealed};
use mercato_actors::*;
use mercato_runtime::testkit::{Given, given};
use mercato_runtime::{Personal, Principal, Timestamp};

/// The desk of an order that has not come in yet.
fn desk() -> Given<OrderAgent> {
    let product = |sku: &str| Product {
        sku: Sku::new(sku).unwrap(),
        name: sku.into(),
        description: "".into(),
        category: "drinks".into(),
        base_price: gbp(333),
        cost: gbp(100),
    };
    let catalogue = Catalogue::new([product("tea"), product("coffee")]).unwrap();
    given(OrderAgent::new(
        OrderSettings::default(),
        Arc::new(catalogue),
    ))
}

fn received(lines: &[(&str, u32)]) -> Given<OrderAgent> {
    let mut desk = desk();
    let details = details(lines);
    desk.ask(&ReceiveOrder {
        order: order(),
        details,
    })
    .unwrap();
    desk
}

/// An order of three teas and two coffees, shipped and paid.
fn captured() -> (Given<OrderAgent>, PricedOrder) {
    let mut desk = received(&[("tea", 3), ("coffee", 2)]);
    let priced = desk.price(&[("tea", 333), ("coffee", 701)]).unwrap();
    desk.authorise(PaymentOutcome::Authorised(priced.total))
        .unwrap();
    desk.ask(&PlaceOrder { order: order() }).unwrap();
    desk.ask(&label()).unwrap();
    desk.ask(&RecordCapture {
        order: order(),
        amount: priced.total,
    })
    .unwrap();
    (desk, priced)
}

/// What is asked again and again.
trait Desk {
    fn price(&mut self, prices: &[(&str, i64)]) -> Result<PricedOrder, OrderRejection>;
    fn authorise(&mut self, outcome: PaymentOutcome) -> Result<(), OrderRejection>;
    fn give_back(&mut self, lines: &[(&str, u32)]) -> Result<Money, OrderRejection>;
}

impl Desk for Given<OrderAgent> {
    fn price(&mut self, prices: &[(&str, i64)]) -> Result<PricedOrder, OrderRejection> {
        let now = self.now();
        let quotes = prices.iter().map(|(sku, unit)| quote(sku, *unit, now));
        self.ask(&PriceOrder {
            order: order(),
            quotes: quotes.collect(),
            discounts: Vec::new(),
        })
    }

    fn authorise(&mut self, outcome: PaymentOutcome) -> Result<(), OrderRejection> {
        self.ask(&RecordAuthorisation {
            order: order(),
            payment: (&order()).into(),
            outcome,
        })
    }

    fn give_back(&mut self, lines: &[(&str, u32)]) -> Result<Money, OrderRejection> {
        let due = self.ask(&RequestReturn {
            order: order(),
            lines: order_lines(lines),
        })?;
        self.ask(&RecordRefund {
            order: order(),
            amount: due,
        })?;
        Ok(due)
    }
}

fn order() -> OrderId {
    OrderId::new("o-1").unwrap()
}

fn gbp(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

fn order_lines(lines: &[(&str, u32)]) -> Vec<OrderLine> {
    let line = |(sku, units): &(&str, u32)| OrderLine {
        sku: Sku::new(*sku).unwrap(),
        quantity: Quantity::new(*units).unwrap(),
    };
    lines.iter().map(line).collect()
}

fn address_of(whose: &str, country: &str) -> Destination {
    let country = Jurisdiction::new(country).unwrap();
    let address = Address::new("Ada Secret", "1 Hidden Lane", "London", "N1", country).unwrap();
    destination(whose, &address)
}

fn address(country: &str) -> Destination {
    address_of("ada", country)
}

fn email_of(whose: &str) -> Personal<EmailAddress> {
    sealed(whose, &EmailAddress::new("ada.secret@example.com").unwrap())
}

fn details(lines: &[(&str, u32)]) -> OrderDetails {
    OrderDetails {
        customer: CustomerId::new("ada").unwrap(),
        email: email_of("ada"),
        lines: order_lines(lines),
        address: address("GB"),
        method: PaymentMethod::token("tok_secret"),
    }
}

fn quote(sku: &str, unit: i64, now: Timestamp) -> Quote {
    Quote {
        sku: Sku::new(sku).unwrap(),
        unit: gbp(unit),
        revision: 0,
        quoted_at: now,
        valid_until: now.plus(Duration::from_secs(60)),
        trace: Vec::new(),
    }
}

fn label() -> RecordLabel {
    RecordLabel {
        order: order(),
        tracking: TrackingNumber::new("RR473124829GB").unwrap(),
    }
}

fn cancel() -> CancelOrder {
    CancelOrder {
        order: order(),
        reason: CancelReason::Customer,
    }
}
