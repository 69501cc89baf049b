//! What Marketing knows of one customer: consent, messages waiting, messages sent.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::time::Duration;

use mercato_runtime::{Personal, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::campaign::Engagement;
use super::consent::{Channel, Consent, Purpose, QuietHours};
use super::content::Content;
use super::events::{
    ConfirmationQueued, ConsentRecorded, MessageEngaged, MessageSent, PromotionQueued, SendCleared,
};
use super::ids::MessageId;
use super::segment::Purchases;
use crate::domain::EmailAddress;

/// A customer as Marketing sees them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    pub(super) email: Option<Personal<EmailAddress>>,
    pub(super) consents: BTreeMap<(Channel, Purpose), Consent>,
    /// Since when they want no promotional message, if so.
    pub(super) unsubscribed_at: Option<Timestamp>,
    pub(super) quiet_hours: Option<QuietHours>,
    pub(super) purchases: Option<Purchases>,
    /// Messages that wait for their moment or their gateway.
    pub(super) outbox: BTreeMap<MessageId, Outgoing>,
    /// Messages that came to an end, newest last.
    pub(super) finished: VecDeque<Finished>,
    /// When promotional messages were cleared to be sent, newest last.
    pub(super) promotional_sends: VecDeque<Timestamp>,
}

/// A message on its way out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    pub(super) kind: OutgoingKind,
    pub(super) content: Content,
    /// When it was handed to its gateway; it may have been sent since.
    pub(super) cleared_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum OutgoingKind {
    /// The customer needs it; it goes to the address that was given with the order.
    Transactional { email: Personal<EmailAddress> },
    /// The customer agreed to it, and may have changed their mind since.
    Promotional {
        purpose: Purpose,
        channel: Channel,
        variant: u8,
        expires_at: Timestamp,
    },
}

/// A message that came to an end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    pub(super) message: MessageId,
    /// The variant of a campaign's message that was sent.
    pub(super) sent_variant: Option<u8>,
    /// What the customer did with it.
    pub(super) engagements: Vec<Engagement>,
}

/// Why a message was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DropReason {
    /// The customer had not agreed, or no longer does.
    NoConsent,
    /// It could not be sent before it was worth nothing.
    Expired,
    /// The product that it promotes must not be promoted now.
    PromotionPaused,
    /// No address is known.
    NoAddress,
    /// The gateway refused it.
    Refused,
    /// The customer was erased, and with them where it was to go.
    Erased,
}

/// How many promotional messages a person gets in which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "RawCap", into = "RawCap")]
pub struct FrequencyCap {
    messages: NonZeroU32,
    per: Duration,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawCap {
    /// So many messages.
    #[schemars(range(min = 1, max = FrequencyCap::MESSAGES_MAX))]
    messages: NonZeroU32,
    /// In any span of this time.
    #[schemars(extend("minimum" = "1s", "maximum" = "365d"))]
    per: Duration,
}

impl TryFrom<RawCap> for FrequencyCap {
    type Error = FrequencyCapError;

    fn try_from(raw: RawCap) -> Result<Self, FrequencyCapError> {
        Self::new(raw.messages, raw.per)
    }
}

impl From<FrequencyCap> for RawCap {
    fn from(cap: FrequencyCap) -> Self {
        Self {
            messages: cap.messages,
            per: cap.per,
        }
    }
}

/// A cap that cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "at most {} messages can be counted; lower the cap",
    FrequencyCap::MESSAGES_MAX
)]
pub struct FrequencyCapError;

impl FrequencyCap {
    /// The largest cap: so many sends are remembered for each person.
    pub const MESSAGES_MAX: u32 = 64;

    /// Three messages in seven days.
    pub const THREE_A_WEEK: Self = Self {
        messages: NonZeroU32::MIN.saturating_add(2),
        per: Duration::from_secs(7 * 24 * 60 * 60),
    };

    /// At most so many messages in any span of `per`.
    ///
    /// # Errors
    /// When that is more than can be counted.
    pub fn new(messages: NonZeroU32, per: Duration) -> Result<Self, FrequencyCapError> {
        if messages.get() > Self::MESSAGES_MAX {
            return Err(FrequencyCapError);
        }
        Ok(Self { messages, per })
    }

    /// When the next message may be sent, if not now.
    fn reopens(&self, sends: &VecDeque<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        let messages = usize::try_from(self.messages.get()).unwrap_or(usize::MAX);
        let oldest_that_counts = sends.get(sends.len().checked_sub(messages)?)?;
        let reopens = oldest_that_counts.plus(self.per);
        (reopens > now).then_some(reopens)
    }
}

/// Whether a promotional message may be sent at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permission {
    Now,
    NotBefore(Timestamp),
    Never(DropReason),
}

impl Customer {
    /// How many messages can wait for one customer.
    pub const OUTBOX_MAX: usize = 64;
    /// How many past messages are remembered: engagement with older ones is not counted.
    pub const FINISHED_MAX: usize = 64;

    /// A customer of whom nothing is known.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            email: None,
            consents: BTreeMap::new(),
            unsubscribed_at: None,
            quiet_hours: None,
            purchases: None,
            outbox: BTreeMap::new(),
            finished: VecDeque::new(),
            promotional_sends: VecDeque::new(),
        }
    }

    pub(super) fn agreed_to(&self, channel: Channel, purpose: Purpose) -> bool {
        self.unsubscribed_at.is_none()
            && self
                .consents
                .get(&(channel, purpose))
                .is_some_and(|consent| consent.granted)
    }

    /// Whether a promotional message may be sent now: consent first, then quiet hours and cap.
    pub(super) fn permission(
        &self,
        (channel, purpose): (Channel, Purpose),
        expires_at: Timestamp,
        (cap, default_quiet): (&FrequencyCap, &QuietHours),
        now: Timestamp,
    ) -> Permission {
        if !self.agreed_to(channel, purpose) {
            return Permission::Never(DropReason::NoConsent);
        }
        let quiet = self.quiet_hours.as_ref().unwrap_or(default_quiet);
        let held_until = quiet
            .end(now)
            .max(cap.reopens(&self.promotional_sends, now));
        match held_until {
            _ if now >= expires_at => Permission::Never(DropReason::Expired),
            Some(until) if until >= expires_at => Permission::Never(DropReason::Expired),
            Some(until) => Permission::NotBefore(until),
            None => Permission::Now,
        }
    }

    pub(super) fn knows(&self, message: &MessageId) -> bool {
        self.outbox.contains_key(message) || self.finished(message).is_some()
    }

    pub(super) fn finished(&self, message: &MessageId) -> Option<&Finished> {
        self.finished.iter().find(|one| one.message == *message)
    }

    pub(super) fn consent_recorded(&mut self, event: &ConsentRecorded) {
        if event.granted {
            self.unsubscribed_at = None;
        }
        let consent = Consent {
            granted: event.granted,
            at: event.at,
            proof: event.proof.clone(),
        };
        self.consents
            .insert((event.channel, event.purpose), consent);
    }

    /// Consents given before must not come back to life with the next one.
    pub(super) fn unsubscribed(&mut self, at: Timestamp) {
        self.consents.clear();
        self.unsubscribed_at = Some(at);
    }

    pub(super) fn confirmation_queued(&mut self, event: &ConfirmationQueued) {
        let before = self.purchases;
        self.purchases = Some(Purchases {
            orders: before.map_or(0, |p| p.orders).saturating_add(1),
            // A sum that cannot be formed (another currency) leaves the older one standing.
            spent: before.map_or(event.total, |p| {
                p.spent.plus(event.total).unwrap_or(p.spent)
            }),
            last_at: event.at,
        });
        self.email.get_or_insert_with(|| event.email.clone());
        let kind = OutgoingKind::Transactional {
            email: event.email.clone(),
        };
        self.queue(
            MessageId::OrderConfirmation(event.order.clone()),
            kind,
            event.content.clone(),
        );
    }

    pub(super) fn promotion_queued(&mut self, event: &PromotionQueued) {
        let kind = OutgoingKind::Promotional {
            purpose: event.purpose,
            channel: event.channel,
            variant: event.variant,
            expires_at: event.expires_at,
        };
        self.queue(event.message.clone(), kind, event.content.clone());
    }

    fn queue(&mut self, message: MessageId, kind: OutgoingKind, content: Content) {
        let outgoing = Outgoing {
            kind,
            content,
            cleared_at: None,
        };
        self.outbox.insert(message, outgoing);
    }

    pub(super) fn send_cleared(&mut self, event: &SendCleared) {
        let Some(outgoing) = self.outbox.get_mut(&event.message) else {
            return;
        };
        outgoing.cleared_at = Some(event.at);
        if matches!(outgoing.kind, OutgoingKind::Promotional { .. }) {
            self.promotional_sends.push_back(event.at);
            if self.promotional_sends.len() > FrequencyCap::MESSAGES_MAX as usize {
                self.promotional_sends.pop_front();
            }
        }
    }

    pub(super) fn message_sent(&mut self, event: &MessageSent) {
        self.finish(&event.message, event.variant);
    }

    pub(super) fn message_dropped(&mut self, message: &MessageId) {
        self.finish(message, None);
    }

    fn finish(&mut self, message: &MessageId, sent_variant: Option<u8>) {
        self.outbox.remove(message);
        self.finished.push_back(Finished {
            message: message.clone(),
            sent_variant,
            engagements: Vec::new(),
        });
        if self.finished.len() > Self::FINISHED_MAX {
            self.finished.pop_front();
        }
    }

    pub(super) fn message_engaged(&mut self, event: &MessageEngaged) {
        if let Some(finished) = (self.finished.iter_mut()).find(|one| one.message == event.message)
        {
            finished.engagements.push(event.engagement);
        }
    }
}
