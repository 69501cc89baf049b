//! Whether there is power.

use std::fmt::Display;
use std::future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// The power of one life. Clones are the same.
///
/// From the moment that it is cut nothing of the life has an effect: its disk takes nothing more, and
/// whatever passes [`through`](Self::through) never comes out. The life itself is dropped as soon as
/// its thread comes back from the task that it is in.
#[derive(Debug, Clone, Default)]
pub struct Power(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    is_cut: AtomicBool,
    cut: Notify,
    why: Mutex<Option<String>>,
}

impl Power {
    /// Whether it was cut.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.0.is_cut.load(Ordering::Relaxed)
    }

    /// Cuts it. The first reason counts.
    pub fn cut(&self, why: impl Display) {
        if self.0.is_cut.swap(true, Ordering::Relaxed) {
            return;
        }
        *self.0.why.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_string());
        self.0.cut.notify_one();
    }

    /// Why it was cut.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        let why = self.0.why.lock().unwrap_or_else(PoisonError::into_inner);
        why.clone()
    }

    /// Waits until it is cut.
    pub async fn until_cut(&self) {
        while !self.is_cut() {
            self.0.cut.notified().await;
        }
    }

    /// Lets go on who comes here with power, and nobody else ever.
    pub async fn through(&self) {
        if self.is_cut() {
            future::pending::<()>().await;
        }
    }
}
