//! A shop's own classifier, as the configuration names it.

use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::intent::{IntentClassifier, IntentModelError};
use super::learn::{IntentModel, ModelFileError};

/// A file that `mercato support train` wrote, with the classifier that was read from it.
///
/// It is read when it is named, once: what names it has a classifier that can be used, or is refused
/// before anything starts. The agent reads nothing. A file that is exchanged later counts with the
/// next start.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "PathBuf", into = "PathBuf")]
#[schemars(extend("format" = "file"))]
pub struct IntentFile {
    path: PathBuf,
    classifier: IntentClassifier,
}

/// Why the shop cannot go by the model in a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntentFileError {
    /// The file has no model that can be read.
    #[error("{}: {problem}", file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it, and how to go on.
        problem: ModelFileError,
    },
    /// The model is one of something else.
    #[error("{}: {problem}", file.display())]
    Model {
        /// Which file.
        file: PathBuf,
        /// What is wrong with the model, and how to go on.
        problem: IntentModelError,
    },
}

impl IntentFile {
    /// Reads the model in this file. A relative path begins in the folder that the program was started
    /// in.
    ///
    /// # Errors
    /// When the file cannot be read, holds no model, or one with labels that are no
    /// [`Intent`](super::Intent).
    pub fn read(path: impl Into<PathBuf>) -> Result<Self, IntentFileError> {
        let path = path.into();
        let model = match IntentModel::read(&path) {
            Ok(model) => model,
            Err(problem) => {
                return Err(IntentFileError::File {
                    file: path,
                    problem,
                });
            }
        };
        match IntentClassifier::from_model(model) {
            Ok(classifier) => Ok(Self { path, classifier }),
            Err(problem) => Err(IntentFileError::Model {
                file: path,
                problem,
            }),
        }
    }

    /// Which file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The classifier that goes by it.
    #[must_use]
    pub fn classifier(&self) -> &IntentClassifier {
        &self.classifier
    }
}

/// The same file is named. What was in it when it was read is not looked at.
impl PartialEq for IntentFile {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

/// Without the model's numbers, of which there are millions.
impl fmt::Debug for IntentFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntentFile").field(&self.path).finish()
    }
}

impl TryFrom<PathBuf> for IntentFile {
    type Error = IntentFileError;

    fn try_from(path: PathBuf) -> Result<Self, IntentFileError> {
        Self::read(path)
    }
}

impl From<IntentFile> for PathBuf {
    fn from(file: IntentFile) -> Self {
        file.path
    }
}
