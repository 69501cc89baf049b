//! An entity on its way from the journal into memory, a slice at a time.
//!
//! A stream is linked backwards, and an entity is made forwards. So a long history is first walked
//! back, of which only the places are kept where a slice ends, and then its slices are read once
//! more from the oldest to the newest. A short one, which is nearly every one, is a single slice.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use mercato_persistence::{Journal, Position, ReadError, Recorded};
use mercato_supervisor::contain;

use super::entity::Entity;
use super::stream_of;
use crate::agent::Agent;
use crate::bus::EventPlace;
use crate::codec;
use crate::error::AskFailure;
use crate::event::{CodecError, Event};
use crate::quarantine::Poison;
use crate::readable::reason_of;

/// How many events one slice has, one append's more or less: about three milliseconds' work by
/// [`RecoveryCosts`](mercato_persistence::RecoveryCosts), where the disk has to be asked.
pub(crate) const SLICE_EVENTS: usize = 256;

/// Why an entity cannot be loaded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Unloaded {
    /// One of its events cannot be applied.
    Poisoned(Poison),
    Failed(AskFailure),
}

impl From<ReadError> for Unloaded {
    fn from(error: ReadError) -> Self {
        Self::Failed(AskFailure::unreadable(error))
    }
}

pub(super) struct Loading<A: Agent> {
    entity: Entity<A>,
    /// Where slices end that were seen and are still to be applied, the newest first.
    ahead: Vec<Position>,
    /// How far it was walked back. `None` before the first slice.
    back: Option<Position>,
    /// It was walked back to the end.
    is_seen: bool,
    /// When it had its last slice, in slices of its shard.
    pub(super) touched: u64,
}

impl<A: Agent> Loading<A> {
    /// Begins with the snapshot, or with nothing.
    pub(super) fn begin(journal: &dyn Journal, key: &str) -> Result<Self, ReadError> {
        let stream = stream_of(A::NAME, key);
        let snapshot = journal
            .snapshot(&stream)?
            .filter(|snapshot| snapshot.state_version == A::STATE_VERSION);
        // A snapshot that does not decode, or panics over it, only costs time: the events are all
        // there.
        let restored = snapshot.and_then(|snapshot| {
            let state = contain(|| codec::decode(&snapshot.state)).ok()?.ok()?;
            Some((state, snapshot))
        });
        let entity = match restored {
            Some((state, snapshot)) => Entity::from_snapshot(stream, &snapshot, state),
            None => Entity::new(stream),
        };
        Ok(Self {
            entity,
            ahead: Vec::new(),
            back: None,
            is_seen: false,
            touched: 0,
        })
    }

    /// Takes one slice. Whether that was the last one.
    pub(super) fn step(
        &mut self,
        journal: &dyn Journal,
        replaying: &dyn Fn(),
    ) -> Result<bool, Unloaded> {
        let stream: Arc<str> = self.entity.stream.clone();
        let until = match self.is_seen {
            true => self.ahead.pop(),
            false => self.back,
        };
        let part = journal.read_stream_part(&stream, until, self.entity.version, SLICE_EVENTS)?;
        if !self.is_seen && part.earlier.is_some() {
            self.ahead.extend(part.records.last().map(|it| it.position));
            self.back = part.earlier;
            return Ok(false);
        }
        self.is_seen = true;
        apply(&mut self.entity, &part.records, replaying).map_err(Unloaded::Poisoned)?;
        Ok(self.ahead.is_empty())
    }

    /// The entity after its last slice.
    pub(super) fn finish(self) -> Entity<A> {
        let mut entity = self.entity;
        if entity.since_snapshot() > 0 {
            entity.measure();
        }
        entity
    }
}

/// Applies appends in their order. Reading and applying an event is the agent's own code, which may
/// panic over it: then the entity is thrown away, and nothing else is harmed. `replaying` is no code of
/// the agent's: where it panics the event is not to blame, and the panic goes on.
fn apply<A: Agent>(
    entity: &mut Entity<A>,
    records: &[Arc<Recorded>],
    replaying: &dyn Fn(),
) -> Result<(), Poison> {
    let mut at = (0, 0);
    let mut struck = None;
    let applied = contain(|| -> Result<(), CodecError> {
        for (nth, recorded) in records.iter().enumerate() {
            if nth == records.len() / 2 {
                struck = catch_unwind(AssertUnwindSafe(replaying)).err();
                if struck.is_some() {
                    return Ok(());
                }
            }
            let known = entity.version.saturating_sub(recorded.version_before);
            let known = usize::try_from(known).unwrap_or(usize::MAX);
            let events = recorded.append.events.iter().enumerate();
            for (index, event) in events.skip(known) {
                at = (nth, index);
                let event = A::Event::decode(&event.name, event.version, &event.payload)?;
                A::evolve(&mut entity.state, &event);
                entity.version += 1;
            }
            entity.position = entity.position.max(recorded.position);
        }
        Ok(())
    });
    if let Some(panic) = struck {
        resume_unwind(panic);
    }
    let reason = match applied {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => reason_of(&error),
        Err(panic) => reason_of(&format_args!("applying it panicked: {panic}")),
    };
    let recorded = &records[at.0];
    let event = &recorded.append.events[at.1];
    Err(Poison {
        place: EventPlace {
            position: recorded.position,
            index: u32::try_from(at.1).unwrap_or(u32::MAX),
        },
        event: (&*event.name).into(),
        version: event.version,
        reason,
    })
}
