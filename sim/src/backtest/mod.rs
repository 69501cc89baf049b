//! How well demand is forecast: methods held side by side on real series, on periods that they were
//! not shown.
//!
//! | set | series | origins, horizon | source |
//! |---|---|---|---|
//! | retail weeks | units a week of each product of *Online Retail* with ten weeks of demand before the first origin | 39, 43, 47; 4 weeks | UCI |
//! | M3 monthly, M3 | the M3 competition | its own split | Makridakis and Hibon 2000 |
//! | car parts | sales a month of 2,674 parts, of which 2,509 have all 51 months | 33, 39, 45; 6 months | Hyndman et al. 2008 |
//!
//! Each series begins with its first demand. A series that never changes before an origin measures
//! nothing, and is left out there.

mod evaluate;
mod safety;
mod sets;
mod table;

use std::path::{Path, PathBuf};
use std::time::Duration;

use mercato_actors::forecast::{AccuracySum, Method};

use crate::data::DataError;
use evaluate::evaluate;

pub use safety::{Coverage, PooledFactors};

/// Why forecasts could not be held against anything.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BacktestError {
    /// There is no set in the folder.
    #[error("{folder} holds none of {}; name the folder that does", sets::FILES.join(", "))]
    NoData {
        /// The folder.
        folder: PathBuf,
    },
    /// The transactions cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file of series cannot be read.
    #[error("{file}: {problem}; fetch it again")]
    Series {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// One method, or ours, on one set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contender {
    /// Which; `None` is [`forecast`](mercato_actors::forecast::forecast) itself.
    pub method: Option<Method>,
    /// Its errors.
    pub errors: AccuracySum,
    /// How long it took for all forecasts.
    pub took: Duration,
}

/// What came of one set.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The set.
    pub name: &'static str,
    /// How many series it has.
    pub series: usize,
    /// The contenders, the plainest first and ours last.
    pub contenders: Vec<Contender>,
}

impl Evaluation {
    /// What [`forecast`](mercato_actors::forecast::forecast) made of it.
    #[must_use]
    pub fn ours(&self) -> Option<&Contender> {
        self.contenders.iter().find(|c| c.method.is_none())
    }

    /// The single method with the lowest mean absolute scaled error.
    #[must_use]
    pub fn best_single(&self) -> Option<&Contender> {
        let single = self.contenders.iter().filter(|c| c.method.is_some());
        single.min_by(|a, b| a.errors.mase().total_cmp(&b.errors.mase()))
    }
}

/// What came of all of it. Its text is tables for people.
#[derive(Debug, Clone, PartialEq)]
pub struct BacktestReport {
    /// Set by set.
    pub evaluations: Vec<Evaluation>,
    /// How often safety stock was enough on the retail weeks; `None` without them.
    pub safety: Option<(Vec<Coverage>, PooledFactors)>,
    /// Sets that are not in the folder.
    pub missing: Vec<&'static str>,
}

/// Holds every method against every set that lies in `folder`: `retail/online_retail.csv`,
/// `forecast/m3.tsv` and `forecast/carparts.csv`, each plain or as `.zst`. `elapsed` tells the
/// time.
///
/// # Errors
/// When there is no set, or one cannot be read.
pub fn backtest(
    folder: &Path,
    elapsed: &dyn Fn() -> Duration,
) -> Result<BacktestReport, BacktestError> {
    let mut report = BacktestReport {
        evaluations: Vec::new(),
        safety: None,
        missing: Vec::new(),
    };
    for (file, load) in sets::LOADERS {
        let Some(path) = sets::find(folder, file) else {
            report.missing.push(file);
            continue;
        };
        for set in load(&path)? {
            report.evaluations.push(evaluate(&set, elapsed));
            if set.name == sets::RETAIL {
                report.safety = Some(safety::measure(&set));
            }
        }
    }
    if report.evaluations.is_empty() {
        let folder = folder.to_owned();
        return Err(BacktestError::NoData { folder });
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::sets::Set;
    use super::*;

    fn set(values: Vec<f64>) -> Set {
        Set {
            name: sets::RETAIL,
            series: vec![sets::TestSeries { values, season: 1 }],
            origins: sets::Origins::Places {
                origins: vec![20, 24],
                horizon: 4,
            },
        }
    }

    /// Catches: a contender that is shown what it is held against.
    #[test]
    fn no_method_is_shown_what_comes() {
        let mut values = [10.0, 12.0].repeat(12);
        let mean = |values: Vec<f64>| {
            let evaluation = evaluate(&set(values), &|| Duration::ZERO);
            let ours = *evaluation.ours().expect("ours");
            (ours.errors.forecasts(), ours.errors.mase())
        };
        let (forecasts, calm) = mean([values.clone(), vec![11.0; 4]].concat());
        assert_eq!(forecasts, 2);
        assert!(calm < 1.0, "{calm}");
        values.extend([1_000.0; 4]);
        let (_, surprised) = mean(values);
        assert!(surprised > 100.0, "{surprised}");
    }

    /// Catches: a folder without data that is taken for a measurement.
    #[test]
    fn an_empty_folder_is_refused_with_what_it_should_hold() {
        let folder = tempfile::tempdir().expect("a folder");
        let refused = backtest(folder.path(), &|| Duration::ZERO).expect_err("nothing there");
        assert!(refused.to_string().contains("online_retail"), "{refused}");
    }
}
