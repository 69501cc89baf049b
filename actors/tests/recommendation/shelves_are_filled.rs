//! What is shown beside what: complements, substitutes, new products within their budget, and what
//! the merchant says.

use std::collections::BTreeSet;

use mercato_actors::{
    BusinessRules, CandidateContext, Candidates, Exposures, GenerateCandidates, LogExposure,
    NextProduct, PopularProducts, RecommendationAgent, RecommendationRejection, Rung, Showcase,
    ShownProduct,
};
use mercato_runtime::Principal;
use mercato_runtime::testkit::Given;
use proptest::prelude::*;

use super::{basket, nothing, shopper, sku, under};

fn on(shelf: Showcase, session: &[u16], next: &[u16]) -> GenerateCandidates {
    let next = next.iter().zip(1u32..).map(|(number, place)| NextProduct {
        sku: sku(*number),
        score: 1.0 / f64::from(place),
    });
    GenerateCandidates {
        context: CandidateContext {
            session: session.iter().map(|number| sku(*number)).collect(),
            next: next.collect(),
            shelf,
            wanted: 5,
            ..CandidateContext::default()
        },
    }
}

fn shown(products: &[(u16, Rung)]) -> LogExposure {
    let products = products.iter().map(|(number, rung)| ShownProduct {
        sku: sku(*number),
        rung: *rung,
    });
    LogExposure {
        shopper: None,
        shelf: Showcase::ForYou,
        products: products.collect(),
    }
}

fn asked(given: &mut Given<RecommendationAgent>, question: &GenerateCandidates) -> Candidates {
    given.ask(question).unwrap()
}

/// Catches: what is clicked next that is left out, or that stands behind everything else.
#[test]
fn what_is_clicked_next_and_what_is_bought_together_are_on_one_rung() {
    let mut given = nothing();
    given.ask(&basket(&[1, 2])).unwrap();
    let found = asked(&mut given, &on(Showcase::ForYou, &[1], &[7, 8])).products;
    let session: BTreeSet<_> = (found.iter())
        .filter(|candidate| candidate.rung == Rung::Session)
        .map(|candidate| candidate.sku.clone())
        .collect();
    assert_eq!(session, BTreeSet::from([sku(2), sku(7), sku(8)]));
    assert_eq!(found[0].sku, sku(7));
}

/// Catches: a complement that could be had instead of the product, and a substitute that is bought
/// together with it. Products whose numbers differ by forty are of one category.
#[test]
fn complements_go_with_a_product_and_substitutes_could_be_had_in_its_place() {
    let mut given = nothing();
    given.ask(&basket(&[1, 2])).unwrap();
    given.ask(&basket(&[1, 41])).unwrap();
    let beside = asked(&mut given, &on(Showcase::CrossSell, &[1], &[81, 3])).products;
    let names: Vec<_> = beside
        .iter()
        .map(|candidate| candidate.sku.clone())
        .collect();
    assert!(
        names[..2].contains(&sku(2)) && names[..2].contains(&sku(41)),
        "{names:?}"
    );
    assert!(
        !names.contains(&sku(81)),
        "of its category, and never bought with it"
    );
    assert!(names.contains(&sku(3)));
    for shelf in [Showcase::Substitutes, Showcase::UpSell] {
        let instead = asked(&mut given, &on(shelf, &[1], &[81, 3, 2])).products;
        assert_eq!(instead[0].sku, sku(81));
        assert!(
            instead
                .iter()
                .all(|candidate| *candidate.category == *"shelf 1")
        );
        assert!(instead.iter().all(|candidate| candidate.sku != sku(41)));
    }
}

/// Catches: the session's own products without having been asked for, and their absence where the
/// merchant wants them.
#[test]
fn a_visit_is_repeated_only_where_the_rules_say_so() {
    let rules = BusinessRules {
        repeats_visit: true,
        ..BusinessRules::default()
    };
    let question = on(Showcase::ForYou, &[1], &[1, 7]);
    let holds = |given: &mut Given<RecommendationAgent>| {
        let found = asked(given, &question).products;
        found
            .iter()
            .any(|candidate| candidate.sku == sku(1) && candidate.rung == Rung::Session)
    };
    assert!(!holds(&mut nothing()));
    assert!(holds(&mut under(rules)));
}

/// Catches: a correction that does nothing, or that is on where the merchant switched it off.
#[test]
fn what_everybody_buys_is_held_back() {
    let first = |percent: u8| {
        let rules = BusinessRules {
            popularity_correction_percent: percent,
            ..BusinessRules::default()
        };
        let mut given = under(rules);
        for _ in 0..100 {
            given.ask(&basket(&[7])).unwrap();
        }
        let mut question = on(Showcase::ForYou, &[1], &[7, 8]);
        question.context.next[1].score = 0.9;
        asked(&mut given, &question).products[0].sku.clone()
    };
    assert_eq!(first(0), sku(7));
    assert_eq!(first(10), sku(8));
}

/// Catches: a new product that is shown for ever, or that is offered once it found a buyer.
#[test]
fn a_new_product_is_offered_until_it_is_known() {
    let rules = BusinessRules {
        exploration_percent: 50,
        explored_shown_max: 2,
        ..BusinessRules::default()
    };
    let mut given = under(rules);
    let mut question = on(Showcase::ForYou, &[41], &[7]);
    question.context.wanted = 1;
    let new = |given: &mut Given<RecommendationAgent>| {
        let new = asked(given, &question).new.unwrap();
        assert_eq!(new.rung, Rung::New);
        new.sku
    };
    // Of the category that the shopper looks at.
    assert_eq!(new(&mut given), sku(1));
    given.ask(&basket(&[1])).unwrap();
    assert_eq!(new(&mut given), sku(81));
    given
        .ask(&shown(&[(81, Rung::New), (7, Rung::Session)]))
        .unwrap();
    assert_eq!(new(&mut given), sku(121), "others in their turn");
    given
        .ask(&shown(&[(81, Rung::Session), (7, Rung::Session)]))
        .unwrap();
    given.ask(&basket(&[121])).unwrap();
    given.ask(&basket(&[161])).unwrap();
    assert_ne!(new(&mut given), sku(81), "shown often enough");
}

/// Catches: exposures of strangers in another's name, of products that do not exist, and of lists
/// without an end.
#[test]
fn what_was_shown_is_noted_within_bounds() {
    let mut given = nothing();
    let mut exposure = shown(&[(1, Rung::Session); 30]);
    exposure.products.push(ShownProduct {
        sku: sku(999),
        rung: Rung::Session,
    });
    exposure.shopper = Some(shopper());
    given.turn_to(Principal::user("C2"));
    assert_eq!(given.ask(&exposure), Err(RecommendationRejection::NotYours));
    given.turn_to(Principal::user("C1"));
    given.ask(&exposure).unwrap();
    let exposures = given.state().model().exposures();
    assert_eq!(exposures.places(), (Exposures::SHOWN_MAX as u64, 0));
    assert_eq!(
        u64::from(exposures.shown(&sku(1))),
        Exposures::SHOWN_MAX as u64
    );
    given.ask(&shown(&[(999, Rung::Session)])).unwrap();
    assert_eq!(given.events().len(), 1);
}

/// Catches: a stranger who is told something else than everybody.
#[test]
fn what_is_popular_is_the_same_for_everybody() {
    let mut given = nothing();
    given.ask(&basket(&[9])).unwrap();
    let popular = given.ask(&PopularProducts { wanted: 3 }).unwrap();
    assert_eq!(popular.products[0].sku, sku(9));
    assert_eq!(popular.products[0].rung, Rung::Popular);
    let refused = given.ask(&PopularProducts { wanted: 65 });
    assert_eq!(refused.unwrap_err(), RecommendationRejection::TooManyWanted);
}

proptest! {
    /// Catches: a budget that new products get past, whatever is shown.
    #[test]
    fn new_products_have_no_more_than_their_share(
        shelves in proptest::collection::vec((1u16..=200, 1usize..20), 0..60),
        percent in 0u8..=50,
    ) {
        let rules = BusinessRules {
            exploration_percent: percent,
            ..BusinessRules::default()
        };
        let mut given = under(rules);
        for (number, places) in shelves {
            let question = on(Showcase::ForYou, &[number], &[]);
            let new = given.ask(&question).unwrap().new;
            let mut exposure = shown(&vec![(number, Rung::Session); places]);
            exposure.products.extend(new.map(|new| ShownProduct { sku: new.sku, rung: new.rung }));
            given.ask(&exposure).unwrap();
            let (all, explored) = given.state().model().exposures().places();
            prop_assert!(explored <= all * u64::from(percent) / 100 + 1);
            prop_assert!(percent > 0 || explored == 0);
        }
    }
}
