//! How stored bytes are read: the fields, in their order, with their types.

mod trace;
mod watch;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use self::trace::Traced;
use crate::codec;
use crate::event::CodecError;

/// The layout by which some bytes are read as a type: at each place in the value, what the type
/// expects there. It is taken from the type's own `Deserialize`, so what it says is what happens.
///
/// The stored format writes neither names nor types. Whether a struct that was changed still reads
/// what was stored before is therefore not seen in the bytes, but in this: keep the layout of a
/// version beside bytes of it, and compare.
///
/// ```
/// use mercato_runtime::{Layout, codec};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Before { ordered: u32, shipped: u32 }
/// #[derive(Deserialize)]
/// struct After { shipped: u32, ordered: u32 }
///
/// let bytes = codec::encode(&(7u32, 7u32))?;
/// let (kept, read) = Layout::of::<Before>(&bytes);
/// assert!(read.is_ok());
/// // Both read the bytes without an error, and one of them wrongly.
/// let (today, read) = Layout::of::<After>(&bytes);
/// assert!(read.is_ok());
/// assert_eq!(
///     kept.changes(&today),
///     ["the fields changed places: they were `ordered, shipped`, and are `shipped, ordered`"]
/// );
/// # Ok::<(), mercato_runtime::CodecError>(())
/// ```
///
/// It knows the places that were visited: what lies in an empty list, in `None` or in a variant
/// that the value is not is not seen. So the values to compare should be full ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Layout {
    places: BTreeMap<Box<str>, Expected>,
}

/// What a type expects at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Expected {
    /// These fields, in this order.
    Struct(Vec<Box<str>>),
    /// One of these variants, by number.
    Enum(Vec<Box<str>>),
    /// A number, a text, a list.
    #[serde(untagged)]
    Plain(Box<str>),
}

impl Layout {
    /// The layout by which `bytes` are read as a `T`. Where they cannot be, it goes as far as the
    /// reader came.
    ///
    /// # Errors
    /// Beside the layout: why the bytes are not exactly one `T`.
    pub fn of<T: DeserializeOwned>(bytes: &[u8]) -> (Self, Result<(), CodecError>) {
        let places = RefCell::default();
        let read = codec::decode_seed(Traced::<PhantomData<T>>::whole(&places), bytes);
        let places = places.into_inner();
        (Self { places }, read.map(drop))
    }

    /// How many places it knows: of two values of one type, the one with more shows more.
    #[must_use]
    pub fn places(&self) -> usize {
        self.places.len()
    }

    /// What `today` expects otherwise than this layout, in words; empty where bytes of this layout
    /// are read as they were meant. A variant added at the end of an enum is no change.
    #[must_use]
    pub fn changes(&self, today: &Self) -> Vec<String> {
        let known_today = |place| today.places.get(place).map(|now| (place, now));
        self.places
            .iter()
            .filter_map(|(place, was)| known_today(place).map(|(place, now)| (place, was, now)))
            .flat_map(|(place, was, now)| was.changes(place, now))
            .collect()
    }
}

impl Expected {
    fn changes(&self, place: &str, now: &Self) -> Vec<String> {
        match (self, now) {
            (Self::Struct(was), Self::Struct(is)) => fields(place, was, is),
            (Self::Enum(was), Self::Enum(is)) if is.starts_with(was) => Vec::new(),
            (was, now) if was == now => Vec::new(),
            (was, now) => vec![format!("`{place}` was {was}, and is {now}")],
        }
    }
}

fn fields(place: &str, was: &[Box<str>], is: &[Box<str>]) -> Vec<String> {
    let inside = |field: &str| trace::inside(place, field);
    if was.len() == is.len() {
        let renamed: Vec<_> = was.iter().zip(is).filter(|(was, is)| was != is).collect();
        if let [(was, is)] = renamed[..] {
            return vec![format!("field `{}` is now `{is}`", inside(was))];
        }
    }
    let gone = was.iter().filter(|field| !is.contains(field));
    let new = is.iter().filter(|field| !was.contains(field));
    let mut changes: Vec<String> = gone
        .map(|field| format!("field `{}` is gone", inside(field)))
        .chain(new.map(|field| format!("field `{}` is new", inside(field))))
        .collect();
    if changes.is_empty() && was != is {
        let of = if place == trace::ROOT {
            String::new()
        } else {
            format!(" of `{place}`")
        };
        let (was, is) = (was.join(", "), is.join(", "));
        changes.push(format!(
            "the fields{of} changed places: they were `{was}`, and are `{is}`"
        ));
    }
    changes
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Struct(fields) => write!(f, "a struct of `{}`", fields.join(", ")),
            Self::Enum(variants) => write!(f, "one of `{}`", variants.join(", ")),
            Self::Plain(what) => f.write_str(what),
        }
    }
}
