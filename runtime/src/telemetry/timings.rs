//! How long things of one kind took, by their name and how they went.

use std::sync::OnceLock;
use std::time::Duration;

use mercato_persistence::{DURATION_BOUNDS_NS, Distribution, Histogram};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{AskError, AskFailure};

/// How many names one kind of thing may have. What comes beyond is counted together, so that no
/// caller can make the runtime keep more and more.
const NAMES_MAX: usize = 128;
/// The name of what is counted together.
const OTHER: &str = "other";

/// How something went, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// It was done.
    Answered,
    /// It was refused, by the rules of whoever was asked.
    Refused,
    /// There was no answer in time.
    Expired,
    /// There was too much to do.
    Overloaded,
    /// Nobody knows whether it was done.
    Unknown,
    /// It could not be done.
    Failed,
}

impl Outcome {
    pub(crate) const ALL: [Self; 6] = [
        Self::Answered,
        Self::Refused,
        Self::Expired,
        Self::Overloaded,
        Self::Unknown,
        Self::Failed,
    ];

    /// The name in metrics and spans.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Overloaded => "overloaded",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }

    /// How an ask went.
    pub(crate) fn of_ask<T, R: std::error::Error>(answer: &Result<T, AskError<R>>) -> Self {
        match answer {
            Ok(_) => Self::Answered,
            Err(AskError::Rejected(_)) => Self::Refused,
            Err(AskError::Failed(AskFailure::DeadlineExceeded)) => Self::Expired,
            Err(AskError::Failed(AskFailure::Overloaded { .. })) => Self::Overloaded,
            Err(AskError::Failed(_)) => Self::Failed,
        }
    }
}

/// Durations by name and outcome.
///
/// A table of places that are taken once and never given back: who records finds its place by a
/// hash and takes no lock. Each place has a histogram for each *stripe*, so that who records for
/// different shards does not write to the same memory.
pub(crate) struct Timings {
    places: Box<[OnceLock<Place>]>,
    other: Place,
    stripes: usize,
}

struct Place {
    name: Box<str>,
    outcomes: [OnceLock<Box<[Histogram]>>; Outcome::ALL.len()],
}

impl Place {
    fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            outcomes: Default::default(),
        }
    }
}

/// With one stripe.
impl Default for Timings {
    fn default() -> Self {
        Self::new(1)
    }
}

impl std::fmt::Debug for Timings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.places.iter().filter_map(OnceLock::get);
        f.debug_set()
            .entries(names.map(|place| &place.name))
            .finish()
    }
}

impl Timings {
    /// Nothing yet. There is one stripe at least.
    pub(crate) fn new(stripes: usize) -> Self {
        Self {
            places: (0..NAMES_MAX).map(|_| OnceLock::new()).collect(),
            other: Place::named(OTHER),
            stripes: stripes.max(1),
        }
    }

    /// Counts one. `name` comes from the code.
    pub(crate) fn record(&self, name: &str, outcome: Outcome, stripe: usize, took: Duration) {
        let stripes = self.place(name).outcomes[outcome as usize].get_or_init(|| {
            (0..self.stripes)
                .map(|_| Histogram::of_durations())
                .collect()
        });
        stripes[stripe % self.stripes].record_duration(took);
    }

    fn place(&self, name: &str) -> &Place {
        let first = usize::try_from(xxh3_64(name.as_bytes()) % NAMES_MAX as u64).unwrap_or(0);
        for nth in 0..NAMES_MAX {
            let place = &self.places[(first + nth) % NAMES_MAX];
            // Of two that take it at the same time only one does; the other sees whose it is.
            let place = place.get_or_init(|| Place::named(name));
            if *place.name == *name {
                return place;
            }
        }
        &self.other
    }

    /// What was counted, in the order of the names.
    pub(crate) fn read(&self) -> Vec<(Box<str>, Outcome, Distribution)> {
        let places = self.places.iter().filter_map(OnceLock::get);
        let mut places: Vec<_> = places.chain([&self.other]).collect();
        places.sort_by(|one, other| one.name.cmp(&other.name));
        let mut read = Vec::new();
        for place in places {
            for (outcome, stripes) in Outcome::ALL.iter().zip(&place.outcomes) {
                let Some(stripes) = stripes.get() else {
                    continue;
                };
                let mut all = Distribution::empty(DURATION_BOUNDS_NS);
                stripes.iter().for_each(|it| all.add(&it.distribution()));
                read.push((place.name.clone(), *outcome, all));
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: labels without end, two names in one place, and a stripe that is not read.
    #[test]
    fn names_are_bounded_and_what_comes_beyond_is_counted_together() {
        let timings = Timings::new(3);
        for nth in 0..NAMES_MAX + 10 {
            for stripe in 0..3 {
                let name = format!("name {nth}");
                timings.record(&name, Outcome::Answered, stripe, Duration::from_millis(2));
            }
        }
        timings.record("name 0", Outcome::Refused, 7, Duration::from_millis(2));
        let read = timings.read();
        assert_eq!(read.len(), NAMES_MAX + 2);
        let counted: u64 = read.iter().map(|(.., it)| it.count()).sum();
        assert_eq!(counted, 3 * (NAMES_MAX as u64 + 10) + 1);
        let of = |name: &str| {
            let all = read.iter().filter(|(it, ..)| **it == *name);
            all.map(|(_, outcome, it)| (*outcome, it.count()))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(OTHER), [(Outcome::Answered, 30)]);
        assert_eq!(
            of("name 0"),
            [(Outcome::Answered, 3), (Outcome::Refused, 1)]
        );
    }
}
