//! Where a customer can be reached beside mail, and where they must not be any more.

use std::fmt;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::consent::Channel;

/// The longest address of a channel, in bytes: push services have long ones.
const BYTES_MAX: usize = 512;

/// Where a message goes by SMS, push or social media: a telephone number in international form, a
/// device's token, a handle.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct ChannelAddress(Box<str>);

/// A text that is no address. It never repeats what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelAddressError {
    /// It is empty, too long, or holds spaces or control characters.
    #[error("the address must have 1 to {BYTES_MAX} bytes without spaces; correct it")]
    Malformed,
    /// It is no telephone number.
    #[error("the number must be a plus sign and 7 to 15 digits; give it in international form")]
    Number,
    /// Mail has addresses of its own.
    #[error("this is for other channels than mail; record a contact for that")]
    Mail,
}

impl ChannelAddress {
    /// The address of somebody by this channel.
    ///
    /// # Errors
    /// When the text is none: for SMS anything but a number in international form (E.164).
    pub fn new(channel: Channel, text: impl Into<Box<str>>) -> Result<Self, ChannelAddressError> {
        let address = Self::try_from(text.into())?;
        match channel {
            Channel::Email => Err(ChannelAddressError::Mail),
            Channel::Sms if !is_number(&address.0) => Err(ChannelAddressError::Number),
            Channel::Sms | Channel::Push | Channel::Social => Ok(address),
        }
    }

    /// The address as text, for the gateway that sends.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
    })
}

impl TryFrom<Box<str>> for ChannelAddress {
    type Error = ChannelAddressError;

    fn try_from(text: Box<str>) -> Result<Self, ChannelAddressError> {
        let strange = |c: char| c.is_whitespace() || c.is_control();
        if text.is_empty() || text.len() > BYTES_MAX || text.chars().any(strange) {
            return Err(ChannelAddressError::Malformed);
        }
        Ok(Self(text))
    }
}

impl From<ChannelAddress> for Box<str> {
    fn from(address: ChannelAddress) -> Self {
        address.0
    }
}

impl fmt::Debug for ChannelAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelAddress(redacted)")
    }
}

/// Why nothing is sent to a customer by a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SuppressionReason {
    /// A message came back for good: the address is none. A new address ends it.
    HardBounce,
    /// Too many messages in a row came back for the time being. A new address ends it.
    SoftBounces,
    /// They called a message spam. Only the shop's people end it.
    SpamReport,
    /// The gateway has the address on its own list. Only the shop's people end it.
    Gateway,
    /// The shop's people say so: the law, a court, a wish. Only they end it.
    ByHand,
}

impl SuppressionReason {
    /// Whether it is about the address, and not about its owner's wish.
    #[must_use]
    pub const fn is_of_address(self) -> bool {
        matches!(self, Self::HardBounce | Self::SoftBounces)
    }
}

/// That nothing is sent to a customer by a channel: it goes before every consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// Why.
    pub reason: SuppressionReason,
    /// Since when.
    pub since: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_of_their_channel() {
        let number = |text: &str| ChannelAddress::new(Channel::Sms, text).map(drop);
        assert_eq!(number("+447700900123"), Ok(()));
        for wrong in [
            "07700900123",
            "+44 7700",
            "+12",
            "+1234567890123456",
            "+44a700900123",
        ] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
        assert!(ChannelAddress::new(Channel::Push, "f".repeat(512)).is_ok());
        assert!(ChannelAddress::new(Channel::Push, "f".repeat(513)).is_err());
        let mail = ChannelAddress::new(Channel::Email, "ada@example.com");
        assert_eq!(mail, Err(ChannelAddressError::Mail));
    }

    /// Catches: a telephone number in a log.
    #[test]
    fn an_address_does_not_show() {
        let address = ChannelAddress::new(Channel::Sms, "+447700900123").unwrap();
        assert!(!format!("{address:?}").contains("7700"));
    }
}
