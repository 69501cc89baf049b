//! How many promotional messages a person gets.

use std::num::NonZeroU32;
use std::time::Duration;

use mercato_runtime::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many promotional messages a person gets in which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "RawCap", into = "RawCap")]
pub struct FrequencyCap {
    messages: NonZeroU32,
    per: Duration,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawCap {
    /// So many messages.
    #[schemars(range(min = 1, max = FrequencyCap::MESSAGES_MAX))]
    messages: NonZeroU32,
    /// In any span of this time.
    #[schemars(extend("minimum" = "1s", "maximum" = "365d"))]
    per: Duration,
}

impl TryFrom<RawCap> for FrequencyCap {
    type Error = FrequencyCapError;

    fn try_from(raw: RawCap) -> Result<Self, FrequencyCapError> {
        Self::new(raw.messages, raw.per)
    }
}

impl From<FrequencyCap> for RawCap {
    fn from(cap: FrequencyCap) -> Self {
        Self {
            messages: cap.messages,
            per: cap.per,
        }
    }
}

/// A cap that cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "at most {} messages can be counted; lower the cap",
    FrequencyCap::MESSAGES_MAX
)]
pub struct FrequencyCapError;

impl FrequencyCap {
    /// The largest cap: so many sends are remembered for each person.
    pub const MESSAGES_MAX: u32 = 64;

    /// Three messages in seven days.
    pub const THREE_A_WEEK: Self = Self {
        messages: NonZeroU32::MIN.saturating_add(2),
        per: Duration::from_secs(7 * 24 * 60 * 60),
    };

    /// At most so many messages in any span of `per`.
    ///
    /// # Errors
    /// When that is more than can be counted.
    pub fn new(messages: NonZeroU32, per: Duration) -> Result<Self, FrequencyCapError> {
        if messages.get() > Self::MESSAGES_MAX {
            return Err(FrequencyCapError);
        }
        Ok(Self { messages, per })
    }

    /// When the next message may be sent, if not now; `sends` in their order.
    pub(super) fn reopens(&self, sends: &[Timestamp], now: Timestamp) -> Option<Timestamp> {
        let messages = usize::try_from(self.messages.get()).unwrap_or(usize::MAX);
        let oldest_that_counts = sends.get(sends.len().checked_sub(messages)?)?;
        let reopens = oldest_that_counts.plus(self.per);
        (reopens > now).then_some(reopens)
    }
}
