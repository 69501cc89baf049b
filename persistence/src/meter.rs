//! What is measured while it happens: how long things take and how large they are, counted by
//! fixed bounds, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::record::Position;

/// Bounds for durations, in nanoseconds: 100 microseconds to 10 seconds, each about two and a half
/// times the one before. Where a target is one of them, what is above it is counted exactly.
pub const DURATION_BOUNDS_NS: &[u64] = &[
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// Bounds for numbers of things done at once.
pub const COUNT_BOUNDS: &[u64] = &[
    1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384,
];

/// Counts values by bounds. Recording takes two atomic additions and no lock, so that it may stand
/// on the way of every command.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One more than there are bounds: the last is for what exceeds them all.
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    /// An empty one with these bounds, each greater than the one before.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            buckets: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    /// An empty one for durations.
    #[must_use]
    pub fn of_durations() -> Self {
        Self::new(DURATION_BOUNDS_NS)
    }

    /// Counts a value. A value that is equal to a bound belongs to it.
    pub fn record(&self, value: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Counts a duration, in nanoseconds.
    pub fn record_duration(&self, took: Duration) {
        self.record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// What was counted so far. While others record, sum and counts may be apart by their values.
    #[must_use]
    pub fn distribution(&self) -> Distribution {
        Distribution {
            bounds: self.bounds,
            counts: self
                .buckets
                .iter()
                .map(|bucket| bucket.load(Ordering::Relaxed))
                .collect(),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

/// What a [`Histogram`] has counted, as a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// The bounds, in the unit of what was counted.
    pub bounds: &'static [u64],
    /// How many values fell into each bucket, those of the buckets before not included. One more
    /// than there are bounds.
    pub counts: Vec<u64>,
    /// All values together.
    pub sum: u64,
}

impl Distribution {
    /// An empty one.
    #[must_use]
    pub fn empty(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: 0,
        }
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Adds what another one with the same bounds has counted.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// What was counted since `earlier`, which was taken of the same histogram.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let counts = self.counts.iter().zip(&earlier.counts);
        Self {
            bounds: self.bounds,
            counts: counts
                .map(|(now, then)| now.saturating_sub(*then))
                .collect(),
            sum: self.sum.saturating_sub(earlier.sum),
        }
    }

    /// The value that so many percent of the values do not exceed; `None` where there are none.
    ///
    /// Within a bucket values are taken to be spread evenly, as Prometheus' `histogram_quantile`
    /// does it; of those beyond the last bound no more is known than that, and it is given.
    ///
    /// ```
    /// use mercato_persistence::{COUNT_BOUNDS, Histogram};
    ///
    /// let batches = Histogram::new(COUNT_BOUNDS);
    /// [3, 3, 4, 7].into_iter().for_each(|records| batches.record(records));
    /// let counted = batches.distribution();
    /// assert_eq!((counted.count(), counted.sum), (4, 17));
    /// assert_eq!(counted.percentile(75.0), Some(4.0));
    /// assert_eq!(counted.percentile(100.0), Some(8.0));
    /// ```
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        reason = "an estimate, of counts far below 2^52"
    )]
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        let count = self.count();
        let last = *self.bounds.last()? as f64;
        if count == 0 {
            return None;
        }
        let rank = percent.clamp(0.0, 100.0) / 100.0 * count as f64;
        let mut below = 0.0;
        let mut lower = 0.0;
        for (bound, inside) in self.bounds.iter().zip(&self.counts) {
            let (upper, inside) = (*bound as f64, *inside as f64);
            if inside > 0.0 && below + inside >= rank {
                return Some(lower + (upper - lower) * ((rank - below) / inside).clamp(0.0, 1.0));
            }
            below += inside;
            lower = upper;
        }
        Some(last)
    }
}

/// How a journal does, for whoever watches it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalMeters {
    /// The last position that was given out.
    pub appended: Position,
    /// The last that is durable.
    pub durable: Position,
    /// How long commits took, their sync included.
    pub commit_time: Distribution,
    /// How many records each of them made durable.
    pub commit_records: Distribution,
    /// How many bytes of records were made durable.
    pub bytes_committed: u64,
    /// Times that the disk failed in a commit.
    pub commits_failed: u64,
}

impl JournalMeters {
    /// Of a journal that measures nothing but where it is.
    #[must_use]
    pub fn at(appended: Position, durable: Position) -> Self {
        Self {
            appended,
            durable,
            commit_time: Distribution::empty(DURATION_BOUNDS_NS),
            commit_records: Distribution::empty(COUNT_BOUNDS),
            bytes_committed: 0,
            commits_failed: 0,
        }
    }
}

/// What a journal's writer measures.
#[derive(Debug)]
pub(crate) struct CommitMeters {
    time: Histogram,
    records: Histogram,
    bytes: AtomicU64,
    failed: AtomicU64,
}

impl Default for CommitMeters {
    fn default() -> Self {
        Self {
            time: Histogram::of_durations(),
            records: Histogram::new(COUNT_BOUNDS),
            bytes: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }
}

impl CommitMeters {
    pub(crate) fn committed(&self, records: u64, bytes: usize, took: Duration) {
        self.time.record_duration(took);
        // One of cursors or snapshots alone is a commit, and makes no record durable.
        if records > 0 {
            self.records.record(records);
        }
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self, appended: Position, durable: Position) -> JournalMeters {
        JournalMeters {
            appended,
            durable,
            commit_time: self.time.distribution(),
            commit_records: self.records.distribution(),
            bytes_committed: self.bytes.load(Ordering::Relaxed),
            commits_failed: self.failed.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a value that is counted one bucket too high or too low, and bounds that do not grow.
    #[test]
    fn a_value_belongs_to_the_first_bound_that_it_does_not_exceed() {
        for bounds in [DURATION_BOUNDS_NS, COUNT_BOUNDS] {
            assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]));
            let histogram = Histogram::new(bounds);
            for (at, bound) in bounds.iter().enumerate() {
                histogram.record(*bound);
                histogram.record(*bound + 1);
                let counts = histogram.distribution().counts;
                let upper = if at + 1 == bounds.len() { 1 } else { 0 };
                assert_eq!(counts[at], if at == 0 { 1 } else { 2 }, "{bound}");
                assert_eq!(counts[bounds.len()], upper, "{bound}");
            }
        }
    }

    /// Catches: a percentile that is off by a bucket, that leaves its bucket, or of nothing.
    #[test]
    fn percentiles_lie_where_the_values_are() {
        let histogram = Histogram::of_durations();
        assert_eq!(histogram.distribution().percentile(99.0), None);
        for ms in 1..=100 {
            histogram.record_duration(Duration::from_millis(ms));
        }
        let counted = histogram.distribution();
        let in_ms = |percent| counted.percentile(percent).expect("values") / 1e6;
        assert_eq!(in_ms(10.0), 10.0);
        assert_eq!(in_ms(50.0), 50.0);
        assert_eq!(in_ms(99.0), 99.0);
        let later = {
            histogram.record_duration(Duration::from_secs(11));
            histogram.distribution().since(&counted)
        };
        assert_eq!((later.count(), later.sum), (1, 11_000_000_000));
        assert_eq!(later.percentile(50.0), Some(10e9));
    }
}
