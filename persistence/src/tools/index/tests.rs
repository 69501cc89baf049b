//! Whatever stands beside the records and does not fit them is named.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use crate::block::{Hashed, Link, OpenBlock};
use crate::front::{Group, Head, HeadsToWrite};
use crate::options::JournalOptions;
use crate::record::{Append, Mark, Position, Snapshot, TimerChange};
use crate::simulated_disk::SimulatedDisk;
use crate::store::Store;
use crate::stored::encode_append;
use crate::tools::verify::check;

const FIRST: Position = Position::new(1);

/// One append to `a`, which leaves it unfinished and sets a timer; all that belongs to it, and what
/// `spoil` makes of that.
fn problems(spoil: impl FnOnce(&mut Group)) -> Vec<String> {
    let set = TimerChange::Set {
        name: "late".into(),
        due_at_ms: 7,
        payload: vec![1],
    };
    let append = Append {
        mark: Some(Mark::Open),
        timers: vec![set],
        ..Append::to("a", 0, 0)
    };
    let link = Link {
        previous: Position::START,
        open: true,
    };
    let mut block = OpenBlock::starting_at(FIRST);
    block.push(&Hashed::new(encode_append(&append).expect("bytes")), link);
    let head = Head {
        version: 0,
        last: FIRST,
        open: true,
    };
    let mut group = Group {
        blocks: vec![Arc::new(block.close(FIRST))],
        heads: HeadsToWrite {
            rows: vec![("a".into(), head)],
            checkpoint: FIRST,
        },
        timers: [(("a".into(), "late".into()), Some((7, vec![1])))].into(),
        snapshots: vec![snapshot(0, FIRST)],
        cursors: vec![("reader".into(), FIRST)],
        checkpoint: Some(FIRST),
        ..Group::default()
    };
    spoil(&mut group);
    let options = JournalOptions::default();
    let store = Store::on(Path::new("(disk)"), SimulatedDisk::new(1), &options);
    let store = store.expect("an empty disk");
    store.commit(&group).expect("a good disk");
    check(&store, &mut |_| {}).expect("it can be read").problems
}

fn snapshot(stream_version: u64, position: Position) -> Snapshot {
    Snapshot {
        stream: "a".into(),
        state_version: 1,
        stream_version,
        position,
        state: Vec::new(),
    }
}

/// Sees exactly one problem, which says `what`.
fn check_found(spoil: impl FnOnce(&mut Group), what: &str) {
    let problems = problems(spoil);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].contains(what), "{problems:#?}");
}

#[test]
fn what_fits_is_no_problem() {
    assert_eq!(problems(|_| {}), Vec::<String>::new());
}

/// Catches: a timer that never fires, fires at another time, or says something else.
#[test]
fn timers_are_those_of_the_records() {
    check_found(
        |group| group.timers.clear(),
        "timer `late` of stream `a` is missing",
    );
    let key = || ("a".into(), "late".into());
    let change = |timer| move |group: &mut Group| drop(group.timers.insert(key(), Some(timer)));
    check_found(change((8, vec![1])), "is not as the records set it");
    check_found(change((7, vec![2])), "is not as the records set it");
    let other = |group: &mut Group| {
        let key = ("a".into(), "other".into());
        group.timers.insert(key, Some((7, vec![1])));
    };
    check_found(
        other,
        "timer `other` of stream `a` is not as the records set it",
    );
}

#[test]
fn no_cursor_is_ahead_of_the_records() {
    let ahead = |group: &mut Group| group.cursors[0].1 = FIRST.next();
    check_found(
        ahead,
        "cursor `reader` stands at position 2, beyond the last record at 1",
    );
}

/// Catches: a snapshot that a shard would trust, and that holds what never happened.
#[test]
fn no_snapshot_sums_up_more_than_the_records() {
    let what = "the snapshot of stream `a` sums up";
    check_found(|group| group.snapshots = vec![snapshot(1, FIRST)], what);
    check_found(
        |group| group.snapshots = vec![snapshot(0, FIRST.next())],
        what,
    );
    let of_nobody = |group: &mut Group| group.snapshots[0].stream = "b".into();
    check_found(of_nobody, "the snapshot of stream `b` sums up");
}
