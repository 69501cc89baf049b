//! The journal's memory: who stands where in the order, and what waits to be written.
//!
//! Everything here can be rebuilt from the store. One lock guards it; under the lock nothing is
//! encoded, read or written, save where a disk that failed stops everybody anyway.

mod cursors;
mod heads;
mod queue;
mod replies;
mod timers;
mod undo;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use uuid::Uuid;

use crate::block::{BLOCK_BYTES, ClosedBlock, Hashed, Link};
use crate::error::{AppendError, JournalFailed, WrongEpoch};
use crate::journal::Appended;
use crate::options::JournalOptions;
use crate::record::{Append, Mark, Position, Snapshot};

pub(crate) use cursors::Cursors;
use heads::Found;
pub(crate) use heads::{Head, Heads, HeadsToWrite};
use queue::Queue;
pub(crate) use replies::{Chunk, Command, Replies};
pub(crate) use timers::{TimerKey, TimerRow, Timers};
use undo::Undo;

/// The most heads that a small commit writes behind: about a millisecond's work. A larger one writes
/// two for each of its records, so that what is put down never grows faster than it is written.
const HEADS_PER_COMMIT: usize = 512;
/// The most bytes of snapshots that one commit writes, one snapshot excepted.
const SNAPSHOT_BYTES_PER_COMMIT: usize = 1 << 20;
/// Snapshots are set aside while more bytes of them than this wait: they only save time.
const SNAPSHOT_BYTES_MAX: usize = 16 << 20;

/// What one commit writes.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) blocks: Vec<Arc<ClosedBlock>>,
    /// The bytes of its records.
    pub(crate) bytes: usize,
    /// The last position that is durable after it.
    pub(crate) last: Position,
    pub(crate) heads: HeadsToWrite,
    pub(crate) commands: Option<Chunk>,
    /// The chunk of commands that is forgotten with it.
    pub(crate) forget: Option<Position>,
    pub(crate) timers: BTreeMap<TimerKey, TimerRow>,
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) cursors: Vec<(Box<str>, Position)>,
    /// Where reading begins at the next opening.
    pub(crate) checkpoint: Option<Position>,
}

impl Group {
    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.snapshots.is_empty() && self.cursors.is_empty()
    }
}

/// Where an append cannot be placed yet: the store has to be asked for its stream's head first.
#[derive(Debug)]
pub(crate) enum Refused {
    AskStore(u64),
    Error(AppendError),
}

impl<E: Into<AppendError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

#[derive(Debug)]
pub(crate) struct Front {
    options: JournalOptions,
    /// What is handed in must follow from this one.
    epoch: u64,
    queue: Queue,
    heads: Heads,
    open: BTreeSet<Arc<str>>,
    replies: Replies,
    timers: Timers,
    snapshots: BTreeMap<Box<str>, Snapshot>,
    snapshot_bytes: usize,
    cursors: Cursors,
    undo: Undo,
    checkpoint: Position,
    pub(crate) failed: Option<JournalFailed>,
    pub(crate) closing: bool,
    /// The writer found nothing to do and must be woken.
    pub(crate) writer_rests: bool,
}

/// What a front begins with, as it was read from the store.
#[derive(Debug)]
pub(crate) struct Restored {
    pub(crate) next: Position,
    pub(crate) checkpoint: Position,
    pub(crate) heads: Heads,
    pub(crate) open: BTreeSet<Arc<str>>,
    pub(crate) replies: Replies,
    pub(crate) timers: Timers,
    pub(crate) cursors: Cursors,
}

impl Front {
    pub(crate) fn new(options: JournalOptions, restored: Restored) -> Self {
        let block_bytes_max = BLOCK_BYTES.min(options.group_bytes_max);
        Self {
            options,
            epoch: 0,
            queue: Queue::starting_at(restored.next, block_bytes_max),
            heads: restored.heads,
            open: restored.open,
            replies: restored.replies,
            timers: restored.timers,
            snapshots: BTreeMap::new(),
            snapshot_bytes: 0,
            cursors: restored.cursors,
            undo: Undo::default(),
            checkpoint: restored.checkpoint,
            failed: None,
            closing: false,
            writer_rests: false,
        }
    }

    /// Goes on, in a new epoch, with what was found on the disk. Gives back the front that failed,
    /// to be dropped where nobody waits for it.
    pub(crate) fn go_on(&mut self, restored: Restored, epoch: u64) -> Self {
        let mut next = Self::new(self.options.clone(), restored);
        next.epoch = epoch;
        next.closing = self.closing;
        next.heads.evictions_follow(&self.heads);
        std::mem::replace(self, next)
    }

    /// Whether what follows from `epoch` may still be taken.
    pub(crate) fn follows(&self, epoch: u64) -> Result<(), WrongEpoch> {
        if epoch == self.epoch {
            return Ok(());
        }
        Err(WrongEpoch {
            expected: epoch,
            actual: self.epoch,
        })
    }

    /// Gives `append`, whose stored form is `record`, its place in the order. It must follow from
    /// `epoch`, where one is given.
    pub(crate) fn append(
        &mut self,
        append: &mut Append,
        record: &Hashed,
        epoch: Option<u64>,
    ) -> Result<Appended, Refused> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone().into());
        }
        if self.closing {
            return Err(JournalFailed::closed().into());
        }
        if let Some(epoch) = epoch {
            self.follows(epoch)?;
        }
        if self.queue.bytes() + record.len() > 2 * self.options.queue_bytes_max {
            let bytes = self.queue.bytes();
            return Err(AppendError::Full { bytes }.into());
        }
        let place = match self.heads.find(&append.stream) {
            Found::Here(place) => place,
            Found::InStore(asked) => return Err(Refused::AskStore(asked)),
        };
        let head = place.head();
        if head.version != append.expected_version {
            self.heads.let_go_of_new(&append.stream);
            return Err(AppendError::WrongVersion {
                stream: append.stream.clone(),
                expected: append.expected_version,
                actual: head.version,
            }
            .into());
        }
        let next = self.queue.next();
        // For the block that this append may close, and that may become durable without it.
        let known_from = self.replies.known_from(next);
        if let Some(reply) = &append.command {
            let id = reply.command;
            let command = Command {
                id,
                at: next,
                recorded_at_ms: append.recorded_at_ms,
            };
            if !self.replies.insert(command) {
                self.heads.let_go_of_new(&append.stream);
                return Err(AppendError::Repeated { command: id }.into());
            }
        }

        let was_open = head.open;
        let open = append.mark.map_or(was_open, |mark| mark == Mark::Open);
        let link = Link {
            previous: head.last,
            open,
        };
        let position = self.queue.push(record, link, known_from);
        let head = Head {
            version: head.version + append.events.len() as u64,
            last: position,
            open,
        };
        place.touch(&append.stream, head);
        if append.mark.is_some() {
            if open != was_open {
                self.undo.mark(position, &append.stream, was_open);
            }
            set_mark(&mut self.open, &append.stream, open);
        }
        if !append.timers.is_empty() {
            self.undo.timers(position, append, &self.timers);
            let changes = std::mem::take(&mut append.timers);
            self.timers.change(position, &append.stream, changes);
        }
        Ok(Appended {
            position,
            version: head.version,
            epoch: self.epoch,
        })
    }

    /// Takes in the head of a stream that memory did not know, see [`Heads::adopt`]. Gives back what
    /// takes time to drop.
    pub(crate) fn adopt(
        &mut self,
        stream: &Arc<str>,
        stored: Option<Head>,
        asked: u64,
    ) -> Option<impl Sized + use<>> {
        self.heads.adopt(stream, stored, asked);
        self.heads.relieve(self.queue.next())
    }

    /// Where a stream stands, or the number to ask the store under. Memory does not grow by it.
    pub(crate) fn head(&self, stream: &str) -> Result<Head, u64> {
        self.heads.peek(stream)
    }

    /// The last append of each stream in memory under `prefix`.
    pub(crate) fn heads_under(&self, prefix: &str) -> HashMap<Arc<str>, Position> {
        let heads = self.heads.iter();
        heads
            .filter(|(stream, head)| stream.starts_with(prefix) && head.last > Position::START)
            .map(|(stream, head)| (stream.clone(), head.last))
            .collect()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.queue.bytes() < self.options.queue_bytes_max
    }

    pub(crate) fn has_work(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Where a command was recorded, if that is still known.
    pub(crate) fn place_of(&self, command: Uuid) -> Option<Position> {
        self.replies.place(command)
    }

    /// The record at `position`, where it waits to be written; `Err` where it is stored.
    pub(crate) fn waiting(&self, position: Position) -> Result<Option<(Link, Vec<u8>)>, Stored> {
        if self.queue.reaches(position) {
            Ok(self.queue.record(position))
        } else {
            Err(Stored)
        }
    }

    pub(crate) fn open_streams(&self, prefix: &str) -> Vec<Arc<str>> {
        self.open
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(|stream| stream.starts_with(prefix))
            .cloned()
            .collect()
    }

    pub(crate) fn timers(&self) -> &Timers {
        &self.timers
    }

    pub(crate) fn offer_snapshot(&mut self, epoch: u64, snapshot: Snapshot) {
        if self.failed.is_some() || self.follows(epoch).is_err() {
            return;
        }
        let bytes = snapshot.state.len();
        let before = self.snapshots.get(&snapshot.stream);
        let before = before.map_or(0, |before| before.state.len());
        if self.snapshot_bytes - before + bytes <= SNAPSHOT_BYTES_MAX {
            self.snapshot_bytes = self.snapshot_bytes - before + bytes;
            self.snapshots.insert(snapshot.stream.clone(), snapshot);
        }
    }

    pub(crate) fn cursor(&self, name: &str) -> Position {
        self.cursors.get(name)
    }

    pub(crate) fn set_cursor(
        &mut self,
        epoch: u64,
        name: &str,
        position: Position,
        after: Position,
    ) -> Result<(), WrongEpoch> {
        self.follows(epoch)?;
        // While the disk is away nothing is written, and only what is written counts.
        if self.failed.is_none() {
            self.cursors.set(name, position, after);
        }
        Ok(())
    }

    pub(crate) fn pass_cursor(
        &mut self,
        epoch: u64,
        name: &str,
        position: Position,
    ) -> Result<(), WrongEpoch> {
        self.follows(epoch)?;
        if self.failed.is_none() {
            self.cursors.pass(name, position);
        }
        Ok(())
    }

    /// The last position that was given out.
    pub(crate) fn appended(&self) -> Position {
        Position::new(self.queue.next().get() - 1)
    }

    /// The next commit: as much as one may take, up to `bytes_max`. What it holds stays readable
    /// here until [`committed`](Self::committed).
    pub(crate) fn next_group(&mut self, bytes_max: usize) -> Group {
        let before = Position::new(self.queue.first().get() - 1);
        let known_from = self.replies.known_from(self.queue.next());
        let blocks = self.queue.group(bytes_max, known_from);
        let last = blocks.last().map_or(before, |block| block.last());
        // Appends that are not durable yet may have forgotten more.
        let forgotten_to = blocks
            .last()
            .map_or(Position::START, |block| block.replies_from);
        let target = last.get().saturating_sub(self.options.tail_records_max);
        let queue = &self.queue;
        let committed_touch = |of: Position| queue.last_link_up_to(of, last);
        let target = Position::new(target);
        let records = usize::try_from(last.get() - before.get()).unwrap_or(usize::MAX);
        let rows_max = records.saturating_mul(2).max(HEADS_PER_COMMIT);
        let heads = self.heads.take_due(target, rows_max, committed_touch);
        let commands = self.replies.take_chunk(last);
        // What is listed becomes durable with this commit, and not any sooner.
        let unlisted_from = self.replies.unlisted_from(last.next()).get();
        let checkpoint = heads.checkpoint.min(Position::new(unlisted_from - 1));
        let advanced = checkpoint.get() > self.checkpoint.get() + self.options.tail_records_max / 8;
        let group = Group {
            last,
            commands,
            forget: self.replies.take_forgotten(forgotten_to),
            timers: self.timers.take_due(last),
            snapshots: self.take_snapshots(last),
            cursors: self.cursors.take_due(last),
            checkpoint: advanced.then_some(checkpoint),
            bytes: blocks.iter().map(|block| block.record_bytes()).sum(),
            blocks,
            heads,
        };
        if advanced {
            self.checkpoint = checkpoint;
        }
        group
    }

    /// Lets go of what is durable now, and gives back what takes time to drop.
    pub(crate) fn committed(&mut self, group: &Group) -> Option<impl Sized + use<>> {
        self.queue.written(group.blocks.len(), group.bytes);
        self.undo.durable(group.last);
        self.cursors.written(&group.cursors);
        self.heads.change_generations(self.queue.next())
    }

    /// A snapshot must never become durable before the events that it sums up.
    fn take_snapshots(&mut self, last: Position) -> Vec<Snapshot> {
        let mut bytes = 0;
        let ready = self.snapshots.extract_if(.., |_, snapshot| {
            let ready = snapshot.position <= last && bytes < SNAPSHOT_BYTES_PER_COMMIT;
            if ready {
                bytes += snapshot.state.len();
            }
            ready
        });
        let taken = ready.map(|(_, snapshot)| snapshot).collect();
        self.snapshot_bytes -= bytes;
        taken
    }
}

/// Not in memory: the store has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored;

pub(crate) fn set_mark(streams: &mut BTreeSet<Arc<str>>, stream: &Arc<str>, open: bool) {
    if open {
        streams.insert(stream.clone());
    } else {
        streams.remove(stream);
    }
}
