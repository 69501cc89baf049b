//! The superblock under a real database, and its slots one by one.

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use super::*;
use crate::disk::frame::{FRAME_BYTES, HEADER_BYTES, Reading};
use crate::disk::header::{REDB_MAGIC, Slot};
use crate::disk::simulated::{CutMode, Fault, SimulatedDisk};

mod cuts;
mod kinds;
mod slots;

const TABLE: TableDefinition<'_, u64, u64> = TableDefinition::new("t");

fn open(disk: &SimulatedDisk) -> Database {
    let superblock = Superblock::open(disk.clone()).expect("a sound superblock");
    try_database(superblock).expect("a sound database")
}

fn try_database(superblock: impl StorageBackend) -> Result<Database, redb::DatabaseError> {
    Database::builder()
        .set_check_integrity_on_open(true)
        .create_with_backend(superblock)
}

fn commit(db: &Database, key: u64) -> Result<(), redb::Error> {
    let txn = db.begin_write()?;
    txn.open_table(TABLE)?.insert(key, key)?;
    txn.commit()?;
    Ok(())
}

fn keys(db: &Database) -> Vec<u64> {
    let txn = db.begin_read().expect("a read");
    let table = txn.open_table(TABLE).expect("the table");
    let keys = table.iter().expect("the keys");
    keys.map(|entry| entry.expect("an entry").0.value())
        .collect()
}

/// A disk with one commit on it, closed.
fn created(seed: u64) -> SimulatedDisk {
    let disk = SimulatedDisk::new(seed);
    let db = open(&disk);
    commit(&db, 0).expect("a sound disk");
    drop(db);
    disk
}

/// Commits 1, 2, 3 and so on until the power fails. Gives the last one that was acknowledged.
fn live(disk: &SimulatedDisk) -> u64 {
    let mut acknowledged = 0;
    let Ok(superblock) = Superblock::open(disk.clone()) else {
        return acknowledged;
    };
    let Ok(db) = try_database(superblock) else {
        return acknowledged;
    };
    for key in 1..=6 {
        if commit(&db, key).is_err() {
            break;
        }
        acknowledged = key;
    }
    acknowledged
}

/// How many operations [`live`] takes where nothing fails.
fn operations_of_a_life() -> u64 {
    let disk = created(0);
    let before = disk.operations();
    assert_eq!(live(&disk), 6);
    disk.operations() - before
}

/// Opens what was found, and holds it against what was acknowledged.
fn check_found(found: &SimulatedDisk, acknowledged: u64, context: &str) {
    let superblock = Superblock::open(found.clone())
        .unwrap_or_else(|error| panic!("{context}: no superblock: {error}"));
    let db =
        try_database(superblock).unwrap_or_else(|error| panic!("{context}: no database: {error}"));
    let keys = keys(&db);
    let expected: Vec<u64> = (0..keys.len() as u64).collect();
    assert_eq!(keys, expected, "{context}: not a prefix");
    assert!(
        keys.len() as u64 > acknowledged,
        "{context}: {acknowledged} was acknowledged, and {keys:?} is left"
    );
}

fn raw(disk: &SimulatedDisk, offset: u64) -> [u8; FRAME_BYTES] {
    let mut bytes = [0; FRAME_BYTES];
    disk.read(offset, &mut bytes).expect("within the file");
    bytes
}

fn sequence(disk: &SimulatedDisk, slot: Slot) -> u64 {
    match Frame::decode(&raw(disk, slot.offset())) {
        Reading::Sound(frame) => frame.sequence,
        _ => 0,
    }
}

fn newest(disk: &SimulatedDisk) -> Slot {
    if sequence(disk, Slot::A) > sequence(disk, Slot::B) {
        Slot::A
    } else {
        Slot::B
    }
}
