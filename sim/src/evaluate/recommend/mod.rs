//! How well the next click is predicted: HR@20, MRR@20 and nDCG@20 on sessions that were not
//! learned, how fast, and what learning costs.
//!
//! The protocol is that of the literature on session-based recommendation (Ludewig and Jannach,
//! *Evaluation of session-based recommendation algorithms*, User Modeling and User-Adapted
//! Interaction 28, 2018): the training sessions are learned in the order of time; then each session
//! of the test is shown click by click, and what is asked for is the next click. Twenty products are
//! named. All of it runs on one core.

mod files;
mod measure;
mod table;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use measure::Measured;
use measure::measure;

/// Why predictions could not be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecommendDataError {
    /// There is no set in the folder.
    #[error(
        "{folder} holds no sessions: put NAME_train.txt and NAME_test.txt into it, or into its \
         folder sessions (a session a line; see docs/RECOMMENDATION.md for the layouts)"
    )]
    NoData {
        /// The folder.
        folder: PathBuf,
    },
    /// A file cannot be read.
    #[error("{file}: {cause}; fetch it again")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A file is larger than what is read.
    #[error("{file} is larger than {} MiB; split it", files::FILE_BYTES_MAX >> 20)]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// A line does not fit.
    #[error("{file}, line {line}: {problem}")]
    Line {
        /// The file.
        file: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it, and what it should be.
        problem: String,
    },
    /// A file has nothing to learn from, or nothing to predict.
    #[error("{file} holds no session of two clicks; give it some")]
    Empty {
        /// The file.
        file: PathBuf,
    },
}

/// What came of one set.
#[derive(Debug, Clone, PartialEq)]
pub struct SetReport {
    /// Its name: that of its files without `_train`.
    pub name: String,
    /// Sessions, clicks and products that were learned.
    pub learned: (usize, usize, usize),
    /// How long the training took, and the time of one click at the 99th percentile.
    pub learning: (Duration, Duration),
    /// The memory that the model takes, more or less, and its stored form, in bytes.
    pub bytes: (usize, usize),
    /// The contenders, by name: the plainest first, ours last.
    pub contenders: Vec<(&'static str, Measured)>,
}

impl SetReport {
    /// What Mercato's own model made of it, once trained.
    #[must_use]
    pub fn ours(&self) -> Option<&Measured> {
        let named = self.contenders.iter();
        let mut ours = named.filter(|(name, _)| *name == measure::OURS);
        ours.next().map(|(_, measured)| measured)
    }
}

/// What came of all of it. Its text is tables for people.
#[derive(Debug, Clone, PartialEq)]
pub struct NextItemReport {
    /// Set by set, by name.
    pub sets: Vec<SetReport>,
}

/// Measures every set in `folder`, and in the folder `sessions` in it: pairs of files
/// `NAME_train` and `NAME_test`, as `.txt` or `.tsv`, each plain or as `.zst`. `elapsed` tells the
/// time.
///
/// # Errors
/// When there is no set, or one cannot be read; a line that does not fit is named.
pub fn evaluate_recommendations(
    folder: &Path,
    elapsed: &dyn Fn() -> Duration,
) -> Result<NextItemReport, RecommendDataError> {
    let mut sets = Vec::new();
    for pair in files::pairs(folder) {
        sets.push(measure(&pair.read()?, elapsed));
    }
    if sets.is_empty() {
        let folder = folder.to_owned();
        return Err(RecommendDataError::NoData { folder });
    }
    Ok(NextItemReport { sets })
}
