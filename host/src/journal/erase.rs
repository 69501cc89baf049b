//! `mercato journal erase`.

use std::fmt::Write;

use mercato_actors::runtime::PersonId;
use mercato_actors::runtime::persistence::{KeysErased, erase};

use super::told;
use crate::args::EraseArgs;
use crate::output::print;

pub(super) fn run(args: &EraseArgs) -> Result<bool, String> {
    let persons = args.person.iter().map(|id| PersonId::new(id.as_str()));
    let persons: Vec<PersonId> = persons
        .collect::<Result<_, _>>()
        .map_err(|error| format!("--person: {error}"))?;
    if !args.yes {
        return Err(format!(
            "an erasure cannot be undone: nobody could read any more what belongs to {}; add --yes to erase",
            listed(&persons)
        ));
    }
    let Some(done) = told(erase(&args.file, &persons))? else {
        return Ok(false);
    };
    print(&text_of(&done).map_err(|error| error.to_string())?)?;
    let unknown = &done.persons.unknown;
    if unknown.is_empty() {
        return Ok(true);
    }
    Err(format!(
        "{} has no key of {}: nothing was ever sealed for such a person; check the id with `mercato journal inspect FILE --person ID`",
        done.keys.display(),
        listed(unknown)
    ))
}

fn text_of(done: &KeysErased) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for person in &done.persons.erased {
        writeln!(
            text,
            "erased {person}: the key is destroyed, and what it sealed can be read by nobody"
        )?;
    }
    for person in &done.persons.before {
        writeln!(text, "{person} was erased before")?;
    }
    let destroyed = done.persons.erased.len();
    if destroyed > 0 {
        writeln!(
            text,
            "rewrote {} without {destroyed} keys, and overwrote the old file",
            done.keys.display()
        )?;
    }
    Ok(text)
}

fn listed(persons: &[PersonId]) -> String {
    let names: Vec<_> = persons.iter().map(PersonId::as_str).collect();
    names.join(", ")
}
