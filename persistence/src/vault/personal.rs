//! A sealed value, and its stored forms.

use std::fmt;
use std::marker::PhantomData;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_bytes::{ByteBuf, Bytes};

use super::cipher::{ADDED_BYTES_MAX, SEALED_BYTES_MAX};
use super::person::PersonId;

/// A `T` that belongs to a person, sealed under the person's key.
///
/// It holds no plain text, in memory as little as on the disk; [`Vault::unseal`](super::Vault::unseal)
/// gives the value, as long as the person is not erased. Equal values of one person are equal
/// sealed: that is what lets a repeated command be told from a changed one, and it shows.
///
/// For people (JSON) the bytes are hex; in the journal they are bytes.
pub struct Personal<T> {
    person: PersonId,
    sealed: Box<[u8]>,
    // No `T` is inside, so a `Personal` may be sent where a `T` may not.
    type_of_value: PhantomData<fn() -> T>,
}

impl<T> Personal<T> {
    /// How many bytes sealing adds at most to a value's stored form.
    pub const ADDED_BYTES_MAX: usize = ADDED_BYTES_MAX;

    pub(super) fn new(person: PersonId, sealed: Vec<u8>) -> Self {
        Self {
            person,
            sealed: sealed.into(),
            type_of_value: PhantomData,
        }
    }

    /// Whose it is.
    #[must_use]
    pub fn person(&self) -> &PersonId {
        &self.person
    }

    /// How many bytes it has sealed: the value's stored form and up to
    /// [`ADDED_BYTES_MAX`](Self::ADDED_BYTES_MAX) more.
    #[must_use]
    pub fn sealed_bytes(&self) -> usize {
        self.sealed.len()
    }

    pub(super) fn sealed(&self) -> &[u8] {
        &self.sealed
    }
}

// Derived, these would ask the same of `T`, of which there is none inside.
impl<T> Clone for Personal<T> {
    fn clone(&self) -> Self {
        Self {
            person: self.person.clone(),
            sealed: self.sealed.clone(),
            type_of_value: PhantomData,
        }
    }
}

impl<T> PartialEq for Personal<T> {
    fn eq(&self, other: &Self) -> bool {
        self.person == other.person && self.sealed == other.sealed
    }
}

impl<T> Eq for Personal<T> {}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Personal({})", self.person)
    }
}

impl<T> Serialize for Personal<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            #[derive(Serialize)]
            #[serde(rename = "Personal")]
            struct Readable<'a> {
                person: &'a PersonId,
                sealed: String,
            }
            let sealed = hex(&self.sealed);
            let person = &self.person;
            Readable { person, sealed }.serialize(serializer)
        } else {
            #[derive(Serialize)]
            #[serde(rename = "Personal")]
            struct Compact<'a> {
                person: &'a PersonId,
                sealed: &'a Bytes,
            }
            let sealed = Bytes::new(&self.sealed);
            let person = &self.person;
            Compact { person, sealed }.serialize(serializer)
        }
    }
}

impl<'de, T> Deserialize<'de> for Personal<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (person, sealed) = if deserializer.is_human_readable() {
            #[derive(Deserialize)]
            #[serde(rename = "Personal")]
            struct Readable {
                person: PersonId,
                sealed: String,
            }
            let readable = Readable::deserialize(deserializer)?;
            let sealed = unhex(&readable.sealed)
                .ok_or_else(|| D::Error::custom("the sealed bytes are no hexadecimal digits"))?;
            (readable.person, sealed)
        } else {
            #[derive(Deserialize)]
            #[serde(rename = "Personal")]
            struct Compact {
                person: PersonId,
                sealed: ByteBuf,
            }
            let compact = Compact::deserialize(deserializer)?;
            (compact.person, compact.sealed.into_vec())
        };
        if sealed.len() > SEALED_BYTES_MAX {
            let problem = format!("more than {SEALED_BYTES_MAX} sealed bytes; split the value");
            return Err(D::Error::custom(problem));
        }
        Ok(Self::new(person, sealed))
    }
}

const DIGITS: [char; 16] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
];

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| DIGITS[usize::from(digit)]).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let value = |digit: &u8| {
        let digit = char::from(*digit).to_digit(16)?;
        u8::try_from(digit).ok()
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let bytes = pairs
        .iter()
        .map(|[high, low]| Some(value(high)? << 4 | value(low)?));
    bytes.collect()
}
