//! Whatever stands beside the records and does not fit them is named.
//!
//! The journal that is spoiled has one append, which carries one of everything.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use crate::block::{Hashed, Link, OpenBlock};
use crate::front::{Chunk, Command, Group, Head, HeadsToWrite};
use crate::options::JournalOptions;
use crate::record::{Append, FirstReply, Mark, Position, Snapshot, TimerChange};
use crate::simulated_disk::SimulatedDisk;
use crate::store::Store;
use crate::stored::encode_append;
use crate::tools::verify::check;

const FIRST: Position = Position::new(1);
const COMMAND: Uuid = Uuid::from_u128(7);

/// One append to `a`, which leaves it unfinished, answers a command and sets a timer; all that
/// belongs to it, and what `spoil` makes of that.
fn problems(spoil: impl FnOnce(&mut Group)) -> Vec<String> {
    let set = TimerChange::Set {
        name: "late".into(),
        due_at_ms: 7,
        payload: vec![1],
    };
    let append = Append {
        command: Some(FirstReply {
            command: COMMAND,
            body_hash: 0,
            reply: Vec::new(),
        }),
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
        commands: Some(chunk(COMMAND, FIRST)),
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

fn chunk(id: Uuid, at: Position) -> Chunk {
    let recorded_at_ms = 0;
    let command = Command {
        id,
        at,
        recorded_at_ms,
    };
    Chunk {
        commands: vec![command],
    }
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

/// Catches: an index that sends a writer, or a reader, to another place than the records do.
#[test]
fn heads_are_those_of_the_records() {
    let change = |head: fn(&mut Head)| {
        move |group: &mut Group| {
            head(&mut group.heads.rows[0].1);
        }
    };
    let what = "the index has stream `a` at version";
    check_found(change(|head| head.version = 1), what);
    check_found(change(|head| head.last = Position::START), what);
    let of_nobody = |group: &mut Group| {
        let head = group.heads.rows[0].1;
        let closed = Head {
            open: false,
            ..head
        };
        group.heads.rows.push(("b".into(), closed));
    };
    check_found(
        of_nobody,
        "the index has a stream `b`, but there is no record of it",
    );
    check_found(
        |group| group.heads.rows.clear(),
        "the index lacks stream `a`",
    );
}

/// Catches: an unfinished stream that nobody would finish.
#[test]
fn the_list_of_unfinished_streams_is_that_of_the_records() {
    let closed = |group: &mut Group| group.heads.rows[0].1.open = false;
    check_found(
        closed,
        "the index has stream `a` at version 0 and position 1 and finished, its records at 0 and 1 and unfinished",
    );
}

/// Catches: a command that would be carried out a second time, because opening the journal would
/// not know it.
#[test]
fn known_commands_are_those_of_the_records() {
    check_found(
        |group| group.commands = None,
        "1 known commands are in no stored chunk, the first of them 00000000-0000-0000-0000-000000000007, recorded at position 1",
    );
    let listing = |id: u128, at: u64| {
        let listed = chunk(Uuid::from_u128(id), Position::new(at));
        problems(move |group| group.commands = Some(listed))
    };
    let other = listing(8, 1);
    assert!(
        other[0].contains("at 1, of which there is no record"),
        "{other:#?}"
    );
    assert!(other[1].contains("in no stored chunk"), "{other:#?}");
    let elsewhere = listing(7, 2);
    assert!(
        elsewhere[0].contains("7 at 2, and its record is at 1"),
        "{elsewhere:#?}"
    );
    let twice = |group: &mut Group| {
        let chunk = group.commands.as_mut().expect("a chunk");
        chunk.commands.push(chunk.commands[0]);
    };
    let twice = problems(twice);
    assert!(twice[0].contains("at 1 after one at 1"), "{twice:#?}");
    // Whatever is recorded after the checkpoint is read at the opening, and need not be listed.
    let unlisted = |group: &mut Group| {
        group.commands = None;
        group.checkpoint = None;
    };
    assert_eq!(problems(unlisted), Vec::<String>::new());
}
