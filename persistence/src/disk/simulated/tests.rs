use super::*;

fn read_all(disk: &SimulatedDisk) -> Vec<u8> {
    let len = usize::try_from(disk.len().expect("power")).expect("small");
    let mut bytes = vec![0; len];
    disk.read(0, &mut bytes).expect("power");
    bytes
}

/// Sixteen durable sectors of ones, and over them three unsynced writes and a growth.
fn busy(seed: u64) -> SimulatedDisk {
    let disk = SimulatedDisk::new(seed);
    disk.write(0, &[1; 16 * 512]).expect("power");
    disk.sync_data().expect("power");
    disk.write(512, &[2; 1024]).expect("power");
    disk.set_len(20 * 512).expect("power");
    disk.write(18 * 512, &[3; 512]).expect("power");
    disk.write(4 * 512, &[4; 700]).expect("power");
    disk
}

/// What a cut of [`busy`] leaves in `mode`, for two hundred seeds.
fn found(mode: CutMode) -> Vec<Vec<u8>> {
    (0..200)
        .map(|seed| read_all(&busy(seed).power_cycle(mode)))
        .collect()
}

fn count(found: &[Vec<u8>], holds: impl Fn(&[u8]) -> bool) -> usize {
    found.iter().filter(|bytes| holds(bytes)).count()
}

#[test]
fn what_is_written_is_read_before_it_is_synced() {
    let bytes = read_all(&busy(0));
    assert_eq!(bytes[512..1536], [2; 1024]);
    assert_eq!(bytes[18 * 512..19 * 512], [3; 512]);
    assert_eq!(bytes.len(), 20 * 512);
}

#[test]
fn all_or_nothing_where_that_is_asked_for() {
    assert!(
        found(CutMode::DropAll)
            .iter()
            .all(|bytes| *bytes == [1; 16 * 512])
    );
    assert!(
        found(CutMode::KeepAll)
            .iter()
            .all(|bytes| *bytes == read_all(&busy(0)))
    );
}

/// Catches: a mode that is weaker than its name.
#[test]
fn every_mode_leaves_what_it_says() {
    let prefix = found(CutMode::Prefix);
    assert_eq!(count(&prefix, |b| b[2048] == 4 && b[512] == 1), 0);
    assert!(count(&prefix, |b| b[2048] == 1 && b[512] == 2) > 0);

    let subset = found(CutMode::RandomSubset);
    assert!(count(&subset, |b| b[2048] == 4 && b[512] == 1) > 0);
    assert_eq!(count(&subset, |b| b[512] != b[1024]), 0, "a write is whole");

    let sectors = found(CutMode::PerSector);
    assert!(count(&sectors, |b| b[512] != b[1024]) > 0);
    assert_eq!(count(&sectors, |b| b.iter().any(|byte| *byte > 4)), 0);

    let torn = found(CutMode::Torn);
    let inside_a_sector = |b: &[u8]| b[512..1024].windows(2).any(|pair| pair == [2, 1]);
    assert!(count(&torn, inside_a_sector) > 0);

    let garbage = found(CutMode::Garbage);
    // The last bytes of the sector that the last write ends in were durable.
    assert!(
        count(&garbage, |b| b[2048 + 700..3072]
            .iter()
            .any(|byte| *byte != 1))
            > 0
    );
    assert_eq!(
        count(&garbage, |b| b[..512] != [1; 512]),
        0,
        "it was not touched"
    );
}

#[test]
fn what_was_written_beyond_a_lost_growth_is_lost() {
    for bytes in found(CutMode::RandomSubset) {
        assert!(bytes.len() == 16 * 512 || bytes.len() == 20 * 512);
    }
    let short = count(&found(CutMode::RandomSubset), |b| b.len() == 16 * 512);
    assert!((50..150).contains(&short), "{short} of 200");
}

#[test]
fn a_shrink_is_undone_with_what_it_cut_off() {
    let disk = busy(0);
    disk.sync_data().expect("power");
    let whole = read_all(&disk);
    disk.set_len(700).expect("power");
    disk.set_len(900).expect("power");
    assert_eq!(read_all(&disk)[700..], [0; 200]);
    assert_eq!(read_all(&disk.power_cycle(CutMode::DropAll)), whole);
}

#[test]
fn one_seed_gives_one_disk() {
    for mode in CutMode::ALL.into_iter().chain([CutMode::Drawn]) {
        let found = |seed| read_all(&busy(seed).power_cycle(mode).power_cycle(mode));
        assert_eq!(found(5), found(5), "{mode:?}");
    }
}

#[test]
fn a_disk_without_power_answers_nothing() {
    let disk = busy(0);
    let operation = disk.operations() + 1;
    disk.inject(Fault::PowerCutAt { operation });
    assert!(disk.len().is_ok(), "reads go on until the cut");
    assert!(disk.write(0, &[9]).is_err());
    disk.heal();
    assert!(disk.len().is_err());
    assert!(disk.read(0, &mut [0]).is_err());
    assert!(disk.sync_data().is_err());
    let found = disk.power_cycle(CutMode::KeepAll);
    assert_eq!(read_all(&found)[0], 9, "the write at the cut may be found");
}

#[test]
fn a_failed_sync_takes_what_was_not_durable_with_it() {
    let disk = busy(0);
    disk.inject(Fault::SyncErrorAt { operation: 0 });
    assert!(disk.sync_data().is_err());
    assert_eq!(read_all(&disk), [1; 16 * 512]);
    disk.sync_data().expect("the next one succeeds");
    assert_eq!(read_all(&disk.power_cycle(CutMode::KeepAll)), [1; 16 * 512]);
}

#[test]
fn a_broken_or_full_disk_changes_nothing_until_it_is_healed() {
    let faults = [
        Fault::WriteErrorAt { operation: 0 },
        Fault::FullAt { bytes: 20 * 512 },
    ];
    for fault in faults {
        let disk = busy(0);
        let before = read_all(&disk);
        disk.inject(fault);
        assert!(disk.write(20 * 512 - 1, &[9; 2]).is_err(), "{fault:?}");
        assert!(disk.set_len(20 * 512 + 1).is_err(), "{fault:?}");
        assert_eq!(read_all(&disk), before);
        disk.heal();
        disk.write(20 * 512 - 1, &[9; 2]).expect("it is healed");
    }
    let full = busy(0);
    full.inject(Fault::FullAt { bytes: 20 * 512 });
    full.write(20 * 512 - 2, &[9; 2]).expect("there is room");
    let refused = full.write(20 * 512, &[9]).expect_err("no room");
    assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn a_lying_sync_makes_nothing_durable() {
    let disk = busy(0);
    disk.inject(Fault::LyingSync);
    disk.sync_data().expect("it says so");
    assert_eq!(read_all(&disk.power_cycle(CutMode::DropAll)), [1; 16 * 512]);
}

#[test]
fn a_bit_rots_once() {
    let disk = busy(0);
    let before = read_all(&disk);
    assert!(disk.flip(8 * 100 + 3));
    assert_eq!(read_all(&disk)[100], before[100] ^ 8);
    assert!(disk.flip(8 * 100 + 3));
    assert_eq!(read_all(&disk), before);
    assert!(!disk.flip(20 * 512 * 8));
}
