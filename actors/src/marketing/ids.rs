//! Names of campaigns and messages.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::OrderId;

/// The longest name of a campaign, in bytes.
const BYTES_MAX: usize = 64;

/// The name of a campaign: `spring-tea`.
///
/// One to 64 lower-case letters, digits and hyphens, as it stands in links.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct CampaignId(Box<str>);

/// A text that names no campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no campaign name; use one to {BYTES_MAX} lower-case letters, digits and hyphens")]
pub struct CampaignIdError;

impl CampaignId {
    /// Checks and wraps a text.
    ///
    /// # Errors
    /// When the text is empty, too long or holds another character.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, CampaignIdError> {
        let text = text.into();
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > BYTES_MAX || !text.bytes().all(allowed) {
            return Err(CampaignIdError);
        }
        Ok(Self(text))
    }

    pub(super) fn follow_up() -> Self {
        Self("follow-up".into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for CampaignId {
    type Error = CampaignIdError;

    fn try_from(text: Box<str>) -> Result<Self, CampaignIdError> {
        Self::new(text)
    }
}

impl From<CampaignId> for Box<str> {
    fn from(id: CampaignId) -> Self {
        id.0
    }
}

impl fmt::Display for CampaignId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A message to one customer, named by what it is about: there is one such message, however often
/// it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MessageId {
    /// The confirmation of an order.
    OrderConfirmation(OrderId),
    /// A campaign's message.
    Campaign {
        /// Which campaign.
        campaign: CampaignId,
        /// The order that gave occasion to it, if one did.
        occasion: Option<OrderId>,
    },
}

impl MessageId {
    /// The campaign that the message belongs to, if it does.
    #[must_use]
    pub fn campaign(&self) -> Option<&CampaignId> {
        match self {
            Self::OrderConfirmation(_) => None,
            Self::Campaign { campaign, .. } => Some(campaign),
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OrderConfirmation(order) => write!(f, "confirmation/{order}"),
            Self::Campaign {
                campaign,
                occasion: None,
            } => write!(f, "campaign/{campaign}"),
            Self::Campaign {
                campaign,
                occasion: Some(order),
            } => write!(f, "campaign/{campaign}/{order}"),
        }
    }
}
