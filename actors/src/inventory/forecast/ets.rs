//! Exponential smoothing in state space (Hyndman, Koehler, Snyder and Grose, "A state space
//! framework for automatic forecasting using exponential smoothing methods", International Journal
//! of Forecasting 18, 2002), by the library `augurs`, which chooses error, trend and damping.

use augurs_core::prelude::{Fit, Predict};
use augurs_ets::AutoETS;

/// With fewer periods the library has more parameters than facts.
const PERIODS_MIN: usize = 10;

/// The next periods; `None` where the series is too short, or no model fits it.
///
/// The library panics where it is asked for a season, so it never is: the season is taken out
/// before and put back after. Nor is it shown a series without variation, whose likelihood has no
/// end.
pub(super) fn ets(values: &[f64], horizon: usize) -> Option<Vec<f64>> {
    let first = values.first()?;
    let varies = values.iter().any(|value| (value - first).abs() > 1e-9);
    if values.len() < PERIODS_MIN || !varies {
        return None;
    }
    let model = AutoETS::non_seasonal().fit(values).ok()?;
    let points = model.predict(horizon, None).ok()?.point;
    let sound = points.len() == horizon && points.iter().all(|point| point.is_finite());
    sound.then_some(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a library that panics on, or makes nonsense of, what shops see every day.
    #[test]
    fn no_series_of_a_shop_is_too_strange() {
        let rising: Vec<f64> = (1..=20)
            .map(|t| 3.0 * f64::from(t) + f64::from(t % 2))
            .collect();
        let ahead = ets(&rising, 3).expect("a model");
        assert!(ahead[2] > 60.0 && ahead[2] < 75.0, "{ahead:?}");
        let strange: [&[f64]; 5] = [
            &[],
            &[1.0; 9],
            &[4.0; 30],
            &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1e6],
            &[1e-12, 0.0, 1e9, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 7.0],
        ];
        for values in strange {
            let ahead = ets(values, 4);
            assert!(ahead.is_none_or(|ahead| ahead.len() == 4), "{values:?}");
        }
    }
}
