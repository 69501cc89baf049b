//! Holds what the store keeps beside the records against the records.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::verify::{Seen, VerifyReport};
use crate::error::ReadError;
use crate::front::TimerKey;
use crate::record::{Append, Position, Timer, TimerChange};
use crate::store::Store;

/// How much one read of the snapshots takes, more or less.
const PIECE_BYTES: usize = 1 << 20;

/// The timers as the records tell them.
#[derive(Debug, Default)]
pub(super) struct TimersSeen {
    /// When each is due, and its payload.
    set: BTreeMap<TimerKey, (u64, Vec<u8>)>,
}

impl TimersSeen {
    pub(super) fn change(&mut self, append: &Append) {
        for change in &append.timers {
            let stream = append.stream.clone();
            match change {
                TimerChange::Set {
                    name,
                    due_at_ms,
                    payload,
                } => {
                    let timer = (*due_at_ms, payload.clone());
                    self.set.insert((stream, name.clone()), timer);
                }
                TimerChange::Clear { name } => {
                    self.set.remove(&(stream, name.clone()));
                }
            }
        }
    }

    /// Holds a stored timer against them.
    pub(super) fn stored(&mut self, timer: Result<Timer, ReadError>, report: &mut VerifyReport) {
        let timer = match timer {
            Ok(timer) => timer,
            Err(error) => return report.problem(error.to_string()),
        };
        let key = (timer.stream, timer.name);
        let told = self.set.remove(&key);
        if told.as_ref() != Some(&(timer.due_at_ms, timer.payload)) {
            let (stream, name) = key;
            report.problem(format!(
                "timer `{name}` of stream `{stream}` is not as the records set it"
            ));
        }
    }

    /// What is left over is not stored.
    pub(super) fn finish(&mut self, report: &mut VerifyReport) {
        for (stream, name) in self.set.keys() {
            report.problem(format!("timer `{name}` of stream `{stream}` is missing"));
        }
    }
}

pub(super) fn check_cursors(
    store: &Store,
    last: Position,
    report: &mut VerifyReport,
) -> Result<(), ReadError> {
    let cursors = match store.cursors() {
        Err(error @ ReadError::Row { .. }) => {
            report.problem(error.to_string());
            return Ok(());
        }
        cursors => cursors?,
    };
    for (name, position) in cursors {
        if position > last {
            report.problem(format!(
                "cursor `{name}` stands at position {position}, beyond the last record at {last}"
            ));
        }
    }
    Ok(())
}

/// A damaged snapshot is no loss, and none that a journal would serve. One that sums up what the
/// stream does not hold would be served.
pub(super) fn check_snapshots(
    store: &Store,
    streams: &HashMap<Arc<str>, Seen>,
    report: &mut VerifyReport,
) -> Result<(), ReadError> {
    let mut after: Option<Box<str>> = None;
    loop {
        let piece = store.snapshots_after(after.as_deref(), PIECE_BYTES)?;
        let Some((stream, _)) = piece.last() else {
            return Ok(());
        };
        after = Some(stream.clone());
        for (stream, snapshot) in piece {
            let snapshot = match snapshot {
                Ok(snapshot) => snapshot,
                Err(error) => {
                    report.problem(error.to_string());
                    continue;
                }
            };
            let head = streams.get(&*stream).map(|seen| seen.head);
            let head = head.unwrap_or_default();
            let is_ahead = snapshot.position > head.last || snapshot.stream_version > head.version;
            if is_ahead || snapshot.stream != stream {
                report.problem(format!(
                    "the snapshot of stream `{stream}` sums up version {} at position {}, its records end at {} and {}",
                    snapshot.stream_version, snapshot.position, head.version, head.last
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests;
