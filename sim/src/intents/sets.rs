//! The labelled questions, as their authors split them.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use mercato_actors::intents::{Labelled, OUT_OF_SCOPE, read_labelled};
use serde::Deserialize;

use super::IntentsError;

pub(super) const NAMES: &str = "intents/banking77_train.csv, intents/clinc150_data_full.json and \
                                intents/bitext_customer_service_train.csv";

type Load = fn(&Path) -> Result<Option<Set>, IntentsError>;
pub(super) const LOADERS: [(&str, Load); 3] = [
    (BANKING, |folder| csv_set(BANKING, "banking77", folder)),
    (CLINC, clinc),
    (BITEXT, |folder| {
        csv_set(BITEXT, "bitext_customer_service", folder)
    }),
];

pub(super) const BANKING: &str = "BANKING77";
pub(super) const CLINC: &str = "CLINC150";
pub(super) const BITEXT: &str = "Bitext";

/// The largest file that is read, uncompressed.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub(super) struct Set {
    pub(super) name: &'static str,
    pub(super) train: Vec<Labelled>,
    pub(super) test: Vec<Labelled>,
    /// Test questions that no class is for.
    pub(super) strange: Vec<Labelled>,
}

/// A set of two files, `STEM_train.csv` and `STEM_test.csv`; `None` without the first.
fn csv_set(name: &'static str, stem: &str, folder: &Path) -> Result<Option<Set>, IntentsError> {
    let Some(train) = find(folder, &format!("{stem}_train.csv")) else {
        return Ok(None);
    };
    let test = format!("{stem}_test.csv");
    let Some(test) = find(folder, &test) else {
        return Err(IntentsError::File {
            file: folder.join("intents").join(test),
            problem: "there is no such file; fetch it, too".to_owned(),
        });
    };
    Ok(Some(Set {
        name,
        train: labelled(&train)?,
        test: labelled(&test)?,
        strange: Vec::new(),
    }))
}

pub(super) fn labelled(path: &Path) -> Result<Vec<Labelled>, IntentsError> {
    let read = read_labelled(open(path)?);
    read.map_err(|error| broken(path, &error))
}

/// CLINC150 has all its parts in one file of JSON, each a list of questions with their labels.
fn clinc(folder: &Path) -> Result<Option<Set>, IntentsError> {
    #[derive(Deserialize)]
    struct Parts {
        train: Vec<(String, String)>,
        test: Vec<(String, String)>,
        oos_train: Vec<(String, String)>,
        oos_test: Vec<(String, String)>,
    }
    let Some(path) = find(folder, "clinc150_data_full.json") else {
        return Ok(None);
    };
    let parts: Parts = serde_json::from_reader(BufReader::new(open(&path)?))
        .map_err(|error| broken(&path, &format!("{error}; fetch it again")))?;
    let labelled = |part: Vec<(String, String)>| {
        let part = part.into_iter();
        part.map(|(text, label)| Labelled { text, label })
    };
    let strange = |part| {
        labelled(part).map(|question| Labelled {
            label: OUT_OF_SCOPE.to_owned(),
            ..question
        })
    };
    Ok(Some(Set {
        name: CLINC,
        train: labelled(parts.train)
            .chain(strange(parts.oos_train))
            .collect(),
        test: labelled(parts.test).collect(),
        strange: strange(parts.oos_test).collect(),
    }))
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let plain = folder.join("intents").join(name);
    let packed = folder.join("intents").join(format!("{name}.zst"));
    [plain, packed].into_iter().find(|path| path.is_file())
}

fn open(path: &Path) -> Result<Box<dyn Read>, IntentsError> {
    let file = File::open(path).map_err(|error| broken(path, &error))?;
    let packed = path.extension().is_some_and(|extension| extension == "zst");
    let read: Box<dyn Read> = match packed {
        true => Box::new(zstd::Decoder::new(file).map_err(|error| broken(path, &error))?),
        false => Box::new(file),
    };
    Ok(Box::new(read.take(FILE_BYTES_MAX)))
}

fn broken(path: &Path, problem: &dyn std::fmt::Display) -> IntentsError {
    IntentsError::File {
        file: path.to_owned(),
        problem: problem.to_string(),
    }
}
