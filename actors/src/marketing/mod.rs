//! The Marketing agent: who is written to, when, with what, and what came of it.
//!
//! It owns one entity for each customer (consent, messages), one for each campaign (variants and
//! their results), one for each product that somebody spoke of (whether it may be promoted) and one
//! for all buyers together (where the lines between segments run).

mod campaign;
mod campaign_commands;
mod cap;
mod complaint_commands;
mod complaint_flow;
mod consent;
mod content;
mod customer;
mod customer_commands;
mod delivery;
mod earlier;
mod events;
mod exposure;
mod ids;
mod message_commands;
pub mod optimise;
mod outcome_commands;
mod permission;
mod population;
mod profile;
mod promotion;
mod promotion_commands;
mod purchase_commands;
mod quiet;
mod reach;
mod register;
mod rejection;
mod results;
mod rfm;
mod segment;
mod send;
mod settings;
mod triggers;
mod unsubscribe;
mod way_out;
mod workflow;
mod zone;

use std::sync::LazyLock;

use mercato_runtime::{Agent, Commands};
use serde::{Deserialize, Serialize};

pub use campaign::{CampaignPlan, Engagement, Objective, PlanError, Timing};
pub use campaign_commands::{
    Allocation, AssignVariant, Assignment, CampaignMetrics, CountEngagement, CountOutcome,
    CountSend, OptimiseCampaign, TriggerCampaign,
};
pub use cap::{FrequencyCap, FrequencyCapError};
pub use complaint_commands::{NoteComplaint, SuppressChannel};
pub use complaint_flow::{NOTE_COMPLAINT, TicketChange, note_complaint};
pub use consent::{Channel, Consent, Purpose};
pub use content::{Content, Field, Fields, Html, Part, Template, TemplateError, Words};
pub use customer::{Customer, DropReason, Finished, Outgoing};
pub use customer_commands::{RecordConsent, RecordContact, RecordReach, SetQuietHours, SetZone};
pub use delivery::{DELIVER, DeliverMessage, Delivered, DeliveryError, deliver};
pub use events::{
    BuyerNoted, CampaignTriggered, ChannelSuppressed, ComplaintOpened, ComplaintSettled,
    ConfirmationQueued, ConsentRecorded, ContactRecorded, CustomerLapsed, EngagementCounted,
    HeldOut, MarketingEvent, MessageBounced, MessageDropped, MessageEngaged, MessageSent,
    OutcomeCounted, PromotionQueued, PromotionsPaused, PromotionsResumed, PurchaseAttributed,
    PurchaseNoted, QuietHoursSet, ReachRecorded, ReorderNoted, SendCleared, SendCounted,
    SpamReported, SuppressionLifted, Unsubscribed, VariantAssigned, VariantPreferred, ZoneSet,
};
pub use exposure::Exposure;
pub use ids::{CampaignId, CampaignIdError, MessageId};
pub use message_commands::{
    DecideSend, HoldOut, QueueOrderConfirmation, QueuePromotion, SendDecision, SendTo,
};
pub use outcome_commands::{
    DeliveryOutcome, RecordBounce, RecordDelivery, RecordEngagement, RecordSpamReport,
};
pub use population::{NoteBuyer, Population, ShowQuintiles};
pub use profile::{CustomerProfile, Profile};
pub use promotion::{PromotionStrategy, Reorder};
pub use promotion_commands::{NoteReorder, PausePromotions, ResumePromotions, ShowPromotions};
pub use purchase_commands::NoteLapse;
pub use quiet::{QuietHours, QuietHoursError};
pub use reach::{ChannelAddress, ChannelAddressError, Suppression, SuppressionReason};
pub use register::register_marketing;
pub use rejection::MarketingRejection;
pub use results::{Campaign, CampaignReport, HoldoutMetrics, VariantMetrics};
pub use rfm::{Quintiles, RfmScore};
pub use segment::{CustomerSegment, Purchases, RfmThresholds};
pub use send::{
    OutgoingMail, OutgoingText, SEND_MAIL, SEND_PUSH, SEND_SMS, SEND_SOCIAL, send_mail, send_text,
};
pub use settings::{
    ExplorationFloor, ExplorationFloorError, HoldoutShare, HoldoutShareError, MarketingSettings,
    UnsubscribeUrl, UnsubscribeUrlError,
};
pub use triggers::{FollowUp, Occasion, TriggeredCampaign, marketing_triggers};
pub use unsubscribe::{NotALink, Unsubscribe, follow_link};
pub use way_out::{WayOut, WayOutError, WaysOut};
pub use workflow::{CampaignError, CampaignOutcome, CampaignRun, RUN_CAMPAIGN, run_campaign};
pub use zone::{TimeZoneName, TimeZoneNameError};

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
    /// `population`.
    Population(Box<Population>),
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
        static UNKNOWN: LazyLock<Campaign> = LazyLock::new(Campaign::default);
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

    fn population(&self) -> &Population {
        static NOBODY: Population = Population::nobody();
        match self {
            Self::Population(population) => population,
            _ => &NOBODY,
        }
    }

    fn change_population(&mut self, change: impl FnOnce(&mut Population)) {
        if matches!(self, Self::New) {
            *self = Self::Population(Box::default());
        }
        if let Self::Population(population) = self {
            change(population);
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
    /// 2: channels, suppressions, exposures, delayed rewards.
    const STATE_VERSION: u16 = 2;
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
                state.change_customer(|customer| customer.quiet_hours = Some(e.hours.clone()));
            }
            E::ConfirmationQueued(e) => state.change_customer(|it| it.confirmation_queued(e)),
            E::PromotionQueued(e) => state.change_customer(|it| it.promotion_queued(e)),
            E::SendCleared(e) => state.change_customer(|it| it.send_cleared(e)),
            E::MessageDropped(e) => state.change_customer(|it| it.message_dropped(&e.message)),
            E::MessageSent(e) => state.change_customer(|it| it.message_sent(e)),
            E::MessageEngaged(e) => state.change_customer(|it| it.message_engaged(e)),
            E::CampaignTriggered(e) => state.change_campaign(|it| it.triggered(&e.plan)),
            E::VariantAssigned(e) => state.change_campaign(|it| it.assigned(e)),
            E::SendCounted(e) => state.change_campaign(|it| it.sent(e)),
            E::EngagementCounted(e) => state.change_campaign(|it| it.engaged(e)),
            E::OutcomeCounted(e) => state.change_campaign(|it| it.outcome(e)),
            E::BuyerNoted(e) => state.change_population(|it| it.noted(e)),
            E::ReachRecorded(e) => state.change_customer(|customer| {
                customer.reach.insert(e.channel, e.address.clone());
            }),
            E::ZoneSet(e) => state.change_customer(|it| it.zone = Some(e.zone.clone())),
            E::PurchaseNoted(e) => state.change_customer(|it| it.purchase_noted(e)),
            E::PurchaseAttributed(e) => state.change_customer(|it| it.purchase_attributed(e)),
            E::HeldOut(e) => state.change_customer(|it| it.held_out(e)),
            E::MessageBounced(e) => state.change_customer(|it| it.message_bounced(e)),
            E::SpamReported(e) => state.change_customer(|it| it.spam_reported(&e.message)),
            E::ChannelSuppressed(e) => state.change_customer(|customer| {
                let (reason, since) = (e.reason, e.at);
                let suppression = Suppression { reason, since };
                customer.suppressed.insert(e.channel, suppression);
            }),
            E::SuppressionLifted(e) => state.change_customer(|it| it.lift_suppression(e.channel)),
            E::ComplaintOpened(e) => state.change_customer(|customer| {
                customer.complaints.insert(e.conversation.clone());
            }),
            E::ComplaintSettled(e) => state.change_customer(|customer| {
                customer.complaints.remove(&e.conversation);
            }),
            // It says what begins, and changes nothing.
            E::CustomerLapsed(_) => {}
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
            .add::<RecordReach>()
            .add::<SetZone>()
            .add::<HoldOut>()
            .add::<RecordBounce>()
            .add::<RecordSpamReport>()
            .add::<NoteComplaint>()
            .add::<SuppressChannel>()
            .add::<NoteLapse>()
            .add::<NoteBuyer>()
            .add::<ShowQuintiles>()
            .add::<CountOutcome>()
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
