//! Panics as text, and drops that cannot spread one.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a panic said, when it said something.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "panicked without a text".to_owned()
    }
}

/// Runs foreign code whose panic must not end the caller. Its panic text is the error.
pub(crate) fn contain<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| panic_text(&*payload))
}

/// A value of foreign code whose `Drop` may panic without harm.
///
/// ractor sends the state of an actor to its supervisor when it ends, so an unguarded panic in a
/// worker's `Drop` would kill the supervisor.
pub(crate) struct Guarded<T>(pub(crate) Option<T>);

impl<T> Guarded<T> {
    /// Moves the value out, leaving nothing to drop behind.
    pub(crate) fn take(&mut self) -> Self {
        Self(self.0.take())
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        if let Some(value) = self.0.take()
            && let Err(panic) = contain(|| drop(value))
        {
            tracing::warn!(panic, "a worker panicked while it was dropped");
        }
    }
}
