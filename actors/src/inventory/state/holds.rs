//! Reservations: what is promised to whom, and what becomes of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{Quantity, ReservationId};
use crate::inventory::events::FilledAs;
use crate::inventory::sourcing::Source;

/// How many ended reservations are remembered, so that a late or repeated call gets a true answer.
/// Open ones need no bound of their own: each holds at least one unit of stock, or of what may be
/// ordered ahead.
const ENDED_REMEMBERED: usize = 1_024;

/// Where a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldState {
    /// Held until a moment.
    Held {
        /// When it lapses.
        expires_at: Timestamp,
    },
    /// Held without an end: the order is being placed.
    Confirmed,
    /// Belongs to a placed order.
    Committed,
    /// Left the warehouse.
    Shipped,
    /// Given back.
    Released,
    /// Lapsed.
    Expired,
    /// Waits for stock.
    Backordered {
        /// When stock was promised for.
        promised_at: Timestamp,
    },
}

impl HoldState {
    /// Whether it has come to an end.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Shipped | Self::Released | Self::Expired)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::inventory) struct Hold {
    pub(in crate::inventory) quantity: Quantity,
    pub(in crate::inventory) state: HoldState,
    /// From where it is sent; empty until that is decided.
    pub(in crate::inventory) sources: Vec<Source>,
    /// What a hold that went short was before; `None` of what was ordered ahead.
    pub(in crate::inventory) shorted: Option<FilledAs>,
    /// The order in which holds came.
    pub(in crate::inventory) number: u64,
}

/// All reservations of a SKU.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(in crate::inventory) struct Holds {
    by_id: BTreeMap<ReservationId, Hold>,
    /// Holds that can lapse, by when they do.
    lapsing: BTreeSet<(Timestamp, ReservationId)>,
    /// Who waits for stock, the first to be served first.
    waiting: VecDeque<ReservationId>,
    /// Ended holds, the oldest first.
    ended: VecDeque<ReservationId>,
    made: u64,
}

impl Holds {
    pub(in crate::inventory) fn iter(&self) -> impl Iterator<Item = (&ReservationId, &Hold)> {
        self.by_id.iter()
    }

    /// The state that a caller at `now` must see: a hold that has lapsed is expired, swept or not.
    pub(in crate::inventory) fn seen(
        &self,
        id: &ReservationId,
        now: Timestamp,
    ) -> Option<(&Hold, HoldState)> {
        let hold = self.by_id.get(id)?;
        let state = match hold.state {
            HoldState::Held { expires_at } if expires_at <= now => HoldState::Expired,
            state => state,
        };
        Some((hold, state))
    }

    /// Holds that have lapsed by `now` and are not swept yet, the earliest first.
    pub(in crate::inventory) fn lapsed(
        &self,
        now: Timestamp,
    ) -> impl Iterator<Item = (&ReservationId, Quantity)> {
        self.lapsing
            .iter()
            .take_while(move |(expires_at, _)| *expires_at <= now)
            .filter_map(|(_, id)| self.by_id.get(id).map(|hold| (id, hold.quantity)))
    }

    /// Holds that can lapse, the earliest first.
    pub(in crate::inventory) fn lapsing(
        &self,
    ) -> impl Iterator<Item = (Timestamp, &ReservationId)> {
        self.lapsing.iter().map(|(at, id)| (*at, id))
    }

    /// Who waits for stock, in their order.
    pub(in crate::inventory) fn waiting(&self) -> impl Iterator<Item = (&ReservationId, &Hold)> {
        let holds = self.waiting.iter();
        holds.filter_map(|id| self.by_id.get(id).map(|hold| (id, hold)))
    }

    pub(super) fn open(&mut self, id: &ReservationId, quantity: Quantity, state: HoldState) {
        self.forget(id);
        self.made += 1;
        let hold = Hold {
            quantity,
            state,
            sources: Vec::new(),
            shorted: None,
            number: self.made,
        };
        self.by_id.insert(id.clone(), hold);
        self.enter(id, state);
    }

    pub(super) fn source(&mut self, id: &ReservationId, sources: Vec<Source>) -> Vec<Source> {
        match self.by_id.get_mut(id) {
            Some(hold) => std::mem::replace(&mut hold.sources, sources),
            None => Vec::new(),
        }
    }

    /// Puts a hold that is not there after all among those who wait, by when it came.
    pub(super) fn short(&mut self, id: &ReservationId, fills_as: FilledAs, promised_at: Timestamp) {
        self.change(id, HoldState::Backordered { promised_at });
        let Some(hold) = self.by_id.get_mut(id) else {
            return;
        };
        hold.shorted = Some(fills_as);
        let number = hold.number;
        self.waiting.retain(|waiting| waiting != id);
        let later = |waiting: &ReservationId| {
            self.by_id
                .get(waiting)
                .is_some_and(|hold| hold.shorted.is_none() || hold.number > number)
        };
        let place = self.waiting.iter().position(later);
        self.waiting
            .insert(place.unwrap_or(self.waiting.len()), id.clone());
    }

    pub(super) fn change(&mut self, id: &ReservationId, state: HoldState) {
        let Some(hold) = self.by_id.get_mut(id) else {
            return;
        };
        let before = std::mem::replace(&mut hold.state, state);
        if !matches!(state, HoldState::Backordered { .. }) {
            hold.shorted = None;
        }
        self.leave(id, before);
        self.enter(id, state);
    }

    fn enter(&mut self, id: &ReservationId, state: HoldState) {
        match state {
            HoldState::Held { expires_at } => {
                self.lapsing.insert((expires_at, id.clone()));
            }
            HoldState::Backordered { .. } => self.waiting.push_back(id.clone()),
            HoldState::Shipped | HoldState::Released | HoldState::Expired => {
                self.ended.push_back(id.clone());
                if self.ended.len() > ENDED_REMEMBERED
                    && let Some(oldest) = self.ended.pop_front()
                {
                    self.by_id.remove(&oldest);
                }
            }
            HoldState::Confirmed | HoldState::Committed => {}
        }
    }

    fn leave(&mut self, id: &ReservationId, state: HoldState) {
        match state {
            HoldState::Held { expires_at } => {
                self.lapsing.remove(&(expires_at, id.clone()));
            }
            HoldState::Backordered { .. } => self.waiting.retain(|waiting| waiting != id),
            _ => {}
        }
    }

    /// A name that is used again begins anew.
    fn forget(&mut self, id: &ReservationId) {
        if let Some(hold) = self.by_id.remove(id) {
            self.leave(id, hold.state);
            self.ended.retain(|ended| ended != id);
        }
    }
}
