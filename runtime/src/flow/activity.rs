//! Activities: what a flow asks of the outside, through a port.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use mercato_persistence::Vault;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::codec;
use crate::core::Caller;
use crate::policy::{Repeat, Token, TokenKeeper};
use crate::telemetry::TraceContext;

/// The name and types of a call to a port; what it does is registered under it with
/// [`RuntimeBuilder::activity`](crate::RuntimeBuilder::activity).
pub struct Activity<I, O> {
    pub(crate) name: &'static str,
    pub(crate) repeat: Repeat,
    types: PhantomData<fn(I) -> O>,
}

impl<I, O> Activity<I, O> {
    /// An activity type: `payments.authorise`. What stands before the first dot is the port, whose
    /// activities share one policy and one circuit breaker.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            repeat: Repeat::Once,
            types: PhantomData,
        }
    }

    /// The same, safe to repeat: it changes nothing, or the port knows it again by its key. Where no
    /// answer comes in time, it is tried again instead of being
    /// [`Unknown`](ActivityErrorKind::Unknown).
    #[must_use]
    pub const fn repeatable(self) -> Self {
        Self {
            repeat: Repeat::Safe,
            ..self
        }
    }
}

impl<I, O> Clone for Activity<I, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I, O> Copy for Activity<I, O> {}

impl<I, O> fmt::Debug for Activity<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What an activity may know beside its input.
#[derive(Debug, Clone)]
pub struct ActivityCall {
    /// The idempotency key for the port: the same at every attempt of the same step.
    pub key: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Nobody waits for the answer after this.
    pub deadline: Timestamp,
    /// What to show the port, where
    /// [`RuntimeBuilder::credentials`](crate::RuntimeBuilder::credentials) gets tokens for it.
    pub token: Option<Token>,
    /// The trace that the call belongs to. Shown to the port as the header `traceparent`, it goes on
    /// there.
    pub trace: TraceContext,
    pub(crate) vault: Arc<Vault>,
    pub(crate) caller: Caller,
}

impl ActivityCall {
    /// Whoever, within this activity, calls on through a [`Handle`](crate::Handle): on the flow's
    /// behalf, and until the [deadline](Self::deadline). What waits for the flow itself, directly or
    /// through others, is refused as a [cycle](crate::AskFailure::Cycle). Each call gets a fresh id;
    /// [`keyed`](Caller::keyed) by [`key`](Self::key), a write has its effect once for all attempts.
    #[must_use]
    pub fn caller(&self) -> Caller {
        self.caller.clone()
    }
}

/// Why an activity did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message} ({code})")]
pub struct ActivityError {
    /// What may be done about it.
    pub kind: ActivityErrorKind,
    /// A short name for programs: `declined`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// What may be done about a failed activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActivityErrorKind {
    /// Nothing happened; trying again may help.
    Transient,
    /// Nothing happened, and trying again will not help.
    Permanent,
    /// It may or may not have happened: ask the port under the same key, never do it again blindly.
    Unknown,
    /// Nothing happened, because the port is asked too often.
    RateLimited {
        /// How long it asked to be left alone; 0 where it did not say.
        retry_after_ms: u64,
    },
    /// Nothing happened, because the port did not accept the token.
    Unauthenticated,
    /// No answer came in time, to a call that is [safe to repeat](Activity::repeatable).
    TimedOut,
}

impl ActivityError {
    /// An error of this kind.
    pub fn new(
        kind: ActivityErrorKind,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            code: code.into(),
            message: message.into(),
        }
    }

    /// Of a call that an earlier run may have made, too: that nothing happened this time says
    /// nothing of that one. What will not help is the port's own word under the same key.
    pub(super) fn after_a_cut(self) -> Self {
        match self.kind {
            ActivityErrorKind::Permanent => self,
            _ => Self {
                kind: ActivityErrorKind::Unknown,
                ..self
            },
        }
    }

    pub(crate) fn permanent(code: &str, message: impl Into<String>) -> Self {
        Self::new(ActivityErrorKind::Permanent, code, message)
    }
}

pub(super) type StoredActivity = Arc<
    dyn Fn(ActivityCall, &[u8]) -> BoxFuture<'static, Result<Vec<u8>, ActivityError>> + Send + Sync,
>;

/// What is registered under the name of an activity.
pub(super) struct Registered {
    pub(super) function: StoredActivity,
    pub(super) repeat: Repeat,
}

/// The activities of one runtime.
#[derive(Default)]
pub(crate) struct Activities {
    pub(super) by_name: BTreeMap<&'static str, Registered>,
    pub(super) alternatives: BTreeMap<&'static str, StoredActivity>,
    /// By the name of the port.
    pub(super) tokens: BTreeMap<&'static str, TokenKeeper>,
}

impl Activities {
    pub(crate) fn add<I, O, F, Fut>(&mut self, activity: Activity<I, O>, function: F)
    where
        I: DeserializeOwned + 'static,
        O: Serialize + 'static,
        F: Fn(ActivityCall, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, ActivityError>> + Send + 'static,
    {
        let registered = Registered {
            function: stored(function),
            repeat: activity.repeat,
        };
        self.by_name.insert(activity.name, registered);
    }

    pub(crate) fn add_alternative<I, O, F, Fut>(&mut self, activity: Activity<I, O>, function: F)
    where
        I: DeserializeOwned + 'static,
        O: Serialize + 'static,
        F: Fn(ActivityCall, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, ActivityError>> + Send + 'static,
    {
        self.alternatives.insert(activity.name, stored(function));
    }

    pub(crate) fn keep_token(&mut self, port: &'static str, keeper: TokenKeeper) {
        self.tokens.insert(port, keeper);
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }
}

/// An activity's function with its types put away.
fn stored<I, O, F, Fut>(function: F) -> StoredActivity
where
    I: DeserializeOwned + 'static,
    O: Serialize + 'static,
    F: Fn(ActivityCall, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, ActivityError>> + Send + 'static,
{
    Arc::new(move |call, input| match codec::decode(input) {
        Ok(input) => function(call, input)
            .map(|output| {
                // The port has acted by then, whatever becomes of its answer.
                codec::encode(&output?).map_err(|error| {
                    let message = format!("the port's answer has no stored form: {error}");
                    ActivityError::new(ActivityErrorKind::Unknown, "codec", message)
                })
            })
            .boxed(),
        Err(error) => {
            let error = ActivityError::permanent("codec", error.to_string());
            futures::future::ready(Err(error)).boxed()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a call that an earlier run may have made, and that counts as not made because this one
    /// was not; and a port's last word that is taken for a guess.
    #[test]
    fn after_a_cut_only_what_is_final_says_what_happened() {
        let after = |kind| ActivityError::new(kind, "code", "message").after_a_cut();
        let permanent = after(ActivityErrorKind::Permanent);
        assert_eq!(permanent, ActivityError::permanent("code", "message"));
        for kind in [
            ActivityErrorKind::Transient,
            ActivityErrorKind::Unknown,
            ActivityErrorKind::RateLimited { retry_after_ms: 7 },
            ActivityErrorKind::Unauthenticated,
            ActivityErrorKind::TimedOut,
        ] {
            let unknown = ActivityError::new(ActivityErrorKind::Unknown, "code", "message");
            assert_eq!(after(kind), unknown, "{kind:?}");
        }
    }
}
