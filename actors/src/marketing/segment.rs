//! The segments of customers: how recently, how often and for how much they bought.

use std::time::Duration;

use mercato_runtime::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rfm::Quintiles;
use crate::domain::Money;

/// What a customer bought so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchases {
    /// How many orders.
    pub orders: u32,
    /// For how much.
    pub spent: Money,
    /// When the last one was placed.
    pub last_at: Timestamp,
}

impl Purchases {
    /// What somebody has bought with one more order.
    pub(super) fn with(before: Option<Self>, total: Money, at: Timestamp) -> Self {
        Self {
            orders: before.map_or(0, |p| p.orders).saturating_add(1),
            // A sum that cannot be formed (another currency) leaves the older one standing.
            spent: before.map_or(total, |p| p.spent.plus(total).unwrap_or(p.spent)),
            last_at: at,
        }
    }
}

/// A kind of customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CustomerSegment {
    /// Bought nothing yet.
    Prospect,
    /// Bought once, a short while ago.
    New,
    /// Buys often, for much, and did a short while ago.
    Champion,
    /// Buys often and did a short while ago.
    Loyal,
    /// Bought a short while ago, neither once nor often.
    Regular,
    /// Bought often or for much, but not lately.
    AtRisk,
    /// Bought little, and not lately; or nothing for a long time.
    Lapsed,
    /// Neither lately nor long ago, and not often: the next letter decides.
    NeedsAttention,
    /// Bought often and for much, and has not for long.
    CannotLose,
}

/// Where the lines between segments run. While few customers have bought, at fixed places; from
/// `quintiles_from` buyers on, between the fifths of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RfmThresholds {
    /// A last order within this time is recent. Default 30 days.
    #[schemars(extend("minimum" = "1h", "maximum" = "3650d"))]
    pub recent: Duration,
    /// A last order before this time is long gone. Default 180 days.
    #[schemars(extend("minimum" = "1h", "maximum" = "3650d"))]
    pub gone: Duration,
    /// So many orders are often. Default 4.
    #[schemars(range(min = 1, max = 10_000))]
    pub frequent_orders: u32,
    /// So much spent is much, in minor units of the shop's currency. Default 500.00.
    #[schemars(range(min = 0, max = 1_000_000_000_000_i64))]
    pub high_spent_minor: i64,
    /// From so many buyers on, the lines run between the fifths of all buyers by recency, frequency
    /// and money. Default 100.
    #[schemars(range(min = 5, max = 1_000_000_000))]
    pub quintiles_from: u64,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for RfmThresholds {
    fn default() -> Self {
        Self {
            recent: DAY * 30,
            gone: DAY * 180,
            frequent_orders: 4,
            high_spent_minor: 50_000,
            quintiles_from: 100,
        }
    }
}

impl RfmThresholds {
    /// Lines that are right by themselves and cross each other: each with its name, what is wrong,
    /// and how to mend it.
    #[must_use]
    pub fn contradictions(&self) -> Vec<(&'static str, String, String)> {
        let mut found = Vec::new();
        if self.recent > self.gone {
            let remedy = format!(
                "what is recent is not long gone: choose at least recent, which is {:?}",
                self.recent
            );
            found.push(("gone", format!("is {:?}", self.gone), remedy));
        }
        found
    }

    /// The segment of a customer with these purchases at `now`, among others with these quintiles.
    #[must_use]
    pub fn segment(
        &self,
        purchases: Option<&Purchases>,
        quintiles: Option<&Quintiles>,
        now: Timestamp,
    ) -> CustomerSegment {
        let Some(purchases) = purchases else {
            return CustomerSegment::Prospect;
        };
        if let Some(quintiles) = quintiles {
            return quintiles.score(purchases).segment(purchases.orders);
        }
        let age = now.since(purchases.last_at);
        let recent = age <= self.recent;
        let frequent = purchases.orders >= self.frequent_orders;
        let high = purchases.spent.minor() >= self.high_spent_minor;
        match (recent, frequent, high) {
            (true, true, true) => CustomerSegment::Champion,
            (true, true, false) => CustomerSegment::Loyal,
            (true, false, _) if purchases.orders == 1 => CustomerSegment::New,
            (true, false, _) => CustomerSegment::Regular,
            (false, true, _) | (false, _, true) if age <= self.gone => CustomerSegment::AtRisk,
            (false, _, _) => CustomerSegment::Lapsed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;

    #[test]
    fn recency_frequency_and_money_make_the_segment() {
        let now = Timestamp::from_millis(0).plus(DAY * 1_000);
        let of = |orders, spent_minor, days_ago| {
            let purchases = Purchases {
                orders,
                spent: Money::new(spent_minor, Currency::GBP),
                last_at: now.minus(DAY * days_ago),
            };
            RfmThresholds::default().segment(Some(&purchases), None, now)
        };
        assert_eq!(
            RfmThresholds::default().segment(None, None, now),
            CustomerSegment::Prospect
        );
        assert_eq!(of(1, 2_000, 1), CustomerSegment::New);
        assert_eq!(of(2, 90_000, 30), CustomerSegment::Regular);
        assert_eq!(of(4, 2_000, 30), CustomerSegment::Loyal);
        assert_eq!(of(9, 50_000, 5), CustomerSegment::Champion);
        assert_eq!(of(9, 2_000, 31), CustomerSegment::AtRisk);
        assert_eq!(of(1, 50_000, 180), CustomerSegment::AtRisk);
        assert_eq!(of(1, 2_000, 31), CustomerSegment::Lapsed);
        assert_eq!(of(9, 90_000, 181), CustomerSegment::Lapsed);
    }
}
