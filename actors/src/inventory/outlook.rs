//! What is expected of a SKU, and what came of what was expected before.

use std::borrow::Cow;
use std::time::Duration;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::events::ForecastRevised;
use super::forecast::{DemandPattern, HORIZON_MAX, Method, forecast};
use super::history::month_factor;
use super::replenish::{DemandOutlook, LeadTime, ReorderPlan, Scores};
use super::settings::InventorySettings;
use super::state::Stock;

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);
const MILLI: f64 = 1_000.0;

/// The latest forecast, and how forecasts have done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Outlook {
    pub(super) latest: Option<ForecastRevised>,
    /// The forecast that is held against what comes until its lead time is over.
    pending: Option<Pending>,
    pub(super) scores: Scores,
    measured: Measured,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    from: Timestamp,
    until: Timestamp,
    expected_milli: u64,
    deviation_milli: u64,
}

/// The errors of forecasts of demand over a lead time, since the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Measured {
    forecasts: u64,
    absolute_milli: u64,
    actual_milli: u64,
    over_milli: i64,
}

/// How far off the forecasts of a product have been, over whole lead times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredError {
    /// How many forecasts were held against what came.
    pub forecasts: u64,
    /// Their absolute errors as a share of what was asked for, in thousandths: WAPE.
    pub absolute_share_milli: u64,
    /// What was expected less what was asked for, as a share of that, in thousandths: the bias.
    pub bias_milli: i64,
}

impl Outlook {
    pub(super) fn revise(&mut self, event: &ForecastRevised) {
        if let (Some(score), Some(pending)) = (event.score_milli, self.pending) {
            self.scores.add(score);
            self.measured.add(&pending, score);
            self.pending = None;
        }
        if self.pending.is_none() && event.deviation_milli > 0 {
            self.pending = Some(Pending {
                from: event.at,
                until: event.until,
                expected_milli: event.over_lead_time_milli,
                deviation_milli: event.deviation_milli,
            });
        }
        self.latest = Some(event.clone());
    }

    /// Its own measured error; `None` before the first lead time is over.
    pub(super) fn measured(&self) -> Option<MeasuredError> {
        let actual = i64::try_from(self.measured.actual_milli).unwrap_or(i64::MAX);
        let share = |part: i64| part.saturating_mul(1_000).checked_div(actual);
        (self.measured.forecasts > 0).then(|| MeasuredError {
            forecasts: self.measured.forecasts,
            absolute_share_milli: share(
                i64::try_from(self.measured.absolute_milli).unwrap_or(i64::MAX),
            )
            .and_then(|share| u64::try_from(share).ok())
            .unwrap_or_default(),
            bias_milli: share(self.measured.over_milli).unwrap_or_default(),
        })
    }
}

impl Measured {
    fn add(&mut self, pending: &Pending, score_milli: i64) {
        let deviation = i64::try_from(pending.deviation_milli).unwrap_or(i64::MAX);
        let above = score_milli.saturating_mul(deviation) / 1_000;
        let actual = pending.expected_milli.saturating_add_signed(above);
        self.forecasts = self.forecasts.saturating_add(1);
        self.absolute_milli = self.absolute_milli.saturating_add(above.unsigned_abs());
        self.actual_milli = self.actual_milli.saturating_add(actual);
        self.over_milli = self.over_milli.saturating_sub(above);
    }
}

/// What is expected to be asked for, and what follows for buying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// Expected demand of one hour, in thousandths of a unit.
    pub per_hour_milli: u64,
    /// What kind of demand it is; `None` before the first sale.
    pub pattern: Option<DemandPattern>,
    /// The method that counts most; `None` while too little is known for any.
    pub method: Option<Method>,
    /// How long the supplier is expected to take, in milliseconds.
    pub lead_time_ms: u64,
    /// Expected demand until then, in units, rounded up.
    pub lead_time_units: u64,
    /// The safety stock, in units.
    pub safety: u64,
    /// Stock at or below this many units calls for more: demand over the lead time, plus the
    /// safety stock.
    pub reorder_point: u64,
    /// Up to here is ordered, in units.
    pub order_up_to: u64,
    /// How far off earlier forecasts were; `None` before the first lead time is over.
    pub measured: Option<MeasuredError>,
}

impl Forecast {
    pub(super) fn of(revised: &ForecastRevised, outlook: &Outlook) -> Self {
        Self {
            per_hour_milli: revised.per_hour_milli,
            pattern: (revised.per_hour_milli > 0 || revised.method.is_some())
                .then_some(revised.pattern),
            method: revised.method,
            lead_time_ms: millis(revised.until.since(revised.at)),
            lead_time_units: revised.over_lead_time_milli.div_ceil(1_000),
            safety: revised.safety,
            reorder_point: revised.reorder_point,
            order_up_to: revised.order_up_to,
            measured: outlook.measured(),
        }
    }
}

/// Whether the latest forecast is too old to go by: after a day, or an hour of a young product.
pub(super) fn is_stale(stock: &Stock, now: Timestamp) -> bool {
    let lasts = match stock.history.is_daily(now) {
        true => DAY,
        false => HOUR,
    };
    let latest = stock.outlook.latest.as_ref();
    latest.is_none_or(|latest| now.since(latest.at) >= lasts)
}

/// The reorder point by the latest forecast.
pub(super) fn reorder_point(settings: &InventorySettings, stock: &Stock) -> u64 {
    let latest = stock.outlook.latest.as_ref();
    latest.map_or(u64::from(settings.safety_stock), |latest| {
        latest.reorder_point
    })
}

/// The forecast to go by: the latest, or a new one where that is too old.
pub(super) fn current<'a>(
    settings: &InventorySettings,
    stock: &'a Stock,
    now: Timestamp,
) -> Cow<'a, ForecastRevised> {
    match &stock.outlook.latest {
        Some(latest) if !is_stale(stock, now) => Cow::Borrowed(latest),
        _ => Cow::Owned(revise(settings, stock, now)),
    }
}

/// Demand forecasting: what was asked for, with what an empty shelf hid, adjusted to the season,
/// over the time that the supplier takes.
pub(super) fn revise(
    settings: &InventorySettings,
    stock: &Stock,
    now: Timestamp,
) -> ForecastRevised {
    let lead = supplier_performance(settings, stock);
    let expected = expect(settings, stock, now, lead);
    let plan = ReorderPlan::new(
        &settings.order_terms(),
        &expected.demand,
        lead,
        &stock.outlook.scores,
    );
    let until = now.plus(DAY.mul_f64(lead.mean.clamp(0.0, 36_500.0)));
    ForecastRevised {
        at: now,
        pattern: expected.demand.pattern,
        method: expected.method,
        per_hour_milli: milli(expected.demand.per_day / 24.0),
        until,
        over_lead_time_milli: milli(plan.over_lead_time),
        deviation_milli: milli(plan.deviation),
        safety: super::replenish::whole_units(plan.safety),
        reorder_point: plan.reorder_point,
        order_up_to: plan.order_up_to,
        held_out_error_milli: expected.held_out_error.map(milli),
        score_milli: score(stock, now),
    }
}

struct Expected {
    demand: DemandOutlook,
    method: Option<Method>,
    held_out_error: Option<f64>,
}

/// Forecasts demand a day, over the lead time and what an order covers.
fn expect(settings: &InventorySettings, stock: &Stock, now: Timestamp, lead: LeadTime) -> Expected {
    let cover_days = settings.cover.as_secs_f64() / DAY.as_secs_f64();
    let observed = stock
        .history
        .observed(now, stock.depleted_since, &settings.season);
    let forecasted = observed.and_then(|observed| {
        let periods_a_day = DAY.as_secs_f64() / observed.period.as_secs_f64();
        let horizon = periods((lead.mean + cover_days) * periods_a_day);
        let forecasted = forecast(&observed.series, horizon).ok()?;
        Some((observed, forecasted, periods_a_day))
    });
    let Some((observed, forecasted, periods_a_day)) = forecasted else {
        return Expected {
            demand: DemandOutlook {
                per_day: 0.0,
                deviation: 0.0,
                pattern: DemandPattern::Lumpy,
                established: false,
                cover_days,
            },
            method: None,
            held_out_error: None,
        };
    };
    let mut sum = 0.0;
    let mut at = now;
    for point in &forecasted.points {
        sum += adjust_to_season(settings, *point, at);
        at = at.plus(observed.period);
    }
    #[allow(clippy::cast_precision_loss)] // at most the horizon's bound
    let per_period = sum / forecasted.points.len().max(1) as f64;
    // With nothing held out yet, demand is taken to come as a Poisson process does at least.
    let deviation = match forecasted.held_out {
        None => forecasted.deviation.max(per_period.sqrt()),
        Some(_) => forecasted.deviation,
    };
    Expected {
        demand: DemandOutlook {
            per_day: per_period * periods_a_day,
            deviation: deviation * periods_a_day.sqrt(),
            pattern: forecasted.pattern,
            established: stock.history.is_daily(now),
            cover_days,
        },
        method: forecasted.leader(),
        held_out_error: forecasted.held_out.map(|error| error.mean_absolute),
    }
}

/// Seasonal adjustments: the season of the calendar months was taken out of the past, and is put on
/// the time ahead. The season of a week, or a day, is the forecast's own affair.
fn adjust_to_season(settings: &InventorySettings, point: f64, at: Timestamp) -> f64 {
    point * month_factor(&settings.season, at)
}

/// Supplier performance: how long the supplier takes, by what it took.
fn supplier_performance(settings: &InventorySettings, stock: &Stock) -> LeadTime {
    let supplier = &stock.purchases.supplier;
    supplier.lead_time(settings.lead_time, settings.lead_time_deviation)
}

/// By how many deviations more was asked for than the pending forecast expected, once its lead time
/// is over.
fn score(stock: &Stock, now: Timestamp) -> Option<i64> {
    let pending = stock
        .outlook
        .pending
        .filter(|pending| pending.until <= now)?;
    let actual = stock.history.units_between(pending.from, pending.until);
    let actual_milli = i128::from(actual) * 1_000;
    let above = actual_milli - i128::from(pending.expected_milli);
    let score = above.saturating_mul(1_000) / i128::from(pending.deviation_milli.max(1));
    i64::try_from(score).ok()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a cast of a float saturates
fn milli(units: f64) -> u64 {
    (units * MILLI).round().max(0.0) as u64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a cast of a float saturates
fn periods(periods: f64) -> usize {
    (periods.ceil().max(1.0) as usize).min(HORIZON_MAX)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
