//! What a simulation is asked to do.

use std::path::PathBuf;
use std::time::Duration;

use mercato_actors::ShopConfig;

use crate::error::SimulationError;
use crate::shopper::SHOPPERS_MAX;

/// On which clock a simulation runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Everything on one thread under a clock that jumps: a day in seconds, every run of one seed
    /// the same.
    Virtual,
    /// On the machine's clock, with as many threads as it has. The day of the shoppers is squeezed
    /// into the duration.
    Live,
}

/// A simulation, as its user describes it.
#[derive(Debug, Clone)]
pub struct SimulationOptions {
    /// Transactions to draw catalogue and shoppers from; the project's own small sample without it.
    pub data: Option<PathBuf>,
    /// How many visits shoppers pay: 1 to 10,000,000.
    pub visits: u64,
    /// How long the shop is open to them: 1 second to 31 days.
    pub duration: Duration,
    /// Draws everything.
    pub seed: u64,
    /// The time from one injected crash to the next; `None` for none.
    pub crash_every: Option<Duration>,
    /// Where the journal lives. Without it, in memory.
    pub store: Option<PathBuf>,
    /// Where a backup of the store goes that is taken half-way, while the shop works. Only on the
    /// machine's clock, since it takes real time.
    pub backup: Option<PathBuf>,
    /// On which clock.
    pub mode: Mode,
    /// The shop's terms, and the limits of its runtime and its journal. Times in its terms are those
    /// of the shoppers' day.
    pub config: ShopConfig,
}

impl SimulationOptions {
    /// The longest simulation.
    pub const DURATION_MAX: Duration = Duration::from_secs(31 * 86_400);
    /// The shortest.
    pub const DURATION_MIN: Duration = Duration::from_secs(1);
    /// The shortest time between crashes. A shard that crashes faster than this only restarts.
    pub const CRASH_EVERY_MIN: Duration = Duration::from_millis(10);

    /// A day of this mode: 24 hours in virtual time, one minute on the machine's clock, with
    /// crashes at the usual pace.
    #[must_use]
    pub fn of(mode: Mode) -> Self {
        let duration = match mode {
            Mode::Virtual => Duration::from_secs(86_400),
            Mode::Live => Duration::from_secs(60),
        };
        Self {
            data: None,
            visits: 5_000,
            duration,
            seed: 1,
            crash_every: Some(Self::crash_every(mode, duration)),
            store: None,
            backup: None,
            mode,
            config: ShopConfig::default(),
        }
    }

    /// The usual time between crashes: a five-hundredth of the duration, and on the machine's clock,
    /// where a restart and what it holds up take real time, no less than half a second.
    #[must_use]
    pub fn crash_every(mode: Mode, duration: Duration) -> Duration {
        let least = match mode {
            Mode::Virtual => Self::CRASH_EVERY_MIN,
            Mode::Live => Duration::from_millis(500),
        };
        (duration / 500).max(least)
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    /// The first value out of its range, with the range.
    pub fn validate(&self) -> Result<(), SimulationError> {
        let out_of_range = |what, range: String| Err(SimulationError::Option { what, range });
        if self.visits == 0 || self.visits > SHOPPERS_MAX {
            return out_of_range("the number of shoppers", format!("1 to {SHOPPERS_MAX}"));
        }
        if !(Self::DURATION_MIN..=Self::DURATION_MAX).contains(&self.duration) {
            return out_of_range("the duration", "1s to 31 days (744h)".into());
        }
        if self
            .crash_every
            .is_some_and(|every| every < Self::CRASH_EVERY_MIN)
        {
            return out_of_range("the time between crashes", "at least 10ms, or `off`".into());
        }
        if self.backup.is_some() && (self.mode != Mode::Live || self.store.is_none()) {
            return out_of_range(
                "the backup",
                "of a live run with a store; add `--live` and `--store`".into(),
            );
        }
        Ok(())
    }

    /// How much faster than a real day the shoppers' day passes, as a factor on their thinking.
    pub(crate) fn think_factor(&self) -> f64 {
        (self.duration.as_secs_f64() / 86_400.0).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_named_with_their_range() {
        let sound = SimulationOptions::of(Mode::Virtual);
        assert!(sound.validate().is_ok());
        let broken = [
            SimulationOptions {
                visits: 0,
                ..sound.clone()
            },
            SimulationOptions {
                duration: Duration::ZERO,
                ..sound.clone()
            },
            SimulationOptions {
                duration: Duration::from_secs(9_999_999),
                ..sound.clone()
            },
            SimulationOptions {
                crash_every: Some(Duration::ZERO),
                ..sound.clone()
            },
            SimulationOptions {
                backup: Some("backup".into()),
                store: Some("store".into()),
                ..sound
            },
        ];
        for options in broken {
            let error = options.validate().expect_err("out of range");
            assert!(error.to_string().contains("must be"), "{error}");
        }
    }
}
