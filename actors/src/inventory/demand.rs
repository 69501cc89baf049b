//! What is asked for, by the hour, and what that says of the time ahead.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::tz::TimeZone;
use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::procurement::InventorySettings;
use super::state::Stock;
use crate::domain::Quantity;

/// How many hours of demand are remembered: one week.
const HOURS_REMEMBERED: usize = 168;

const HOUR_MS: u64 = 3_600_000;
/// Demand is smoothed in thousandths of a unit, so that slow sellers do not round to nothing.
const MILLI: u64 = 1_000;
const BASIS: u64 = 10_000;

/// Units asked for, in the hours that had any.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Demand {
    /// (hours since the epoch, units), the oldest first.
    hours: VecDeque<(u64, u64)>,
}

impl Demand {
    pub(super) fn add(&mut self, at: Timestamp, quantity: Quantity) {
        let hour = at.as_millis() / HOUR_MS;
        let units = u64::from(quantity.get());
        match self.hours.back_mut() {
            // A clock that stepped back counts for the latest hour, which keeps the list in order.
            Some((latest, sum)) if *latest >= hour => *sum += units,
            _ => self.hours.push_back((hour, units)),
        }
        if self.hours.len() > HOURS_REMEMBERED {
            self.hours.pop_front();
        }
    }

    /// Simple exponential smoothing over the hours from the first remembered one to `now`, hours
    /// without demand included, in thousandths of a unit an hour.
    fn per_hour_milli(&self, now: Timestamp, weight: u64) -> u64 {
        let this_hour = now.as_millis() / HOUR_MS;
        let remembered_from = this_hour.saturating_sub(HOURS_REMEMBERED as u64);
        let mut recent = self
            .hours
            .iter()
            .skip_while(|(hour, _)| *hour < remembered_from)
            .peekable();
        let Some((first, _)) = recent.peek() else {
            return 0;
        };
        let mut level: Option<u64> = None;
        for hour in *first..=this_hour {
            let units = recent
                .next_if(|(at, _)| *at == hour)
                .map_or(0, |(_, units)| *units);
            let seen = units.saturating_mul(MILLI);
            level = Some(level.map_or(seen, |level| {
                (seen.saturating_mul(weight) + level.saturating_mul(BASIS - weight)) / BASIS
            }));
        }
        level.unwrap_or(0)
    }
}

/// What is expected to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// Expected demand of one hour, in thousandths of a unit.
    pub per_hour_milli: u64,
    /// How long the supplier is expected to take, in milliseconds.
    pub lead_time_ms: u64,
    /// Expected demand until then, in units, rounded up.
    pub lead_time_units: u64,
    /// Stock at or below this many units calls for more: demand over the lead time, plus the
    /// safety stock.
    pub reorder_point: u64,
}

impl Forecast {
    /// Expected demand over a time, in units, rounded up.
    #[must_use]
    pub fn units_over(&self, time: Duration) -> u64 {
        units_over(self.per_hour_milli, time)
    }
}

fn units_over(per_hour_milli: u64, time: Duration) -> u64 {
    let units = (u128::from(per_hour_milli) * time.as_millis())
        .div_ceil(u128::from(MILLI) * u128::from(HOUR_MS));
    u64::try_from(units).unwrap_or(u64::MAX)
}

/// Demand forecasting: recent demand, adjusted to the season, over the time that the supplier
/// takes.
pub(super) fn forecast_demand(
    settings: &InventorySettings,
    stock: &Stock,
    now: Timestamp,
) -> Forecast {
    let weight = u64::try_from(settings.smoothing.get())
        .unwrap_or(0)
        .min(BASIS);
    let level = stock.demand.per_hour_milli(now, weight);
    let per_hour_milli = adjust_to_season(settings, level, now);
    let lead_time = lead_time_of_supplier(settings, stock);
    let lead_time_units = units_over(per_hour_milli, lead_time);
    Forecast {
        per_hour_milli,
        lead_time_ms: u64::try_from(lead_time.as_millis()).unwrap_or(u64::MAX),
        lead_time_units,
        reorder_point: lead_time_units.saturating_add(u64::from(settings.safety_stock)),
    }
}

/// Seasonal adjustments: the factor of the calendar month, in UTC.
fn adjust_to_season(settings: &InventorySettings, level: u64, now: Timestamp) -> u64 {
    let month = i64::try_from(now.as_millis())
        .ok()
        .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
        .and_then(|at| usize::try_from(at.to_zoned(TimeZone::UTC).month()).ok());
    let factor = month
        .and_then(|month| settings.season.get(month.saturating_sub(1)))
        .and_then(|factor| u64::try_from(factor.get()).ok())
        .unwrap_or(BASIS);
    level.saturating_mul(factor) / BASIS
}

/// Supplier performance: a supplier that is slower than promised is expected to stay so.
fn lead_time_of_supplier(settings: &InventorySettings, stock: &Stock) -> Duration {
    stock
        .supplier
        .mean_lead_time()
        .map_or(settings.lead_time, |seen| seen.max(settings.lead_time))
}
