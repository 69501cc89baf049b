//! A file that is no journal, or not one for this process, is refused with its path and a remedy,
//! and is left as it was.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{incarnation, one_event, open, settle};
use mercato_persistence::{
    Journal, JournalOptions, OpenError, RedbJournal, Vault, WriterPlace, verify,
};
use redb::{Database, TableDefinition};
use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64;

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// A folder with a place for a journal in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.journal");
    (folder, path)
}

fn sound_journal(path: &Path) {
    incarnation(async {
        let journal = open(path).expect("a journal");
        settle(&journal, one_event("a", 0)).await;
        journal.close().await.expect("a good disk");
    });
}

/// A redb file that says `key` = `value` in its table `meta`.
fn database_saying(path: &Path, key: &str, value: u64) {
    let db = Database::create(path).expect("a database");
    let txn = db.begin_write().expect("a transaction");
    txn.open_table(META)
        .and_then(|mut meta| Ok(meta.insert(key, value).map(drop)?))
        .expect("an entry");
    txn.commit().expect("a good disk");
}

/// Sees both ways in refuse `path` as `kind`, with a text that names the path and the `remedy`,
/// and the file unchanged.
fn check_refused(path: &Path, kind: fn(&OpenError) -> bool, remedy: &str) {
    let before = fs::read(path).ok();
    let opened = incarnation(async { open(path).expect_err("it must be refused") });
    let verified = verify(path, |_| {}).expect_err("it must be refused");
    for error in [opened, verified] {
        let text = error.to_string();
        assert!(kind(&error), "{error:?}");
        assert!(
            text.contains(path.to_str().expect("a plain path")),
            "{text}"
        );
        assert!(text.contains(remedy), "{text}");
    }
    assert!(fs::read(path).ok() == before, "the file was changed");
}

/// Catches: a folder in which nothing may be written that is told in other words, or left with something
/// in it. Whoever may write everywhere is shown one where nobody may.
#[cfg(unix)]
#[test]
fn a_folder_without_permission_is_told_in_words() {
    use std::os::unix::fs::PermissionsExt;

    let (folder, _) = place();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).expect("a folder");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).expect("it is ours");
    let may_write = fs::write(closed.join("probe"), "").is_ok();
    let folder = if may_write {
        Path::new("/sys")
    } else {
        &closed
    };
    let path = folder.join("shop.journal");
    let refused = incarnation(async { open(&path).expect_err("it must be refused") });
    let text = refused.to_string();
    let OpenError::Io { source, .. } = refused else {
        panic!("{refused:?}");
    };
    assert!(
        text.contains(path.to_str().expect("a plain path")),
        "{text}"
    );
    assert!(text.contains(&source.to_string()), "{text}");
    assert!(!path.exists());
}

/// Catches: an empty file of keys, as a copy onto a full disk leaves it, that is taken for a new one:
/// second keys would be drawn for persons who have some.
#[test]
fn an_empty_file_of_keys_is_refused() {
    let (_folder, path) = place();
    sound_journal(&path);
    let keys = Vault::path_beside(&path);
    fs::write(&keys, "").expect("a file");
    let refused = incarnation(async { open(&path).expect_err("it must be refused") });
    let text = refused.to_string();
    assert!(
        text.contains("it is empty") && text.contains(".keys"),
        "{text}"
    );
    assert_eq!(fs::metadata(&keys).expect("it is there").len(), 0);
}

fn is_no_journal(error: &OpenError) -> bool {
    matches!(error, OpenError::NotAJournal { .. })
}

fn is_damaged(error: &OpenError) -> bool {
    matches!(error, OpenError::Damaged { .. })
}

fn is_io(error: &OpenError) -> bool {
    matches!(error, OpenError::Io { .. } | OpenError::Missing { .. })
}

#[test]
fn a_text_file() {
    let (_folder, path) = place();
    fs::write(&path, "InvoiceNo,StockCode\n536365,85123A\n".repeat(1_000)).expect("a file");
    check_refused(&path, is_no_journal, "name another file");
}

#[test]
fn an_empty_file() {
    let (_folder, path) = place();
    fs::write(&path, "").expect("a file");
    check_refused(&path, is_no_journal, "move this one away");
}

#[test]
fn a_truncated_journal() {
    let (_folder, path) = place();
    sound_journal(&path);
    let whole = fs::read(&path).expect("a file");
    for keep in [whole.len() - 1, whole.len() / 2, 4_096, 512, 10] {
        fs::write(&path, &whole[..keep]).expect("a file");
        check_refused(&path, is_damaged, "restore a backup");
    }
}

#[test]
fn a_database_of_another_program() {
    let (_folder, path) = place();
    database_saying(&path, "something else", 7);
    check_refused(&path, is_no_journal, "name another file");
}

#[test]
fn a_journal_of_a_newer_version() {
    let (_folder, path) = place();
    sound_journal(&path);
    let mut bytes = fs::read(&path).expect("a file");
    // The newest header of all says that the file has another format.
    let mut newest = bytes[..512].to_vec();
    newest[8..12].copy_from_slice(&3u32.to_le_bytes());
    newest[12..20].copy_from_slice(&u64::MAX.to_le_bytes());
    let checksum = xxh3_64(&newest[..504]);
    newest[504..].copy_from_slice(&checksum.to_le_bytes());
    bytes[..512].copy_from_slice(&newest);
    fs::write(&path, bytes).expect("a file");
    let newer = |error: &OpenError| {
        matches!(
            error,
            OpenError::Newer {
                found: 3,
                supported: 2,
                ..
            }
        )
    };
    check_refused(&path, newer, "use the newer mercato");
}

#[test]
fn a_folder() {
    let (folder, _) = place();
    check_refused(folder.path(), is_io, "check that");
}

#[test]
fn a_missing_folder() {
    let (folder, _) = place();
    let path = folder.path().join("missing").join("shop.journal");
    check_refused(&path, is_io, "check that the folder exists");
}

#[test]
fn a_journal_that_is_in_use() {
    let (_folder, path) = place();
    sound_journal(&path);
    incarnation(async {
        let _journal = open(&path).expect("a journal");
        let in_use = |error: &OpenError| matches!(error, OpenError::Locked { .. });
        std::thread::scope(|scope| {
            scope.spawn(|| check_refused(&path, in_use, "stop that process first"));
        });
    });
}

#[test]
fn verifying_creates_nothing() {
    let (_folder, path) = place();
    verify(&path, |_| {}).expect_err("there is nothing");
    assert!(!path.exists());
}

/// Catches: a journal, or a file of keys, that is made by whoever only wants to look after one; and a
/// journal that is opened so and does not take what is appended.
#[test]
fn looking_after_a_journal_creates_nothing_and_leaves_the_keys() {
    let (_folder, path) = place();
    let without_keys =
        || RedbJournal::without_keys(&path, JournalOptions::default(), WriterPlace::Thread);
    incarnation(async {
        let missing = without_keys().expect_err("there is none");
        assert!(matches!(missing, OpenError::Missing { .. }), "{missing:?}");
    });
    assert!(!path.exists());
    sound_journal(&path);
    let keys = Vault::path_beside(&path);
    fs::remove_file(&keys).expect("an empty vault");
    incarnation(async {
        let journal = without_keys().expect("a journal");
        settle(&journal, one_event("a", 1)).await;
        journal.close().await.expect("a good disk");
    });
    assert!(!keys.exists());
    let report = verify(&path, |_| {}).expect("a journal");
    assert_eq!((report.events, report.problems), (2, Vec::new()));
}
