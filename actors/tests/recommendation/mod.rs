//! What the Recommendation agent promises: bounded memory, own data only, no suppressed product.

// The helpers are tests too; clippy knows only functions marked as such.
mod after_a_restart;
mod answers_are_kept;
mod clicks_are_learned;
mod shelves_are_filled;
mod snapshots_have_room;

use std::sync::Arc;

use mercato_actors::{
    BusinessRules, CandidateContext, Candidates, Catalogue, Currency, CustomerId,
    GenerateCandidates, LearnBasket, Model, Money, OrderId, Product, RecommendationAgent,
    RecommendationRejection, RecordPurchase, RecordView, RestoreProduct, Rung, ShopperTaste, Sku,
    SuppressProduct, Taste,
};
use mercato_runtime::testkit::{Given, given};
use mercato_runtime::{Agent, Principal, codec};
use proptest::prelude::*;

/// A shopper, or the model, of whom nothing is known yet.
fn nothing() -> Given<RecommendationAgent> {
    under(BusinessRules::default())
}

fn under(rules: BusinessRules) -> Given<RecommendationAgent> {
    given(RecommendationAgent::new(Arc::new(catalogue()), rules))
}

fn catalogue() -> Catalogue {
    let products = (1..=200).map(|number| Product {
        sku: sku(number),
        name: format!("product {number}").into(),
        description: "".into(),
        category: format!("shelf {}", number % 40).into(),
        base_price: Money::new(500, Currency::GBP),
        cost: Money::new(200, Currency::GBP),
    });
    Catalogue::new(products).unwrap()
}

fn sku(number: u16) -> Sku {
    Sku::new(format!("S{number:03}")).unwrap()
}

fn shopper() -> CustomerId {
    CustomerId::new("C1").unwrap()
}

fn order() -> OrderId {
    OrderId::new("O1").unwrap()
}

fn view(number: u16) -> RecordView {
    RecordView {
        shopper: shopper(),
        sku: sku(number),
    }
}

fn basket(numbers: &[u16]) -> LearnBasket {
    LearnBasket {
        order: order(),
        skus: numbers.iter().map(|number| sku(*number)).collect(),
    }
}

fn after(number: u16, wanted: usize) -> GenerateCandidates {
    GenerateCandidates {
        context: CandidateContext {
            session: vec![sku(number)],
            wanted,
            ..CandidateContext::default()
        },
    }
}

#[test]
fn a_taste_grows_from_views_and_purchases() {
    let mut given = nothing();
    given.ask(&view(1)).unwrap();
    given.ask(&view(2)).unwrap();
    given.ask(&view(1)).unwrap();
    let bought = RecordPurchase {
        shopper: shopper(),
        order: order(),
        skus: vec![sku(3), sku(3), sku(999)],
    };
    given.ask(&bought).unwrap();
    let taste = given.ask(&ShopperTaste { shopper: shopper() }).unwrap();
    assert_eq!(taste.views, [sku(1), sku(2)]);
    assert_eq!(taste.purchases.len(), 1);
    assert!(taste.affinity("shelf 3") > taste.affinity("shelf 1"));
}

#[test]
fn a_taste_is_its_owners_and_the_shops() {
    let mut given = nothing();
    given.turn_to(Principal::user("C2"));
    let refused = Err(RecommendationRejection::NotYours);
    assert_eq!(given.ask(&ShopperTaste { shopper: shopper() }), refused);
    assert_eq!(given.ask(&view(1)), Err(RecommendationRejection::NotYours));
    given.turn_to(Principal::user("C1"));
    assert!(given.ask(&view(1)).is_ok());
}

#[test]
fn an_unknown_product_is_refused_where_it_is_looked_at_and_passed_over_where_it_was_bought() {
    let mut given = nothing();
    let refused = Err(RecommendationRejection::UnknownProduct(sku(999)));
    assert_eq!(given.ask(&view(999)), refused);
    given.ask(&basket(&[999])).unwrap();
    assert!(given.events().is_empty());
}

#[test]
fn what_is_learned_is_recommended_until_it_is_suppressed() {
    let mut given = nothing();
    given.ask(&basket(&[1, 2])).unwrap();
    let first = |given: &mut Given<RecommendationAgent>| {
        let Candidates { products, .. } = given.ask(&after(1, 1)).unwrap();
        (products[0].sku.clone(), products[0].rung)
    };
    assert_eq!(first(&mut given), (sku(2), Rung::Session));
    let suppress = SuppressProduct {
        sku: sku(2),
        reason: "low stock".into(),
    };
    given.ask(&suppress).unwrap();
    given.ask(&suppress).unwrap();
    assert_ne!(first(&mut given).0, sku(2));
    given.ask(&RestoreProduct { sku: sku(2) }).unwrap();
    given.ask(&RestoreProduct { sku: sku(2) }).unwrap();
    assert_eq!(first(&mut given), (sku(2), Rung::Session));
    assert_eq!(given.events().len(), 3);
}

#[test]
fn too_many_candidates_and_too_long_a_reason_are_refused() {
    let mut given = nothing();
    let refused = RecommendationRejection::TooManyWanted;
    assert_eq!(given.ask(&after(1, 65)).unwrap_err(), refused);
    let suppress = SuppressProduct {
        sku: sku(2),
        reason: "x".repeat(201).into(),
    };
    let refused = Err(RecommendationRejection::ReasonTooLong);
    assert_eq!(given.ask(&suppress), refused);
}

#[test]
fn a_state_survives_its_stored_form() {
    let mut given = nothing();
    given.ask(&basket(&[1, 2, 3])).unwrap();
    let bytes = codec::encode(given.state()).unwrap();
    let restored: <RecommendationAgent as Agent>::State = codec::decode(&bytes).unwrap();
    assert_eq!(&restored, given.state());
}

proptest! {
    #[test]
    fn a_taste_stays_bounded_and_replays_the_same(
        numbers in proptest::collection::vec(1u16..=200, 0..400)
    ) {
        let mut given = nothing();
        for number in &numbers {
            given.ask(&view(*number)).unwrap();
            let bought = RecordPurchase {
                shopper: shopper(),
                order: order(),
                skus: vec![sku(*number)],
            };
            given.ask(&bought).unwrap();
        }
        let taste = given.ask(&ShopperTaste { shopper: shopper() }).unwrap();
        prop_assert!(taste.views.len() <= Taste::VIEWS_MAX);
        prop_assert!(taste.purchases.len() <= Taste::PURCHASES_MAX);
        prop_assert!(taste.categories.len() <= Taste::CATEGORIES_MAX);
        let mut replayed = <RecommendationAgent as Agent>::State::default();
        for event in given.events() {
            RecommendationAgent::evolve(&mut replayed, event);
        }
        prop_assert_eq!(&replayed, given.state());
    }

    #[test]
    fn a_large_basket_is_learned_in_part(size in 0u16..200) {
        let mut given = nothing();
        given.ask(&basket(&(1..=size).collect::<Vec<_>>())).unwrap();
        prop_assert!(given.state().model().items() <= Model::BASKET_SKUS_MAX);
    }
}

/// Catches: a shopper who decides what all others are shown.
#[test]
fn what_everybody_is_shown_is_not_for_one_shopper_to_say() {
    let mut given = nothing().by(Principal::user("C1"));
    let suppress = SuppressProduct {
        sku: sku(1),
        reason: "not to my taste".into(),
    };
    assert_eq!(given.ask(&suppress), Err(RecommendationRejection::NotStaff));
    let restore = RestoreProduct { sku: sku(1) };
    assert_eq!(given.ask(&restore), Err(RecommendationRejection::NotStaff));
    assert_eq!(given.events(), []);
}
