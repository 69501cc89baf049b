//! Which methods to believe for one series: each is tried on periods that it was not shown.

use super::method::{Method, Prepared};
use super::pattern::DemandPattern;
use super::series::{Series, SeriesError};
use super::{count, mean};

/// The farthest that is forecast, in periods.
pub const HORIZON_MAX: usize = 128;

/// At how many places of the past each method is tried.
const ORIGINS_MAX: usize = 6;
/// A place of the past has at least so many periods before it.
const TRAINING_MIN: usize = 8;
/// How much more a method with half the error counts, as a power of two.
const SHARPNESS: i32 = 4;

/// What is expected, and why it is believed.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecasted {
    /// The mean demand of each period ahead, the next one first. Never below zero.
    pub points: Vec<f64>,
    /// What kind of demand it is.
    pub pattern: DemandPattern,
    /// The methods that were weighed, and the share of each: together one.
    pub shares: Vec<(Method, f64)>,
    /// The standard deviation to reckon with, of one period: of the errors on periods that were
    /// held out, or of the series around its mean, where that is more. A few good months prove
    /// little.
    pub deviation: f64,
    /// How far off the same combination was on periods that it was not shown; `None` where the
    /// series is too short to hold any back.
    pub held_out: Option<HeldOut>,
}

impl Forecasted {
    /// The method with the greatest share.
    #[must_use]
    pub fn leader(&self) -> Option<Method> {
        let shares = self.shares.iter().copied();
        let leader = shares.reduce(|best, next| if next.1 > best.1 { next } else { best });
        leader.map(|(method, _)| method)
    }
}

/// Errors on periods that were held out, in units of one period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldOut {
    /// Their mean size.
    pub mean_absolute: f64,
    /// The root of their mean square.
    pub root_mean_square: f64,
    /// How many there are.
    pub periods: usize,
}

/// Forecasts the next `horizon` periods of a series.
///
/// The pattern of demand chooses the methods. Each of them forecasts up to six stretches of the
/// past from what came before, and its share falls with the fourth power of its mean absolute error
/// there: the best are weighed, the bad hardly count. The error is *held out*: a method that merely
/// fits the past well gains nothing.
///
/// Time grows with the length of the series; a year of weeks takes a tenth of a millisecond, and a
/// few where `augurs` is asked.
///
/// # Errors
/// When the horizon is none, or longer than [`HORIZON_MAX`].
pub fn forecast(series: &Series, horizon: usize) -> Result<Forecasted, SeriesError> {
    if horizon == 0 || horizon > HORIZON_MAX {
        return Err(SeriesError::Horizon { max: HORIZON_MAX });
    }
    let values = series.since_first_sale();
    let pattern = DemandPattern::of(values);
    let trials = Trials::hold(values, series.season(), horizon, Method::pool(pattern));
    let prepared = Prepared::new(values, series.season());
    let candidates: Vec<Candidate> = Method::pool(pattern)
        .iter()
        .enumerate()
        .filter_map(|(place, method)| {
            Some(Candidate {
                method: *method,
                ahead: prepared.ahead(*method, horizon)?,
                error: trials.mean_absolute(place),
                place,
            })
        })
        .collect();
    if candidates.is_empty() {
        let level = mean(values);
        return Ok(Forecasted {
            points: vec![level; horizon],
            pattern,
            shares: Vec::new(),
            deviation: prepared.deviation(),
            held_out: None,
        });
    }
    let shares = shares_of(&candidates);
    let points = (0..horizon).map(|ahead| {
        let points = candidates.iter().zip(&shares);
        points
            .filter_map(|(candidate, share)| Some(candidate.ahead.get(ahead)? * share))
            .sum()
    });
    let held_out = trials.of_combination(&candidates, &shares);
    let of_errors = held_out.map_or(0.0, |errors| errors.root_mean_square);
    Ok(Forecasted {
        points: points.collect(),
        pattern,
        deviation: prepared.deviation().max(of_errors),
        held_out,
        shares: candidates
            .iter()
            .map(|candidate| candidate.method)
            .zip(shares)
            .collect(),
    })
}

struct Candidate {
    method: Method,
    ahead: Vec<f64>,
    error: Option<f64>,
    place: usize,
}

/// Shares by held-out error; equal ones where nothing could be held out. A method that could not be
/// tried where others were has none.
fn shares_of(candidates: &[Candidate]) -> Vec<f64> {
    let errors = candidates.iter().filter_map(|candidate| candidate.error);
    let least = errors.fold(f64::INFINITY, f64::min);
    let weights: Vec<f64> = candidates
        .iter()
        .map(|candidate| match candidate.error {
            _ if least.is_infinite() => 1.0,
            // Of errors that differ by rounding alone none is the better one.
            Some(error) if error <= least + 1e-9 => 1.0,
            Some(error) => (least / error).powi(SHARPNESS),
            None => 0.0,
        })
        .collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// What each method foretold of a held-out piece, where it could, and what came.
type Trial<'a> = (Vec<Option<Vec<f64>>>, &'a [f64]);

/// What each method of the pool forecast at places of the past, beside what came then.
struct Trials<'a> {
    trials: Vec<Trial<'a>>,
}

impl<'a> Trials<'a> {
    fn hold(values: &'a [f64], season: usize, horizon: usize, pool: &[Method]) -> Self {
        let held = horizon.min(values.len() / 4).max(1);
        let stride = (held / 2).max(1);
        let training_min = TRAINING_MIN.max(2 * season);
        let trials = (0..ORIGINS_MAX)
            .map_while(|back| {
                let seen = values.len().checked_sub(held + back * stride)?;
                let (before, after) = values.split_at_checked(seen)?;
                if before.len() < training_min {
                    return None;
                }
                let prepared = Prepared::new(before, season);
                let forecasts = pool.iter().map(|method| prepared.ahead(*method, held));
                Some((forecasts.collect(), after.get(..held)?))
            })
            .collect();
        Self { trials }
    }

    /// The mean absolute error of one method; `None` where it could not be tried each time.
    fn mean_absolute(&self, place: usize) -> Option<f64> {
        let mut errors = Vec::new();
        for (forecasts, after) in &self.trials {
            let forecast = forecasts.get(place)?.as_ref()?;
            errors.extend(forecast.iter().zip(*after).map(|(f, a)| (f - a).abs()));
        }
        (!errors.is_empty()).then(|| mean(&errors))
    }

    fn of_combination(&self, candidates: &[Candidate], shares: &[f64]) -> Option<HeldOut> {
        let mut errors = Vec::new();
        for (forecasts, after) in &self.trials {
            for (ahead, actual) in after.iter().enumerate() {
                let points = candidates.iter().zip(shares).filter_map(|(c, share)| {
                    let forecast = forecasts.get(c.place)?.as_ref()?;
                    Some(forecast.get(ahead)? * share)
                });
                errors.push((points.sum::<f64>() - actual).abs());
            }
        }
        let squares: Vec<f64> = errors.iter().map(|error| error * error).collect();
        (!errors.is_empty()).then(|| HeldOut {
            mean_absolute: mean(&errors),
            root_mean_square: (squares.iter().sum::<f64>() / count(squares.len())).sqrt(),
            periods: errors.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        Series::new(values, 1).expect("demand")
    }

    /// Catches: shares that do not sum to one, and points outside what the methods say.
    #[test]
    fn a_level_is_forecast_as_a_level() {
        for values in [&[5.0][..], &[5.0; 3], &[5.0; 40]] {
            let forecast = forecast(&series(values), 6).expect("a forecast");
            assert_eq!(forecast.points.len(), 6);
            for point in &forecast.points {
                assert!((point - 5.0).abs() < 1e-6, "{forecast:?}");
            }
        }
        let nothing = forecast(&series(&[0.0; 20]), 2).expect("a forecast");
        assert!(nothing.points.iter().all(|point| point.abs() < 1e-9));
    }

    /// Catches: weights by the fit to the past, or by none.
    #[test]
    fn the_method_that_errs_least_on_what_it_did_not_see_leads() {
        // Ever more of a product: only what follows a trend keeps up.
        let rising: Vec<f64> = (0..30).map(|t| f64::from(t * t) * 2.0 + 1.0).collect();
        let forecast = super::forecast(&series(&rising), 3).expect("a forecast");
        let total: f64 = forecast.shares.iter().map(|(_, share)| share).sum();
        assert!((total - 1.0).abs() < 1e-9);
        assert_eq!(forecast.leader(), Some(Method::Theta), "{forecast:?}");
        assert!(forecast.points[0] > 1_500.0, "{forecast:?}");
        // A level, and one order of a thousand units in the middle: the median is not moved.
        let mut once = [4.0, 5.0, 6.0].repeat(8);
        once[20] = 1_000.0;
        let forecast = super::forecast(&series(&once), 3).expect("a forecast");
        assert_eq!(forecast.pattern, DemandPattern::Erratic);
        assert_eq!(
            forecast.leader(),
            Some(Method::WindowMedian),
            "{forecast:?}"
        );
        // The mean of the latest eight is 129.
        assert!(forecast.points[0] < 129.0 / 2.0, "{forecast:?}");
    }

    /// Catches: held-out errors that are taken from periods that were shown.
    #[test]
    fn its_own_error_is_measured_on_periods_that_were_held_out() {
        let mut values = vec![10.0; 30];
        values[29] = 40.0;
        let held_out = forecast(&series(&values), 1).expect("a forecast").held_out;
        let held_out = held_out.expect("enough periods");
        assert_eq!(held_out.periods, 6);
        assert!((held_out.mean_absolute - 5.0).abs() < 1e-6, "{held_out:?}");
        assert!(held_out.root_mean_square > held_out.mean_absolute);
    }

    /// Catches: a horizon without bound.
    #[test]
    fn a_horizon_out_of_range_is_refused() {
        for horizon in [0, HORIZON_MAX + 1] {
            let refused = forecast(&series(&[1.0]), horizon);
            assert_eq!(refused, Err(SeriesError::Horizon { max: HORIZON_MAX }));
        }
    }
}
