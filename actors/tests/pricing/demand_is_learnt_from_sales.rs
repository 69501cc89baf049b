//! How demand answers to the price is learnt from sales, with an interval, and not from discounts.

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::*;

fn sell(shelf: &mut Given<PricingAgent>, units_sold: u32, price: i64) {
    shelf
        .ask(&ObserveSale {
            sku: sku(),
            units: units(units_sold),
            shelf: gbp(price),
        })
        .unwrap();
}

fn elasticity(shelf: &mut Given<PricingAgent>) -> Elasticity {
    shelf.ask(&ShowElasticity { sku: sku() }).unwrap().unwrap()
}

/// A year of days at changing prices, whose demand has this elasticity and some noise.
fn year(elasticity: f64, days: u32) -> Given<PricingAgent> {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let settings = PricingSettings {
        sale_units_max: 10_000,
        ..PricingSettings::default()
    };
    let mut shelf = shelf_with(settings, 1_000, 400);
    for day in 0..days {
        let price = 800 + i64::from(day % 5) * 100;
        let noise = f64::from(rng.next_u32() % 1_000) / 1_000.0 - 0.5;
        #[allow(clippy::cast_precision_loss)]
        let expected = 400.0 * (price as f64 / 1_000.0).powf(elasticity) * (0.4 * noise).exp();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        sell(&mut shelf, expected.round().max(1.0) as u32, price);
        shelf.pass(DAY);
    }
    shelf
}

/// Catches: a regression that has its axes exchanged or its sign turned, and an interval that does
/// not hold the truth.
#[test]
fn the_elasticity_of_demand_is_found() {
    for truth in [-1.2, -2.0, -3.5] {
        let found = elasticity(&mut year(truth, 300));
        #[allow(clippy::cast_possible_truncation)]
        let truth = (truth * 1_000.0) as i32;
        assert!(
            (found.low_milli..=found.high_milli).contains(&truth),
            "{found:?} for {truth}"
        );
        assert!(
            (found.mean_milli - truth).abs() < 200,
            "{found:?} for {truth}"
        );
        assert_eq!(found.periods, 299);
    }
}

/// Catches: a SKU with three sales that is believed to know better than all others.
#[test]
fn few_sales_stay_near_what_is_known_of_others() {
    let nothing = elasticity(&mut shelf_of(1_000, 400));
    assert_eq!(nothing.mean_milli, -2_620);
    let few = elasticity(&mut year(2.0, 4));
    let many = elasticity(&mut year(2.0, 300));
    assert!(
        few.mean_milli < 0 && many.mean_milli > 1_500,
        "{few:?} {many:?}"
    );
    let width = |it: &Elasticity| it.high_milli - it.low_milli;
    assert!(width(&many) < width(&few) && width(&few) <= width(&nothing));
}

/// Catches: a crate at a discount that is taken for demand at a low price. The shelf asked the same
/// all the time, so nothing is learnt of how demand answers to it.
#[test]
fn quantity_discounts_teach_nothing() {
    let mut shelf = shelf_of(1_000, 400);
    for day in 0..200 {
        sell(&mut shelf, if day % 2 == 0 { 1 } else { 500 }, 1_000);
        shelf.pass(DAY);
    }
    let found = elasticity(&mut shelf);
    assert_eq!(found.mean_milli, -2_620, "{found:?}");
}

/// Catches: days without a sale that do not count, or count at a price that was not asked.
#[test]
fn days_without_a_sale_count_at_their_own_price() {
    let mut shelf = shelf_of(1_000, 400);
    sell(&mut shelf, 5, 1_000);
    shelf.pass(DAY);
    shelf.change("dearer", 1_200, 400).unwrap();
    shelf.pass(DAY * 3);
    sell(&mut shelf, 1, 1_200);
    let closed: Vec<_> = shelf
        .events()
        .iter()
        .filter_map(|event| match event {
            PricingEvent::DemandPeriodClosed(closed) => Some(*closed),
            _ => None,
        })
        .collect();
    let closed_at = |price, units, periods| DemandPeriodClosed {
        shelf: gbp(price),
        units,
        periods,
    };
    assert_eq!(closed, [closed_at(1_000, 5, 1), closed_at(1_200, 0, 3)]);
}

/// Catches: a price that is moved on a guess. While the interval says nothing the price stays; once
/// it does, the price goes towards the one that earns most.
#[test]
fn a_price_moves_when_the_interval_says_something() {
    let mut unknown = shelf_of(1_000, 400);
    let held = unknown.ask(&Reprice { sku: sku() }).unwrap();
    assert!(
        matches!(
            held,
            Repriced::Held {
                because: LevelHeld::WithinBand,
                ..
            }
        ),
        "{held:?}"
    );
    // At -3.5 the best price is 400 · 3.5 / 2.5 = 560: down, by a step.
    let mut elastic = year(-3.5, 300);
    let moved = elastic.ask(&Reprice { sku: sku() }).unwrap();
    let down = Repriced::Moved {
        from: BasisPoints::ZERO,
        to: BasisPoints::new(-500),
        reason: LevelReason::Demand,
    };
    assert_eq!(moved, down);
    // At -1.2 it is 2 400: up.
    let moved = year(-1.2, 300).ask(&Reprice { sku: sku() }).unwrap();
    assert!(
        matches!(moved, Repriced::Moved { to, .. } if to == BasisPoints::new(500)),
        "{moved:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases() / 4 + 1))]

    /// Catches: numbers that run away, an interval that does not hold its own middle, and a level
    /// beyond its bound, whatever is sold.
    #[test]
    fn whatever_is_sold_there_is_an_answer(
        sales in proptest::collection::vec((1u32..=1_000_000, 1i64..1_000_000_000_000, 0u64..40), 1..60),
    ) {
        let mut shelf = shelf_of(1_000, 400);
        for (n, price, days) in sales {
            sell(&mut shelf, n, price);
            shelf.pass(DAY * u32::try_from(days).unwrap());
            let found = elasticity(&mut shelf);
            prop_assert!(found.low_milli <= found.mean_milli && found.mean_milli <= found.high_milli);
            shelf.ask(&Reprice { sku: sku() }).unwrap();
            let level = shelf.state().price().current().level.get();
            prop_assert!(level.abs() <= 1_500);
        }
    }
}
