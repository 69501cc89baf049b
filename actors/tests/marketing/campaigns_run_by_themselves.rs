//! Campaigns from their trigger to their results, through the runtime.

use mercato_runtime::testkit::TestRuntime;

use super::town::{Town, ada, ask, begin, spring, subscribe};
use super::*;

async fn buys(shop: &TestRuntime, order: &str) {
    let person = ada().person().unwrap();
    let email = EmailAddress::new("ada@example.com").unwrap();
    let confirm = QueueOrderConfirmation {
        customer: ada(),
        order: OrderId::new(order).unwrap(),
        total: Money::new(2_000, Currency::GBP),
        email: shop.handle().seal(&person, &email).unwrap(),
        skus: vec![Sku::new("tea").unwrap()],
    };
    ask(shop, confirm).await;
}

async fn report(shop: &TestRuntime) -> CampaignReport {
    let campaign = campaign();
    ask(shop, CampaignMetrics { campaign }).await
}

fn message() -> MessageId {
    MessageId::Campaign {
        campaign: campaign(),
        occasion: None,
    }
}

/// Catches: any box of the workflow that leads nowhere, and a promotional mail without a way out.
#[tokio::test(start_paused = true)]
async fn from_the_trigger_to_the_results() {
    let town = Town::new();
    let shop = town.open().await;
    subscribe(&shop).await;
    begin(&shop, spring("hello {{ customer }}")).await;
    town.world.pass(HOUR).await;
    let sent = town.post.promotions();
    assert_eq!(sent.len(), 1);
    let mail = &sent[0].message;
    assert!(mail.body.starts_with("hello ada"), "{}", mail.body);
    assert!(mail.html.as_deref().unwrap().contains("<p>ada</p>"));
    let header = |name: &str| {
        let found = mail.headers.iter().find(|(header, _)| &**header == name);
        found.map(|(_, value)| value.to_string()).unwrap()
    };
    assert_eq!(
        header("List-Unsubscribe-Post"),
        "List-Unsubscribe=One-Click"
    );
    let link = header("List-Unsubscribe");
    let link = link
        .trim_start_matches('<')
        .trim_end_matches('>')
        .to_owned();
    assert!(mail.body.contains(&link));

    let (customer, message) = (ada(), message());
    let engagement = Engagement::Clicked;
    ask(
        &shop,
        RecordEngagement {
            customer,
            message,
            engagement,
        },
    )
    .await;
    buys(&shop, "o-1").await;
    town.world.pass(HOUR).await;
    let found = report(&shop).await;
    assert_eq!(found.total.sent, 1);
    assert_eq!((found.total.clicked, found.total.converted), (1, 1));
    assert_eq!(found.total.revenue, Some(Money::new(2_000, Currency::GBP)));

    // One click on the link in the mail, by nobody in particular.
    let token = link.rsplit('/').next().unwrap();
    let unsubscribe = follow_link(shop.handle().vault(), token).unwrap();
    assert_eq!(unsubscribe.customer, ada());
    ask(&shop, unsubscribe).await;
    let customer = ada();
    let profile = CustomerProfile {
        customer,
        quintiles: None,
    };
    assert!(ask(&shop, profile).await.unsubscribed);
    shop.stop().await;
}

/// Catches: an occasion that begins nothing, or its campaign twice.
#[tokio::test(start_paused = true)]
async fn orders_consents_and_silence_begin_campaigns() {
    let mut town = Town::new();
    let triggered = |on, name: &str, body: &str| TriggeredCampaign {
        on,
        campaign: CampaignId::new(name).unwrap(),
        plan: CampaignPlan {
            segments: [
                CustomerSegment::Prospect,
                CustomerSegment::New,
                CustomerSegment::Regular,
                CustomerSegment::AtRisk,
                CustomerSegment::Lapsed,
            ]
            .into(),
            ..spring(body)
        },
    };
    town.campaigns = vec![
        triggered(Occasion::Consented, "welcome", "welcome"),
        triggered(Occasion::Ordered, "thanks", "thanks for {{ order }}"),
        triggered(
            Occasion::Lapsed,
            "come-back",
            "since {{ order }} we miss you",
        ),
    ];
    town.settings.win_back_after = Some(DAY * 60);
    let shop = town.open().await;
    subscribe(&shop).await;
    town.world.pass(HOUR).await;
    buys(&shop, "o-1").await;
    town.world.pass(DAY * 30).await;
    buys(&shop, "o-2").await;
    town.world.pass(DAY * 59).await;
    let bodies = || -> Vec<String> {
        let sent = town.post.promotions();
        sent.iter()
            .map(|entry| {
                entry
                    .message
                    .body
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect()
    };
    assert_eq!(bodies(), ["welcome", "thanks for o-1", "thanks for o-2"]);
    town.world.pass(DAY * 90).await;
    assert_eq!(bodies()[3..], ["since o-2 we miss you"]);
    shop.stop().await;
}

/// Catches: an address that bounces and is written to again, and a message that is lost with it.
#[tokio::test(start_paused = true)]
async fn an_address_that_bounces_is_written_to_no_more() {
    let town = Town::new();
    town.post.answers(MailError::NoSuchAddress, false);
    let shop = town.open().await;
    subscribe(&shop).await;
    begin(&shop, spring("hello")).await;
    town.world.pass(HOUR).await;
    assert_eq!(town.post.promotions().len(), 0);
    let events = shop.probe::<MarketingAgent>().events("customer/ada");
    let bounced = |event: &MarketingEvent| matches!(event, MarketingEvent::MessageDropped(it) if it.reason == DropReason::Bounced);
    assert_eq!(events.iter().filter(|event| bounced(event)).count(), 1);
    let customer = ada();
    let profile = CustomerProfile {
        customer,
        quintiles: None,
    };
    let profile = ask(&shop, profile).await;
    assert_eq!(
        profile.suppressed[0].1.reason,
        SuppressionReason::HardBounce
    );
    assert_eq!(profile.agreed, []);
    shop.stop().await;
}

/// Catches: a gateway's own list that is asked and not believed.
#[tokio::test(start_paused = true)]
async fn the_gateways_list_holds_for_whoever_has_the_address() {
    let town = Town::new();
    let address = EmailAddress::new("ada@example.com").unwrap();
    town.post.gateway.suppress(address);
    let shop = town.open().await;
    subscribe(&shop).await;
    begin(&shop, spring("hello")).await;
    town.world.pass(HOUR).await;
    assert_eq!(town.post.promotions().len(), 0);
    let customer = ada();
    let profile = CustomerProfile {
        customer,
        quintiles: None,
    };
    let profile = ask(&shop, profile).await;
    assert_eq!(profile.suppressed[0].1.reason, SuppressionReason::Gateway);
    shop.stop().await;
}

/// Catches: an offer of what nobody can buy, or whose promotions are paused.
#[tokio::test(start_paused = true)]
async fn what_is_out_of_stock_is_not_promoted() {
    let town = Town::new();
    let shop = town.open().await;
    subscribe(&shop).await;
    let plan = CampaignPlan {
        promotes: Some(Sku::new("mug").unwrap()),
        ..spring("buy {{ product }}")
    };
    begin(&shop, plan).await;
    town.world.pass(HOUR).await;
    assert_eq!(town.post.promotions().len(), 0);
    let events = shop.probe::<MarketingAgent>().events("customer/ada");
    let gone = |event: &MarketingEvent| matches!(event, MarketingEvent::MessageDropped(it) if it.reason == DropReason::OutOfStock);
    assert!(events.iter().any(gone), "{events:?}");
    shop.stop().await;
}

/// Catches: a complaint that Support hears of and Marketing does not.
#[tokio::test(start_paused = true)]
async fn a_complaint_at_support_keeps_promotions_away_until_it_is_settled() {
    let town = Town::new();
    let shop = town.open().await;
    subscribe(&shop).await;
    let caller = mercato_runtime::Caller::new(Principal::user("ada"));
    let query = CustomerQuery {
        conversation: ConversationId::new("chat-1").unwrap(),
        text: PrivateText::new("I want to complain, my lawyer will hear of this"),
        product: None,
        order: None,
        channel: SupportChannel::Chat,
    };
    let handle = shop.handle();
    let answered = handle
        .serve(&caller, async |scope| answer_query(scope, query).await)
        .await;
    answered.unwrap();
    town.world.pass(HOUR).await;
    begin(&shop, spring("hello")).await;
    town.world.pass(HOUR).await;
    assert_eq!(town.post.promotions().len(), 0);
    let events = shop.probe::<MarketingAgent>().events("customer/ada");
    let kept_away = |event: &MarketingEvent| matches!(event, MarketingEvent::MessageDropped(it) if it.reason == DropReason::OpenComplaint);
    assert!(events.iter().any(kept_away), "{events:?}");
    let settle = ResolveTicket {
        conversation: ConversationId::new("chat-1").unwrap(),
        number: 1,
    };
    ask(&shop, settle).await;
    town.world.pass(HOUR).await;
    let events = shop.probe::<MarketingAgent>().events("customer/ada");
    let settled = |event: &MarketingEvent| matches!(event, MarketingEvent::ComplaintSettled(_));
    assert!(events.iter().any(settled), "{events:?}");
    drop(handle);
    shop.stop().await;
}

/// Catches: a message at an hour of the shop's clock.
#[test]
fn a_message_is_due_at_an_hour_of_its_readers_clock() {
    let tokyo = TimeZoneName::new("Asia/Tokyo").unwrap();
    // Noon in UTC is nine in the evening there.
    assert_eq!(Timing::Prompt.due(NOON, &tokyo, Some(9)), NOON);
    assert_eq!(
        Timing::AtHour(9).due(NOON, &tokyo, None),
        NOON.plus(HOUR * 12)
    );
    assert_eq!(Timing::AtHour(21).due(NOON, &tokyo, None), NOON);
    assert_eq!(Timing::Habit.due(NOON, &tokyo, Some(22)), NOON.plus(HOUR));
    assert_eq!(Timing::Habit.due(NOON, &tokyo, None), NOON);
}

/// Catches: a habit that is nobody's.
#[test]
fn the_hour_at_which_somebody_buys_is_remembered() {
    let mut given = subscribed();
    assert_eq!(given.ask(&profile()).unwrap().habit_hour, None);
    for (order, at) in [("O1", 0), ("O2", 24), ("O3", 30)] {
        let mut later = with(MarketingSettings::default()).after(given.events().to_vec());
        later.pass(HOUR * at);
        let confirm = QueueOrderConfirmation {
            order: OrderId::new(order).unwrap(),
            ..confirmation()
        };
        later.ask(&confirm).unwrap();
        given = later;
    }
    assert_eq!(given.ask(&profile()).unwrap().habit_hour, Some(12));
}
