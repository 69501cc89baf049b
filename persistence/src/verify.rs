//! Reads a journal from end to end and says what is wrong with it.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use uuid::Uuid;

use crate::block::Block;
use crate::error::OpenError;
use crate::options::JournalOptions;
use crate::record::{Position, Recorded};
use crate::store::{Store, read_record};

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
}

/// Checks the whole journal at `path`: every checksum, the order without a gap, each stream's
/// versions without a gap, no command recorded twice. `visit` sees each sound record on the way.
///
/// # Errors
/// When the file cannot be opened as a journal. Damage inside is not an error but a finding.
pub fn verify(
    path: impl AsRef<Path>,
    mut visit: impl FnMut(&Recorded),
) -> Result<VerifyReport, OpenError> {
    let path = path.as_ref();
    if !path.exists() {
        return Err(OpenError::Missing { path: path.into() });
    }
    let store = Store::at(path, &JournalOptions::default())?;
    let mut check = Check::default();
    store
        .each_block(|first, bytes| check.block(first, bytes, &mut visit))
        .map_err(|source| OpenError::Damaged {
            path: path.into(),
            source,
        })?;
    Ok(check.finish())
}

#[derive(Default)]
struct Check {
    report: VerifyReport,
    versions: HashMap<Box<str>, u64>,
    /// Where each command was last recorded, counted in commands.
    commands: HashMap<Uuid, u64>,
    open: BTreeSet<Box<str>>,
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
        for (position, record) in block.records_from(first) {
            self.report.last = position;
            match record
                .map_err(Into::into)
                .and_then(|bytes| read_record(position, bytes))
            {
                Ok(recorded) => {
                    self.record(&recorded);
                    visit(&recorded);
                }
                Err(error) => self.problem(error.to_string()),
            }
        }
    }

    fn record(&mut self, recorded: &Recorded) {
        let append = &recorded.append;
        let events = append.events.len() as u64;
        self.report.records += 1;
        self.report.events += events;
        let version = self.versions.entry(append.stream.clone()).or_default();
        let before = std::mem::replace(version, recorded.version_before + events);
        if before != recorded.version_before {
            self.problem(format!(
                "position {}: stream `{}` goes on from version {}, but it was at {before}",
                recorded.position, append.stream, recorded.version_before
            ));
        }
        if let Some(command) = &append.command {
            let nth = self.report.commands;
            self.report.commands += 1;
            // A journal remembers so many commands at least; one that comes again later than that
            // passes for a new one, and may.
            let remembered = JournalOptions::default().replies_max as u64;
            let before = self.commands.insert(command.command, nth);
            if before.is_some_and(|before| nth - before <= remembered) {
                self.problem(format!(
                    "position {}: command {} is recorded a second time",
                    recorded.position, command.command
                ));
            }
        }
        match append.mark {
            Some(crate::Mark::Open) => drop(self.open.insert(append.stream.clone())),
            Some(crate::Mark::Closed) => drop(self.open.remove(&append.stream)),
            None => {}
        }
    }

    fn problem(&mut self, problem: String) {
        if self.report.problems.len() < PROBLEMS_MAX {
            self.report.problems.push(problem);
        }
    }

    fn finish(mut self) -> VerifyReport {
        self.report.streams = self.versions.len() as u64;
        self.report.open_streams = self.open.len() as u64;
        self.report
    }
}
