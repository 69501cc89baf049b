//! Stored bytes as people read them: in hexadecimal. The journal's form stays what it is.

use serde::{Serialize, Serializer};

pub(crate) fn bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        serializer.serialize_str(&crate::json::hex(bytes))
    } else {
        bytes.serialize(serializer)
    }
}
