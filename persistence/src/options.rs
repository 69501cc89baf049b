//! The journal's limits and its writer's place.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The largest commit that can be asked for.
const GROUP_BYTES_MAX: usize = 64 << 20;
/// The least that the largest append may be.
const RECORD_BYTES_MIN: usize = 64;
/// The most.
const RECORD_BYTES_MAX: usize = 16 << 20;

/// Limits of a journal. The defaults suit a shop on one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JournalOptions {
    /// The most bytes that one commit takes, one record excepted. Default 4 MiB; up to 64 MiB.
    #[schemars(range(min = 1, max = GROUP_BYTES_MAX))]
    pub group_bytes_max: usize,
    /// How long one commit should take at most: on a slow disk the groups are made smaller, so
    /// that nobody waits for a group larger than the disk can write in this time. Default 20 ms.
    #[schemars(extend("minimum" = "1ms", "maximum" = "10s"))]
    pub commit_time_max: Duration,
    /// Appends are asked to wait while more bytes than this wait to be written, and refused above
    /// twice as many. At least the largest append. Default 16 MiB.
    #[schemars(range(min = 64, max = 1_u64 << 34))]
    pub queue_bytes_max: usize,
    /// The largest append. Default 1 MiB; up to 16 MiB.
    #[schemars(range(min = RECORD_BYTES_MIN, max = RECORD_BYTES_MAX))]
    pub record_bytes_max: usize,
    /// How long first replies are kept for commands that come again. A flow knows its steps by them only
    /// until it notes them itself, ten seconds later at most. Default 30 days.
    #[schemars(extend("minimum" = "1m", "maximum" = "3650d"))]
    pub replies_keep: Duration,
    /// How many first replies are kept at most; beyond it the oldest go. More than what is recorded in
    /// a minute, since flows that are cut off know their latest steps by them. Each takes about 80 bytes
    /// of memory. Default 1,000,000.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub replies_max: usize,
    /// How many records are read at most when the journal is opened, more or less: the index of
    /// what stands before them is written behind. A larger number saves writes; 100,000 take a
    /// fraction of a second. Default 100,000.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub tail_records_max: u64,
    /// The most streams whose heads are kept in memory, beside those that the tail touches;
    /// the others are looked up. Each takes about 120 bytes. Default 1,000,000.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub streams_in_memory_max: usize,
    /// Whether every page of the file is checked when it is opened. Without it damage is found
    /// when what is damaged is read, and opening a large file takes less time. Default true.
    pub check_on_open: bool,
    /// The store's page cache: as much of the journal's end as is to be read again soon, since each
    /// entity that comes back reads its last events there. Default 64 MiB.
    #[schemars(range(min = 1 << 20, max = 1_u64 << 40))]
    pub cache_bytes: usize,
    /// Reads pages without looking at their checksums: a mistake that is made on purpose.
    #[cfg(feature = "planted-bugs")]
    #[serde(skip)]
    #[schemars(skip)]
    pub unchecked: bool,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            group_bytes_max: 4 << 20,
            commit_time_max: Duration::from_millis(20),
            queue_bytes_max: 16 << 20,
            record_bytes_max: 1 << 20,
            replies_keep: Duration::from_secs(30 * 86_400),
            replies_max: 1_000_000,
            tail_records_max: 100_000,
            streams_in_memory_max: 1_000_000,
            check_on_open: true,
            cache_bytes: 64 << 20,
            #[cfg(feature = "planted-bugs")]
            unchecked: false,
        }
    }
}

impl JournalOptions {
    /// Limits that are right by themselves and wrong together: each with its name, what is wrong,
    /// and how to mend it. A journal that is opened with them draws them into order.
    #[must_use]
    pub fn contradictions(&self) -> Vec<(&'static str, String, String)> {
        let mut found = Vec::new();
        if self.queue_bytes_max < self.record_bytes_max {
            found.push((
                "queue_bytes_max",
                format!("is {} bytes", self.queue_bytes_max),
                format!(
                    "the largest append has to fit into it: choose at least record_bytes_max, which \
                     is {}",
                    self.record_bytes_max
                ),
            ));
        }
        found
    }

    /// The options with every value drawn into its range.
    #[must_use]
    pub(crate) fn within_range(mut self) -> Self {
        self.group_bytes_max = self.group_bytes_max.clamp(1, GROUP_BYTES_MAX);
        self.record_bytes_max = self
            .record_bytes_max
            .clamp(RECORD_BYTES_MIN, RECORD_BYTES_MAX);
        self.queue_bytes_max = self.queue_bytes_max.max(self.record_bytes_max);
        self.replies_max = self.replies_max.max(1);
        self
    }
}

/// How long the simulated disk takes for a commit.
pub trait DiskPace: Send + 'static {
    /// The virtual time from the first write of `bytes` until they are synced and that is known.
    fn commit_time(&mut self, bytes: usize) -> Duration;

    /// The virtual time from when a commit is begun to its first write: for disks that somebody cuts
    /// off, since work that goes on meanwhile is what a cut before that write tears apart from it.
    /// Default: none.
    fn lead_time(&mut self, bytes: usize) -> Duration {
        let _ = bytes;
        Duration::ZERO
    }
}

/// Where the one writer of a journal runs. The loop is the same in both places.
pub enum WriterPlace {
    /// On a thread of its own, where a sync may block: production.
    Thread,
    /// As a task of the present tokio runtime, taking as long as the pace says: under paused time
    /// every commit then takes virtual time, and acknowledgements wait for it as they would.
    Task(Box<dyn DiskPace>),
}

impl std::fmt::Debug for WriterPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Thread => "Thread",
            Self::Task(_) => "Task",
        })
    }
}
