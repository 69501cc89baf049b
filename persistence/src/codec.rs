//! The one room that names the binary format.
//!
//! Everything stored is bincode 2 in its standard configuration (little-endian, variable-length
//! integers), driven by serde. The crate is frozen upstream, so the way out is kept open: every
//! stored record begins with [`FORMAT`], and nothing outside this file knows what follows it.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed};

/// The format byte of every record written by this version: bincode 2, standard configuration.
pub const FORMAT: u8 = 1;

/// No value decoded may claim more than this, so that damaged lengths cannot exhaust memory.
pub const DECODED_BYTES_MAX: usize = 64 << 20;

const CONFIG: Configuration<LittleEndian, Varint, Limit<DECODED_BYTES_MAX>> =
    bincode::config::standard().with_limit::<DECODED_BYTES_MAX>();

/// A value that could not be written to or read from its stored form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The value cannot be serialised.
    #[error("cannot encode the value: {0}")]
    Encode(String),
    /// The bytes do not fit the type.
    #[error("cannot decode the stored bytes: {0}; was a field changed without a new version?")]
    Decode(String),
    /// Bytes were left over after the value.
    #[error("{extra} bytes follow the decoded value; was a field removed without a new version?")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// The record begins with another format byte.
    #[error("format byte {found} is not {FORMAT}: the record was written by another version")]
    Format {
        /// The byte found.
        found: u8,
    },
    /// The code has no reader for this name and version.
    #[error("no reader for `{name}` version {version}; add the type or an upcaster for it")]
    Unknown {
        /// The stored name.
        name: String,
        /// The stored version.
        version: u16,
    },
}

impl CodecError {
    /// The error for a name and version that the code does not know.
    #[must_use]
    pub fn unknown(name: &str, version: u16) -> Self {
        Self::Unknown {
            name: name.to_owned(),
            version,
        }
    }
}

/// The stored form of a value.
///
/// # Errors
/// When the value's `Serialize` fails, as for a map of unknown length.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    bincode::serde::encode_to_vec(value, CONFIG)
        .map_err(|error| CodecError::Encode(error.to_string()))
}

/// Appends the stored form of a value to `buffer`.
///
/// # Errors
/// As [`encode`].
pub fn encode_into<T: Serialize + ?Sized>(
    value: &T,
    buffer: &mut Vec<u8>,
) -> Result<(), CodecError> {
    bincode::serde::encode_into_std_write(value, buffer, CONFIG)
        .map(drop)
        .map_err(|error| CodecError::Encode(error.to_string()))
}

/// How many bytes the stored form of a value has, without making it.
///
/// ```
/// use mercato_persistence::codec;
/// assert_eq!(codec::encoded_bytes(&("sku", 3u32))?, codec::encode(&("sku", 3u32))?.len());
/// # Ok::<(), mercato_persistence::CodecError>(())
/// ```
///
/// # Errors
/// As [`encode`].
pub fn encoded_bytes<T: Serialize + ?Sized>(value: &T) -> Result<usize, CodecError> {
    bincode::serde::encode_into_std_write(value, &mut std::io::sink(), CONFIG)
        .map_err(|error| CodecError::Encode(error.to_string()))
}

/// The value of a stored form; every byte must belong to it.
///
/// ```
/// use mercato_persistence::codec;
/// let bytes = codec::encode(&("sku", 3u32))?;
/// assert_eq!(codec::decode::<(String, u32)>(&bytes)?, ("sku".to_owned(), 3));
/// assert!(codec::decode::<String>(&bytes).is_err());
/// # Ok::<(), mercato_persistence::CodecError>(())
/// ```
///
/// # Errors
/// When the bytes are not exactly one value of type `T`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let (value, read) = bincode::serde::decode_from_slice(bytes, CONFIG)
        .map_err(|error| CodecError::Decode(error.to_string()))?;
    match bytes.len() - read {
        0 => Ok(value),
        extra => Err(CodecError::Trailing { extra }),
    }
}

/// The value at the beginning of a stored form, and the bytes that follow it.
pub(crate) fn decode_first<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, &[u8]), CodecError> {
    bincode::serde::decode_from_slice(bytes, CONFIG)
        .map(|(value, read)| (value, bytes.get(read..).unwrap_or_default()))
        .map_err(|error| CodecError::Decode(error.to_string()))
}

/// The value at the beginning of a stored form, whatever follows it.
pub(crate) fn decode_prefix<'a, T: serde::Deserialize<'a>>(
    bytes: &'a [u8],
) -> Result<T, CodecError> {
    bincode::serde::borrow_decode_from_slice(bytes, CONFIG)
        .map(|(value, _)| value)
        .map_err(|error| CodecError::Decode(error.to_string()))
}

/// As [`decode`], through a seed: for whoever looks at *how* a value is read.
///
/// # Errors
/// As [`decode`].
pub fn decode_seed<'de, S: DeserializeSeed<'de>>(
    seed: S,
    bytes: &'de [u8],
) -> Result<S::Value, CodecError> {
    let (value, read) = bincode::serde::seed_decode_from_slice(seed, bytes, CONFIG)
        .map_err(|error| CodecError::Decode(error.to_string()))?;
    match bytes.len() - read {
        0 => Ok(value),
        extra => Err(CodecError::Trailing { extra }),
    }
}
