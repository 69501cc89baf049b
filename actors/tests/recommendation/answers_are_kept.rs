//! What strangers are shown is kept until something happens that changes it, and no longer.

use std::collections::BTreeSet;
use std::time::Duration;

use mercato_actors::{
    BrowseRequest, LearnBasket, LogExposure, OrderId, PopularProducts, Quantity, ReceiveStock,
    RecommendationAgent, RecommendationEvent, Recommendations, RestoreProduct, Rung, Showcase,
    ShownProduct, Sku, SuppressProduct, recommend,
};
use mercato_runtime::testkit::{Given, TestRuntime, TestWorld};
use mercato_runtime::{CacheStats, CachesSettings, Caller, Command, Event, Principal, Tag};
use proptest::prelude::*;

use super::after_a_restart::{browse, shop_under, shown};
use super::{nothing, sku};

fn responses(runtime: &TestRuntime) -> CacheStats {
    let handle = runtime.handle();
    let stats = handle.caches().unwrap().stats();
    stats.into_iter().next().unwrap()
}

fn basket(number: u16, skus: Vec<Sku>) -> LearnBasket {
    let order = OrderId::new(format!("O{number}")).unwrap();
    LearnBasket { order, skus }
}

/// Catches: an answer that makes itself wrong by being shown, one that stays when what is bought
/// changes, and new products that wait for that as well.
#[tokio::test(start_paused = true)]
async fn what_is_popular_is_asked_for_anew_when_something_is_bought_and_not_when_it_is_shown() {
    let world = TestWorld::new(9);
    let open = |builder| {
        let shop = shop_under(builder, |rules| {
            rules.exploration_percent = 50;
            rules.explored_shown_max = u32::MAX;
        });
        shop.caches(CachesSettings::default())
    };
    let runtime = world.start(open).await;
    for number in 1..=200 {
        let quantity = Quantity::new(20).unwrap();
        let sku = sku(number);
        runtime.ask(ReceiveStock { sku, quantity }).await.unwrap();
    }
    runtime.ask(basket(1, vec![sku(9), sku(8)])).await.unwrap();
    let mut new = BTreeSet::new();
    for _ in 0..20 {
        let answer = shown(&runtime, browse(None, &[])).await.unwrap();
        assert_eq!(answer.items[0].rung, Rung::Popular);
        let found = answer.items.iter().filter(|item| item.rung == Rung::New);
        new.extend(found.map(|item| item.sku.clone()));
        world.pass(Duration::from_secs(1)).await;
    }
    assert!(new.len() >= 5, "new products take turns: {new:?}");
    // What is popular was loaded once, and the stock and the price of each product that it names and
    // of each new one.
    let stats = responses(&runtime);
    assert!(stats.loads <= 1 + 2 * (15 + 20), "{stats:?}");
    assert_eq!(stats.invalidated, 0, "{stats:?}");

    for number in 2..5 {
        runtime.ask(basket(number, vec![sku(77)])).await.unwrap();
    }
    let answer = shown(&runtime, browse(None, &[])).await.unwrap();
    assert_eq!(answer.items[0].sku, sku(77), "it is bought most by now");
    runtime.stop().await;
}

/// A shop in whose cache is what is popular, which is no longer fresh, for something was bought since.
/// Products 1 and 41 are of one category.
async fn with_an_answer_from_before(world: &TestWorld) -> TestRuntime {
    let open = |builder| {
        let shop = shop_under(builder, |rules| rules.exploration_percent = 50);
        shop.caches(CachesSettings::default())
    };
    let runtime = world.start(open).await;
    for number in 1..=200 {
        let quantity = Quantity::new(20).unwrap();
        let sku = sku(number);
        runtime.ask(ReceiveStock { sku, quantity }).await.unwrap();
    }
    for (order, number) in (1..).zip([1, 2, 3, 4, 41]) {
        runtime.ask(basket(order, vec![sku(number)])).await.unwrap();
    }
    let before = shown(&runtime, browse(None, &[])).await.unwrap();
    assert_eq!(before.rung(), Some(Rung::Popular));
    runtime.ask(basket(9, vec![sku(5)])).await.unwrap();
    world.pass(Duration::from_secs(1)).await;
    runtime
}

/// What is shown where no agent can be asked: no time is left for it.
async fn shown_at_once(runtime: &TestRuntime, request: BrowseRequest) -> Recommendations {
    let caller = Caller::new(Principal::user("ada")).within(Duration::ZERO);
    let handle = runtime.handle();
    let answered = handle.serve(&caller, async |scope| recommend(scope, request).await);
    answered.await.unwrap()
}

fn skus(answer: &Recommendations) -> Vec<Sku> {
    answer.items.iter().map(|item| item.sku.clone()).collect()
}

/// Catches: a request that fails with the agent though there is an answer from before, one that passes
/// for fresh, and products that this visit has seen.
#[tokio::test(start_paused = true)]
async fn what_was_answered_before_stands_in_for_an_agent_that_cannot_be_asked() {
    let world = TestWorld::new(9);
    let runtime = with_an_answer_from_before(&world).await;
    let stranger = shown_at_once(&runtime, browse(None, &[])).await;
    assert_eq!(stranger.items.len(), 5);
    assert!(stranger.items.iter().all(|item| item.rung == Rung::Cached));
    assert!(skus(&stranger).contains(&sku(1)) && skus(&stranger).contains(&sku(2)));
    let visitor = shown_at_once(&runtime, browse(None, &[1, 2])).await;
    assert_eq!(visitor.items.len(), 5);
    assert!(visitor.items.iter().all(|item| item.rung == Rung::Cached));
    let found = skus(&visitor);
    assert!(
        !found.contains(&sku(1)) && !found.contains(&sku(2)),
        "{found:?}"
    );
    assert!(found.contains(&sku(3)));
    runtime.stop().await;
}

/// Catches: whatever is popular on a shelf that is about one product.
#[tokio::test(start_paused = true)]
async fn what_was_answered_before_stands_on_a_shelf_only_where_it_fits() {
    let world = TestWorld::new(9);
    let runtime = with_an_answer_from_before(&world).await;
    let mut request = browse(None, &[1]);
    request.shelf = Showcase::CrossSell;
    let beside = skus(&shown_at_once(&runtime, request.clone()).await);
    assert!(beside.contains(&sku(2)), "{beside:?}");
    assert!(
        !beside.contains(&sku(1)) && !beside.contains(&sku(41)),
        "{beside:?}"
    );
    request.shelf = Showcase::Substitutes;
    let instead = skus(&shown_at_once(&runtime, request.clone()).await);
    assert_eq!(instead, [sku(41)]);
    request.session = vec![sku(150)];
    let of_nothing_known = shown_at_once(&runtime, request).await;
    assert_eq!(of_nothing_known.items, []);
    runtime.stop().await;
}

#[derive(Debug, Clone)]
enum Act {
    Buy(Vec<u16>),
    Suppress(u16),
    Restore(u16),
    Show(Vec<u16>),
}

fn act() -> impl Strategy<Value = Act> {
    let number = 1u16..=24;
    prop_oneof![
        prop::collection::vec(number.clone(), 1..4).prop_map(Act::Buy),
        number.clone().prop_map(Act::Suppress),
        number.clone().prop_map(Act::Restore),
        prop::collection::vec(number, 1..8).prop_map(Act::Show),
    ]
}

fn carry_out(given: &mut Given<RecommendationAgent>, act: Act) {
    let skus = |numbers: Vec<u16>| numbers.into_iter().map(sku).collect::<Vec<_>>();
    match act {
        Act::Buy(numbers) => given.ask(&basket(1, skus(numbers))).unwrap(),
        Act::Suppress(number) => {
            let reason = "low".into();
            let sku = sku(number);
            given.ask(&SuppressProduct { sku, reason }).unwrap();
        }
        Act::Restore(number) => given.ask(&RestoreProduct { sku: sku(number) }).unwrap(),
        Act::Show(numbers) => {
            let shown = skus(numbers).into_iter().map(|sku| ShownProduct {
                sku,
                rung: Rung::New,
            });
            let exposure = LogExposure {
                shopper: None,
                shelf: Showcase::ForYou,
                products: shown.collect(),
            };
            given.ask(&exposure).unwrap();
        }
    }
}

/// Whether the event is one of the model's. There is no arm for the rest, so that whoever adds an
/// event thinks of what it does to answers that are kept, and adds an act that records it.
fn is_tried(event: &RecommendationEvent) -> bool {
    match event {
        RecommendationEvent::BasketLearned(_)
        | RecommendationEvent::ProductSuppressed(_)
        | RecommendationEvent::ProductRestored(_)
        | RecommendationEvent::ProductsShown(_) => true,
        RecommendationEvent::ProductViewed(_)
        | RecommendationEvent::ProductsBought(_)
        | RecommendationEvent::ClickLearned(_) => false,
    }
}

proptest! {
    /// Catches: an event that changes what is popular and leaves the answer that was kept.
    #[test]
    fn whatever_changes_what_is_popular_is_what_it_depends_on(
        acts in prop::collection::vec(act(), 1..40)
    ) {
        let mut given = nothing();
        let question = PopularProducts { wanted: 24 };
        let tags = question.depends_on();
        let mut kept = given.ask(&question).unwrap();
        for act in acts {
            let before = given.events().len();
            carry_out(&mut given, act);
            let now = given.ask(&question).unwrap();
            let events = &given.events()[before..];
            prop_assert!(events.iter().all(is_tried));
            let tag = |event: &RecommendationEvent| Tag::event::<RecommendationAgent>(event.name());
            let is_outdated = events.iter().any(|event| tags.contains(&tag(event)));
            prop_assert!(is_outdated || now == kept);
            kept = now;
        }
    }
}
