//! What a customer decides about being written to.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Personal, State};
use serde::{Deserialize, Serialize};

use super::MarketingAgent;
use super::consent::{Channel, Purpose};
use super::customer::Customer;
use super::events::{
    ConsentRecorded, ContactRecorded, QuietHoursSet, ReachRecorded, SuppressionLifted, ZoneSet,
};
use super::quiet::QuietHours;
use super::reach::ChannelAddress;
use super::rejection::{MarketingRejection, NOTE_BYTES_MAX, own};
use super::zone::TimeZoneName;
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
        let customer = state.customer();
        let known = customer.email.as_ref() == Some(&self.email);
        let event = (!known).then(|| ContactRecorded {
            email: self.email.clone(),
        });
        let lifted = lifted_by_address(customer, Channel::Email, known, context);
        Ok(Decision::reply(()).record_all(event).record_all(lifted))
    }
}

/// What came back is a matter of the old address, not of the new one.
fn lifted_by_address(
    customer: &Customer,
    channel: Channel,
    known: bool,
    context: &Context<'_>,
) -> Option<SuppressionLifted> {
    let suppression = customer.suppressed.get(&channel)?;
    (!known && suppression.reason.is_of_address()).then_some(SuppressionLifted {
        channel,
        at: context.now,
    })
}

/// Notes where a customer can be reached by SMS, push or social media.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordReach {
    /// Whose.
    pub customer: CustomerId,
    /// By which channel.
    pub channel: Channel,
    /// Their address there, sealed for them.
    pub address: Personal<ChannelAddress>,
}

impl Command for RecordReach {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "RecordReach";

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
        if !self.customer.is(self.address.person()) {
            return Err(MarketingRejection::SealedForAnother);
        }
        if self.channel == Channel::Email {
            return Err(MarketingRejection::NotForMail);
        }
        let customer = state.customer();
        let known = customer.reach.get(&self.channel) == Some(&self.address);
        let event = (!known).then(|| ReachRecorded {
            channel: self.channel,
            address: self.address.clone(),
        });
        let lifted = lifted_by_address(customer, self.channel, known, context);
        Ok(Decision::reply(()).record_all(event).record_all(lifted))
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
        let known = state.customer().quiet_hours.as_ref() == Some(&self.hours);
        let event = (!known).then(|| QuietHoursSet {
            hours: self.hours.clone(),
        });
        Ok(Decision::reply(()).record_all(event))
    }
}

/// Notes in which time zone a customer lives: the shop's quiet hours go by their clock from then on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetZone {
    /// Who.
    pub customer: CustomerId,
    /// Where they live.
    pub zone: TimeZoneName,
}

impl Command for SetZone {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "SetZone";

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
        let known = state.customer().zone.as_ref() == Some(&self.zone);
        let event = (!known).then(|| ZoneSet {
            zone: self.zone.clone(),
        });
        Ok(Decision::reply(()).record_all(event))
    }
}
