//! Whether a series has a season, and what it looks like.
//!
//! The test and the decomposition are those that forecasters put in front of the Theta model
//! (Assimakopoulos and Nikolopoulos, "The theta model", International Journal of Forecasting 16,
//! 2000): a season is taken for real where the autocorrelation at its length passes a 90 % test by
//! Bartlett's formula, and its indices are the classical ones, of ratios to a centred moving mean.

use super::{count, mean};

/// The 95 % quantile of the normal distribution: a 90 % test with two sides.
const TEST: f64 = 1.645;
/// An index below this would blow up what is divided by it.
const INDEX_MIN: f64 = 0.01;

/// What each period of a season adds to the level, or how much it multiplies it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Season {
    indices: Vec<f64>,
    multiplies: bool,
}

impl Season {
    /// The season of a series, where it has one.
    pub(super) fn of(values: &[f64], length: usize) -> Option<Self> {
        if !is_seasonal(values, length) {
            return None;
        }
        let multiplies = values.iter().all(|value| *value > 0.0);
        let mut seen = vec![Vec::new(); length];
        let half = length / 2;
        for place in half..values.len().saturating_sub(half) {
            let level = centred_mean(values, place, length)?;
            let value = values.get(place)?;
            let index = if multiplies {
                value / level
            } else {
                value - level
            };
            seen.get_mut(place % length)?.push(index);
        }
        let mut indices: Vec<f64> = seen.iter().map(|of_period| mean(of_period)).collect();
        let mean_index = mean(&indices);
        for index in &mut indices {
            if multiplies {
                *index /= mean_index;
            } else {
                *index -= mean_index;
            }
        }
        let sound = !multiplies || indices.iter().all(|index| *index >= INDEX_MIN);
        sound.then_some(Self {
            indices,
            multiplies,
        })
    }

    fn index(&self, place: usize) -> f64 {
        let neutral = if self.multiplies { 1.0 } else { 0.0 };
        let index = self.indices.get(place % self.indices.len().max(1));
        index.copied().unwrap_or(neutral)
    }

    /// The series without its season.
    pub(super) fn taken_out_of(&self, values: &[f64]) -> Vec<f64> {
        let places = values.iter().enumerate();
        places
            .map(|(place, value)| match self.multiplies {
                true => value / self.index(place),
                false => value - self.index(place),
            })
            .collect()
    }

    /// Puts the season back on what follows after `periods` periods.
    pub(super) fn put_on(&self, points: &mut [f64], periods: usize) {
        for (ahead, point) in points.iter_mut().enumerate() {
            let index = self.index(periods + ahead);
            if self.multiplies {
                *point *= index;
            } else {
                *point += index;
            }
        }
    }
}

/// The mean of one season around a period; where a season has no middle, half of each end.
fn centred_mean(values: &[f64], place: usize, length: usize) -> Option<f64> {
    let half = length / 2;
    let around = values.get(place.checked_sub(half)?..=place + half)?;
    let sum: f64 = around.iter().sum();
    if length % 2 == 1 {
        return Some(sum / count(length));
    }
    let ends = around.first()? + around.last()?;
    Some((sum - ends / 2.0) / count(length))
}

fn is_seasonal(values: &[f64], length: usize) -> bool {
    if length < 2 || values.len() < 2 * length + length.min(4) {
        return false;
    }
    let before: f64 = (1..length)
        .map(|lag| autocorrelation(values, lag).powi(2))
        .sum();
    let bound = TEST * ((1.0 + 2.0 * before) / count(values.len())).sqrt();
    autocorrelation(values, length).abs() > bound
}

fn autocorrelation(values: &[f64], lag: usize) -> f64 {
    let level = mean(values);
    let all: f64 = values.iter().map(|value| (value - level).powi(2)).sum();
    if all <= 0.0 {
        return 0.0;
    }
    let later = values.iter().skip(lag);
    let both = values.iter().zip(later);
    let lagged: f64 = both.map(|(a, b)| (a - level) * (b - level)).sum();
    lagged / all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weeks(of: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..42).map(of).collect()
    }

    /// Catches: indices that are shifted, not normalised, or put back elsewhere than taken out.
    #[test]
    fn a_season_that_is_taken_out_leaves_the_level() {
        let busy = [1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 5.0];
        for (base, level) in [(1.0, 10.0), (0.0, 7.0)] {
            let values = weeks(|day| (busy[day % 7] - base) * level + base);
            let season = Season::of(&values, 7).expect("a clear season");
            let flat = season.taken_out_of(&values);
            let level = flat[0];
            assert!(
                flat.iter().all(|day| (day - level).abs() < 1e-9),
                "{flat:?}"
            );
            let mut ahead = vec![level; 14];
            season.put_on(&mut ahead, 42);
            assert!(ahead.iter().zip(&values).all(|(a, b)| (a - b).abs() < 1e-9));
        }
    }

    /// Catches: a season seen in what has none, or in too little.
    #[test]
    fn what_has_no_season_is_left_alone() {
        assert_eq!(Season::of(&weeks(|_| 4.0), 7), None);
        assert_eq!(Season::of(&weeks(|day| (day * day % 11) as f64), 7), None);
        assert_eq!(Season::of(&[1.0, 9.0, 1.0, 9.0, 1.0], 2), None);
    }
}
