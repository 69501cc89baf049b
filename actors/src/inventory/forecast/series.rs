//! What is forecast: demand in equal periods, within bounds.

use super::{count, mean};

/// The most periods of a series: two years and three quarters of days.
pub const PERIODS_MAX: usize = 1_024;

/// Demand in equal periods, the oldest first: finite, never negative.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    values: Vec<f64>,
    season: usize,
}

/// Why numbers are no series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeriesError {
    /// There is no period.
    #[error("series is empty; give at least one period")]
    Empty,
    /// There are more periods than a series may have.
    #[error("series has more than {PERIODS_MAX} periods; give the latest, or longer ones")]
    TooLong,
    /// A value is negative, infinite or not a number.
    #[error("period {place} is negative or no number; demand is zero or more")]
    Value {
        /// Which one, counted from zero.
        place: usize,
    },
    /// Nothing, or too much, is to be forecast.
    #[error("horizon must be 1 to {max} periods; choose one in between")]
    Horizon {
        /// The longest.
        max: usize,
    },
}

impl Series {
    /// A series. `season` is how many periods make a whole season (12 for months of a year, 7 for
    /// days of a week); 1 where there is none.
    ///
    /// # Errors
    /// When there is no period, or too many, or a value is no demand.
    pub fn new(values: impl Into<Vec<f64>>, season: usize) -> Result<Self, SeriesError> {
        let values = values.into();
        if values.is_empty() {
            return Err(SeriesError::Empty);
        }
        if values.len() > PERIODS_MAX {
            return Err(SeriesError::TooLong);
        }
        let is_demand = |value: &f64| value.is_finite() && *value >= 0.0;
        if let Some(place) = values.iter().position(|value| !is_demand(value)) {
            return Err(SeriesError::Value { place });
        }
        let season = season.max(1);
        Ok(Self { values, season })
    }

    /// The values.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// How many periods make a season.
    #[must_use]
    pub fn season(&self) -> usize {
        self.season
    }

    /// The values from the first that is not zero: before it the product was not sold yet. All of
    /// them where all are zero.
    pub(super) fn since_first_sale(&self) -> &[f64] {
        let first = self.values.iter().position(|value| *value > 0.0);
        self.values
            .get(first.unwrap_or(0)..)
            .unwrap_or(&self.values)
    }
}

/// A period as it was seen from the shelf.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Period {
    /// What was sold.
    pub sold: f64,
    /// For which share of the period there was something to sell, from 0 to 1.
    pub in_stock: f64,
}

/// In a period with less than this share of stock, what was sold says too little.
const IN_STOCK_MIN: f64 = 0.5;
/// How many fully stocked periods stand in for one that says too little.
const NEIGHBOURS: usize = 6;

/// What would have been sold had there been stock all the time. Sales of a period without stock are
/// a lower bound of demand, and taking them for demand makes a shop order less of what sells best.
///
/// Where there was stock for at least half of the period, its sales are scaled up to the whole of
/// it; where there was less, the mean of the nearest fully stocked periods stands in, or what was
/// sold, where that is more. Without one fully stocked period nothing is known, and sales are
/// scaled as far as they can be.
#[must_use]
pub fn uncensor(periods: &[Period]) -> Vec<f64> {
    let full: Vec<(usize, f64)> = periods
        .iter()
        .enumerate()
        .filter(|(_, period)| period.in_stock >= 1.0)
        .map(|(place, period)| (place, period.sold))
        .collect();
    periods
        .iter()
        .enumerate()
        .map(|(place, period)| {
            let in_stock = period.in_stock.clamp(0.0, 1.0);
            if in_stock >= IN_STOCK_MIN {
                return period.sold / in_stock;
            }
            if full.is_empty() {
                return period.sold / in_stock.max(IN_STOCK_MIN);
            }
            period.sold.max(mean_of_nearest(&full, place))
        })
        .collect()
}

fn mean_of_nearest(full: &[(usize, f64)], place: usize) -> f64 {
    let mut nearest: Vec<(usize, f64)> = full
        .iter()
        .map(|(at, sold)| (at.abs_diff(place), *sold))
        .collect();
    // Stable, so of two that are as near the older one comes first.
    nearest.sort_by_key(|(distance, _)| *distance);
    nearest.truncate(NEIGHBOURS);
    let sold: Vec<f64> = nearest.into_iter().map(|(_, sold)| sold).collect();
    mean(&sold)
}

/// The sums of neighbouring periods, `size` at a time, the latest whole and what is left over at
/// the beginning dropped.
pub(super) fn aggregated(values: &[f64], size: usize) -> Vec<f64> {
    let size = size.max(1);
    let whole = values.get(values.len() % size..).unwrap_or_default();
    whole.chunks(size).map(|chunk| chunk.iter().sum()).collect()
}

/// The mean number of periods from one demand to the next, the way to the first one included.
pub(super) fn mean_interval(values: &[f64]) -> f64 {
    let last = values.iter().rposition(|value| *value > 0.0);
    let demands = values.iter().filter(|value| **value > 0.0).count();
    match last {
        Some(last) => count(last + 1) / count(demands),
        None => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a value that no demand can have, taken for one.
    #[test]
    fn what_is_no_demand_is_refused_with_its_place() {
        assert_eq!(Series::new([], 1), Err(SeriesError::Empty));
        for wrong in [-1.0, f64::NAN, f64::INFINITY] {
            let refused = Series::new([1.0, wrong], 1);
            assert_eq!(refused, Err(SeriesError::Value { place: 1 }));
        }
        let long = vec![1.0; PERIODS_MAX + 1];
        assert_eq!(Series::new(long, 1), Err(SeriesError::TooLong));
    }

    /// Catches: sales of an empty shelf taken for demand, and scaling beyond what was seen.
    #[test]
    fn an_empty_shelf_hides_demand_and_does_not_end_it() {
        let full = Period {
            sold: 10.0,
            in_stock: 1.0,
        };
        let out = |sold, in_stock| Period { sold, in_stock };
        let seen = [
            full,
            full,
            out(4.0, 0.5),
            out(0.0, 0.0),
            out(30.0, 0.1),
            full,
        ];
        assert_eq!(uncensor(&seen), [10.0, 10.0, 8.0, 10.0, 30.0, 10.0]);
        assert_eq!(uncensor(&[out(3.0, 0.1)]), [6.0]);
    }

    /// Catches: aggregation that keeps a first part shorter than the others.
    #[test]
    fn the_oldest_remainder_is_dropped() {
        let values = [9.0, 1.0, 2.0, 3.0, 4.0];
        assert_eq!(aggregated(&values, 2), [3.0, 7.0]);
        assert_eq!(aggregated(&values, 1), values);
    }
}
