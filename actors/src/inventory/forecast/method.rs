//! The methods by name, and how each is applied to a series.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::aggregate::{adida, imapa};
use super::ets::ets;
use super::intermittent::{croston, sba, tsb};
use super::mean;
use super::pattern::DemandPattern;
use super::season::Season;
use super::series::Series;
use super::smoothing::{smoothed, window_mean, window_median};
use super::theta::theta;

/// A way to forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Method {
    /// What was seen last.
    Naive,
    /// What was seen a season ago.
    SeasonalNaive,
    /// Simple exponential smoothing.
    Smoothing,
    /// The dynamic optimised Theta model.
    Theta,
    /// Exponential smoothing in state space.
    Ets,
    /// Croston's method.
    Croston,
    /// Croston's method without its bias.
    Sba,
    /// The chance of a demand smoothed in every period.
    Tsb,
    /// Aggregate and disaggregate.
    Adida,
    /// The mean over levels of aggregation.
    Imapa,
    /// The mean of the latest eight periods.
    WindowMean,
    /// The median of the latest eight periods.
    WindowMedian,
}

const WINDOW: usize = 8;
const WEIGHT_LEAST: f64 = 0.01;
const WEIGHT_MOST: f64 = 0.99;

impl Method {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Naive,
        Self::SeasonalNaive,
        Self::Smoothing,
        Self::Theta,
        Self::Ets,
        Self::Croston,
        Self::Sba,
        Self::Tsb,
        Self::Adida,
        Self::Imapa,
        Self::WindowMean,
        Self::WindowMedian,
    ];

    /// Those that are weighed against each other for a pattern of demand. Regular demand has trends
    /// to follow; where it comes in jumps, levels that jump with it mislead, and are left out.
    pub(super) fn pool(pattern: DemandPattern) -> &'static [Self] {
        match pattern {
            DemandPattern::Smooth => &[Self::Theta, Self::Ets],
            DemandPattern::Erratic | DemandPattern::Intermittent | DemandPattern::Lumpy => &[
                Self::Smoothing,
                Self::Tsb,
                Self::Imapa,
                Self::Theta,
                Self::WindowMean,
                Self::WindowMedian,
            ],
        }
    }

    /// The next periods of a series by this method alone, never below zero; `None` where the series
    /// is too short for it.
    #[must_use]
    pub fn alone(self, series: &Series, horizon: usize) -> Option<Vec<f64>> {
        let prepared = Prepared::new(series.since_first_sale(), series.season());
        prepared.ahead(self, horizon)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Naive => "naive",
            Self::SeasonalNaive => "seasonal naive",
            Self::Smoothing => "SES",
            Self::Theta => "Theta (DOT)",
            Self::Ets => "AutoETS (augurs)",
            Self::Croston => "Croston",
            Self::Sba => "Croston SBA",
            Self::Tsb => "TSB",
            Self::Adida => "ADIDA",
            Self::Imapa => "IMAPA",
            Self::WindowMean => "window mean",
            Self::WindowMedian => "window median",
        })
    }
}

/// A series with its season taken out once, for all methods.
pub(super) struct Prepared<'a> {
    values: &'a [f64],
    length: usize,
    season: Option<Season>,
    adjusted: Option<Vec<f64>>,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(values: &'a [f64], length: usize) -> Self {
        let season = Season::of(values, length);
        let adjusted = season.as_ref().map(|season| season.taken_out_of(values));
        Self {
            values,
            length,
            season,
            adjusted,
        }
    }

    pub(super) fn ahead(&self, method: Method, horizon: usize) -> Option<Vec<f64>> {
        let values = self.adjusted.as_deref().unwrap_or(self.values);
        let level = |level: f64| Some(vec![level; horizon]);
        let ahead = match method {
            Method::SeasonalNaive => return Some(self.seasonal_naive(horizon)),
            Method::Naive => level(values.last().copied().unwrap_or_default()),
            Method::Smoothing => level(smoothed(values, WEIGHT_LEAST, WEIGHT_MOST)),
            Method::Theta => theta(values, horizon),
            Method::Ets => ets(values, horizon),
            Method::Croston => level(croston(values)),
            Method::Sba => level(sba(values)),
            Method::Tsb => level(tsb(values)),
            Method::Adida => level(adida(values)),
            Method::Imapa => level(imapa(values)),
            Method::WindowMean => level(window_mean(values, WINDOW)),
            Method::WindowMedian => level(window_median(values, WINDOW)),
        };
        let mut ahead = ahead?;
        if let Some(season) = &self.season {
            season.put_on(&mut ahead, self.values.len());
        }
        for point in &mut ahead {
            *point = point.max(0.0);
        }
        Some(ahead)
    }

    /// The standard deviation around the mean, without the season.
    pub(super) fn deviation(&self) -> f64 {
        let values = self.adjusted.as_deref().unwrap_or(self.values);
        let level = mean(values);
        let squares: Vec<f64> = values.iter().map(|v| (v - level).powi(2)).collect();
        mean(&squares).sqrt()
    }

    /// The latest whole season over and over; the latest period where there is none.
    fn seasonal_naive(&self, horizon: usize) -> Vec<f64> {
        let length = match self.values.len() {
            seen if seen < self.length => 1,
            _ => self.length,
        };
        let from = self.values.len().saturating_sub(length);
        let latest = self.values.get(from..).unwrap_or_default();
        latest.iter().copied().cycle().take(horizon).collect()
    }
}
