//! The journal's memory: who stands where in the order, and what waits to be written.
//!
//! Everything here can be rebuilt from the stored blocks. One lock guards it; under the lock
//! nothing is encoded, read or written.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use uuid::Uuid;

use crate::error::{AppendError, JournalFailed};
use crate::journal::Appended;
use crate::options::JournalOptions;
use crate::record::{Append, FirstReply, Mark, Position, Recorded, Snapshot};

/// What one commit writes.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) first: Position,
    pub(crate) records: Vec<Arc<[u8]>>,
    pub(crate) bytes: usize,
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) cursors: Vec<(Box<str>, Position)>,
}

impl Group {
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.snapshots.is_empty() && self.cursors.is_empty()
    }

    /// The last position it holds; the one before its first where it holds none.
    pub(crate) fn last(&self) -> Position {
        Position::new(self.first.get() + self.records.len() as u64 - 1)
    }
}

#[derive(Debug)]
pub(crate) struct Front {
    options: JournalOptions,
    next: Position,
    streams: HashMap<Box<str>, Head>,
    open: BTreeSet<Box<str>>,
    replies: Replies,
    pending: VecDeque<Pending>,
    pending_bytes: usize,
    snapshots: BTreeMap<Box<str>, Snapshot>,
    cursors: BTreeMap<Box<str>, Cursor>,
    pub(crate) epoch: u64,
    pub(crate) failed: Option<JournalFailed>,
    pub(crate) closing: bool,
}

/// Where a stream's appends are: in the store, and after those, in the queue with their bytes.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) stored: Vec<Position>,
    pub(crate) waiting: Vec<(Position, Arc<[u8]>)>,
}

#[derive(Debug, Default)]
struct Head {
    version: u64,
    positions: Vec<Position>,
}

/// An append that waits to be written, with what it takes to undo it.
#[derive(Debug)]
struct Pending {
    bytes: Arc<[u8]>,
    stream: Box<str>,
    events: u64,
    command: Option<Uuid>,
    was_open: bool,
}

#[derive(Debug, Clone, Copy)]
struct Cursor {
    position: Position,
    /// Where the cursor is not written yet: the last append that its subscriber made of what it
    /// read. Written any sooner, a crash would lose that append and never make it again.
    unwritten: Option<Position>,
}

impl Front {
    pub(crate) fn new(options: JournalOptions, cursors: BTreeMap<Box<str>, Position>) -> Self {
        Self {
            replies: Replies::bounded(options.replies_max),
            options,
            next: Position::START.next(),
            streams: HashMap::new(),
            open: BTreeSet::new(),
            pending: VecDeque::new(),
            pending_bytes: 0,
            snapshots: BTreeMap::new(),
            cursors: cursors
                .into_iter()
                .map(|(name, position)| {
                    let unwritten = None;
                    (
                        name,
                        Cursor {
                            position,
                            unwritten,
                        },
                    )
                })
                .collect(),
            epoch: 0,
            failed: None,
            closing: false,
        }
    }

    /// Takes in a record that was read back from the store.
    pub(crate) fn restore(&mut self, recorded: Recorded) {
        let append = recorded.append;
        let head = self.streams.entry(append.stream.clone()).or_default();
        head.version += append.events.len() as u64;
        head.positions.push(recorded.position);
        if let Some(reply) = append.command {
            self.replies.insert(reply);
        }
        set_mark(&mut self.open, append.stream, append.mark);
        self.next = recorded.position.next();
    }

    /// Gives `append`, whose stored form is `bytes`, its place in the order.
    pub(crate) fn append(
        &mut self,
        append: Append,
        bytes: Arc<[u8]>,
    ) -> Result<Appended, AppendError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone().into());
        }
        if self.closing {
            return Err(JournalFailed::closed().into());
        }
        if self.pending_bytes + bytes.len() > 2 * self.options.queue_bytes_max {
            return Err(AppendError::Full {
                bytes: self.pending_bytes,
            });
        }
        let actual = self.version(&append.stream);
        if actual != append.expected_version {
            return Err(AppendError::WrongVersion {
                stream: append.stream,
                expected: append.expected_version,
                actual,
            });
        }
        if let Some(reply) = &append.command
            && self.replies.get(reply.command).is_some()
        {
            return Err(AppendError::Repeated {
                command: reply.command,
            });
        }

        let position = self.next;
        self.next = position.next();
        let events = append.events.len() as u64;
        let head = self.streams.entry(append.stream.clone()).or_default();
        head.version += events;
        head.positions.push(position);
        let version = head.version;
        self.pending_bytes += bytes.len();
        self.pending.push_back(Pending {
            bytes,
            was_open: self.open.contains(&append.stream),
            stream: append.stream.clone(),
            events,
            command: append.command.as_ref().map(|reply| reply.command),
        });
        if let Some(reply) = append.command {
            self.replies.insert(reply);
        }
        set_mark(&mut self.open, append.stream, append.mark);
        Ok(Appended { position, version })
    }

    pub(crate) fn has_room(&self) -> bool {
        self.pending_bytes < self.options.queue_bytes_max
    }

    pub(crate) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(crate) fn version(&self, stream: &str) -> u64 {
        self.streams.get(stream).map_or(0, |head| head.version)
    }

    pub(crate) fn first_reply(&self, command: Uuid) -> Option<FirstReply> {
        self.replies.get(command).cloned()
    }

    pub(crate) fn open_streams(&self, prefix: &str) -> Vec<Box<str>> {
        self.open
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(|stream| stream.starts_with(prefix))
            .cloned()
            .collect()
    }

    /// Where a stream's appends are.
    pub(crate) fn positions(&self, stream: &str) -> Places {
        let Some(head) = self.streams.get(stream) else {
            return Places::default();
        };
        let first_pending = self.first_pending();
        let stored = head.positions.partition_point(|at| *at < first_pending);
        let (stored, waiting) = head.positions.split_at(stored);
        let waiting = waiting
            .iter()
            .filter_map(|at| {
                let index = usize::try_from(at.get() - first_pending.get()).ok()?;
                Some((*at, self.pending.get(index)?.bytes.clone()))
            })
            .collect();
        Places {
            stored: stored.to_vec(),
            waiting,
        }
    }

    pub(crate) fn offer_snapshot(&mut self, snapshot: Snapshot) {
        self.snapshots.insert(snapshot.stream.clone(), snapshot);
    }

    pub(crate) fn cursor(&self, name: &str) -> Position {
        self.cursors
            .get(name)
            .map_or(Position::START, |cursor| cursor.position)
    }

    pub(crate) fn set_cursor(&mut self, name: &str, position: Position, after: Position) {
        match self.cursors.entry(name.into()) {
            Entry::Vacant(entry) => {
                let unwritten = Some(after);
                entry.insert(Cursor {
                    position,
                    unwritten,
                });
            }
            Entry::Occupied(mut entry) if entry.get().position < position => {
                // What an earlier move waits for, this one waits for too: it covers the same reads.
                let unwritten = entry.get().unwritten.max(Some(after));
                entry.insert(Cursor {
                    position,
                    unwritten,
                });
            }
            Entry::Occupied(_) => {}
        }
    }

    /// The next commit: as much as one may take. What it holds stays readable here until
    /// [`committed`](Self::committed).
    pub(crate) fn next_group(&mut self) -> Group {
        let mut group = Group {
            first: self.first_pending(),
            ..Group::default()
        };
        for pending in self.pending.iter().take(self.options.group_records_max) {
            if !group.records.is_empty()
                && group.bytes + pending.bytes.len() > self.options.group_bytes_max
            {
                break;
            }
            group.bytes += pending.bytes.len();
            group.records.push(pending.bytes.clone());
        }
        // A snapshot must never become durable before the events that it sums up.
        let last = group.last();
        group.snapshots = self
            .snapshots
            .extract_if(.., |_, snapshot| snapshot.position <= last)
            .map(|(_, snapshot)| snapshot)
            .collect();
        for (name, cursor) in &mut self.cursors {
            if cursor.unwritten.take_if(|after| *after <= last).is_some() {
                group.cursors.push((name.clone(), cursor.position));
            }
        }
        group
    }

    pub(crate) fn committed(&mut self, group: &Group) {
        self.pending.drain(..group.records.len());
        self.pending_bytes -= group.bytes;
    }

    /// Takes back everything that is not durable, newest first.
    pub(crate) fn roll_back(&mut self, failed: JournalFailed) {
        self.next = self.first_pending();
        for pending in std::mem::take(&mut self.pending).into_iter().rev() {
            if let Some(head) = self.streams.get_mut(&pending.stream) {
                head.version -= pending.events;
                head.positions.pop();
            }
            if let Some(command) = pending.command {
                self.replies.remove(command);
            }
            if pending.was_open {
                self.open.insert(pending.stream);
            } else {
                self.open.remove(&pending.stream);
            }
        }
        self.pending_bytes = 0;
        self.snapshots.clear();
        self.epoch += 1;
        self.failed = Some(failed);
    }

    fn first_pending(&self) -> Position {
        Position::new(self.next.get() - self.pending.len() as u64)
    }
}

fn set_mark(open: &mut BTreeSet<Box<str>>, stream: Box<str>, mark: Option<Mark>) {
    match mark {
        Some(Mark::Open) => {
            open.insert(stream);
        }
        Some(Mark::Closed) => {
            open.remove(&stream);
        }
        None => {}
    }
}

/// First replies by command, the oldest leaving first.
#[derive(Debug)]
struct Replies {
    by_command: HashMap<Uuid, FirstReply>,
    in_order: VecDeque<Uuid>,
    max: usize,
}

impl Replies {
    fn bounded(max: usize) -> Self {
        Self {
            by_command: HashMap::new(),
            in_order: VecDeque::new(),
            max,
        }
    }

    fn get(&self, command: Uuid) -> Option<&FirstReply> {
        self.by_command.get(&command)
    }

    fn insert(&mut self, reply: FirstReply) {
        self.in_order.push_back(reply.command);
        self.by_command.insert(reply.command, reply);
        while self.in_order.len() > self.max {
            if let Some(oldest) = self.in_order.pop_front() {
                self.by_command.remove(&oldest);
            }
        }
    }

    /// Takes back the newest reply, which must be `command`'s, where it is still kept.
    fn remove(&mut self, command: Uuid) {
        if self.in_order.back() == Some(&command) {
            self.in_order.pop_back();
        }
        self.by_command.remove(&command);
    }
}
