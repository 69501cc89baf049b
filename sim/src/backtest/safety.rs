//! How often safety stock is enough: by the normal distribution, and by errors that were seen.

use std::collections::BTreeMap;

use mercato_actors::BasisPoints;
use mercato_actors::forecast::{DemandPattern, Series, forecast};
use mercato_actors::replenish::{ServiceLevel, conformal_quantile, pooled_factor};

use super::sets::Set;

const LEVELS: [i32; 6] = [5_000, 8_000, 9_000, 9_500, 9_750, 9_900];
/// Scores of these origins set the factors that are held against those of the last.
const CALIBRATION: [usize; 2] = [39, 43];
const TEST: usize = 47;

/// How often demand stayed within what was expected and the safety stock together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coverage {
    /// The service level that was asked for.
    pub asked: f64,
    /// The share of forecasts for which normal factors were enough.
    pub normal: f64,
    /// The same, with factors of the same pattern's earlier forecasts.
    pub pooled: f64,
    /// The same, with the factors that are built in. They were made of these very scores.
    pub built_in: f64,
}

/// For each pattern, how many deviations each level took: by all scores together.
pub type PooledFactors = Vec<(DemandPattern, usize, Vec<(f64, f64)>)>;

pub(super) fn measure(set: &Set) -> (Vec<Coverage>, PooledFactors) {
    let calibration = scores(set, &CALIBRATION);
    let test = scores(set, &[TEST]);
    let coverage = LEVELS.iter().filter_map(|level| {
        let level = ServiceLevel::new(BasisPoints::new(*level)).ok()?;
        let (mut normal, mut pooled, mut built_in, mut all) = (0u32, 0u32, 0u32, 0u32);
        for (pattern, scores) in &test {
            let seen = calibration.get(pattern)?;
            let factor = conformal_quantile(seen, level)?;
            for score in scores {
                all += 1;
                normal += u32::from(*score <= level.normal_factor());
                pooled += u32::from(*score <= factor);
                built_in += u32::from(*score <= pooled_factor(pattern_of(*pattern), level));
            }
        }
        let share = |covered: u32| f64::from(covered) / f64::from(all.max(1));
        Some(Coverage {
            asked: level.probability(),
            normal: share(normal),
            pooled: share(pooled),
            built_in: share(built_in),
        })
    });
    let coverage = coverage.collect();
    let mut factors = PooledFactors::new();
    let all = scores(set, &[CALIBRATION[0], CALIBRATION[1], TEST]);
    for (pattern, scores) in all {
        let of_levels = LEVELS.iter().filter_map(|level| {
            let level = ServiceLevel::new(BasisPoints::new(*level)).ok()?;
            Some((level.probability(), conformal_quantile(&scores, level)?))
        });
        factors.push((pattern_of(pattern), scores.len(), of_levels.collect()));
    }
    (coverage, factors)
}

/// Scores of forecasts of all periods of the horizon together, by the number of their pattern: by
/// how many deviations more was asked for than expected.
fn scores(set: &Set, origins: &[usize]) -> BTreeMap<usize, Vec<f64>> {
    let mut scores: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for origin in origins {
        for (series, actual) in set.trials_at(*origin) {
            if let Some((pattern, score)) = score(&series, actual) {
                scores.entry(number_of(pattern)).or_default().push(score);
            }
        }
    }
    scores
}

fn score(series: &Series, actual: &[f64]) -> Option<(DemandPattern, f64)> {
    let ours = forecast(series, actual.len()).ok()?;
    #[allow(clippy::cast_precision_loss)] // a few periods
    let periods = actual.len() as f64;
    let deviation = ours.deviation * periods.sqrt();
    let above = actual.iter().sum::<f64>() - ours.points.iter().sum::<f64>();
    (deviation > 0.0).then(|| (ours.pattern, above / deviation))
}

const PATTERNS: [DemandPattern; 4] = [
    DemandPattern::Smooth,
    DemandPattern::Erratic,
    DemandPattern::Intermittent,
    DemandPattern::Lumpy,
];

fn number_of(pattern: DemandPattern) -> usize {
    let number = PATTERNS.iter().position(|known| *known == pattern);
    number.unwrap_or_default()
}

fn pattern_of(number: usize) -> DemandPattern {
    let pattern = PATTERNS.get(number).copied();
    pattern.unwrap_or(DemandPattern::Lumpy)
}
