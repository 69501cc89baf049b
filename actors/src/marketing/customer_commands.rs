//! What a customer decides about being written to, and who they are to Marketing.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, Personal, State};
use serde::{Deserialize, Serialize};

use super::MarketingAgent;
use super::consent::{Channel, Purpose, QuietHours};
use super::events::{ConsentRecorded, ContactRecorded, QuietHoursSet, Unsubscribed};
use super::rejection::{MarketingRejection, NOTE_BYTES_MAX, own};
use super::segment::CustomerSegment;
use crate::domain::{CustomerId, EmailAddress};

pub(super) fn customer_key(customer: &CustomerId) -> Cow<'static, str> {
    Cow::Owned(format!("customer/{customer}"))
}

/// The customer whose entity has this key.
pub(super) fn customer_of(key: &str) -> Option<CustomerId> {
    CustomerId::new(key.strip_prefix("customer/")?).ok()
}

/// Notes a customer's e-mail address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordContact {
    /// Whose.
    pub customer: CustomerId,
    /// Their address, sealed for them.
    pub email: Personal<EmailAddress>,
}

impl Command for RecordContact {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "RecordContact";

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        own(&self.customer, context.principal)?;
        if !self.customer.is(self.email.person()) {
            return Err(MarketingRejection::SealedForAnother);
        }
        let known = state.customer().email.as_ref() == Some(&self.email);
        let event = (!known).then(|| ContactRecorded {
            email: self.email.clone(),
        });
        Ok(Decision::reply(()).record_all(event))
    }
}

/// Notes that a customer agreed to messages of one kind by one channel, or withdrew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordConsent {
    /// Who.
    pub customer: CustomerId,
    /// By which channel.
    pub channel: Channel,
    /// For what.
    pub purpose: Purpose,
    /// Whether they agree.
    pub granted: bool,
    /// Where it can be looked up that they did: 1 to 200 bytes.
    pub proof: Box<str>,
}

impl Command for RecordConsent {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "RecordConsent";

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(&self, _: &MarketingAgent, _: &State<Self>, context: &Context<'_>) -> Decided<Self> {
        own(&self.customer, context.principal)?;
        if self.proof.trim().is_empty() {
            return Err(MarketingRejection::NoProof);
        }
        if self.proof.len() > NOTE_BYTES_MAX {
            return Err(MarketingRejection::NoteTooLong);
        }
        Ok(Decision::reply(()).record(ConsentRecorded {
            channel: self.channel,
            purpose: self.purpose,
            granted: self.granted,
            at: context.now,
            proof: self.proof.clone(),
        }))
    }
}

/// Ends all promotional messages to a customer, with one click.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unsubscribe {
    /// Who.
    pub customer: CustomerId,
}

impl Command for Unsubscribe {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "Unsubscribe";

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        own(&self.customer, context.principal)?;
        let subscribed = state.customer().unsubscribed_at.is_none();
        let event = subscribed.then_some(Unsubscribed { at: context.now });
        Ok(Decision::reply(()).record_all(event))
    }
}

/// Notes when a customer is not to be disturbed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetQuietHours {
    /// Who.
    pub customer: CustomerId,
    /// From when to when, by their clock.
    pub hours: QuietHours,
}

impl Command for SetQuietHours {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "SetQuietHours";

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        own(&self.customer, context.principal)?;
        let known = state.customer().quiet_hours == Some(self.hours);
        let event = (!known).then_some(QuietHoursSet { hours: self.hours });
        Ok(Decision::reply(()).record_all(event))
    }
}

/// Reads who a customer is to Marketing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomerProfile {
    /// Who.
    pub customer: CustomerId,
}

/// A customer as Marketing sees them now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Their segment.
    pub segment: CustomerSegment,
    /// Channels by which they agreed to be written to, with the purposes.
    pub agreed: Vec<(Channel, Purpose)>,
    /// Whether they ended all promotional messages.
    pub unsubscribed: bool,
}

impl Command for CustomerProfile {
    type Agent = MarketingAgent;
    type Reply = Profile;
    const NAME: &'static str = "CustomerProfile";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(
        &self,
        agent: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        own(&self.customer, context.principal)?;
        let customer = state.customer();
        let thresholds = &agent.settings.segments;
        Ok(Decision::reply(Profile {
            segment: thresholds.segment(customer.purchases.as_ref(), context.now),
            agreed: customer
                .consents
                .keys()
                .copied()
                .filter(|(channel, purpose)| customer.agreed_to(*channel, *purpose))
                .collect(),
            unsubscribed: customer.unsubscribed_at.is_some(),
        }))
    }
}
