//! Secrets stand in no configuration: it says where they are.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The largest secret.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Where a secret is: `{ env = "PAYMENTS_KEY" }` or `{ file = "/run/secrets/payments" }`. There is no
/// way to write the secret itself.
///
/// ```
/// use mercato_config::SecretSource;
///
/// let source: SecretSource = serde_json::from_str(r#"{ "env": "PAYMENTS_KEY" }"#)?;
/// let found = |name: &str| (name == "PAYMENTS_KEY").then(|| "sk_live".to_owned());
/// let secret = source.resolve(found)?;
/// assert_eq!(secret.expose(), "sk_live");
/// assert_eq!(format!("{secret:?}"), "Secret(not shown)");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(extend("writeOnly" = true))]
pub enum SecretSource {
    /// In this environment variable.
    Env(String),
    /// In this file, of at most 64 KiB of text. A line break at its end does not count.
    File(PathBuf),
}

/// A secret. It is shown nowhere, and wiped from memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The secret itself, for whoever shows it to the one that it is for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// Why there is no secret. What was found instead is not told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The variable is not set, or is empty.
    #[error("the environment variable {0} is not set; set it to the secret")]
    Unset(String),
    /// The file cannot be read as a secret.
    #[error("{}: {problem}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it, and how to go on.
        problem: String,
    },
}

impl SecretSource {
    /// Fetches the secret; environment variables are looked up by `variable`.
    ///
    /// # Errors
    /// When it is not there, or is no text.
    pub fn resolve(
        &self,
        variable: impl FnOnce(&str) -> Option<String>,
    ) -> Result<Secret, SecretError> {
        match self {
            Self::Env(name) => variable(name)
                .filter(|it| !it.is_empty())
                .map(|it| Secret(Zeroizing::new(it)))
                .ok_or_else(|| SecretError::Unset(name.clone())),
            Self::File(path) => {
                let refused = |problem: String| SecretError::File {
                    file: path.clone(),
                    problem,
                };
                let mut text = Zeroizing::new(String::new());
                std::fs::File::open(path)
                    .and_then(|file| file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text))
                    .map_err(|error| {
                        refused(format!("{error}; name a file of text that can be read"))
                    })?;
                if text.len() as u64 > SECRET_BYTES_MAX {
                    return Err(refused("is larger than 64 KiB; name another file".into()));
                }
                let secret = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
                if secret.is_empty() {
                    return Err(refused("is empty; write the secret into it".into()));
                }
                Ok(Secret(secret))
            }
        }
    }
}
