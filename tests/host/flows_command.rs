//! The flows of a journal as an operator meets them: what is printed of them, what can be asked for
//! while no shop is open, and what the next shop makes of it.

use std::path::Path;
use std::process::Command;

use futures::executor::block_on;
use mercato_actors::runtime::Principal;
use mercato_actors::runtime::persistence::{
    Journal, JournalOptions, RedbJournal, Vault, WriterPlace,
};
use serde_json::Value;

use crate::command::{is_refused, mercato, shop, succeeds};
use crate::left_behind::{ACCOUNT, BEGAN_MS, Recorder, WAKES_MS, left_behind};

fn flows(task: &str, file: &Path) -> Command {
    let mut command = mercato();
    command.args(["flows", task]).arg(file);
    command
}

fn of(task: &str, file: &Path, flow: &str, id: &str) -> Command {
    let mut command = flows(task, file);
    command.args([flow, id]);
    command
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

/// Everything that a journal holds.
fn exported(file: &Path) -> String {
    succeeds(mercato().args(["journal", "export"]).arg(file))
}

/// Catches: a flow that goes on because somebody looks at it, keys that are opened for nothing, a state
/// that is told wrongly, and an account or an input that is printed.
#[test]
fn whoever_looks_sees_where_each_flow_is_and_changes_nothing() {
    let (_folder, file) = left_behind();
    let before = exported(&file);
    std::fs::remove_file(Vault::path_beside(&file)).expect("an empty vault");
    let json = succeeds(flows("list", &file).arg("--json"));
    let listed = lines(&json);
    let seen: Vec<_> = listed
        .iter()
        .map(|flow| {
            let text = |name: &str| flow[name].as_str().expect("a text").to_owned();
            let waits = flow["waits_for"].as_array().expect("a list");
            let kinds = waits.iter().map(|wait| wait["kind"].as_str().expect("one"));
            let kinds: Vec<_> = kinds.map(str::to_owned).collect();
            (text("flow"), text("id"), text("state"), kinds.join(" "))
        })
        .collect();
    let expected = [
        ("deliver-message", "sleeper", "parked", "wake"),
        ("fulfil", "failed", "failed", "person"),
        ("fulfil", "going", "running", "start"),
        ("fulfil", "torn", "failed", "person person"),
        ("of-old", "lost", "stuck", "person"),
        ("release", "child", "running", "start"),
        ("return", "parent", "running", "flow"),
    ];
    let expected = expected.map(|(flow, id, state, waits)| {
        (
            flow.to_owned(),
            id.to_owned(),
            state.to_owned(),
            waits.to_owned(),
        )
    });
    assert_eq!(seen, expected);
    assert_eq!(listed[0]["next_wake_ms"], WAKES_MS);
    assert_eq!(listed[0]["since_ms"], BEGAN_MS);
    let child = &listed[6]["waits_for"][0];
    assert_eq!(
        (&child["flow"], &child["id"]),
        (&"release".into(), &"child".into())
    );

    let text = succeeds(&mut flows("list", &file));
    let row = |name: &str| {
        let row = text.lines().find(|line| line.starts_with(name));
        row.unwrap_or_else(|| panic!("no {name}: {text}"))
    };
    assert_eq!(text.lines().count(), 8, "{text}");
    assert!(
        row("flow").ends_with("next wake             waits for"),
        "{text}"
    );
    let sleeper = row("deliver-message/sleeper");
    assert!(sleeper.contains("parked") && sleeper.contains("2026-01-03T03:04:05Z"));
    assert!(
        row("fulfil/going").contains("2026-01-02T03:04:05Z"),
        "{text}"
    );
    assert!(
        row("return/parent").ends_with("flow release/child"),
        "{text}"
    );
    assert!(
        row("of-old/lost").contains("has no flow `of-old`"),
        "{text}"
    );
    assert!(
        row("fulfil/torn").contains("the undo of `reserve pot`"),
        "{text}"
    );

    let shown = succeeds(&mut of("show", &file, "fulfil", "torn"));
    for part in [
        "fulfil/torn\n",
        "  state       failed\n",
        "  started     2026-01-02T03:04:05Z by a user\n",
        "  undo of `reserve pot` given up: no such \\u{1b}shelf\n",
    ] {
        assert!(shown.contains(part), "`{part}` is missing:\n{shown}");
    }
    let work = succeeds(&mut flows("work", &file));
    let all = [&*json, &*text, &*shown, &*work].concat();
    assert!(
        !all.contains(ACCOUNT) && !all.contains("what ada wrote"),
        "{all}"
    );
    assert!(!Vault::path_beside(&file).exists(), "keys were made");
    assert!(exported(&file) == before, "the journal was changed");
}

/// Catches: a choice that finds too much, or too little, and a limit that leaves out in silence.
#[test]
fn flows_are_chosen_by_name_and_state() {
    let (_folder, file) = left_behind();
    let ids = |args: &[&str]| {
        let listed = succeeds(flows("list", &file).arg("--json").args(args));
        let ids = lines(&listed).into_iter().map(|flow| flow["id"].clone());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(&["--flow", "fulfil"]), ["failed", "going", "torn"]);
    assert_eq!(ids(&["--flow", "ful"]), Vec::<Value>::new());
    assert_eq!(ids(&["--state", "parked"]), ["sleeper"]);
    let two = ["--state", "parked", "--state", "stuck"];
    assert_eq!(ids(&two), ["sleeper", "lost"]);
    let both = ["--flow", "fulfil", "--state", "running"];
    assert_eq!(ids(&both), ["going"]);
    let few = flows("list", &file).args(["--limit", "2"]).output();
    let few = few.expect("it starts");
    let hint = String::from_utf8_lossy(&few.stderr);
    assert_eq!(String::from_utf8_lossy(&few.stdout).lines().count(), 3);
    assert!(
        hint.contains("5 more") && hint.contains("--limit"),
        "{hint}"
    );
    let work = |args: &[&str]| lines(&succeeds(flows("work", &file).arg("--json").args(args)));
    let all = work(&[]);
    let told: Vec<_> = all
        .iter()
        .map(|item| {
            (
                item["id"].clone(),
                item["what"].clone(),
                item["step"].clone(),
            )
        })
        .collect();
    let expected = [
        ("failed", "flow-failed", None),
        ("torn", "flow-failed", None),
        ("torn", "undo-failed", Some("reserve pot")),
        ("lost", "flow-stuck", None),
    ];
    let expected = expected.map(|(id, what, step)| (id.into(), what.into(), step.into()));
    assert_eq!(told, expected);
    let why = all[0]["why"].as_str().expect("a reason");
    assert!(why.contains("the carrier is on strike"), "{why}");
    assert_eq!(work(&["--flow", "of-old"]).len(), 1);
}

/// Catches: a request that is not recorded, one that is recorded twice, one that changes more than was
/// asked, and an operator who is not told what came of it.
#[test]
fn what_is_asked_for_is_recorded_once_and_said() {
    let (_folder, file) = left_behind();
    let because = ["--reason", "the customer called", "--by", "ann"];
    let told = succeeds(of("cancel", &file, "fulfil", "going").args(because));
    assert!(told.contains("recorded; with the next start"), "{told}");
    assert!(told.contains("undoes reserve mug"), "{told}");
    let once = exported(&file);
    let told = succeeds(of("cancel", &file, "fulfil", "going").args(because));
    assert!(
        told.contains("nothing was recorded; it was cancelled before"),
        "{told}"
    );
    assert!(exported(&file) == once, "it was recorded twice");
    let shown = succeeds(&mut of("show", &file, "fulfil", "going"));
    assert!(shown.contains("state       undoing"), "{shown}");
    assert!(shown.contains("cancelled   by operator ann: the customer called"));
    assert!(
        shown.contains("the next start, to undo reserve mug"),
        "{shown}"
    );

    // A sleeper does not sleep on.
    succeeds(of("cancel", &file, "deliver-message", "sleeper").args(because));
    let sleeper = succeeds(of("show", &file, "deliver-message", "sleeper").arg("--json"));
    let sleeper = &lines(&sleeper)[0];
    assert_eq!(sleeper["state"], "undoing");
    assert_eq!(sleeper["next_wake_ms"], Value::Null);

    let told = succeeds(of("retry", &file, "fulfil", "failed").arg("--json"));
    let told = &lines(&told)[0];
    assert_eq!(told["recorded"], true);
    assert_eq!(told["flow"]["state"], "running");
    assert_eq!(told["flow"]["attempts"], 1);
    let undo = ["--step", "reserve pot"];
    let told = succeeds(of("retry", &file, "fulfil", "torn").args(undo));
    assert!(
        told.contains("the undo of `reserve pot` is tried again"),
        "{told}"
    );

    let (_folder, file) = left_behind();
    let settled = ["--reason", "put back by hand"];
    let told = succeeds(
        of("resolve", &file, "fulfil", "torn")
            .args(undo)
            .args(settled),
    );
    assert!(
        told.contains("off the work list; the flow waits for a person"),
        "{told}"
    );
    let told = succeeds(of("resolve", &file, "fulfil", "torn").args(settled));
    assert!(told.contains("nothing more of the flow waits"), "{told}");
    let shown = succeeds(&mut of("show", &file, "fulfil", "torn"));
    assert!(
        shown.contains("undo of `reserve pot` resolved: put back by hand"),
        "{shown}"
    );
    let left = succeeds(flows("list", &file).args(["--flow", "fulfil", "--json"]));
    assert_eq!(lines(&left).len(), 2, "it is over: {left}");
    let sound = succeeds(mercato().args(["journal", "verify"]).arg(&file));
    assert!(sound.contains("sound"), "{sound}");
}

/// Catches: a refusal that a script takes for success, that names no way on, or that records something.
#[test]
fn what_cannot_be_done_is_refused_with_its_remedy() {
    let (folder, file) = left_behind();
    let before = exported(&file);
    let nowhere = folder.path().join("nowhere");
    let because = ["--reason", "why not"];
    let with = |mut command: Command, args: &[&str]| {
        command.args(args);
        command
    };
    let cases: [(Command, &[&str]); 9] = [
        (
            of("show", &file, "fulfil", "nobody"),
            &[
                "no flow `fulfil` with the id `nobody`",
                "mercato flows list",
            ],
        ),
        (
            with(of("cancel", &file, "fulfil", "nobody"), &because),
            &["no flow `fulfil` with the id `nobody`"],
        ),
        (
            with(of("cancel", &file, "fulfil", "failed"), &because),
            &["fulfil/failed", "finished"],
        ),
        (
            with(of("cancel", &file, "fulfil", "going"), &["--reason", ""]),
            &["a reason has 1 to"],
        ),
        (
            of("retry", &file, "fulfil", "going"),
            &["not on the work list", "mercato flows work"],
        ),
        (
            of("retry", &file, "fulfil", "torn"),
            &["undos of it are on the work list", "reserve pot"],
        ),
        (
            of("retry", &file, "of-old", "lost"),
            &["has no flow `of-old`"],
        ),
        (
            flows("list", &nowhere),
            &["nowhere", "check that the folder"],
        ),
        (
            with(flows("list", &file), &["--state", "asleep"]),
            &["asleep", "parked"],
        ),
    ];
    for (mut command, expected) in cases {
        let refusal = is_refused(&mut command);
        for part in expected {
            assert!(
                refusal.contains(part),
                "{command:?} should name `{part}`:\n{refusal}"
            );
        }
    }
    assert!(!nowhere.exists(), "a journal was made");
    assert!(exported(&file) == before, "something was recorded");

    // A shop that works has its journal open, and its flows to itself.
    let journal = RedbJournal::open(&file, JournalOptions::default(), WriterPlace::Thread);
    let journal = journal.expect("a journal");
    for mut command in [
        flows("list", &file),
        with(of("cancel", &file, "fulfil", "going"), &because),
    ] {
        let refusal = is_refused(&mut command);
        assert!(refusal.contains("in use by another process"), "{refusal}");
    }
    block_on(journal.close()).expect("closed");
}

/// Catches: damage that passes for a wrong argument, or for an empty list.
#[test]
fn damage_has_an_exit_status_of_its_own() {
    let (_folder, file) = left_behind();
    let mut bytes = std::fs::read(&file).expect("a file");
    let event = bytes.windows(11).position(|bytes| bytes == b"FlowStarted");
    bytes[event.expect("a flow")] ^= 1;
    std::fs::write(&file, &bytes).expect("a file");
    for mut command in [
        flows("list", &file),
        flows("work", &file),
        of("show", &file, "fulfil", "going"),
        of("retry", &file, "fulfil", "failed"),
    ] {
        let output = command.output().expect("it starts");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{command:?}\n{told}");
        assert!(
            told.contains("problem: ") && told.contains("restore a backup"),
            "{told}"
        );
    }
    assert!(
        std::fs::read(&file).expect("a file") == bytes,
        "the file was changed"
    );
}

/// Catches: a request that the shop does not know of when it starts, and one that costs it anything
/// else.
#[test]
fn the_next_shop_carries_out_what_was_asked_for() {
    let (_folder, store) = shop();
    let recorder = Recorder::at(&store);
    recorder.sleeper();
    recorder.start("fulfil/torn", 3, Principal::System);
    recorder.undo("fulfil/torn", "reserve pot");
    recorder.fail("fulfil/torn", Some("reserve pot"));
    recorder.close();
    let because = ["--reason", "a test", "--by", "ann"];
    succeeds(of("cancel", &store, "deliver-message", "sleeper").args(because));
    let undo = ["--step", "reserve pot"];
    for step in [&undo[..], &[]] {
        succeeds(
            of("resolve", &store, "fulfil", "torn")
                .args(step)
                .args(because),
        );
    }
    let again = [
        "simulate",
        "--shoppers",
        "20",
        "--duration",
        "1h",
        "--store",
    ];
    let report = succeeds(mercato().args(again).arg(&store));
    assert!(report.contains("every law held"), "{report}");
    let shown = succeeds(of("show", &store, "deliver-message", "sleeper").arg("--json"));
    let shown = &lines(&shown)[0];
    assert_eq!(shown["state"], "cancelled", "{shown}");
    assert_eq!(shown["cancelled"]["by"], "operator ann");
    assert_eq!(shown["waits_for"], Value::Array(Vec::new()));
    assert_eq!(succeeds(flows("work", &store).arg("--json")), "");
    let sound = succeeds(mercato().args(["journal", "verify"]).arg(&store));
    assert!(sound.contains("sound"), "{sound}");
}
