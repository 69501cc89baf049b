//! Somebody who watches what leaves the shop, and knows nothing of it but what its customers said.
//!
//! It stands in the gateways. Its clocks, its caps and its consents are its own, told by the customers
//! as they tell the shop; nothing here asks the agent or uses its code.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use mercato_actors::runtime::{Clock, Timestamp};
use mercato_actors::{
    Channel, Mail, MailError, Message, MessageStream, Messenger, MessengerError, Purpose,
    TextMessage,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// How long a clearance of the shop holds at most: a consent that was withdrawn while a message was on
/// its way to the gateway is no breach.
const ON_ITS_WAY_MAX: Duration = Duration::from_secs(15 * 60);

/// What the shop promised its customers.
#[derive(Debug, Clone)]
pub(super) struct Promises {
    pub(super) messages: usize,
    pub(super) per: Duration,
    pub(super) quiet_from: i8,
    pub(super) quiet_until: i8,
}

/// What the observer counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Breaches {
    /// Promotional messages that left the shop.
    pub promotional: u64,
    /// Transactional ones.
    pub transactional: u64,
    /// Promotional ones to somebody who had not agreed, or no longer.
    pub without_consent: u64,
    /// Promotional ones beyond the cap.
    pub over_cap: u64,
    /// Promotional ones in the recipient's night.
    pub in_quiet_hours: u64,
    /// Promotional ones to an address that had bounced or whose owner had called a message spam.
    pub suppressed: u64,
    /// Promotional ones about a product whose promotions were paused.
    pub paused: u64,
    /// Promotional ones to somebody with an open complaint.
    pub complained: u64,
    /// Messages that left the shop twice.
    pub twice: u64,
    /// Promotional mails without the headers of one-click unsubscribing, and texts whose last line says
    /// nothing of it.
    pub without_way_out: u64,
}

impl Breaches {
    /// How many promises were broken.
    #[must_use]
    pub fn broken(&self) -> u64 {
        self.without_consent
            + self.over_cap
            + self.in_quiet_hours
            + self.suppressed
            + self.paused
            + self.complained
            + self.twice
            + self.without_way_out
    }
}

/// What one customer said.
struct Person {
    zone: TimeZone,
    /// Since when which consent holds, or no longer does.
    consents: BTreeMap<(Channel, Purpose), (bool, Timestamp)>,
    unreachable: BTreeMap<Channel, Timestamp>,
    complains_since: Option<Timestamp>,
    sends: Vec<Timestamp>,
}

/// What a campaign is about.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) purpose: Purpose,
    pub(super) product: Option<&'static str>,
}

/// A promotional message that reached its customer.
#[derive(Debug, Clone)]
pub(super) struct Reached {
    pub(super) customer: String,
    pub(super) channel: Channel,
    pub(super) campaign: String,
    pub(super) subject: String,
    pub(super) at: Timestamp,
}

#[derive(Default)]
struct Seen {
    people: BTreeMap<String, Person>,
    campaigns: BTreeMap<String, About>,
    paused: BTreeMap<&'static str, Timestamp>,
    sent: BTreeSet<String>,
    found: Breaches,
    reached: Vec<Reached>,
}

/// The observer. Clones are the same one.
#[derive(Clone)]
pub(super) struct Watch {
    seen: Arc<Mutex<Seen>>,
    promises: Promises,
    clock: Clock,
    zones: TimeZoneDatabase,
}

impl Watch {
    pub(super) fn new(promises: Promises, clock: Clock) -> Self {
        Self {
            seen: Arc::default(),
            promises,
            clock,
            zones: TimeZoneDatabase::bundled(),
        }
    }

    // Held for a few instructions and never across an await.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn meet(&self, customer: &str, zone: &str) {
        let person = Person {
            zone: self.zones.get(zone).unwrap_or(TimeZone::UTC),
            consents: BTreeMap::new(),
            unreachable: BTreeMap::new(),
            complains_since: None,
            sends: Vec::new(),
        };
        self.seen().people.insert(customer.to_owned(), person);
    }

    fn of(&self, customer: &str, change: impl FnOnce(&mut Person, Timestamp)) {
        let now = self.clock.now();
        if let Some(person) = self.seen().people.get_mut(customer) {
            change(person, now);
        }
    }

    pub(super) fn consents(&self, customer: &str, what: (Channel, Purpose), granted: bool) {
        self.of(customer, |person, now| {
            person.consents.insert(what, (granted, now));
        });
    }

    pub(super) fn unsubscribes(&self, customer: &str) {
        self.of(customer, |person, now| {
            for consent in person.consents.values_mut().filter(|consent| consent.0) {
                *consent = (false, now);
            }
        });
    }

    pub(super) fn unreachable(&self, customer: &str, channel: Channel) {
        self.of(customer, |person, now| {
            person.unreachable.entry(channel).or_insert(now);
        });
    }

    pub(super) fn complains(&self, customer: &str, open: bool) {
        self.of(customer, |person, now| {
            person.complains_since = open.then_some(now);
        });
    }

    pub(super) fn announce(&self, campaign: &str, about: About) {
        self.seen().campaigns.insert(campaign.to_owned(), about);
    }

    pub(super) fn pauses(&self, product: &'static str, paused: bool) {
        let now = self.clock.now();
        let mut seen = self.seen();
        match paused {
            true => seen.paused.insert(product, now),
            false => seen.paused.remove(product),
        };
    }

    pub(super) fn found(&self) -> Breaches {
        self.seen().found
    }

    /// The messages that reached somebody since the last call.
    pub(super) fn reached(&self) -> Vec<Reached> {
        std::mem::take(&mut self.seen().reached)
    }

    /// A message leaves the shop, under the key `customer/kind/name`.
    fn leaves(&self, channel: Channel, key: &str, sent: &Leaving<'_>) {
        let now = self.clock.now();
        let mut seen = self.seen();
        let seen = &mut *seen;
        let mut parts = key.splitn(3, '/');
        let (customer, kind) = (parts.next(), parts.next());
        let name = parts.next().unwrap_or_default();
        let campaign = name.split('/').next().unwrap_or_default();
        let Some(customer) = customer.filter(|_| kind == Some("campaign")) else {
            seen.found.transactional += 1;
            seen.found.twice += u64::from(!seen.sent.insert(key.to_owned()));
            return;
        };
        // Whatever key it goes by: each campaign writes to each customer once.
        let first = seen.sent.insert(format!("{customer}/{campaign}"));
        seen.found.twice += u64::from(!first);
        let found = &mut seen.found;
        found.promotional += 1;
        found.without_way_out += u64::from(!sent.way_out);
        let (Some(person), Some(about)) =
            (seen.people.get_mut(customer), seen.campaigns.get(campaign))
        else {
            // A stranger has agreed to nothing.
            found.without_consent += 1;
            return;
        };
        let long_ago = |since: Timestamp| now.since(since) > ON_ITS_WAY_MAX;
        let agreed = match person.consents.get(&(channel, about.purpose)) {
            Some((true, _)) => true,
            Some((false, since)) => !long_ago(*since),
            None => false,
        };
        found.without_consent += u64::from(!agreed);
        let unreachable = person.unreachable.get(&channel);
        found.suppressed += u64::from(unreachable.is_some_and(|since| long_ago(*since)));
        let complains = person.complains_since.is_some_and(long_ago);
        found.complained += u64::from(complains);
        let paused = about.product.and_then(|product| seen.paused.get(product));
        found.paused += u64::from(paused.is_some_and(|since| long_ago(*since)));

        let millis = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let at = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
        let hour = at.to_zoned(person.zone.clone()).hour();
        let night = hour >= self.promises.quiet_from || hour < self.promises.quiet_until;
        found.in_quiet_hours += u64::from(night);

        let lately = person
            .sends
            .iter()
            .filter(|sent| now.since(**sent) < self.promises.per);
        found.over_cap += u64::from(lately.count() >= self.promises.messages);
        person.sends.push(now);
        seen.reached.push(Reached {
            customer: customer.to_owned(),
            channel,
            campaign: campaign.to_owned(),
            subject: sent.subject.to_owned(),
            at: now,
        });
    }
}

/// What the observer sees of a message.
struct Leaving<'a> {
    subject: &'a str,
    way_out: bool,
}

/// What a gateway does with a call.
enum Weather {
    Fair,
    Busy,
    LosesTheAnswer,
}

/// A gateway that takes its time, is busy now and then, sometimes loses its answer, and knows that
/// some addresses are none. The observer stands behind it.
pub(super) struct Gateway {
    watch: Watch,
    channel: Channel,
    weather: Mutex<ChaCha8Rng>,
    accepted: Mutex<BTreeSet<String>>,
}

impl Gateway {
    pub(super) fn new(watch: Watch, channel: Channel, weather: ChaCha8Rng) -> Self {
        Self {
            watch,
            channel,
            weather: Mutex::new(weather),
            accepted: Mutex::default(),
        }
    }

    fn draw(&self) -> (Weather, Duration) {
        let mut weather = self.weather.lock().unwrap_or_else(PoisonError::into_inner);
        let after = Duration::from_millis(weather.random_range(20..1_500));
        match weather.random_range(0..100) {
            0..5 => (Weather::Busy, after),
            5..7 => (Weather::LosesTheAnswer, after),
            _ => (Weather::Fair, after),
        }
    }

    async fn take(&self, key: &str, to: &str, sent: Leaving<'_>) -> Taken {
        let (weather, after) = self.draw();
        self.watch
            .clock
            .sleep_until(self.watch.clock.now().plus(after))
            .await;
        if to.contains("nobody") {
            return Taken::NoSuchAddress;
        }
        if matches!(weather, Weather::Busy) {
            return Taken::Unavailable;
        }
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        // The same key again is the same message.
        if accepted.insert(key.to_owned()) {
            self.watch.leaves(self.channel, key, &sent);
        }
        match weather {
            Weather::LosesTheAnswer => Taken::Unavailable,
            _ => Taken::Sent,
        }
    }
}

enum Taken {
    Sent,
    Unavailable,
    NoSuchAddress,
}

impl Mail for Gateway {
    fn send<'a>(
        &'a self,
        key: &'a str,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), MailError>> {
        async move {
            let has = |name: &str| message.headers.iter().any(|(header, _)| &**header == name);
            let sent = Leaving {
                subject: &message.subject,
                way_out: message.stream == MessageStream::Transactional
                    || (has("List-Unsubscribe") && has("List-Unsubscribe-Post")),
            };
            match self.take(key, message.to.as_str(), sent).await {
                Taken::Sent => Ok(()),
                Taken::Unavailable => Err(MailError::Transient),
                Taken::NoSuchAddress => Err(MailError::NoSuchAddress),
            }
        }
        .boxed()
    }
}

/// Whether a reader who looks for it finds out how to get no more of this.
fn says_how_to_end_it(text: &str) -> bool {
    let last = text.lines().next_back().unwrap_or_default();
    last.to_lowercase().contains("unsubscribe")
}

impl Messenger for Gateway {
    fn send<'a>(
        &'a self,
        key: &'a str,
        message: &'a TextMessage,
    ) -> BoxFuture<'a, Result<(), MessengerError>> {
        async move {
            let sent = Leaving {
                subject: &message.title,
                way_out: says_how_to_end_it(&message.text),
            };
            match self.take(key, &message.to, sent).await {
                Taken::Sent => Ok(()),
                Taken::Unavailable => Err(MessengerError::Transient),
                Taken::NoSuchAddress => Err(MessengerError::NoSuchAddress),
            }
        }
        .boxed()
    }
}
