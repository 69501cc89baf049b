//! The files of the corpus.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mercato::Layout;
use mercato::persistence::EventData;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One file: a stored event or state, written once and never changed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    pub name: String,
    pub version: u16,
    /// The stored bytes, in hexadecimal.
    pub payload: String,
    /// How they were read when the file was written.
    pub layout: Layout,
    /// What they meant then.
    pub view: Value,
}

/// What an older form becomes today. Rewritten whenever that is meant to change.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Upcast {
    pub name: String,
    pub version: u16,
    pub view: Value,
}

pub type File = (PathBuf, Kept);

impl Kept {
    /// The event as it would stand in a journal, with its stream.
    pub fn stored_by(&self, owner: &str) -> (String, EventData) {
        let event = EventData {
            name: self.name.clone().into(),
            version: self.version,
            payload: from_hex(&self.payload),
        };
        (format!("{owner}/corpus"), event)
    }
}

/// What is kept of one owner, in the order of the files' names.
pub fn files_in(folder: &Path) -> Vec<File> {
    entries(folder)
        .filter(|path| {
            let name = file_name(path);
            name.ends_with(".json") && !name.ends_with(".upcast.json")
        })
        .map(|path| (path.clone(), read(&path)))
        .collect()
}

pub fn kept(name: &str, version: u16, payload: &[u8], layout: Layout, view: Value) -> Kept {
    Kept {
        name: name.to_owned(),
        version,
        payload: payload.iter().map(|byte| format!("{byte:02x}")).collect(),
        layout,
        view,
    }
}

pub fn from_hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(text.get(at..at + 2).unwrap_or("?"), 16);
    (0..text.len())
        .step_by(2)
        .map(|at| digit(at).expect("hexadecimal"))
        .collect()
}

pub fn upcast_file(path: &Path) -> PathBuf {
    path.with_extension("upcast.json")
}

pub fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

pub fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths: BTreeSet<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.into_iter()
}

pub fn read<T: DeserializeOwned>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).expect("a file of the corpus");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn write(path: &Path, file: &impl Serialize) {
    assert!(!path.exists(), "{} is kept as it is", path.display());
    let text = serde_json::to_string_pretty(file).expect("it has a form in json");
    std::fs::write(path, text + "\n").expect("the file is written");
}
