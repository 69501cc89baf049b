//! What the Marketing agent promises: no promotional message without consent, over the cap or in
//! quiet hours; transactional ones always; every result counted once.

// The helpers are tests too; clippy knows only functions marked as such.
mod addresses_that_fail_are_left_alone;
mod bad_input_is_refused_with_a_remedy;
mod campaigns_keep_their_plan;
mod campaigns_run_by_themselves;
mod channels_are_chosen_and_left;
mod consent_rules_every_message;
mod events_of_old_are_read;
mod lift_is_measured;
mod messages_wait_or_are_dropped;
mod no_history_breaks_the_rules;
mod promotions_follow_stock_and_orders;
mod restarts_lose_and_double_nothing;
mod town;

use std::time::Duration;

use crate::common::sealed;
use mercato_actors::*;
use mercato_runtime::testkit::{Given, given};
use mercato_runtime::{Personal, Principal, Timestamp};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const NOON: Timestamp =
    Timestamp::from_millis(1_600_000_000_000 - 1_600_000_000_000 % 86_400_000 + 43_200_000);

/// Somebody, or something, of whom nothing is known yet.
fn nothing() -> Given<MarketingAgent> {
    with(MarketingSettings::default())
}

fn with(settings: MarketingSettings) -> Given<MarketingAgent> {
    given(MarketingAgent::new(settings)).at(NOON)
}

fn customer() -> CustomerId {
    CustomerId::new("C1").unwrap()
}

fn campaign() -> CampaignId {
    CampaignId::new("spring").unwrap()
}

fn consent(granted: bool) -> RecordConsent {
    RecordConsent {
        customer: customer(),
        channel: Channel::Email,
        purpose: Purpose::Offers,
        granted,
        proof: "checkout form".into(),
    }
}

fn email_of(whose: &str) -> Personal<EmailAddress> {
    sealed(whose, &EmailAddress::new("ada@example.com").unwrap())
}

fn contact() -> RecordContact {
    RecordContact {
        customer: customer(),
        email: email_of("C1"),
    }
}

fn promotion(occasion: u32, expires_at: Timestamp) -> QueuePromotion {
    QueuePromotion {
        customer: customer(),
        campaign: campaign(),
        occasion: Some(OrderId::new(format!("O{occasion}")).unwrap()),
        variant: 0,
        explored: false,
        purpose: Purpose::Offers,
        channel: Channel::Email,
        words: Words {
            content: Content {
                subject: "tea".into(),
                body: "more tea".into(),
            },
            html: None,
        },
        promotes: None,
        due_at: NOON,
        counts_until: NOON.plus(DAY * 3),
        expires_at,
    }
}

fn decide(message: &MessageId) -> DecideSend {
    DecideSend {
        customer: customer(),
        message: message.clone(),
        promotion_paused: false,
        out_of_stock: false,
    }
}

fn delivery(message: &MessageId) -> RecordDelivery {
    RecordDelivery {
        customer: customer(),
        message: message.clone(),
        outcome: DeliveryOutcome::Accepted,
    }
}

fn confirmation() -> QueueOrderConfirmation {
    QueueOrderConfirmation {
        customer: customer(),
        order: OrderId::new("O1").unwrap(),
        total: Money::new(1_250, Currency::GBP),
        email: email_of("C1"),
        skus: vec![Sku::new("S1").unwrap()],
    }
}

fn profile() -> CustomerProfile {
    CustomerProfile {
        customer: customer(),
        quintiles: None,
    }
}

fn subscribed() -> Given<MarketingAgent> {
    let mut given = nothing();
    given.ask(&contact()).unwrap();
    given.ask(&consent(true)).unwrap();
    given
}
