//! Single flight: an answer that is missing is loaded once for all who ask for it.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::{self, ThreadId};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;

use crate::policy::Answer;

use super::tag::Tag;

type Load<V, E> = BoxFuture<'static, Result<Answer<V>, LoadError<E>>>;

/// An answer on its way, which all who asked for it wait for. Any of them drives it on, so that the
/// others get it where the first one goes away.
///
/// One of those who wait may be what the load itself waits for. That shows when they drive it on from
/// within: the load is then being driven by the very thread that wants to.
pub(super) struct Waiting<V, E> {
    cache: &'static str,
    answer: Shared<Load<V, E>>,
    driver: Arc<Driver>,
}

/// The thread that drives a load on at this moment.
type Driver = Mutex<Option<ThreadId>>;

impl<V: Clone + 'static, E: Clone + 'static> Waiting<V, E> {
    pub(super) fn new(cache: &'static str, mut load: Load<V, E>) -> Self {
        let driver = Arc::new(Driver::default());
        let driven_by = driver.clone();
        let driven = futures::future::poll_fn(move |context| {
            *driven_by.lock() = Some(thread::current().id());
            // It does not panic: whoever made it has caught that.
            let polled = load.poll_unpin(context);
            *driven_by.lock() = None;
            polled
        });
        Self {
            cache,
            answer: driven.boxed().shared(),
            driver,
        }
    }
}

impl<V: Clone, E: Clone> Future for Waiting<V, E> {
    type Output = Result<Answer<V>, LoadError<E>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let driver = *self.driver.lock();
        match driver {
            None => self.answer.poll_unpin(context),
            Some(driver) if driver == thread::current().id() => {
                Poll::Ready(Err(LoadError::Circular { cache: self.cache }))
            }
            // Two loads that wait for each other may be driven by two threads at once. In a moment one
            // of them is not, and then it shows.
            Some(_) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

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
    /// The load waits, be it through other loads, for the answer that it is to bring.
    #[error("an answer of the cache `{cache}` cannot be loaded, because its load waits for itself")]
    Circular {
        /// The cache's name.
        cache: &'static str,
    },
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
    answer: WeakShared<Load<V, E>>,
    driver: Arc<Driver>,
    cache: &'static str,
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
    pub(super) fn join(&self, key: &K) -> Option<Waiting<V, E>> {
        let flight = self.in_air.get(key)?;
        Some(Waiting {
            cache: flight.cache,
            answer: flight.answer.upgrade()?,
            driver: flight.driver.clone(),
        })
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
        waiting: &Waiting<V, E>,
    ) {
        if let Some(answer) = waiting.answer.downgrade() {
            let flight = Flight {
                number,
                tags,
                answer,
                driver: waiting.driver.clone(),
                cache: waiting.cache,
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::mpsc;
    use std::task::Waker;

    use super::*;

    /// Catches: whoever joins a load just when another thread drives it, and is told that it waits for
    /// itself.
    #[tokio::test]
    async fn whoever_joins_a_load_that_another_thread_drives_waits_for_it() {
        let (entering, entered) = mpsc::channel();
        let (release, held) = mpsc::channel::<()>();
        let load = async move {
            entering.send(()).unwrap();
            held.recv().unwrap();
            Ok(Answer::Fresh(7))
        };
        let first: Waiting<u64, u8> = Waiting::new("answers", load.boxed());
        let mut flights = Flights::new();
        let number = flights.next_number();
        flights.take_off("key", number, [].into(), &first);
        let mut second = flights.join(&"key").unwrap();
        let driving = thread::spawn(move || {
            let tokio = tokio::runtime::Builder::new_current_thread().build();
            tokio.unwrap().block_on(first)
        });
        entered.recv().unwrap();
        let polled = second.poll_unpin(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled, Poll::Pending, "the other thread is at it");
        release.send(()).unwrap();
        assert_eq!(driving.join().unwrap(), Ok(Answer::Fresh(7)));
        assert_eq!(second.await, Ok(Answer::Fresh(7)));
    }
}
