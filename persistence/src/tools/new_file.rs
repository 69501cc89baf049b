//! Builds a journal file of records that were recorded before.
//!
//! The index is made of the records, so that it fits them whatever they were copied from: heads are
//! written behind as the running journal does it, timers are carried out one change after the
//! other, and the checkpoint comes last. Until all of it is written, verified and synced, the file
//! has a temporary name that nobody opens.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ToolError;
use super::verify::{VerifyReport, verify};
use crate::block::{BLOCK_BYTES, ClosedBlock, Hashed, Link, OpenBlock};
use crate::disk::place_new;
use crate::error::ReadError;
use crate::front::{Chunk, Command, Group, Head, Heads, Timers};
use crate::options::JournalOptions;
use crate::record::{Position, Recorded, Snapshot};
use crate::store::{Store, guarded};

/// What one commit of the new file takes, more or less.
const GROUP_BYTES: usize = 4 << 20;
/// How many commands one stored chunk lists, the last excepted: no fewer than a journal's do.
const COMMANDS_PER_CHUNK: usize = 8_192;
/// Heads of streams that were touched no longer ago than this are not written yet.
const HEADS_BEHIND: u64 = 50_000;

#[derive(Debug)]
pub(crate) struct NewFile {
    partial: Partial,
    store: Store,
    open: OpenBlock,
    /// What the open block says of first replies.
    replies_from: Position,
    blocks: Vec<Arc<ClosedBlock>>,
    bytes: usize,
    last: Position,
    heads: Heads,
    commands: Vec<Command>,
    /// Chunks that are written: the first and the last place that each lists.
    chunks: VecDeque<(Position, Position)>,
    timers: Timers,
}

impl NewFile {
    /// Begins the file that will be `to`.
    pub(crate) fn begin(to: &Path) -> Result<Self, ToolError> {
        let (partial, file) = Partial::claim(to)?;
        let options = JournalOptions::default();
        let store = Store::in_new_file(&partial.path, file, &options)?;
        Ok(Self {
            partial,
            store,
            open: OpenBlock::starting_at(Position::START.next()),
            replies_from: Position::START.next(),
            blocks: Vec::new(),
            bytes: 0,
            last: Position::START,
            heads: Heads::new(options.streams_in_memory_max, true),
            commands: Vec::new(),
            chunks: VecDeque::new(),
            timers: Timers::default(),
        })
    }

    /// The last record so far.
    pub(crate) fn last(&self) -> Position {
        self.last
    }

    /// Takes in the next record, whose stored form is `bytes`. First replies recorded before
    /// `replies_from` were forgotten when it was recorded.
    pub(crate) fn record(
        &mut self,
        recorded: &Recorded,
        bytes: Vec<u8>,
        link: Link,
        replies_from: Position,
    ) -> Result<(), ToolError> {
        let (position, append) = (recorded.position, &recorded.append);
        if position != self.last.next() {
            let position = self.last.next();
            return Err(ReadError::Missing { position }.into());
        }
        let record = Hashed::new(bytes);
        if replies_from != self.replies_from || self.open.is_full_for(&record, BLOCK_BYTES) {
            self.close_block();
            self.replies_from = replies_from;
        }
        self.open.push(&record, link);
        self.bytes += record.len();
        self.last = position;
        let head = Head {
            version: recorded.version_after(),
            last: position,
            open: link.open,
        };
        self.heads.restore(&append.stream, head);
        if let Some(reply) = &append.command {
            self.commands.push(Command {
                id: reply.command,
                at: position,
                recorded_at_ms: append.recorded_at_ms,
            });
        }
        if !append.timers.is_empty() {
            let changes = append.timers.clone();
            self.timers.change(position, &append.stream, changes);
        }
        if self.bytes >= GROUP_BYTES || self.commands.len() >= COMMANDS_PER_CHUNK {
            self.close_block();
            let behind = Position::new(self.last.get().saturating_sub(HEADS_BEHIND));
            let commands = (self.commands.len() >= COMMANDS_PER_CHUNK).then(|| self.chunk());
            self.commit(behind, commands.flatten(), Group::default())?;
        }
        Ok(())
    }

    /// Takes in snapshots of what was taken in before.
    pub(crate) fn snapshots(&mut self, snapshots: Vec<Snapshot>) -> Result<(), ToolError> {
        let group = Group {
            snapshots,
            ..Group::default()
        };
        self.write(&group)
    }

    /// Writes the rest, verifies the file, and gives it its name.
    pub(crate) fn finish(
        mut self,
        cursors: Vec<(Box<str>, Position)>,
    ) -> Result<VerifyReport, ToolError> {
        self.close_block();
        let commands = self.chunk();
        let end = Group {
            cursors,
            checkpoint: Some(self.last),
            ..Group::default()
        };
        self.commit(self.last, commands, end)?;
        let Self {
            partial, mut store, ..
        } = self;
        // The store makes its file larger in great steps, of which the last is hardly used.
        store
            .compact()
            .map_err(|error| ToolError::write(&partial.path, error))?;
        drop(store);
        let report = verify(&partial.path, |_| {})?;
        if let Some(first) = report.problems.first() {
            return Err(ToolError::Unsound {
                path: partial.path.clone(),
                first: first.clone(),
                count: report.problems.len(),
                remedy: "what it was made of does not fit together: verify that",
            });
        }
        partial.settle()?;
        Ok(report)
    }

    fn close_block(&mut self) {
        if !self.open.is_empty() {
            let block = self.open.close(self.replies_from);
            self.blocks.push(Arc::new(block));
        }
    }

    fn chunk(&mut self) -> Option<Chunk> {
        let commands = std::mem::take(&mut self.commands);
        let chunk = Chunk { commands };
        (!chunk.commands.is_empty()).then(|| {
            self.chunks.push_back((chunk.first(), chunk.last()));
            chunk
        })
    }

    /// Writes the closed blocks, and the heads of all streams that rest up to `target`.
    fn commit(
        &mut self,
        target: Position,
        commands: Option<Chunk>,
        rest: Group,
    ) -> Result<(), ToolError> {
        // A journal that is opened again may know a little more than before, by less than one of its
        // chunks, and later records then say so: one chunk more than is known is kept.
        let second = self.chunks.get(1);
        let forget = second
            .is_some_and(|(_, last)| *last < self.replies_from)
            .then(|| self.chunks.pop_front())
            .flatten();
        let group = Group {
            blocks: std::mem::take(&mut self.blocks),
            bytes: std::mem::take(&mut self.bytes),
            last: self.last,
            heads: self.heads.take_due(target, usize::MAX, |at| at),
            commands,
            forget: forget.map(|(first, _)| first),
            timers: self.timers.take_due(self.last),
            ..rest
        };
        self.write(&group)?;
        drop(self.heads.change_generations(self.last.next()));
        Ok(())
    }

    fn write(&self, group: &Group) -> Result<(), ToolError> {
        guarded(|| self.store.commit(group))
            .map_err(|error| ToolError::write(&self.partial.path, error))
    }
}

/// The file under its temporary name. It goes when it is not finished.
#[derive(Debug)]
struct Partial {
    path: PathBuf,
    to: PathBuf,
}

impl Partial {
    /// Claims the name for one tool.
    fn claim(to: &Path) -> Result<(Self, File), ToolError> {
        if fs::symlink_metadata(to).is_ok() {
            return Err(ToolError::Exists { path: to.into() });
        }
        let mut path = to.as_os_str().to_owned();
        path.push(".partial");
        let path = PathBuf::from(path);
        let mut whole_new = File::options();
        whole_new.read(true).write(true).create_new(true);
        match whole_new.open(&path) {
            Ok(file) => {
                let to = to.into();
                Ok((Self { path, to }, file))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(ToolError::Unfinished { path })
            }
            Err(error) => Err(ToolError::write(to, error)),
        }
    }

    /// Makes it durable, and then visible.
    fn settle(self) -> Result<(), ToolError> {
        place_new(&self.path, &self.to).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => ToolError::Exists {
                path: self.to.clone(),
            },
            _ => ToolError::write(&self.to, error),
        })
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Nothing can be done about a file that will not go; the next tool will name it.
        let _ = fs::remove_file(&self.path);
    }
}
