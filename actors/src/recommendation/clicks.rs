//! Clicks as visits, and what the shop learns of them.

use std::collections::BTreeMap;
use std::time::Duration;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::events::ClickLearned;
use super::next::{NextItem, NextItemLimits, SessionNumber};
use crate::domain::{CustomerId, SessionId, Sku};

/// How many visits are forgotten at once, so that the search for them is paid for rarely.
const CLOSED_AT_ONCE: usize = Clicks::OPEN_MAX / 16;

/// Who clicks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Visitor {
    /// A shopper whose account is known.
    Shopper(CustomerId),
    /// Somebody of whom only the visit is known.
    Visit(SessionId),
}

/// The visits that are going on, and what was learned of all clicks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clicks {
    next: NextItem,
    open: BTreeMap<Visitor, Open>,
}

/// A visit that is going on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Open {
    last_at: Timestamp,
    /// Its first click, as long as that is the only one: nothing follows from it, so it takes no
    /// room among the sessions.
    first: Option<Sku>,
    session: Option<SessionNumber>,
}

impl Default for Clicks {
    fn default() -> Self {
        Self::new(NextItemLimits::default())
    }
}

impl Clicks {
    /// How many visits can go on at a time. Beyond it those that were quiet longest are over.
    pub const OPEN_MAX: usize = 8_192;
    /// After so long without a click a visit is over.
    pub const QUIET_MAX: Duration = Duration::from_secs(30 * 60);

    /// Nothing learned yet.
    #[must_use]
    pub fn new(limits: NextItemLimits) -> Self {
        Self {
            next: NextItem::new(limits),
            open: BTreeMap::new(),
        }
    }

    /// What was learned.
    #[must_use]
    pub fn learned(&self) -> &NextItem {
        &self.next
    }

    /// How many visits are going on.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// What comes next for a visitor, newest product first; best first, with a score up to 1.
    pub fn next<'a>(
        &'a self,
        visitor: Option<&Visitor>,
        session: &'a [Sku],
        wanted: usize,
    ) -> Vec<(&'a Sku, f32)> {
        let open = visitor.and_then(|visitor| self.open.get(visitor));
        self.next
            .next(session, open.and_then(|open| open.session), wanted)
    }

    pub(super) fn click(&mut self, event: &ClickLearned) {
        let quiet_since = event.at.minus(Self::QUIET_MAX);
        let going_on = |open: &&mut Open| open.last_at >= quiet_since;
        let Some(open) = self.open.get_mut(&event.visitor).filter(going_on) else {
            self.begin(event);
            return;
        };
        open.last_at = open.last_at.max(event.at);
        if let Some(first) = open.first.take() {
            open.session = Some(self.next.learn(None, &first));
        }
        open.session = Some(self.next.learn(open.session, &event.sku));
    }

    fn begin(&mut self, event: &ClickLearned) {
        let open = Open {
            last_at: event.at,
            first: Some(event.sku.clone()),
            session: None,
        };
        self.open.insert(event.visitor.clone(), open);
        if self.open.len() > Self::OPEN_MAX {
            self.close_the_quietest();
        }
    }

    fn close_the_quietest(&mut self) {
        let mut quiet: Vec<(Timestamp, Visitor)> = (self.open.iter())
            .map(|(visitor, open)| (open.last_at, visitor.clone()))
            .collect();
        quiet.sort_unstable();
        for (_, visitor) in quiet.into_iter().take(CLOSED_AT_ONCE) {
            self.open.remove(&visitor);
        }
    }
}
