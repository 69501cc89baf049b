//! An export is the whole journal as text: imported, it is the same journal.

use std::path::{Path, PathBuf};

use crate::common::{Pace, commanded, incarnation, one_event, open, settle, told};
use mercato_persistence::{
    Append, EventData, FirstReply, Journal, JournalOptions, Mark, Position, RedbJournal,
    TimerChange, ToolError, Trace, export, import, verify,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

fn place() -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, to) = (folder.path().join("shop"), folder.path().join("again"));
    (folder, path, to)
}

fn exported(path: &Path) -> String {
    let mut out = Vec::new();
    let payload = |_: &str, event: &EventData| Some(json!({ "bytes": event.payload.len() }));
    export(path, &mut out, payload).expect("a sound journal");
    String::from_utf8(out).expect("text")
}

/// One append, and how it follows the ones before it.
#[derive(Debug, Clone)]
struct Made {
    stream: u8,
    events: Vec<(u16, Vec<u8>)>,
    command: Option<u8>,
    mark: Option<Mark>,
    timer: Option<(u8, bool, u64)>,
    recorded_at_ms: u64,
    settled: bool,
}

prop_compose! {
    fn made()(
        stream in 0..5u8,
        events in prop::collection::vec((any::<u16>(), prop::collection::vec(any::<u8>(), 0..40)), 0..3),
        command in prop::option::of(0..12u8),
        mark in prop::option::of(prop_oneof![Just(Mark::Open), Just(Mark::Closed)]),
        timer in prop::option::of((0..3u8, any::<bool>(), any::<u64>())),
        recorded_at_ms in any::<u64>(),
        settled in any::<bool>(),
    ) -> Made {
        Made { stream, events, command, mark, timer, recorded_at_ms, settled }
    }
}

impl Made {
    fn append(&self, version: u64) -> Append {
        let events = self.events.iter().map(|(version, payload)| EventData {
            name: format!("Häppened \"{version}\"\n").into(),
            version: *version,
            payload: payload.clone(),
        });
        Append {
            events: events.collect(),
            command: self.command.map(|command| FirstReply {
                command: Uuid::from_u128(command.into()),
                body_hash: u128::MAX - u128::from(command),
                reply: vec![command; 3],
            }),
            mark: self.mark,
            timers: self
                .timer
                .iter()
                .map(|(name, set, due_at_ms)| {
                    let name = format!("t{name}").into();
                    let due_at_ms = *due_at_ms;
                    match set {
                        true => TimerChange::Set {
                            name,
                            due_at_ms,
                            payload: vec![7],
                        },
                        false => TimerChange::Clear { name },
                    }
                })
                .collect(),
            trace: self.timer.map(|(name, _, id)| Trace {
                id: u128::from(id) << 64 | 5,
                parent: id,
                flags: name,
            }),
            ..Append::to(format!("s/{}", self.stream), version, self.recorded_at_ms)
        }
    }
}

/// Records what is made, and keeps so few first replies that commands come again.
fn record(path: &Path, history: &[Made]) {
    incarnation(async {
        let options = JournalOptions {
            replies_max: 3,
            tail_records_max: 8,
            ..JournalOptions::default()
        };
        let pace = Pace::default();
        let journal = RedbJournal::open(path, options, pace.writer()).expect("a journal");
        for made in history {
            let stream = format!("s/{}", made.stream);
            let version = journal.version(&stream).expect("a sound journal");
            let mut append = made.append(version);
            let known = append.command.as_ref();
            if known.is_some_and(|reply| journal.knows(reply.command)) {
                append.command = None;
            }
            let position = journal.append(append).expect("a good append").position;
            if made.settled {
                journal.until_durable(position).await.expect("a good disk");
                journal.set_cursor(&stream, position, position);
            }
        }
        journal.close().await.expect("a good disk");
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Catches: anything at all that the text or its reader loses.
    #[test]
    fn an_export_that_is_imported_is_the_same_journal(history in prop::collection::vec(made(), 0..60)) {
        let (_folder, path, to) = place();
        record(&path, &history);
        let first = exported(&path);
        import(first.as_bytes(), &to).expect("what was exported");
        prop_assert_eq!(&exported(&to), &first);
        for file in [&path, &to] {
            let report = verify(file, |_| {}).expect("a journal");
            prop_assert_eq!(&report.problems, &Vec::<String>::new());
        }
        let subscribers = ["s/0", "s/1", "s/2", "s/3", "s/4"];
        prop_assert_eq!(told(&to, &subscribers), told(&path, &subscribers));
    }
}

/// Catches: a change of the format that forgets its version.
#[test]
fn the_lines_are_as_documented() {
    let (_folder, path, _) = place();
    incarnation(async {
        let journal = open(&path).expect("a journal");
        let append = Append {
            mark: Some(Mark::Open),
            timers: vec![TimerChange::Clear {
                name: "late".into(),
            }],
            ..commanded("a", 0, 1)
        };
        let position = journal.append(append).expect("room").position;
        journal.set_cursor("reader", position, position);
        settle(&journal, one_event("a", 1)).await;
        journal.close().await.expect("a good disk");
    });
    let lines: Vec<Value> = exported(&path)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let expected = [
        json!({"header": {"format": "mercato-journal", "version": 1}}),
        json!({"append": {
            "position": 1, "stream": "a", "version_before": 0, "recorded_at_ms": 1_700_000_000_000u64,
            "mark": "open",
            "command": {
                "id": "00000000-0000-0000-0000-000000000001",
                "body_hash": "0000000000000000000000000000001f",
                "reply": "01000000000000000000000000000000",
            },
            "timers": [{"clear": {"name": "late"}}],
            "events": [{"name": "Counted", "version": 1, "payload": "612030", "view": {"bytes": 3}}],
        }}),
        json!({"append": {
            "position": 2, "stream": "a", "version_before": 1, "recorded_at_ms": 1_700_000_000_001u64,
            "mark": null, "command": null, "timers": [],
            "events": [{"name": "Counted", "version": 1, "payload": "612031", "view": {"bytes": 3}}],
        }}),
        json!({"cursor": {"name": "reader", "position": 1}}),
        json!({"end": {"appends": 2, "cursors": 1}}),
    ];
    assert_eq!(lines, expected);
}

/// An export of three appends to `a` and a cursor, as lines.
fn sample() -> Vec<String> {
    let (_folder, path, _) = place();
    incarnation(async {
        let journal = open(&path).expect("a journal");
        for n in 0..3 {
            journal.set_cursor("reader", Position::new(n), Position::new(n));
            settle(&journal, commanded("a", n, n.into())).await;
        }
        journal.close().await.expect("a good disk");
    });
    exported(&path).lines().map(str::to_owned).collect()
}

/// Changes an export, and sees it refused at `line` with `what`, and no file left behind.
fn check_refused(change: impl FnOnce(&mut Vec<String>), line: u64, what: &str) {
    let (folder, _, to) = place();
    let mut lines = sample();
    change(&mut lines);
    let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    let refused = import(text.as_bytes(), &to).expect_err("it must be refused");
    let message = refused.to_string();
    match refused {
        ToolError::Line { line: found, .. } => assert_eq!(found, line, "{message}"),
        other => assert_eq!(line, 0, "{other:?}"),
    }
    assert!(message.contains(what), "{message}");
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "something was left behind");
}

#[test]
fn what_does_not_fit_is_refused_with_its_line_and_a_remedy() {
    let again = "export again";
    check_refused(Vec::clear, 1, "this is no export");
    check_refused(
        |lines| lines[0] = "InvoiceNo,StockCode".into(),
        1,
        "this is no export",
    );
    let newer = r#"{"header":{"format":"mercato-journal","version":2,"new":1}}"#;
    check_refused(
        |lines| lines[0] = newer.into(),
        1,
        "use the one that wrote it",
    );
    check_refused(
        |lines| lines[2].truncate(30),
        3,
        "it is no JSON object (column 30)",
    );
    check_refused(
        |lines| lines[2] = lines[2].replace("\"stream\"", "\"streem\""),
        3,
        "a field is missing, unknown",
    );
    check_refused(|lines| drop(lines.remove(2)), 3, "position 3 follows 1");
    check_refused(|lines| lines.swap(2, 3), 3, "position 3 follows 1");
    let skip = |lines: &mut Vec<String>| {
        lines[3] = lines[3].replace("\"version_before\":2", "\"version_before\":7");
    };
    check_refused(skip, 4, "stream `a` goes on from version 7, but it is at 2");
    let odd = |lines: &mut Vec<String>| lines[1] = lines[1].replace("612030", "61203");
    check_refused(odd, 2, again);
    let hash = |lines: &mut Vec<String>| {
        lines[1] = lines[1].replace("\"body_hash\":\"00", "\"body_hash\":\"");
    };
    check_refused(hash, 2, "32 hexadecimal digits");
    let ahead =
        |lines: &mut Vec<String>| lines[4] = lines[4].replace("\"position\":2", "\"position\":9");
    check_refused(ahead, 5, "beyond the last append at 3");
    check_refused(
        |lines| lines.insert(4, lines[4].clone()),
        6,
        "out of order or there twice",
    );
    check_refused(|lines| drop(lines.pop()), 6, "cut short");
    check_refused(
        |lines| drop(lines.remove(4)),
        5,
        "counts 3 appends and 1 cursors, but 3 and 0",
    );
    check_refused(
        |lines| lines.push(lines[0].clone()),
        7,
        "something follows the last line",
    );
    check_refused(
        |lines| lines.insert(1, lines[0].clone()),
        2,
        "a second header",
    );
    let repeated = |lines: &mut Vec<String>| {
        let (first, second) = (
            Uuid::from_u128(0).to_string(),
            Uuid::from_u128(1).to_string(),
        );
        lines[2] = lines[2].replace(&second, &first);
    };
    check_refused(repeated, 0, "is recorded a second time");
}

/// Catches: an import that reads a line into memory however long it is.
#[test]
fn a_line_without_an_end_is_refused_at_its_limit() {
    let (_folder, _, to) = place();
    let header = sample().swap_remove(0) + "\n";
    let endless = std::io::Read::chain(header.as_bytes(), std::io::repeat(b' '));
    let refused = import(std::io::BufReader::new(endless), &to).expect_err("it never ends");
    assert!(
        refused
            .to_string()
            .starts_with("line 2: the line is longer than"),
        "{refused}"
    );
}

/// Catches: bytes of a person that an error repeats.
#[test]
fn what_a_line_says_is_not_repeated_in_the_error() {
    let (_folder, _, to) = place();
    let mut lines = sample();
    lines[1] = lines[1].replace("\"mark\":null", "\"mark\":\"ada@example.org\"");
    let refused = import(lines.join("\n").as_bytes(), &to).expect_err("no mark");
    assert!(!refused.to_string().contains("ada"), "{refused}");
}
