//! Deliveries that are out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::super::delivery::EventPlace;
use crate::clock::Timestamp;

/// The number of one handing out. Never given twice.
pub(in crate::bus) type Ticket = u64;

#[derive(Debug)]
pub(super) struct Leases {
    /// How long a delivery may be out.
    time: Option<Duration>,
    out: BTreeMap<Ticket, Lease>,
    ends: BTreeSet<(Timestamp, Ticket)>,
    next_ticket: Ticket,
}

#[derive(Debug)]
pub(super) struct Lease {
    pub(super) lane: Arc<str>,
    /// `None` where the window was restarted since.
    pub(super) place: Option<EventPlace>,
    ends: Option<Timestamp>,
}

impl Leases {
    pub(super) fn lasting(time: Option<Duration>) -> Self {
        Self {
            time,
            out: BTreeMap::new(),
            ends: BTreeSet::new(),
            next_ticket: 0,
        }
    }

    pub(super) fn open(&mut self, lane: Arc<str>, place: EventPlace, now: Timestamp) -> Ticket {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let ends = self.time.map(|time| now.plus(time));
        self.ends.extend(ends.map(|at| (at, ticket)));
        let place = Some(place);
        self.out.insert(ticket, Lease { lane, place, ends });
        ticket
    }

    pub(super) fn close(&mut self, ticket: Ticket) -> Option<Lease> {
        let lease = self.out.remove(&ticket)?;
        if let Some(ends) = lease.ends {
            self.ends.remove(&(ends, ticket));
        }
        Some(lease)
    }

    /// Its whole time begins anew. `false` where it is not out, or counts no more.
    pub(super) fn extend(&mut self, ticket: Ticket, now: Timestamp) -> bool {
        let Some(lease) = self.out.get_mut(&ticket) else {
            return false;
        };
        if let (Some(ends), Some(time)) = (lease.ends, self.time) {
            let later = now.plus(time);
            self.ends.remove(&(ends, ticket));
            self.ends.insert((later, ticket));
            lease.ends = Some(later);
        }
        lease.place.is_some()
    }

    /// What is out counts no more. Gives the lanes on which somebody works.
    pub(super) fn orphan(&mut self) -> impl Iterator<Item = &Arc<str>> {
        self.out.values_mut().map(|lease| {
            lease.place = None;
            &lease.lane
        })
    }

    /// A delivery whose time is over at `now`.
    pub(super) fn first_over(&self, now: Timestamp) -> Option<Ticket> {
        let (ends, ticket) = self.ends.first()?;
        (*ends <= now).then_some(*ticket)
    }

    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.ends.first().map(|(ends, _)| *ends)
    }

    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    #[cfg(test)]
    pub(super) fn lanes(&self) -> BTreeSet<&Arc<str>> {
        self.out.values().map(|lease| &lease.lane).collect()
    }
}
