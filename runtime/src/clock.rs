//! The one room that reads time.
//!
//! Everything else is handed a [`Clock`] or a [`Timestamp`]. The clock counts on tokio's timer, so
//! under a paused tokio runtime it stands still and jumps exactly as the timers do: a simulated day
//! takes seconds, and every run of one seed reads the same times.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A moment, in whole milliseconds since 1970-01-01T00:00:00Z.
///
/// ```
/// use std::time::Duration;
/// use mercato_runtime::Timestamp;
///
/// let noon = Timestamp::from_millis(43_200_000);
/// assert_eq!(noon.plus(Duration::from_secs(1)).as_millis(), 43_201_000);
/// assert_eq!(noon.since(Timestamp::from_millis(0)), Duration::from_secs(43_200));
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment `millis` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment `later` after this one; saturates at the end of time.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(millis(later)))
    }

    /// The moment `earlier` before this one; saturates at the epoch.
    #[must_use]
    pub fn minus(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(millis(earlier)))
    }

    /// How long ago `earlier` was; zero where it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Tells the time of one runtime. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    epoch: Timestamp,
    start: tokio::time::Instant,
}

impl Clock {
    /// A clock that starts at the machine's time. Needs a tokio runtime around it.
    #[must_use]
    #[allow(clippy::disallowed_methods)] // this is the room
    pub fn system() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Self::starting_at(Timestamp(millis(since_epoch)))
    }

    /// A clock that reads `epoch` now and runs on with tokio's timer, paused or not.
    #[must_use]
    #[allow(clippy::disallowed_methods)] // this is the room
    pub fn starting_at(epoch: Timestamp) -> Self {
        Self {
            epoch,
            start: tokio::time::Instant::now(),
        }
    }

    /// What the clock reads now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.epoch.plus(self.elapsed())
    }

    /// Time since this clock was made, at the timer's full resolution: for latencies.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Nanoseconds since the Unix epoch, at the timer's full resolution: for the times of spans.
    #[cfg(feature = "otlp")]
    pub(crate) fn unix_nanos(&self) -> u64 {
        let since = Duration::from_millis(self.epoch.0) + self.elapsed();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    /// How long after this clock was made `at` is: what [`elapsed`](Self::elapsed) reads then.
    #[must_use]
    pub(crate) fn elapsed_at(&self, at: Timestamp) -> Duration {
        at.since(self.epoch)
    }

    /// Where `at` lies on tokio's timer, for sleeps and timeouts.
    #[must_use]
    pub fn instant_of(&self, at: Timestamp) -> tokio::time::Instant {
        self.start + at.since(self.epoch)
    }

    /// Sleeps until `at`; returns at once when it has passed.
    pub async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep_until(self.instant_of(at)).await;
    }
}
