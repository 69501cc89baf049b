//! What is told apart, what is refused, and what somebody else wrote.

use super::*;

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

/// Catches: a lock that does not reach the file, or that outlives the database.
#[test]
fn a_file_is_open_once_and_opens_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    let on_file = || {
        let file = std::fs::File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .expect("a file");
        let file = redb::backends::FileBackend::new(file).expect("a backend");
        try_database(Superblock::open(file).expect("a sound superblock"))
    };
    let db = on_file().expect("a sound database");
    commit(&db, 0).expect("a sound disk");
    let refused = on_file().expect_err("it is open");
    assert!(matches!(refused, redb::DatabaseError::DatabaseAlreadyOpen));
    commit(&db, 1).expect("a sound disk");
    drop(db);
    assert_eq!(keys(&on_file().expect("a sound database")), [0, 1]);
}
