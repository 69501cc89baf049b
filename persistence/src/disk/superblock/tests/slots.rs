//! Which slot is written, and when.

use super::*;

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
    let before = raw(&disk, durable.offset());
    superblock.write(0, &changed).expect("it has power");
    assert!(raw(&disk, durable.offset()) == before, "it was overwritten");
}

/// Catches: alternating at each write. redb writes its header more than once between two syncs
/// when its page cache is short of room.
#[test]
fn all_headers_between_two_syncs_go_to_one_slot() {
    let disk = created(11);
    let durable = newest(&disk);
    let superblock = Superblock::open(disk.clone()).expect("a sound superblock");
    let before = raw(&disk, durable.offset());
    for byte in 1..4 {
        superblock.write(319, &[byte]).expect("it has power");
        assert!(raw(&disk, durable.offset()) == before, "it was overwritten");
    }
    superblock.sync_data().expect("it has power");
    superblock.write(319, &[4]).expect("it has power");
    assert!(
        raw(&disk, durable.offset()) != before,
        "the slots alternate"
    );
}
