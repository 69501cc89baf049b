//! Demand that comes seldom: its size and its frequency, each smoothed by itself.

use super::count;

/// The weight of the latest demand, for size and frequency alike: what the papers use.
const WEIGHT: f64 = 0.1;

/// The method of Croston ("Forecasting and stock control for intermittent demands", Operational
/// Research Quarterly 23, 1972): the mean size over the mean interval.
pub(super) fn croston(values: &[f64]) -> f64 {
    let mut estimate: Option<(f64, f64)> = None;
    let mut interval = 0.0;
    for value in values {
        interval += 1.0;
        if *value <= 0.0 {
            continue;
        }
        estimate = Some(match estimate {
            None => (*value, interval),
            Some((size, between)) => (
                size + WEIGHT * (value - size),
                between + WEIGHT * (interval - between),
            ),
        });
        interval = 0.0;
    }
    estimate.map_or(0.0, |(size, between)| size / between)
}

/// Croston's method without its bias (Syntetos and Boylan, "The accuracy of intermittent demand
/// estimates", International Journal of Forecasting 21, 2005).
pub(super) fn sba(values: &[f64]) -> f64 {
    (1.0 - WEIGHT / 2.0) * croston(values)
}

/// The method of Teunter, Syntetos and Babai ("Intermittent demand: linking forecasting to
/// inventory obsolescence", European Journal of Operational Research 214, 2011): the chance of a
/// demand is smoothed in every period, so that it falls while nobody asks.
pub(super) fn tsb(values: &[f64]) -> f64 {
    let sizes: Vec<f64> = values.iter().copied().filter(|v| *v > 0.0).collect();
    let Some(first) = sizes.first() else {
        return 0.0;
    };
    let mut size = *first;
    let mut chance = count(sizes.len()) / count(values.len());
    for value in values {
        if *value > 0.0 {
            size += WEIGHT * (value - size);
            chance += WEIGHT * (1.0 - chance);
        } else {
            chance -= WEIGHT * chance;
        }
    }
    size * chance
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: an interval that is off by one, and an update in a period without demand.
    #[test]
    fn croston_is_size_over_interval() {
        // Sizes 6 and 8, intervals 2 and 3: 6.2 / 2.1.
        let values = [0.0, 6.0, 0.0, 0.0, 8.0, 0.0];
        assert!((croston(&values) - 6.2 / 2.1).abs() < 1e-12);
        assert!((sba(&values) - 0.95 * 6.2 / 2.1).abs() < 1e-12);
        assert!(croston(&[0.0, 0.0]).abs() < 1e-12);
    }

    /// Catches: a forecast that stays up when a product is no longer asked for.
    #[test]
    fn tsb_falls_while_nobody_asks() {
        let mut values = vec![4.0; 10];
        assert!((tsb(&values) - 4.0).abs() < 1e-12);
        values.extend([0.0; 20]);
        assert!(tsb(&values) < 0.5);
        assert!(croston(&values) > 3.0);
    }
}
