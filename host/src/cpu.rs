//! How long the processor has worked, where the system tells: by Linux's `/proc`, see proc(5).

use std::time::Duration;

/// A tick of `/proc/self/stat`: Linux shows programs a hundred of them a second, whatever its own clock.
const TICK_MS: u64 = 10;

/// This thread.
#[cfg(feature = "planted-bugs")]
pub(crate) fn thread_time() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = told.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// All threads of this process, those that have ended too.
pub(crate) fn process_time() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name may hold anything, and ends with the last parenthesis. What follows begins with the
    // third field; user and system time are the fourteenth and the fifteenth.
    let (_, fields) = told.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks()? + ticks()?) * TICK_MS))
}
