//! Floor, lowest advertised price and ceiling hold last, whatever came before.

use proptest::prelude::*;

use super::*;

/// Catches: a strategy that is not applied, and one whose effect is told wrongly.
#[test]
fn low_stock_raises_the_price_and_says_by_how_much() {
    let mut shelf = shelf_of(1_000, 500);
    let recommendation = shelf.ask(&adjust(500)).unwrap();
    assert_eq!(recommendation.before, gbp(1_000));
    assert_eq!(recommendation.after, gbp(1_050));
    let steps: Vec<_> = shelf.quote(None).trace.iter().map(|e| e.step).collect();
    assert_eq!(steps, [PriceStep::BasePrice, PriceStep::Strategy]);
}

/// Catches: a floor that is held before the promotion and not after it.
#[test]
fn nothing_is_sold_below_cost_and_margin() {
    let mut shelf = shelf_of(1_000, 500);
    shelf.promote("a", 4_000).unwrap();
    shelf.change("dearer", 1_000, 600).unwrap();
    let quote = shelf.quote(None);
    assert_eq!(quote.unit, gbp(630));
    assert_eq!(quote.trace.last().map(|e| e.step), Some(PriceStep::Floor));
}

/// Catches: a lowest advertised price that a promotion gets around, or that binds agreed terms.
#[test]
fn nothing_is_advertised_below_what_its_maker_allows() {
    let mut shelf = shelf_of(1_000, 500);
    shelf.promote("a", 1_500).unwrap();
    let mut change = change("map", 1_000, 500);
    change.terms.advertised_min = Some(gbp(900));
    shelf.ask(&change).unwrap();
    let quote = shelf.quote(None);
    assert_eq!(quote.unit, gbp(900));
    let last = quote.trace.last().map(|e| e.step);
    assert_eq!(last, Some(PriceStep::MinimumAdvertised));
    let trade = QuotePrice {
        sku: sku(),
        segment: Segment::Trade,
        held: None,
    };
    assert_eq!(shelf.ask(&trade).unwrap().unit, gbp(808));
}

/// Catches: a promotion that announces what the floor then takes back.
#[test]
fn a_promotion_below_the_floor_is_refused() {
    let mut shelf = shelf_of(1_000, 900);
    let refused = shelf.promote("a", 2_000);
    assert_eq!(
        refused,
        Err(PricingRejection::BelowFloor { floor: gbp(945) })
    );
    let told = refused.unwrap_err().to_string();
    assert!(
        told.contains("9.45 GBP") && told.contains("take off less"),
        "{told}"
    );
    assert!(shelf.events().is_empty());
    shelf.promote("a", 500).unwrap();
}

/// Shows that the law below can fail: without the limits this very history sells below the floor.
#[test]
fn a_price_that_skips_its_limits_is_caught() {
    let mut shelf = shelf_of(1_000, 500);
    shelf.promote("a", 4_000).unwrap();
    shelf.change("dearer", 1_000, 600).unwrap();
    let quote = shelf.quote(None);
    let why = shelf.why(&quote).unwrap();
    let promoted = quote.trace.iter().find(|e| e.step == PriceStep::Promotion);
    let unlimited = promoted.map(|e| e.unit.minor()).unwrap();
    assert!(unlimited < why.lowest.minor(), "{unlimited}");
    assert!(quote.unit.minor() >= why.lowest.minor());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    /// Catches: a floor that leaves less than cost and margin once the tax in it is paid, by rounding
    /// too, and one that is higher than that needs.
    #[test]
    fn the_floor_is_left_when_the_tax_in_a_price_is_paid(
        cost in 0i64..1_000_000,
        rate in 0i32..=3_000,
    ) {
        let rate = BasisPoints::new(rate);
        let agent = PricingAgent::new(PricingSettings::default(), catalogue(1, cost));
        let mut shelf = given(agent.with_tax_in_prices(rate));
        let line = shelf.ask(&QuoteLine::new(sku(), units(1), Segment::Standard)).unwrap();
        let lowest = i128::from(line.lowest.minor());
        let floor = gbp(cost).adjusted(BasisPoints::new(500)).unwrap().minor().max(1);
        let exact = i128::from(floor) * i128::from(10_000 + rate.get());
        prop_assert!(lowest * 10_000 >= exact);
        prop_assert!((lowest - 1) * 10_000 < exact);
    }

    /// Catches: an adjust loop that does not end, or ends outside the limits.
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
        let _ = shelf.promote("a", off);
        shelf.see(&[("one", competitor)]);
        let quote = shelf.ask(&QuotePrice { sku: sku(), segment, held: None }).unwrap();
        let floor = gbp(cost).adjusted(BasisPoints::new(500)).unwrap().minor().max(1);
        let ceiling = gbp(base).adjusted(BasisPoints::new(3_000)).unwrap().minor().max(floor);
        prop_assert!((floor..=ceiling).contains(&quote.unit.minor()), "{:?}", quote);
        prop_assert_eq!(quote.trace.last().map(|entry| entry.unit), Some(quote.unit));
    }
}
