//! A port that answers as a test tells it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;

use crate::clock::{Clock, Timestamp};
use crate::flow::{ActivityCall, ActivityError, ActivityErrorKind};

/// What a port does about one call.
#[derive(Debug, Clone)]
pub enum PortStep<O> {
    /// It acts, and answers.
    Answer(O),
    /// It does not act, and says why.
    Fail(ActivityError),
    /// It does not act, and never answers.
    Hang,
    /// It acts, and its answer never comes: the outcome is unknown to whoever called.
    LoseAnswer,
    /// It takes so long before it does the next one.
    After(Duration, Box<Self>),
}

impl<O> PortStep<O> {
    /// A failure of this kind, in some words.
    #[must_use]
    pub fn fail(kind: ActivityErrorKind) -> Self {
        Self::Fail(ActivityError::new(kind, "scripted", "as scripted"))
    }

    /// The same, after so long.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self::After(time, Box::new(self))
    }
}

/// A call that a port was made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortCall<I> {
    /// When.
    pub at: Timestamp,
    /// Until when somebody waits for the answer.
    pub deadline: Timestamp,
    /// Under which idempotency key.
    pub key: String,
    /// At which attempt.
    pub attempt: u32,
    /// For what.
    pub input: I,
}

/// A port that follows a script, a step for each call; after the last one it keeps to that. Clones
/// are the same port.
pub struct ScriptedPort<I, O> {
    clock: Clock,
    state: Arc<Mutex<State<I, O>>>,
}

struct State<I, O> {
    script: VecDeque<PortStep<O>>,
    last: PortStep<O>,
    calls: Vec<PortCall<I>>,
    acted: Vec<String>,
}

impl<I, O> ScriptedPort<I, O>
where
    I: Clone + Send + 'static,
    O: Clone + Send + 'static,
{
    /// A port that does this at each call.
    #[must_use]
    pub fn new(clock: Clock, step: PortStep<O>) -> Self {
        Self {
            clock,
            state: Arc::new(Mutex::new(State {
                script: VecDeque::new(),
                last: step,
                calls: Vec::new(),
                acted: Vec::new(),
            })),
        }
    }

    /// The same port, which does this after what it was told before.
    #[must_use]
    pub fn then(self, step: PortStep<O>) -> Self {
        let mut state = self.state.lock();
        let before = std::mem::replace(&mut state.last, step);
        state.script.push_back(before);
        drop(state);
        self
    }

    /// What to register with [`RuntimeBuilder::activity`](crate::RuntimeBuilder::activity), or as the
    /// alternative of another port.
    pub fn function(
        &self,
    ) -> impl Fn(ActivityCall, I) -> BoxFuture<'static, Result<O, ActivityError>> + Send + Sync + use<I, O>
    {
        let port = self.clone();
        move |call, input| {
            let step = port.begin(&call, input);
            port.clone().go(call.key, step).boxed()
        }
    }

    /// The calls so far, in the order in which they came.
    #[must_use]
    pub fn calls(&self) -> Vec<PortCall<I>> {
        self.state.lock().calls.clone()
    }

    /// The keys under which it acted, once for each time.
    #[must_use]
    pub fn acted(&self) -> Vec<String> {
        self.state.lock().acted.clone()
    }

    fn begin(&self, call: &ActivityCall, input: I) -> PortStep<O> {
        let mut state = self.state.lock();
        state.calls.push(PortCall {
            at: self.clock.now(),
            deadline: call.deadline,
            key: call.key.clone(),
            attempt: call.attempt,
            input,
        });
        let next = state.script.pop_front();
        next.unwrap_or_else(|| state.last.clone())
    }

    async fn go(self, key: String, mut step: PortStep<O>) -> Result<O, ActivityError> {
        while let PortStep::After(time, next) = step {
            self.clock.sleep_until(self.clock.now().plus(time)).await;
            step = *next;
        }
        match step {
            PortStep::Answer(answer) => {
                self.state.lock().acted.push(key);
                Ok(answer)
            }
            PortStep::Fail(error) => Err(error),
            PortStep::LoseAnswer => {
                self.state.lock().acted.push(key);
                std::future::pending().await
            }
            PortStep::Hang | PortStep::After(..) => std::future::pending().await,
        }
    }
}

impl<I, O> Clone for ScriptedPort<I, O> {
    fn clone(&self) -> Self {
        Self {
            clock: self.clock,
            state: self.state.clone(),
        }
    }
}

impl<I, O> fmt::Debug for ScriptedPort<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = self.state.lock().calls.len();
        f.debug_struct("ScriptedPort")
            .field("calls", &calls)
            .finish_non_exhaustive()
    }
}
