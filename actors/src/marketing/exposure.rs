//! For which messages a purchase counts.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::MessageId;

/// A message that a customer was to get, or was left without on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    pub(super) message: MessageId,
    /// Which variant it carries; `None` where the customer was left alone.
    pub(super) variant: Option<u8>,
    /// When it was due.
    pub(super) due_at: Timestamp,
    /// Until when a purchase counts for it.
    pub(super) counts_until: Timestamp,
    /// When it was sent, if it was.
    pub(super) sent_at: Option<Timestamp>,
    /// When its link was last followed.
    pub(super) clicked_at: Option<Timestamp>,
    /// Whether a purchase has counted for it.
    pub(super) bought: bool,
}

impl Exposure {
    /// Whether a purchase at this moment counts for it: the first one in its window does.
    pub(super) fn counts(&self, at: Timestamp) -> bool {
        !self.bought && self.due_at <= at && at <= self.counts_until
    }
}

/// Of those for which a purchase counts, the one whose link was followed last.
pub(super) fn last_clicked<'a>(
    exposures: impl IntoIterator<Item = &'a Exposure>,
    at: Timestamp,
) -> Option<&'a MessageId> {
    exposures
        .into_iter()
        .filter(|exposure| exposure.counts(at))
        .filter_map(|exposure| Some((exposure.clicked_at?, &exposure.message)))
        .max()
        .map(|(_, message)| message)
}
