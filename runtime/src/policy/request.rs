//! What a caller says about one call.

use std::fmt;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::clock::Timestamp;

use super::token::{Token, TokenKeeper};

/// What one attempt may know.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// Nobody waits for the answer after this.
    pub deadline: Timestamp,
    /// What to show the dependency, where the request has [credentials](Request::credentials).
    pub token: Option<Token>,
}

/// Whether a call whose answer did not come may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing, or the dependency knows it again by its key.
    Safe,
    /// It might be done twice. A timeout leaves its outcome unknown.
    Once,
}

type Alternative<'a, T, E> = Box<dyn FnOnce(Attempt) -> BoxFuture<'a, Result<T, E>> + Send + 'a>;
type Cached<'a, T> = Box<dyn FnOnce() -> Option<(T, Duration)> + Send + 'a>;

/// A call to be made: how long it may take, and what may stand in for its answer.
pub struct Request<'a, T, E> {
    pub(super) deadline: Timestamp,
    pub(super) repeat: Repeat,
    pub(super) alternative: Option<Alternative<'a, T, E>>,
    pub(super) cached: Option<Cached<'a, T>>,
    pub(super) credentials: Option<&'a TokenKeeper>,
}

impl<'a, T, E> Request<'a, T, E> {
    /// A call whose caller waits until `deadline`, with nothing to fall back on.
    #[must_use]
    pub fn new(repeat: Repeat, deadline: Timestamp) -> Self {
        Self {
            deadline,
            repeat,
            alternative: None,
            cached: None,
            credentials: None,
        }
    }

    /// The same with another service that can answer it. It has the time of one attempt, and fails
    /// as a whole where it fails: a policy of its own is that of whoever calls it.
    #[must_use]
    pub fn alternative<F, Fut>(mut self, ask: F) -> Self
    where
        F: FnOnce(Attempt) -> Fut + Send + 'a,
        Fut: Future<Output = Result<T, E>> + Send + 'a,
    {
        self.alternative = Some(Box::new(move |attempt| ask(attempt).boxed()));
        self
    }

    /// The same with a way to find what was answered before, and how long ago.
    #[must_use]
    pub fn cached(mut self, find: impl FnOnce() -> Option<(T, Duration)> + Send + 'a) -> Self {
        self.cached = Some(Box::new(find));
        self
    }

    /// The same with the token that the dependency wants to see.
    #[must_use]
    pub fn credentials(mut self, keeper: &'a TokenKeeper) -> Self {
        self.credentials = Some(keeper);
        self
    }
}

impl<T, E> fmt::Debug for Request<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("deadline", &self.deadline)
            .field("repeat", &self.repeat)
            .field("alternative", &self.alternative.is_some())
            .field("cached", &self.cached.is_some())
            .field("credentials", &self.credentials.is_some())
            .finish()
    }
}
