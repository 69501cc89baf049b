//! Reads a journal from end to end and says what is wrong with it.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::commands::CommandsSeen;
use super::index::{self, TimersSeen};
use crate::block::{Block, Link};
use crate::error::{OpenError, ReadError};
use crate::front::Head;
use crate::record::{Mark, Position, Recorded};
use crate::store::{Store, guarded, read_record};

/// What [`verify`] stops listing at; a journal this damaged is restored, not mended.
pub const PROBLEMS_MAX: usize = 100;

/// What a journal holds, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Commits.
    pub blocks: u64,
    /// Appends.
    pub records: u64,
    /// Events.
    pub events: u64,
    /// Streams with at least one append.
    pub streams: u64,
    /// Streams with work left to do.
    pub open_streams: u64,
    /// Commands recorded with their replies.
    pub commands: u64,
    /// Bytes of all blocks.
    pub bytes: u64,
    /// The last position.
    pub last: Position,
    /// What is wrong, at most [`PROBLEMS_MAX`] lines.
    pub problems: Vec<String>,
}

impl VerifyReport {
    /// Whether the journal is what was written.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn problem(&mut self, problem: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }
}

/// Checks the whole journal at `path`: every checksum, the order without a gap, each stream's
/// versions and links without a gap, no command recorded twice while it was known, and the index,
/// the known commands, the timers, the cursors and the snapshots against the records. `visit` sees each sound record on
/// the way.
///
/// # Errors
/// When the file cannot be opened as a journal. Damage inside is not an error but a finding: what can still
/// be read is shown, and where it cannot is named, as long as the file's header is there.
pub fn verify(
    path: impl AsRef<Path>,
    mut visit: impl FnMut(&Recorded),
) -> Result<VerifyReport, OpenError> {
    let path = path.as_ref();
    let store = match Store::existing(path) {
        Err(damaged @ OpenError::Damaged { .. }) => return salvage(path, damaged, &mut visit),
        store => store?,
    };
    let checked = guarded(|| Ok(check(&store, &mut visit))).map_err(ReadError::store);
    checked.flatten().map_err(|source| OpenError::Damaged {
        path: path.into(),
        source,
    })
}

/// What can be read of a journal whose pages are `damaged`, and the places where it cannot.
fn salvage(
    path: &Path,
    damaged: OpenError,
    visit: &mut impl FnMut(&Recorded),
) -> Result<VerifyReport, OpenError> {
    let Ok(store) = Store::salvaged(path) else {
        return Err(damaged);
    };
    let mut check = Check::default();
    check.problem(damaged.to_string());
    let blocks = guarded(|| Ok(store.each_block(|first, bytes| check.block(first, bytes, visit))));
    if let Err(error) = blocks.map_err(ReadError::store).flatten() {
        let last = check.report.last;
        check.problem(format!(
            "nothing behind position {last} can be read: {error}"
        ));
    }
    // redb tidies up when it is closed, and panics over damage then, too.
    let _ = guarded(|| {
        drop(store);
        Ok(())
    });
    check.report.streams = check.streams.len() as u64;
    Ok(check.report)
}

pub(super) fn check(
    store: &Store,
    visit: &mut impl FnMut(&Recorded),
) -> Result<VerifyReport, ReadError> {
    let mut check = Check::default();
    store.each_block(|first, bytes| check.block(first, bytes, visit))?;
    let checkpoint = store.checkpoint()?;
    let listed_open = store.listed_open()?;
    store.each_head("", |stream, head| {
        check.head(stream, head, checkpoint, &listed_open);
        Ok(())
    })?;
    let last = check.report.last;
    store.each_timer(|timer| check.timers.stored(timer, &mut check.report))?;
    check.timers.finish(&mut check.report);
    store.each_chunk(|key, chunk| check.commands.listed(key, chunk, &mut check.report))?;
    index::check_cursors(store, last, &mut check.report)?;
    index::check_snapshots(store, &check.streams, &mut check.report)?;
    Ok(check.finish(checkpoint))
}

#[derive(Default)]
struct Check {
    report: VerifyReport,
    streams: HashMap<Arc<str>, Seen>,
    commands: CommandsSeen,
    timers: TimersSeen,
}

/// A stream, as its records tell it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) head: Head,
    /// Whether the index has a row of it.
    indexed: bool,
}

fn finished(head: Head) -> &'static str {
    if head.open { "unfinished" } else { "finished" }
}

impl Check {
    fn block(&mut self, first: Position, bytes: &[u8], visit: &mut impl FnMut(&Recorded)) {
        self.report.blocks += 1;
        self.report.bytes += bytes.len() as u64;
        let expected = self.report.last.next();
        if first > expected {
            let last = first.get() - 1;
            self.problem(format!("positions {expected} to {last} are missing"));
        } else if first < expected {
            self.problem(format!(
                "the block at position {first} overlaps the one before it, which ends at {}",
                self.report.last
            ));
        }
        let block = match Block::open(first, bytes) {
            Ok(block) => block,
            Err(error) => {
                self.report.last = first;
                return self.problem(error.to_string());
            }
        };
        self.commands.known_from(block.replies_from());
        for (position, record) in block.records_from(first) {
            self.report.last = position;
            let read = |(link, bytes)| Ok((link, read_record(position, bytes)?));
            match record.map_err(ReadError::from).and_then(read) {
                Ok((link, recorded)) => {
                    self.record(&recorded, link, block.replies_from());
                    visit(&recorded);
                }
                Err(error) => self.problem(error.to_string()),
            }
        }
    }

    fn record(&mut self, recorded: &Recorded, link: Link, replies_from: Position) {
        let (append, position) = (&recorded.append, recorded.position);
        let stream = &append.stream;
        self.report.records += 1;
        self.report.events += append.events.len() as u64;
        let seen = self.streams.entry(stream.clone()).or_default();
        let open = append
            .mark
            .map_or(seen.head.open, |mark| mark == Mark::Open);
        let before = std::mem::replace(
            &mut seen.head,
            Head {
                version: recorded.version_after(),
                last: position,
                open,
            },
        );
        if before.version != recorded.version_before {
            self.problem(format!(
                "position {position}: stream `{stream}` goes on from version {}, but it was at {}",
                recorded.version_before, before.version
            ));
        }
        if link.previous != before.last || link.open != open {
            self.problem(format!(
                "position {position}: the link to what stream `{stream}` had before is wrong"
            ));
        }
        self.timers.change(append);
        if let Some(command) = &append.command {
            self.report.commands += 1;
            let is_new = self
                .commands
                .recorded(command.command, position, replies_from);
            if !is_new {
                self.problem(format!(
                    "position {position}: command {} is recorded a second time",
                    command.command
                ));
            }
        }
    }

    /// Holds a row of the index against what the records said.
    fn head(
        &mut self,
        stream: &str,
        stored: Result<Head, ReadError>,
        checkpoint: Position,
        listed_open: &BTreeSet<Arc<str>>,
    ) {
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => return self.problem(error.to_string()),
        };
        // Nobody would finish what an unfinished stream began if the list lacked it.
        if stored.open != listed_open.contains(stream) {
            self.problem(format!(
                "the index has stream `{stream}` as {}, its list of unfinished streams says otherwise",
                finished(stored)
            ));
        }
        let problem = match self.streams.get_mut(stream) {
            Some(seen) if seen.head == stored => {
                seen.indexed = true;
                return;
            }
            // Touched after the checkpoint: the records tell its head.
            Some(seen) if seen.head.last > checkpoint => return,
            Some(seen) => {
                // It is wrong, but it is there.
                seen.indexed = true;
                format!(
                    "the index has stream `{stream}` at version {} and position {} and {}, its records at {} and {} and {}",
                    stored.version,
                    stored.last,
                    finished(stored),
                    seen.head.version,
                    seen.head.last,
                    finished(seen.head)
                )
            }
            None => format!("the index has a stream `{stream}`, but there is no record of it"),
        };
        self.problem(problem);
    }

    fn problem(&mut self, problem: String) {
        self.report.problem(problem);
    }

    fn finish(mut self, checkpoint: Position) -> VerifyReport {
        let commands = std::mem::take(&mut self.commands);
        commands.finish(checkpoint, &mut self.report);
        self.report.streams = self.streams.len() as u64;
        let streams = std::mem::take(&mut self.streams);
        let mut missing = Vec::new();
        for (stream, seen) in streams {
            self.report.open_streams += u64::from(seen.head.open);
            if !seen.indexed && seen.head.last <= checkpoint {
                missing.push(stream);
            }
        }
        missing.sort();
        for stream in missing {
            self.problem(format!("the index lacks stream `{stream}`"));
        }
        self.report
    }
}
