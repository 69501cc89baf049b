//! How long to wait before a restart.

use std::time::Duration;

use rand::{Rng, RngCore};

/// Exponential backoff with jitter. The first restart within the supervisor's
/// [period](crate::Intensity::period) is immediate; the second waits `initial`, and each further
/// one `factor` times as long, up to `max`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// The wait before the second restart. Default 50 ms.
    pub initial: Duration,
    /// No wait is longer. Default 10 s.
    pub max: Duration,
    /// By how much each wait is longer than the one before, at least 1. Default 2.
    pub factor: f64,
    /// Which part of a wait is left to chance, 0 to 1: a wait of `d` is drawn evenly from
    /// `d * (1 - jitter)` to `d`, so that what fell together does not rise together. Default 0.5.
    pub jitter: f64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(50),
            max: Duration::from_secs(10),
            factor: 2.0,
            jitter: 0.5,
        }
    }
}

impl Backoff {
    /// The wait before the restart number `attempt`, which counts from 1.
    pub(crate) fn delay(&self, attempt: u32, rng: &mut dyn RngCore) -> Duration {
        let Some(doublings) = attempt.checked_sub(2) else {
            return Duration::ZERO;
        };
        let growth = self
            .factor
            .max(1.0)
            .powi(doublings.try_into().unwrap_or(i32::MAX));
        let seconds = self.initial.as_secs_f64() * growth;
        let full = Duration::try_from_secs_f64(seconds).map_or(self.max, |wait| wait.min(self.max));
        let jitter = self.jitter.clamp(0.0, 1.0);
        full.mul_f64(rng.random_range(1.0 - jitter..=1.0))
    }
}
