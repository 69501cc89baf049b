//! What the Order agent promises, in given/when/then form, and its laws over random histories.

// Helpers stand outside the test functions, where clippy takes no test for one.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{destination, sealed};

use mercato_actors::*;
use mercato_runtime::{
    Agent, Command, CommandId, Context, Personal, Principal, Rejection, Timestamp,
};
use proptest::prelude::*;

struct Desk {
    agent: OrderAgent,
    state: OrderState,
    now: Timestamp,
    principal: Principal,
}

impl Desk {
    fn new() -> Self {
        let product = |sku: &str| Product {
            sku: Sku::new(sku).unwrap(),
            name: sku.into(),
            description: "".into(),
            category: "drinks".into(),
            base_price: gbp(333),
            cost: gbp(100),
        };
        let catalogue = Catalogue::new([product("tea"), product("coffee")]).unwrap();
        Self {
            agent: OrderAgent::new(OrderSettings::default(), Arc::new(catalogue)),
            state: OrderState::default(),
            now: Timestamp::from_millis(1_000_000),
            principal: Principal::System,
        }
    }

    fn ask<C: Command<Agent = OrderAgent>>(
        &mut self,
        command: &C,
    ) -> Result<C::Reply, Rejection<C>> {
        let context = Context {
            now: self.now,
            entity: "o-1",
            version: 0,
            command_id: CommandId::from_key("test"),
            principal: &self.principal,
        };
        let decided = command.decide(&self.agent, &self.state, &context)?;
        let (events, reply) = decided.into_parts();
        for event in &events {
            OrderAgent::evolve(&mut self.state, event);
        }
        Ok(reply)
    }

    fn received(lines: &[(&str, u32)]) -> Self {
        let mut desk = Self::new();
        let details = details(lines);
        desk.ask(&ReceiveOrder {
            order: order(),
            details,
        })
        .unwrap();
        desk
    }

    fn price(&mut self, prices: &[(&str, i64)]) -> Result<PricedOrder, OrderRejection> {
        let now = self.now;
        let quotes = prices.iter().map(|(sku, unit)| quote(sku, *unit, now));
        self.ask(&PriceOrder {
            order: order(),
            quotes: quotes.collect(),
        })
    }

    /// An order of three teas and two coffees, shipped and paid.
    fn captured() -> (Self, PricedOrder) {
        let mut desk = Self::received(&[("tea", 3), ("coffee", 2)]);
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

#[test]
fn everything_wrong_with_an_order_is_said_at_once() {
    let mut desk = Desk::new();
    desk.principal = Principal::user("eve");
    let details = OrderDetails {
        address: address("KP"),
        method: PaymentMethod::token(" "),
        ..details(&[("tea", 10_001), ("tea", 1), ("cocoa", 1)])
    };
    let refused = desk.ask(&ReceiveOrder {
        order: order(),
        details,
    });
    let tea = Sku::new("tea").unwrap();
    assert_eq!(
        refused,
        Err(OrderRejection::Invalid {
            problems: vec![
                OrderProblem::TooManyUnits {
                    sku: tea.clone(),
                    max: 10_000
                },
                OrderProblem::DuplicateLine(tea),
                OrderProblem::UnknownProduct(Sku::new("cocoa").unwrap()),
                OrderProblem::OtherCustomer,
                OrderProblem::NotDelivered(Jurisdiction::new("KP").unwrap()),
                OrderProblem::PaymentMethod,
            ]
        })
    );
}

/// Catches: an order whose address would outlive its customer's erasure.
#[test]
fn what_is_sealed_for_another_person_is_refused() {
    let refused = |result| {
        let problems = vec![OrderProblem::SealedForAnother];
        assert_eq!(result, Err(OrderRejection::Invalid { problems }));
    };
    let right = || details(&[("tea", 1)]);
    for details in [
        OrderDetails {
            email: email_of("eve"),
            ..right()
        },
        OrderDetails {
            address: address_of("eve", "GB"),
            ..right()
        },
    ] {
        let order = order();
        refused(Desk::new().ask(&ReceiveOrder { order, details }));
    }
    let mut desk = Desk::received(&[("tea", 1)]);
    desk.price(&[("tea", 333)]).unwrap();
    desk.authorise(PaymentOutcome::Authorised(gbp(994)))
        .unwrap();
    desk.ask(&PlaceOrder { order: order() }).unwrap();
    refused(desk.ask(&ChangeOrder {
        order: order(),
        address: address_of("eve", "GB"),
    }));
}

#[test]
fn tax_discount_and_shipping_sum_to_the_total() {
    let mut desk = Desk::received(&[("tea", 3), ("coffee", 2)]);
    let priced = desk.price(&[("tea", 333), ("coffee", 701)]).unwrap();
    // 999 + 1402 = 2401 of goods, 495 shipping; a fifth of 2896 is 579.2.
    assert_eq!(priced.shipping, gbp(495));
    assert_eq!(priced.tax, gbp(579));
    assert_eq!(priced.total, gbp(3_475));
}

#[test]
fn quotes_must_match_and_be_valid() {
    let mut desk = Desk::received(&[("tea", 1), ("coffee", 1)]);
    assert_eq!(
        desk.price(&[("coffee", 5), ("tea", 5)]),
        Err(OrderRejection::QuotesDiffer)
    );
    let quotes = vec![quote("tea", 5, desk.now), quote("coffee", 5, desk.now)];
    desk.now = desk.now.plus(Duration::from_secs(60));
    let late = desk.ask(&PriceOrder {
        order: order(),
        quotes,
    });
    let tea = Sku::new("tea").unwrap();
    assert_eq!(late, Err(OrderRejection::QuoteExpired(tea)));
}

#[test]
fn a_lost_payment_answer_is_a_state_that_is_resolved_either_way() {
    for (outcome, phase) in [
        (PaymentOutcome::Authorised(gbp(994)), OrderPhase::Authorised),
        (
            PaymentOutcome::Declined(DeclineReason::Issuer),
            OrderPhase::PaymentDeclined,
        ),
    ] {
        let mut desk = Desk::received(&[("tea", 1)]);
        assert_eq!(desk.price(&[("tea", 333)]).unwrap().total, gbp(994));
        desk.authorise(PaymentOutcome::Unknown).unwrap();
        assert_eq!(desk.state.phase(), Some(OrderPhase::PaymentUnknown));
        desk.authorise(outcome).unwrap();
        assert_eq!(desk.state.phase(), Some(phase));
    }
}

#[test]
fn only_the_total_is_authorised() {
    let mut desk = Desk::received(&[("tea", 1)]);
    desk.price(&[("tea", 333)]).unwrap();
    assert_eq!(
        desk.authorise(PaymentOutcome::Authorised(gbp(993))),
        Err(OrderRejection::AmountDiffers { total: gbp(994) })
    );
}

#[test]
fn a_strangers_order_and_a_missing_one_get_the_same_answer() {
    let mut strange = Desk::received(&[("tea", 1)]);
    let mut missing = Desk::new();
    let status = OrderStatus { order: order() };
    for desk in [&mut strange, &mut missing] {
        desk.principal = Principal::user("eve");
        assert_eq!(desk.ask(&status), Err(OrderRejection::NotFound(order())));
        assert_eq!(desk.ask(&cancel()), Ok(Cancelled::NothingToCancel));
    }
    strange.principal = Principal::user("ada");
    assert_eq!(strange.ask(&status).unwrap().phase, OrderPhase::Received);
}

#[test]
fn cancelling_is_idempotent_and_ends_with_the_label() {
    let mut desk = Desk::received(&[("tea", 1)]);
    assert_eq!(desk.ask(&cancel()), Ok(Cancelled::Cancelled));
    assert_eq!(desk.ask(&cancel()), Ok(Cancelled::Cancelled));
    let (mut shipped, _) = Desk::captured();
    assert_eq!(
        shipped.ask(&cancel()),
        Err(OrderRejection::IllegalTransition {
            phase: OrderPhase::Captured,
            attempted: Transition::Cancel
        })
    );
}

#[test]
fn an_address_changes_within_its_country_until_the_label() {
    let mut desk = Desk::received(&[("tea", 1)]);
    desk.price(&[("tea", 333)]).unwrap();
    desk.authorise(PaymentOutcome::Authorised(gbp(994)))
        .unwrap();
    desk.ask(&PlaceOrder { order: order() }).unwrap();
    let change = |country| ChangeOrder {
        order: order(),
        address: address(country),
    };
    assert_eq!(
        desk.ask(&change("FR")),
        Err(OrderRejection::OtherJurisdiction)
    );
    let eligible = CheckModificationEligibility { order: order() };
    assert!(matches!(
        desk.ask(&eligible),
        Ok(Eligibility::Eligible { .. })
    ));
    desk.ask(&change("GB")).unwrap();
    desk.ask(&label()).unwrap();
    assert!(desk.ask(&change("GB")).is_err());
    assert!(matches!(
        desk.ask(&eligible),
        Ok(Eligibility::NotEligible { .. })
    ));
}

#[test]
fn returns_in_parts_give_back_exactly_what_was_paid() {
    let (mut desk, priced) = Desk::captured();
    let mut refunded = 0;
    for (sku, units) in [("tea", 1), ("coffee", 2), ("tea", 1), ("tea", 1)] {
        refunded += desk.give_back(&[(sku, units)]).unwrap().minor();
    }
    assert_eq!(refunded, priced.total.minor());
    assert_eq!(desk.state.phase(), Some(OrderPhase::Refunded));
}

#[test]
fn more_than_was_bought_cannot_come_back() {
    let (mut desk, priced) = Desk::captured();
    for lines in [&[("tea", 4)][..], &[("tea", 1), ("tea", 1)]] {
        let refused = desk.give_back(lines);
        assert!(matches!(refused, Err(OrderRejection::NotReturnable { .. })));
    }
    assert_eq!(desk.give_back(&[]), Err(OrderRejection::EmptyReturn));
    desk.ask(&RequestReturn {
        order: order(),
        lines: order_lines(&[("tea", 1)]),
    })
    .unwrap();
    for amount in [0, -1, priced.total.minor() + 1] {
        let refund = RecordRefund {
            order: order(),
            amount: gbp(amount),
        };
        assert_eq!(
            desk.ask(&refund),
            Err(OrderRejection::RefundTooLarge {
                refundable: priced.total
            })
        );
    }
    desk.ask(&RefuseReturn { order: order() }).unwrap();
    assert_eq!(desk.state.phase(), Some(OrderPhase::Captured));
}

#[test]
fn no_debug_text_shows_who_ordered() {
    let shown = format!("{:?}", details(&[("tea", 1)]));
    assert!(
        !shown.contains("ecret") && !shown.contains("Hidden"),
        "{shown}"
    );
}

#[derive(Debug, Clone)]
enum Act {
    Price,
    Authorise,
    Lose,
    Decline,
    Place,
    Change,
    Label,
    Capture,
    Cancel,
    Return(u32),
    Refuse,
    Refund(i64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Price),
        4 => Just(Act::Authorise),
        1 => Just(Act::Lose),
        1 => Just(Act::Decline),
        4 => Just(Act::Place),
        1 => Just(Act::Change),
        4 => Just(Act::Label),
        4 => Just(Act::Capture),
        1 => Just(Act::Cancel),
        4 => (1u32..5).prop_map(Act::Return),
        1 => Just(Act::Refuse),
        4 => (-10i64..2_000).prop_map(Act::Refund),
    ]
}

impl Desk {
    fn act(&mut self, act: &Act, total: &mut Money) -> bool {
        let amount = *total;
        match act {
            Act::Price => match self.price(&[("tea", 333)]) {
                Ok(priced) => {
                    *total = priced.total;
                    true
                }
                Err(_) => false,
            },
            Act::Authorise => self.authorise(PaymentOutcome::Authorised(amount)).is_ok(),
            Act::Lose => self.authorise(PaymentOutcome::Unknown).is_ok(),
            Act::Decline => self
                .authorise(PaymentOutcome::Declined(DeclineReason::Issuer))
                .is_ok(),
            Act::Place => self.ask(&PlaceOrder { order: order() }).is_ok(),
            Act::Change => self
                .ask(&ChangeOrder {
                    order: order(),
                    address: address("GB"),
                })
                .is_ok(),
            Act::Label => self.ask(&label()).is_ok(),
            Act::Capture => self
                .ask(&RecordCapture {
                    order: order(),
                    amount,
                })
                .is_ok(),
            Act::Cancel => self.ask(&cancel()).is_ok(),
            Act::Return(units) => self
                .ask(&RequestReturn {
                    order: order(),
                    lines: order_lines(&[("tea", *units)]),
                })
                .is_ok(),
            Act::Refuse => self.ask(&RefuseReturn { order: order() }).is_ok(),
            Act::Refund(minor) => self
                .ask(&RecordRefund {
                    order: order(),
                    amount: gbp(*minor),
                })
                .is_ok(),
        }
    }
}

impl Act {
    /// The edges that this may follow.
    fn edges(&self) -> &[Transition] {
        match self {
            Self::Price => &[Transition::Price],
            Self::Authorise => &[Transition::Authorise],
            Self::Lose => &[Transition::LosePayment],
            Self::Decline => &[Transition::Decline],
            Self::Place => &[Transition::Place],
            Self::Change => &[Transition::Change],
            Self::Label => &[Transition::Label],
            Self::Capture => &[Transition::Capture],
            Self::Cancel => &[Transition::Cancel],
            Self::Return(_) => &[Transition::RequestReturn],
            Self::Refuse => &[Transition::RefuseReturn],
            Self::Refund(_) => &[Transition::RefundPart, Transition::RefundAll],
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn an_order_never_leaves_its_graph_and_never_refunds_more_than_it_took(
        acts in proptest::collection::vec(act(), 0..120),
    ) {
        let mut desk = Desk::received(&[("tea", 4)]);
        let mut total = gbp(0);
        for act in &acts {
            let before = desk.state.phase().unwrap();
            let done = desk.act(act, &mut total);
            let after = desk.state.phase().unwrap();
            let followed = act.edges().iter().any(|edge| before.after(*edge) == Some(after));
            let stayed = before == after;
            prop_assert!(if done { followed || stayed } else { stayed }, "{:?}: {:?}", before, act);
            if let (captured, Some(refunded)) = desk.state.money() {
                prop_assert!(captured.is_some_and(|taken| refunded.minor() <= taken.minor()));
            }
        }
    }

    #[test]
    fn the_parts_of_an_order_sum_exactly(
        tea in 1i64..100_000, teas in 1u32..200, coffee in 1i64..100_000, coffees in 1u32..200,
    ) {
        let mut desk = Desk::received(&[("tea", teas), ("coffee", coffees)]);
        let priced = desk.price(&[("tea", tea), ("coffee", coffee)]).unwrap();
        let sum = |part: fn(&PricedLine) -> Money| -> i64 {
            priced.lines.iter().map(|line| part(line).minor()).sum()
        };
        let (net, tax) = (sum(|line| line.net), sum(|line| line.tax));
        let goods = tea * i64::from(teas) + coffee * i64::from(coffees);
        prop_assert_eq!(sum(|line| line.discount), priced.discount.minor());
        prop_assert_eq!(net + priced.discount.minor(), goods);
        prop_assert_eq!(tax + priced.shipping_tax.minor(), priced.tax.minor());
        let total = net + priced.shipping.minor() + priced.tax.minor();
        prop_assert_eq!(total, priced.total.minor());
    }
}
