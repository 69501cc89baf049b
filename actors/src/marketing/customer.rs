//! What Marketing knows of one customer: consent, messages waiting, messages sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mercato_runtime::{Personal, Timestamp};
use serde::{Deserialize, Serialize};

use super::campaign::Engagement;
use super::cap::FrequencyCap;
use super::consent::{Channel, Consent, Purpose};
use super::content::{Content, Html};
use super::events::{
    ConfirmationQueued, ConsentRecorded, HeldOut, MessageBounced, MessageEngaged, MessageSent,
    PromotionQueued, PurchaseAttributed, PurchaseNoted, SendCleared,
};
use super::exposure::Exposure;
use super::ids::MessageId;
use super::quiet::QuietHours;
use super::reach::{ChannelAddress, Suppression};
use super::segment::Purchases;
use super::zone::TimeZoneName;
use crate::domain::{EmailAddress, Sku};

/// A customer as Marketing sees them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    pub(super) email: Option<Personal<EmailAddress>>,
    /// Where they can be reached by other channels.
    pub(super) reach: BTreeMap<Channel, Personal<ChannelAddress>>,
    pub(super) consents: BTreeMap<(Channel, Purpose), Consent>,
    /// Since when they want no promotional message, if so.
    pub(super) unsubscribed_at: Option<Timestamp>,
    /// Channels by which nothing may be sent, whatever they agreed to.
    pub(super) suppressed: BTreeMap<Channel, Suppression>,
    /// How many messages in a row came back for the time being.
    pub(super) soft_bounces: BTreeMap<Channel, u32>,
    pub(super) zone: Option<TimeZoneName>,
    pub(super) quiet_hours: Option<QuietHours>,
    pub(super) purchases: Option<Purchases>,
    /// What they bought when, newest last.
    pub(super) bought: VecDeque<(Sku, Timestamp)>,
    /// When they buy and follow links: how often in each hour of UTC.
    pub(super) habit: BTreeMap<u8, u32>,
    /// Conversations in which they complain, and nobody has settled it.
    pub(super) complaints: BTreeSet<Box<str>>,
    /// For what a purchase may count, oldest first.
    pub(super) exposures: VecDeque<Exposure>,
    /// Messages that wait for their moment or their gateway.
    pub(super) outbox: BTreeMap<MessageId, Outgoing>,
    /// Messages that came to an end, newest last.
    pub(super) finished: VecDeque<Finished>,
    /// When promotional messages were sent; of those that are on their way, when they were cleared.
    pub(super) promotional_sends: VecDeque<(MessageId, Timestamp)>,
}

/// A message on its way out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    pub(super) kind: OutgoingKind,
    pub(super) content: Content,
    pub(super) html: Option<Html>,
    /// When it was handed to its gateway; it may have been sent since.
    pub(super) cleared_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum OutgoingKind {
    /// The customer needs it; it goes to the address that was given with the order.
    Transactional { email: Personal<EmailAddress> },
    /// The customer agreed to it, and may have changed their mind since.
    Promotional(Promotional),
}

/// What decides whether a promotional message may be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Promotional {
    pub(super) purpose: Purpose,
    pub(super) channel: Channel,
    pub(super) variant: u8,
    pub(super) explored: bool,
    pub(super) promotes: Option<Sku>,
    pub(super) expires_at: Timestamp,
}

/// A message that came to an end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    pub(super) message: MessageId,
    /// How it was sent, if it was.
    pub(super) sent: Option<Sent>,
    /// What the customer did with it.
    pub(super) engagements: Vec<Engagement>,
    pub(super) bounced: bool,
    pub(super) reported: bool,
}

/// How a message was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sent {
    /// The variant that it carried, where it is a campaign's.
    pub(super) variant: Option<u8>,
    pub(super) channel: Channel,
    pub(super) at: Option<Timestamp>,
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
    /// Nothing may be sent to the customer by this channel.
    Suppressed,
    /// There is none of the product that it promotes.
    OutOfStock,
    /// The customer has just bought the product that it promotes.
    JustBought,
    /// The customer complains about something, and it is not settled.
    OpenComplaint,
    /// The gateway says that there is no such address.
    Bounced,
}

impl Customer {
    /// How many messages can wait for one customer.
    pub const OUTBOX_MAX: usize = 64;
    /// How many past messages are remembered: engagement with older ones is not counted.
    pub const FINISHED_MAX: usize = 64;
    /// For how many messages a purchase may count at once.
    pub const EXPOSURES_MAX: usize = 64;
    /// How many bought products are remembered.
    pub const BOUGHT_MAX: usize = 64;
    /// How many open complaints are told apart.
    pub const COMPLAINTS_MAX: usize = 16;

    /// A customer of whom nothing is known.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            email: None,
            reach: BTreeMap::new(),
            consents: BTreeMap::new(),
            unsubscribed_at: None,
            suppressed: BTreeMap::new(),
            soft_bounces: BTreeMap::new(),
            zone: None,
            quiet_hours: None,
            purchases: None,
            bought: VecDeque::new(),
            habit: BTreeMap::new(),
            complaints: BTreeSet::new(),
            exposures: VecDeque::new(),
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

    pub(super) fn has_address(&self, channel: Channel) -> bool {
        match channel {
            Channel::Email => self.email.is_some(),
            Channel::Sms | Channel::Push | Channel::Social => self.reach.contains_key(&channel),
        }
    }

    /// When they are not to be disturbed: as they said, or as the shop does by their clock.
    pub(super) fn quiet_hours(&self, default: &QuietHours) -> QuietHours {
        match (&self.quiet_hours, &self.zone) {
            (Some(own), _) => own.clone(),
            (None, Some(zone)) => default.in_zone(zone),
            (None, None) => default.clone(),
        }
    }

    /// Their clock, as far as anybody knows.
    pub(super) fn zone(&self, default: &QuietHours) -> TimeZoneName {
        let said = self.quiet_hours.as_ref().map(QuietHours::zone);
        let zone = self.zone.as_ref().or(said);
        zone.unwrap_or(default.zone()).clone()
    }

    pub(super) fn knows(&self, message: &MessageId) -> bool {
        self.outbox.contains_key(message)
            || self.finished(message).is_some()
            || self.exposures.iter().any(|one| one.message == *message)
    }

    pub(super) fn finished(&self, message: &MessageId) -> Option<&Finished> {
        self.finished.iter().find(|one| one.message == *message)
    }

    fn finished_mut(&mut self, message: &MessageId) -> Option<&mut Finished> {
        self.finished.iter_mut().find(|one| one.message == *message)
    }

    fn exposure_mut(&mut self, message: &MessageId) -> Option<&mut Exposure> {
        let mut exposures = self.exposures.iter_mut();
        exposures.find(|one| one.message == *message)
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
        self.purchases = Some(Purchases::with(self.purchases, event.total, event.at));
        self.email.get_or_insert_with(|| event.email.clone());
        let kind = OutgoingKind::Transactional {
            email: event.email.clone(),
        };
        let message = MessageId::OrderConfirmation(event.order.clone());
        self.queue(message, kind, event.content.clone(), None);
    }

    pub(super) fn purchase_noted(&mut self, event: &PurchaseNoted) {
        self.note_hour(event.at);
        for sku in &event.skus {
            push_bounded(&mut self.bought, (sku.clone(), event.at), Self::BOUGHT_MAX);
        }
    }

    fn note_hour(&mut self, at: Timestamp) {
        let count = self.habit.entry(TimeZoneName::utc().hour(at)).or_default();
        *count = count.saturating_add(1);
    }

    /// The hour by UTC at which they most often act; of equal ones the earliest.
    pub(super) fn habit_hour(&self) -> Option<u8> {
        let hours = self.habit.iter().rev();
        hours
            .max_by_key(|(_, count)| **count)
            .map(|(hour, _)| *hour)
    }

    pub(super) fn promotion_queued(&mut self, event: &PromotionQueued) {
        let kind = OutgoingKind::Promotional(Promotional {
            purpose: event.purpose,
            channel: event.channel,
            variant: event.variant,
            explored: event.explored,
            promotes: event.promotes.clone(),
            expires_at: event.expires_at,
        });
        self.expose(Exposure {
            message: event.message.clone(),
            variant: Some(event.variant),
            due_at: event.due_at,
            counts_until: event.counts_until,
            sent_at: None,
            clicked_at: None,
            bought: false,
        });
        let (message, content) = (event.message.clone(), event.content.clone());
        self.queue(message, kind, content, event.html.clone());
    }

    pub(super) fn held_out(&mut self, event: &HeldOut) {
        self.expose(Exposure {
            message: event.message.clone(),
            variant: None,
            due_at: event.due_at,
            counts_until: event.counts_until,
            sent_at: None,
            clicked_at: None,
            bought: false,
        });
    }

    fn expose(&mut self, exposure: Exposure) {
        push_bounded(&mut self.exposures, exposure, Self::EXPOSURES_MAX);
    }

    pub(super) fn purchase_attributed(&mut self, event: &PurchaseAttributed) {
        if let Some(exposure) = self.exposure_mut(&event.message) {
            exposure.bought = true;
        }
        if let Some(finished) = self
            .finished_mut(&event.message)
            .filter(|_| event.last_click)
        {
            finished.engagements.push(Engagement::Converted {
                revenue: event.revenue,
            });
        }
    }

    fn queue(
        &mut self,
        message: MessageId,
        kind: OutgoingKind,
        content: Content,
        html: Option<Html>,
    ) {
        let outgoing = Outgoing {
            kind,
            content,
            html,
            cleared_at: None,
        };
        self.outbox.insert(message, outgoing);
    }

    pub(super) fn send_cleared(&mut self, event: &SendCleared) {
        let Some(outgoing) = self.outbox.get_mut(&event.message) else {
            return;
        };
        outgoing.cleared_at = Some(event.at);
        if matches!(outgoing.kind, OutgoingKind::Promotional(_)) {
            let most = FrequencyCap::MESSAGES_MAX as usize;
            let place = (event.message.clone(), event.at);
            push_bounded(&mut self.promotional_sends, place, most);
        }
    }

    /// When messages count under the cap but for this one, in their order. What is on its way may
    /// arrive at any moment, so it counts as if it did now.
    pub(super) fn sends_beside(&self, message: &MessageId, now: Timestamp) -> Vec<Timestamp> {
        let others = self
            .promotional_sends
            .iter()
            .filter(|(other, _)| other != message);
        let on_its_way = |other| match self.outbox.get(other).map(|outgoing| &outgoing.kind) {
            Some(OutgoingKind::Promotional(it)) => now < it.expires_at,
            _ => false,
        };
        let mut sends: Vec<Timestamp> = others
            .map(|(other, at)| if on_its_way(other) { now } else { *at })
            .collect();
        sends.sort_unstable();
        sends
    }

    pub(super) fn message_sent(&mut self, event: &MessageSent) {
        let mut places = self.promotional_sends.iter_mut();
        if let Some(place) = places.find(|(message, _)| *message == event.message)
            && let Some(at) = event.at
        {
            place.1 = at;
        }
        if let Some(exposure) = self.exposure_mut(&event.message) {
            exposure.sent_at = event.at;
        }
        let sent = Sent {
            variant: event.variant,
            channel: event.channel,
            at: event.at,
        };
        self.finish(&event.message, Some(sent));
    }

    pub(super) fn message_dropped(&mut self, message: &MessageId) {
        self.finish(message, None);
    }

    fn finish(&mut self, message: &MessageId, sent: Option<Sent>) {
        self.outbox.remove(message);
        let finished = Finished {
            message: message.clone(),
            sent,
            engagements: Vec::new(),
            bounced: false,
            reported: false,
        };
        push_bounded(&mut self.finished, finished, Self::FINISHED_MAX);
    }

    pub(super) fn message_engaged(&mut self, event: &MessageEngaged) {
        if let Some(finished) = self.finished_mut(&event.message) {
            finished.engagements.push(event.engagement);
            let channel = finished.sent.map(|sent| sent.channel);
            // Gateways accept what comes back later; only its reader shows that it arrived.
            channel.map(|channel| self.soft_bounces.remove(&channel));
        }
        if let (Engagement::Clicked, Some(at)) = (event.engagement, event.at) {
            self.note_hour(at);
            if let Some(exposure) = self.exposure_mut(&event.message) {
                exposure.clicked_at = Some(at);
            }
        }
    }

    pub(super) fn message_bounced(&mut self, event: &MessageBounced) {
        if let Some(finished) = self.finished_mut(&event.message) {
            finished.bounced = true;
        }
        if !event.hard {
            let count = self.soft_bounces.entry(event.channel).or_default();
            *count = count.saturating_add(1);
        }
    }

    pub(super) fn spam_reported(&mut self, message: &MessageId) {
        if let Some(finished) = self.finished_mut(message) {
            finished.reported = true;
        }
    }

    pub(super) fn lift_suppression(&mut self, channel: Channel) {
        self.suppressed.remove(&channel);
        self.soft_bounces.remove(&channel);
    }
}

/// Adds at the end, and lets go of the oldest where there is no room.
fn push_bounded<T>(list: &mut VecDeque<T>, item: T, most: usize) {
    list.push_back(item);
    if list.len() > most {
        list.pop_front();
    }
}
