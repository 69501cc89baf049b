//! What an operator does with subscriptions: looks at them, and mends them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mercato_persistence::Position;
use tokio::sync::oneshot;

use super::delivery::{Delivery, EventPlace};
use super::desk::{Desk, Order};
use super::error::BusError;
use super::ledger::Ledger;
use super::pump::event_at;
use super::registry::Bus;
use super::stats::{DeadLetter, SubscriberState, SubscriberStats};
use super::subscription::StartAt;
use crate::clock::Timestamp;
use crate::error::AskFailure;
use crate::folded::Made;

/// When to try again where the journal has no room.
const BUSY: Duration = Duration::from_millis(50);

/// Which dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letters {
    /// All that stand aside.
    All,
    /// This one.
    At(EventPlace),
}

impl Letters {
    pub(crate) fn of(self, ledger: &Ledger) -> Result<Vec<EventPlace>, BusError> {
        match self {
            Self::All => Ok(ledger.letter_places().collect()),
            Self::At(place) if ledger.has_letter(place) => Ok(vec![place]),
            Self::At(place) => Err(BusError::NoDeadLetter { place }),
        }
    }
}

impl Bus {
    /// Every subscription that the journal knows, in the order of their names, whether somebody is
    /// attached or not.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn subscribers(&self) -> Result<Vec<SubscriberStats>, BusError> {
        let names = self.known();
        names.iter().map(|name| self.stats(name)).collect()
    }

    /// How one subscriber is.
    ///
    /// # Errors
    /// When the journal does not know it, or cannot be read.
    pub fn stats(&self, name: &str) -> Result<SubscriberStats, BusError> {
        let desk = self.desk(name);
        let Some(desk) = desk.filter(|desk| desk.state() != SubscriberState::Detached) else {
            return self.stats_detached(name);
        };
        let (cursor, in_flight, (held, held_bytes)) =
            desk.with_window(|window| (window.cursor(), window.out(), window.holds()));
        let mut stats = self.lag_behind(name, cursor)?;
        stats.state = desk.state();
        stats.in_flight = in_flight;
        stats.held = held;
        stats.held_bytes = held_bytes;
        count(&mut stats, &desk);
        stats.dead_letters = desk.dead_letters.load(Ordering::Relaxed);
        stats.blocked = desk.blocked();
        Ok(stats)
    }

    fn stats_detached(&self, name: &str) -> Result<SubscriberStats, BusError> {
        match self.known_ledger(name) {
            Ok(ledger) => {
                let mut stats = self.lag_behind(name, ledger.cursor())?;
                stats.dead_letters = ledger.letters();
                if let Some(desk) = self.desk(name) {
                    count(&mut stats, &desk);
                }
                Ok(stats)
            }
            // One that cannot be read must not hide the others.
            Err(BusError::Failed(AskFailure::Storage { reason })) => {
                let mut stats = self.lag_behind(name, Position::START)?;
                stats.state = SubscriberState::Stopped { reason };
                Ok(stats)
            }
            Err(error) => Err(error),
        }
    }

    fn lag_behind(&self, name: &str, cursor: Position) -> Result<SubscriberStats, BusError> {
        let journal = &self.core.journal;
        let lag = journal.durable().get().saturating_sub(cursor.get());
        let next = journal.read(cursor, 1).map_err(AskFailure::unreadable)?;
        let since = next.first().map(|it| it.append.recorded_at_ms);
        let age = |at| self.core.clock.now().since(Timestamp::from_millis(at));
        Ok(SubscriberStats {
            name: name.into(),
            state: SubscriberState::Detached,
            cursor,
            lag,
            lag_age: since.map_or(Duration::ZERO, age),
            in_flight: 0,
            held: 0,
            held_bytes: 0,
            delivered: 0,
            retried: 0,
            dead_lettered: 0,
            dead_letters: 0,
            blocked: Vec::new(),
        })
    }

    /// The events that stand aside, in their order.
    ///
    /// # Errors
    /// When the journal does not know the subscription, or cannot be read.
    pub async fn dead_letters(&self, name: &str) -> Result<Vec<DeadLetter>, BusError> {
        self.order(name, |ledger, _| Ok(ledger.dead_letters()))
            .await
    }

    /// The durable event at a place, such as that of a dead letter; `None` where there is no event
    /// of an agent of this runtime. Its attempt is 0.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn event(&self, place: EventPlace) -> Result<Option<Delivery>, BusError> {
        let event = event_at(&self.core, place)?;
        Ok(event.map(|event| Delivery::new(event, 0)))
    }

    /// Delivers dead letters once more, with all their attempts anew, and gives how many. Each is
    /// off the list when it is handled; where it fails again, it stays on it. In its key it stands
    /// behind what is in hand. The wish itself is not kept: what is not handled when the subscriber
    /// is detached, or the journal's disk fails, stays on the list and is to be asked for again.
    ///
    /// # Errors
    /// When the subscriber is not attached, or there is no such dead letter.
    pub async fn redeliver(&self, name: &str, letters: Letters) -> Result<usize, BusError> {
        let unattached: Box<str> = name.into();
        let redeliver = move |ledger: &mut Ledger, desk: Option<&Desk>| {
            let name = unattached;
            let desk = desk.ok_or(BusError::NotAttached { name })?;
            let places = letters.of(ledger)?;
            let many = places.len();
            desk.ask_for(places);
            Ok(many)
        };
        self.order(name, redeliver).await
    }

    /// Drops dead letters, and gives how many. The events stay in the journal.
    ///
    /// # Errors
    /// When there is no such dead letter, or the journal could not be written.
    pub async fn drop_dead_letters(&self, name: &str, letters: Letters) -> Result<usize, BusError> {
        let drop_them = move |ledger: &mut Ledger, _: Option<&Desk>| {
            let places = letters.of(ledger)?;
            let many = places.len();
            if many > 0 {
                ledger.settle(places, true)?;
            }
            Ok((many, ledger.made()))
        };
        let (many, made) = self.order(name, drop_them).await?;
        self.until_durable(made).await?;
        Ok(many)
    }

    /// Sets an event aside that blocks its key, so that the key goes on.
    ///
    /// # Errors
    /// When the subscriber is not attached, the event blocks no key or is being tried right now, or
    /// too many stand aside.
    pub async fn set_aside(&self, name: &str, place: EventPlace) -> Result<(), BusError> {
        let Some(desk) = self.desk(name).filter(|desk| !desk.is_over()) else {
            return Err(BusError::NotAttached { name: name.into() });
        };
        if !desk.with_window(|window| window.spend(place)) {
            return Err(BusError::NotBlocked { place });
        }
        desk.changed.notify_one();
        // Answered by the pump after it has seen to it.
        let done = move |ledger: &mut Ledger, _: Option<&Desk>| {
            Ok((ledger.has_letter(place), ledger.letters(), ledger.made()))
        };
        let (done, letters, made) = self.order(name, done).await?;
        let limit = desk.dead_letters_max;
        match done {
            true => self.until_durable(made).await,
            false if letters >= limit => Err(BusError::DeadLettersFull { limit }),
            false => Err(AskFailure::Overloaded { retry_after: BUSY }.into()),
        }
    }

    /// Has a subscription go on from another place: everything after it is delivered again, or not
    /// at all. Its dead letters stay. Who still works on an event is waited for before another of
    /// its key is handed out.
    ///
    /// # Errors
    /// When the journal does not know the subscription, is not that long, or could not be written.
    pub async fn reset(&self, name: &str, to: StartAt) -> Result<(), BusError> {
        let reset = move |ledger: &mut Ledger, _: Option<&Desk>| {
            ledger.reset(to)?;
            Ok(ledger.made())
        };
        let made = self.order(name, reset).await?;
        self.until_durable(made).await
    }

    /// Makes the journal forget a subscription, its cursor and its dead letters: its name is new
    /// after that.
    ///
    /// # Errors
    /// When somebody is attached, the journal does not know it or could not be written.
    pub async fn remove(&self, name: &str) -> Result<(), BusError> {
        let attached: Box<str> = name.into();
        let remove = move |ledger: &mut Ledger, desk: Option<&Desk>| {
            if desk.is_some() {
                return Err(BusError::Attached { name: attached });
            }
            ledger.remove()?;
            Ok(ledger.made())
        };
        let made = self.order(name, remove).await?;
        self.until_durable(made).await?;
        self.list()
            .retain(|it, place| **it != *name || !place.desk.is_over());
        Ok(())
    }

    /// What was recorded leaves the runtime once it survives a crash.
    pub(super) async fn until_durable(&self, made: Made) -> Result<(), BusError> {
        let journal = &self.core.journal;
        let durable = journal.until_durable_in(made.epoch, made.position).await;
        durable.map_err(|failed| AskFailure::read_only(failed).into())
    }

    fn known_ledger(&self, name: &str) -> Result<Ledger, BusError> {
        let ledger = Ledger::open(&self.core, name, self.core.journal.epoch())?;
        if !ledger.exists() {
            return Err(BusError::Unknown { name: name.into() });
        }
        Ok(ledger)
    }

    /// Does something with a subscription's ledger: through its task where one is attached, and here
    /// where nobody is.
    async fn order<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&mut Ledger, Option<&Desk>) -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        let (answer, answered) = oneshot::channel();
        let desk = {
            // Held while the ledger is written, so that nobody attaches in between.
            let attached = self.list();
            let desk = attached.get(name).map(|it| &it.desk);
            match desk.filter(|desk| !desk.is_over()) {
                Some(desk) => desk.clone(),
                None => return work(&mut self.known_ledger(name)?, None),
            }
        };
        let its = desk.clone();
        let order: Order = Box::new(move |ledger| {
            // Who asked may have gone.
            let _ = answer.send(ledger.and_then(|ledger| work(ledger, Some(&its))));
        });
        let _ = desk.orders.send(order).await;
        // It is dropped unanswered where the subscriber is being detached.
        answered.await.unwrap_or(Err(AskFailure::Stopped.into()))
    }
}

fn count(stats: &mut SubscriberStats, desk: &Arc<Desk>) {
    stats.delivered = desk.counters.delivered.get();
    stats.retried = desk.counters.retried.get();
    stats.dead_lettered = desk.counters.dead_lettered.get();
}
