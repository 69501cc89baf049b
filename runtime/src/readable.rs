//! What is stored, as people read it.

use std::fmt::Display;

use serde::{Serialize, Serializer};

/// The longest reason that is kept of a failure.
const REASON_BYTES_MAX: usize = 512;

/// Why something failed, cut to the length that is kept.
pub(crate) fn reason_of(failure: &dyn Display) -> Box<str> {
    let mut reason = failure.to_string();
    reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
    reason.into()
}

/// Bytes in hexadecimal. The journal's form stays what it is.
pub(crate) fn bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        serializer.serialize_str(&crate::json::hex(bytes))
    } else {
        bytes.serialize(serializer)
    }
}
