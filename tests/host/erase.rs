//! Erasing a person from a shop's journal as an operator does it.

use std::path::Path;
use std::process::Command;

use mercato_actors::EmailAddress;
use mercato_actors::runtime::{PersonId, Personal, Unreadable, Vault};
use serde_json::Value;

use crate::command::{is_refused, mercato, shop, succeeds};

fn erase(store: &Path, persons: &[&str]) -> Command {
    let mut command = mercato();
    command.args(["journal", "erase"]).arg(store);
    for person in persons {
        command.args(["--person", person]);
    }
    command
}

/// Every sealed value of a view, taken for an e-mail address. Most are something else.
fn sealed_in(view: &Value, found: &mut Vec<Personal<EmailAddress>>) {
    if view.get("sealed").is_some() {
        found.extend(serde_json::from_value(view.clone()));
    }
    match view {
        Value::Array(values) => values.iter().for_each(|value| sealed_in(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| sealed_in(value, found)),
        _ => {}
    }
}

/// The e-mail addresses in the journal that can be read.
fn readable(store: &Path) -> Vec<Personal<EmailAddress>> {
    let exported = succeeds(mercato().args(["journal", "export"]).arg(store));
    let mut found = Vec::new();
    for line in exported.lines() {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        sealed_in(&line, &mut found);
    }
    let vault = Vault::existing(Vault::path_beside(store)).expect("the shop has keys");
    found.retain(|sealed| vault.unseal(sealed).is_ok());
    found
}

/// Catches: an erasure that leaves something to read, takes a neighbour along, or touches the
/// journal.
#[test]
fn who_is_erased_can_be_read_nowhere_and_everybody_else_as_before() {
    let (_folder, store) = shop();
    let before = readable(&store);
    let ada = before.first().expect("a customer").person().clone();
    let (theirs, others): (Vec<_>, Vec<_>) =
        (before.iter()).partition(|sealed| *sealed.person() == ada);
    assert!(!theirs.is_empty() && !others.is_empty());

    let refused = is_refused(&mut erase(&store, &[ada.as_str()]));
    assert!(
        refused.contains(ada.as_str()) && refused.contains("add --yes"),
        "{refused}"
    );
    assert_eq!(readable(&store), before, "nothing was erased");

    let journal = || std::fs::read(&store).expect("a file");
    let untouched = journal();
    let told = succeeds(erase(&store, &[ada.as_str()]).arg("--yes"));
    assert!(journal() == untouched, "the journal was changed");
    let erased = format!("erased {ada}: the key is destroyed");
    assert!(told.contains(&erased), "{told}");
    assert!(
        told.contains("rewrote") && told.contains("shop.redb.keys"),
        "{told}"
    );
    let after = readable(&store);
    assert_eq!(after.iter().collect::<Vec<_>>(), others);
    let vault = Vault::existing(Vault::path_beside(&store)).expect("the shop has keys");
    let person = ada.clone();
    assert_eq!(vault.unseal(theirs[0]), Err(Unreadable::Erased { person }));
    drop(vault);
    let report = succeeds(mercato().args(["journal", "verify"]).arg(&store));
    assert!(report.contains("sound"), "{report}");

    let again = succeeds(erase(&store, &[ada.as_str()]).arg("--yes"));
    assert!(
        again.contains(&format!("{ada} was erased before")),
        "{again}"
    );
    assert!(!again.contains("rewrote"), "{again}");
}

/// Catches: a misspelt person, or file, that passes for an erasure.
#[test]
fn what_cannot_be_erased_is_refused_with_its_remedy() {
    let (folder, store) = shop();
    let keys = Vault::path_beside(&store);
    let persons = || Vault::existing(&keys).expect("the shop has keys").persons();
    let before = persons();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("letter.keys"), "to a friend").expect("a file");
    let cases: [(Command, &[&str]); 5] = [
        (
            erase(&store, &["nobody-7"]),
            &["no key of nobody-7", "journal inspect"],
        ),
        (
            erase(&store, &[""]),
            &["--person", "at least one character"],
        ),
        (erase(&store, &[]), &["--person <ID>"]),
        (
            erase(&at("nowhere"), &["nobody-7"]),
            &["nowhere.keys", "put its file of keys back"],
        ),
        (
            erase(&at("letter"), &["nobody-7"]),
            &["holds no persons' keys"],
        ),
    ];
    for (mut command, expected) in cases {
        let refused = is_refused(command.arg("--yes"));
        for part in expected {
            assert!(refused.contains(part), "{command:?}: {refused}");
        }
    }
    assert!(!Vault::path_beside(at("nowhere")).exists());
    assert_eq!(persons(), before);

    // A shop that works has its keys open.
    let open = Vault::existing(&keys).expect("the shop has keys");
    let refused = is_refused(erase(&store, &["nobody-7"]).arg("--yes"));
    assert!(refused.contains("stop that process first"), "{refused}");
    let nobody = PersonId::new("nobody-7").expect("an id");
    assert_eq!(open.has_key(&nobody), Ok(false));
}
