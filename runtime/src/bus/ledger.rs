//! What the journal keeps of a subscription: one stream, folded. It has one writer at a time, which
//! is the subscriber's task or, where nobody is attached, whoever holds the bus's list.

use std::collections::BTreeMap;
use std::sync::Arc;

use mercato_persistence::{Journal, Mark, Position};
use serde::{Deserialize, Serialize};

use super::delivery::EventPlace;
use super::error::BusError;
use super::events::{
    CursorReset, DeadLettered, DeadLettersSettled, SubscriptionEvent, SubscriptionRemoved,
    SubscriptionStarted,
};
use super::stats::DeadLetter;
use super::subscription::StartAt;
use crate::clock::Timestamp;
use crate::core::Core;
use crate::error::AskFailure;
use crate::folded::{self, Folded, Made};

/// The first part of the streams' names; the subscription's is the other.
pub(crate) const SUBSCRIPTION: &str = "subscription";

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

pub(crate) struct Ledger {
    journal: Arc<dyn Journal>,
    folded: Folded<Standing>,
}

/// Where the streams of all subscriptions begin.
pub(super) fn prefix() -> String {
    format!("{SUBSCRIPTION}/")
}

impl Ledger {
    pub(super) fn open(core: &Core, name: &str, epoch: u64) -> Result<Self, AskFailure> {
        Self::of(core, format!("{SUBSCRIPTION}/{name}").into(), epoch)
    }

    /// The ledger in this stream.
    pub(crate) fn of(core: &Core, stream: Arc<str>, epoch: u64) -> Result<Self, AskFailure> {
        let journal = core.journal.clone();
        let folded = Folded::open(journal.clone(), core.clock, stream, epoch)?;
        Ok(Self { journal, folded })
    }

    pub(super) fn exists(&self) -> bool {
        self.folded.standing.exists
    }

    /// Where everything is settled, by the journal's cursor.
    pub(super) fn cursor(&self) -> Position {
        let moved = self.journal.cursor(&self.cursor_name());
        self.folded.standing.start.max(moved)
    }

    pub(super) fn move_cursor(&self, to: Position) -> Result<(), AskFailure> {
        let (name, made) = (self.cursor_name(), self.made());
        let moved = self
            .journal
            .set_cursor_in(made.epoch, &name, to, made.position);
        moved.map_err(AskFailure::read_only)
    }

    fn cursor_name(&self) -> String {
        format!(
            "{}/{}",
            self.folded.stream(),
            self.folded.standing.generation
        )
    }

    pub(super) fn generation(&self) -> u64 {
        self.folded.standing.generation
    }

    /// Its last append.
    pub(crate) fn made(&self) -> Made {
        self.folded.made()
    }

    /// Names the subscription, where it is new.
    pub(super) fn start(&mut self, start: StartAt) -> Result<(), BusError> {
        if self.folded.standing.exists {
            return Ok(());
        }
        let after = match start {
            StartAt::Beginning => Some(Position::START),
            StartAt::Now => None,
            StartAt::After(position) => Some(self.within(position)?),
        };
        self.folded
            .record(SubscriptionStarted { after }, Some(Mark::Open))?;
        Ok(())
    }

    /// Goes on from another place.
    pub(super) fn reset(&mut self, to: StartAt) -> Result<(), BusError> {
        let after = match to {
            StartAt::Beginning => Position::START,
            StartAt::Now => self.journal.durable(),
            StartAt::After(position) => self.within(position)?,
        };
        self.folded.record(CursorReset { after }, None)?;
        Ok(())
    }

    /// Sets an event aside.
    pub(crate) fn set_aside(&mut self, letter: DeadLettered) -> Result<(), AskFailure> {
        self.folded.record(letter, None)
    }

    /// Takes dead letters off the list.
    pub(crate) fn settle(
        &mut self,
        places: Vec<EventPlace>,
        dropped: bool,
    ) -> Result<(), AskFailure> {
        self.folded
            .record(DeadLettersSettled { places, dropped }, None)
    }

    /// Ends the subscription: its name is new after that.
    pub(super) fn remove(&mut self) -> Result<(), AskFailure> {
        self.folded.record(SubscriptionRemoved, Some(Mark::Closed))
    }

    pub(crate) fn has_letter(&self, place: EventPlace) -> bool {
        self.folded.standing.letters.contains_key(&place)
    }

    pub(crate) fn letters(&self) -> usize {
        self.folded.standing.letters.len()
    }

    pub(crate) fn letter_places(&self) -> impl Iterator<Item = EventPlace> {
        self.folded.standing.letters.keys().copied()
    }

    pub(crate) fn dead_letters(&self) -> Vec<DeadLetter> {
        let letters = self.folded.standing.letters.iter();
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
}

impl folded::Standing for Standing {
    type Event = SubscriptionEvent;
    const STATE_VERSION: u16 = 1;

    fn apply(&mut self, event: SubscriptionEvent, position: Position, at: Timestamp) {
        let standing = self;
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
