//! Levels that are a weighted mean of what was seen.

use super::{count, mean, median};

/// How many smoothing weights are tried between two bounds, both of them among these.
const WEIGHTS: usize = 21;

/// The weights that are tried.
pub(super) fn weights(least: f64, most: f64) -> impl Iterator<Item = f64> {
    let step = (most - least) / count(WEIGHTS - 1);
    (0..WEIGHTS).map(move |place| least + step * count(place))
}

/// Simple exponential smoothing (Brown 1959): the level after the last period, with the weight
/// between two bounds that would have erred least, by squared errors, one period ahead. It begins
/// with the first period.
pub(super) fn smoothed(values: &[f64], least: f64, most: f64) -> f64 {
    let Some((first, rest)) = values.split_first() else {
        return 0.0;
    };
    let mut best = (f64::INFINITY, *first);
    for weight in weights(least, most) {
        let (mut level, mut squares) = (*first, 0.0);
        for value in rest {
            let error = value - level;
            squares += error * error;
            level += weight * error;
        }
        if squares < best.0 {
            best = (squares, level);
        }
    }
    best.1
}

/// The mean of the latest periods.
pub(super) fn window_mean(values: &[f64], size: usize) -> f64 {
    mean(latest(values, size))
}

/// The median of the latest periods: one large order does not move it.
pub(super) fn window_median(values: &[f64], size: usize) -> f64 {
    median(latest(values, size))
}

fn latest(values: &[f64], size: usize) -> &[f64] {
    let from = values.len().saturating_sub(size);
    values.get(from..).unwrap_or(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a weight that is not the best of those tried, and an error that looks ahead.
    #[test]
    fn the_weight_is_the_one_that_errs_least() {
        // A step is best followed at once, noise around a level least of all.
        let step = [1.0, 1.0, 1.0, 9.0, 9.0, 9.0];
        assert!((smoothed(&step, 0.0, 1.0) - 9.0).abs() < 1e-9);
        let noise = [5.0, 4.0, 6.0, 4.0, 6.0, 4.0, 6.0, 4.0];
        assert!((smoothed(&noise, 0.01, 0.99) - 5.0).abs() < 0.1);
        assert!((smoothed(&[3.0], 0.1, 0.3) - 3.0).abs() < 1e-12);
    }

    /// Catches: a window that is taken from the wrong end.
    #[test]
    fn windows_are_of_the_latest_periods() {
        let values = [100.0, 1.0, 2.0, 9.0];
        assert!((window_mean(&values, 3) - 4.0).abs() < 1e-12);
        assert!((window_median(&values, 3) - 2.0).abs() < 1e-12);
        assert!((window_mean(&values, 9) - 28.0).abs() < 1e-12);
    }
}
