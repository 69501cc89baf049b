//! The dynamic optimised Theta model of Fiorucci, Pellegrini, Louzada, Petropoulos and Koehler
//! ("Models for optimising the theta method and their relationship to state space models",
//! International Journal of Forecasting 32, 2016).
//!
//! Their model forecasts the next period by
//! `l + (1 - 1/theta) * ((1 - a)^(t-1) * A + (1 - (1 - a)^t) / a * B)`,
//! where `l` is a level smoothed with the weight `a` and `A`, `B` are intercept and slope of a line
//! through everything seen so far. For a given `a` this is linear in the first level and in
//! `1 - 1/theta`, so both come from least squares in one pass, and only `a` has to be searched.

use super::count;
use super::smoothing::weights;

/// Below this many periods a line through them means nothing.
const PERIODS_MIN: usize = 4;
const WEIGHT_LEAST: f64 = 0.02;
const WEIGHT_MOST: f64 = 0.98;

/// The line through the periods seen so far, moved on one period at a time.
#[derive(Default)]
struct Line {
    periods: usize,
    mean: f64,
    intercept: f64,
    slope: f64,
}

impl Line {
    fn see(&mut self, value: f64) {
        self.periods += 1;
        let t = count(self.periods);
        let before = self.mean;
        self.mean += (value - before) / t;
        if self.periods > 1 {
            self.slope = ((t - 2.0) * self.slope + 6.0 / t * (value - before)) / (t + 1.0);
        }
        self.intercept = self.mean - (t + 1.0) / 2.0 * self.slope;
    }

    /// What the line adds to the level for the next period; `kept` is `(1 - a)` to the power of the
    /// periods seen.
    fn drift(&self, weight: f64, kept: f64) -> f64 {
        if self.periods == 0 {
            return 0.0;
        }
        kept * self.intercept + (1.0 - kept * (1.0 - weight)) / weight * self.slope
    }
}

/// One choice of the parameters, and the squared error that it made.
#[derive(Clone, Copy)]
struct Fit {
    weight: f64,
    first_level: f64,
    /// `1 - 1/theta`.
    share_of_line: f64,
    squares: f64,
}

/// The next periods; `None` where the series is too short for a line.
pub(super) fn theta(values: &[f64], horizon: usize) -> Option<Vec<f64>> {
    if values.len() < PERIODS_MIN {
        return None;
    }
    let fits = weights(WEIGHT_LEAST, WEIGHT_MOST).map(|weight| fit(values, weight));
    let best = fits.min_by(|a, b| a.squares.total_cmp(&b.squares))?;
    Some(run(values, horizon, best))
}

/// Least squares over the first level and the share of the line, for one weight.
fn fit(values: &[f64], weight: f64) -> Fit {
    // A period is forecast as `known + of_level * first_level + drift * share_of_line`.
    let (mut known, mut of_level, mut kept) = (0.0, 1.0, 1.0);
    let mut line = Line::default();
    let (mut ll, mut ld, mut dd, mut le, mut de, mut ee) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for value in values {
        let drift = line.drift(weight, kept);
        let error = value - known;
        ll += of_level * of_level;
        ld += of_level * drift;
        dd += drift * drift;
        le += of_level * error;
        de += drift * error;
        ee += error * error;
        known += weight * error;
        of_level *= 1.0 - weight;
        kept *= 1.0 - weight;
        line.see(*value);
    }
    let determinant = ll * dd - ld * ld;
    let solvable = determinant > 1e-9 * ll * dd;
    let share = if solvable {
        // A theta of one at least means a share from nothing to the whole.
        ((ll * de - ld * le) / determinant).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let level = (le - share * ld) / ll;
    Fit {
        weight,
        first_level: level,
        share_of_line: share,
        squares: ee - 2.0 * level * le - 2.0 * share * de
            + level * level * ll
            + 2.0 * level * share * ld
            + share * share * dd,
    }
}

/// Runs the model over the series and on: what is not seen is what it forecasts.
fn run(values: &[f64], horizon: usize, fit: Fit) -> Vec<f64> {
    let (mut level, mut kept) = (fit.first_level, 1.0);
    let mut line = Line::default();
    let mut ahead = Vec::with_capacity(horizon);
    for place in 0..values.len() + horizon {
        let forecast = level + fit.share_of_line * line.drift(fit.weight, kept);
        let value = values.get(place).copied().unwrap_or_else(|| {
            ahead.push(forecast);
            forecast
        });
        level += fit.weight * (value - level);
        kept *= 1.0 - fit.weight;
        line.see(value);
    }
    ahead
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a line that is not the least-squares line of what was seen.
    #[test]
    fn the_line_is_the_one_of_least_squares() {
        let mut line = Line::default();
        for value in [2.0, 3.0, 7.0] {
            line.see(value);
        }
        // By hand: slope 5/2, mean 4 at period 2.
        assert!((line.slope - 2.5).abs() < 1e-12);
        assert!((line.intercept + 1.0).abs() < 1e-12);
    }

    /// Catches: a trend that is forgotten, or followed where there is none.
    #[test]
    fn a_trend_goes_on_and_a_level_stays() {
        let rising: Vec<f64> = (1..=24).map(|t| 10.0 + 2.0 * f64::from(t)).collect();
        let ahead = theta(&rising, 3).expect("long enough");
        for (point, expected) in ahead.iter().zip([60.0, 62.0, 64.0]) {
            assert!((point - expected).abs() < 1.5, "{ahead:?}");
        }
        let level = theta(&[7.0; 12], 3).expect("long enough");
        assert!(level.iter().all(|point| (point - 7.0).abs() < 1e-6));
        assert_eq!(theta(&[1.0, 2.0, 3.0], 3), None);
    }

    /// Catches: squares that are not those of the run with the same parameters.
    #[test]
    fn what_is_minimised_is_the_error_of_the_model() {
        let values = [3.0, 8.0, 4.0, 9.0, 2.0, 7.0, 11.0, 5.0];
        let fit = fit(&values, 0.3);
        let mut squares = 0.0;
        for seen in 0..values.len() {
            let next = run(&values[..seen], 1, fit)[0];
            squares += (values[seen] - next).powi(2);
        }
        assert!(
            (squares - fit.squares).abs() < 1e-6,
            "{squares} {}",
            fit.squares
        );
    }
}
