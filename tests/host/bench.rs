//! What `mercato bench` promises on the command line.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod command;

use std::path::Path;

use command::{is_refused, mercato, succeeds};
use serde_json::Value;

const PARTS: [&str; 5] = ["acknowledged", "latency", "growth", "recovery", "layouts"];

/// A folder for the files, which must be empty again afterwards.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn is_empty(folder: &Path) -> bool {
    let mut entries = std::fs::read_dir(folder).expect("it reads");
    entries.next().is_none()
}

/// Catches: a part that is not run or not printed, a figure that is missing, and files that are
/// left behind.
#[test]
fn a_quick_look_prints_every_part_and_leaves_nothing_behind() {
    let folder = folder();
    let report = succeeds(
        mercato()
            .args(["bench", "journal", "--quick", "--writers", "50", "--folder"])
            .arg(folder.path()),
    );
    for part in PARTS {
        assert!(
            report.contains(&format!("## {part}")),
            "{part} in\n{report}"
        );
    }
    for row in [
        "bare append-only log",
        "journal, half load",
        "a new stream for every 10 events",
        "all entities answered",
        "rows by stream, state rows, dedupe rows",
    ] {
        let figures = report
            .lines()
            .find(|line| line.contains(row))
            .unwrap_or_else(|| panic!("no row `{row}` in\n{report}"));
        assert!(figures.contains(|c: char| c.is_ascii_digit()), "{figures}");
        assert!(
            !figures.contains("NaN") && !figures.contains("inf"),
            "{figures}"
        );
    }
    assert!(is_empty(folder.path()));
}

/// Catches: tables between the braces, and parts that were not asked for.
#[test]
fn machines_get_one_object_of_the_parts_that_were_asked_for() {
    let folder = folder();
    let report = succeeds(
        mercato()
            .args(["bench", "journal", "--quick", "--json"])
            .args(["--only", "acknowledged,recovery", "--writers", "20"])
            .arg("--folder")
            .arg(folder.path()),
    );
    let figures: Value = serde_json::from_str(&report).expect("one object");
    let parts: Vec<&String> = figures.as_object().expect("an object").keys().collect();
    assert_eq!(parts, ["acknowledged", "recovery", "settings"]);
    assert_eq!(figures["settings"]["writers"], 20);
    let journal = figures["acknowledged"]
        .as_array()
        .expect("contenders")
        .iter()
        .find(|contender| contender["name"] == "journal")
        .expect("the journal");
    assert!(journal["ratio"].as_f64().is_some_and(|ratio| ratio > 0.0));
    let recovery = &figures["recovery"];
    let all = recovery["all_answered_ms"].as_f64().expect("a time");
    let opened = recovery["opened_ms"].as_f64().expect("a time");
    assert!(opened > 0.0 && opened < all, "{opened} {all}");
    let (events, replayed) = (&recovery["events"], &recovery["events_replayed"]);
    assert!(replayed.as_u64() > Some(0) && replayed.as_u64() <= events.as_u64());
    assert!(is_empty(folder.path()));
}

/// Catches: input that is taken for something else, and a disk that is filled to the brim.
#[test]
fn what_cannot_be_measured_is_refused_with_a_remedy() {
    let folder = folder();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").expect("a file");
    let file = file.to_str().expect("a plain path");
    let cases: &[(&[&str], &[&str])] = &[
        (&["--writers", "0"], &["--writers 0", "1 to"]),
        (&["--writers", "many"], &["--writers"]),
        (&["--rounds", "0"], &["--rounds 0", "1 to"]),
        (&["--seconds", "0"], &["--seconds 0", "0.05 to"]),
        (&["--events", "10"], &["--events 10", "1000 to"]),
        (&["--only", "everything"], &["everything", "acknowledged"]),
        (
            &["--folder", "no/such/folder"],
            &["no/such/folder", "--folder"],
        ),
        (&["--folder", file], &[file, "--folder"]),
        (
            &["--only", "growth", "--events", "1000000000000"],
            &["MiB free", "lower --events"],
        ),
    ];
    for (args, expected) in cases {
        let refusal = is_refused(mercato().args(["bench", "journal"]).args(*args));
        for part in *expected {
            assert!(
                refusal.contains(part),
                "{args:?} should name `{part}`:\n{refusal}"
            );
        }
    }
}

/// A folder with a small set of its own making in the layout of the M3 file.
fn series_folder() -> tempfile::TempDir {
    let folder = folder();
    std::fs::create_dir(folder.path().join("forecast")).expect("a folder");
    let numbers = |from: u32, until: u32| {
        let months = (from..until).map(|t| (100 + 3 * t + 20 * (t % 12)).to_string());
        months.collect::<Vec<_>>().join(" ")
    };
    let mut file = "id\tperiod\ttype\th\tfreq\tstart\ttrain\ttest\n".to_owned();
    for id in ["N1", "N2"] {
        let (train, test) = (numbers(0, 48), numbers(48, 60));
        file += &format!("{id}\tMONTHLY\tMICRO\t12\t12\t1990\t{train}\t{test}\n");
    }
    std::fs::write(folder.path().join("forecast/m3.tsv"), file).expect("a file");
    folder
}

/// Catches: a contender that is not printed, a set that is dropped in silence, and a broken file
/// that is taken for a small one.
#[test]
fn forecasts_are_held_side_by_side_and_what_is_missing_is_named() {
    let folder = series_folder();
    let bench = || {
        let mut command = mercato();
        command
            .args(["bench", "forecast", "--data"])
            .arg(folder.path());
        command
    };
    let report = succeeds(&mut bench());
    for row in [
        "seasonal naive",
        "Theta (DOT)",
        "AutoETS (augurs)",
        "IMAPA",
        "Mercato",
    ] {
        let figures = report.lines().find(|line| line.contains(row));
        let figures = figures.unwrap_or_else(|| panic!("no row `{row}` in\n{report}"));
        assert!(
            !figures.contains("NaN") && !figures.contains("inf"),
            "{figures}"
        );
    }
    assert!(report.contains("beside"), "{report}");
    for missing in ["retail/online_retail.csv", "forecast/carparts.csv"] {
        assert!(report.contains(&format!("skipped: {missing}")), "{report}");
    }
    let broken = folder.path().join("forecast/m3.tsv");
    std::fs::write(&broken, "id\tperiod\nN1\tMONTHLY\n").expect("a file");
    let refusal = is_refused(&mut bench());
    assert!(
        refusal.contains("row 2") && refusal.contains("m3.tsv"),
        "{refusal}"
    );
    std::fs::remove_file(&broken).expect("it was there");
    let refusal = is_refused(&mut bench());
    assert!(refusal.contains("holds none of"), "{refusal}");
}
