//! However much is learned, and however long the names are, the state is small enough to be stored. A
//! journal sets a larger snapshot aside, and the agent would then read all of its events at every
//! start.

use std::collections::BTreeMap;
use std::sync::Arc;

use mercato_actors::{
    BusinessRules, Catalogue, Clicks, Currency, Exposures, LearnBasket, LearnClick, LogExposure,
    Model, Money, NextItem, NextItemLimits, OrderId, Product, RecommendationAgent, Rung, SessionId,
    Showcase, ShownProduct, Sku, SuppressProduct, Visitor,
};
use mercato_runtime::testkit::{Given, given};
use mercato_runtime::{Agent, codec};
use proptest::prelude::*;

/// What a journal takes of all snapshots that wait.
const SNAPSHOT_BYTES_MAX: usize = 16 << 20;
/// How many bytes a name has at most.
const NAME_BYTES_MAX: usize = 64;

/// A name of this length.
fn named(number: usize, length: usize) -> Sku {
    Sku::new(format!("{number:0>length$}")).unwrap()
}

fn longest(number: usize) -> Sku {
    named(number, NAME_BYTES_MAX)
}

/// An agent of so many products with the longest names.
fn of_long_names(products: usize) -> Given<RecommendationAgent> {
    let products = (0..products).map(|number| Product {
        sku: longest(number),
        name: "a thing".into(),
        description: "".into(),
        category: "things".into(),
        base_price: Money::new(500, Currency::GBP),
        cost: Money::new(200, Currency::GBP),
    });
    let catalogue = Arc::new(Catalogue::new(products).unwrap());
    given(RecommendationAgent::new(
        catalogue,
        BusinessRules::default(),
    ))
}

/// Catches: open visits that leave no room for what was learned.
#[test]
fn open_visits_leave_the_clicks_their_room() {
    let mut given = of_long_names(1);
    for number in 0..Clicks::OPEN_MAX {
        let name = format!("{number:0>NAME_BYTES_MAX$}");
        let click = LearnClick {
            visitor: Visitor::Visit(SessionId::new(name).unwrap()),
            sku: longest(0),
            at: None,
        };
        given.ask(&click).unwrap();
    }
    assert_eq!(given.state().clicks().unwrap().open(), Clicks::OPEN_MAX);
    let open = codec::encode(given.state()).unwrap().len();
    let learned = NextItemLimits::default().stored_bytes_max;
    // So that others have some, too.
    assert!(open + learned < SNAPSHOT_BYTES_MAX / 8 * 7, "{open} bytes");
}

/// Catches: a model whose neighbours are stored by name, which takes 18 MB of the longest names.
#[test]
fn the_largest_model_can_be_stored_and_comes_back() {
    let bought = Model::ITEMS_MAX;
    let mut given = of_long_names(bought + Exposures::PRODUCTS_MAX);
    // In the second round each product meets others than in the first.
    let size = Model::BASKET_SKUS_MAX;
    for (number, stride) in (0..bought / size).flat_map(|number| [(number, 1), (number, 257)]) {
        let skus = (0..size).map(|place| longest((number * size + place * stride) % bought));
        let order = OrderId::new(format!("O{number}")).unwrap();
        let skus = skus.collect();
        given.ask(&LearnBasket { order, skus }).unwrap();
    }
    for first in (0..Exposures::PRODUCTS_MAX).step_by(Exposures::SHOWN_MAX) {
        let last = (first + Exposures::SHOWN_MAX).min(Exposures::PRODUCTS_MAX);
        let shown = (first..last).map(|number| ShownProduct {
            sku: longest(bought + number),
            rung: Rung::New,
        });
        let exposure = LogExposure {
            shopper: None,
            shelf: Showcase::ForYou,
            products: shown.collect(),
        };
        given.ask(&exposure).unwrap();
    }
    for number in 0..Model::SUPPRESSED_MAX {
        let suppress = SuppressProduct {
            sku: longest(number),
            reason: "x".repeat(200).into(),
        };
        given.ask(&suppress).unwrap();
    }
    let model = given.state().model();
    let neighbours = |number| model.neighbours(&longest(number)).count();
    assert_eq!(model.items(), bought);
    assert!((0..bought).all(|number| neighbours(number) == Model::NEIGHBOURS_MAX));
    let bytes = codec::encode(given.state()).unwrap();
    assert!(bytes.len() < SNAPSHOT_BYTES_MAX / 2, "{}", bytes.len());
    let restored: <RecommendationAgent as Agent>::State = codec::decode(&bytes).unwrap();
    assert_eq!(&restored, given.state());
}

/// Catches: a forgotten product that stays the neighbour of others, without end.
#[test]
fn what_the_model_forgets_is_nobodys_neighbour() {
    let mut given = of_long_names(2 * Model::ITEMS_MAX);
    for first in (0..2 * Model::ITEMS_MAX).step_by(2) {
        let order = OrderId::new("O1").unwrap();
        let skus = vec![longest(first), longest(first + 1)];
        given.ask(&LearnBasket { order, skus }).unwrap();
    }
    let model = given.state().model();
    assert!(model.items() <= Model::ITEMS_MAX);
    let bytes = codec::encode(given.state()).unwrap();
    let restored: <RecommendationAgent as Agent>::State = codec::decode(&bytes).unwrap();
    assert_eq!(&restored, given.state());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Catches: names, clicks or weights that are not counted, so that what is stored is larger than
    /// it may be; and a bound that leaves nothing learned.
    #[test]
    fn the_stored_clicks_stay_below_their_bytes_whatever_is_clicked(
        clicks in prop::collection::vec((0usize..9, 0usize..300, 1usize..4), 0..500),
        length in 4usize..=NAME_BYTES_MAX,
    ) {
        let limits = NextItemLimits {
            sessions_max: 500,
            clicks_max: 5_000,
            items_max: 300,
            session_clicks_max: 8,
            sources_max: 8,
            weights_max: 8,
            stored_bytes_max: 9_000,
        };
        // What is worked out for one click comes after what had to go.
        let one_more = 3 * limits.weights_max * 5;
        let mut next = NextItem::new(limits);
        let mut open = BTreeMap::new();
        for (who, number, steps) in clicks {
            for step in 0..steps {
                let sku = named((number + step) % 300, length);
                let session = next.learn(open.get(&who).copied(), &sku);
                open.insert(who, session);
            }
            let size = next.size();
            prop_assert!(size.stored_bytes <= limits.stored_bytes_max + one_more);
        }
        let size = next.size();
        let stored = codec::encode(&next).unwrap().len();
        prop_assert!(stored <= size.stored_bytes, "{stored} bytes, {size:?}");
        prop_assert!(size.clicks > 0 || open.is_empty());
    }
}
