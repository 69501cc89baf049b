//! What a journal holds, what it takes, and how long it takes to open.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::error::ToolError;
use crate::error::{OpenError, ReadError};
use crate::options::JournalOptions;
use crate::record::Position;
use crate::recovery::{ExpectedRecovery, RecoveryCosts, RecoveryWork};
use crate::store::{Next, Store, guarded};
use crate::stored::outline;

/// How much one read of the snapshots takes, more or less.
const PIECE_BYTES: usize = 1 << 20;

/// The figures of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct JournalStats {
    /// Appends.
    pub records: u64,
    /// Events.
    pub events: u64,
    /// Streams with at least one append.
    pub streams: u64,
    /// Streams with work left to do.
    pub open_streams: u64,
    /// Commands that would get their first reply if they came again.
    pub commands_kept: u64,
    /// When the oldest of them was recorded, in milliseconds since the Unix epoch.
    pub commands_since_ms: Option<u64>,
    /// Timers that are set.
    pub timers: u64,
    /// When the next of them is due, in milliseconds since the Unix epoch.
    pub next_timer_ms: Option<u64>,
    /// Snapshots that can be read.
    pub snapshots: u64,
    /// Subscribers, by name.
    pub cursors: Vec<CursorStats>,
    /// The last position.
    pub last: Position,
    /// The index is written up to here.
    pub checkpoint: Position,
    /// Records after the checkpoint, which opening reads.
    pub tail_records: u64,
    /// Events that no snapshot sums up.
    pub events_after_snapshots: u64,
    /// Events of unfinished streams that no snapshot sums up: they are read at the start.
    pub open_events: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// What the tables take of it. The rest is room for what comes, which `compact` gives back.
    pub tables: Vec<TableStats>,
}

/// A subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CursorStats {
    /// Its name.
    pub name: Box<str>,
    /// How far it has come.
    pub position: Position,
    /// How many appends lie before it.
    pub behind: u64,
}

/// A table of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableStats {
    /// Its name.
    pub name: &'static str,
    /// Its rows.
    pub rows: u64,
    /// Bytes of keys and values.
    pub stored_bytes: u64,
    /// Bytes that keep them in order, and that lie idle between them.
    pub overhead_bytes: u64,
}

impl JournalStats {
    /// Bytes of the file for each event; `None` where there is none.
    #[must_use]
    pub fn bytes_per_event(&self) -> Option<u64> {
        self.file_bytes.checked_div(self.events)
    }

    /// How long it should take to open the journal and to load what is unfinished.
    #[must_use]
    pub fn expected_recovery(&self, costs: &RecoveryCosts) -> ExpectedRecovery {
        costs.expected(&RecoveryWork {
            file_bytes: self.file_bytes,
            tail_records: self.tail_records,
            commands: self.commands_kept,
            streams: self.open_streams,
            events: self.open_events,
        })
    }

    /// The same, where every stream there is were to be loaded at once.
    #[must_use]
    pub fn expected_recovery_of_all(&self, costs: &RecoveryCosts) -> ExpectedRecovery {
        costs.expected(&RecoveryWork {
            file_bytes: self.file_bytes,
            tail_records: self.tail_records,
            commands: self.commands_kept,
            streams: self.streams,
            events: self.events_after_snapshots,
        })
    }
}

/// Counts what the journal at `path`, which nobody may have open, holds. Reads all of it.
///
/// # Errors
/// See [`ToolError`].
pub fn stats(path: impl AsRef<Path>) -> Result<JournalStats, ToolError> {
    let path = path.as_ref();
    let store = Store::existing(path)?;
    let file = std::fs::metadata(path).map_err(|source| OpenError::Io {
        path: path.into(),
        source,
    })?;
    let counted = guarded(|| Ok(count(&store, file.len()))).map_err(ReadError::store);
    let counted = counted.flatten().map_err(|source| OpenError::Damaged {
        path: path.into(),
        source,
    })?;
    Ok(counted)
}

fn count(store: &Store, file_bytes: u64) -> Result<JournalStats, ReadError> {
    let cut = store.cut()?;
    let checkpoint = store.checkpoint()?;
    let restored = store.load(&JournalOptions::default())?;
    let mut stats = JournalStats {
        file_bytes,
        checkpoint,
        last: cut.last,
        tail_records: cut.last.get().saturating_sub(checkpoint.get()),
        open_streams: restored.open.len() as u64,
        next_timer_ms: restored.timers.next_due_ms(),
        ..JournalStats::default()
    };
    let mut open: HashMap<Arc<str>, u64> = HashMap::new();
    open.extend(restored.open.iter().map(|stream| (stream.clone(), 0)));
    drop(restored);

    store.scan(Position::START, |position, link, bytes| {
        let outline = outline(bytes).map_err(|source| ReadError::Record { position, source })?;
        stats.records += 1;
        stats.events += outline.events;
        stats.streams += u64::from(link.previous == Position::START);
        if outline.command.is_some() && position >= cut.replies_from {
            stats.commands_kept += 1;
            let since = stats.commands_since_ms.get_or_insert(u64::MAX);
            *since = outline.recorded_at_ms.min(*since);
        }
        if let Some(events) = open.get_mut(outline.stream) {
            *events += outline.events;
        }
        Ok(Next::Go)
    })?;
    summed_up(store, &mut stats, &mut open)?;
    store.each_timer(|timer| stats.timers += u64::from(timer.is_ok()))?;
    stats.cursors = cut
        .cursors
        .into_iter()
        .map(|(name, position)| CursorStats {
            name,
            position,
            behind: cut.last.get().saturating_sub(position.get()),
        })
        .collect();
    let tables = store.tables()?.into_iter();
    stats.tables = tables
        .map(|table| TableStats {
            name: table.name,
            rows: table.rows,
            stored_bytes: table.stored_bytes,
            overhead_bytes: table.overhead_bytes,
        })
        .collect();
    Ok(stats)
}

/// Counts the events that no snapshot sums up.
fn summed_up(
    store: &Store,
    stats: &mut JournalStats,
    open: &mut HashMap<Arc<str>, u64>,
) -> Result<(), ReadError> {
    stats.events_after_snapshots = stats.events;
    let mut after: Option<Box<str>> = None;
    loop {
        let piece = store.snapshots_after(after.as_deref(), PIECE_BYTES)?;
        let Some((stream, _)) = piece.last() else {
            break;
        };
        after = Some(stream.clone());
        for (stream, snapshot) in piece {
            // One that is damaged is not used either.
            let Ok(snapshot) = snapshot else { continue };
            stats.snapshots += 1;
            let rest = &mut stats.events_after_snapshots;
            *rest = rest.saturating_sub(snapshot.stream_version);
            if let Some(events) = open.get_mut(&*stream) {
                *events = events.saturating_sub(snapshot.stream_version);
            }
        }
    }
    stats.open_events = open.values().sum();
    Ok(())
}
