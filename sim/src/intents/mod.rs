//! How well questions are understood: the classifier of Customer Support, trained and held to public
//! sets of labelled questions by their own splits.
//!
//! | set | classes | training, test | source |
//! |---|---|---|---|
//! | BANKING77 | 77 | 10,003 and 3,080 | Casanueva et al. 2020 |
//! | CLINC150 | 150, and 1,200 questions that are out of scope | 15,000 and 4,500; 100 and 1,000 | Larson et al. 2019 |
//! | Bitext | 27 | 6,480 and 810 | Bitext 2022, customer service |
//!
//! Of CLINC150 the questions out of scope are taught as such; accuracy is over the questions in
//! scope. Nothing is chosen by the test questions.

mod evaluate;
mod sets;
mod table;

use std::path::{Path, PathBuf};
use std::time::Duration;

use mercato_actors::intents::{Labelled, LabelledError, Scored};

/// Why the classifier could not be held against anything.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntentsError {
    /// There is no set in the folder.
    #[error("{folder} holds none of {}; name the folder that does", sets::NAMES)]
    NoData {
        /// The folder.
        folder: PathBuf,
    },
    /// A file cannot be read.
    #[error("{file}: {problem}")]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it, and how to go on.
        problem: String,
    },
    /// A set cannot be learnt from.
    #[error("{set}: {source}")]
    Training {
        /// The set.
        set: &'static str,
        /// Why.
        source: LabelledError,
    },
}

/// What came of one set.
#[derive(Debug, Clone, PartialEq)]
pub struct IntentEvaluation {
    /// The set.
    pub name: &'static str,
    /// How many classes it has, what is out of scope aside.
    pub classes: usize,
    /// How many questions it was trained with.
    pub trained_with: usize,
    /// How the questions in scope were understood.
    pub scored: Scored,
    /// What is out of scope, where the set has any.
    pub out_of_scope: Option<OutOfScope>,
    /// How long a question takes: half of them, and 99 in 100.
    pub latency: (Duration, Duration),
    /// The model's file, in bytes.
    pub model_bytes: usize,
    /// How long training took.
    pub took: Duration,
}

/// How what is out of scope was told apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutOfScope {
    /// The chance that a question in scope is more familiar than one out of it.
    pub area_under_roc: f64,
    /// The share of questions out of scope that were refused.
    pub refused: f64,
    /// The share of questions in scope that were refused with them.
    pub refused_in_scope: f64,
}

/// What came of all of it. Its text is tables for people.
#[derive(Debug, Clone, PartialEq)]
pub struct IntentReport {
    /// Set by set.
    pub evaluations: Vec<IntentEvaluation>,
    /// Sets that are not in the folder.
    pub missing: Vec<&'static str>,
}

/// Trains and holds the classifier to every set that lies in `folder/intents`, its files plain or as
/// `.zst`. `elapsed` tells the time.
///
/// # Errors
/// When there is no set, or one cannot be read or learnt from.
pub fn evaluate_intents(
    folder: &Path,
    elapsed: &dyn Fn() -> Duration,
) -> Result<IntentReport, IntentsError> {
    let mut report = IntentReport {
        evaluations: Vec::new(),
        missing: Vec::new(),
    };
    for (name, load) in sets::LOADERS {
        match load(folder)? {
            Some(set) => report.evaluations.push(evaluate::evaluate(&set, elapsed)?),
            None => report.missing.push(name),
        }
    }
    if report.evaluations.is_empty() {
        let folder = folder.to_owned();
        return Err(IntentsError::NoData { folder });
    }
    Ok(report)
}

/// Reads labelled questions from a file, plain or as `.zst`.
///
/// # Errors
/// When it cannot be read, or holds lines that do not fit.
pub fn read_labelled_file(path: &Path) -> Result<Vec<Labelled>, IntentsError> {
    sets::labelled(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn never() -> Duration {
        Duration::ZERO
    }

    /// Catches: a folder without data that is taken for a measurement.
    #[test]
    fn an_empty_folder_is_refused_with_what_it_should_hold() {
        let folder = tempfile::tempdir().expect("a folder");
        let refused = evaluate_intents(folder.path(), &never).expect_err("nothing there");
        assert!(refused.to_string().contains("banking77_train"), "{refused}");
    }

    fn write(folder: &Path, name: &str, text: &str) {
        fs::create_dir_all(folder.join("intents")).expect("a folder");
        fs::write(folder.join("intents").join(name), text).expect("it writes");
    }

    /// Catches: test questions that are learnt from, and a set that is left out without a word.
    #[test]
    fn a_set_is_learnt_from_one_file_and_held_to_the_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut train = "text,category\n".to_owned();
        for n in 0..30 {
            train.push_str(&format!("where is card {n} of mine,card\n"));
            train.push_str(&format!("my money {n} is gone,money\n"));
        }
        write(folder.path(), "banking77_train.csv", &train);
        let test = "text,category\nis this my card,card\nmoney gone,money\nxyzzy,money\n";
        write(folder.path(), "banking77_test.csv", test);
        let report = evaluate_intents(folder.path(), &never).expect("it is there");
        let of_set = &report.evaluations[0];
        assert_eq!((of_set.classes, of_set.trained_with), (2, 60));
        assert_eq!(of_set.scored.examples, 3);
        assert!(of_set.scored.accuracy >= 0.6, "{of_set:?}");
        assert_eq!(report.missing, ["CLINC150", "Bitext"]);
        let text = report.to_string();
        assert!(text.contains("| BANKING77"), "{text}");
        assert!(text.contains("skipped: CLINC150"), "{text}");
    }

    /// Catches: a broken file, or half a set, that is measured as far as it goes.
    #[test]
    fn what_is_broken_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "clinc150_data_full.json", "{\"train\": 7}");
        let refused = evaluate_intents(folder.path(), &never).expect_err("broken");
        assert!(
            refused.to_string().contains("clinc150_data_full"),
            "{refused}"
        );
        let folder = tempfile::tempdir().expect("a folder");
        write(
            folder.path(),
            "banking77_train.csv",
            "text,category\nhello,a\nhi,a\n",
        );
        let refused = evaluate_intents(folder.path(), &never).expect_err("half a set");
        assert!(refused.to_string().contains("banking77_test"), "{refused}");
        write(
            folder.path(),
            "banking77_test.csv",
            "text,category\nhello,a\n",
        );
        let refused = evaluate_intents(folder.path(), &never).expect_err("one class");
        assert!(
            refused.to_string().contains("at least two labels"),
            "{refused}"
        );
        write(
            folder.path(),
            "banking77_train.csv",
            "text,category\nhello\n",
        );
        let refused = evaluate_intents(folder.path(), &never).expect_err("a broken line");
        assert!(
            refused.to_string().contains("line 2 (no label)"),
            "{refused}"
        );
    }
}
