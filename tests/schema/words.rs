//! What to say to a person whose change broke something, and what to do.

use std::fmt::Display;

use mercato::{EventForm, EventSchema};
use serde_json::Value;

use crate::schema::files::Kept;

const ADD: &str = "MERCATO_CORPUS=add cargo test --test promises schema";

fn form(owner: &str, kept: &Kept) -> String {
    format!("`{}` v{} of `{owner}`", kept.name, kept.version)
}

fn with_upcaster(kept: &Kept) -> String {
    let Kept { name, version, .. } = kept;
    let next = u32::from(*version) + 1;
    format!(
        "raise the version to {next}, keep the struct as it was under another name, and add an \
         upcaster: `{name}: {next} from {{ {version} => {name}V{version} }}`"
    )
}

pub fn changed(owner: &str, kept: &Kept, change: &str) -> String {
    format!(
        "{}: {change}. Events of this version are in journals that exist. Give the struct back \
         what it had, or {}",
        form(owner, kept),
        with_upcaster(kept)
    )
}

pub fn unreadable(owner: &str, kept: &Kept, error: &dyn Display) -> String {
    changed(owner, kept, &error.to_string())
}

pub fn written_otherwise(owner: &str, kept: &Kept) -> String {
    let change = "it is read as it was, and written otherwise";
    changed(owner, kept, change)
}

pub fn old_changed(owner: &str, kept: &Kept, change: &str) -> String {
    format!(
        "{}, in the struct that its upcaster starts from: {change}. An older version never changes \
         again. Give that struct back what it had; what becomes of it today is for `From` to say",
        form(owner, kept)
    )
}

pub fn unread(owner: &str, kept: &Kept, today: Option<&EventSchema>) -> String {
    let Kept { name, version, .. } = kept;
    let advice = match today.map(|schema| schema.current.version) {
        Some(today) if today > *version => {
            format!("add an upcaster: `{name}: {today} from {{ {version} => {name}V{version} }}`")
        }
        Some(today) => format!(
            "the version went down to {today}; versions only grow, so raise it above {version}"
        ),
        None => format!(
            "if the event was renamed, say so: `NewName: 1 from {{ {name}: {version} => \
             {name}V{version} }}`; if it is no longer recorded, keep its struct and let `evolve` \
             accept it"
        ),
    };
    format!(
        "{} is read by nobody. Events of this version are in journals that exist; {advice}",
        form(owner, kept)
    )
}

pub fn no_file(owner: &str, EventForm { name, version }: EventForm, can_be_added: bool) -> String {
    let advice = if can_be_added {
        format!(
            "run `{ADD}`, and commit what it writes; where it writes nothing, give the event a \
             sample in tests/schema/samples.rs first"
        )
    } else {
        "take the file from the commit that still wrote this version: today's code cannot".into()
    };
    format!("there is no corpus file for `{name}` v{version} of `{owner}`; {advice}")
}

pub fn no_upcast(owner: &str, kept: &Kept) -> String {
    format!(
        "{} is older than what is recorded, and no file says what becomes of it today; run \
         `{ADD}`, and read what it writes before you commit it",
        form(owner, kept)
    )
}

pub fn upcast_differs(owner: &str, kept: &Kept, difference: &str, file: &str) -> String {
    format!(
        "{} becomes something else than it did: {difference}. If that is meant, delete {file} and \
         run `{ADD}`; if not, mend the upcaster",
        form(owner, kept)
    )
}

pub fn state_changed(owner: &str, kept: &Kept, change: &str) -> String {
    let version = kept.version;
    let next = u32::from(version) + 1;
    format!(
        "the state of `{owner}`, version {version}: {change}. Snapshots of this version are in \
         journals that exist. Raise the agent's `STATE_VERSION` to {next}: they are then set \
         aside, and the state is made of the events. Then run `{ADD}`"
    )
}

pub fn nobody(owner: &str) -> String {
    format!(
        "nobody reads the streams of `{owner}`, and journals hold them; keep the agent in \
         `mercato_actors::views`, under the name that it had"
    )
}

/// The first thing that is another in two values.
pub fn difference(place: &str, was: &Value, is: &Value) -> Option<String> {
    let inside = |part: &str| match place {
        "" => part.to_owned(),
        place => format!("{place}.{part}"),
    };
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => {
            let gone = was.keys().find(|key| !is.contains_key(*key));
            let new = is.keys().find(|key| !was.contains_key(*key));
            let in_words = |key: &String, what| format!("`{}` is {what}", inside(key));
            gone.map(|key| in_words(key, "gone"))
                .or_else(|| new.map(|key| in_words(key, "new")))
                .or_else(|| {
                    was.iter()
                        .find_map(|(key, was)| difference(&inside(key), was, is.get(key)?))
                })
        }
        (Value::Array(was), Value::Array(is)) if was.len() == is.len() => {
            let pairs = was.iter().zip(is).enumerate();
            pairs
                .into_iter()
                .find_map(|(at, (was, is))| difference(&inside(&at.to_string()), was, is))
        }
        (was, is) if was == is => None,
        (was, is) => Some(format!("`{place}` was {was}, and is {is}")),
    }
}
