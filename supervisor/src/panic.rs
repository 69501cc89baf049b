//! Panics as text, and drops that cannot spread one.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// What a panic said, when it said something. The payload is foreign code too, and is dropped here.
pub fn panic_text(payload: Box<dyn Any + Send>) -> String {
    let text = if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "panicked without a text".to_owned()
    };
    drop_payload(payload);
    text
}

/// A payload whose drop panics leaves another one, which may be no better: that one is leaked.
fn drop_payload(payload: Payload) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(another);
    }
}

/// Runs foreign code whose panic must not end the caller. Its panic text is the error. What the code
/// was working on may be half done: the caller throws it away.
///
/// ```
/// # use mercato_supervisor::contain;
/// assert_eq!(contain(|| 7), Ok(7));
/// assert_eq!(contain(|| -> u32 { panic!("no shelf") }), Err("no shelf".to_owned()));
/// ```
///
/// # Errors
/// What the panic said.
pub fn contain<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(panic_text)
}

/// Drops a value of foreign code, whose panic harms nobody.
pub(crate) fn drop_contained<T>(value: T, what: &str) {
    if let Err(panic) = contain(|| drop(value)) {
        tracing::warn!(panic, "{what} panicked while it was dropped");
    }
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
        if let Some(value) = self.0.take() {
            drop_contained(value, "a worker");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    /// Panics whenever it is dropped, and so does what it panics with.
    struct Grenade(u32);

    impl Drop for Grenade {
        fn drop(&mut self) {
            if self.0 > 0 {
                panic_any(Self(self.0 - 1));
            }
        }
    }

    /// Catches: dropping a payload unguarded, which ends whoever caught the panic.
    #[test]
    fn a_payload_that_panics_when_dropped_harms_nobody() {
        let caught: Result<(), String> = contain(|| panic_any(Grenade(3)));
        assert_eq!(caught, Err("panicked without a text".to_owned()));
    }

    /// Catches: a text that is lost on the way.
    #[test]
    fn a_panic_is_told_in_its_own_words() {
        assert_eq!(
            contain(|| panic!("plain")),
            Err::<(), _>("plain".to_owned())
        );
        let n = 7;
        assert_eq!(contain(|| panic!("{n}")), Err::<(), _>("7".to_owned()));
        assert_eq!(contain(|| n), Ok(7));
    }

    /// Catches: a guard that lets the panic of a drop out.
    #[test]
    fn a_guarded_value_may_panic_when_dropped() {
        drop(Guarded(Some(Grenade(1))));
        drop(Guarded(Some(Grenade(1))).take());
        drop_contained(Grenade(2), "it");
    }
}
