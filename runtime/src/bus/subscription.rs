//! What a subscriber asks for: a name, a place to start, a filter and limits.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use mercato_persistence::Position;
use rand::{Rng, RngCore};

use super::filter::Filter;

/// No wait and no bound in time is longer.
const TIME_MAX: Duration = Duration::from_secs(86_400);

/// A named place in the stream of all events. The name is the identity: the journal keeps a cursor
/// under it, and whoever attaches under it goes on where the last one was.
///
/// ```
/// use std::num::NonZeroUsize;
/// use mercato_runtime::{Filter, OnFailure, StartAt, Subscription, SubscriptionOptions};
///
/// let subscription = Subscription::new("order-mirror")
///     .starting(StartAt::Now)
///     .only(Filter::everything().agent("order").key_prefix("eu-"))
///     .options(SubscriptionOptions {
///         on_failure: OnFailure::BlockKey,
///         parallel_max: NonZeroUsize::MIN,
///         ..SubscriptionOptions::default()
///     });
/// # let _ = subscription;
/// ```
#[derive(Debug, Clone)]
pub struct Subscription {
    pub(super) name: Box<str>,
    pub(super) start: StartAt,
    pub(super) filters: Vec<Filter>,
    pub(super) options: SubscriptionOptions,
}

impl Subscription {
    /// Everything from the beginning, with the default limits.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            start: StartAt::Beginning,
            filters: Vec::new(),
            options: SubscriptionOptions::default(),
        }
    }

    /// Where it starts, where the journal does not know the name. A name that it knows goes on from
    /// its cursor, whatever stands here.
    #[must_use]
    pub fn starting(self, start: StartAt) -> Self {
        Self { start, ..self }
    }

    /// Only what passes this filter; called again, also what passes the other. The filter is not
    /// kept: another one counts from where the cursor is.
    #[must_use]
    pub fn only(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// With these limits.
    #[must_use]
    pub fn options(self, options: SubscriptionOptions) -> Self {
        Self { options, ..self }
    }
}

/// Where a new subscription starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAt {
    /// With the first event there is.
    Beginning,
    /// With the first event that is recorded after the subscription itself.
    Now,
    /// With the first event after this position.
    After(Position),
}

/// The limits of one subscription. What is out of range is drawn into it.
#[derive(Debug, Clone)]
pub struct SubscriptionOptions {
    /// How many events are handled at the same time, each of another key. Default 8.
    pub parallel_max: NonZeroUsize,
    /// Which events must wait for each other. Default: those of one key.
    pub order: DeliveryOrder,
    /// How many events may be read beyond the first that is not settled, those settled included.
    /// That many come again after a crash at most, and one record's more. Default 1,024.
    pub ahead_max: NonZeroUsize,
    /// How many bytes of events are held at most, one record's excepted. Default 4 MiB.
    pub held_bytes_max: usize,
    /// How long the handling of one event may take. Then it counts as failed: a handler is dropped,
    /// and a pulled delivery cannot be acknowledged any more. 1 ms to a day; default 30 s.
    pub handling_time_max: Duration,
    /// How often and after what wait an event that failed comes again.
    pub redelivery: Redelivery,
    /// What becomes of an event whose attempts are used up. Default: it is set aside.
    pub on_failure: OnFailure,
    /// How many events may be set aside. Where there are so many, the next one blocks its key until
    /// there is a place for it: none is lost. Default 1,000.
    pub dead_letters_max: NonZeroUsize,
    /// How long a subscriber that is detached may still work on what it has in hand. What is not
    /// settled by then comes again. 0 to an hour; default 5 s.
    pub grace: Duration,
}

impl Default for SubscriptionOptions {
    fn default() -> Self {
        const PARALLEL: NonZeroUsize = NonZeroUsize::new(8).unwrap();
        const AHEAD: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();
        const LETTERS: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();
        Self {
            parallel_max: PARALLEL,
            order: DeliveryOrder::PerKey,
            ahead_max: AHEAD,
            held_bytes_max: 4 << 20,
            handling_time_max: Duration::from_secs(30),
            redelivery: Redelivery::default(),
            on_failure: OnFailure::SetAside,
            dead_letters_max: LETTERS,
            grace: Duration::from_secs(5),
        }
    }
}

impl SubscriptionOptions {
    pub(super) fn within_range(mut self) -> Self {
        let least = Duration::from_millis(1);
        self.handling_time_max = self.handling_time_max.clamp(least, TIME_MAX);
        self.held_bytes_max = self.held_bytes_max.max(1);
        self.grace = self.grace.min(Duration::from_secs(3_600));
        self.redelivery.first = self.redelivery.first.clamp(least, TIME_MAX);
        self.redelivery.wait_max = self.redelivery.wait_max.clamp(least, TIME_MAX);
        self.redelivery.jitter_percent = self.redelivery.jitter_percent.min(100);
        self
    }
}

/// Which events must wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOrder {
    /// Those of one entity.
    PerKey,
    /// All of them: one at a time, in the order of the journal, also where one fails.
    Total,
}

/// What becomes of an event whose attempts are used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// It becomes a dead letter, and the events of its key after it go on.
    SetAside,
    /// It is tried for as long as it takes, and its key waits for it. Other keys go on until
    /// [`ahead_max`](SubscriptionOptions::ahead_max) events were read.
    BlockKey,
}

/// How often and after what wait an event comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redelivery {
    /// How often it is handed out at most. Default 5.
    pub attempts_max: NonZeroU32,
    /// The wait after the first attempt; each further one is twice as long. 1 ms to a day; default
    /// 200 ms.
    pub first: Duration,
    /// No wait is longer. 1 ms to a day; default 30 s.
    pub wait_max: Duration,
    /// Which part of a wait is left to chance. A wait of `d` is drawn evenly from `d` less this part
    /// to `d`, so that what failed together does not come again together. 0 to 100; default 50.
    pub jitter_percent: u32,
}

impl Default for Redelivery {
    fn default() -> Self {
        const ATTEMPTS_MAX: NonZeroU32 = NonZeroU32::new(5).unwrap();
        Self {
            attempts_max: ATTEMPTS_MAX,
            first: Duration::from_millis(200),
            wait_max: Duration::from_secs(30),
            jitter_percent: 50,
        }
    }
}

impl Redelivery {
    /// The wait after the attempt with this number, from 1.
    pub(super) fn wait_after(&self, attempt: u32, rng: &mut dyn RngCore) -> Duration {
        let doubled = 2u32.saturating_pow(attempt.saturating_sub(1));
        let full = self.first.saturating_mul(doubled).min(self.wait_max);
        if self.jitter_percent == 0 {
            return full;
        }
        let percent = rng.random_range(100 - self.jitter_percent.min(100)..=100);
        full * percent / 100
    }

    /// A wait that a subscriber asked for.
    pub(super) fn asked_for(wait: Duration) -> Duration {
        wait.min(TIME_MAX)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Catches: waits that do not double, that pass the bound, or that jitter draws out of range.
    #[test]
    fn waits_double_up_to_the_bound_less_their_jitter() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut redelivery = Redelivery {
            jitter_percent: 0,
            wait_max: Duration::from_secs(1),
            ..Redelivery::default()
        };
        let waits: Vec<_> = (1..=5)
            .map(|attempt| redelivery.wait_after(attempt, &mut rng).as_millis())
            .collect();
        assert_eq!(waits, [200, 400, 800, 1_000, 1_000]);
        redelivery.jitter_percent = 25;
        let mut shortest = u128::MAX;
        for attempt in 1..100 {
            let wait = redelivery.wait_after(attempt, &mut rng).as_millis();
            let full = (200 << (attempt - 1).min(10)).min(1_000);
            assert!((full * 3 / 4..=full).contains(&wait), "{attempt}: {wait}");
            shortest = shortest.min(wait * 1_000 / full);
        }
        assert!(shortest < 800, "what falls together rises together");
    }
}
