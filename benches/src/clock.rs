//! The one room of the benchmarks that reads the machine's clock, and the runtime they share.

use std::time::{Duration, Instant};

/// Now, on the machine's own clock: that is what a benchmark measures.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures the machine's own time"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A clock that counts from now on.
pub fn since_start() -> impl Fn() -> Duration + Clone + Send + Sync + 'static {
    let start = now();
    move || start.elapsed()
}

/// The tokio runtime of a turn. Two workers for every contender, whatever the machine has, so that
/// a table means the same everywhere.
pub(crate) fn two_workers() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
}
