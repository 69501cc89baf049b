//! All buyers at a glance: how many bought when, how often and for how much.
//!
//! One entity, `population`, keeps three rows of counts, from which the quintiles follow at any time.
//! It is bounded: days, numbers of orders and sums are kept to two places, which is finer than fifths.

use std::borrow::Cow;
use std::collections::BTreeMap;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, State, Timestamp};
use serde::{Deserialize, Serialize};

use super::MarketingAgent;
use super::events::BuyerNoted;
use super::rejection::staff;
use super::rfm::{LATEST, Quintiles, cuts};
use super::segment::Purchases;

/// More orders than these are as many as these.
const ORDERS_MAX: u32 = 1_000;
/// So many days are told apart; what is older is as old as the oldest.
const DAYS_MAX: usize = 1_500;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// All buyers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Population {
    /// Buyers by the day of their last order, counted from 1970.
    days: BTreeMap<u64, u64>,
    /// Buyers by how many orders they placed.
    orders: BTreeMap<u32, u64>,
    /// Buyers by how much they spent, in minor units, to two places.
    spent: BTreeMap<i64, u64>,
}

impl Population {
    /// Nobody.
    #[must_use]
    pub const fn nobody() -> Self {
        Self {
            days: BTreeMap::new(),
            orders: BTreeMap::new(),
            spent: BTreeMap::new(),
        }
    }

    /// How many bought something.
    #[must_use]
    pub fn buyers(&self) -> u64 {
        self.orders.values().sum()
    }

    pub(super) fn noted(&mut self, event: &BuyerNoted) {
        if let Some(before) = &event.before {
            let day = self.oldest().max(day(before));
            take(&mut self.days, &day);
            take(&mut self.orders, &before.orders.min(ORDERS_MAX));
            take(&mut self.spent, &two_places(before.spent.minor()));
        }
        let after = &event.after;
        *self.days.entry(day(after)).or_default() += 1;
        *self.orders.entry(after.orders.min(ORDERS_MAX)).or_default() += 1;
        *self
            .spent
            .entry(two_places(after.spent.minor()))
            .or_default() += 1;
        if self.days.len() > DAYS_MAX
            && let Some((_, older)) = self.days.pop_first()
            && let Some(mut oldest) = self.days.first_entry()
        {
            *oldest.get_mut() += older;
        }
    }

    fn oldest(&self) -> u64 {
        self.days.first_key_value().map_or(0, |(day, _)| *day)
    }

    /// The quintiles of all buyers; `None` while there are fewer than `buyers_min`.
    #[must_use]
    pub fn quintiles(&self, buyers_min: u64) -> Option<Quintiles> {
        if self.buyers() < buyers_min.max(1) {
            return None;
        }
        let list = |counts: &BTreeMap<u64, u64>| -> Vec<(Timestamp, u64)> {
            let days = counts.iter();
            days.map(|(day, count)| (Timestamp::from_millis(day.saturating_mul(DAY_MS)), *count))
                .collect()
        };
        let orders: Vec<(u32, u64)> = self.orders.iter().map(|(n, count)| (*n, *count)).collect();
        let spent: Vec<(i64, u64)> = self.spent.iter().map(|(n, count)| (*n, *count)).collect();
        Some(Quintiles {
            recency: cuts(&list(&self.days), LATEST),
            frequency: cuts(&orders, u32::MAX),
            monetary: cuts(&spent, i64::MAX),
        })
    }
}

fn take<K: Ord>(counts: &mut BTreeMap<K, u64>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

fn day(purchases: &Purchases) -> u64 {
    purchases.last_at.as_millis() / DAY_MS
}

/// The number with its first two places, and zeros for the rest. It keeps the order of numbers.
fn two_places(minor: i64) -> i64 {
    let mut unit = 1i64;
    while minor / unit >= 100 {
        unit = unit.saturating_mul(10);
    }
    minor / unit * unit
}

fn population_key() -> Cow<'static, str> {
    Cow::Borrowed("population")
}

/// Notes that somebody bought something, among all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteBuyer {
    /// What they had bought before; `None` where they are new.
    pub before: Option<Purchases>,
    /// What they have bought now.
    pub after: Purchases,
}

impl Command for NoteBuyer {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "NoteBuyer";

    fn entity(&self) -> Cow<'_, str> {
        population_key()
    }

    fn decide(&self, _: &MarketingAgent, _: &State<Self>, context: &Context<'_>) -> Decided<Self> {
        staff(context.principal)?;
        Ok(Decision::reply(()).record(BuyerNoted {
            before: self.before,
            after: self.after,
        }))
    }
}

/// Reads where the fifths of all buyers begin; nothing, while there are too few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowQuintiles {}

impl Command for ShowQuintiles {
    type Agent = MarketingAgent;
    type Reply = Option<Quintiles>;
    const NAME: &'static str = "ShowQuintiles";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        population_key()
    }

    fn decide(
        &self,
        agent: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let buyers_min = agent.settings.segments.quintiles_from;
        Ok(Decision::reply(state.population().quintiles(buyers_min)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Money};

    fn bought(orders: u32, minor: i64, day: u64) -> Purchases {
        Purchases {
            orders,
            spent: Money::new(minor, Currency::GBP),
            last_at: Timestamp::from_millis(day * DAY_MS + 5),
        }
    }

    /// Catches: a buyer who is counted twice, once as they were and once as they are.
    #[test]
    fn counts_follow_buyers_as_they_move() {
        let mut counted = Population::default();
        let mut customers: Vec<Purchases> = Vec::new();
        for n in 0..200u32 {
            let place = usize::try_from(n % 60).unwrap();
            let before = customers.get(place).copied();
            let amount = i64::from(n * 7 % 90) * 100;
            let after = Purchases::with(
                before,
                Money::new(amount, Currency::GBP),
                Timestamp::from_millis(u64::from(n) * DAY_MS),
            );
            counted.noted(&BuyerNoted { before, after });
            match before {
                Some(_) => customers[place] = after,
                None => customers.push(after),
            }
        }
        assert_eq!(counted.buyers(), 60);
        let exact = Quintiles::of(&customers).unwrap();
        let ours = counted.quintiles(60).unwrap();
        assert_eq!(ours.frequency, exact.frequency);
        assert_eq!(ours.recency, exact.recency);
        assert_eq!(counted.quintiles(61), None);
    }

    /// Catches: an entity that grows with the years and the wealth of its customers.
    #[test]
    fn it_is_bounded() {
        let mut counted = Population::default();
        let mut before = None;
        for n in 0..5_000u32 {
            let after = bought(n, i64::from(n) * 12_345, n.into());
            counted.noted(&BuyerNoted {
                before: None,
                after,
            });
            counted.noted(&BuyerNoted { before, after });
            before = Some(after);
        }
        assert!(counted.days.len() <= DAYS_MAX);
        assert!(counted.spent.len() < 1_000);
        assert!(counted.orders.len() <= 1_001);
    }

    #[test]
    fn two_places_keep_the_order() {
        let kept: Vec<i64> = [0, 7, 99, 100, 109, 110, 12_345].map(two_places).into();
        assert_eq!(kept, [0, 7, 99, 100, 100, 110, 12_000]);
    }
}
