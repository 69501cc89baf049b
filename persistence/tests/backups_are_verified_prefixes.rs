//! A backup is a prefix of the log with everything that belongs to it, and is taken while the
//! journal works.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::common::{commanded, incarnation, one_event, open, settle, snapshot, told};
use mercato_persistence::{
    Append, Journal, JournalOptions, Mark, Position, RedbJournal, TimerChange, WriterPlace, backup,
    restore, verify,
};
use tempfile::TempDir;
use uuid::Uuid;

/// What stands in the journal before the writers begin, so that a backup takes its time.
const PRELOADED: u64 = 10_000;
/// No writer makes more appends, however slow the machine.
const APPENDS_MAX: u64 = 100_000;
const WRITERS: u64 = 4;

fn place() -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, to) = (folder.path().join("shop"), folder.path().join("backup"));
    (folder, path, to)
}

/// What the writers share.
struct Work {
    journal: RedbJournal,
    stop: AtomicBool,
    /// The last position that a writer knows to be durable.
    acknowledged: AtomicU64,
}

/// Appends, with all that an append may carry, until it is told to stop.
async fn write(work: Arc<Work>, writer: u64) {
    let mut versions = [0; 7];
    for n in 0..APPENDS_MAX {
        if work.stop.load(Ordering::Acquire) {
            return;
        }
        let stream = usize::try_from(n % 7).expect("below 7");
        let timer = match n % 3 {
            0 => vec![TimerChange::Clear {
                name: "late".into(),
            }],
            _ => vec![TimerChange::Set {
                name: "late".into(),
                due_at_ms: n,
                payload: vec![1, 2],
            }],
        };
        let append = Append {
            mark: (n % 2 == 0).then_some(if n % 4 == 0 { Mark::Open } else { Mark::Closed }),
            timers: timer,
            ..commanded(
                &format!("work/{writer}-{stream}"),
                versions[stream],
                u128::from(writer) << 64 | u128::from(n),
            )
        };
        versions[stream] += 1;
        let name = append.stream.clone();
        let position = work.journal.append(append).expect("room").position;
        let version = versions[stream];
        work.journal
            .offer_snapshot(snapshot(&name, version, position));
        if n % 5 == 0 {
            work.journal
                .until_durable(position)
                .await
                .expect("a good disk");
            work.acknowledged
                .fetch_max(position.get(), Ordering::AcqRel);
        }
    }
}

/// A subscriber: makes one append for each that it reads, and moves its cursor.
async fn subscribe(work: Arc<Work>) {
    let mut cursor = Position::new(PRELOADED);
    while !work.stop.load(Ordering::Acquire) {
        let mut after = Position::START;
        for read in work.journal.read(cursor, 64).expect("a sound journal") {
            cursor = read.position;
            if read.append.stream.starts_with("work/") {
                let effect = one_event(&format!("effect/{cursor}"), 0);
                after = work.journal.append(effect).expect("room").position;
            }
        }
        work.journal.set_cursor("subscriber", cursor, after);
        work.journal
            .until_durable(after)
            .await
            .expect("a good disk");
        tokio::task::yield_now().await;
    }
}

/// Catches: a backup that tears what one commit wrote, lags behind what was acknowledged, or stops
/// the journal.
#[test]
fn a_hot_backup_is_a_prefix_with_everything_acknowledged_before_it() {
    let (folder, path, _) = place();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(3)
        .enable_time()
        .build()
        .expect("a runtime");
    let journal = RedbJournal::open(&path, JournalOptions::default(), WriterPlace::Thread);
    let work = Arc::new(Work {
        journal: journal.expect("a journal"),
        stop: AtomicBool::new(false),
        acknowledged: AtomicU64::new(0),
    });
    runtime.block_on(async {
        for n in 0..PRELOADED {
            work.journal.room().await;
            let append = one_event(&format!("old/{}", n % 999), n / 999);
            work.journal.append(append).expect("room");
        }
        let last = Position::new(PRELOADED);
        work.journal.until_durable(last).await.expect("a good disk");
    });
    let mut tasks: Vec<_> = (0..WRITERS)
        .map(|writer| runtime.spawn(write(work.clone(), writer)))
        .collect();
    tasks.push(runtime.spawn(subscribe(work.clone())));

    let mut backups = Vec::new();
    let begun = || {
        let reads = work.journal.cursor("subscriber") > Position::new(PRELOADED);
        reads && work.acknowledged.load(Ordering::Acquire) > 0
    };
    while !begun() {
        std::thread::yield_now();
    }
    for nth in 0..3 {
        let to = folder.path().join(format!("backup-{nth}"));
        let before = work.acknowledged.load(Ordering::Acquire);
        let taken = work.journal.backup(&to).expect("a backup");
        let after = work.acknowledged.load(Ordering::Acquire);
        assert!(
            taken.last.get() >= before,
            "{taken:?} lacks position {before}"
        );
        assert_eq!(taken.records, taken.last.get());
        assert!(
            after > before,
            "no append was acknowledged during the backup"
        );
        backups.push((to, taken.last));
    }
    work.stop.store(true, Ordering::Release);
    for task in tasks {
        runtime.block_on(task).expect("no writer panicked");
    }
    let effects: usize = backups
        .iter()
        .map(|(to, last)| check_prefix(&work.journal, to, *last))
        .sum();
    assert!(effects > 0, "no backup shows a cursor with its effects");
    runtime.block_on(work.journal.close()).expect("a good disk");
}

/// Holds a backup against the journal that it is of. Gives how many effects its cursor answers for.
fn check_prefix(journal: &RedbJournal, to: &Path, last: Position) -> usize {
    let mut at = Position::START;
    let mut chunk = Vec::new().into_iter();
    let report = verify(to, |copied| {
        let original = chunk.next().or_else(|| {
            chunk = journal
                .read(at, 1_000)
                .expect("a sound journal")
                .into_iter();
            chunk.next()
        });
        at = copied.position;
        assert_eq!(original.as_deref(), Some(copied));
    });
    // Timers, cursors and snapshots are held against the records there.
    let report = report.expect("a journal");
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!((report.last, at), (last, last));

    incarnation(async {
        let copy = open(to).expect("a journal");
        let cursor = copy.cursor("subscriber");
        let mut effects = 0;
        let read = copy
            .read(Position::new(PRELOADED), usize::MAX)
            .expect("a sound journal");
        for record in read {
            if let Some(reply) = &record.append.command {
                assert!(
                    copy.knows(reply.command),
                    "{} is forgotten",
                    record.position
                );
            }
            let stream = &record.append.stream;
            if record.position <= cursor && stream.starts_with("work/") {
                let effect = format!("effect/{}", record.position);
                let made = copy.version(&effect).expect("a sound journal");
                assert_eq!(
                    made, 1,
                    "the cursor at {cursor} passed {effect}, which is not there"
                );
                effects += 1;
            }
        }
        copy.close().await.expect("a good disk");
        effects
    })
}

/// A journal with a little of everything. The last append is by stream `b`.
fn furnish(path: &Path) {
    incarnation(async {
        let journal = open(path).expect("a journal");
        for n in 0..5 {
            settle(&journal, commanded("a", n, n.into())).await;
        }
        let timed = Append {
            mark: Some(Mark::Open),
            timers: vec![TimerChange::Set {
                name: "late".into(),
                due_at_ms: 77,
                payload: b"why".to_vec(),
            }],
            ..one_event("b", 0)
        };
        journal.offer_snapshot(snapshot("a", 5, Position::new(5)));
        journal.set_cursor("reader", Position::new(3), Position::new(5));
        settle(&journal, timed).await;
        journal.close().await.expect("a good disk");
    });
}

/// Catches: a copy that lacks what stands beside the records.
#[test]
fn what_is_restored_goes_on_where_the_journal_stood() {
    let (folder, path, to) = place();
    furnish(&path);
    let taken = backup(&path, &to).expect("a backup");
    assert_eq!((taken.records, taken.events, taken.last.get()), (6, 6, 6));
    let again = folder.path().join("again");
    let restored = restore(&to, &again).expect("a journal");
    assert_eq!((restored.records, restored.last), (6, taken.last));
    let copied = told(&again, &["reader"]);
    assert_eq!(copied, told(&path, &["reader"]));
    // There is something of each to compare.
    assert_eq!(copied.cursors, [Position::new(3)]);
    assert_eq!((copied.timers.len(), copied.open.len()), (1, 1));
    assert!(copied.streams["a"].1.is_some());
    incarnation(async {
        let journal = open(&again).expect("a journal");
        assert!((0..5).all(|n| journal.knows(Uuid::from_u128(n))));
        let next = journal.append(one_event("a", 5)).expect("it goes on");
        assert_eq!(next.position, Position::new(7));
        journal.close().await.expect("a good disk");
    });
}

/// Catches: an index that is cut into the wrong pieces where more than one commit writes it.
#[test]
fn a_backup_of_many_commits_knows_every_stream_and_every_command() {
    const COMMANDS: u64 = 20_000;
    let (_folder, path, to) = place();
    let options = || JournalOptions {
        tail_records_max: 1_000,
        ..JournalOptions::default()
    };
    let stream = |n: u64| format!("s/{}", n % 7_000);
    incarnation(async {
        let pace = crate::common::Pace::default();
        let journal = RedbJournal::open(&path, options(), pace.writer()).expect("a journal");
        for n in 0..COMMANDS {
            journal.room().await;
            let mut append = commanded(&stream(n), n / 7_000, n.into());
            append.events[0].payload.resize(500, 0);
            journal.append(append).expect("room");
        }
        journal
            .until_durable(Position::new(COMMANDS))
            .await
            .expect("a good disk");
        // One is taken of the file while it is open, one of the file at rest.
        journal.backup(to.with_extension("hot")).expect("a backup");
        journal.close().await.expect("a good disk");
    });
    backup(&path, &to).expect("a backup");
    for copy in [to.clone(), to.with_extension("hot")] {
        incarnation(async {
            let journal = open(&copy).expect("a journal");
            for n in 0..COMMANDS {
                assert!(journal.knows(Uuid::from_u128(n.into())), "command {n}");
                let expected = (COMMANDS - 1 - n % 7_000) / 7_000 + 1;
                let version = journal.version(&stream(n)).expect("a sound journal");
                assert_eq!(version, expected, "stream {}", stream(n));
            }
            journal.close().await.expect("a good disk");
        });
    }
}
