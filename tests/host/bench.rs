//! What `mercato bench` promises on the command line.

use std::path::Path;

use crate::command::{is_refused, mercato, succeeds};
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

/// A folder with small replays of its own making.
fn campaign_folder() -> tempfile::TempDir {
    let folder = folder();
    let mut mail = "recency,history,mens,womens,segment,visit\n".to_owned();
    let mut views = ",item_id,click,propensity_score\n".to_owned();
    for row in 0..600 {
        let arm = ["No E-Mail", "Mens E-Mail", "Womens E-Mail"][row % 3];
        let visited = u8::from(row % 3 == 1 || row % 7 == 6);
        mail += &format!("{},{}.5,{},1,{arm},{visited}\n", row % 12, row, row % 2);
        views += &format!("{row},{},{},0.25\n", row % 4, u8::from(row % 4 == 1));
    }
    let mut discs = " customer_id  date number_of_cds  dollar_value\n".to_owned();
    for customer in 0..50u32 {
        discs += &format!(
            " {customer:05} 199701{:02} 1 {}.77\n",
            1 + customer % 28,
            customer
        );
        if customer.is_multiple_of(2) {
            discs += &format!(" {customer:05} 19971115 2 20.00\n");
        }
    }
    for (file, text) in [
        ("hillstrom_email.csv", mail),
        ("open_bandit_random_men.csv", views),
        ("cdnow_master.txt", discs),
    ] {
        std::fs::write(folder.path().join(file), text).expect("a file");
    }
    folder
}

/// Catches: a contestant or a rail that is not printed, a replay that is dropped in silence, figures
/// that are none, and another table from the same seed.
#[test]
fn campaigns_are_measured_watched_and_replayed() {
    let folder = campaign_folder();
    let bench = || {
        let mut command = mercato();
        command
            .args(["bench", "campaign", "--quick", "--runs", "10", "--data"])
            .arg(folder.path());
        command
    };
    let report = succeeds(&mut bench());
    for row in [
        "Mercato, rewards at once",
        "stopping rule (as shipped)",
        "UCB1",
        "epsilon-greedy",
        "even shares",
        "without consent",
        "over the cap",
        "in quiet hours",
        "Hillstrom",
        "Open Bandit",
        "CDNOW",
    ] {
        assert!(report.contains(row), "no `{row}` in\n{report}");
    }
    assert!(
        !report.contains("NaN") && !report.contains("inf "),
        "{report}"
    );
    let timeless = |report: &str| -> Vec<String> {
        let lines = report.lines().filter(|line| !line.starts_with("took"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(timeless(&report), timeless(&succeeds(&mut bench())));

    std::fs::remove_file(folder.path().join("cdnow_master.txt")).expect("it was there");
    let report = succeeds(&mut bench());
    assert!(report.contains("skipped: cdnow_master.txt"), "{report}");
    let broken = "recency,history,mens,womens,segment,visit\nsoon,1,1,1,No E-Mail,0\n";
    std::fs::write(folder.path().join("hillstrom_email.csv"), broken).expect("a file");
    let refusal = is_refused(&mut bench());
    assert!(
        refusal.contains("row 2") && refusal.contains("soon"),
        "{refusal}"
    );
    for file in ["hillstrom_email.csv", "open_bandit_random_men.csv"] {
        std::fs::remove_file(folder.path().join(file)).expect("it was there");
    }
    let refusal = is_refused(&mut bench());
    assert!(refusal.contains("holds none of"), "{refusal}");
}

/// A folder with sessions of its own making: shoppers who walk in circles of four products.
fn sessions_folder() -> tempfile::TempDir {
    let folder = folder();
    std::fs::create_dir(folder.path().join("sessions")).expect("a folder");
    let walk = |n: usize, clicks: usize| {
        let circle = n % 5;
        let steps = (n..n + clicks).map(|step| format!("p{}", 4 * circle + step % 4));
        steps.collect::<Vec<_>>()
    };
    let train: Vec<String> = (0..200).map(|n| walk(n, 3).join(" ")).collect();
    let test = (200..220).map(|n| {
        let walk = walk(n, 4);
        format!("{}\t{}\t{n}", walk[..3].join(" "), walk[3])
    });
    let test: Vec<String> = test.collect();
    let file = |name: &str| folder.path().join("sessions").join(name);
    std::fs::write(file("circles_train.txt"), train.join("\n")).expect("a file");
    std::fs::write(file("circles_test.txt"), test.join("\n")).expect("a file");
    folder
}

/// Catches: a figure that is not printed, and a broken file that is taken for a small one.
#[test]
fn predictions_of_the_next_click_are_measured_and_a_bad_line_is_named() {
    let folder = sessions_folder();
    let bench = || {
        let mut command = mercato();
        command
            .args(["bench", "recommend", "--data"])
            .arg(folder.path());
        command
    };
    let report = succeeds(&mut bench());
    for part in [
        "circles",
        "HR@20",
        "MRR@20",
        "nDCG@20",
        "predictions/s",
        "MiB stored",
    ] {
        assert!(report.contains(part), "no `{part}` in\n{report}");
    }
    let ours = report.lines().find(|line| line.contains("| Mercato "));
    let ours = ours.unwrap_or_else(|| panic!("no row of ours in\n{report}"));
    assert!(ours.contains("1.0000"), "a rule without exceptions: {ours}");
    let test = folder.path().join("sessions/circles_test.txt");
    std::fs::write(&test, "p1\tp2\np1 p2\n").expect("a file");
    let refusal = is_refused(&mut bench());
    assert!(
        refusal.contains("circles_test.txt, line 2: no tabulator"),
        "{refusal}"
    );
    std::fs::remove_file(&test).expect("it was there");
    let refusal = is_refused(&mut bench());
    assert!(refusal.contains("holds no sessions"), "{refusal}");
}
