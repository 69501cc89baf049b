//! Beside a reduced price stands the lowest of the thirty days before the reduction (article 6a of
//! directive 98/6/EC), whatever the shelf went through.

use proptest::prelude::*;

use super::*;

fn sale(name: &str, off: i32, from: Timestamp, days: u32) -> StartPromotion {
    StartPromotion {
        sku: sku(),
        promotion: promotion(name),
        terms: PromotionTerms::share(BasisPoints::new(off), from, from.plus(DAY * days)),
    }
}

/// Catches: a price that was raised the day before to be called the price before.
#[test]
fn a_price_raised_for_a_day_is_no_price_before() {
    let mut shelf = shelf_of(1_000, 500);
    shelf.pass(DAY * 60);
    shelf.change("up", 1_200, 500).unwrap();
    shelf.pass(DAY);
    let now = shelf.now();
    shelf.ask(&sale("sale", 1_000, now, 7)).unwrap();
    let shown = shelf.shown();
    assert_eq!(shown.quote.unit, gbp(1_080));
    assert_eq!(
        shown.before, None,
        "it was cheaper before: that is no reduction"
    );
    assert_eq!(shown.lowest_30_days, gbp(1_000));
}

/// Catches: a reduction that is announced against the price during it, and one whose price before
/// fades while it lasts.
#[test]
fn the_price_before_is_that_before_the_reduction() {
    let mut shelf = shelf_of(1_000, 400);
    let now = shelf.now();
    shelf.ask(&sale("sale", 2_000, now.plus(DAY), 45)).unwrap();
    assert_eq!(shelf.shown().before, None);
    shelf.pass(DAY);
    // Nobody recorded that it began: the timer may be late. What may be shown is right all the same.
    let since = shelf.now();
    assert_eq!(
        shelf.shown().before,
        Some(PriorPrice {
            was: gbp(1_000),
            since
        })
    );
    shelf.pass(DAY * 40);
    shelf.ask(&LookAtShelf { sku: sku() }).unwrap();
    assert_eq!(
        shelf.shown().before,
        Some(PriorPrice {
            was: gbp(1_000),
            since
        })
    );
    shelf.pass(DAY * 5);
    assert_eq!(shelf.shown().before, None);
    assert_eq!(shelf.shown().lowest_30_days, gbp(800));
}

/// Catches: a second sale soon after the first that is announced against the price between them.
#[test]
fn a_second_sale_within_thirty_days_counts_the_first() {
    let mut shelf = shelf_of(1_000, 400);
    let now = shelf.now();
    shelf.ask(&sale("first", 2_000, now, 2)).unwrap();
    shelf
        .ask(&sale("second", 1_000, now.plus(DAY * 10), 2))
        .unwrap();
    shelf
        .ask(&sale("third", 1_000, now.plus(DAY * 60), 2))
        .unwrap();
    shelf.pass(DAY * 10);
    assert_eq!(
        (shelf.unit(), shelf.shown().before),
        (900, None),
        "800 was asked nine days ago"
    );
    shelf.pass(DAY * 50);
    let since = shelf.now();
    assert_eq!(
        shelf.shown().before,
        Some(PriorPrice {
            was: gbp(1_000),
            since
        })
    );
}

/// Catches: a price that held for an hour by mistake, was rolled back, and is not counted.
#[test]
fn a_price_that_was_rolled_back_was_asked() {
    let mut shelf = shelf_of(1_000, 400);
    shelf.pass(DAY * 40);
    shelf.change("mistake", 850, 400).unwrap();
    shelf.pass(HOUR);
    shelf.ask(&RollBackPrice { sku: sku(), to: 1 }).unwrap();
    shelf.pass(DAY);
    let now = shelf.now();
    shelf.ask(&sale("sale", 1_000, now, 2)).unwrap();
    assert_eq!(shelf.shown().before, None);
    assert_eq!(shelf.shown().lowest_30_days, gbp(850));
    shelf.pass(DAY * 35);
    let now = shelf.now();
    shelf.ask(&sale("later", 1_000, now, 2)).unwrap();
    let was = shelf.shown().before.map(|it| it.was);
    assert_eq!(was, Some(gbp(1_000)), "after thirty days it is over");
}

#[derive(Debug, Clone)]
enum Step {
    Change { base: i64 },
    Promote { off: i32, after: u64, hours: u64 },
    Strategy { points: i32 },
    RollBack { to: u32 },
    Look,
    Pass { hours: u64 },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (850i64..1_150).prop_map(|base| Step::Change { base }),
        3 => (1i32..3_000, 0u64..200, 1u64..600)
            .prop_map(|(off, after, hours)| Step::Promote { off, after, hours }),
        1 => (-500i32..500).prop_map(|points| Step::Strategy { points }),
        1 => (1u32..5).prop_map(|to| Step::RollBack { to }),
        1 => Just(Step::Look),
        4 => (1u64..300).prop_map(|hours| Step::Pass { hours }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases() / 4 + 1))]

    /// Catches: a moment at which the shelf asked less and that is forgotten. The model looks at the
    /// shelf every hour and remembers all of it.
    #[test]
    fn the_lowest_price_is_the_one_that_was_seen(
        steps in proptest::collection::vec(any_step(), 1..25),
    ) {
        let mut shelf = shelf_of(1_000, 400);
        // Hour by hour, what the shelf asked and what it would have without promotions.
        let mut seen = vec![(1_000, 1_000); 30 * 24];
        for (step, number) in steps.into_iter().zip(0..) {
            match step {
                Step::Change { base } => drop(shelf.change(&format!("c{number}"), base, 400)),
                Step::Promote { off, after, hours } => {
                    let from = shelf.now().plus(HOUR * u32::try_from(after).unwrap());
                    let until = from.plus(HOUR * u32::try_from(hours).unwrap());
                    let terms = PromotionTerms::share(BasisPoints::new(off), from, until);
                    let _ = shelf.plan(&format!("p{number}"), terms);
                }
                Step::Strategy { points } => drop(shelf.ask(&adjust(points))),
                Step::RollBack { to } => drop(shelf.ask(&RollBackPrice { sku: sku(), to })),
                Step::Look => shelf.ask(&LookAtShelf { sku: sku() }).unwrap(),
                Step::Pass { hours } => {
                    for _ in 0..hours {
                        let quote = shelf.quote(None);
                        let regular = shelf.why(&quote).unwrap().regular;
                        seen.push((quote.unit.minor(), regular.minor()));
                        shelf.pass(HOUR);
                    }
                }
            }
            let shown = shelf.shown();
            let (unit, window) = (shown.quote.unit.minor(), seen.len().saturating_sub(30 * 24));
            let lowest = seen[window..].iter().map(|(unit, _)| *unit).chain([unit]).min();
            prop_assert_eq!(Some(shown.lowest_30_days.minor()), lowest);
            if let Some(before) = shown.before {
                // From the hour in which it became what it is, thirty days back.
                let begun = shelf.now().since(before.since).as_secs() / 3_600;
                let begun = seen.len().saturating_sub(usize::try_from(begun).unwrap());
                let earlier = &seen[begun.saturating_sub(30 * 24)..begun];
                let least = earlier.iter().map(|(unit, _)| *unit).min().unwrap_or(1_000);
                prop_assert!(before.was.minor() > unit);
                prop_assert!(before.was.minor() <= least, "{before:?}, seen {least}");
            }
        }
    }
}
