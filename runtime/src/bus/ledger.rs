//! What the journal keeps of a subscription: one stream, folded. It has one writer at a time, which
//! is the subscriber's task or, where nobody is attached, whoever holds the bus's list.

use std::collections::BTreeMap;
use std::sync::Arc;

use mercato_persistence::{Append, Journal, Mark, Position, Snapshot};
use serde::{Deserialize, Serialize};

use super::delivery::EventPlace;
use super::error::BusError;
use super::events::{
    CursorReset, DeadLettered, DeadLettersSettled, SubscriptionEvent, SubscriptionRemoved,
    SubscriptionStarted,
};
use super::stats::DeadLetter;
use super::subscription::StartAt;
use crate::clock::{Clock, Timestamp};
use crate::codec;
use crate::core::Core;
use crate::error::AskFailure;
use crate::event::Event;
use crate::shard::{append_failure, event_data};

/// The first part of the streams' names; the subscription's is the other.
pub(crate) const SUBSCRIPTION: &str = "subscription";
/// The version of [`Standing`]'s layout.
const STATE_VERSION: u16 = 1;
/// A snapshot is taken after so many events, so that a subscription with many dead letters behind
/// it is soon read.
const SNAPSHOT_EVENTS: u64 = 128;

/// What the events add up to.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Standing {
    exists: bool,
    /// How often it got a new place to go on from. A cursor of the journal never moves back, so
    /// each of them has a cursor of its own.
    generation: u64,
    start: Position,
    letters: BTreeMap<EventPlace, Letter>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Letter {
    stream: Box<str>,
    event: Box<str>,
    attempts: u32,
    times: u32,
    reason: Box<str>,
    set_aside_at: Timestamp,
}

pub(super) struct Ledger {
    journal: Arc<dyn Journal>,
    clock: Clock,
    stream: Arc<str>,
    /// The epoch of the journal that it was read in, taken before that. What it knows counts in no
    /// other.
    epoch: u64,
    version: u64,
    /// Its last append: the cursor must not be durable before it.
    position: Position,
    snapshot_version: u64,
    standing: Standing,
}

/// Something that was recorded, and whose durability somebody waits for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made {
    pub(super) epoch: u64,
    pub(super) position: Position,
}

/// Where the streams of all subscriptions begin.
pub(super) fn prefix() -> String {
    format!("{SUBSCRIPTION}/")
}

impl Ledger {
    pub(super) fn open(core: &Core, name: &str, epoch: u64) -> Result<Self, AskFailure> {
        let stream: Arc<str> = format!("{SUBSCRIPTION}/{name}").into();
        let mut ledger = Self {
            journal: core.journal.clone(),
            clock: core.clock,
            stream,
            epoch,
            version: 0,
            position: Position::START,
            snapshot_version: 0,
            standing: Standing::default(),
        };
        let journal = &core.journal;
        let snapshot = journal.snapshot(&ledger.stream);
        let snapshot = snapshot.map_err(AskFailure::unreadable)?;
        let snapshot = snapshot.filter(|snapshot| snapshot.state_version == STATE_VERSION);
        // One that does not decode only costs time: the events are all there.
        if let Some((standing, snapshot)) =
            snapshot.and_then(|it| Some((codec::decode(&it.state).ok()?, it)))
        {
            ledger.standing = standing;
            ledger.version = snapshot.stream_version;
            ledger.snapshot_version = snapshot.stream_version;
            ledger.position = snapshot.position;
        }
        let records = journal.read_stream(&ledger.stream, ledger.version);
        for recorded in records.map_err(AskFailure::unreadable)? {
            let known = ledger.version.saturating_sub(recorded.version_before);
            let known = usize::try_from(known).unwrap_or(usize::MAX);
            let at = Timestamp::from_millis(recorded.append.recorded_at_ms);
            for event in recorded.append.events.into_iter().skip(known) {
                let event = SubscriptionEvent::decode(&event.name, event.version, &event.payload)
                    .map_err(AskFailure::storage)?;
                ledger.apply(event, recorded.position, at);
            }
            ledger.position = recorded.position;
        }
        Ok(ledger)
    }

    pub(super) fn exists(&self) -> bool {
        self.standing.exists
    }

    /// Where everything is settled, by the journal's cursor.
    pub(super) fn cursor(&self) -> Position {
        let moved = self.journal.cursor(&self.cursor_name());
        self.standing.start.max(moved)
    }

    pub(super) fn move_cursor(&self, to: Position) -> Result<(), AskFailure> {
        let (name, made) = (self.cursor_name(), self.position);
        let moved = self.journal.set_cursor_in(self.epoch, &name, to, made);
        moved.map_err(AskFailure::read_only)
    }

    fn cursor_name(&self) -> String {
        format!("{}/{}", self.stream, self.standing.generation)
    }

    pub(super) fn generation(&self) -> u64 {
        self.standing.generation
    }

    /// Its last append.
    pub(super) fn made(&self) -> Made {
        Made {
            epoch: self.epoch,
            position: self.position,
        }
    }

    /// Names the subscription, where it is new.
    pub(super) fn start(&mut self, start: StartAt) -> Result<(), BusError> {
        if self.standing.exists {
            return Ok(());
        }
        let after = match start {
            StartAt::Beginning => Some(Position::START),
            StartAt::Now => None,
            StartAt::After(position) => Some(self.within(position)?),
        };
        self.record(SubscriptionStarted { after }, Some(Mark::Open))?;
        Ok(())
    }

    /// Goes on from another place.
    pub(super) fn reset(&mut self, to: StartAt) -> Result<(), BusError> {
        let after = match to {
            StartAt::Beginning => Position::START,
            StartAt::Now => self.journal.durable(),
            StartAt::After(position) => self.within(position)?,
        };
        self.record(CursorReset { after }, None)?;
        Ok(())
    }

    /// Sets an event aside.
    pub(super) fn set_aside(&mut self, letter: DeadLettered) -> Result<(), AskFailure> {
        self.record(letter, None)
    }

    /// Takes dead letters off the list.
    pub(super) fn settle(
        &mut self,
        places: Vec<EventPlace>,
        dropped: bool,
    ) -> Result<(), AskFailure> {
        self.record(DeadLettersSettled { places, dropped }, None)
    }

    /// Ends the subscription: its name is new after that.
    pub(super) fn remove(&mut self) -> Result<(), AskFailure> {
        self.record(SubscriptionRemoved, Some(Mark::Closed))
    }

    pub(super) fn has_letter(&self, place: EventPlace) -> bool {
        self.standing.letters.contains_key(&place)
    }

    pub(super) fn letters(&self) -> usize {
        self.standing.letters.len()
    }

    pub(super) fn letter_places(&self) -> impl Iterator<Item = EventPlace> {
        self.standing.letters.keys().copied()
    }

    pub(super) fn dead_letters(&self) -> Vec<DeadLetter> {
        let letters = self.standing.letters.iter();
        let shown = letters.map(|(place, letter)| {
            let (agent, key) = letter.stream.split_once('/').unwrap_or_default();
            DeadLetter {
                place: *place,
                agent: agent.into(),
                key: key.into(),
                event: letter.event.clone(),
                attempts: letter.attempts,
                times: letter.times,
                reason: letter.reason.clone(),
                set_aside_at: letter.set_aside_at,
            }
        });
        shown.collect()
    }

    fn within(&self, position: Position) -> Result<Position, BusError> {
        let end = self.journal.durable();
        if position > end {
            return Err(BusError::BeyondEnd { position, end });
        }
        Ok(position)
    }

    fn record(
        &mut self,
        event: impl Into<SubscriptionEvent>,
        mark: Option<Mark>,
    ) -> Result<(), AskFailure> {
        let event = event.into();
        let now = self.clock.now();
        let append = Append {
            events: vec![event_data(&event).map_err(AskFailure::invalid)?],
            mark,
            ..Append::to(self.stream.clone(), self.version, now.as_millis())
        };
        let appended = self
            .journal
            .append_in(self.epoch, append)
            .map_err(append_failure)?;
        self.position = appended.position;
        self.apply(event, appended.position, now);
        self.snapshot_if_due();
        Ok(())
    }

    fn snapshot_if_due(&mut self) {
        if self.version - self.snapshot_version < SNAPSHOT_EVENTS {
            return;
        }
        // Without it only the next opening takes longer.
        if let Ok(state) = codec::encode(&self.standing) {
            self.snapshot_version = self.version;
            let snapshot = Snapshot {
                stream: (&*self.stream).into(),
                state_version: STATE_VERSION,
                stream_version: self.version,
                position: self.position,
                state,
            };
            self.journal.offer_snapshot_in(self.epoch, snapshot);
        }
    }

    fn apply(&mut self, event: SubscriptionEvent, position: Position, at: Timestamp) {
        self.version += 1;
        let standing = &mut self.standing;
        match event {
            SubscriptionEvent::SubscriptionStarted(started) => {
                standing.exists = true;
                standing.generation += 1;
                standing.start = started.after.unwrap_or(position);
            }
            SubscriptionEvent::CursorReset(reset) => {
                standing.generation += 1;
                standing.start = reset.after;
            }
            SubscriptionEvent::DeadLettered(dead) => {
                let times = standing.letters.get(&dead.place).map_or(0, |it| it.times);
                let letter = Letter {
                    stream: dead.stream,
                    event: dead.event,
                    attempts: dead.attempts,
                    times: times + 1,
                    reason: dead.reason,
                    set_aside_at: at,
                };
                standing.letters.insert(dead.place, letter);
            }
            SubscriptionEvent::DeadLettersSettled(settled) => {
                for place in &settled.places {
                    standing.letters.remove(place);
                }
            }
            SubscriptionEvent::SubscriptionRemoved(SubscriptionRemoved) => {
                standing.exists = false;
                standing.letters.clear();
            }
        }
    }
}
