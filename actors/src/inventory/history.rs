//! What was asked for, by the hour and by the day, and when there was nothing to sell.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::tz::TimeZone;
use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::forecast::{Period, Series, uncensor};
use crate::domain::{BasisPoints, Quantity};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// How many hours with demand are remembered: two weeks.
const HOURS_REMEMBERED: usize = 14 * 24;
/// How many days with demand are remembered: two years.
const DAYS_REMEMBERED: usize = 730;
/// How many times without stock are remembered.
const OUTAGES_REMEMBERED: usize = 128;
/// A product that was first sold fewer days ago is forecast by the hour.
const DAYS_MIN: u64 = 14;

/// Demand of one SKU. Only hours and days that had any take room.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct History {
    first_at: Option<Timestamp>,
    hours: Tally,
    days: Tally,
    /// From when until when nothing was available, the oldest first.
    outages: VecDeque<(Timestamp, Timestamp)>,
}

/// (hours or days since the epoch, units), the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Tally(VecDeque<(u64, u64)>);

impl Tally {
    fn add(&mut self, place: u64, units: u64, remembered: usize) {
        match self.0.back_mut() {
            // A clock that stepped back counts for the latest period, which keeps the list in
            // order.
            Some((latest, sum)) if *latest >= place => *sum = sum.saturating_add(units),
            _ => self.0.push_back((place, units)),
        }
        if self.0.len() > remembered {
            self.0.pop_front();
        }
    }

    fn between(&self, first: u64, end: u64) -> impl Iterator<Item = (u64, u64)> {
        let all = self.0.iter().copied();
        all.skip_while(move |(place, _)| *place < first)
            .take_while(move |(place, _)| *place < end)
    }
}

/// Equal periods of the past, as a forecast takes them.
pub(super) struct Observed {
    pub(super) series: Series,
    /// How long each of them is.
    pub(super) period: Duration,
}

impl History {
    pub(super) fn sold(&mut self, at: Timestamp, quantity: Quantity) {
        let units = u64::from(quantity.get());
        self.first_at.get_or_insert(at);
        self.hours
            .add(at.as_millis() / HOUR_MS, units, HOURS_REMEMBERED);
        self.days
            .add(at.as_millis() / DAY_MS, units, DAYS_REMEMBERED);
    }

    pub(super) fn out_of_stock(&mut self, from: Timestamp, until: Timestamp) {
        self.outages.push_back((from, until));
        if self.outages.len() > OUTAGES_REMEMBERED {
            self.outages.pop_front();
        }
    }

    /// Whether forecasts are made by the day, and no longer by the hour.
    pub(super) fn is_daily(&self, now: Timestamp) -> bool {
        let days = now.as_millis() / DAY_MS;
        self.first_at
            .is_some_and(|first| days.saturating_sub(first.as_millis() / DAY_MS) >= DAYS_MIN)
    }

    /// Units asked for between two moments, to the hour.
    pub(super) fn units_between(&self, from: Timestamp, until: Timestamp) -> u64 {
        let (first, end) = (from.as_millis() / HOUR_MS, until.as_millis() / HOUR_MS);
        let oldest = self.hours.0.front().map_or(0, |(hour, _)| *hour);
        let mut tally = &self.hours;
        let (mut first, mut end) = (first, end);
        if first < oldest && self.hours.0.len() == HOURS_REMEMBERED {
            (tally, first, end) = (&self.days, first / 24, end.div_ceil(24));
        }
        tally.between(first, end).map(|(_, units)| units).sum()
    }

    /// Whole periods up to `now`, with the demand that an empty shelf hid put back, and with the
    /// season of the calendar months taken out. `None` before the first sale.
    pub(super) fn observed(
        &self,
        now: Timestamp,
        depleted_since: Option<Timestamp>,
        months: &[BasisPoints; 12],
    ) -> Option<Observed> {
        let (tally, length_ms, remembered, season) = match self.is_daily(now) {
            true => (&self.days, DAY_MS, DAYS_REMEMBERED, 7),
            false => (&self.hours, HOUR_MS, HOURS_REMEMBERED, 24),
        };
        let end = now.as_millis() / length_ms;
        let first = self.first_at?.as_millis() / length_ms;
        // The first period is taken whole as soon as there is any, so that something is known.
        let end = end.max(first + 1);
        let first = first.max(end.saturating_sub(remembered as u64));
        let mut sold = tally.between(first, end).peekable();
        let periods: Vec<Period> = (first..end)
            .map(|place| {
                let at_place = sold.next_if(|(at, _)| *at == place);
                #[allow(clippy::cast_precision_loss)] // units are far below 2^52
                let units = at_place.map_or(0, |(_, units)| units) as f64;
                let begin = Timestamp::from_millis(place * length_ms);
                Period {
                    sold: units,
                    in_stock: self.in_stock(begin, length_ms, now, depleted_since),
                }
            })
            .collect();
        let mut demand = uncensor(&periods);
        for (place, value) in (first..).zip(&mut demand) {
            *value /= month_factor(months, Timestamp::from_millis(place * length_ms));
        }
        Some(Observed {
            series: Series::new(demand, season).ok()?,
            period: Duration::from_millis(length_ms),
        })
    }

    /// For which share of a period there was something to sell.
    fn in_stock(
        &self,
        begin: Timestamp,
        length_ms: u64,
        now: Timestamp,
        depleted_since: Option<Timestamp>,
    ) -> f64 {
        let end = begin.plus(Duration::from_millis(length_ms));
        let open = depleted_since.map(|since| (since, now));
        let outages = self.outages.iter().copied().chain(open);
        let out_ms: u128 = outages
            .map(|(from, until)| until.min(end).since(from.max(begin)).as_millis())
            .sum();
        let out_ms = u32::try_from(out_ms).unwrap_or(u32::MAX);
        #[allow(clippy::cast_precision_loss)] // a day in milliseconds
        let share = 1.0 - f64::from(out_ms) / length_ms as f64;
        share.clamp(0.0, 1.0)
    }
}

/// How much more than in an ordinary month is asked for, in UTC. One where a setting makes no
/// sense.
pub(super) fn month_factor(months: &[BasisPoints; 12], at: Timestamp) -> f64 {
    let month = i64::try_from(at.as_millis())
        .ok()
        .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
        .and_then(|at| usize::try_from(at.to_zoned(TimeZone::UTC).month()).ok());
    let factor = month.and_then(|month| months.get(month.saturating_sub(1)));
    match factor.map(|factor| factor.get()) {
        Some(points) if points > 0 => f64::from(points) / 10_000.0,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVEN: [BasisPoints; 12] = [BasisPoints::WHOLE; 12];

    fn hour(hours: u64) -> Timestamp {
        // A Monday in January 2020.
        Timestamp::from_millis(1_578_268_800_000 + hours * HOUR_MS)
    }

    fn units(units: u32) -> Quantity {
        Quantity::new(units).expect("a quantity")
    }

    /// Catches: hours without demand left out, and the hour that is not over counted as whole.
    #[test]
    fn a_young_product_is_seen_by_the_hour() {
        let mut history = History::default();
        assert!(history.observed(hour(5), None, &EVEN).is_none());
        history.sold(hour(0), units(4));
        history.sold(hour(2), units(6));
        history.sold(hour(4), units(9));
        let seen = history.observed(hour(4), None, &EVEN).expect("sales");
        assert_eq!(seen.series.values(), [4.0, 0.0, 6.0, 0.0]);
        assert_eq!(seen.period, Duration::from_secs(3_600));
        assert_eq!(history.units_between(hour(1), hour(5)), 15);
    }

    /// Catches: days that are cut off, and an empty shelf taken for a lack of demand.
    #[test]
    fn an_older_one_by_the_day_with_what_an_empty_shelf_hid() {
        let mut history = History::default();
        for day in 0..20 {
            history.sold(hour(24 * day), units(if day == 7 { 3 } else { 8 }));
        }
        history.out_of_stock(hour(24 * 7 + 12), hour(24 * 8));
        let now = hour(24 * 20);
        let seen = history.observed(now, None, &EVEN).expect("sales");
        assert_eq!(seen.series.values().len(), 20);
        assert!((seen.series.values()[7] - 6.0).abs() < 1e-9);
        // Out since yesterday morning: yesterday says nothing.
        let seen = history.observed(now, Some(hour(24 * 19)), &EVEN);
        let seen = seen.expect("sales");
        assert!((seen.series.values()[19] - 8.0).abs() < 1e-9);
    }

    /// Catches: a busy month that is taken for the ordinary level.
    #[test]
    fn the_season_of_a_month_is_taken_out() {
        let mut months = EVEN;
        months[0] = BasisPoints::new(20_000);
        let mut history = History::default();
        history.sold(hour(0), units(8));
        let seen = history.observed(hour(1), None, &months).expect("sales");
        assert!((seen.series.values()[0] - 4.0).abs() < 1e-9);
    }

    /// Catches: memory without a bound.
    #[test]
    fn what_is_remembered_is_bounded() {
        let mut history = History::default();
        for day in 0..3_000 {
            history.sold(hour(24 * day), units(1));
            history.out_of_stock(hour(24 * day), hour(24 * day + 1));
        }
        assert_eq!(history.hours.0.len(), HOURS_REMEMBERED);
        assert_eq!(history.days.0.len(), DAYS_REMEMBERED);
        assert_eq!(history.outages.len(), OUTAGES_REMEMBERED);
        let seen = history.observed(hour(24 * 3_000), None, &EVEN);
        assert_eq!(seen.expect("sales").series.values().len(), DAYS_REMEMBERED);
        let from = hour(24 * 2_400);
        assert_eq!(history.units_between(from, hour(24 * 2_410)), 10);
    }
}
