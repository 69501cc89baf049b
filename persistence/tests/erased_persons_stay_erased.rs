//! Once a person is erased, nobody reads what was sealed for them, the bytes of their key are in
//! no file, and everybody else is as before.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::common::{Disk, Fault, Pace, incarnation, one_event, settle};
use mercato_persistence::{
    EraseError, Journal, JournalOptions, PersonId, Personal, RedbJournal, SealError, Unreadable,
    Vault, VaultError, WriteAhead, erase,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Draws of which the test knows what they will be.
fn rng(person: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(person)
}

fn key_of(person: u64) -> [u8; 64] {
    let mut key = [0; 64];
    rng(person).fill_bytes(&mut key);
    key
}

fn person(number: u64) -> PersonId {
    PersonId::new(format!("person-{number}")).expect("a pseudonym")
}

fn seal(vault: &Vault, number: u64) -> Result<Personal<u64>, SealError> {
    vault.seal(&person(number), &number, &mut rng(number))
}

fn erased(number: u64) -> Unreadable {
    let person = person(number);
    Unreadable::Erased { person }
}

/// How many of these persons' keys lie in any file of the folder.
fn keys_in(folder: &Path, persons: impl IntoIterator<Item = u64>) -> BTreeSet<u64> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let file = std::fs::read(entry.expect("an entry").path());
        bytes.push(file.expect("a file"));
    }
    let held = |person: &u64| {
        let key = key_of(*person);
        bytes
            .iter()
            .any(|file| file.windows(64).any(|at| at == key))
    };
    persons.into_iter().filter(held).collect()
}

fn files_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("utf-8")
    };
    entries.map(name).collect()
}

/// Catches: a key that lingers in free pages, in the old file or in memory; a tombstone that is
/// forgotten; a neighbour who is erased too.
#[test]
fn the_erased_are_gone_from_every_file_and_the_others_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys");
    let vault = Vault::open(&path).expect("a new vault");
    let sealed: Vec<_> = (0..50)
        .map(|n| seal(&vault, n).expect("it seals"))
        .collect();
    vault.flush().expect("a good disk");
    assert_eq!(
        keys_in(folder.path(), 0..50).len(),
        50,
        "the test knows the keys"
    );

    let doomed = [person(7), person(23), person(7), person(99)];
    let report = vault.erase(&doomed).expect("a good disk");
    assert_eq!(report.erased, [person(23), person(7)]);
    assert_eq!((report.before.len(), report.unknown), (0, vec![person(99)]));

    let check = |vault: &Vault| {
        let survivors: BTreeSet<_> = (0..50).filter(|n| ![7, 23].contains(n)).collect();
        assert_eq!(keys_in(folder.path(), 0..50), survivors);
        assert_eq!(files_in(folder.path()), ["keys"]);
        assert_eq!(vault.persons(), Ok(48));
        for (n, sealed) in (0..).zip(&sealed) {
            let survives = survivors.contains(&n);
            assert_eq!(vault.has_key(&person(n)), Ok(survives));
            if survives {
                assert_eq!(vault.unseal(sealed), Ok(n));
                assert_eq!(seal(vault, n).as_ref(), Ok(sealed));
            } else {
                assert_eq!(vault.unseal(sealed), Err(erased(n)));
                let person = person(n);
                assert_eq!(seal(vault, n), Err(SealError::Erased { person }));
            }
        }
    };
    check(&vault);
    // A key of a later person goes into the new file.
    seal(&vault, 60).expect("it seals");
    vault.flush().expect("a good disk");
    assert_eq!(
        vault
            .erase(&[person(60)])
            .expect("a good disk")
            .erased
            .len(),
        1
    );
    drop(vault);
    let vault = Vault::open(&path).expect("the same vault");
    check(&vault);
    let again = vault.erase(&doomed[..1]).expect("a good disk");
    assert_eq!((again.before, again.erased.len()), (vec![person(7)], 0));
}

/// Catches: an old file that is only unlinked, so that its blocks still hold the key; and a file
/// of keys that others may read.
#[cfg(unix)]
#[test]
fn the_old_file_is_overwritten_before_it_goes() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys");
    let vault = Vault::open(&path).expect("a new vault");
    let mode = || {
        let metadata = std::fs::metadata(&path).expect("a file");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(), 0o600);
    seal(&vault, 1).expect("it seals");
    vault.flush().expect("a good disk");
    // A second name keeps the old file's blocks in sight.
    let sight = tempfile::tempdir_in(folder.path()).expect("a folder");
    let old = sight.path().join("old");
    std::fs::hard_link(&path, &old).expect("a link");
    assert_eq!(keys_in(sight.path(), 0..2), BTreeSet::from([1]));
    vault.erase(&[person(1)]).expect("a good disk");
    let left = std::fs::read(&old).expect("a file");
    assert!(!left.is_empty() && left.iter().all(|byte| *byte == 0));
    assert_eq!(mode(), 0o600);
}

/// Catches: an erasure that knows only what is on the disk.
#[test]
fn a_key_that_no_commit_has_written_yet_is_destroyed_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys");
    let vault = Vault::open(&path).expect("a new vault");
    let one = seal(&vault, 1).expect("it seals");
    let two = seal(&vault, 2).expect("it seals");
    assert_eq!(vault.persons(), Ok(2));
    vault.erase(&[person(1)]).expect("a good disk");
    vault.flush().expect("a good disk");
    assert_eq!(keys_in(folder.path(), 0..3), BTreeSet::from([2]));
    drop(vault);
    let vault = Vault::open(&path).expect("the same vault");
    assert_eq!(vault.unseal(&one), Err(erased(1)));
    assert_eq!(vault.unseal(&two), Ok(2));
}

/// Catches: an acknowledged event whose key was lost with the power.
#[test]
fn a_key_is_durable_before_the_event_that_needs_it() {
    let (log, keys) = (Disk::default(), Disk::default());
    let start = |log: Disk, keys: Disk| {
        let vault = Arc::new(Vault::with_backend(keys).expect("a sound disk"));
        let options = JournalOptions::default();
        RedbJournal::with_vault(log, vault, options, Pace::default().writer())
            .expect("a sound disk")
    };
    let sealed = incarnation(async {
        let journal = start(log.clone(), keys.clone());
        let sealed = seal(journal.vault(), 1).expect("it seals");
        settle(&journal, one_event("a", 0)).await;
        sealed
    });
    incarnation(async {
        let journal = start(log.after_power_cut(), keys.after_power_cut());
        assert_eq!(journal.version("a").expect("a sound journal"), 1);
        assert_eq!(journal.vault().unseal(&sealed), Ok(1));
    });

    // Where the key cannot be written, the event is neither acknowledged nor written, and reads go
    // on.
    let log = log.after_power_cut();
    incarnation(async {
        let journal = start(log.clone(), keys.clone());
        keys.breaks(Fault::Refuses);
        settle(&journal, one_event("a", 1)).await;
        seal(journal.vault(), 2).expect("it seals");
        let appended = journal.append(one_event("a", 2)).expect("it waits");
        let failed = journal.until_durable(appended.position).await;
        assert!(failed.is_err(), "{failed:?}");
        assert_eq!(journal.version("a").expect("a sound journal"), 2);
        assert_eq!(journal.vault().unseal(&sealed), Ok(1));
    });
    incarnation(async {
        let journal = start(log.after_power_cut(), keys.after_power_cut());
        assert_eq!(
            journal.version("a").expect("a sound journal"),
            2,
            "the event came before its key"
        );
    });
}

/// Catches: an erasure on a disk that refuses, reported as done.
#[test]
fn an_erasure_that_fails_says_so_and_erases_nothing() {
    let disk = Disk::default();
    let vault = Vault::with_backend(disk.clone()).expect("a sound disk");
    let sealed = seal(&vault, 1).expect("it seals");
    vault.flush().expect("a good disk");
    disk.breaks(Fault::Refuses);
    let failed = vault.erase(&[person(1)]).expect_err("the disk is broken");
    assert!(matches!(failed, EraseError::Untouched(_)), "{failed}");
    let rebooted = Vault::with_backend(disk.after_power_cut()).expect("a sound disk");
    assert_eq!(rebooted.unseal(&sealed), Ok(1));
}

/// Catches: a misspelt name that makes a new, empty file of keys in which nobody is known, and an
/// erasure that was cut off and is taken for no keys at all.
#[test]
fn keys_that_must_be_there_are_not_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let refused = erase(&path, &[person(1)]).expect_err("there is nothing");
    let text = refused.to_string();
    assert!(
        text.contains("journal.keys") && text.contains("put its file of keys back"),
        "{text}"
    );
    assert_eq!(files_in(folder.path()), Vec::<String>::new());

    let keys = Vault::path_beside(&path);
    let vault = Vault::open(&keys).expect("a new vault");
    seal(&vault, 1).expect("it seals");
    vault.flush().expect("a good disk");
    drop(vault);
    // The moment between the two renamings.
    let beside = |suffix: &str| folder.path().join(format!("journal.keys.{suffix}"));
    std::fs::copy(&keys, beside("next")).expect("a good disk");
    std::fs::rename(&keys, beside("wipe")).expect("a good disk");
    let erased = erase(&path, &[person(1), person(2)]).expect("a good disk");
    assert_eq!(erased.persons.erased, [person(1)]);
    assert_eq!(erased.persons.unknown, [person(2)]);
    assert_eq!(erased.keys, keys);
    assert_eq!(files_in(folder.path()), ["journal.keys"]);
    assert_eq!(keys_in(folder.path(), 0..3), BTreeSet::new());
}

/// Catches: two processes that draw two keys for one person; and a foreign file that is taken for
/// a vault, or wiped as one.
#[test]
fn a_file_that_is_not_free_or_not_ours_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys");
    let vault = Vault::open(&path).expect("a new vault");
    let second = Vault::open(&path);
    assert!(
        matches!(second, Err(VaultError::Locked { .. })),
        "{second:?}"
    );
    drop(vault);

    let foreign = folder.path().join("foreign");
    std::fs::write(&foreign, "a letter to a friend").expect("a good disk");
    let opened = Vault::open(&foreign);
    assert!(
        matches!(opened, Err(VaultError::NotAVault { .. })),
        "{opened:?}"
    );
    assert_eq!(
        std::fs::read(&foreign).expect("a file"),
        b"a letter to a friend"
    );

    std::fs::rename(&path, folder.path().join("keys.wipe")).expect("a good disk");
    let opened = Vault::open(&path);
    assert!(matches!(opened, Err(VaultError::Torn { .. })), "{opened:?}");
    assert_eq!(files_in(folder.path()).len(), 2, "nothing was wiped");

    let journal = folder.path().join("journal");
    let options = JournalOptions::default();
    incarnation(async {
        RedbJournal::open(&journal, options, Pace::default().writer()).expect("a new journal");
    });
    let opened = Vault::open(&journal);
    assert!(
        matches!(opened, Err(VaultError::NotAVault { .. })),
        "{opened:?}"
    );
}
