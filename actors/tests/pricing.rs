//! What Pricing promises, in given/when/then form, and that its limits hold for any input.

// Helpers stand outside the test functions, where clippy takes no test for one.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use mercato_actors::*;
use mercato_runtime::testkit::{Given, given};
use proptest::prelude::*;

const HOUR: Duration = Duration::from_secs(3_600);

/// A product with this base price and cost, in pence.
fn shelf_of(base: i64, cost: i64) -> Given<PricingAgent> {
    let product = Product {
        sku: sku(),
        name: "tea".into(),
        description: "loose leaf".into(),
        category: "drinks".into(),
        base_price: gbp(base),
        cost: gbp(cost),
    };
    let catalogue = Arc::new(Catalogue::new([product]).unwrap());
    given(PricingAgent::new(PricingSettings::default(), catalogue))
}

/// What is asked again and again.
trait Shelf {
    fn quote(&mut self, held: Option<HeldPrice>) -> Quote;
    fn promote(&mut self, name: &str, off: i32) -> Result<(), PricingRejection>;
}

impl Shelf for Given<PricingAgent> {
    fn quote(&mut self, held: Option<HeldPrice>) -> Quote {
        self.ask(&QuotePrice {
            sku: sku(),
            segment: Segment::Standard,
            held,
        })
        .unwrap()
    }

    fn promote(&mut self, name: &str, off: i32) -> Result<(), PricingRejection> {
        let now = self.now();
        self.ask(&StartPromotion {
            sku: sku(),
            promotion: promotion(name),
            off: BasisPoints::new(off),
            starts: now,
            ends: now.plus(HOUR),
        })
    }
}

fn sku() -> Sku {
    Sku::new("tea").unwrap()
}

fn promotion(name: &str) -> PromotionId {
    PromotionId::new(name).unwrap()
}

fn gbp(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

fn adjust(points: i32) -> AdjustStrategy {
    AdjustStrategy {
        sku: sku(),
        adjustment: BasisPoints::new(points),
        reason: PriceReason::LowStock,
    }
}

#[test]
fn low_stock_raises_the_price_and_says_by_how_much() {
    let mut shelf = shelf_of(1_000, 500);
    let recommendation = shelf.ask(&adjust(500)).unwrap();
    assert_eq!(recommendation.before, gbp(1_000));
    assert_eq!(recommendation.after, gbp(1_050));
    let steps: Vec<_> = shelf.quote(None).trace.iter().map(|e| e.step).collect();
    assert_eq!(steps, [PriceStep::BasePrice, PriceStep::Strategy]);
}

#[test]
fn a_held_price_is_honoured_for_its_lifetime_only() {
    let mut shelf = shelf_of(1_000, 500);
    let shown = shelf.quote(None);
    shelf.ask(&adjust(500)).unwrap();
    assert_eq!(shelf.quote(Some(shown.hold())), shown);
    shelf.pass(shown.valid_until.since(shelf.now()));
    assert_eq!(shelf.quote(Some(shown.hold())).unit, gbp(1_050));
}

#[test]
fn a_forged_price_is_not_honoured() {
    let mut shelf = shelf_of(1_000, 500);
    let shown = shelf.quote(None).hold();
    let forged = [
        HeldPrice {
            unit: gbp(1),
            ..shown
        },
        HeldPrice {
            revision: 7,
            ..shown
        },
        HeldPrice {
            quoted_at: shelf.now().plus(HOUR),
            ..shown
        },
    ];
    for held in forged {
        let quote = shelf.quote(Some(held));
        assert_eq!((quote.unit, quote.quoted_at), (gbp(1_000), shelf.now()));
    }
}

#[test]
fn of_several_promotions_the_best_applies_until_it_is_paused() {
    let mut shelf = shelf_of(1_000, 100);
    shelf.promote("a", 1_000).unwrap();
    shelf.promote("b", 2_000).unwrap();
    assert_eq!(shelf.quote(None).unit, gbp(800));
    let pause = PausePromotion {
        sku: sku(),
        promotion: promotion("b"),
        reason: PriceReason::LowStock,
    };
    shelf.ask(&pause).unwrap();
    shelf.ask(&pause).unwrap();
    assert_eq!(shelf.quote(None).unit, gbp(900));
    shelf.pass(HOUR);
    assert_eq!(shelf.quote(None).unit, gbp(1_000));
}

#[test]
fn nothing_is_sold_below_cost_and_margin() {
    let mut shelf = shelf_of(1_000, 900);
    shelf.promote("a", 5_000).unwrap();
    let quote = shelf.quote(None);
    assert_eq!(quote.unit, gbp(945));
    assert_eq!(quote.trace.last().map(|e| e.step), Some(PriceStep::Floor));
}

#[test]
fn an_old_competitor_price_is_ignored() {
    let mut shelf = shelf_of(1_000, 500);
    let seen_at = shelf.now();
    shelf
        .ask(&RecordCompetitorPrice {
            sku: sku(),
            unit: gbp(900),
            seen_at,
        })
        .unwrap();
    assert_eq!(shelf.quote(None).unit, gbp(980));
    shelf.pass(HOUR * 25);
    assert_eq!(shelf.quote(None).unit, gbp(1_000));
}

#[test]
fn what_makes_no_price_is_refused() {
    let mut shelf = shelf_of(1_000, 500);
    let base = |base, cost| SetBasePrice {
        sku: sku(),
        base,
        cost,
        lifecycle: Lifecycle::Regular,
        reason: PriceReason::Merchant,
    };
    for (price, cost) in [(0, 0), (-5, 0), (5, -1)] {
        let refused = shelf.ask(&base(gbp(price), gbp(cost)));
        assert_eq!(refused, Err(PricingRejection::Amount));
    }
    let euros = Money::new(5, Currency::EUR);
    assert_eq!(
        shelf.ask(&base(euros, gbp(0))),
        Err(PricingRejection::Currency {
            expected: Currency::GBP
        })
    );
    assert_eq!(
        shelf.ask(&base(gbp(i64::MAX), gbp(0))),
        Err(PricingRejection::Money(MoneyError::Overflow))
    );
    assert!(matches!(
        shelf.ask(&adjust(2_501)),
        Err(PricingRejection::AdjustmentTooLarge { .. })
    ));
    assert!(matches!(
        shelf.promote("a", 0),
        Err(PricingRejection::PromotionShare { .. })
    ));
    let stranger = QuotePrice {
        sku: Sku::new("coffee").unwrap(),
        segment: Segment::Standard,
        held: None,
    };
    assert!(matches!(
        shelf.ask(&stranger),
        Err(PricingRejection::UnknownProduct(_))
    ));
}

#[test]
fn money_of_two_currencies_does_not_mix() {
    let mixed = gbp(1).plus(Money::new(1, Currency::USD));
    assert!(matches!(mixed, Err(MoneyError::CurrencyMismatch { .. })));
    assert_eq!(gbp(i64::MAX).plus(gbp(1)), Err(MoneyError::Overflow));
    assert_eq!(gbp(5).allocate(&[0, 0]), Err(MoneyError::NoWeights));
}

#[test]
fn halves_are_rounded_to_even() {
    let half = BasisPoints::new(5_000);
    let rounded = |minor| gbp(minor).portion(half).unwrap().minor();
    assert_eq!([1, 3, 5, -1, -3].map(rounded), [0, 2, 2, 0, -2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_price_ends_within_its_limits(
        base in 1i64..1_000_000,
        cost in 0i64..2_000_000,
        strategy in -2_500i32..=2_500,
        off in 1i32..=7_000,
        competitor in 1i64..10_000_000,
        segment in prop_oneof![Just(Segment::Standard), Just(Segment::Loyal), Just(Segment::Trade)],
    ) {
        let mut shelf = shelf_of(base, cost);
        shelf.ask(&adjust(strategy)).unwrap();
        shelf.promote("a", off).unwrap();
        let seen_at = shelf.now();
        shelf.ask(&RecordCompetitorPrice { sku: sku(), unit: gbp(competitor), seen_at }).unwrap();
        let quote = shelf.ask(&QuotePrice { sku: sku(), segment, held: None }).unwrap();
        let floor = gbp(cost).adjusted(BasisPoints::new(500)).unwrap().minor().max(1);
        let ceiling = gbp(base).adjusted(BasisPoints::new(3_000)).unwrap().minor().max(floor);
        prop_assert!((floor..=ceiling).contains(&quote.unit.minor()), "{:?}", quote);
        prop_assert_eq!(quote.trace.last().map(|entry| entry.unit), Some(quote.unit));
    }

    #[test]
    fn an_allocation_sums_exactly_and_is_fair(
        minor in any::<i64>(),
        weights in proptest::collection::vec(0u64..1_000_000, 1..20),
    ) {
        prop_assume!(weights.iter().any(|weight| *weight > 0));
        let parts = gbp(minor).allocate(&weights).unwrap();
        let sum: i128 = parts.iter().map(|part| i128::from(part.minor())).sum();
        prop_assert_eq!(sum, i128::from(minor));
        let total: i128 = weights.iter().copied().map(i128::from).sum();
        for (part, weight) in parts.iter().zip(&weights) {
            let off = i128::from(part.minor()) * total - i128::from(minor) * i128::from(*weight);
            prop_assert!(off.abs() < total, "{:?} of {} over {:?}", part, minor, weights);
        }
    }
}
