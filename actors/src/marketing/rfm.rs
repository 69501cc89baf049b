//! Quintiles of recency, frequency and money.
//!
//! Customers stand in a row by when they last bought, by how often, and by for how much, and each row
//! is cut into fifths (Hughes 1994, "Strategic database marketing"). Where many are equal, as most are
//! who bought once, no cut runs between equals: each value has the score of the middle of those who
//! share it.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::segment::{CustomerSegment, Purchases};

/// Where the fifths of each row begin: the least value of the second fifth, of the third, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quintiles {
    /// By when a customer last bought.
    pub recency: [Timestamp; 4],
    /// By how many orders they placed.
    pub frequency: [u32; 4],
    /// By how much they spent, in minor units.
    pub monetary: [i64; 4],
}

/// A customer's scores, each 1 to 5; 5 bought most lately, most often, for most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RfmScore {
    /// How lately.
    pub recency: u8,
    /// How often.
    pub frequency: u8,
    /// For how much.
    pub monetary: u8,
}

impl Quintiles {
    /// Those of a list of customers. `None` where it is empty.
    #[must_use]
    pub fn of(customers: &[Purchases]) -> Option<Self> {
        fn counted<T: Ord + Copy>(
            customers: &[Purchases],
            value: impl Fn(&Purchases) -> T,
        ) -> Vec<(T, u64)> {
            let mut counts = std::collections::BTreeMap::new();
            for customer in customers {
                *counts.entry(value(customer)).or_insert(0) += 1;
            }
            counts.into_iter().collect()
        }
        (!customers.is_empty()).then(|| Self {
            recency: cuts(&counted(customers, |one| one.last_at), LATEST),
            frequency: cuts(&counted(customers, |one| one.orders), u32::MAX),
            monetary: cuts(&counted(customers, |one| one.spent.minor()), i64::MAX),
        })
    }

    /// The scores of a customer among the others.
    #[must_use]
    pub fn score(&self, purchases: &Purchases) -> RfmScore {
        RfmScore {
            recency: score(&self.recency, &purchases.last_at),
            frequency: score(&self.frequency, &purchases.orders),
            monetary: score(&self.monetary, &purchases.spent.minor()),
        }
    }
}

/// Later than anybody bought.
pub(super) const LATEST: Timestamp = Timestamp::from_millis(u64::MAX);

/// The least values of the upper four fifths, of values in ascending order with how many have each.
/// A fifth that nobody is in begins where the next one does; `highest`, where there is no next one.
pub(super) fn cuts<T: Copy>(values: &[(T, u64)], highest: T) -> [T; 4] {
    let total: u64 = values.iter().map(|(_, count)| count).sum();
    let mut cuts = [highest; 4];
    // Twice the middle of those who share a value, and of those who share the one before.
    let (mut below, mut before) = (0, 0);
    for (value, count) in values {
        let middle = 2 * below + count;
        for (place, cut) in (1u64..).zip(&mut cuts) {
            let edge = 2 * place * total;
            if 5 * before < edge && 5 * middle >= edge {
                *cut = *value;
            }
        }
        below += count;
        before = middle;
    }
    cuts
}

fn score<T: PartialOrd>(cuts: &[T; 4], value: &T) -> u8 {
    1 + cuts.iter().map(|cut| u8::from(value >= cut)).sum::<u8>()
}

impl RfmScore {
    /// The segment of a customer with these scores and so many orders.
    ///
    /// | recency | frequency, money | segment |
    /// |---|---|---|
    /// | 4 to 5 | both 4 to 5 | champion |
    /// | 3 to 5 | frequency 4 to 5 | loyal |
    /// | 4 to 5 | one order | new |
    /// | 4 to 5 | otherwise | regular |
    /// | 3 | otherwise | needs attention |
    /// | 1 to 2 | both 4 to 5 | cannot lose |
    /// | 1 to 2 | one of them 3 to 5 | at risk |
    /// | 1 to 2 | otherwise | lapsed |
    #[must_use]
    pub fn segment(self, orders: u32) -> CustomerSegment {
        let (often, much) = (self.frequency >= 4, self.monetary >= 4);
        let middling = self.frequency >= 3 || self.monetary >= 3;
        match self.recency {
            4.. if often && much => CustomerSegment::Champion,
            3.. if often => CustomerSegment::Loyal,
            4.. if orders == 1 => CustomerSegment::New,
            4.. => CustomerSegment::Regular,
            3 => CustomerSegment::NeedsAttention,
            _ if often && much => CustomerSegment::CannotLose,
            _ if middling => CustomerSegment::AtRisk,
            _ => CustomerSegment::Lapsed,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Currency, Money};

    fn bought(orders: u32, minor: i64, day: u64) -> Purchases {
        Purchases {
            orders,
            spent: Money::new(minor, Currency::GBP),
            last_at: Timestamp::from_millis(day * 86_400_000),
        }
    }

    #[test]
    fn ten_different_customers_are_two_in_each_fifth() {
        let customers: Vec<Purchases> = (1..=10)
            .map(|n| bought(n, i64::from(n), n.into()))
            .collect();
        let quintiles = Quintiles::of(&customers).unwrap();
        let scores: Vec<u8> = customers
            .iter()
            .map(|one| quintiles.score(one).frequency)
            .collect();
        assert_eq!(scores, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
        assert_eq!(quintiles.score(&bought(99, 0, 5)).frequency, 5);
        assert_eq!(quintiles.score(&bought(1, 0, 5)).monetary, 1);
    }

    /// Catches: equals that are parted by the order in which they came.
    #[test]
    fn equals_have_equal_scores() {
        // Six in ten bought once: the middle of them is in the second fifth.
        let orders = [1, 1, 1, 1, 1, 1, 2, 2, 3, 9];
        let customers = orders.map(|orders| bought(orders, 100, 1));
        let quintiles = Quintiles::of(&customers).unwrap();
        let scores = customers.map(|one| quintiles.score(&one).frequency);
        assert_eq!(scores, [2, 2, 2, 2, 2, 2, 4, 4, 5, 5]);
        // All alike are all in the middle.
        assert_eq!(quintiles.score(&customers[0]).monetary, 3);
    }

    proptest! {
        /// Catches: a score that falls while the value rises, and fifths that are no fifths.
        #[test]
        fn scores_rise_with_values_and_fifths_are_fifths(
            values in proptest::collection::vec(0u32..5_000, 1..200)
        ) {
            let customers: Vec<Purchases> = values.iter().map(|n| bought(*n, 0, 0)).collect();
            let quintiles = Quintiles::of(&customers).unwrap();
            let mut scored: Vec<(u32, u8)> = customers
                .iter()
                .map(|one| (one.orders, quintiles.score(one).frequency))
                .collect();
            scored.sort_unstable();
            for pair in scored.windows(2) {
                prop_assert!(pair[0].1 <= pair[1].1);
            }
            let total = scored.len() as f64;
            for (value, score) in &scored {
                let below = scored.iter().filter(|(other, _)| other < value).count() as f64;
                let equal = scored.iter().filter(|(other, _)| other == value).count() as f64;
                let middle = (below + equal / 2.0) / total * 5.0;
                prop_assert!((f64::from(*score) - 1.0 - middle.floor().min(4.0)).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn scores_have_names() {
        let named = |recency, frequency, monetary, orders| {
            let score = RfmScore {
                recency,
                frequency,
                monetary,
            };
            score.segment(orders)
        };
        assert_eq!(named(5, 5, 5, 9), CustomerSegment::Champion);
        assert_eq!(named(3, 4, 5, 6), CustomerSegment::Loyal);
        assert_eq!(named(5, 2, 2, 1), CustomerSegment::New);
        assert_eq!(named(4, 3, 2, 2), CustomerSegment::Regular);
        assert_eq!(named(3, 3, 3, 2), CustomerSegment::NeedsAttention);
        assert_eq!(named(1, 5, 4, 9), CustomerSegment::CannotLose);
        assert_eq!(named(2, 2, 3, 2), CustomerSegment::AtRisk);
        assert_eq!(named(1, 2, 2, 1), CustomerSegment::Lapsed);
    }
}
