//! What a person agreed to.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

/// A way to reach a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Channel {
    /// E-mail campaign.
    Email,
    /// SMS campaign.
    Sms,
    /// Push notification.
    Push,
    /// Social media.
    Social,
}

/// What a promotional message is for. What a customer needs to know about their own order is not
/// promotional and asks for no consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// Offers and reductions.
    Offers,
    /// Following up on a purchase.
    FollowUp,
    /// News of the shop.
    News,
}

/// A decision of the customer about one channel and purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Whether they agreed.
    pub granted: bool,
    /// When.
    pub at: Timestamp,
    /// Where it can be looked up that they did: a form, a call.
    pub proof: Box<str>,
}
