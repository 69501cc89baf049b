//! Where a customer speaks with the shop.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a customer speaks with the shop. A conversation may go on in another one.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum SupportChannel {
    /// On the shop's own pages.
    #[default]
    Chat,
    /// By mail.
    Mail,
    /// On the telephone, as it was written down.
    Phone,
    /// In a network of other people's.
    Social,
}

impl fmt::Display for SupportChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chat => "chat",
            Self::Mail => "mail",
            Self::Phone => "phone",
            Self::Social => "social",
        })
    }
}
