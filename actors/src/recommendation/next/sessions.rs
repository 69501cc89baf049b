//! The latest sessions, and which of them hold a product.

use std::collections::VecDeque;

use super::items::Slot;

/// The number of a session. Numbers go round after four billion sessions, long after those before
/// were forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SessionNumber(pub(super) u32);

/// Sessions in the order in which they began.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sessions {
    first: u32,
    ring: VecDeque<Vec<Slot>>,
    clicks: usize,
    /// The sessions that hold each product, oldest first.
    holding: Vec<VecDeque<u32>>,
}

impl Sessions {
    pub(super) fn restored(first: u32, sessions: Vec<Vec<Slot>>, slots: usize) -> Self {
        let mut restored = Self {
            first,
            holding: vec![VecDeque::new(); slots],
            ..Self::default()
        };
        for clicks in sessions {
            let number = restored.begin();
            for slot in clicks {
                restored.push(number, slot);
            }
        }
        restored
    }

    pub(super) fn first(&self) -> u32 {
        self.first
    }

    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    pub(super) fn clicks(&self) -> usize {
        self.clicks
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[Slot]> {
        self.ring.iter().map(Vec::as_slice)
    }

    /// The clicks of a session that is still known, in the order of time.
    pub(super) fn get(&self, number: u32) -> Option<&[Slot]> {
        let place = number.wrapping_sub(self.first);
        self.ring.get(place as usize).map(Vec::as_slice)
    }

    /// Begins a session.
    pub(super) fn begin(&mut self) -> SessionNumber {
        let count = u32::try_from(self.ring.len()).unwrap_or(u32::MAX);
        self.ring.push_back(Vec::new());
        SessionNumber(self.first.wrapping_add(count))
    }

    /// Adds a click to a session that is known.
    pub(super) fn push(&mut self, number: SessionNumber, slot: Slot) {
        let first = self.first;
        let age = |number: u32| number.wrapping_sub(first);
        let place = age(number.0);
        let Some(clicks) = self.ring.get_mut(place as usize) else {
            return;
        };
        if !clicks.contains(&slot) {
            let index = slot as usize;
            if self.holding.len() <= index {
                self.holding.resize(index + 1, VecDeque::new());
            }
            let holding = &mut self.holding[index];
            let at = holding.partition_point(|other| age(*other) < place);
            holding.insert(at, number.0);
        }
        clicks.push(slot);
        self.clicks += 1;
    }

    /// The sessions that hold a product, oldest first.
    pub(super) fn holding(&self, slot: Slot) -> Option<&VecDeque<u32>> {
        self.holding.get(slot as usize)
    }

    /// Forgets the oldest session and hands it over.
    pub(super) fn pop(&mut self) -> Option<Vec<Slot>> {
        let clicks = self.ring.pop_front()?;
        let number = self.first;
        self.first = number.wrapping_add(1);
        self.clicks -= clicks.len();
        for slot in &clicks {
            if let Some(holding) = self.holding.get_mut(*slot as usize)
                && holding.front() == Some(&number)
            {
                holding.pop_front();
            }
        }
        Some(clicks)
    }
}
