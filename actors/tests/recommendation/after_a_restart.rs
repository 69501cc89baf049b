//! The whole way through a runtime: views teach by themselves, what is shown can be bought, and after
//! a crash all is as before.

use std::sync::Arc;
use std::time::Duration;

use mercato_actors::{
    BrowseRequest, BusinessRules, CustomerId, Device, InProcessCarrier, InProcessCompetitors,
    InProcessMail, InProcessPayments, InProcessProcurement, Messengers, NextProduct, NextProducts,
    Ports, Quantity, ReceiveStock, RecommendError, Recommendations, RecordView, Rung, Shop,
    Showcase, Situation, recommend,
};
use mercato_runtime::testkit::{TestRuntime, TestWorld};
use mercato_runtime::{Caller, Principal, RuntimeBuilder};

use super::{catalogue, sku};

fn shop(builder: RuntimeBuilder) -> RuntimeBuilder {
    shop_under(builder, |rules| rules.exploration_percent = 0)
}

pub(super) fn shop_under(
    builder: RuntimeBuilder,
    terms: impl FnOnce(&mut BusinessRules),
) -> RuntimeBuilder {
    let ports = Ports {
        payments: Arc::new(InProcessPayments::new(Default::default())),
        carrier: Arc::new(InProcessCarrier::new(Default::default())),
        mail: Arc::new(InProcessMail::new(Default::default())),
        messengers: Messengers::in_process(),
        procurement: Arc::new(InProcessProcurement::new(
            Default::default(),
            Default::default(),
        )),
        competitors: Arc::new(InProcessCompetitors::new()),
    };
    let mut shop = Shop::new(Arc::new(catalogue()));
    // So that a restart is from a snapshot and the events after it.
    shop.agents.recommendation.snapshot_every_events = std::num::NonZeroU64::new(16);
    terms(&mut shop.rules);
    shop.open(builder, &ports)
}

fn customer(name: &str) -> CustomerId {
    CustomerId::new(name).unwrap()
}

async fn look(runtime: &TestRuntime, who: &str, number: u16) {
    let view = RecordView {
        shopper: customer(who),
        sku: sku(number),
    };
    runtime.ask(view).await.unwrap();
}

pub(super) fn browse(who: Option<&str>, session: &[u16]) -> BrowseRequest {
    BrowseRequest {
        shopper: who.map(customer),
        session: session.iter().map(|number| sku(*number)).collect(),
        situation: Situation::default(),
        shelf: Showcase::ForYou,
        limit: 5,
    }
}

pub(super) async fn shown(
    runtime: &TestRuntime,
    request: BrowseRequest,
) -> Result<Recommendations, RecommendError> {
    let caller = Caller::new(Principal::user("ada")).within(Duration::from_secs(5));
    let served = runtime.handle();
    served
        .serve(&caller, async |scope| recommend(scope, request).await)
        .await
}

async fn next(runtime: &TestRuntime, session: &[u16]) -> Vec<NextProduct> {
    let question = NextProducts {
        visitor: None,
        session: session.iter().map(|number| sku(*number)).collect(),
        wanted: 20,
    };
    runtime.ask(question).await.unwrap()
}

/// Sixty visits that walk through neighbouring products, and stock of all of them.
async fn teach(world: &TestWorld, runtime: &TestRuntime) {
    for number in 1..=24 {
        let quantity = Quantity::new(20).unwrap();
        let sku = sku(number);
        runtime.ask(ReceiveStock { sku, quantity }).await.unwrap();
    }
    for visit in 0u16..60 {
        for step in 0..4 {
            look(runtime, &format!("c{visit}"), 1 + (visit + step) % 20).await;
        }
    }
    // Triggers read what is durable.
    world.pass(Duration::from_secs(5)).await;
}

/// Catches: views that teach nothing, a model that does not come back, and one that comes back
/// otherwise than it went.
#[tokio::test(start_paused = true)]
async fn recommendations_are_the_same_after_a_crash() {
    let world = TestWorld::new(6);
    let runtime = world.start(shop).await;
    teach(&world, &runtime).await;
    let mut before = Vec::new();
    for number in 1..=20 {
        before.push(next(&runtime, &[number]).await);
    }
    assert!(before.iter().all(|next| !next.is_empty()));
    let shown_before = shown(&runtime, browse(None, &[3, 2])).await.unwrap();
    assert_eq!(shown_before.rung(), Some(Rung::Session));
    runtime.crash().await;

    let runtime = world.start(shop).await;
    for (number, before) in (1..=20).zip(before) {
        assert_eq!(next(&runtime, &[number]).await, before);
    }
    let shown_after = shown(&runtime, browse(None, &[3, 2])).await.unwrap();
    assert_eq!(shown_after, shown_before);
    // And it goes on learning.
    look(&runtime, "new", 22).await;
    look(&runtime, "new", 24).await;
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(next(&runtime, &[22]).await[0].sku, sku(24));
    runtime.stop().await;
}

/// Catches: a device that is not looked at.
#[tokio::test(start_paused = true)]
async fn a_phone_shows_fewer() {
    let world = TestWorld::new(8);
    let runtime = world.start(shop).await;
    teach(&world, &runtime).await;
    let mut request = browse(None, &[]);
    request.limit = 20;
    let desktop = shown(&runtime, request.clone()).await.unwrap();
    request.situation.device = Device::Phone;
    let phone = shown(&runtime, request).await.unwrap();
    assert_eq!(phone.items, desktop.items[..8]);
    runtime.stop().await;
}

/// Catches: a rung that is not what it says, what cannot be bought on the shelf, and more than one
/// of what is wanted.
#[tokio::test(start_paused = true)]
async fn each_answer_is_labelled_and_can_be_bought() {
    let world = TestWorld::new(7);
    let runtime = world.start(shop).await;
    teach(&world, &runtime).await;
    let stranger = shown(&runtime, browse(None, &[])).await.unwrap();
    assert_eq!(
        stranger.rung(),
        Some(Rung::Catalogue),
        "nobody has bought yet"
    );
    let visitor = shown(&runtime, browse(None, &[2])).await.unwrap();
    assert_eq!(visitor.rung(), Some(Rung::Session));
    look(&runtime, "ada", 10).await;
    let known = shown(&runtime, browse(Some("ada"), &[2])).await.unwrap();
    assert_eq!(known.rung(), Some(Rung::Personal));
    let repeated = |answer: &Recommendations| answer.items.iter().any(|item| item.sku == sku(2));
    assert!(!repeated(&visitor) && !repeated(&known));
    for answer in [stranger, visitor, known] {
        assert!(answer.items.len() <= 5);
        assert!(answer.items.iter().all(|item| item.available > 0));
    }
    let refused = shown(&runtime, browse(Some("bob"), &[])).await.unwrap_err();
    assert!(matches!(refused, RecommendError::Refused(_)), "{refused}");
    let mut none = browse(None, &[]);
    none.limit = 0;
    assert_eq!(shown(&runtime, none).await, Err(RecommendError::Limit));
    // What the shop does not know is passed over, and the ladder goes a rung down.
    let unknown = shown(&runtime, browse(None, &[999])).await.unwrap();
    assert_eq!(unknown.rung(), Some(Rung::Catalogue));
    runtime.stop().await;
}
