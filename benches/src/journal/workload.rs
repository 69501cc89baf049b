//! What is appended: the same for every contender.

use std::sync::Arc;

use uuid::Uuid;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

/// The size of an event.
pub(crate) const EVENT_BYTES: usize = 200;
/// The reply that the dedupe record keeps.
pub(crate) const REPLY: [u8; 8] = [1; 8];
/// The event's stored name.
pub(crate) const EVENT_NAME: &str = "StockReserved";
/// When it was recorded. Nothing here depends on the time.
pub(crate) const RECORDED_AT_MS: u64 = 1_700_000_000_000;

/// One append: an event of [`EVENT_BYTES`] and the dedupe record of the command that caused it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) stream: &'a Arc<str>,
    pub(crate) version: u64,
    pub(crate) command: Uuid,
    pub(crate) payload: &'a [u8],
}

/// Bytes without a pattern, so that nothing gains by compressing them.
#[derive(Debug, Clone)]
pub(crate) struct Payloads(Arc<[u8]>);

impl Payloads {
    pub(crate) fn new() -> Self {
        const WORDS: u64 = 8_192;
        let words = (0..WORDS).flat_map(|word| xxh3_64_with_seed(b"payload", word).to_le_bytes());
        Self(words.collect())
    }

    /// The payload of some writer's `nth` event.
    pub(crate) fn of(&self, writer: u32, nth: u64) -> &[u8] {
        let places = self.0.len() - EVENT_BYTES;
        let drawn = nth.wrapping_mul(31).wrapping_add(u64::from(writer) * 1_009);
        let at = usize::try_from(drawn % places as u64).unwrap_or(0);
        &self.0[at..at + EVENT_BYTES]
    }
}

/// The id of some writer's `nth` command, scattered as drawn ids are.
pub(crate) fn command_id(writer: u32, nth: u64) -> Uuid {
    let mut name = [0; 12];
    name[..4].copy_from_slice(&writer.to_le_bytes());
    name[4..].copy_from_slice(&nth.to_le_bytes());
    Uuid::from_u128(xxh3_128(&name))
}

/// A stream, whose name is made once, as an entity does.
#[derive(Debug)]
pub(crate) struct Stream {
    name: Arc<str>,
    version: u64,
}

impl Stream {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name: name.into(),
            version: 0,
        }
    }

    /// How many events it has.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Some writer's `nth` append, to this stream.
    pub(crate) fn next<'a>(
        &'a mut self,
        writer: u32,
        nth: u64,
        payloads: &'a Payloads,
    ) -> Entry<'a> {
        let version = self.version;
        self.version += 1;
        Entry {
            stream: &self.name,
            version,
            command: command_id(writer, nth),
            payload: payloads.of(writer, nth),
        }
    }
}

/// One writer with a stream of its own.
#[derive(Debug)]
pub(crate) struct Writer {
    number: u32,
    stream: Stream,
    payloads: Payloads,
}

impl Writer {
    pub(crate) fn new(number: u32, payloads: Payloads) -> Self {
        Self {
            number,
            stream: Stream::new(format!("bench/{number}")),
            payloads,
        }
    }

    /// What it appends next.
    pub(crate) fn next(&mut self) -> Entry<'_> {
        let nth = self.stream.version();
        self.stream.next(self.number, nth, &self.payloads)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Catches: repeated ids, which the journal would refuse, and a payload of another size.
    #[test]
    fn every_append_is_new_and_of_the_size_that_is_promised() {
        let payloads = Payloads::new();
        let mut ids = BTreeSet::new();
        for number in 0..50 {
            let mut writer = Writer::new(number, payloads.clone());
            for version in 0..50 {
                let entry = writer.next();
                assert_eq!(entry.version, version);
                assert_eq!(entry.payload.len(), EVENT_BYTES);
                assert!(ids.insert(entry.command));
            }
        }
    }
}
