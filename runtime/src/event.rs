//! Events: what happened, in the past tense, under a name and a version that outlive the code.

use std::fmt::Debug;

pub use mercato_persistence::CodecError;

/// What an agent records. Each event is stored under its own name and version, never under its
/// place in an enum, so that events can be added and reordered freely.
///
/// Implement it with [`events!`](crate::events).
pub trait Event: Clone + Debug + Send + Sync + 'static {
    /// The stored name: `StockReserved`.
    fn name(&self) -> &'static str;
    /// The version of the payload's layout.
    fn version(&self) -> u16;
    /// The payload's bytes.
    ///
    /// # Errors
    /// When the payload cannot be serialised.
    fn encode(&self) -> Result<Vec<u8>, CodecError>;
    /// Reads a payload that was stored under `name` and `version`.
    ///
    /// # Errors
    /// When this code knows no such event, or the bytes do not fit its layout.
    fn decode(name: &str, version: u16, bytes: &[u8]) -> Result<Self, CodecError>;
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
#[macro_export]
macro_rules! events {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident { $($variant:ident : $version:literal),+ $(,)? }
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
        )+

        impl $crate::Event for $name {
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
                    $((stringify!($variant), $version) => $crate::codec::decode(bytes).map(Self::$variant),)+
                    _ => Err($crate::CodecError::unknown(name, version)),
                }
            }
        }
    };
}
