//! Reads a file, and tells where in it something stands.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::problem::{ConfigError, Origin};

/// The largest configuration file.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// A file's text, and its name for messages.
#[derive(Debug)]
pub(crate) struct Text {
    file: Arc<str>,
    pub(crate) text: String,
}

impl Text {
    pub(crate) fn new(file: &str, text: String) -> Self {
        Self {
            file: file.into(),
            text,
        }
    }

    /// Reads a file that is one, is no larger than a configuration is, and holds text.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |problem: String| ConfigError::Unreadable {
            file: path.to_owned(),
            problem,
        };
        let refused = |error: std::io::Error| {
            unreadable(format!(
                "{error}; name a configuration file that can be read"
            ))
        };
        let metadata = std::fs::metadata(path).map_err(refused)?;
        if !metadata.is_file() {
            let is = if metadata.is_dir() {
                "a folder"
            } else {
                "no plain file"
            };
            return Err(unreadable(format!("is {is}; name a configuration file")));
        }
        let mut bytes = Vec::new();
        // One byte more than allowed tells a file that grew since it was looked at.
        let mut file = File::open(path).map_err(refused)?.take(FILE_BYTES_MAX + 1);
        file.read_to_end(&mut bytes).map_err(refused)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(unreadable(
                "is larger than 1 MiB; a configuration is smaller, so name another file".into(),
            ));
        }
        let name = path.display().to_string();
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(&name, text)),
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let before = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
                let (line, column) = line_and_column(&before, before.len());
                Err(unreadable(format!(
                    "line {line}, column {column} is no UTF-8 text; save the file as UTF-8"
                )))
            }
        }
    }

    pub(crate) fn place(&self, offset: usize) -> Origin {
        let (line, column) = line_and_column(&self.text, offset);
        Origin::File {
            file: self.file.clone(),
            line,
            column,
        }
    }
}

/// Lines and columns are counted from 1, columns in characters.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}
