//! What a cache counts, as values.

use crate::stats::Counter;
use crate::telemetry::Timings;

#[derive(Debug, Default)]
pub(super) struct CacheCounters {
    pub(super) hits: Counter,
    pub(super) misses: Counter,
    pub(super) joined: Counter,
    pub(super) loads: Counter,
    pub(super) load_failures: Counter,
    pub(super) refused: Counter,
    pub(super) stale: Counter,
    pub(super) expired: Counter,
    pub(super) invalidated: Counter,
    pub(super) called_off: Counter,
    pub(super) evicted: Counter,
    /// How long loads took.
    pub(super) load_times: Timings,
}

impl CacheCounters {
    pub(super) fn stats(&self, cache: &'static str, entries: usize, bytes: u64) -> CacheStats {
        CacheStats {
            cache,
            hits: self.hits.get(),
            misses: self.misses.get(),
            joined: self.joined.get(),
            loads: self.loads.get(),
            load_failures: self.load_failures.get(),
            refused: self.refused.get(),
            stale: self.stale.get(),
            expired: self.expired.get(),
            invalidated: self.invalidated.get(),
            called_off: self.called_off.get(),
            evicted: self.evicted.get(),
            entries,
            bytes,
        }
    }
}

/// What a cache has done since it was opened, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Its name.
    pub cache: &'static str,
    /// Look-ups that found a fresh answer.
    pub hits: u64,
    /// Look-ups that did not.
    pub misses: u64,
    /// Misses that waited for an answer which was being loaded already.
    pub joined: u64,
    /// Answers loaded.
    pub loads: u64,
    /// Of them, those that failed.
    pub load_failures: u64,
    /// Misses that were refused, because too many answers were being loaded.
    pub refused: u64,
    /// Stale answers given in place of better ones.
    pub stale: u64,
    /// Look-ups that found an answer which was no longer fresh by its age.
    pub expired: u64,
    /// Answers that an event, or somebody, said are no longer true.
    pub invalidated: u64,
    /// Loads whose answer was not kept, because of what happened in the meantime.
    pub called_off: u64,
    /// Answers that had to make room.
    pub evicted: u64,
    /// Answers that it holds, stale ones included.
    pub entries: usize,
    /// What they weigh.
    pub bytes: u64,
}

impl CacheStats {
    /// Which part of the look-ups found a fresh answer, 0 to 1; `None` before the first. Those who
    /// waited for one that was being loaded do not count as hits.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a ratio for people")]
    pub fn hit_ratio(&self) -> Option<f64> {
        let lookups = self.hits + self.misses;
        (lookups > 0).then(|| self.hits as f64 / lookups as f64)
    }
}
