//! How the reader of a campaign's text gets out of it.
//!
//! Mail has its link and its headers ([`send_mail`](super::send_mail)). A text has one short line at
//! its end, which is the merchant's: only they know what their gateways listen to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::consent::Channel;

/// The longest line, in characters: half of one SMS.
const LINE_CHARS_MAX: usize = 80;
/// Ten parts of 153 characters each: what gateways join to one SMS.
const SMS_CHARS_MAX: usize = 1_530;
/// Push services take 4,096 bytes, the title and what stands around it included; a character has four
/// at most.
const PUSH_CHARS_MAX: usize = 900;
/// The shortest bound among the large networks.
const SOCIAL_CHARS_MAX: usize = 1_000;
/// Stands where a text was cut: letters of every SMS alphabet.
const CUT: &str = "...";

/// The last line of a campaign's text: how its reader unsubscribes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct WayOut(Box<str>);

/// A text that cannot be such a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is no line of 1 to {LINE_CHARS_MAX} characters; say in one line how to unsubscribe, such as \
     \"Reply STOP to unsubscribe.\""
)]
pub struct WayOutError;

impl WayOut {
    /// Checks and wraps a line.
    ///
    /// # Errors
    /// When it is empty, too long, or more than one line.
    pub fn new(line: impl Into<Box<str>>) -> Result<Self, WayOutError> {
        let line = line.into();
        let is_short = (1..=LINE_CHARS_MAX).contains(&line.chars().count());
        if is_short && !line.trim().is_empty() && !line.chars().any(char::is_control) {
            Ok(Self(line))
        } else {
            Err(WayOutError)
        }
    }

    /// The line as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for WayOut {
    type Error = WayOutError;

    fn try_from(line: Box<str>) -> Result<Self, WayOutError> {
        Self::new(line)
    }
}

impl From<WayOut> for Box<str> {
    fn from(line: WayOut) -> Self {
        line.0
    }
}

/// The last lines of campaigns' texts, by channel. Mail has a link instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WaysOut {
    /// Of an SMS. Default `Reply STOP to unsubscribe.`
    pub sms: WayOut,
    /// Of a push notification. Default `Unsubscribe in the app's settings.`
    pub push: WayOut,
    /// Of a message on social media. Default `Reply STOP to unsubscribe.`
    pub social: WayOut,
}

impl Default for WaysOut {
    fn default() -> Self {
        Self {
            sms: WayOut("Reply STOP to unsubscribe.".into()),
            push: WayOut("Unsubscribe in the app's settings.".into()),
            social: WayOut("Reply STOP to unsubscribe.".into()),
        }
    }
}

impl WaysOut {
    /// A campaign's text with its way out at its end. A text that is too long for its channel is cut
    /// here: cut by a gateway it would lose its last line first.
    pub(super) fn added_to(&self, body: Box<str>, channel: Channel) -> Box<str> {
        let (line, chars_max) = match channel {
            Channel::Email => return body,
            Channel::Sms => (&self.sms, SMS_CHARS_MAX),
            Channel::Push => (&self.push, PUSH_CHARS_MAX),
            Channel::Social => (&self.social, SOCIAL_CHARS_MAX),
        };
        let line = line.as_str();
        let room = chars_max - 1 - line.chars().count();
        let body = body.trim_end();
        match body.char_indices().nth(room) {
            None => format!("{body}\n{line}").into(),
            Some(_) => {
                let kept = body.char_indices().nth(room - CUT.chars().count());
                let kept = kept.map_or(body, |(end, _)| &body[..end]);
                format!("{kept}{CUT}\n{line}").into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a way out that is cut off with the end of a long text, and a text that is longer than
    /// its channel takes.
    #[test]
    fn a_long_text_is_cut_and_its_way_out_is_not() {
        let ways = WaysOut::default();
        for (channel, line, most) in [
            (Channel::Sms, &ways.sms, SMS_CHARS_MAX),
            (Channel::Push, &ways.push, PUSH_CHARS_MAX),
            (Channel::Social, &ways.social, SOCIAL_CHARS_MAX),
        ] {
            let room = most - 1 - line.as_str().chars().count();
            for (chars, is_cut) in [(1, false), (room, false), (room + 1, true), (9_000, true)] {
                let text = ways.added_to("ä".repeat(chars).into(), channel);
                assert!(text.ends_with(&format!("\n{}", line.as_str())), "{text}");
                assert_eq!(text.contains(CUT), is_cut, "{chars} by {channel:?}");
                let expected = if is_cut { most } else { most - room + chars };
                assert_eq!(text.chars().count(), expected, "{chars} by {channel:?}");
            }
        }
        let mail: Box<str> = "x".repeat(9_000).into();
        assert_eq!(ways.added_to(mail.clone(), Channel::Email), mail);
    }

    /// Catches: a way out that is none, or that stands in two lines.
    #[test]
    fn a_way_out_is_one_short_line() {
        assert!(WayOut::new("x".repeat(LINE_CHARS_MAX)).is_ok());
        let long = "x".repeat(LINE_CHARS_MAX + 1);
        for wrong in ["", "  ", "reply\nSTOP", &long] {
            assert_eq!(WayOut::new(wrong), Err(WayOutError), "{wrong}");
        }
    }
}
