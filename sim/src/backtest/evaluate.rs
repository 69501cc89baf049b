//! One set, all methods.

use std::time::Duration;

use mercato_actors::forecast::{AccuracySum, Method, Series, accuracy, forecast};

use super::sets::Set;
use super::{Contender, Evaluation};

/// The methods that are held side by side: the list of the field's usual library, and simple
/// smoothing.
const SINGLE: [Method; 8] = [
    Method::SeasonalNaive,
    Method::Smoothing,
    Method::Theta,
    Method::Ets,
    Method::Sba,
    Method::Tsb,
    Method::Adida,
    Method::Imapa,
];

pub(super) fn evaluate(set: &Set, elapsed: &dyn Fn() -> Duration) -> Evaluation {
    let single = SINGLE.into_iter().map(Some);
    let contenders = single.chain([None]).map(|method| {
        let began = elapsed();
        let mut errors = AccuracySum::default();
        for (series, actual) in set.trials() {
            let ahead = match method {
                Some(method) => method.alone(&series, actual.len()),
                None => forecast(&series, actual.len()).ok().map(|ours| ours.points),
            };
            let ahead = ahead.unwrap_or_else(|| plain(&series, actual.len()));
            let error = accuracy(series.values(), series.season(), &ahead, actual);
            if let Some(error) = error {
                errors.add(&error);
            }
        }
        Contender {
            method,
            errors,
            took: elapsed().saturating_sub(began),
        }
    });
    Evaluation {
        name: set.name,
        series: set.series.len(),
        contenders: contenders.collect(),
    }
}

/// Where a series is too short for a method, it makes do with the plainest.
fn plain(series: &Series, horizon: usize) -> Vec<f64> {
    Method::SeasonalNaive
        .alone(series, horizon)
        .unwrap_or_default()
}
