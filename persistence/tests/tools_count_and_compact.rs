//! Figures of a journal agree with what is in it, and compacting changes none of them but one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::{Pace, commanded, incarnation, one_event, open, settle, snapshot, told};
use mercato_persistence::{
    Append, Journal, JournalOptions, Mark, Position, RecordFilter, RecoveryCosts, RedbJournal,
    Snapshot, TimerChange, compact, inspect, stats, verify,
};
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop");
    (folder, path)
}

/// Ten events of `order/1`, summed up to the seventh; four of the unfinished `flow/x/1`; one of
/// `order/10`, with a timer. The first three of the ten commands are forgotten.
fn furnish(path: &Path) {
    incarnation(async {
        let options = JournalOptions {
            replies_max: 7,
            ..JournalOptions::default()
        };
        let pace = Pace::default();
        let journal = RedbJournal::open(path, options, pace.writer()).expect("a journal");
        for n in 0..10 {
            settle(&journal, commanded("order/1", n, n.into())).await;
        }
        journal.offer_snapshot(snapshot("order/1", 7, Position::new(7)));
        journal.set_cursor("reader", Position::new(4), Position::new(10));
        for n in 0..4 {
            let append = Append {
                mark: Some(Mark::Open),
                ..one_event("flow/x/1", n)
            };
            settle(&journal, append).await;
        }
        let append = Append {
            timers: vec![TimerChange::Set {
                name: "late".into(),
                due_at_ms: 77,
                payload: Vec::new(),
            }],
            ..one_event("order/10", 0)
        };
        settle(&journal, append).await;
        journal.close().await.expect("a good disk");
    });
}

/// Catches: a figure that is counted of something else.
#[test]
fn stats_are_what_the_records_say() {
    let (_folder, path) = place();
    furnish(&path);
    let stats = stats(&path).expect("a sound journal");
    let report = verify(&path, |_| {}).expect("a sound journal");
    assert!(report.is_sound(), "{:#?}", report.problems);
    assert_eq!(
        (stats.records, stats.events),
        (report.records, report.events)
    );
    assert_eq!((stats.records, stats.events), (15, 15));
    assert_eq!(
        (stats.streams, stats.open_streams),
        (report.streams, report.open_streams)
    );
    assert_eq!((stats.streams, stats.open_streams), (3, 1));
    assert_eq!(stats.last, report.last);
    assert_eq!(report.commands, 10);
    assert_eq!(stats.commands_kept, 7);
    assert_eq!(stats.commands_since_ms, Some(1_700_000_000_003));
    assert_eq!((stats.timers, stats.next_timer_ms), (1, Some(77)));
    assert_eq!(stats.snapshots, 1);
    assert_eq!(stats.events_after_snapshots, 15 - 7);
    assert_eq!(stats.open_events, 4);
    assert_eq!(stats.cursors.len(), 1);
    let cursor = &stats.cursors[0];
    assert_eq!(
        (&*cursor.name, cursor.position.get(), cursor.behind),
        ("reader", 4, 11)
    );
    assert_eq!(
        (stats.checkpoint, stats.tail_records),
        (Position::START, 15)
    );
    let file = std::fs::metadata(&path).expect("a file").len();
    assert_eq!(stats.file_bytes, file);
    assert_eq!(stats.bytes_per_event(), Some(file / 15));
    let blocks = stats
        .tables
        .iter()
        .find(|table| table.name == "blocks")
        .expect("a table");
    assert_eq!(blocks.rows, report.blocks);
    assert_eq!(blocks.stored_bytes, report.bytes + 8 * report.blocks);

    let costs = RecoveryCosts {
        check_bytes_per_ms: file,
        tail_record_us: 10,
        command_us: 3,
        stream_load_us: 1_000,
        event_us: 100,
    };
    let recovery = stats.expected_recovery(&costs);
    assert_eq!(recovery.checking_pages, Duration::from_millis(1));
    assert_eq!(recovery.reading_tail, Duration::from_micros(150));
    assert_eq!(recovery.reading_commands, Duration::from_micros(21));
    assert_eq!(recovery.loading_streams, Duration::from_micros(1_400));
    let of_all = stats.expected_recovery_of_all(&costs);
    assert_eq!(of_all.loading_streams, Duration::from_micros(3_800));
}

/// Catches: figures that divide by nothing.
#[test]
fn an_empty_journal_has_figures_too() {
    let (_folder, path) = place();
    incarnation(async {
        let journal = open(&path).expect("a journal");
        journal.close().await.expect("a good disk");
    });
    let stats = stats(&path).expect("a sound journal");
    assert_eq!(
        (stats.records, stats.streams, stats.commands_kept),
        (0, 0, 0)
    );
    assert_eq!(stats.bytes_per_event(), None);
    assert_eq!(stats.commands_since_ms, None);
}

/// Catches: a compaction that gives nothing back, or something that it should have kept.
#[test]
fn compacting_keeps_everything_but_the_room() {
    let (_folder, path) = place();
    furnish(&path);
    incarnation(async {
        let journal = open(&path).expect("a journal");
        // Large snapshots, replaced by a small one: the room of them is free in the file.
        for n in 10..60 {
            let position = settle(&journal, one_event("order/1", n)).await;
            let state = vec![1; if n == 59 { 10 } else { 100_000 }];
            journal.offer_snapshot(Snapshot {
                state,
                ..snapshot("order/1", n + 1, position)
            });
        }
        settle(&journal, one_event("order/1", 60)).await;
        journal.close().await.expect("a good disk");
    });
    let before = told(&path, &["reader"]);
    let compacted = compact(&path).expect("a sound journal");
    assert!(
        compacted.bytes_after < compacted.bytes_before,
        "{compacted:?}"
    );
    let file = std::fs::metadata(&path).expect("a file").len();
    assert_eq!(compacted.bytes_after, file);
    assert_eq!(told(&path, &["reader"]), before);
    assert!(verify(&path, |_| {}).expect("a journal").is_sound());
}

/// Catches: `order/1` that finds `order/10`, and a limit that hides that there is more.
#[test]
fn records_are_found_by_stream_and_by_position() {
    let (_folder, path) = place();
    furnish(&path);
    let found = |filter: &RecordFilter, limit| {
        let mut positions = Vec::new();
        let found = inspect(&path, filter, limit, |record| {
            positions.push(record.position.get());
            true
        });
        let found = found.expect("a sound journal");
        assert_eq!(found.shown, positions.len());
        (positions, found.more)
    };
    let under = |names: &[&str]| RecordFilter {
        under: names.iter().map(|name| (*name).to_owned()).collect(),
        ..RecordFilter::default()
    };
    assert_eq!(found(&under(&["order/10"]), 100), (vec![15], false));
    assert_eq!(
        found(&under(&["order/1"]), 100),
        ((1..=10).collect(), false)
    );
    assert_eq!(found(&under(&["order"]), 100).0.len(), 11);
    assert_eq!(
        found(&under(&["flow/x", "order/10"]), 100),
        ((11..=15).collect(), false)
    );
    assert_eq!(found(&under(&["ord"]), 100), (vec![], false));
    assert_eq!(found(&under(&["order"]), 10), ((1..=10).collect(), true));
    let between = RecordFilter {
        from: Position::new(9),
        to: Position::new(12),
        ..RecordFilter::default()
    };
    assert_eq!(found(&between, 100), (vec![9, 10, 11, 12], false));
    // What was not taken does not count.
    let mut seen = 0;
    let taken = inspect(&path, &RecordFilter::default(), 2, |record| {
        seen += 1;
        record.position.get() % 2 == 0
    });
    assert_eq!((taken.expect("a sound journal").shown, seen), (2, 4));
}
