//! What the Order agent promises, in given/when/then form, and its laws over random histories.

// Helpers stand outside the test functions, where clippy takes no test for one.
mod backorders_and_cancelled_lines;
mod bad_input_is_refused_with_a_remedy;
mod model;
mod orders_are_checked_when_they_come_in;
mod orders_change_until_they_are_packed;
mod orders_keep_to_their_graph;
mod orders_keep_to_their_model;
mod parcels_are_paid_before_they_leave;
mod payments_are_for_the_total;
mod returns_give_back_what_was_paid;
mod totals_are_the_sum_of_their_parts;
mod what_the_shop_finds_out_no_shopper_says;

use std::sync::Arc;
use std::time::Duration;

use crate::common::{destination, sealed};
use mercato_actors::*;
use mercato_runtime::testkit::{Given, given};
use mercato_runtime::{Personal, Principal, Timestamp};

/// How many cases a property is held against: a few by default, and as many as `MERCATO_CASES` says.
fn cases(default: u32) -> proptest::test_runner::Config {
    let wished = std::env::var("MERCATO_CASES").ok();
    let cases = wished
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(default);
    proptest::test_runner::Config::with_cases(cases)
}

/// The desk of an order that has not come in yet.
fn desk() -> Given<OrderAgent> {
    desk_with(OrderSettings::default())
}

/// The same under other terms.
fn desk_with(settings: OrderSettings) -> Given<OrderAgent> {
    let product = |sku: &str| Product {
        sku: Sku::new(sku).unwrap(),
        name: sku.into(),
        description: "".into(),
        category: "drinks".into(),
        base_price: gbp(333),
        cost: gbp(100),
    };
    let catalogue = Catalogue::new([product("tea"), product("coffee")]).unwrap();
    given(OrderAgent::new(settings, Arc::new(catalogue)))
}

fn received(lines: &[(&str, u32)]) -> Given<OrderAgent> {
    received_by(desk(), lines)
}

fn received_by(mut desk: Given<OrderAgent>, lines: &[(&str, u32)]) -> Given<OrderAgent> {
    let details = details(lines);
    desk.ask(&ReceiveOrder {
        order: order(),
        details,
    })
    .unwrap();
    desk
}

/// An order of teas and coffees that is placed, with so many of each held.
fn placed(lines: &[(&str, u32)], held: &[(&str, u32)]) -> (Given<OrderAgent>, PricedOrder) {
    placed_by(desk(), lines, held)
}

fn placed_by(
    desk: Given<OrderAgent>,
    lines: &[(&str, u32)],
    held: &[(&str, u32)],
) -> (Given<OrderAgent>, PricedOrder) {
    let mut desk = received_by(desk, lines);
    let price = |sku: &str| if sku == "tea" { 333 } else { 701 };
    let prices: Vec<_> = lines.iter().map(|(sku, _)| (*sku, price(sku))).collect();
    let priced = desk.price(&prices).unwrap();
    desk.authorise(authorised(priced.total)).unwrap();
    desk.ask(&PlaceOrder {
        order: order(),
        holds: holds("o-1", held),
    })
    .unwrap();
    (desk, priced)
}

/// An order of three teas and two coffees, shipped and paid.
fn captured() -> (Given<OrderAgent>, PricedOrder) {
    let lines = [("tea", 3), ("coffee", 2)];
    let (mut desk, priced) = placed(&lines, &lines);
    desk.ask(&BeginFulfilment { order: order() }).unwrap();
    desk.send_planned();
    (desk, priced)
}

/// What is asked again and again.
trait Desk {
    fn price(&mut self, prices: &[(&str, i64)]) -> Result<PricedOrder, OrderRejection>;
    fn authorise(&mut self, outcome: PaymentOutcome) -> Result<(), OrderRejection>;
    fn give_back(&mut self, lines: &[(&str, u32)]) -> Result<Money, OrderRejection>;
    /// Packs, pays and sends every parcel that is planned.
    fn send_planned(&mut self);
    fn shown(&mut self) -> Fulfilment;
    fn capture(&mut self, parcel: u32) -> Result<(), OrderRejection>;
    fn view(&mut self) -> OrderView;
}

impl Desk for Given<OrderAgent> {
    fn price(&mut self, prices: &[(&str, i64)]) -> Result<PricedOrder, OrderRejection> {
        let now = self.now();
        let lines = self.view().lines;
        let units = |sku: &str| {
            let line = lines.iter().find(|line| line.sku.as_str() == sku);
            line.map_or(1, |line| line.quantity.get())
        };
        let quotes = prices
            .iter()
            .map(|(sku, unit)| quote_of(sku, units(sku), *unit, now));
        self.ask(&price_at(quotes.collect()))
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
        let planned = self.ask(&ShowRefund { order: order() })?;
        self.ask(&RecordRefund {
            order: order(),
            parts: planned.iter().map(PlannedMovement::part).collect(),
        })?;
        Ok(due.refund)
    }

    fn send_planned(&mut self) {
        for parcel in self.shown().planned {
            self.ask(&label_of(&parcel)).unwrap();
            self.capture(parcel.number).unwrap();
            self.ask(&RecordDispatch {
                order: order(),
                parcel: parcel.number,
            })
            .unwrap();
        }
    }

    fn shown(&mut self) -> Fulfilment {
        self.ask(&ShowFulfilment { order: order() }).unwrap()
    }

    fn capture(&mut self, parcel: u32) -> Result<(), OrderRejection> {
        let show = ShowCapture {
            order: order(),
            parcel,
        };
        let movements = match self.ask(&show)? {
            CapturePlan::Due(movements) => movements,
            CapturePlan::Lacking(total) => return Err(OrderRejection::AmountDiffers { total }),
        };
        self.ask(&RecordCapture {
            order: order(),
            parcel,
            parts: movements.iter().map(PlannedMovement::part).collect(),
        })
    }

    fn view(&mut self) -> OrderView {
        self.ask(&OrderStatus { order: order() }).unwrap()
    }
}

fn authorised(amount: Money) -> PaymentOutcome {
    PaymentOutcome::Authorised {
        amount,
        until: None,
    }
}

fn holds(name: &str, held: &[(&str, u32)]) -> Vec<StockHold> {
    let hold = |(sku, units): &(&str, u32)| StockHold {
        sku: Sku::new(*sku).unwrap(),
        reservation: ReservationId::new(name).unwrap(),
        quantity: Quantity::new(*units).unwrap(),
    };
    held.iter().map(hold).collect()
}

fn label_of(parcel: &PlannedParcel) -> RecordLabel {
    RecordLabel {
        order: order(),
        parcel: parcel.number,
        contents: parcel.contents.clone(),
        tracking: TrackingNumber::new("RR473124829GB").unwrap(),
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

fn price_at(quotes: Vec<LineQuote>) -> PriceOrder {
    PriceOrder {
        order: order(),
        quotes,
        discounts: Vec::new(),
    }
}

/// A price that the discount may take down to nothing.
fn quote_of(sku: &str, units: u32, unit: i64, now: Timestamp) -> LineQuote {
    let quote = Quote {
        sku: Sku::new(sku).unwrap(),
        unit: gbp(unit),
        revision: 0,
        quoted_at: now,
        valid_until: now.plus(Duration::from_secs(60)),
        trace: Vec::new(),
    };
    LineQuote {
        quantity: Quantity::new(units).unwrap(),
        lowest: gbp(0),
        shelf: quote.unit,
        promoted: false,
        quote,
    }
}

fn cancel() -> CancelOrder {
    CancelOrder {
        order: order(),
        reason: CancelReason::Customer,
    }
}
