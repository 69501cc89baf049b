//! A tool that cannot do what it was asked says why and how to go on, and leaves every file as it
//! was.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Disk, Fault, boot, incarnation, one_event, open, settle};
use mercato_persistence::{
    Journal, JournalOptions, OpenError, RecordFilter, ToolError, backup, compact, export, import,
    inspect, restore, stats,
};
use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop");
    (folder, path)
}

fn sound_journal(path: &Path) {
    incarnation(async {
        let journal = open(path).expect("a journal");
        for n in 0..20 {
            settle(&journal, one_event("a", n)).await;
        }
        journal.close().await.expect("a good disk");
    });
}

fn files(folder: &TempDir) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder.path()).expect("a folder");
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let bytes = fs::read(&path).unwrap_or_default();
            (path, bytes)
        })
        .collect();
    files.sort();
    files
}

/// Sees every tool refuse the journal at `path` in words that contain `remedy`.
fn check_all_refuse(folder: &TempDir, path: &Path, remedy: &str) {
    let to = folder.path().join("new");
    let before = files(folder);
    let refusals = [
        backup(path, &to).map(drop),
        restore(path, &to).map(drop),
        compact(path).map(drop),
        stats(path).map(drop),
        export(path, &mut Vec::new(), |_, _| None).map(drop),
        inspect(path, &RecordFilter::default(), 1, |_| true).map(drop),
    ];
    for refused in refusals {
        let text = refused.expect_err("it must be refused").to_string();
        assert!(text.contains(remedy), "{text}");
        assert!(
            text.contains(path.to_str().expect("a plain path")),
            "{text}"
        );
    }
    assert!(
        files(folder) == before,
        "a file was changed, or left behind"
    );
}

#[test]
fn there_is_no_journal() {
    let (folder, path) = place();
    check_all_refuse(&folder, &path, "check that the folder exists");
}

#[test]
fn the_file_is_something_else() {
    let (folder, path) = place();
    fs::write(&path, "InvoiceNo,StockCode\n536365,85123A\n".repeat(1_000)).expect("a file");
    check_all_refuse(&folder, &path, "is not a Mercato journal");
}

#[test]
fn another_process_has_it_open() {
    let (folder, path) = place();
    incarnation(async {
        let journal = open(&path).expect("a journal");
        settle(&journal, one_event("a", 0)).await;
        check_all_refuse(
            &folder,
            &path,
            "in use by another process; stop that process first",
        );
        journal.close().await.expect("a good disk");
    });
}

#[test]
fn a_newer_version_wrote_it() {
    let (folder, path) = place();
    sound_journal(&path);
    let mut bytes = fs::read(&path).expect("a file");
    for frame in [0, 2048, 4096, 6144] {
        bytes[frame + 8] = 9;
        let checksum = xxh3_64(&bytes[frame..frame + 504]);
        bytes[frame + 504..frame + 512].copy_from_slice(&checksum.to_le_bytes());
    }
    fs::write(&path, bytes).expect("a file");
    check_all_refuse(&folder, &path, "use the newer mercato that wrote it");
}

/// Catches: a backup of damage, which would then be trusted.
#[test]
fn it_is_damaged() {
    let (folder, path) = place();
    sound_journal(&path);
    let mut bytes = fs::read(&path).expect("a file");
    let payload = bytes
        .windows(4)
        .position(|bytes| bytes == b"a 17")
        .expect("an event");
    bytes[payload] ^= 1;
    fs::write(&path, bytes).expect("a file");
    check_all_refuse(&folder, &path, "restore a");
    // Whoever restores is told that it is the backup, before anything is written.
    let refused = restore(&path, folder.path().join("new")).expect_err("it is damaged");
    let text = refused.to_string();
    assert!(text.contains("restore another backup"), "{text}");
}

#[test]
fn there_is_a_file_in_the_way() {
    let (folder, path) = place();
    sound_journal(&path);
    let (to, lines) = (folder.path().join("old"), folder.path().join("lines"));
    fs::write(&to, "precious").expect("a file");
    let mut out = Vec::new();
    export(&path, &mut out, |_, _| None).expect("a sound journal");
    fs::write(&lines, &out).expect("a file");
    let hot = |to: &Path| {
        incarnation(async {
            let journal = open(&path).expect("a journal");
            let taken = journal.backup(to);
            journal.close().await.expect("a good disk");
            taken.map(drop)
        })
    };
    let all = || {
        [
            hot(&to),
            backup(&path, &to).map(drop),
            restore(&path, &to).map(drop),
            import(out.as_slice(), &to).map(drop),
        ]
    };
    for refused in all() {
        let refused = refused.expect_err("it must be refused");
        assert!(matches!(refused, ToolError::Exists { .. }), "{refused:?}");
        assert!(
            refused.to_string().contains("name another file"),
            "{refused}"
        );
    }
    assert_eq!(fs::read(&to).expect("a file"), b"precious");

    // What another tool is writing is not touched either.
    fs::remove_file(&to).expect("a file");
    let partial = folder.path().join("old.partial");
    fs::write(&partial, "half").expect("a file");
    for refused in all() {
        let refused = refused.expect_err("it must be refused");
        assert!(
            matches!(refused, ToolError::Unfinished { .. }),
            "{refused:?}"
        );
        assert!(
            refused.to_string().contains("remove it and try again"),
            "{refused}"
        );
    }
    assert_eq!(fs::read(&partial).expect("a file"), b"half");
}

#[test]
fn the_new_file_cannot_be_written() {
    let (folder, path) = place();
    sound_journal(&path);
    for to in [folder.path().join("nowhere/new"), path.join("new")] {
        let refused = backup(&path, &to).expect_err("it must be refused");
        assert!(matches!(refused, ToolError::Write { .. }), "{refused:?}");
        assert!(
            refused.to_string().contains("check that its folder exists"),
            "{refused}"
        );
    }
    // The journal, and the keys beside it.
    assert_eq!(files(&folder).len(), 2);
}

/// Catches: a hot backup of a journal that no longer knows what is on its disk.
#[test]
fn the_journal_has_stopped() {
    let (folder, path) = place();
    incarnation(async {
        let disk = Disk::default();
        let journal = boot(disk.clone(), JournalOptions::default());
        settle(&journal, one_event("a", 0)).await;
        disk.breaks(Fault::Refuses);
        let lost = journal.append(one_event("a", 1)).expect("room").position;
        journal
            .until_durable(lost)
            .await
            .expect_err("the disk failed");
        let refused = journal.backup(&path).expect_err("it must be refused");
        assert!(matches!(refused, ToolError::Failed(_)), "{refused:?}");
    });
    assert_eq!(files(&folder).len(), 0);
}

/// Catches: an export that is cut short and says that all is well.
#[test]
fn the_export_has_nowhere_to_go() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (_folder, path) = place();
    sound_journal(&path);
    let refused = export(&path, &mut Full, |_, _| None).expect_err("no room");
    assert!(matches!(refused, ToolError::Output(_)), "{refused:?}");
    let open = stats("nowhere").expect_err("nothing there");
    assert!(
        matches!(open, ToolError::Open(OpenError::Missing { .. })),
        "{open:?}"
    );
}
