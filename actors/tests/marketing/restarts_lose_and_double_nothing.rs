//! What is as before after the process was killed: schedules, consents, suppressions, arms.

use mercato_runtime::testkit::TestRuntime;

use super::town::{Town, ada, ask, begin, spring, subscribe};
use super::*;

async fn states(shop: &TestRuntime) -> (Profile, CampaignReport, Allocation) {
    let profile = CustomerProfile {
        customer: ada(),
        quintiles: None,
    };
    let (campaign, again) = (campaign(), campaign());
    (
        ask(shop, profile).await,
        ask(shop, CampaignMetrics { campaign }).await,
        ask(shop, OptimiseCampaign { campaign: again }).await,
    )
}

/// Catches: a message that is forgotten because it waited for the morning when the process was killed,
/// and one that goes out in the night when it is back.
#[tokio::test(start_paused = true)]
async fn a_message_that_waits_for_the_morning_goes_out_once_then() {
    let town = Town::new();
    let shop = town.open().await;
    subscribe(&shop).await;
    town.world.pass(HOUR * 10).await;
    begin(&shop, spring("hello {{ customer }}")).await;
    town.world.pass(HOUR).await;
    shop.crash().await;
    assert_eq!(town.post.promotions().len(), 0);

    let shop = town.open().await;
    town.world.pass(HOUR * 8).await;
    assert_eq!(town.post.promotions().len(), 0, "it is seven");
    shop.crash().await;
    let shop = town.open().await;
    town.world.pass(HOUR * 2).await;
    assert_eq!(town.post.promotions().len(), 1, "it is nine");
    shop.crash().await;
    let shop = town.open().await;
    town.world.pass(DAY).await;
    assert_eq!(town.post.promotions().len(), 1, "and no more than one");
    shop.stop().await;
}

/// Catches: a message that the gateway sent although its answer was lost, sent a second time.
#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_with_the_process_sends_nothing_twice() {
    let town = Town::new();
    for _ in 0..3 {
        town.post.answers(MailError::Transient, true);
    }
    let shop = town.open().await;
    subscribe(&shop).await;
    begin(&shop, spring("hello")).await;
    town.world.pass(Duration::from_secs(1)).await;
    shop.crash().await;
    let shop = town.open().await;
    town.world.pass(HOUR).await;
    assert_eq!(town.post.promotions().len(), 1);
    let campaign = campaign();
    let report = ask(&shop, CampaignMetrics { campaign }).await;
    assert_eq!(report.total.sent, 1);
    shop.stop().await;
}

/// A process that is killed between the decision and the gateway, and is back at night, must not send
/// what was allowed at noon. Catches: a clearance that holds for ever because its first reply is
/// remembered.
#[tokio::test(start_paused = true)]
async fn what_was_cleared_before_the_outage_is_decided_anew_after_it() {
    let town = Town::new();
    // The gateway is away for as long as the process lives.
    for _ in 0..6 {
        town.post.answers(MailError::Transient, false);
    }
    let shop = town.open().await;
    subscribe(&shop).await;
    begin(&shop, spring("hello")).await;
    town.world.pass(Duration::from_millis(40)).await;
    shop.crash().await;
    town.world.pass(HOUR * 11).await;
    let shop = town.open().await;
    town.world.pass(HOUR * 8).await;
    assert_eq!(town.post.promotions().len(), 0, "it is seven");
    town.world.pass(HOUR * 3).await;
    assert_eq!(town.post.promotions().len(), 1);
    shop.stop().await;

    // The same, with a consent that is withdrawn meanwhile.
    let town = Town::new();
    for _ in 0..6 {
        town.post.answers(MailError::Transient, false);
    }
    let shop = town.open().await;
    subscribe(&shop).await;
    begin(&shop, spring("hello")).await;
    town.world.pass(Duration::from_millis(40)).await;
    let customer = ada();
    ask(&shop, Unsubscribe { customer }).await;
    shop.crash().await;
    town.world.pass(HOUR).await;
    let shop = town.open().await;
    town.world.pass(DAY * 2).await;
    assert_eq!(town.post.promotions().len(), 0);
    shop.stop().await;
}

/// Catches: a consent, a suppression, an arm or a window that is in memory only.
#[tokio::test(start_paused = true)]
async fn consents_suppressions_and_arms_are_as_before() {
    let town = Town::new();
    let shop = town.open().await;
    subscribe(&shop).await;
    begin(&shop, spring("hello")).await;
    town.world.pass(HOUR).await;
    let message = MessageId::Campaign {
        campaign: campaign(),
        occasion: None,
    };
    let engagement = Engagement::Clicked;
    let (customer, clicked) = (ada(), message.clone());
    let click = RecordEngagement {
        customer,
        message: clicked,
        engagement,
    };
    ask(&shop, click).await;
    for variant in [0, 1, 1] {
        let (campaign, at) = (campaign(), Some(town.world.now()));
        let send = CountSend {
            campaign,
            variant,
            explored: true,
            at,
        };
        ask(&shop, send).await;
    }
    let customer = ada();
    ask(&shop, RecordSpamReport { customer, message }).await;
    town.world.pass(HOUR).await;
    let before = states(&shop).await;
    shop.crash().await;
    let shop = town.open().await;
    let after = states(&shop).await;
    assert_eq!(after.0, before.0);
    assert_eq!(after.1, before.1);
    // Draws differ from look to look; what they are drawn from does not.
    assert_eq!(after.2.chances.len(), before.2.chances.len());
    assert_eq!(after.0.suppressed.len(), 1);
    assert_eq!(after.1.total.clicked, 1);
    assert_eq!(after.1.total.complained, 1);
    shop.stop().await;
}
