//! Single flight: an answer that is missing is loaded once for all who ask for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::{BoxFuture, Shared, WeakShared};

use crate::policy::Answer;

use super::tag::Tag;

/// An answer on its way, which all who asked for it wait for. Any of them drives it on, so that the
/// others get it where the first one goes away.
pub(super) type Shareable<V, E> = Shared<BoxFuture<'static, Result<Answer<V>, LoadError<E>>>>;

/// Why an answer could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError<E> {
    /// The load itself failed; everybody who waited for it gets the same error.
    #[error("{0}")]
    Failed(E),
    /// Too many answers are being loaded.
    #[error("{loads_max} answers are being loaded already; try again later, or raise loads_max")]
    TooMany {
        /// How many may be.
        loads_max: u32,
    },
    /// The load panicked.
    #[error("the load of a cached answer panicked; this is a defect of whoever loads it")]
    Panicked,
}

/// The answers that are being loaded.
pub(super) struct Flights<K, V, E> {
    in_air: BTreeMap<K, Flight<V, E>>,
    /// How many have taken off.
    count: u64,
}

struct Flight<V, E> {
    number: u64,
    tags: Arc<[Tag]>,
    answer: WeakShared<BoxFuture<'static, Result<Answer<V>, LoadError<E>>>>,
}

impl<K: Ord + Clone, V: Clone, E: Clone> Flights<K, V, E> {
    pub(super) fn new() -> Self {
        Self {
            in_air: BTreeMap::new(),
            count: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.in_air.len()
    }

    /// The answer for this key that is being loaded, and that nothing has happened to since.
    pub(super) fn join(&self, key: &K) -> Option<Shareable<V, E>> {
        self.in_air.get(key)?.answer.upgrade()
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    pub(super) fn take_off(
        &mut self,
        key: K,
        number: u64,
        tags: Arc<[Tag]>,
        answer: &Shareable<V, E>,
    ) {
        if let Some(answer) = answer.downgrade() {
            let flight = Flight {
                number,
                tags,
                answer,
            };
            self.in_air.insert(key, flight);
        }
    }

    /// Takes a flight out. `false` where it was called off: what it brings is of the past.
    pub(super) fn land(&mut self, key: &K, number: u64) -> bool {
        let current = self.in_air.get(key).is_some_and(|it| it.number == number);
        if current {
            self.in_air.remove(key);
        }
        current
    }

    /// Calls off the flight of this key: who waits for it gets its answer, and nobody else.
    pub(super) fn call_off(&mut self, key: &K) -> usize {
        usize::from(self.in_air.remove(key).is_some())
    }

    pub(super) fn call_off_tagged(&mut self, tag: &Tag) -> usize {
        let before = self.in_air.len();
        self.in_air.retain(|_, flight| !flight.tags.contains(tag));
        before - self.in_air.len()
    }

    pub(super) fn call_off_all(&mut self) -> usize {
        let called_off = self.in_air.len();
        self.in_air.clear();
        called_off
    }
}
