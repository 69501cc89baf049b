//! An append as the bare log and the layouts store it: the same facts as in the journal's record,
//! laid out by hand.

use super::workload::{EVENT_NAME, Entry, RECORDED_AT_MS, REPLY};

/// The bytes of one append, and where its parts are.
#[derive(Debug)]
pub(crate) struct Record {
    bytes: Vec<u8>,
    stream_end: usize,
    payload_at: usize,
    command_at: usize,
}

impl Record {
    pub(crate) fn of(entry: &Entry<'_>) -> Self {
        let mut bytes = Vec::with_capacity(entry.stream.len() + entry.payload.len() + 96);
        put(&mut bytes, entry.stream.as_bytes());
        let stream_end = bytes.len();
        bytes.extend_from_slice(&entry.version.to_le_bytes());
        bytes.extend_from_slice(&RECORDED_AT_MS.to_le_bytes());
        put(&mut bytes, EVENT_NAME.as_bytes());
        put(&mut bytes, entry.payload);
        let command_at = bytes.len();
        let payload_at = command_at - entry.payload.len();
        bytes.extend_from_slice(entry.command.as_bytes());
        // The hash of the command's body.
        bytes.extend_from_slice(&entry.command.as_u128().to_le_bytes());
        put(&mut bytes, &REPLY);
        Self {
            bytes,
            stream_end,
            payload_at,
            command_at,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn stream(&self) -> &str {
        let stream = &self.bytes[size_of::<u32>()..self.stream_end];
        std::str::from_utf8(stream).unwrap_or_default()
    }

    pub(crate) fn version(&self) -> u64 {
        let version = self.bytes[self.stream_end..].first_chunk();
        version.map_or(0, |version| u64::from_le_bytes(*version))
    }

    /// The event's payload, which stands for a state of 200 bytes, too.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.bytes[self.payload_at..self.command_at]
    }

    /// The command's id.
    pub(crate) fn command(&self) -> u128 {
        let id = self.bytes[self.command_at..].first_chunk();
        id.map_or(0, |id| u128::from_be_bytes(*id))
    }

    /// The dedupe record: the hash of the body and the reply.
    pub(crate) fn first_reply(&self) -> &[u8] {
        &self.bytes[self.command_at + 16..]
    }
}

/// Bytes behind their length.
fn put(into: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::workload::{EVENT_BYTES, Payloads, command_id};

    /// Catches: a layout that is measured with another key or value than it should have.
    #[test]
    fn the_parts_of_a_record_are_those_of_its_append() {
        let payloads = Payloads::new();
        let entry = Entry {
            stream: &"bench/999".into(),
            version: 513,
            command: command_id(9, 513),
            payload: payloads.of(9, 513),
        };
        let record = Record::of(&entry);
        assert_eq!(record.stream(), &**entry.stream);
        assert_eq!(record.version(), entry.version);
        assert_eq!(record.payload(), entry.payload);
        assert_eq!(record.command(), entry.command.as_u128());
        assert_eq!(record.first_reply().len(), 16 + 4 + REPLY.len());
        // The journal's own record of such an append is no smaller by more than its short numbers.
        assert!(record.bytes().len() < EVENT_BYTES + 100);
    }
}
