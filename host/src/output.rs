//! Standard output, which may go away before we are done, and what is printed in more than one place.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

use jiff::Timestamp;

/// Prints text. A reader that has seen enough, such as `head`, is no error.
pub(crate) fn print(text: &impl Display) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("the report could not be written: {error}"))
        }
        _ => Ok(()),
    }
}

/// A moment in words; the number where it is none that a calendar knows.
pub(crate) fn moment(at_ms: u64) -> String {
    let known = i64::try_from(at_ms).ok().map(Timestamp::from_millisecond);
    match known {
        Some(Ok(moment)) => moment.to_string(),
        _ => format!("{at_ms} ms"),
    }
}
