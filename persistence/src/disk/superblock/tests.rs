use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use super::*;
use crate::disk::simulated::{CutMode, Fault, SimulatedDisk};

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

#[test]
fn a_database_reads_back_what_it_wrote() {
    let disk = created(1);
    for key in 1..20 {
        let db = open(&disk);
        commit(&db, key).expect("a sound disk");
        drop(db);
        assert_eq!(keys(&open(&disk)).len() as u64, key + 1);
    }
}

/// Catches: overwriting the durable header, trusting a torn one, and a header that points to data
/// which the same cut took away.
#[test]
fn a_cut_at_any_operation_in_any_mode_costs_nothing_acknowledged() {
    for operation in 1..=operations_of_a_life() {
        for (nth, mode) in CutMode::ALL
            .into_iter()
            .chain([CutMode::Garbage; 4])
            .enumerate()
        {
            let disk = created(operation * 100 + nth as u64);
            let operation = disk.operations() + operation;
            disk.inject(Fault::PowerCutAt { operation });
            let acknowledged = live(&disk);
            let context = format!("{mode:?} ({nth}) at operation {operation}");
            check_found(&disk.power_cycle(mode), acknowledged, &context);
        }
    }
}

/// The slot that was being written when the power failed may hold anything afterwards.
#[test]
fn the_older_slot_may_hold_anything() {
    let patterns: [&dyn Fn(usize) -> u8; 4] = [
        &|_| 0,
        &|_| 0xff,
        &|at| u8::try_from(at * 31 % 256).unwrap_or(0),
        &|at| if at < 300 { b'm' } else { 0 },
    ];
    for operation in 1..=operations_of_a_life() {
        for (nth, pattern) in patterns.iter().enumerate() {
            let disk = created(operation);
            let operation = disk.operations() + operation;
            disk.inject(Fault::PowerCutAt { operation });
            let acknowledged = live(&disk);
            let found = disk.power_cycle(CutMode::DropAll);
            let garbage: Vec<u8> = (0..4096).map(pattern).collect();
            let older = newest(&found).other();
            found.write(older.offset(), &garbage).expect("it has power");
            let context = format!("pattern {nth} at operation {operation}");
            check_found(&found, acknowledged, &context);
        }
    }
}

/// Catches: a commit that is lost to one bad sector under the newest header, which the header
/// before it would hide.
#[test]
fn no_flipped_bit_in_any_frame_brings_back_an_older_header() {
    let disk = created(3);
    let db = open(&disk);
    commit(&db, 1).expect("a sound disk");
    let found = disk.power_cycle(CutMode::DropAll);
    drop(db);
    let image = Header::read(&found).expect("a sound superblock").image;
    for offset in [Slot::A, Slot::B].into_iter().flat_map(Slot::frames) {
        for bit in offset * 8..(offset + FRAME_BYTES as u64) * 8 {
            assert!(found.flip(bit));
            let read = Header::read(&found)
                .unwrap_or_else(|error| panic!("bit {bit} costs the file: {error}"));
            assert!(read.image == image, "bit {bit} brings back an older header");
            // Opening the database changes the disk, so it is a copy that is opened.
            if bit % 997 == 0 {
                let copy = SimulatedDisk::new(bit);
                let mut bytes =
                    vec![0; usize::try_from(found.len().expect("power")).expect("small")];
                found.read(0, &mut bytes).expect("power");
                copy.write(0, &bytes).expect("power");
                copy.sync_data().expect("power");
                check_found(&copy, 1, &format!("bit {bit}"));
            }
            assert!(found.flip(bit));
        }
    }
}

/// Catches: overwriting the one header that is durable while the newest one lies in the system's
/// cache, put there by a process that was killed before its sync.
#[test]
fn a_header_found_at_opening_is_made_durable_before_the_next_is_written() {
    let disk = created(4);
    let killed = Superblock::open(disk.clone()).expect("a sound superblock");
    let mut image = [0; 320];
    killed.read(0, &mut image).expect("the header");
    image[319] ^= 1;
    killed.write(0, &image).expect("it has power");
    drop(killed);

    let next = Superblock::open(disk.clone()).expect("a sound superblock");
    let mut found = [0; 320];
    next.read(0, &mut found).expect("the header");
    assert_eq!(found, image);
    let mut later = image;
    later[318] ^= 1;
    next.write(0, &later).expect("it has power");
    drop(next);

    let after = Superblock::open(disk.power_cycle(CutMode::DropAll)).expect("a header is left");
    after.read(0, &mut found).expect("the header");
    assert_eq!(found, image);
}

/// Catches: taking the sync after a failed one for proof of what the failed one threw away.
#[test]
fn a_failed_sync_proves_nothing_later() {
    let disk = created(5);
    let superblock = Superblock::open(disk.clone()).expect("a sound superblock");
    let mut image = [0; 320];
    superblock.read(0, &mut image).expect("the header");
    let durable = newest(&disk);
    disk.inject(Fault::SyncErrorAt {
        operation: disk.operations() + 4,
    });
    let mut changed = image;
    changed[319] ^= 1;
    superblock.write(0, &changed).expect("it has power");
    assert!(superblock.sync_data().is_err());
    superblock.sync_data().expect("the fault is spent");
    superblock.write(0, &changed).expect("it has power");
    drop(superblock);
    let found = disk.power_cycle(CutMode::DropAll);
    assert_eq!(newest(&found), durable);
    let mut left = [0; 320];
    let superblock = Superblock::open(found).expect("a sound superblock");
    superblock.read(0, &mut left).expect("the header");
    assert_eq!(left, image);
}

#[test]
fn what_is_no_journal_is_told_apart() {
    let opened = |bytes: &[u8]| {
        let disk = SimulatedDisk::new(6);
        disk.write(0, bytes).expect("it has power");
        Superblock::open(disk).expect_err("no journal")
    };
    let mut plain = vec![0; 8192];
    plain[..REDB_MAGIC.len()].copy_from_slice(&REDB_MAGIC);
    assert!(matches!(opened(&plain), SuperblockError::OlderLayout));
    for foreign in [&b"x"[..], &[0; 8192], &[7; 100_000], b"SQLite format 3\0"] {
        assert!(matches!(opened(foreign), SuperblockError::NotAJournal));
    }
    let frame = |format| Frame {
        format,
        sequence: 1,
        header: [1; HEADER_BYTES],
    };
    let newer = opened(&frame(FILE_FORMAT + 1).encode());
    assert!(matches!(
        newer,
        SuperblockError::Newer {
            found: 3,
            supported: 2
        }
    ));
    let mut damaged = frame(FILE_FORMAT).encode();
    damaged[100] ^= 1;
    assert!(matches!(opened(&damaged), SuperblockError::Damaged));
    assert!(matches!(opened(&damaged[..200]), SuperblockError::Damaged));
}

#[test]
fn looking_at_a_file_leaves_it_as_it_was() {
    let disk = created(7);
    let operations = disk.operations();
    drop(Superblock::open(disk.clone()).expect("a sound superblock"));
    assert_eq!(disk.operations(), operations);
}

#[test]
fn a_header_that_does_not_fit_is_refused() {
    let superblock = Superblock::open(SimulatedDisk::new(8)).expect("a fresh start");
    superblock.set_len(8192).expect("it has power");
    superblock.write(0, &[1; HEADER_BYTES]).expect("it fits");
    superblock
        .write(HEADER_BYTES as u64, &[0; 100])
        .expect("zeros are there already");
    let refused = superblock.write(HEADER_BYTES as u64, &[0, 1]);
    let refused = refused.expect_err("there is no room").to_string();
    assert!(refused.contains("larger than"), "{refused}");
    assert!(superblock.set_len(4095).is_err());
}

/// Catches: an error in the arithmetic where the header page ends.
#[test]
fn a_range_over_the_end_of_the_header_page_is_read_and_written_whole() {
    let superblock = Superblock::open(SimulatedDisk::new(9)).expect("a fresh start");
    superblock.set_len(12_288).expect("it has power");
    let mut written = vec![0; 4196];
    written[..10].fill(1);
    written[4096..].fill(2);
    superblock.write(0, &written).expect("it has power");
    let mut read = vec![9; 4196];
    superblock.read(0, &mut read).expect("it has power");
    assert_eq!(read, written);
    let mut tail = [9; 100];
    superblock.read(4096, &mut tail).expect("it has power");
    assert_eq!(tail, [2; 100]);
    assert_eq!(superblock.len().expect("it has power"), 12_288);
}

/// A disk on which somebody else wrote until we got the lock.
#[derive(Debug)]
struct Contended {
    disk: SimulatedDisk,
    until_locked: Superblock<SimulatedDisk>,
}

impl StorageBackend for Contended {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.disk.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.write(offset, data)
    }
    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        self.until_locked.write(319, &[77])?;
        self.until_locked.sync_data()?;
        Ok(true)
    }
}

/// Catches: writing on from a header that another process has replaced since it was read.
#[test]
fn the_header_is_read_again_once_the_lock_is_held() {
    let disk = created(10);
    let until_locked = Superblock::open(disk.clone()).expect("a sound superblock");
    let ours = Superblock::open(Contended { disk, until_locked }).expect("a sound superblock");
    let mut byte = [0];
    ours.read(319, &mut byte).expect("it has power");
    assert_ne!(byte, [77]);
    let locked = ours.try_lock_range(Bound::Unbounded, Bound::Unbounded);
    assert!(locked.expect("it is free"));
    ours.read(319, &mut byte).expect("it has power");
    assert_eq!(byte, [77]);
}
