//! What was clicked before what: the sums that the weights are worked out of.
//!
//! Each click that follows others is a row of a least-squares problem: the clicks before it, each by
//! its part ([`PARTS`]), are what explains it. So is each click that others follow, with the clicks
//! after it: who walks from a lamp to a bulb may as well walk the other way. `before` holds, for each
//! product, what stood beside its clicks, and `together` the sums of products of two parts in the
//! same row, which is the upper triangle of the Gram matrix of all rows. All are whole numbers, so
//! the sums are those of the sessions that are known, whatever was added and taken away before.

use super::fade::{LEADS, PARTS, RECENT_MAX, ages};
use super::items::Slot;

/// Adds or takes away.
type Change = fn(u32, u32) -> u32;

/// Sums by a second product, in its order.
pub(super) type Line = Vec<(Slot, u32)>;

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Counts {
    together: Vec<Line>,
    before: Vec<Line>,
    /// How many clicks on each product came before or after another click.
    clicks: Vec<u32>,
    /// By age: how many products were of that age before a click, and how many of those were what was
    /// clicked.
    again: [(u32, u32); RECENT_MAX],
}

impl Counts {
    /// Counts the click on `slot` after those of `prefix`.
    pub(super) fn add(&mut self, prefix: &[Slot], slot: Slot) {
        self.change(prefix, slot, u32::saturating_add);
    }

    /// Takes a whole session away.
    pub(super) fn take_away(&mut self, clicks: &[Slot]) {
        for (place, slot) in clicks.iter().enumerate() {
            self.change(&clicks[..place], *slot, u32::saturating_sub);
        }
    }

    /// What the click on `slot` after those of `prefix` changes.
    fn change(&mut self, prefix: &[Slot], slot: Slot, change: Change) {
        let Some(last) = prefix.last() else {
            return;
        };
        self.change_again(prefix, slot, change);
        for target in [slot, *last] {
            let clicks = at(&mut self.clicks, target);
            *clicks = change(*clicks, 1);
        }
        // Its own row, of the clicks before it.
        for (place, (source, age)) in ages(prefix).enumerate() {
            update(at(&mut self.before, slot), source, LEADS[age], change);
            for (other, other_age) in ages(prefix).take(place + 1) {
                self.meet(source, other, PARTS[age] * PARTS[other_age], change);
            }
        }
        // The rows of the clicks before it, in which it is new.
        for (age, target) in prefix.iter().rev().take(PARTS.len()).enumerate() {
            let between = &prefix[prefix.len() - age..];
            if between.contains(&slot) {
                break;
            }
            update(at(&mut self.before, *target), slot, LEADS[age], change);
            self.meet(slot, slot, PARTS[age] * PARTS[age], change);
            for (place, other) in between.iter().enumerate() {
                if !between[..place].contains(other) {
                    self.meet(slot, *other, PARTS[age] * PARTS[place], change);
                }
            }
        }
    }

    fn change_again(&mut self, prefix: &[Slot], slot: Slot, change: Change) {
        for (age, old) in prefix.iter().rev().take(RECENT_MAX).enumerate() {
            let came_later = &prefix[prefix.len() - age..];
            if !came_later.contains(old) {
                let (seen, again) = &mut self.again[age];
                *seen = change(*seen, 1);
                *again = change(*again, u32::from(*old == slot));
            }
        }
    }

    fn meet(&mut self, one: Slot, other: Slot, amount: u32, change: Change) {
        let (low, high) = (one.min(other), one.max(other));
        update(at(&mut self.together, low), high, amount, change);
    }

    /// How often a product of this age is what is clicked next.
    pub(super) fn again(&self, age: usize) -> f32 {
        let (seen, again) = self.again.get(age).copied().unwrap_or_default();
        again as f32 / (seen as f32 + 1.0)
    }

    pub(super) fn clicks(&self, slot: Slot) -> u32 {
        self.clicks.get(slot as usize).copied().unwrap_or_default()
    }

    /// What stood before the clicks on a product.
    pub(super) fn before(&self, slot: Slot) -> &[(Slot, u32)] {
        self.before.get(slot as usize).map_or(&[], Vec::as_slice)
    }

    /// What stood in a row with a product, of those whose number is no smaller.
    pub(super) fn together(&self, slot: Slot) -> &[(Slot, u32)] {
        self.together.get(slot as usize).map_or(&[], Vec::as_slice)
    }

    /// How many sums there are.
    pub(super) fn len(&self) -> usize {
        let lines = self.together.iter().chain(&self.before);
        lines.map(Vec::len).sum()
    }
}

fn at<T: Default + Clone>(all: &mut Vec<T>, slot: Slot) -> &mut T {
    let index = slot as usize;
    if all.len() <= index {
        all.resize(index + 1, T::default());
    }
    &mut all[index]
}

fn update(line: &mut Line, slot: Slot, amount: u32, change: Change) {
    match line.binary_search_by_key(&slot, |(other, _)| *other) {
        Ok(place) => {
            let sum = change(line[place].1, amount);
            if sum == 0 {
                line.remove(place);
            } else {
                line[place].1 = sum;
            }
        }
        Err(place) => line.insert(place, (slot, change(0, amount))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: sums that depend on the order in which sessions come and go, and a row that is added
    /// otherwise than it is taken away.
    #[test]
    fn what_is_taken_away_was_never_there() {
        let sessions: [&[Slot]; 3] = [&[1, 2, 1, 3, 3], &[2, 2, 4, 1, 5, 6, 7, 8, 9], &[4]];
        let mut counts = Counts::default();
        for clicks in sessions {
            for place in 0..clicks.len() {
                counts.add(&clicks[..place], clicks[place]);
            }
        }
        assert!(counts.len() > 20 && counts.clicks(1) > 0 && counts.again(0) > 0.0);
        for clicks in sessions {
            counts.take_away(clicks);
        }
        assert_eq!(counts.len(), 0);
        assert!((0..10).all(|slot| counts.clicks(slot) == 0));
        assert!((0..RECENT_MAX).all(|age| counts.again(age) <= 0.0));
    }
}
