//! The journal's memory: who stands where in the order, and what waits to be written.
//!
//! Everything here can be rebuilt from the store. One lock guards it; under the lock nothing is
//! encoded, read or written.

mod cursors;
mod heads;
mod queue;
mod replies;
mod timers;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use uuid::Uuid;

use crate::block::{BLOCK_BYTES, ClosedBlock, Hashed, Link};
use crate::error::{AppendError, JournalFailed};
use crate::journal::Appended;
use crate::options::JournalOptions;
use crate::record::{Append, Mark, Position, Snapshot};

pub(crate) use cursors::Cursors;
use heads::Found;
pub(crate) use heads::{Head, Heads, HeadsToWrite};
use queue::Queue;
pub(crate) use replies::{Chunk, Command, Replies};
pub(crate) use timers::{TimerKey, TimerRow, Timers};

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
    queue: Queue,
    heads: Heads,
    open: BTreeSet<Arc<str>>,
    replies: Replies,
    timers: Timers,
    snapshots: BTreeMap<Box<str>, Snapshot>,
    snapshot_bytes: usize,
    cursors: Cursors,
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

impl Restored {
    /// Nothing is known but how far the journal was durable: its disk cannot be read.
    pub(crate) fn unknown(durable: Position, options: &JournalOptions) -> Self {
        Self {
            next: durable.next(),
            checkpoint: durable,
            heads: Heads::new(options.streams_in_memory_max, false),
            open: BTreeSet::new(),
            replies: Replies::new(options),
            timers: Timers::default(),
            cursors: Cursors::default(),
        }
    }
}

impl Front {
    pub(crate) fn new(options: JournalOptions, restored: Restored) -> Self {
        let block_bytes_max = BLOCK_BYTES.min(options.group_bytes_max);
        Self {
            options,
            queue: Queue::starting_at(restored.next, block_bytes_max),
            heads: restored.heads,
            open: restored.open,
            replies: restored.replies,
            timers: restored.timers,
            snapshots: BTreeMap::new(),
            snapshot_bytes: 0,
            cursors: restored.cursors,
            checkpoint: restored.checkpoint,
            failed: None,
            closing: false,
            writer_rests: false,
        }
    }

    /// Gives `append`, whose stored form is `record`, its place in the order.
    pub(crate) fn append(
        &mut self,
        append: &mut Append,
        record: &Hashed,
    ) -> Result<Appended, Refused> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone().into());
        }
        if self.closing {
            return Err(JournalFailed::closed().into());
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
                return Err(AppendError::Repeated { command: id }.into());
            }
        }

        let open = append.mark.map_or(head.open, |mark| mark == Mark::Open);
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
        if let Some(mark) = append.mark {
            set_mark(&mut self.open, &append.stream, mark == Mark::Open);
        }
        if !append.timers.is_empty() {
            let changes = std::mem::take(&mut append.timers);
            self.timers.change(position, &append.stream, changes);
        }
        Ok(Appended {
            position,
            version: head.version,
        })
    }

    /// Takes in the head of a stream that memory did not know, see [`Heads::adopt`].
    pub(crate) fn adopt(&mut self, stream: &Arc<str>, stored: Option<Head>, asked: u64) {
        self.heads.adopt(stream, stored, asked);
    }

    /// Where a stream stands, or the number to ask the store under.
    pub(crate) fn head(&mut self, stream: &Arc<str>) -> Result<Head, u64> {
        match self.heads.find(stream) {
            Found::Here(place) => Ok(place.head()),
            Found::InStore(asked) => Err(asked),
        }
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

    pub(crate) fn offer_snapshot(&mut self, snapshot: Snapshot) {
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

    pub(crate) fn set_cursor(&mut self, name: &str, position: Position, after: Position) {
        self.cursors.set(name, position, after);
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
