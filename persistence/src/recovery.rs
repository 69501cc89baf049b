//! What opening a journal costs: the one place that says so.
//!
//! Opening has four parts. The store checks every page of its file. The ids of the commands whose
//! first replies are kept are read, and the records after the checkpoint. And whoever works on the
//! journal loads what it goes on with: unfinished streams at once, the others as they are asked for, each from its snapshot and the events after
//! it. So recovery is bounded by the size of the file, by the replies and the tail that
//! [`JournalOptions`](crate::JournalOptions) allows, and by how often snapshots are made.

use std::time::Duration;

/// What each part costs, as a time per unit.
///
/// The defaults were measured on one core of a small virtual machine and raised to about twice
/// that: a promise of this kind should be kept by a machine that is busy with something else. The
/// pages were checked out of the operating system's cache; a disk that reads more slowly than
/// [`check_bytes_per_ms`](Self::check_bytes_per_ms) sets the pace itself.
///
/// ```
/// use std::time::Duration;
/// use mercato_persistence::{RecoveryCosts, RecoveryWork};
///
/// let costs = RecoveryCosts { tail_record_us: 2, ..RecoveryCosts::default() };
/// let work = RecoveryWork { tail_records: 200_000, ..RecoveryWork::default() };
/// assert_eq!(costs.expected(&work).total(), Duration::from_millis(400));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryCosts {
    /// How many bytes of the file are checked in a millisecond.
    pub check_bytes_per_ms: u64,
    /// Microseconds to read one record after the checkpoint.
    pub tail_record_us: u64,
    /// Microseconds to take in the id of one command whose first reply is kept.
    pub command_us: u64,
    /// Microseconds to look up one stream: its head and its snapshot.
    pub stream_load_us: u64,
    /// Microseconds to read one event of a stream and to apply it. Each of them most likely stands
    /// in a block of its own, far from the one before it; the blocks that many streams share are
    /// expected in the store's cache
    /// ([`JournalOptions::cache_bytes`](crate::JournalOptions::cache_bytes)). Where they do not fit
    /// there, it is ten times as much.
    pub event_us: u64,
}

impl Default for RecoveryCosts {
    fn default() -> Self {
        Self {
            check_bytes_per_ms: 500_000,
            tail_record_us: 2,
            command_us: 1,
            stream_load_us: 60,
            event_us: 12,
        }
    }
}

/// What there is to do at an opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecoveryWork {
    /// Bytes of the file; 0 where it is not checked.
    pub file_bytes: u64,
    /// Records after the checkpoint.
    pub tail_records: u64,
    /// Commands whose first replies are kept.
    pub commands: u64,
    /// Streams to load.
    pub streams: u64,
    /// Their events after their snapshots.
    pub events: u64,
}

/// How long an opening should take, in parts that follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExpectedRecovery {
    /// Checking every page of the file.
    pub checking_pages: Duration,
    /// Reading the records after the checkpoint.
    pub reading_tail: Duration,
    /// Reading which commands are known.
    pub reading_commands: Duration,
    /// Loading streams.
    pub loading_streams: Duration,
}

impl ExpectedRecovery {
    /// All parts.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.checking_pages
            .saturating_add(self.reading_tail)
            .saturating_add(self.reading_commands)
            .saturating_add(self.loading_streams)
    }
}

impl RecoveryCosts {
    /// How long the work should take.
    #[must_use]
    pub fn expected(&self, work: &RecoveryWork) -> ExpectedRecovery {
        // Whole milliseconds, the last one begun.
        let checking_ms = work.file_bytes.div_ceil(self.check_bytes_per_ms.max(1));
        let micros = |units: u64, each: u64| Duration::from_micros(units.saturating_mul(each));
        ExpectedRecovery {
            checking_pages: Duration::from_millis(checking_ms),
            reading_tail: micros(work.tail_records, self.tail_record_us),
            reading_commands: micros(work.commands, self.command_us),
            loading_streams: micros(work.streams, self.stream_load_us)
                .saturating_add(micros(work.events, self.event_us)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_grows_with_its_own_work() {
        let costs = RecoveryCosts {
            check_bytes_per_ms: 1_000,
            tail_record_us: 3,
            command_us: 2,
            stream_load_us: 50,
            event_us: 7,
        };
        let expected = costs.expected(&RecoveryWork {
            file_bytes: 10_001,
            tail_records: 100,
            commands: 20,
            streams: 2,
            events: 10,
        });
        assert_eq!(expected.checking_pages, Duration::from_millis(11));
        assert_eq!(expected.reading_tail, Duration::from_micros(300));
        assert_eq!(expected.reading_commands, Duration::from_micros(40));
        assert_eq!(expected.loading_streams, Duration::from_micros(170));
        assert_eq!(expected.total(), Duration::from_micros(11_510));
    }

    /// Catches: a division by nothing, and an overflow, on figures that somebody typed.
    #[test]
    fn extreme_figures_give_an_answer() {
        let costs = RecoveryCosts {
            check_bytes_per_ms: 0,
            tail_record_us: u64::MAX,
            command_us: u64::MAX,
            stream_load_us: u64::MAX,
            event_us: u64::MAX,
        };
        let all = RecoveryWork {
            file_bytes: u64::MAX,
            tail_records: u64::MAX,
            commands: u64::MAX,
            streams: u64::MAX,
            events: u64::MAX,
        };
        assert!(costs.expected(&all).total() > Duration::from_secs(1_000_000));
        let nothing = costs.expected(&RecoveryWork::default());
        assert_eq!(nothing.total(), Duration::ZERO);
    }
}
