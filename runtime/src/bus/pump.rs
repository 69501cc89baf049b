//! One subscriber's task: reads the journal into the window, and writes what came of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::BoxFuture;
use mercato_persistence::JournalFailed;
use tokio::sync::{mpsc, watch};

use super::delivery::{BusEvent, EventPlace};
use super::desk::{Desk, Order};
use super::error::BusError;
use super::events::DeadLettered;
use super::filter::Filters;
use super::ledger::Ledger;
use super::stats::SubscriberState;
use super::subscription::{StartAt, SubscriptionOptions};
use crate::clock::{Clock, Timestamp};
use crate::core::Core;
use crate::error::AskFailure;

/// How many records one read takes at most.
const READ_MAX: usize = 128;
/// How long it waits before it begins anew.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a full list of dead letters makes the next one wait.
const LETTERS_WAIT: Duration = Duration::from_secs(1);

pub(super) struct Pump {
    pub(super) core: Arc<Core>,
    pub(super) desk: Arc<Desk>,
    pub(super) start: StartAt,
    pub(super) filters: Filters,
    pub(super) options: SubscriptionOptions,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) stopping: watch::Receiver<bool>,
}

/// How a stretch of following came to its end.
enum Turn {
    /// The subscription goes on from another place.
    Reset,
    /// The subscriber is detached, and its cursor noted.
    Detached,
}

impl Pump {
    /// Follows the journal until the subscriber is detached or cannot go on.
    pub(super) async fn run(mut self) -> SubscriberState {
        loop {
            // Taken before the cursor is read: what came of the events before it may be lost from
            // the moment that this epoch is over.
            let epoch = self.core.journal.epoch();
            let failure = match self.follow(epoch).await {
                Ok(Turn::Reset) => continue,
                Ok(Turn::Detached) => return SubscriberState::Detached,
                Err(failure) => failure,
            };
            if failure.is_transient() && !self.is_closing() {
                self.core.journal.room().await;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            let is_away = matches!(failure, AskFailure::ReadOnly { .. });
            if !is_away && !self.core.went_back(epoch) {
                let reason = failure.to_string();
                tracing::error!(subscriber = &*self.desk.name, %failure, "a subscriber stopped");
                return SubscriberState::Stopped { reason };
            }
            self.desk.set_state(SubscriberState::WaitingForDisk);
            if let Err(failed) = self.until_writable().await {
                let reason = failed.to_string();
                return SubscriberState::Stopped { reason };
            }
            if self.is_closing() {
                return SubscriberState::Detached;
            }
            // A disk that takes writes and gives no reads must not keep this task spinning.
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits for the disk, or to be detached. Orders are turned away meanwhile.
    async fn until_writable(&mut self) -> Result<(), JournalFailed> {
        let journal = self.core.journal.clone();
        let mut back = journal.until_writable();
        loop {
            if self.is_closing() {
                return Ok(());
            }
            tokio::select! {
                biased;
                _ = self.stopping.wait_for(|stopping| *stopping) => return Ok(()),
                () = self.desk.changed.notified() => {}
                Some(order) = self.orders.recv() => {
                    let reason = "the journal's disk is away; try again when it is back";
                    order(Err(AskFailure::read_only(reason).into()));
                }
                back = &mut back => return back,
            }
        }
    }

    fn is_closing(&self) -> bool {
        // The runtime is gone where the sender is.
        let stopped = *self.stopping.borrow() || self.stopping.has_changed().is_err();
        stopped || self.desk.is_closing()
    }

    async fn follow(&mut self, epoch: u64) -> Result<Turn, AskFailure> {
        let journal = self.core.journal.clone();
        let mut ledger = Ledger::open(&self.core, &self.desk.name, epoch)?;
        // Its first record may have been taken back with the disk.
        ledger.start(self.start).map_err(|error| match error {
            BusError::Failed(failure) => failure,
            error => AskFailure::invalid(error),
        })?;
        let generation = ledger.generation();
        self.desk.restart(&ledger);
        self.desk.set_state(SubscriberState::Following);
        let mut cursor = ledger.cursor();
        let mut grace_ends = None;
        // Kept from turn to turn. The gate wakes its waiters in the order in which they came, so
        // that subscribers follow an event in the same order in every run of a seed.
        let mut gate: Option<BoxFuture<'_, Result<(), JournalFailed>>> = None;
        loop {
            if self.core.went_back(epoch) {
                return Err(AskFailure::taken_back());
            }
            let now = self.core.clock.now();
            let full = match self.write_down(&mut ledger, now) {
                Err(AskFailure::Overloaded { .. }) => true,
                written => written.map(|()| false)?,
            };
            let reached = self.desk.with_window(|window| window.cursor());
            if reached > cursor {
                ledger.move_cursor(reached)?;
                cursor = reached;
            }
            if self.is_closing() {
                if grace_ends.is_none() {
                    self.desk.close();
                }
                let ends = *grace_ends.get_or_insert_with(|| now.plus(self.options.grace));
                let out = self.desk.with_window(|window| window.out());
                if out == 0 || now >= ends {
                    return Ok(Turn::Detached);
                }
            } else if self.read_more(&ledger)? {
                // A long way to go must not keep others from theirs.
                self.desk.tick(now);
                tokio::task::yield_now().await;
                continue;
            } else if gate.is_none() && self.desk.with_window(|window| window.room()) > 0 {
                let next = self.desk.with_window(|window| window.scanned()).next();
                gate = Some(journal.until_durable_in(epoch, next));
            }
            self.desk.tick(now);
            let next_tick = self.desk.with_window(|window| window.next_tick());
            let next_tick = next_tick.into_iter().chain(grace_ends).min();
            tokio::select! {
                biased;
                _ = self.stopping.wait_for(|stopping| *stopping), if grace_ends.is_none() => {}
                () = self.desk.changed.notified() => {}
                Some(order) = self.orders.recv() => {
                    order(Ok(&mut ledger));
                    self.desk.dead_letters.store(ledger.letters(), Ordering::Relaxed);
                    if ledger.generation() != generation {
                        return Ok(Turn::Reset);
                    }
                }
                () = journal.room(), if full => {}
                passed = pass(&mut gate) => {
                    gate = None;
                    passed.map_err(AskFailure::read_only)?;
                }
                () = sleep_until(self.core.clock, next_tick) => {}
            }
        }
    }

    /// Records what the window cannot go on without: events set aside, and dead letters that are
    /// none any more.
    fn write_down(&self, ledger: &mut Ledger, now: Timestamp) -> Result<(), AskFailure> {
        let desk = &self.desk;
        while let Some(place) = desk.with_window(|window| window.first_redeemed()) {
            if ledger.has_letter(place) {
                ledger.settle(vec![place], false)?;
            }
            desk.with_window(|window| window.forget_redeemed(place));
        }
        while let Some(letter) = desk.with_window(|window| {
            let (place, held) = window.first_spent()?;
            Some(DeadLettered {
                place,
                stream: (&*held.event.stream).into(),
                event: held.event.name.as_ref().into(),
                attempts: held.attempts,
                reason: held.reason.clone(),
            })
        }) {
            let place = letter.place;
            let has_place = ledger.letters() < desk.dead_letters_max;
            if !has_place && !ledger.has_letter(place) {
                desk.with_window(|window| window.keep(place, now.plus(LETTERS_WAIT)));
                continue;
            }
            tracing::warn!(subscriber = &*desk.name, %place, "an event was set aside");
            ledger.set_aside(letter)?;
            desk.counters.dead_lettered.add();
            desk.with_window(|window| window.give_up(place));
        }
        desk.dead_letters.store(ledger.letters(), Ordering::Relaxed);
        Ok(())
    }

    /// Reads what has room. Whether there may be more to read.
    fn read_more(&self, ledger: &Ledger) -> Result<bool, AskFailure> {
        while let Some(place) = self.desk.next_asked() {
            if ledger.has_letter(place)
                && let Some(event) = event_at(&self.core, place)?
            {
                self.desk.with_window(|window| window.redeliver(event));
            }
        }
        let (room, scanned) = self
            .desk
            .with_window(|window| (window.room(), window.scanned()));
        if room == 0 {
            return Ok(false);
        }
        let journal = &self.core.journal;
        let records = journal.read(scanned, room.min(READ_MAX));
        let records = records.map_err(AskFailure::unreadable)?;
        let is_more = !records.is_empty();
        self.desk.with_window(|window| {
            for recorded in records {
                let position = recorded.position;
                let stream = &recorded.append.stream;
                let filters = &self.filters;
                let has_room = match filters.agent_of(stream) {
                    Some(agent) => {
                        let wanted = |_, name: &str| filters.takes(stream, name);
                        let events = BusEvent::chosen_of(&recorded, agent, wanted);
                        window.read_up_to(position, events, |place| ledger.has_letter(place))
                    }
                    None => window.read_up_to(position, std::iter::empty(), |_| false),
                };
                // What is left is read again when there is room for it.
                if !has_room {
                    break;
                }
            }
        });
        Ok(is_more)
    }
}

async fn sleep_until(clock: Clock, at: Option<Timestamp>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn pass(
    gate: &mut Option<BoxFuture<'_, Result<(), JournalFailed>>>,
) -> Result<(), JournalFailed> {
    match gate {
        Some(gate) => gate.await,
        None => std::future::pending().await,
    }
}

/// The event at `place`, where it is one of an agent of this runtime.
pub(super) fn event_at(
    core: &Core,
    place: EventPlace,
) -> Result<Option<Arc<BusEvent>>, AskFailure> {
    let record = core.durable_record(place.position)?;
    let found = record.and_then(|recorded| {
        let (agent, _) = recorded.append.stream.split_once('/')?;
        let agent = core.services.named(agent)?.name();
        BusEvent::chosen_of(&recorded, agent, |index, _| index == place.index).next()
    });
    Ok(found)
}
