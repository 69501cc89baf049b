//! What one subscriber has in hand: which events, who may have them next, and up to where all are
//! settled. Pure: the time is an argument, and it knows no journal.

mod lanes;
mod leases;
mod prefix;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use mercato_persistence::Position;
use rand::RngCore;

use super::delivery::{BusEvent, DeliveryError, EventPlace, Remedy};
use super::subscription::{DeliveryOrder, OnFailure, Redelivery, SubscriptionOptions};
use crate::clock::Timestamp;
use lanes::Lanes;
use leases::Leases;
use prefix::Prefix;

pub(super) use leases::Ticket;

/// A window that was full is read into again when it has room for so many events: a read costs about
/// as much for one record as for a few.
const READ_MIN: usize = 32;

pub(super) struct Window {
    options: SubscriptionOptions,
    prefix: Prefix,
    /// What is not settled.
    held: BTreeMap<EventPlace, Held>,
    bytes: usize,
    was_full: bool,
    lanes: Lanes,
    /// Heads of lanes that wait for their next attempt.
    due: BTreeSet<(Timestamp, EventPlace)>,
    /// Heads of lanes that are to be set aside.
    spent: BTreeSet<EventPlace>,
    /// Dead letters that were handled after all.
    redeemed: BTreeSet<EventPlace>,
    leases: Leases,
}

/// An event that is not settled.
pub(super) struct Held {
    pub(super) event: Arc<BusEvent>,
    lane: Arc<str>,
    pub(super) attempts: u32,
    pub(super) reason: Box<str>,
    /// Its attempts are used up, and its key waits for it all the same.
    pub(super) blocks: bool,
    /// Whether it stands in the list of dead letters.
    letter: bool,
    due: Option<Timestamp>,
}

/// A delivery that was taken.
pub(super) struct Taken {
    pub(super) ticket: Ticket,
    pub(super) event: Arc<BusEvent>,
    pub(super) attempt: u32,
}

/// What became of a delivery.
#[derive(Debug)]
pub(super) enum Verdict {
    Done,
    Failed(DeliveryError),
    /// Nobody looked at it.
    Untouched,
}

/// What a verdict led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    Done,
    Again,
    Spent,
    /// The delivery was no longer out: its time was over, or the window was restarted.
    Late,
}

impl Window {
    /// An empty window. After `lease_for` a delivery that is out counts as failed.
    pub(super) fn new(options: SubscriptionOptions, lease_for: Option<Duration>) -> Self {
        Self {
            options,
            prefix: Prefix::default(),
            held: BTreeMap::new(),
            bytes: 0,
            was_full: false,
            lanes: Lanes::default(),
            due: BTreeSet::new(),
            spent: BTreeSet::new(),
            redeemed: BTreeSet::new(),
            leases: Leases::lasting(lease_for),
        }
    }

    /// Forgets everything and goes on after `scanned`. Who has something in hand is waited for: an
    /// event of the same key is not handed out before.
    pub(super) fn restart(&mut self, scanned: Position) {
        self.prefix = Prefix::after(scanned);
        self.held.clear();
        self.bytes = 0;
        self.was_full = false;
        self.due.clear();
        self.spent.clear();
        self.redeemed.clear();
        self.lanes.restart(self.leases.orphan());
    }

    /// Up to here everything is settled.
    pub(super) fn cursor(&self) -> Position {
        self.prefix.cursor()
    }

    pub(super) fn scanned(&self) -> Position {
        self.prefix.scanned()
    }

    /// How many more events may be read; 0 until it is worth a read.
    pub(super) fn room(&mut self) -> usize {
        let room = self.free();
        let least = READ_MIN.min(self.options.ahead_max.get().div_ceil(2));
        self.was_full &= room < least;
        if self.was_full { 0 } else { room }
    }

    fn free(&self) -> usize {
        if self.bytes >= self.options.held_bytes_max {
            return 0;
        }
        let taken = self.prefix.len().max(self.held.len());
        self.options.ahead_max.get().saturating_sub(taken)
    }

    /// Takes in the events of the record at `position`, and everything before it. Whether another
    /// record has room.
    pub(super) fn read_up_to(
        &mut self,
        position: Position,
        events: impl Iterator<Item = Arc<BusEvent>>,
        is_letter: impl Fn(EventPlace) -> bool,
    ) -> bool {
        for event in events {
            self.prefix.take(event.place);
            let letter = is_letter(event.place);
            self.hold(event, letter);
        }
        self.prefix.scan(position);
        self.was_full = self.free() == 0;
        !self.was_full
    }

    /// Takes in a dead letter once more. It has no part in the cursor.
    pub(super) fn redeliver(&mut self, event: Arc<BusEvent>) {
        self.hold(event, true);
    }

    fn hold(&mut self, event: Arc<BusEvent>, letter: bool) {
        let place = event.place;
        if self.held.contains_key(&place) {
            return;
        }
        let lane = match self.options.order {
            DeliveryOrder::PerKey => event.stream.clone(),
            DeliveryOrder::Total => "".into(),
        };
        self.lanes.push(&lane, place);
        self.bytes += event.bytes();
        let held = Held {
            event,
            lane,
            attempts: 0,
            reason: "".into(),
            blocks: false,
            letter,
            due: None,
        };
        self.held.insert(place, held);
    }

    /// Hands out the first event that may be handed out.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<Taken> {
        if self.leases.len() >= self.options.parallel_max.get() {
            return None;
        }
        let place = self.lanes.next()?;
        let held = self.held.get_mut(&place)?;
        held.attempts = held.attempts.saturating_add(1);
        Some(Taken {
            ticket: self.leases.open(held.lane.clone(), place, now),
            event: held.event.clone(),
            attempt: held.attempts,
        })
    }

    /// Whether [`take`](Self::take) would give something.
    pub(super) fn can_give(&self) -> bool {
        self.lanes.has_ready() && self.leases.len() < self.options.parallel_max.get()
    }

    /// Gives a delivery that is out its whole time again. `false` where it is not out any more.
    pub(super) fn extend(&mut self, ticket: Ticket, now: Timestamp) -> bool {
        self.leases.extend(ticket, now)
    }

    /// Takes a delivery back.
    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        verdict: Verdict,
        now: Timestamp,
        rng: &mut dyn RngCore,
    ) -> Settled {
        let Some(lease) = self.leases.close(ticket) else {
            return Settled::Late;
        };
        let Some(place) = lease.place else {
            self.lanes.release(&lease.lane);
            return Settled::Late;
        };
        match verdict {
            Verdict::Done => {
                self.finish(place);
                Settled::Done
            }
            Verdict::Untouched => {
                if let Some(held) = self.held.get_mut(&place) {
                    held.attempts = held.attempts.saturating_sub(1);
                }
                self.lanes.again(place);
                Settled::Again
            }
            Verdict::Failed(error) => self.failed(place, error, now, rng),
        }
    }

    fn failed(
        &mut self,
        place: EventPlace,
        error: DeliveryError,
        now: Timestamp,
        rng: &mut dyn RngCore,
    ) -> Settled {
        let Some(held) = self.held.get_mut(&place) else {
            return Settled::Late;
        };
        let redelivery = &self.options.redelivery;
        let (reason, remedy) = error.into_parts();
        held.reason = reason;
        let is_last = remedy == Remedy::None || held.attempts >= redelivery.attempts_max.get();
        if is_last && self.options.on_failure == OnFailure::SetAside {
            self.spent.insert(place);
            return Settled::Spent;
        }
        held.blocks |= is_last;
        let wait = match remedy {
            Remedy::Again(Some(wait)) => Redelivery::asked_for(wait),
            _ => redelivery.wait_after(held.attempts, rng),
        };
        self.wait(place, now.plus(wait));
        Settled::Again
    }

    /// Moves on what is due at `now`. Gives how many deliveries' time was over.
    pub(super) fn tick(&mut self, now: Timestamp, rng: &mut dyn RngCore) -> usize {
        let mut over = 0;
        while let Some(ticket) = self.leases.first_over(now) {
            let late = DeliveryError::retry("it was not acknowledged in time");
            self.settle(ticket, Verdict::Failed(late), now, rng);
            over += 1;
        }
        while let Some((at, place)) = self.due.pop_first() {
            if at > now {
                self.due.insert((at, place));
                break;
            }
            if let Some(held) = self.held.get_mut(&place) {
                held.due = None;
            }
            self.lanes.again(place);
        }
        over
    }

    /// When [`tick`](Self::tick) has something to do next.
    pub(super) fn next_tick(&self) -> Option<Timestamp> {
        let due = self.due.first().map(|(at, _)| *at);
        due.into_iter().chain(self.leases.next_end()).min()
    }

    /// The first event that is to be set aside.
    pub(super) fn first_spent(&self) -> Option<(EventPlace, &Held)> {
        let place = self.spent.first()?;
        Some((*place, self.held.get(place)?))
    }

    /// It is set aside: its key goes on.
    pub(super) fn give_up(&mut self, place: EventPlace) {
        if let Some(held) = self.held.get_mut(&place) {
            held.letter = false;
        }
        self.finish(place);
    }

    /// It cannot be set aside: its key waits for it, and it is tried again at `at`.
    pub(super) fn keep(&mut self, place: EventPlace, at: Timestamp) {
        self.spent.remove(&place);
        if let Some(held) = self.held.get_mut(&place) {
            held.blocks = true;
        }
        self.wait(place, at);
    }

    fn wait(&mut self, place: EventPlace, at: Timestamp) {
        if let Some(held) = self.held.get_mut(&place) {
            held.due = Some(at);
            self.due.insert((at, place));
        }
    }

    /// Has an event that blocks its key set aside. `false` where it does not, or is being tried
    /// right now.
    pub(super) fn spend(&mut self, place: EventPlace) -> bool {
        let held = self.held.get_mut(&place).filter(|held| held.blocks);
        let Some(at) = held.and_then(|held| held.due.take()) else {
            return false;
        };
        self.due.remove(&(at, place));
        self.spent.insert(place);
        true
    }

    /// A dead letter that was handled after all.
    pub(super) fn first_redeemed(&self) -> Option<EventPlace> {
        self.redeemed.first().copied()
    }

    pub(super) fn forget_redeemed(&mut self, place: EventPlace) {
        self.redeemed.remove(&place);
    }

    /// What holds its key up.
    pub(super) fn blocking(&self) -> impl Iterator<Item = &Held> {
        self.held.values().filter(|held| held.blocks)
    }

    /// How many deliveries are out.
    pub(super) fn out(&self) -> usize {
        self.leases.len()
    }

    /// How many events are held, and how many bytes they take.
    pub(super) fn holds(&self) -> (usize, usize) {
        (self.held.len(), self.bytes)
    }

    fn finish(&mut self, place: EventPlace) {
        self.spent.remove(&place);
        if let Some(held) = self.held.remove(&place) {
            self.bytes -= held.event.bytes();
            if held.letter {
                self.redeemed.insert(place);
            }
            self.lanes.advance(&held.lane);
        }
        self.prefix.settle(place);
    }
}

#[cfg(test)]
mod tests;
