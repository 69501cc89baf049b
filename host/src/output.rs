//! Standard output, which may go away before we are done.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

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
