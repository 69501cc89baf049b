//! The stored form of what is written behind the blocks.
//!
//! Each row carries a checksum over its key and its value, so that a row that is damaged, or lies
//! under a wrong key, is named and never served.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::codec::{self, CodecError, FORMAT};
use crate::error::ReadError;
use crate::front::{Chunk, Command, Head};
use crate::record::{Position, Timer};

const CHECKSUM: usize = 8;

/// The row of `value` under `key`.
pub(crate) fn write<T: Serialize>(key: &[u8], value: &T) -> Result<Vec<u8>, CodecError> {
    let mut row = vec![0; CHECKSUM];
    row.push(FORMAT);
    codec::encode_into(value, &mut row)?;
    let checksum = checksum(key, &row[CHECKSUM..]);
    row[..CHECKSUM].copy_from_slice(&checksum);
    Ok(row)
}

/// The value of a row that lies under `key` in `table`.
pub(crate) fn read<T: DeserializeOwned>(
    table: &'static str,
    key: &[u8],
    row: &[u8],
) -> Result<T, ReadError> {
    let damaged = || ReadError::Row {
        table,
        key: String::from_utf8_lossy(key).into_owned(),
    };
    let (stored, body) = row.split_first_chunk::<CHECKSUM>().ok_or_else(damaged)?;
    if checksum(key, body) != *stored {
        return Err(damaged());
    }
    match body.split_first() {
        Some((&FORMAT, value)) => codec::decode(value).map_err(|_| damaged()),
        _ => Err(damaged()),
    }
}

fn checksum(key: &[u8], body: &[u8]) -> [u8; CHECKSUM] {
    xxh3_64_with_seed(body, xxh3_64(key)).to_le_bytes()
}

/// A head as it is stored; whether the stream is open stands in a table of its own.
pub(crate) type HeadRow = (u64, u64, bool);

pub(crate) fn head_row(head: &Head) -> HeadRow {
    (head.version, head.last.get(), head.open)
}

pub(crate) fn head_of((version, last, open): HeadRow) -> Head {
    Head {
        version,
        last: Position::new(last),
        open,
    }
}

/// A chunk of commands: when the newest was recorded, then each one's id and place, packed.
pub(crate) type ChunkRow = (u64, serde_bytes::ByteBuf);

const ID: usize = 16;
const PLACE: usize = 8;

pub(crate) fn chunk_row(chunk: &Chunk) -> ChunkRow {
    let newest_ms = chunk.commands.iter().map(|command| command.recorded_at_ms);
    let mut packed = Vec::with_capacity(chunk.commands.len() * (ID + PLACE));
    for command in &chunk.commands {
        packed.extend_from_slice(command.id.as_bytes());
        packed.extend_from_slice(&command.at.get().to_le_bytes());
    }
    (newest_ms.max().unwrap_or_default(), packed.into())
}

pub(crate) fn chunk_of((recorded_at_ms, packed): &ChunkRow) -> Chunk {
    let (entries, _) = packed.as_chunks::<{ ID + PLACE }>();
    // A whole chunk grows old at once: some are then kept a little longer than they need be.
    let command = |entry: &[u8; ID + PLACE]| {
        let (id, place) = entry.split_first_chunk::<ID>()?;
        Some(Command {
            id: Uuid::from_bytes(*id),
            at: Position::new(u64::from_le_bytes(*place.first_chunk()?)),
            recorded_at_ms: *recorded_at_ms,
        })
    };
    Chunk {
        commands: entries.iter().filter_map(command).collect(),
    }
}

/// Timers lie under the stream and their name, which a zero byte keeps apart.
pub(crate) fn timer_key(stream: &str, name: &str) -> Vec<u8> {
    [stream.as_bytes(), &[0], name.as_bytes()].concat()
}

pub(crate) fn timer_of(key: &[u8], (due_at_ms, payload): (u64, Vec<u8>)) -> Option<Timer> {
    let key = std::str::from_utf8(key).ok()?;
    let (stream, name) = key.split_once('\0')?;
    Some(Timer {
        stream: Arc::from(stream),
        name: name.into(),
        due_at_ms,
        payload,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_served_only_whole_and_under_its_own_key() {
        let row = write(b"order/7", &(7u64, 9u64, true)).expect("a stored form");
        let read = |key: &[u8], row: &[u8]| super::read::<HeadRow>("heads", key, row);
        assert_eq!(read(b"order/7", &row).expect("it is whole"), (7, 9, true));
        assert!(read(b"order/8", &row).is_err());
        for bit in 0..row.len() * 8 {
            let mut damaged = row.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let error = read(b"order/7", &damaged).expect_err("a flipped bit");
            assert!(error.to_string().contains("order/7"), "{error}");
        }
    }
}
