//! Compacting on a disk that loses its power at any moment.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::path::Path;
use std::sync::Arc;

use crate::block::{Hashed, Link, OpenBlock};
use crate::front::Group;
use crate::options::JournalOptions;
use crate::record::{Append, EventData, Position, Snapshot};
use crate::simulated_disk::{CutMode, Fault, SimulatedDisk};
use crate::store::Store;
use crate::stored::encode_append;
use crate::tools::verify::{VerifyReport, check};

const RECORDS: u64 = 40;

fn store_on(disk: &SimulatedDisk) -> Store {
    let options = JournalOptions::default();
    Store::on(Path::new("(disk)"), disk.clone(), &options).expect("a sound journal")
}

/// A disk whose journal has far more room than it needs: what lies at its front was overwritten.
fn wasteful() -> SimulatedDisk {
    let disk = SimulatedDisk::new(3);
    let store = store_on(&disk);
    for n in 1..=RECORDS {
        let mut block = OpenBlock::starting_at(Position::new(n));
        let append = Append {
            events: vec![EventData {
                name: "Counted".into(),
                version: 1,
                payload: vec![7; 3_000],
            }],
            ..Append::to("a", n - 1, n)
        };
        let link = Link {
            previous: Position::new(n - 1),
            open: false,
        };
        block.push(&Hashed::new(encode_append(&append).expect("bytes")), link);
        let size = if n == RECORDS { 10 } else { 200_000 };
        let snapshot = Snapshot {
            stream: "a".into(),
            state_version: 1,
            stream_version: n,
            position: Position::new(n),
            state: vec![1; size],
        };
        let group = Group {
            blocks: vec![Arc::new(block.close(Position::new(1)))],
            snapshots: vec![snapshot],
            ..Group::default()
        };
        store.commit(&group).expect("a good disk");
    }
    disk
}

fn verified(disk: &SimulatedDisk) -> VerifyReport {
    let report = check(&store_on(disk), &mut |_| {}).expect("it can be read");
    assert_eq!(report.problems, Vec::<String>::new());
    report
}

fn length(disk: &SimulatedDisk) -> u64 {
    redb::StorageBackend::len(disk).expect("power")
}

/// Catches: a moment at which a cut costs a record, or the file.
#[test]
fn a_power_cut_while_compacting_costs_nothing() {
    let whole = wasteful();
    let (before, began) = (length(&whole), whole.operations());
    store_on(&whole).compact().expect("a good disk");
    let operations = whole.operations() - began;
    assert!(
        length(&whole) * 2 < before,
        "{} of {before} bytes",
        length(&whole)
    );
    let expected = verified(&whole);
    assert_eq!(expected.records, RECORDS);

    let step = usize::try_from(operations / 60).expect("few").max(1);
    for at in (1..=operations).step_by(step) {
        for mode in [CutMode::DropAll, CutMode::KeepAll, CutMode::Garbage] {
            let disk = wasteful();
            let mut store = store_on(&disk);
            let operation = disk.operations() + at;
            disk.inject(Fault::PowerCutAt { operation });
            let done = store.compact();
            drop(store);
            let found = disk.power_cycle(mode);
            assert_eq!(verified(&found), expected, "a cut at {at}, {done:?}");
            assert!(
                length(&found) <= before,
                "a cut at {at} made the file larger"
            );
        }
    }
}

/// Catches: a disk that fails and a tool that says that all is well.
#[test]
fn a_disk_that_fails_is_told() {
    let disk = wasteful();
    let mut store = store_on(&disk);
    disk.inject(Fault::SyncErrorAt {
        operation: disk.operations() + 1,
    });
    let error = store.compact().expect_err("the disk failed");
    assert!(error.to_string().contains("failed to sync"), "{error}");
}
