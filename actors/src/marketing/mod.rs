//! The Marketing agent: who is written to, when, with what, and what came of it.
//!
//! It owns one entity for each customer (consent, messages), one for each campaign (variants and
//! their results) and one for each product that somebody spoke of (whether it may be promoted).

mod campaign;
mod campaign_commands;
mod consent;
mod content;
mod customer;
mod customer_commands;
mod delivery;
mod events;
mod ids;
mod message_commands;
mod optimise;
mod outcome_commands;
mod promotion;
mod promotion_commands;
mod rejection;
mod segment;
mod settings;
mod triggers;
mod workflow;

use mercato_runtime::{Agent, Commands};
use serde::{Deserialize, Serialize};

pub use campaign::{Campaign, CampaignPlan, Engagement, PlanError, VariantMetrics};
pub use campaign_commands::{
    Allocation, AssignVariant, Assignment, CampaignMetrics, CountEngagement, CountSend,
    OptimiseCampaign, TriggerCampaign,
};
pub use consent::{Channel, Consent, Purpose, QuietHours, QuietHoursError};
pub use content::{Content, Field, Template, TemplateError};
pub use customer::{Customer, DropReason, Finished, FrequencyCap, FrequencyCapError, Outgoing};
pub use customer_commands::{
    CustomerProfile, Profile, RecordConsent, RecordContact, SetQuietHours, Unsubscribe,
};
pub use delivery::{
    DELIVER, DeliverMessage, Delivered, DeliveryError, OutgoingMail, SEND_MAIL, deliver, send_mail,
};
pub use events::{
    CampaignTriggered, ConfirmationQueued, ConsentRecorded, ContactRecorded, EngagementCounted,
    MarketingEvent, MessageDropped, MessageEngaged, MessageSent, PromotionQueued, PromotionsPaused,
    PromotionsResumed, QuietHoursSet, ReorderNoted, SendCleared, SendCounted, Unsubscribed,
    VariantAssigned, VariantPreferred,
};
pub use ids::{CampaignId, CampaignIdError, MessageId};
pub use message_commands::{DecideSend, QueueOrderConfirmation, QueuePromotion, SendDecision};
pub use outcome_commands::{DeliveryOutcome, RecordDelivery, RecordEngagement};
pub use promotion::{PromotionStrategy, Reorder};
pub use promotion_commands::{NoteReorder, PausePromotions, ResumePromotions, ShowPromotions};
pub use rejection::MarketingRejection;
pub use segment::{CustomerSegment, Purchases, RfmThresholds};
pub use settings::{ExplorationFloor, ExplorationFloorError, MarketingSettings};
pub use triggers::{FollowUp, marketing_triggers};
pub use workflow::{CampaignError, CampaignOutcome, CampaignRun, RUN_CAMPAIGN, run_campaign};

/// The Marketing agent.
#[derive(Debug, Clone, Default)]
pub struct MarketingAgent {
    settings: MarketingSettings,
}

impl MarketingAgent {
    /// An agent with these settings.
    #[must_use]
    pub fn new(settings: MarketingSettings) -> Self {
        Self { settings }
    }
}

/// One entity of the Marketing agent; its key says which.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum MarketingState {
    /// Before the first event.
    #[default]
    New,
    /// `customer/<customer>`.
    Customer(Box<Customer>),
    /// `campaign/<campaign>`.
    Campaign(Box<Campaign>),
    /// `promotions/<sku>`.
    Promotions(PromotionStrategy),
}

impl MarketingState {
    fn customer(&self) -> &Customer {
        static UNKNOWN: Customer = Customer::unknown();
        match self {
            Self::Customer(customer) => customer,
            _ => &UNKNOWN,
        }
    }

    fn campaign(&self) -> &Campaign {
        static UNKNOWN: Campaign = Campaign::unknown();
        match self {
            Self::Campaign(campaign) => campaign,
            _ => &UNKNOWN,
        }
    }

    fn promotions(&self) -> &PromotionStrategy {
        static UNKNOWN: PromotionStrategy = PromotionStrategy::unknown();
        match self {
            Self::Promotions(strategy) => strategy,
            _ => &UNKNOWN,
        }
    }

    fn change_customer(&mut self, change: impl FnOnce(&mut Customer)) {
        if matches!(self, Self::New) {
            *self = Self::Customer(Box::default());
        }
        if let Self::Customer(customer) = self {
            change(customer);
        }
    }

    fn change_campaign(&mut self, change: impl FnOnce(&mut Campaign)) {
        if matches!(self, Self::New) {
            *self = Self::Campaign(Box::default());
        }
        if let Self::Campaign(campaign) = self {
            change(campaign);
        }
    }

    fn change_promotions(&mut self, change: impl FnOnce(&mut PromotionStrategy)) {
        if matches!(self, Self::New) {
            *self = Self::Promotions(PromotionStrategy::unknown());
        }
        if let Self::Promotions(strategy) = self {
            change(strategy);
        }
    }
}

impl Agent for MarketingAgent {
    const NAME: &'static str = "marketing";
    type State = MarketingState;
    type Event = MarketingEvent;
    type Rejection = MarketingRejection;

    fn evolve(state: &mut Self::State, event: &Self::Event) {
        use MarketingEvent as E;
        match event {
            E::ContactRecorded(e) => {
                state.change_customer(|customer| customer.email = Some(e.email.clone()));
            }
            E::ConsentRecorded(e) => state.change_customer(|it| it.consent_recorded(e)),
            E::Unsubscribed(e) => state.change_customer(|it| it.unsubscribed(e.at)),
            E::QuietHoursSet(e) => {
                state.change_customer(|customer| customer.quiet_hours = Some(e.hours));
            }
            E::ConfirmationQueued(e) => state.change_customer(|it| it.confirmation_queued(e)),
            E::PromotionQueued(e) => state.change_customer(|it| it.promotion_queued(e)),
            E::SendCleared(e) => state.change_customer(|it| it.send_cleared(e)),
            E::MessageDropped(e) => state.change_customer(|it| it.message_dropped(&e.message)),
            E::MessageSent(e) => state.change_customer(|it| it.message_sent(e)),
            E::MessageEngaged(e) => state.change_customer(|it| it.message_engaged(e)),
            E::CampaignTriggered(e) => state.change_campaign(|it| it.triggered(&e.plan)),
            E::VariantAssigned(e) => state.change_campaign(|it| it.assigned(e.variant)),
            E::SendCounted(e) => state.change_campaign(|it| it.sent(e.variant)),
            E::EngagementCounted(e) => {
                state.change_campaign(|it| it.engaged(e.variant, e.engagement));
            }
            E::VariantPreferred(e) => {
                state.change_campaign(|campaign| campaign.preferred = e.variant);
            }
            E::PromotionsPaused(e) => {
                state.change_promotions(|it| it.paused = Some(e.reason.clone()));
            }
            E::PromotionsResumed(_) => state.change_promotions(|it| it.paused = None),
            E::ReorderNoted(e) => state.change_promotions(|it| {
                it.reorder = Some(Reorder {
                    units: e.units,
                    expected_at: e.expected_at,
                });
            }),
        }
    }

    fn commands(commands: &mut Commands<Self>) {
        commands
            .add::<RecordContact>()
            .add::<RecordConsent>()
            .add::<Unsubscribe>()
            .add::<SetQuietHours>()
            .add::<CustomerProfile>()
            .add::<QueueOrderConfirmation>()
            .add::<QueuePromotion>()
            .add::<DecideSend>()
            .add::<RecordDelivery>()
            .add::<RecordEngagement>()
            .add::<TriggerCampaign>()
            .add::<AssignVariant>()
            .add::<CountSend>()
            .add::<CountEngagement>()
            .add::<CampaignMetrics>()
            .add::<OptimiseCampaign>()
            .add::<PausePromotions>()
            .add::<ResumePromotions>()
            .add::<NoteReorder>()
            .add::<ShowPromotions>();
    }
}
