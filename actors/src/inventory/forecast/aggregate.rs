//! Seldom demand becomes regular when enough periods are taken together.

use super::count;
use super::series::{aggregated, mean_interval};
use super::smoothing::smoothed;

/// The bounds of the smoothing weight at each level of aggregation.
const WEIGHT_LEAST: f64 = 0.1;
const WEIGHT_MOST: f64 = 0.3;
/// More levels than this say nothing new and take long.
const LEVELS_MAX: usize = 64;

fn level_of(values: &[f64], size: usize) -> f64 {
    smoothed(&aggregated(values, size), WEIGHT_LEAST, WEIGHT_MOST) / count(size)
}

fn levels(values: &[f64]) -> usize {
    let mut levels = 1;
    while levels < LEVELS_MAX && count(levels) + 0.5 <= mean_interval(values) {
        levels += 1;
    }
    levels.min(values.len().max(1))
}

/// Aggregate, forecast, disaggregate (ADIDA: Nikolopoulos, Syntetos, Boylan, Petropoulos and
/// Assimakopoulos, Journal of the Operational Research Society 62, 2011), at the level of the mean
/// interval between demands.
pub(super) fn adida(values: &[f64]) -> f64 {
    level_of(values, levels(values))
}

/// The mean over all levels up to that one (IMAPA: Petropoulos and Kourentzes, "Forecast
/// combinations for intermittent demand", Journal of the Operational Research Society 66, 2015).
pub(super) fn imapa(values: &[f64]) -> f64 {
    let levels = levels(values);
    let sum: f64 = (1..=levels).map(|size| level_of(values, size)).sum();
    sum / count(levels)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a level that is not given back for each period, or is one too many.
    #[test]
    fn demand_in_every_third_period_is_a_third_of_it_each() {
        let values = [0.0, 0.0, 6.0].repeat(8);
        assert_eq!(levels(&values), 3);
        assert!((adida(&values) - 2.0).abs() < 1e-9);
        assert!((imapa(&values) - 2.0).abs() < 0.7);
        assert!((adida(&[5.0; 8]) - 5.0).abs() < 1e-9);
        assert!(adida(&[0.0; 4]).abs() < 1e-12);
    }
}
