//! Events: what happened, in the past tense, under a name and a version that outlive the code.

use std::fmt::Debug;

pub use mercato_persistence::CodecError;

use crate::layout::Layout;
use crate::schema::EventSchema;

/// What an agent records. Each event is stored under its own name and version, never under its
/// place in an enum, so that events can be added and reordered freely.
///
/// Implement it with [`events!`](crate::events).
pub trait Event: Clone + Debug + Send + Sync + 'static {
    /// Every event there is, with the forms in which it is recorded and read.
    fn schema() -> &'static [EventSchema];
    /// The stored name: `StockReserved`.
    fn name(&self) -> &'static str;
    /// The version of the payload's layout.
    fn version(&self) -> u16;
    /// The payload's bytes.
    ///
    /// # Errors
    /// When the payload cannot be serialised.
    fn encode(&self) -> Result<Vec<u8>, CodecError>;
    /// Reads a payload that was stored under `name` and `version`, through an upcaster where that
    /// is an older form.
    ///
    /// # Errors
    /// When this code knows no such event, or the bytes do not fit its layout.
    fn decode(name: &str, version: u16, bytes: &[u8]) -> Result<Self, CodecError>;
    /// The payload for people and tools: see [`view_of`](crate::view_of). It shows everything that
    /// the payload holds.
    ///
    /// # Errors
    /// When the payload cannot be serialised.
    fn view(&self) -> Result<serde_json::Value, CodecError>;
    /// The layout by which a payload of `name` and `version` is read: of an older form, that of
    /// the struct which its upcaster starts from. See [`Layout::of`].
    fn layout(name: &str, version: u16, bytes: &[u8]) -> (Layout, Result<(), CodecError>);
}

/// One of the events that make up an agent's `E`.
///
/// [`events!`](crate::events) implements it for each struct that it ties together.
pub trait EventOf<E: Event>: Debug + Sized + Send + 'static {
    /// Every name that it was ever stored under, today's first.
    const NAMES: &'static [&'static str];
    /// It, where it is what happened.
    fn of(event: E) -> Option<Self>;
}

/// Ties event structs together into the event enum of one agent.
///
/// Each variant holds the struct of the same name, which stands in plain sight with its fields
/// documented; the number is the version of its layout.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use mercato_runtime::Event;
///
/// /// Points were added.
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// pub struct PointsEarned { pub points: u32 }
///
/// mercato_runtime::events! {
///     /// What happens to a loyalty account.
///     pub enum LoyaltyEvent { PointsEarned: 1 }
/// }
///
/// let event = LoyaltyEvent::from(PointsEarned { points: 5 });
/// let bytes = event.encode()?;
/// assert!(LoyaltyEvent::decode("PointsEarned", 1, &bytes).is_ok());
/// # Ok::<(), mercato_runtime::CodecError>(())
/// ```
///
/// # When a layout changes
///
/// Journals that exist hold the old bytes for good. So the struct keeps its old layout under another
/// name, the event's version is raised, and `from` says which struct reads which older version. An
/// *upcaster* is nothing but `From` the old struct for the new one, each old struct straight into
/// today's. An event that was renamed names what it was called:
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use mercato_runtime::{Event, codec};
///
/// /// Points were added, for a reason since version 2.
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// pub struct PointsEarned { pub points: u32, pub reason: String }
///
/// /// What version 1 looked like. Never changes again.
/// #[derive(Serialize, Deserialize)]
/// struct PointsEarnedV1 { points: u32 }
///
/// impl From<PointsEarnedV1> for PointsEarned {
///     fn from(old: PointsEarnedV1) -> Self {
///         Self { points: old.points, reason: "unknown".into() }
///     }
/// }
///
/// /// A level was reached. It was called `TierReached` once, with the same layout.
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// pub struct LevelReached { pub level: u8 }
///
/// mercato_runtime::events! {
///     /// What happens to a loyalty account.
///     pub enum LoyaltyEvent {
///         PointsEarned: 2 from { 1 => PointsEarnedV1 },
///         LevelReached: 1 from { TierReached: 1 => LevelReached },
///     }
/// }
///
/// let old = codec::encode(&PointsEarnedV1 { points: 5 })?;
/// let today = PointsEarned { points: 5, reason: "unknown".into() };
/// assert_eq!(LoyaltyEvent::decode("PointsEarned", 1, &old)?, today.into());
///
/// let old = codec::encode(&LevelReached { level: 3 })?;
/// assert_eq!(LoyaltyEvent::decode("TierReached", 1, &old)?, LevelReached { level: 3 }.into());
/// # Ok::<(), mercato_runtime::CodecError>(())
/// ```
///
/// What cannot be meant does not compile: an older version that is not below the event's own, or a
/// form that stands twice.
///
/// ```compile_fail,E0080
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// # pub struct PointsEarned { pub points: u32 }
/// mercato_runtime::events! {
///     pub enum LoyaltyEvent { PointsEarned: 1 from { 2 => PointsEarned } }
/// }
/// ```
///
/// ```compile_fail,E0080
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// # pub struct PointsEarned { pub points: u32 }
/// mercato_runtime::events! {
///     pub enum LoyaltyEvent { PointsEarned: 3 from { 1 => PointsEarned, 1 => PointsEarned } }
/// }
/// ```
#[macro_export]
macro_rules! events {
    (@name $variant:ident) => { stringify!($variant) };
    (@name $variant:ident $old:ident) => { stringify!($old) };
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $(
                $variant:ident : $version:literal
                $(from { $($($old_name:ident :)? $old_version:literal => $old:ty),+ $(,)? })?
            ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        $vis enum $name {
            $(
                #[doc = concat!("See [`", stringify!($variant), "`].")]
                $variant($variant),
            )+
        }

        $(
            impl From<$variant> for $name {
                fn from(event: $variant) -> Self { Self::$variant(event) }
            }

            impl $crate::EventOf<$name> for $variant {
                const NAMES: &'static [&'static str] = &[
                    stringify!($variant),
                    $($($crate::events!(@name $variant $($old_name)?),)+)?
                ];

                fn of(event: $name) -> Option<Self> {
                    match event {
                        $name::$variant(event) => Some(event),
                        #[allow(unreachable_patterns, reason = "an agent may have but one event")]
                        _ => None,
                    }
                }
            }
        )+

        impl $crate::Event for $name {
            fn schema() -> &'static [$crate::EventSchema] {
                const SCHEMA: &[$crate::EventSchema] = &[$(
                    $crate::EventSchema {
                        current: $crate::EventForm {
                            name: stringify!($variant),
                            version: $version,
                        },
                        older: &[$($(
                            $crate::EventForm {
                                name: $crate::events!(@name $variant $($old_name)?),
                                version: $old_version,
                            },
                        )+)?],
                    },
                )+];
                const _: () = $crate::EventSchema::check(SCHEMA);
                SCHEMA
            }

            fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => stringify!($variant),)+ }
            }

            fn version(&self) -> u16 {
                match self { $(Self::$variant(_) => $version,)+ }
            }

            fn encode(&self) -> Result<Vec<u8>, $crate::CodecError> {
                match self { $(Self::$variant(event) => $crate::codec::encode(event),)+ }
            }

            fn decode(name: &str, version: u16, bytes: &[u8]) -> Result<Self, $crate::CodecError> {
                match (name, version) {
                    $(
                        (stringify!($variant), $version) => {
                            $crate::codec::decode(bytes).map(Self::$variant)
                        }
                        $($(
                            ($crate::events!(@name $variant $($old_name)?), $old_version) => {
                                let old: $old = $crate::codec::decode(bytes)?;
                                Ok(Self::$variant(Into::<$variant>::into(old)))
                            }
                        )+)?
                    )+
                    _ => Err($crate::CodecError::unknown(name, version)),
                }
            }

            fn view(&self) -> Result<$crate::serde_json::Value, $crate::CodecError> {
                match self { $(Self::$variant(event) => $crate::view_of(event),)+ }
            }

            fn layout(
                name: &str,
                version: u16,
                bytes: &[u8],
            ) -> ($crate::Layout, Result<(), $crate::CodecError>) {
                match (name, version) {
                    $(
                        (stringify!($variant), $version) => $crate::Layout::of::<$variant>(bytes),
                        $($(
                            ($crate::events!(@name $variant $($old_name)?), $old_version) => {
                                $crate::Layout::of::<$old>(bytes)
                            }
                        )+)?
                    )+
                    _ => {
                        let unknown = $crate::CodecError::unknown(name, version);
                        ($crate::Layout::default(), Err(unknown))
                    }
                }
            }
        }
    };
}
