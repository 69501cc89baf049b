//! What the journal's memory begins with: the stored index, and the records after its checkpoint.

use std::collections::BTreeSet;
use std::sync::Arc;

use redb::{ReadTransaction, ReadableDatabase, ReadableTable};

use super::read::Next;
use super::{COMMANDS, CURSORS, META, META_CHECKPOINT, OPEN, Store, TIMERS, rows};
use crate::block::Link;
use crate::error::ReadError;
use crate::front::{Chunk, Command, Cursors, Head, Heads, Replies, Restored, Timers, set_mark};
use crate::options::JournalOptions;
use crate::record::{Position, Timer};
use crate::stored::outline;

impl Store {
    /// Reads what memory needs. Takes time for the unfinished streams, the commands that are not
    /// forgotten, and the records after the checkpoint, but not for what lies before it.
    pub(crate) fn load(&self, options: &JournalOptions) -> Result<Restored, ReadError> {
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        let checkpoint = checkpoint(&txn)?;
        let mut tail = Tail {
            next: checkpoint.next(),
            heads: Heads::new(options.streams_in_memory_max, checkpoint == Position::START),
            open: open_streams(&txn)?,
            commands: Vec::new(),
        };
        let mut timers = Timers::default();
        for timer in stored_timers(&txn)? {
            timers.restore(timer?);
        }
        let mut cursors = Cursors::default();
        for (name, position) in stored_cursors(&txn)? {
            cursors.restore(name, position);
        }
        drop(txn);
        // The commands are the larger part of the index, and nothing but them depends on them: they
        // are read on a thread of their own while the records after the checkpoint are.
        let (known, scanned) = std::thread::scope(|scope| {
            let known = scope.spawn(|| self.known_commands(options));
            let scanned = self.scan_tail(checkpoint, &mut tail);
            (known.join(), scanned)
        });
        scanned?;
        let panicked = |_| ReadError::store(redb::Error::Corrupted("the store panicked".into()));
        let (mut replies, listed_to) = known.map_err(panicked)??;
        for command in tail.commands {
            if command.at > listed_to {
                replies.restore_one(command);
            }
        }
        Ok(Restored {
            next: tail.next,
            checkpoint,
            heads: tail.heads,
            open: tail.open,
            replies,
            timers,
            cursors,
        })
    }

    fn scan_tail(&self, checkpoint: Position, tail: &mut Tail) -> Result<(), ReadError> {
        self.scan(checkpoint.next(), |position, link, record| {
            tail.take_in(position, link, record)?;
            Ok(Next::Go)
        })
    }

    fn known_commands(&self, options: &JournalOptions) -> Result<(Replies, Position), ReadError> {
        let txn = self.db.begin_read().map_err(ReadError::store)?;
        let mut replies = Replies::new(options);
        let listed_to = commands(&txn, &mut replies)?;
        Ok((replies, listed_to))
    }
}

/// What the records after the checkpoint make of the stored index.
struct Tail {
    next: Position,
    heads: Heads,
    open: BTreeSet<Arc<str>>,
    commands: Vec<Command>,
}

impl Tail {
    fn take_in(&mut self, position: Position, link: Link, record: &[u8]) -> Result<(), ReadError> {
        let outline = outline(record).map_err(|source| ReadError::Record { position, source })?;
        let head = Head {
            version: outline.version_before + outline.events,
            last: position,
            open: link.open,
        };
        let stream: Arc<str> = outline.stream.into();
        // The stored index may be ahead of its checkpoint, and each record tells the whole head.
        set_mark(&mut self.open, &stream, link.open);
        self.heads.restore(&stream, head);
        self.next = position.next();
        self.commands.extend(outline.command.map(|command| Command {
            id: command.command,
            at: position,
            recorded_at_ms: outline.recorded_at_ms,
        }));
        Ok(())
    }
}

pub(super) fn checkpoint(txn: &ReadTransaction) -> Result<Position, ReadError> {
    let table = txn.open_table(META).map_err(ReadError::store)?;
    let row = table.get(META_CHECKPOINT).map_err(ReadError::store)?;
    row.map_or(Ok(Position::START), |row| {
        rows::read("meta", META_CHECKPOINT.as_bytes(), row.value()).map(Position::new)
    })
}

pub(super) fn open_streams(txn: &ReadTransaction) -> Result<BTreeSet<Arc<str>>, ReadError> {
    let table = txn.open_table(OPEN).map_err(ReadError::store)?;
    let mut streams = BTreeSet::new();
    for entry in table.iter().map_err(ReadError::store)? {
        let (stream, row) = entry.map_err(ReadError::store)?;
        let () = rows::read("open", stream.value().as_bytes(), row.value())?;
        streams.insert(stream.value().into());
    }
    Ok(streams)
}

/// Takes in the stored chunks, and gives the last place that they list.
fn commands(txn: &ReadTransaction, replies: &mut Replies) -> Result<Position, ReadError> {
    let table = txn.open_table(COMMANDS).map_err(ReadError::store)?;
    let mut listed_to = Position::START;
    for entry in table.iter().map_err(ReadError::store)? {
        let (first, row) = entry.map_err(ReadError::store)?;
        let chunk = stored_chunk(first.value(), row.value())?;
        listed_to = chunk.last();
        replies.restore(&chunk);
    }
    Ok(listed_to)
}

/// The chunk of commands that lies under `first`.
pub(super) fn stored_chunk(first: u64, row: &[u8]) -> Result<Chunk, ReadError> {
    let read = rows::read("commands", &first.to_le_bytes(), row);
    let read = read.map_err(|_| ReadError::Row {
        table: "commands",
        key: first.to_string(),
    })?;
    Ok(rows::chunk_of(&read))
}

/// Each stored timer; a damaged one is an error of its own.
pub(super) fn stored_timers(
    txn: &ReadTransaction,
) -> Result<Vec<Result<Timer, ReadError>>, ReadError> {
    let table = txn.open_table(TIMERS).map_err(ReadError::store)?;
    let mut timers = Vec::new();
    for entry in table.iter().map_err(ReadError::store)? {
        let (key, row) = entry.map_err(ReadError::store)?;
        let key = key.value();
        let damaged = || ReadError::Row {
            table: "timers",
            key: String::from_utf8_lossy(key).into_owned(),
        };
        let row = rows::read("timers", key, row.value());
        timers.push(row.and_then(|row| rows::timer_of(key, row).ok_or_else(damaged)));
    }
    Ok(timers)
}

/// How far each subscriber has come, by name.
pub(super) fn stored_cursors(
    txn: &ReadTransaction,
) -> Result<Vec<(Box<str>, Position)>, ReadError> {
    let table = txn.open_table(CURSORS).map_err(ReadError::store)?;
    let mut cursors = Vec::new();
    for entry in table.iter().map_err(ReadError::store)? {
        let (name, row) = entry.map_err(ReadError::store)?;
        let position = rows::read("cursors", name.value().as_bytes(), row.value())?;
        cursors.push((name.value().into(), position));
    }
    Ok(cursors)
}
