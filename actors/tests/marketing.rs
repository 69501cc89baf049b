//! What the Marketing agent promises: no promotional message without consent, over the cap or in
//! quiet hours; transactional ones always; every result counted once.

// The helpers are tests too; clippy knows only functions marked as such.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use common::sealed;
use mercato_actors::{
    AssignVariant, CampaignId, CampaignMetrics, CampaignPlan, Channel, Content, CountEngagement,
    CountSend, Currency, CustomerId, CustomerProfile, CustomerSegment, DecideSend, DeliveryOutcome,
    DropReason, EmailAddress, Engagement, FrequencyCap, MarketingAgent, MarketingEvent,
    MarketingRejection, MarketingSettings, MessageDropped, MessageId, Money, NoteReorder,
    OptimiseCampaign, OrderId, PausePromotions, PlanError, Purpose, QueueOrderConfirmation,
    QueuePromotion, QuietHours, RecordConsent, RecordContact, RecordDelivery, RecordEngagement,
    ResumePromotions, SendDecision, ShowPromotions, Sku, Template, TemplateError, TriggerCampaign,
    Unsubscribe,
};
use mercato_runtime::{
    Agent, Command, CommandId, Context, Personal, Principal, Rejection, Timestamp,
};
use proptest::prelude::*;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const NOON: Timestamp =
    Timestamp::from_millis(1_600_000_000_000 - 1_600_000_000_000 % 86_400_000 + 43_200_000);

/// One entity, its past, and the moment.
struct Given {
    agent: MarketingAgent,
    state: <MarketingAgent as Agent>::State,
    events: Vec<MarketingEvent>,
    now: Timestamp,
    principal: Principal,
}

impl Given {
    fn nothing() -> Self {
        Self::with(MarketingSettings::default())
    }

    fn with(settings: MarketingSettings) -> Self {
        Self {
            agent: MarketingAgent::new(settings),
            state: Default::default(),
            events: Vec::new(),
            now: NOON,
            principal: Principal::System,
        }
    }

    fn when<C: Command<Agent = MarketingAgent>>(
        &mut self,
        command: &C,
    ) -> Result<C::Reply, Rejection<C>> {
        let entity = command.entity();
        let version = self.events.len() as u64;
        let context = Context {
            now: self.now,
            entity: &entity,
            version,
            command_id: CommandId::from_key(&format!("{}/{version}", C::NAME)),
            principal: &self.principal,
        };
        let decided = command.decide(&self.agent, &self.state, &context)?;
        let (events, reply) = decided.into_parts();
        for event in events {
            MarketingAgent::evolve(&mut self.state, &event);
            self.events.push(event);
        }
        Ok(reply)
    }
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
        purpose: Purpose::Offers,
        channel: Channel::Email,
        content: Content {
            subject: "tea".into(),
            body: "more tea".into(),
        },
        expires_at,
    }
}

fn decide(message: &MessageId) -> DecideSend {
    DecideSend {
        customer: customer(),
        message: message.clone(),
        promotion_paused: false,
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
    }
}

fn subscribed() -> Given {
    let mut given = Given::nothing();
    given.when(&contact()).unwrap();
    given.when(&consent(true)).unwrap();
    given
}

/// Catches: an address that would outlive its customer's erasure.
#[test]
fn a_contact_that_is_sealed_for_another_person_is_refused() {
    let strange = RecordContact {
        email: email_of("C2"),
        ..contact()
    };
    let refused = Given::nothing().when(&strange);
    assert_eq!(refused, Err(MarketingRejection::SealedForAnother));
}

/// Catches: a message to an erased customer that is tried for ever, or counted as refused.
#[test]
fn a_message_to_the_erased_is_dropped_with_the_reason() {
    let mut given = subscribed();
    let message = given.when(&promotion(1, NOON.plus(DAY))).unwrap();
    given.when(&decide(&message)).unwrap();
    let erased = RecordDelivery {
        outcome: DeliveryOutcome::Erased,
        ..delivery(&message)
    };
    given.when(&erased).unwrap();
    let dropped = given.events.last().cloned();
    let expected = MessageDropped {
        message: message.clone(),
        reason: DropReason::Erased,
    };
    assert_eq!(dropped, Some(expected.into()));
    assert_eq!(given.when(&decide(&message)), Ok(SendDecision::Finished));
}

#[test]
fn a_confirmation_is_sent_at_night_to_the_unsubscribed_and_once() {
    let mut given = Given::nothing();
    given.now = NOON.plus(HOUR * 12);
    given
        .when(&Unsubscribe {
            customer: customer(),
        })
        .unwrap();
    let message = given.when(&confirmation()).unwrap();
    assert_eq!(given.when(&confirmation()), Ok(message.clone()));
    assert!(matches!(
        given.when(&decide(&message)),
        Ok(SendDecision::Send { .. })
    ));
    given.when(&delivery(&message)).unwrap();
    given.when(&delivery(&message)).unwrap();
    assert_eq!(given.when(&decide(&message)), Ok(SendDecision::Finished));
    assert_eq!(given.when(&confirmation()), Ok(message));
    let names: Vec<_> = given
        .events
        .iter()
        .map(mercato_runtime::Event::name)
        .collect();
    assert_eq!(
        names,
        [
            "Unsubscribed",
            "ConfirmationQueued",
            "SendCleared",
            "MessageSent"
        ]
    );
}

#[test]
fn consent_is_looked_at_when_sending_not_when_queueing() {
    let mut given = subscribed();
    let message = given.when(&promotion(1, NOON.plus(DAY))).unwrap();
    given
        .when(&Unsubscribe {
            customer: customer(),
        })
        .unwrap();
    let decision = given.when(&decide(&message));
    assert_eq!(decision, Ok(SendDecision::Dropped(DropReason::NoConsent)));
}

#[test]
fn consent_withdrawn_while_the_gateway_failed_stops_the_next_try() {
    let mut given = subscribed();
    let message = given.when(&promotion(1, NOON.plus(DAY))).unwrap();
    assert!(matches!(
        given.when(&decide(&message)),
        Ok(SendDecision::Send { .. })
    ));
    assert!(matches!(
        given.when(&decide(&message)),
        Ok(SendDecision::Send { .. })
    ));
    given.when(&consent(false)).unwrap();
    let decision = given.when(&decide(&message));
    assert_eq!(decision, Ok(SendDecision::Dropped(DropReason::NoConsent)));
}

#[test]
fn a_new_consent_does_not_revive_the_others() {
    let mut given = subscribed();
    given
        .when(&Unsubscribe {
            customer: customer(),
        })
        .unwrap();
    let news = RecordConsent {
        purpose: Purpose::News,
        ..consent(true)
    };
    given.when(&news).unwrap();
    let profile = given
        .when(&CustomerProfile {
            customer: customer(),
        })
        .unwrap();
    assert_eq!(profile.agreed, [(Channel::Email, Purpose::News)]);
}

#[test]
fn quiet_hours_hold_and_an_offer_that_is_over_is_dropped() {
    let mut given = subscribed();
    given.now = NOON.plus(HOUR * 10);
    let morning = NOON.plus(HOUR * 20);
    let kept = given.when(&promotion(1, NOON.plus(DAY))).unwrap();
    assert_eq!(
        given.when(&decide(&kept)),
        Ok(SendDecision::Hold { until: morning })
    );
    let brief = given.when(&promotion(2, NOON.plus(HOUR * 12))).unwrap();
    let dropped = Ok(SendDecision::Dropped(DropReason::Expired));
    assert_eq!(given.when(&decide(&brief)), dropped);
    given.now = morning;
    assert!(matches!(
        given.when(&decide(&kept)),
        Ok(SendDecision::Send { .. })
    ));
}

#[test]
fn the_fourth_message_of_a_week_waits_for_the_first_to_be_a_week_old() {
    let mut given = subscribed();
    for occasion in 1..=3 {
        let message = given
            .when(&promotion(occasion, NOON.plus(DAY * 30)))
            .unwrap();
        assert!(matches!(
            given.when(&decide(&message)),
            Ok(SendDecision::Send { .. })
        ));
    }
    let fourth = given.when(&promotion(4, NOON.plus(DAY * 30))).unwrap();
    let until = NOON.plus(DAY * 7);
    assert_eq!(
        given.when(&decide(&fourth)),
        Ok(SendDecision::Hold { until })
    );
}

#[test]
fn what_is_paused_or_has_no_address_is_dropped() {
    let mut given = subscribed();
    let message = given.when(&promotion(1, NOON.plus(DAY))).unwrap();
    let paused = DecideSend {
        promotion_paused: true,
        ..decide(&message)
    };
    let dropped = Ok(SendDecision::Dropped(DropReason::PromotionPaused));
    assert_eq!(given.when(&paused), dropped);

    let mut given = Given::nothing();
    given.when(&consent(true)).unwrap();
    let message = given.when(&promotion(1, NOON.plus(DAY))).unwrap();
    let dropped = Ok(SendDecision::Dropped(DropReason::NoAddress));
    assert_eq!(given.when(&decide(&message)), dropped);
}

#[test]
fn a_shopper_speaks_for_themselves_only() {
    let mut given = Given::nothing();
    given.principal = Principal::user("C2");
    assert_eq!(
        given.when(&consent(true)),
        Err(MarketingRejection::NotYours)
    );
    given.principal = Principal::user("C1");
    assert_eq!(given.when(&consent(true)), Ok(()));
    let unproven = RecordConsent {
        proof: " ".into(),
        ..consent(true)
    };
    assert_eq!(given.when(&unproven), Err(MarketingRejection::NoProof));
}

#[test]
fn an_engagement_counts_once_and_only_for_what_was_sent() {
    let mut given = subscribed();
    let message = given.when(&promotion(1, NOON.plus(DAY))).unwrap();
    let clicked = RecordEngagement {
        customer: customer(),
        message: message.clone(),
        engagement: Engagement::Clicked,
    };
    let unknown = Err(MarketingRejection::UnknownMessage(message.clone()));
    assert_eq!(given.when(&clicked), unknown);
    given.when(&decide(&message)).unwrap();
    given.when(&delivery(&message)).unwrap();
    given.when(&clicked).unwrap();
    given.when(&clicked).unwrap();
    let counted = |event: &&MarketingEvent| matches!(event, MarketingEvent::MessageEngaged(_));
    assert_eq!(given.events.iter().filter(counted).count(), 1);
}

#[test]
fn an_order_makes_a_prospect_a_new_customer() {
    let mut given = Given::nothing();
    let profile = CustomerProfile {
        customer: customer(),
    };
    assert_eq!(
        given.when(&profile).unwrap().segment,
        CustomerSegment::Prospect
    );
    given.when(&confirmation()).unwrap();
    assert_eq!(given.when(&profile).unwrap().segment, CustomerSegment::New);
}

fn plan(bodies: &[&str]) -> CampaignPlan {
    CampaignPlan {
        purpose: Purpose::Offers,
        segments: BTreeSet::from([CustomerSegment::New]),
        variants: (bodies.iter())
            .map(|body| Template {
                subject: "tea".into(),
                body: (*body).into(),
            })
            .collect(),
        promotes: None,
        delay: Duration::ZERO,
        valid_for: DAY,
    }
}

fn trigger(plan: CampaignPlan) -> TriggerCampaign {
    TriggerCampaign {
        campaign: campaign(),
        plan,
    }
}

#[test]
fn a_plan_that_cannot_be_carried_out_is_refused() {
    let mut given = Given::nothing();
    let template = TemplateError::Unknown("name".into());
    let refused = Err(MarketingRejection::Plan(PlanError::Template(template)));
    assert_eq!(given.when(&trigger(plan(&["dear {name}"]))), refused);
    let refused = Err(MarketingRejection::Plan(PlanError::Variants));
    assert_eq!(given.when(&trigger(plan(&[]))), refused);
    let assign = AssignVariant {
        campaign: campaign(),
    };
    let unknown = MarketingRejection::UnknownCampaign(campaign());
    assert_eq!(given.when(&assign), Err(unknown));
}

#[test]
fn a_campaign_keeps_its_plan() {
    let mut given = Given::nothing();
    given.when(&trigger(plan(&["a", "b"]))).unwrap();
    given.when(&trigger(plan(&["a", "b"]))).unwrap();
    assert_eq!(given.events.len(), 1);
    let refused = Err(MarketingRejection::CampaignRuns(campaign()));
    assert_eq!(given.when(&trigger(plan(&["c"]))), refused);
}

#[test]
fn the_variant_that_is_clicked_is_preferred_and_measured() {
    let mut given = Given::nothing();
    given.when(&trigger(plan(&["a", "b"]))).unwrap();
    for message in 0..150u32 {
        for variant in 0..2u8 {
            let campaign = campaign();
            given.when(&CountSend { campaign, variant }).unwrap();
        }
        if message % 5 == 0 {
            let clicked = CountEngagement {
                campaign: campaign(),
                variant: 1,
                engagement: Engagement::Clicked,
            };
            given.when(&clicked).unwrap();
        }
    }
    let allocation = given
        .when(&OptimiseCampaign {
            campaign: campaign(),
        })
        .unwrap();
    assert_eq!(allocation.preferred, Some(1));
    let metrics = given
        .when(&CampaignMetrics {
            campaign: campaign(),
        })
        .unwrap();
    assert!((metrics[1].click_rate() - 0.2).abs() < 1e-12);
    let preferred = (0..100)
        .map(|_| {
            given
                .when(&AssignVariant {
                    campaign: campaign(),
                })
                .unwrap()
                .variant
        })
        .filter(|variant| *variant == 1)
        .count();
    assert!(preferred > 80, "{preferred}");
    let unknown = CountSend {
        campaign: campaign(),
        variant: 2,
    };
    assert_eq!(
        given.when(&unknown),
        Err(MarketingRejection::UnknownVariant(2))
    );
}

#[test]
fn promotions_pause_and_resume_and_know_of_the_reorder() {
    let sku = Sku::new("S1").unwrap();
    let mut given = Given::nothing();
    let pause = PausePromotions {
        sku: sku.clone(),
        reason: "low stock".into(),
    };
    assert_eq!(
        given.when(&pause).unwrap().paused.as_deref(),
        Some("low stock")
    );
    given.when(&pause).unwrap();
    assert_eq!(given.events.len(), 1);
    let note = NoteReorder {
        sku: sku.clone(),
        units: 40,
        expected_at: NOON.plus(DAY),
    };
    let strategy = given.when(&note).unwrap();
    assert_eq!(strategy.reorder.map(|reorder| reorder.units), Some(40));
    assert!(strategy.paused.is_some());
    let resume = ResumePromotions { sku: sku.clone() };
    assert_eq!(given.when(&resume).unwrap().paused, None);
    assert!(
        given
            .when(&ShowPromotions { sku })
            .unwrap()
            .reorder
            .is_some()
    );
}

#[derive(Debug, Clone)]
enum Step {
    Consent(bool),
    Unsubscribe,
    Queue(u32),
    Send(u32),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => any::<bool>().prop_map(Step::Consent),
        1 => Just(Step::Unsubscribe),
        4 => (0u32..12).prop_map(Step::Queue),
        8 => (0u32..12).prop_map(Step::Send),
        4 => (0u64..40).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Whatever happens in whatever order: consent, cap and quiet hours hold at every send.
    #[test]
    fn no_promotion_without_consent_over_the_cap_or_in_quiet_hours(
        steps in proptest::collection::vec(step(), 1..120)
    ) {
        let two = NonZeroU32::new(2).unwrap();
        let mut given = Given::with(MarketingSettings {
            cap: FrequencyCap::new(two, DAY).unwrap(),
            ..MarketingSettings::default()
        });
        given.when(&contact()).unwrap();
        let mut agreed = false;
        let mut sends: Vec<(u32, Timestamp)> = Vec::new();
        for step in steps {
            match step {
                Step::Consent(granted) => {
                    given.when(&consent(granted)).unwrap();
                    agreed = granted;
                }
                Step::Unsubscribe => {
                    given.when(&Unsubscribe { customer: customer() }).unwrap();
                    agreed = false;
                }
                Step::Queue(occasion) => {
                    let expires_at = given.now.plus(DAY * 3);
                    given.when(&promotion(occasion, expires_at)).unwrap();
                }
                Step::Send(occasion) => {
                    let message = MessageId::Campaign {
                        campaign: campaign(),
                        occasion: promotion(occasion, NOON).occasion,
                    };
                    if let Ok(SendDecision::Send { .. }) = given.when(&decide(&message)) {
                        prop_assert!(agreed);
                        if sends.iter().all(|(sent, _)| *sent != occasion) {
                            prop_assert_eq!(QuietHours::NIGHT_UTC.end(given.now), None);
                            sends.push((occasion, given.now));
                        }
                    }
                }
                Step::Wait(hours) => {
                    given.now = given.now.plus(Duration::from_secs(hours * 3_600));
                }
            }
        }
        for window in sends.windows(3) {
            prop_assert!(window[2].1.since(window[0].1) >= DAY);
        }
    }
}
