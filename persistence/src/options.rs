//! The journal's limits and its writer's place.

use std::time::Duration;

/// Limits of a journal. The defaults suit a shop on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalOptions {
    /// The most records that one commit takes. Default 2,048; range 1 to 65,536.
    pub group_records_max: usize,
    /// The most bytes that one commit takes, one record excepted. Default 4 MiB; up to 64 MiB.
    pub group_bytes_max: usize,
    /// Appends are asked to wait while more bytes than this wait to be written, and refused above
    /// twice as many. Default 16 MiB.
    pub queue_bytes_max: usize,
    /// The largest append. Default 1 MiB; up to 16 MiB.
    pub record_bytes_max: usize,
    /// How many first replies are kept for commands that come again; beyond it the oldest go.
    /// Default 1,000,000.
    pub replies_max: usize,
    /// The store's page cache. Default 64 MiB.
    pub cache_bytes: usize,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            group_records_max: 2_048,
            group_bytes_max: 4 << 20,
            queue_bytes_max: 16 << 20,
            record_bytes_max: 1 << 20,
            replies_max: 1_000_000,
            cache_bytes: 64 << 20,
        }
    }
}

impl JournalOptions {
    /// The options with every value drawn into its range.
    #[must_use]
    pub(crate) fn within_range(mut self) -> Self {
        self.group_records_max = self.group_records_max.clamp(1, 65_536);
        self.group_bytes_max = self.group_bytes_max.clamp(1, 64 << 20);
        self.record_bytes_max = self.record_bytes_max.clamp(64, 16 << 20);
        self.queue_bytes_max = self.queue_bytes_max.max(self.record_bytes_max);
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
