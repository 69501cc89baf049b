//! A journal comes to be whole or not at all: what an earlier cut left under the temporary name
//! neither hinders nor is ever taken for the journal.

use std::fs;
use std::path::Path;

use crate::common::{incarnation, log, one_event, open, settle};
use mercato_persistence::{Journal, OpenError};

async fn one_record(path: &Path) {
    let journal = open(path).expect("a journal");
    settle(&journal, one_event("a", 0)).await;
    journal.close().await.expect("a good disk");
}

/// Opens a journal beside what `leave` put under its temporary name, and finds it new and empty.
fn check_new_beside(leave: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.journal");
    let partial = folder.path().join("shop.journal.creating");
    leave(&partial);
    incarnation(async {
        let journal = open(&path).expect("a new journal");
        assert_eq!(log(&journal), []);
        assert!(!partial.exists(), "it is moved into place, or away");
        settle(&journal, one_event("a", 0)).await;
    });
}

#[test]
fn beside_nothing() {
    check_new_beside(|_| {});
}

#[test]
fn beside_a_torn_creation() {
    check_new_beside(|partial| fs::write(partial, [0; 5_000]).expect("a file"));
}

#[test]
fn beside_a_whole_journal_that_was_never_moved_into_place() {
    check_new_beside(|partial| incarnation(one_record(partial)));
}

#[test]
fn an_existing_journal_is_opened_and_not_created_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.journal");
    incarnation(one_record(&path));
    fs::write(folder.path().join("shop.journal.creating"), "left over").expect("a file");
    let found = incarnation(async { log(&open(&path).expect("a journal")) });
    assert_eq!(found.len(), 1);
}

/// Catches: a process that throws away what another one is creating at that moment.
#[test]
fn what_somebody_else_is_creating_is_left_to_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.journal");
    incarnation(async {
        let theirs = open(&folder.path().join("shop.journal.creating")).expect("a journal");
        let refused = open(&path).expect_err("it is being created");
        assert!(matches!(refused, OpenError::Locked { .. }), "{refused:?}");
        assert!(!path.exists());
        settle(&theirs, one_event("a", 0)).await;
    });
}

/// Catches: a journal that is laid out under its own name, where a cut would leave half of one.
#[test]
fn nothing_stands_under_its_name_before_it_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.journal");
    // Something that cannot be moved away keeps it from being whole.
    let partial = folder.path().join("shop.journal.creating");
    fs::create_dir(&partial).expect("a folder");
    let refused = incarnation(async { open(&path).expect_err("it cannot be created") });
    assert!(matches!(refused, OpenError::Io { .. }), "{refused:?}");
    assert!(!path.exists());
}
