//! What is wrong with a configuration, where, and how to mend it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::key::Key;

/// More problems than this are not told one by one.
pub(crate) const PROBLEMS_MAX: usize = 100;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Nobody said anything: the code's own default.
    Default,
    /// The file.
    File {
        /// Its name, as it was given.
        file: Arc<str>,
        /// The line; the first is 1.
        line: usize,
        /// The column in characters; the first is 1.
        column: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        variable: Arc<str>,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::Environment { variable } => write!(f, "environment {variable}"),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it was said.
    pub place: Origin,
    /// Of which value; the empty key where the text itself cannot be read.
    pub key: Key,
    /// What is wrong with it.
    pub what: String,
    /// How to mend it.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            key,
            what,
            remedy,
        } = self;
        match place {
            Origin::Default => {}
            place => write!(f, "{place}: ")?,
        }
        if !key.steps().is_empty() {
            write!(f, "{key} ")?;
        }
        write!(f, "{what}; {remedy}")
    }
}

/// Gathers what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    list: Vec<Problem>,
}

impl Problems {
    pub(crate) fn add(&mut self, place: Origin, key: Key, what: String, remedy: String) {
        self.list.push(Problem {
            place,
            key,
            what,
            remedy,
        });
    }

    /// Whether something at or under this key was found wrong.
    pub(crate) fn any_under(&self, key: &Key) -> bool {
        self.list.iter().any(|it| key.is_around(&it.key))
    }

    /// Whether there are enough of them.
    pub(crate) fn full(&self) -> bool {
        self.list.len() >= PROBLEMS_MAX
    }

    /// In the order of the file, then of the environment.
    pub(crate) fn into_result(self) -> Result<(), InvalidConfig> {
        if self.list.is_empty() {
            return Ok(());
        }
        let sorted: BTreeSet<Problem> = self.list.into_iter().collect();
        let untold = sorted.len().saturating_sub(PROBLEMS_MAX);
        Err(InvalidConfig {
            problems: sorted.into_iter().take(PROBLEMS_MAX).collect(),
            untold,
        })
    }
}

/// A configuration that cannot be used, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidConfig {
    /// Never empty; in the order of the file, then of the environment.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub untold: usize,
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len() + self.untold;
        let mistakes = if count == 1 { "mistake" } else { "mistakes" };
        write!(f, "the configuration has {count} {mistakes}")?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        if self.untold > 0 {
            write!(f, "\n  and {} more; mend these first", self.untold)?;
        }
        Ok(())
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {problem}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it, and how to go on.
        problem: String,
    },
    /// It was read, and cannot be used.
    #[error(transparent)]
    Invalid(#[from] InvalidConfig),
}
