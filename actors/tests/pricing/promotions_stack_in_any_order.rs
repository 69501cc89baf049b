//! What several promotions take off depends on which they are, not on their order.

use proptest::prelude::*;

use super::*;

fn share(off: i32) -> PromotionTerms {
    let now = shelf_of(1, 0).now();
    PromotionTerms::share(BasisPoints::new(off), now, now.plus(HOUR))
}

/// Catches: two exclusive promotions that both apply, and one that applies while it is paused or
/// over.
#[test]
fn of_exclusive_promotions_the_best_applies_until_it_is_paused() {
    let mut shelf = shelf_of(1_000, 100);
    shelf.promote("a", 1_000).unwrap();
    shelf.promote("b", 2_000).unwrap();
    assert_eq!(shelf.unit(), 800);
    let pause = PausePromotion {
        sku: sku(),
        promotion: promotion("b"),
        reason: PriceReason::LowStock,
    };
    shelf.ask(&pause).unwrap();
    shelf.ask(&pause).unwrap();
    assert_eq!(shelf.unit(), 900);
    shelf.pass(HOUR);
    assert_eq!(shelf.unit(), 1_000);
}

/// Catches: stackable promotions that compound, and an exclusive one that stacks.
#[test]
fn stackable_promotions_add_up_and_compete_with_exclusive_ones() {
    let mut shelf = shelf_of(1_000, 100);
    shelf.plan("a", share(1_000).stackable()).unwrap();
    let fixed = PromotionTerms {
        off: Reduction::Amount(gbp(50)),
        ..share(1).stackable()
    };
    shelf.plan("b", fixed).unwrap();
    assert_eq!(shelf.unit(), 850);
    shelf.promote("c", 1_200).unwrap();
    assert_eq!(shelf.unit(), 850, "150 off is more than 120 off");
    shelf
        .plan(
            "d",
            PromotionTerms {
                priority: 1,
                ..share(500)
            },
        )
        .unwrap();
    assert_eq!(
        shelf.unit(),
        950,
        "a higher priority wins though it takes off less"
    );
    let quote = shelf.quote(None);
    let why = shelf.why(&quote).unwrap();
    let outranked = why.notes.iter().filter(|(_, note)| {
        matches!(
            note,
            TraceNote::PromotionNotApplied {
                because: NotApplied::Outranked,
                ..
            }
        )
    });
    assert_eq!(outranked.count(), 3);
}

/// Catches: a cap that is forgotten, and shares that together take off more than is allowed.
#[test]
fn caps_hold() {
    let mut shelf = shelf_of(1_000, 1);
    let capped = PromotionTerms {
        cap: Some(gbp(70)),
        ..share(5_000).stackable()
    };
    shelf.plan("a", capped).unwrap();
    assert_eq!(shelf.unit(), 930);
    shelf.plan("b", share(7_000).stackable()).unwrap();
    assert_eq!(shelf.unit(), 300, "70 % at most");
}

/// Catches: a promotion for some that others get.
#[test]
fn a_promotion_is_for_those_it_names() {
    let mut shelf = shelf_of(1_000, 100);
    let loyal = PromotionTerms {
        segments: [Segment::Loyal].into(),
        ..share(1_000)
    };
    shelf.plan("a", loyal).unwrap();
    assert_eq!(shelf.unit(), 1_000);
    let ask = QuotePrice {
        sku: sku(),
        segment: Segment::Loyal,
        held: None,
    };
    assert_eq!(shelf.ask(&ask).unwrap().unit, gbp(882));
}

fn any_terms() -> impl Strategy<Value = PromotionTerms> {
    (
        1i32..=4_000,
        any::<bool>(),
        0u8..3,
        proptest::option::of(1i64..400),
        any::<bool>(),
    )
        .prop_map(|(off, stackable, priority, cap, fixed)| {
            let terms = PromotionTerms {
                priority,
                cap: cap.map(gbp),
                ..share(off)
            };
            let terms = if fixed {
                PromotionTerms {
                    off: Reduction::Amount(gbp(i64::from(off) / 8 + 1)),
                    ..terms
                }
            } else {
                terms
            };
            if stackable { terms.stackable() } else { terms }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    /// Catches: a price or an explanation that depends on which promotion was set up first.
    #[test]
    fn the_order_of_promotions_means_nothing(
        planned in proptest::collection::vec(any_terms(), 1..8),
        order in Just((0..8usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let setup = |places: &mut dyn Iterator<Item = usize>| {
            let mut shelf = shelf_of(1_000, 100);
            for place in places {
                if let Some(terms) = planned.get(place) {
                    shelf.plan(&format!("p{place}"), terms.clone()).unwrap();
                }
            }
            let quote = shelf.quote(None);
            (quote.unit, shelf.why(&quote).unwrap().notes)
        };
        let straight = setup(&mut (0..8));
        let shuffled = setup(&mut order.into_iter());
        prop_assert_eq!(straight, shuffled);
    }
}
