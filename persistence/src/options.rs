//! The journal's limits and its writer's place.

use std::time::Duration;

/// Limits of a journal. The defaults suit a shop on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalOptions {
    /// The most bytes that one commit takes, one record excepted. Default 4 MiB; up to 64 MiB.
    pub group_bytes_max: usize,
    /// How long one commit should take at most: on a slow disk the groups are made smaller, so
    /// that nobody waits for a group larger than the disk can write in this time. Default 20 ms.
    pub commit_time_max: Duration,
    /// Appends are asked to wait while more bytes than this wait to be written, and refused above
    /// twice as many. Default 16 MiB.
    pub queue_bytes_max: usize,
    /// The largest append. Default 1 MiB; up to 16 MiB.
    pub record_bytes_max: usize,
    /// How long first replies are kept for commands that come again: longer than any flow runs, since
    /// a flow that is run again knows its steps by them. Default 30 days.
    pub replies_keep: Duration,
    /// How many first replies are kept at most; beyond it the oldest go. Default 1,000,000, each
    /// of which takes about 80 bytes of memory.
    pub replies_max: usize,
    /// How many records are read at most when the journal is opened, more or less: the index of
    /// what stands before them is written behind. Default 100,000, which takes a fraction of a
    /// second. A larger number saves writes.
    pub tail_records_max: u64,
    /// The most streams whose heads are kept in memory, beside those that the tail touches;
    /// the others are looked up. Default 1,000,000, each of which takes about 120 bytes.
    pub streams_in_memory_max: usize,
    /// Whether every page of the file is checked when it is opened. Default true. Without it
    /// damage is found when what is damaged is read, and opening a large file takes less time.
    pub check_on_open: bool,
    /// The store's page cache: as much of the journal's end as is to be read again soon, since each
    /// entity that comes back reads its last events there. Default 64 MiB.
    pub cache_bytes: usize,
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
        }
    }
}

impl JournalOptions {
    /// The options with every value drawn into its range.
    #[must_use]
    pub(crate) fn within_range(mut self) -> Self {
        self.group_bytes_max = self.group_bytes_max.clamp(1, 64 << 20);
        self.record_bytes_max = self.record_bytes_max.clamp(64, 16 << 20);
        self.queue_bytes_max = self.queue_bytes_max.max(self.record_bytes_max);
        self.replies_max = self.replies_max.max(1);
        self
    }
}

/// How long the simulated disk takes for a commit.
pub trait DiskPace: Send + 'static {
    /// The virtual time that writing and syncing `bytes` takes.
    fn commit_time(&mut self, bytes: usize) -> Duration;
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
