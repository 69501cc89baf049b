//! What keeps promotions away from a customer: complaints, and what the shop's people decide.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, State};
use serde::{Deserialize, Serialize};

use super::MarketingAgent;
use super::consent::Channel;
use super::customer::Customer;
use super::customer_commands::customer_key;
use super::events::{ChannelSuppressed, ComplaintOpened, ComplaintSettled, SuppressionLifted};
use super::reach::SuppressionReason;
use super::rejection::{MarketingRejection, NOTE_BYTES_MAX, staff};
use crate::domain::CustomerId;

/// Notes that a customer complains, or that their complaint is settled. While one is open, nothing is
/// promoted to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteComplaint {
    /// Who.
    pub customer: CustomerId,
    /// Where: the name of the conversation, at most 200 bytes.
    pub conversation: Box<str>,
    /// Whether it is open.
    pub open: bool,
}

impl Command for NoteComplaint {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "NoteComplaint";

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        if self.conversation.len() > NOTE_BYTES_MAX {
            return Err(MarketingRejection::NoteTooLong);
        }
        let complaints = &state.customer().complaints;
        let known = complaints.contains(&self.conversation);
        let (conversation, at) = (self.conversation.clone(), context.now);
        let decision = Decision::reply(());
        // One more than can be told apart changes nothing: the others keep promotions away.
        let room = complaints.len() < Customer::COMPLAINTS_MAX;
        Ok(match (self.open, known) {
            (true, false) if room => decision.record(ComplaintOpened { conversation, at }),
            (false, true) => decision.record(ComplaintSettled { conversation, at }),
            _ => decision,
        })
    }
}

/// Puts a customer's channel on the suppression list, whatever they agreed to, or takes it off. Only
/// the shop's people may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressChannel {
    /// Whose.
    pub customer: CustomerId,
    /// Which channel.
    pub channel: Channel,
    /// Whether nothing is to be sent by it.
    pub suppress: bool,
}

impl Command for SuppressChannel {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "SuppressChannel";

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let suppressed = state.customer().suppressed.contains_key(&self.channel);
        let (channel, at) = (self.channel, context.now);
        let decision = Decision::reply(());
        Ok(match (self.suppress, suppressed) {
            (true, false) => decision.record(ChannelSuppressed {
                channel,
                reason: SuppressionReason::ByHand,
                at,
            }),
            (false, true) => decision.record(SuppressionLifted { channel, at }),
            _ => decision,
        })
    }
}
