//! The kept bytes: reading them, holding today's code against them, adding to them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mercato::persistence::{EventData, Position, Snapshot};
use mercato::{EventForm, EventSchema, EventViews, Kinds, ViewError};
use serde_json::Value;

use crate::schema::files::{
    File, Kept, Upcast, entries, file_name, files_in, from_hex, kept, read, upcast_file, write,
};
use crate::schema::words;

/// The name under which an agent's state is kept.
const STATE: &str = "state";

/// Stored bytes to begin a file with.
#[derive(Debug, Default)]
pub struct Samples {
    /// By owner and name.
    pub events: BTreeMap<(String, String), Vec<u8>>,
    /// By owner; each with a label, empty where there is one state only.
    pub states: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
}

pub struct Corpus {
    folder: PathBuf,
    views: EventViews,
    kinds: Vec<Kinds>,
}

impl Corpus {
    pub fn in_folder(folder: &Path, views: EventViews) -> Self {
        Self {
            folder: folder.to_owned(),
            kinds: views.kinds().collect(),
            views,
        }
    }

    /// The same for one owner alone.
    pub fn of(mut self, owner: &str) -> Self {
        self.kinds.retain(|kinds| kinds.owner == owner);
        self
    }

    /// Everything that today's code does otherwise than the corpus says, in words.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let owners: BTreeSet<&str> = self.kinds.iter().map(|kinds| kinds.owner).collect();
        for folder in entries(&self.folder).filter(|path| path.is_dir()) {
            let owner = file_name(&folder);
            if !owners.contains(owner.as_str()) {
                problems.push(words::nobody(&owner));
            }
        }
        for kinds in &self.kinds {
            let files = files_in(&self.folder.join(kinds.owner));
            for file in &files {
                problems.extend(if file.1.name == STATE {
                    self.state_problems(kinds, &file.1)
                } else {
                    self.event_problems(kinds, file)
                });
            }
            for form in lacking(kinds, &files) {
                let current = kinds.events.iter().any(|schema| schema.current == form);
                problems.push(words::no_file(
                    kinds.owner,
                    form,
                    current || form.name == STATE,
                ));
            }
        }
        problems
    }

    fn event_problems(&self, kinds: &Kinds, (path, kept): &File) -> Vec<String> {
        let is_this = |form: EventForm| form.name == kept.name && form.version == kept.version;
        let mut schemas = kinds.events.iter();
        let Some(schema) = schemas.find(|schema| schema.readable().any(is_this)) else {
            let same_name = |schema: &&EventSchema| schema.current.name == kept.name;
            let today = kinds.events.iter().find(same_name);
            return vec![words::unread(kinds.owner, kept, today)];
        };
        let current = is_this(schema.current);
        let (stream, event) = kept.stored_by(kinds.owner);
        let (layout, read) = self.views.layout(&stream, &event).expect("a known owner");
        let changes = kept.layout.changes(&layout);
        if !changes.is_empty() {
            let words = |change: &String| match current {
                true => words::changed(kinds.owner, kept, change),
                false => words::old_changed(kinds.owner, kept, change),
            };
            return changes.iter().map(words).collect();
        }
        let read = read.map_err(ViewError::from);
        let read = read.and_then(|()| self.views.view(&stream, &event));
        let view = match read {
            Ok(view) => as_read_back(&view),
            Err(error) => return vec![words::unreadable(kinds.owner, kept, &error)],
        };
        let today = self.views.as_of_today(&stream, &event).expect("it is read");
        if !current {
            let is = Upcast {
                name: today.name.into(),
                version: today.version,
                view,
            };
            return upcast_problem(kinds.owner, kept, path, &is);
        }
        let mut problems = Vec::new();
        if let Some(difference) = words::difference("", &kept.view, &view) {
            problems.push(words::changed(kinds.owner, kept, &difference));
        }
        if today.payload != event.payload {
            problems.push(words::written_otherwise(kinds.owner, kept));
        }
        problems
    }

    fn state_problems(&self, kinds: &Kinds, kept: &Kept) -> Vec<String> {
        if kinds.state_version != Some(kept.version) {
            // The runtime sets it aside, so nothing reads it.
            return Vec::new();
        }
        let snapshot = snapshot(kinds.owner, kept.version, from_hex(&kept.payload));
        let layout = self.views.state_layout(&snapshot);
        let (layout, read) = layout.expect("a known owner and version");
        let changes = kept.layout.changes(&layout);
        if !changes.is_empty() {
            let words = |change: &String| words::state_changed(kinds.owner, kept, change);
            return changes.iter().map(words).collect();
        }
        let read = read.map_err(ViewError::from);
        let view = match read.and_then(|()| self.views.state(&snapshot)) {
            Ok(view) => as_read_back(&view),
            Err(error) => {
                return vec![words::state_changed(kinds.owner, kept, &error.to_string())];
            }
        };
        let difference = words::difference("", &kept.view, &view).or_else(|| {
            let today = self.views.state_as_of_today(&snapshot).expect("it is read");
            (today != snapshot.state).then(|| "it is written otherwise than it was".to_owned())
        });
        let words = |change: String| words::state_changed(kinds.owner, kept, &change);
        difference.map(words).into_iter().collect()
    }

    /// Writes what is missing, and changes nothing that is there. `samples` is asked only where
    /// bytes are needed.
    pub fn add(&self, samples: impl FnOnce() -> Samples) {
        let mut samples = Some(samples);
        let mut found = Samples::default();
        for kinds in &self.kinds {
            let folder = self.folder.join(kinds.owner);
            std::fs::create_dir_all(&folder).expect("a folder");
            let files = files_in(&self.folder.join(kinds.owner));
            for (path, kept) in &files {
                self.add_upcast(kinds, path, kept);
            }
            for form in lacking(kinds, &files) {
                if let Some(samples) = samples.take() {
                    found = samples();
                }
                self.add_files(kinds, form, &found, &folder);
            }
        }
    }

    fn add_files(&self, kinds: &Kinds, form: EventForm, samples: &Samples, folder: &Path) {
        let EventForm { name, version } = form;
        if name == STATE {
            let states = samples.states.get(kinds.owner).into_iter().flatten();
            for (label, bytes) in states {
                let snapshot = snapshot(kinds.owner, version, bytes.clone());
                let (layout, read) = self.views.state_layout(&snapshot).expect("a known owner");
                read.expect("a sample of today");
                let view = self.views.state(&snapshot).expect("it is read");
                let file = match label.as_str() {
                    "" => format!("{STATE}.v{version}.json"),
                    label => format!("{STATE}-{label}.v{version}.json"),
                };
                write(
                    &folder.join(file),
                    &kept(name, version, bytes, layout, view),
                );
            }
            return;
        }
        let is_current = kinds.events.iter().any(|schema| schema.current == form);
        let key = (kinds.owner.to_owned(), name.to_owned());
        let Some(payload) = samples.events.get(&key).filter(|_| is_current) else {
            return;
        };
        let stream = format!("{}/corpus", kinds.owner);
        let event = EventData {
            name: name.into(),
            version,
            payload: payload.clone(),
        };
        let (layout, read) = self.views.layout(&stream, &event).expect("a known owner");
        read.expect("a sample of today");
        let view = self.views.view(&stream, &event).expect("it is read");
        let file = folder.join(format!("{name}.v{version}.json"));
        write(&file, &kept(name, version, payload, layout, view));
    }

    fn add_upcast(&self, kinds: &Kinds, path: &Path, kept: &Kept) {
        let file = upcast_file(path);
        let is_current = kinds.events.iter().any(|schema| {
            schema.current.name == kept.name && schema.current.version == kept.version
        });
        if kept.name == STATE || is_current || file.exists() {
            return;
        }
        let (stream, event) = kept.stored_by(kinds.owner);
        // Where it is not read at all, the check says so.
        let Ok(view) = self.views.view(&stream, &event) else {
            return;
        };
        let today = self.views.as_of_today(&stream, &event).expect("it is read");
        let upcast = Upcast {
            name: today.name.into(),
            version: today.version,
            view,
        };
        write(&file, &upcast);
    }
}

fn upcast_problem(owner: &str, kept: &Kept, path: &Path, is: &Upcast) -> Vec<String> {
    let file = upcast_file(path);
    if !file.exists() {
        return vec![words::no_upcast(owner, kept)];
    }
    let was: Upcast = read(&file);
    if was == *is {
        return Vec::new();
    }
    let difference = words::difference("", &was.view, &is.view)
        .unwrap_or_else(|| format!("it was {} v{}", was.name, was.version));
    vec![words::upcast_differs(
        owner,
        kept,
        &difference,
        &file_name(&file),
    )]
}

/// The forms that are read today and of which no bytes are kept.
fn lacking(kinds: &Kinds, files: &[File]) -> Vec<EventForm> {
    let state = kinds.state_version.map(|version| EventForm {
        name: STATE,
        version,
    });
    let events = kinds.events.iter().flat_map(EventSchema::readable);
    events
        .chain(state)
        .filter(|form| {
            let is_kept = |(_, kept): &File| kept.name == form.name && kept.version == form.version;
            !files.iter().any(is_kept)
        })
        .collect()
}

fn snapshot(owner: &str, state_version: u16, state: Vec<u8>) -> Snapshot {
    Snapshot {
        stream: format!("{owner}/corpus").into(),
        state_version,
        stream_version: 0,
        position: Position::START,
        state,
    }
}

/// A view as it comes back from a file, where the last digit of a fraction may differ.
fn as_read_back(view: &Value) -> Value {
    serde_json::from_str(&view.to_string()).expect("json reads what it wrote")
}
