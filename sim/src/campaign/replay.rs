//! Files with real campaigns.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::CampaignBenchError;

/// What the folder may hold, each plain or as `.zst`.
pub(super) const FILES: [&str; 3] = [
    "hillstrom_email.csv",
    "open_bandit_random_men.csv",
    "cdnow_master.txt",
];

/// The largest file that is read, uncompressed.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A file of the folder, plain or compressed.
pub(super) fn find(folder: &Path, file: &str) -> Option<PathBuf> {
    let compressed = folder.join(format!("{file}.zst"));
    [folder.join(file), compressed]
        .into_iter()
        .find(|path| path.is_file())
}

/// The content of a file, plain or compressed.
pub(super) fn text(path: &Path) -> Result<String, CampaignBenchError> {
    let read = || -> std::io::Result<String> {
        let file = File::open(path)?;
        let mut text = String::new();
        let plain: Box<dyn Read> = match path.extension() {
            Some(extension) if extension == "zst" => Box::new(zstd::Decoder::new(file)?),
            _ => Box::new(file),
        };
        plain.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
        Ok(text)
    };
    read().map_err(|error| problem(path, &error))
}

pub(super) fn problem(path: &Path, problem: &impl std::fmt::Display) -> CampaignBenchError {
    CampaignBenchError::File {
        file: path.to_owned(),
        problem: problem.to_string(),
    }
}

/// The columns of a table with these names, row by row.
pub(super) fn columns<const N: usize>(
    path: &Path,
    names: [&str; N],
) -> Result<Vec<[String; N]>, CampaignBenchError> {
    let text = text(path)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader
        .headers()
        .map_err(|error| problem(path, &error))?
        .clone();
    let mut places = [0; N];
    for (place, name) in places.iter_mut().zip(names) {
        let found = header.iter().position(|column| column == name);
        *place = found.ok_or_else(|| problem(path, &format!("has no column {name}")))?;
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| problem(path, &error))?;
        rows.push(places.map(|place| record.get(place).unwrap_or_default().to_owned()));
    }
    if rows.is_empty() {
        return Err(problem(path, &"has no rows"));
    }
    Ok(rows)
}

/// A number of a row, or which row has none.
pub(super) fn number<T: std::str::FromStr>(
    path: &Path,
    row: usize,
    text: &str,
) -> Result<T, CampaignBenchError> {
    let wrong = || {
        problem(
            path,
            &format!("row {} has `{text}` where a number belongs", row + 2),
        )
    };
    text.trim().parse().map_err(|_| wrong())
}
