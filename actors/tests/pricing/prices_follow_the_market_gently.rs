//! Competitors' prices are weighed before they count, and a price follows them by steps.

use proptest::prelude::*;

use super::*;

fn notes_of(shelf: &mut Given<PricingAgent>) -> Vec<TraceNote> {
    let quote = shelf.quote(None);
    let why = shelf.why(&quote).unwrap();
    let market = why
        .notes
        .into_iter()
        .filter(|(step, _)| *step == PriceStep::Competitor);
    market.map(|(_, note)| note).collect()
}

fn ignored(source: &str, because: IgnoredBecause) -> TraceNote {
    TraceNote::CompetitorIgnored {
        source: CompetitorId::new(source).unwrap(),
        because,
    }
}

/// Catches: a stale price that still counts, and one that is dropped without a word.
#[test]
fn a_stale_competitor_price_is_ignored_and_the_trace_says_so() {
    let mut shelf = shelf_of(1_000, 500);
    let seen = shelf.see(&[("one", 800)]);
    let BasisPoints { .. } = BasisPoints::ZERO;
    assert_eq!(seen.taken, 1);
    assert_eq!(shelf.unit(), 960, "a fifth of the gap of 20 %");
    assert_eq!(
        notes_of(&mut shelf),
        [TraceNote::Market {
            reference: gbp(800),
            sources: 1
        }]
    );
    shelf.pass(HOUR * 25);
    assert_eq!(
        notes_of(&mut shelf),
        [ignored("one", IgnoredBecause::Stale)]
    );
    let repriced = shelf.ask(&Reprice { sku: sku() }).unwrap();
    assert!(matches!(
        repriced,
        Repriced::Moved {
            reason: LevelReason::BackToNormal,
            ..
        }
    ));
    assert_eq!(shelf.unit(), 1_000);
}

/// Catches: a mean in place of the median, which one wrong price drags along.
#[test]
fn outliers_do_not_count() {
    let mut shelf = shelf_of(1_000, 500);
    shelf.see(&[("a", 900), ("b", 910), ("c", 890), ("d", 9)]);
    let notes = notes_of(&mut shelf);
    let market = TraceNote::Market {
        reference: gbp(900),
        sources: 3,
    };
    assert_eq!(notes, [ignored("d", IgnoredBecause::Outlier), market]);
}

/// Catches: a lone price of another article, a hundred times ours, that is believed.
#[test]
fn a_lone_price_is_held_against_our_own() {
    let mut shelf = shelf_of(1_000, 500);
    shelf.see(&[("a", 100_000)]);
    assert_eq!(
        notes_of(&mut shelf),
        [ignored("a", IgnoredBecause::Outlier)]
    );
    assert_eq!(shelf.unit(), 1_000);
}

/// Catches: a source that is hardly believed and counts like another.
#[test]
fn confidence_weighs() {
    let mut shelf = shelf_of(1_000, 500);
    let seen_at = shelf.now();
    let told = |source, unit, share| CompetitorObservation {
        confidence: BasisPoints::new(share),
        ..observed_at(source, unit, seen_at)
    };
    let observed = vec![
        told("a", 900, 9_000),
        told("b", 1_100, 4_000),
        told("c", 950, 2_000),
    ];
    shelf
        .ask(&RecordCompetitorPrices {
            sku: sku(),
            observed,
        })
        .unwrap();
    let market = TraceNote::Market {
        reference: gbp(900),
        sources: 2,
    };
    assert_eq!(
        notes_of(&mut shelf),
        [ignored("c", IgnoredBecause::Confidence), market]
    );
}

/// Catches: one bad price in a feed that keeps the good ones out, and one that is taken in.
#[test]
fn what_cannot_count_is_told_and_the_rest_taken() {
    let mut shelf = shelf_of(1_000, 500);
    let now = shelf.now();
    shelf.see(&[("known", 990)]);
    let observed = vec![
        observed_at("good", 980, now),
        observed_at("future", 980, now.plus(HOUR)),
        observed_at("old", 980, now.minus(HOUR * 25)),
        observed_at("zero", 0, now),
        observed_at("known", 1, now),
        CompetitorObservation {
            unit: Money::new(1, Currency::EUR),
            ..observed_at("euro", 1, now)
        },
        CompetitorObservation {
            confidence: BasisPoints::new(10_001),
            ..observed_at("sure", 1, now)
        },
    ];
    let seen = shelf
        .ask(&RecordCompetitorPrices {
            sku: sku(),
            observed,
        })
        .unwrap();
    use IgnoredBecause as I;
    let because: Vec<_> = seen.ignored.iter().map(|(_, because)| *because).collect();
    let expected = [
        I::NotYet,
        I::Stale,
        I::Amount,
        I::Superseded,
        I::Currency,
        I::Confidence,
    ];
    assert_eq!((seen.taken, because.as_slice()), (1, expected.as_slice()));
}

/// Catches: a feed that grows the state without a bound.
#[test]
fn sources_are_bounded_and_stale_ones_make_room() {
    let mut shelf = shelf_of(1_000, 500);
    let many = |from: usize, to| (from..to).map(|n| format!("s{n}")).collect::<Vec<_>>();
    let names = many(0, 20);
    let prices: Vec<_> = names.iter().map(|name| (name.as_str(), 990)).collect();
    let seen = shelf.see(&prices);
    assert_eq!((seen.taken, seen.ignored.len()), (16, 4));
    shelf.pass(HOUR * 25);
    let names = many(20, 24);
    let prices: Vec<_> = names.iter().map(|name| (name.as_str(), 990)).collect();
    assert_eq!(shelf.see(&prices).taken, 4);
    assert_eq!(shelf.state().price().current().competitors.len(), 16);
}

/// Catches: a price that jumps to its target, moves again at once, or shivers about it.
#[test]
fn a_price_moves_by_steps_and_rests_near_its_target() {
    let settings = PricingSettings {
        competitor_pull: BasisPoints::new(5_000),
        ..PricingSettings::default()
    };
    let mut shelf = shelf_with(settings, 1_000, 500);
    let mut asked = Vec::new();
    for _ in 0..5 {
        shelf.see(&[("one", 760)]);
        asked.push(shelf.unit());
        shelf.pass(HOUR * 3);
    }
    // 5 % at a time, every six hours, to 1 000 - 0.5 · 240.
    assert_eq!(asked, [950, 950, 900, 900, 880]);
    shelf.pass(HOUR * 3);
    let seen = shelf.see(&[("one", 762)]);
    let held = Repriced::Held {
        level: BasisPoints::new(-1_200),
        because: LevelHeld::WithinBand,
    };
    assert_eq!(seen.repriced, held);
}

/// Catches: what is new that follows the market, and what is to go that becomes dearer.
#[test]
fn life_says_how_far_the_market_counts() {
    for (lifecycle, market, level) in [
        (Lifecycle::Introduction, 700, 0),
        (Lifecycle::Clearance, 1_300, 0),
        // A fifth of the way from 850, which is what is left of 1 000, to 700.
        (Lifecycle::Clearance, 700, -352),
    ] {
        let mut shelf = shelf_of(1_000, 500);
        let mut change = change("life", 1_000, 500);
        change.terms.lifecycle = lifecycle;
        shelf.ask(&change).unwrap();
        shelf.see(&[("one", market)]);
        let moved = shelf.state().price().current().level;
        assert_eq!(moved.get(), level, "{lifecycle:?} {market}");
    }
}

/// Two shops with one policy that watch each other, for so many rounds: their prices after each.
fn duel(mut shops: [Given<PricingAgent>; 2], rounds: usize) -> Vec<[i64; 2]> {
    let mut seen = Vec::new();
    for _ in 0..rounds {
        let prices = [shops[0].unit(), shops[1].unit()];
        seen.push(prices);
        let [one, other] = &mut shops;
        one.see(&[("other", prices[1])]);
        other.see(&[("one", prices[0])]);
        one.pass(HOUR * 7);
        other.pass(HOUR * 7);
    }
    seen
}

/// Catches: shops that change places for good, because a round brings them nearer by less than it
/// rounds. One drawn pair in twenty thousand does so, and this is one.
#[test]
fn shops_that_follow_nearly_all_the_way_come_to_rest() {
    let settings = || PricingSettings {
        competitor_pull: BasisPoints::new(9_842),
        ..PricingSettings::default()
    };
    let seen = duel(
        [5_599, 5_161].map(|base| shelf_with(settings(), base, 0)),
        253,
    );
    assert_eq!(seen[189], seen[252], "{seen:?}");
    assert_eq!(seen[188], seen[189], "{seen:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases() / 4 + 1))]

    /// Catches: a price war. Two shops that follow each other come to rest, never below a floor, and
    /// no lower than the level that each may move from its own price.
    #[test]
    fn two_shops_that_follow_each_other_come_to_rest(
        bases in [100i64..100_000, 100i64..100_000],
        margins in [0i64..90, 0i64..90],
        pull in 100i32..=9_900,
    ) {
        let settings = || PricingSettings { competitor_pull: BasisPoints::new(pull), ..PricingSettings::default() };
        let cost = |shop: usize| bases[shop] * margins[shop] / 100;
        let shops = [0, 1].map(|shop| shelf_with(settings(), bases[shop], cost(shop)));
        // Their difference shrinks by the pull in each round, so one near the whole takes longer.
        let rounds = usize::try_from(4 * 10_000 / (10_000 - pull)).unwrap().max(40);
        let seen = duel(shops, rounds);
        for shop in [0, 1] {
            let floor = gbp(cost(shop)).adjusted(BasisPoints::new(500)).unwrap().minor().max(1);
            let lowest = gbp(bases[shop]).adjusted(BasisPoints::new(-1_500)).unwrap().minor();
            for prices in &seen {
                prop_assert!(prices[shop] >= lowest.max(floor), "{:?}", seen);
            }
        }
        prop_assert_eq!(seen.get(rounds * 3 / 4), seen.last(), "{:?}", seen);
    }
}
