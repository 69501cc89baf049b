//! How far off a forecast was, in figures that can be compared between products.

use super::{count, mean};

/// The error of one forecast against what came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accuracy {
    /// The mean absolute scaled error: in units of what the naive forecast errs in the training
    /// periods (Hyndman and Koehler, "Another look at measures of forecast accuracy", International
    /// Journal of Forecasting 22, 2006).
    pub mase: f64,
    /// The same of squares, as a root.
    pub rmsse: f64,
    /// The symmetric mean absolute percentage error of the M competitions, from 0 to 200.
    pub smape: f64,
    /// The sum of absolute errors.
    pub absolute: f64,
    /// The sum of what came.
    pub actual: f64,
}

/// Holds a forecast against what came. `season` is the lag of the naive forecast that errors are
/// measured by. `None` where that forecast never erred, so that it measures nothing.
#[must_use]
pub fn accuracy(
    training: &[f64],
    season: usize,
    forecast: &[f64],
    actual: &[f64],
) -> Option<Accuracy> {
    let lagged = training.iter().zip(training.iter().skip(season.max(1)));
    let steps: Vec<f64> = lagged
        .map(|(before, after)| (after - before).abs())
        .collect();
    let scale = mean(&steps);
    if scale <= 0.0 {
        return None;
    }
    let squares: Vec<f64> = steps.iter().map(|step| step * step).collect();
    let pairs = || forecast.iter().zip(actual);
    let errors: Vec<f64> = pairs().map(|(f, a)| (f - a).abs()).collect();
    let squared: Vec<f64> = errors.iter().map(|error| error * error).collect();
    let shares: Vec<f64> = pairs()
        .map(|(f, a)| match f.abs() + a.abs() {
            sum if sum > 0.0 => 200.0 * (f - a).abs() / sum,
            _ => 0.0,
        })
        .collect();
    Some(Accuracy {
        mase: mean(&errors) / scale,
        rmsse: (mean(&squared) / mean(&squares)).sqrt(),
        smape: mean(&shares),
        absolute: errors.iter().sum(),
        actual: actual.iter().sum(),
    })
}

/// The errors of many forecasts, taken together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AccuracySum {
    forecasts: usize,
    mase: f64,
    rmsse: f64,
    smape: f64,
    absolute: f64,
    actual: f64,
}

impl AccuracySum {
    /// Adds one forecast's.
    pub fn add(&mut self, one: &Accuracy) {
        self.forecasts += 1;
        self.mase += one.mase;
        self.rmsse += one.rmsse;
        self.smape += one.smape;
        self.absolute += one.absolute;
        self.actual += one.actual;
    }

    /// How many there are.
    #[must_use]
    pub fn forecasts(&self) -> usize {
        self.forecasts
    }

    fn over_forecasts(&self, sum: f64) -> f64 {
        sum / count(self.forecasts.max(1))
    }

    /// The mean [`Accuracy::mase`].
    #[must_use]
    pub fn mase(&self) -> f64 {
        self.over_forecasts(self.mase)
    }

    /// The mean [`Accuracy::rmsse`].
    #[must_use]
    pub fn rmsse(&self) -> f64 {
        self.over_forecasts(self.rmsse)
    }

    /// The mean [`Accuracy::smape`].
    #[must_use]
    pub fn smape(&self) -> f64 {
        self.over_forecasts(self.smape)
    }

    /// The sum of absolute errors as a share of the sum of what came: large sellers count for more.
    #[must_use]
    pub fn wape(&self) -> f64 {
        if self.actual > 0.0 {
            self.absolute / self.actual
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a scale of another lag, or errors that are summed where a mean is meant.
    #[test]
    fn errors_are_in_units_of_the_naive_forecast() {
        // By hand: steps of 2, 4 and 6, mean 4; errors 2 and 4, mean 3.
        let one = accuracy(&[0.0, 2.0, 6.0, 12.0], 1, &[10.0, 10.0], &[12.0, 6.0]);
        let one = one.expect("it varies");
        assert!((one.mase - 0.75).abs() < 1e-12);
        assert!((one.rmsse - (10.0f64 / (56.0 / 3.0)).sqrt()).abs() < 1e-12);
        assert!((one.smape - (400.0 / 22.0 + 800.0 / 16.0) / 2.0).abs() < 1e-9);
        let mut sum = AccuracySum::default();
        sum.add(&one);
        assert!((sum.wape() - 6.0 / 18.0).abs() < 1e-12);
        assert_eq!(accuracy(&[3.0, 3.0], 1, &[3.0], &[4.0]), None);
    }
}
