//! What `mercato simulate hunt`, `hash` and `--scenario` promise on the command line.

use std::process::{Command, Stdio};

use crate::command::{is_refused, mercato, succeeds};

/// How many processes live through one world, each seed's beside each other: `MERCATO_DETERMINISM`.
const PROCESSES: usize = 5;
/// How many worlds the short hunt lives through: `MERCATO_SWARM`.
const WORLDS: usize = 30;

fn number(variable: &str, default: usize) -> usize {
    let Ok(value) = std::env::var(variable) else {
        return default;
    };
    let number = value.parse();
    number.unwrap_or_else(|_| panic!("{variable} is `{value}`, which is not a number"))
}

/// The command of another build that must live through the same worlds, as a release build beside
/// this one: `MERCATO_OTHER_BUILD`.
fn other_build() -> Option<Command> {
    std::env::var_os("MERCATO_OTHER_BUILD").map(Command::new)
}

/// Catches: hash order, the machine's clock or entropy leaking into a world, be it through several
/// lives, a crash, how the command was built, or what the machine does beside it: all processes run at
/// once and fight for the cores.
#[test]
fn one_world_leaves_the_same_bytes_in_every_process() {
    let processes = number("MERCATO_DETERMINISM", PROCESSES);
    // They have several power cuts and faults of different kinds.
    for seed in ["5", "24", "197"] {
        let started: Vec<_> = (0..processes)
            .map(|nth| {
                let other = if nth % 2 == 0 { None } else { other_build() };
                let mut hash = other.unwrap_or_else(mercato);
                hash.args(["simulate", "hash", "--seed", seed]);
                hash.stdout(Stdio::piped()).spawn().expect("it starts")
            })
            .collect();
        let mut hashes: Vec<String> = started
            .into_iter()
            .map(|process| {
                let output = process.wait_with_output().expect("it ends");
                String::from_utf8(output.stdout).expect("text")
            })
            .collect();
        assert!(hashes[0].contains("events"), "{hashes:?}");
        hashes.dedup();
        assert_eq!(hashes.len(), 1, "seed {seed}: {hashes:#?}");
    }
}

/// Catches: a law of the shop that breaks in a drawn world, and a hunt that lives through none.
#[test]
fn a_short_hunt_finds_nothing() {
    let worlds = number("MERCATO_SWARM", WORLDS).to_string();
    let report = succeeds(mercato().args(["simulate", "hunt", "--seeds", &worlds]));
    assert!(report.contains(&format!("{worlds} worlds")), "{report}");
    assert!(report.contains("every law held"), "{report}");
    assert!(report.contains("notice_doubled"), "{report}");
}

/// Catches: a world that is not the one that its name says, and its last moments not told.
#[test]
fn a_world_is_replayed_by_its_name() {
    let name = "4/24/s9/c0";
    let replay =
        || succeeds(mercato().args(["simulate", "hunt", "--replay", name, "--lines", "9999"]));
    let report = replay();
    assert_eq!(report, replay());
    assert!(
        report.contains("9 shoppers") && report.contains("OPEN"),
        "{report}"
    );
}

/// Catches: a world that comes to something else than when it was named, and is told as the same story.
#[test]
fn a_replay_says_when_its_world_has_changed() {
    let replay = |mark: &str| {
        let name = ["simulate", "hunt", "--replay", "4/24/s2/c0/f"];
        succeeds(mercato().args(name).args(["--expect", mark]))
    };
    let changed = replay("0badf00d");
    assert!(changed.contains("THE WORLD HAS CHANGED"), "{changed}");
    let (_, told) = changed.split_once("and comes to ").expect("its mark now");
    let mark = told.get(..8).expect("eight digits");
    assert!(!replay(mark).contains("CHANGED"), "{changed}");
}

/// Catches: a command that is printed and does not replay the world with its mistake.
#[cfg(feature = "planted-bugs")]
#[test]
fn the_printed_command_replays_a_planted_mistake() {
    let show = ["simulate", "bugs", "--bug", "stale-cache", "--show"];
    let report = succeeds(mercato().args(show));
    let (_, command) = report.split_once("replay it: mercato ").expect(&report);
    let line = command.lines().next().expect("a line").replace('\'', "");
    let output = mercato().args(line.split(' ')).output().expect("it starts");
    let story = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(1), "{line}\n{story}");
    assert!(story.contains("broken: a page shows no stock"), "{story}");
    assert!(!story.contains("CHANGED"), "{story}");
    let nameless = is_refused(mercato().args(["simulate", "bugs", "--replay", "4/1"]));
    assert!(nameless.contains("--bug"), "{nameless}");
}

/// A day of a minute for a few, in a file.
fn small_day(folder: &tempfile::TempDir) -> String {
    let path = folder.path().join("day.toml");
    let shop = "shoppers = 4\nopen_for = \"2s\"\nthink_max = \"500ms\"\nchange_for = \"1s\"\n";
    let day = format!("about = \"a small day\"\nseed = 3\n\n[shop]\n{shop}");
    std::fs::write(&path, day).expect("a file");
    path.to_str().expect("a plain path").to_owned()
}

/// Catches: a fault or a cut that is typed beside a scenario and is not part of its world.
#[test]
fn what_is_typed_beside_a_scenario_strikes_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = small_day(&folder);
    let scenario = || {
        let mut simulate = mercato();
        simulate.args(["simulate", "--scenario", &file, "--lines", "9999"]);
        simulate
    };
    let plain = succeeds(&mut scenario());
    assert!(plain.contains("2 lives, 0 power cuts"), "{plain}");
    let typed = ["--fault", "message_delay=1,until=2s", "--cut", "after=1s"];
    let struck = succeeds(scenario().args(typed));
    assert!(struck.contains("3 lives, 1 power cuts"), "{struck}");
    assert!(
        struck.contains("message_delay at 1.000 from 0 s to 2 s"),
        "{struck}"
    );
}

/// Catches: a scenario that strikes in virtual time alone, and a world that needs days on the machine's
/// clock.
#[test]
fn a_scenario_is_lived_on_the_machines_clock() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = small_day(&folder);
    let faults = [
        "--fault",
        "gateway_busy=0.5",
        "--fault",
        "crash_idle=300",
        "--cut",
        "after=1s",
    ];
    let live = ["simulate", "--scenario", &file, "--live", "--lines", "9999"];
    let report = succeeds(mercato().args(live).args(faults));
    assert!(
        report.contains("FAULT") && report.contains("CUT     by the clock"),
        "{report}"
    );
    assert!(report.contains("every law held"), "{report}");
}

/// Catches: input that is taken for something else, and a refusal that does not say how to go on.
#[test]
fn bad_names_and_scenarios_are_refused_with_a_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("day.toml");
    let day = "about = \"a day\"\nseed = 1\n\n[shop]\nshoppers = 3\nopen_for = \"20s\"\n";
    let written = |text: &str| std::fs::write(&path, text).expect("a file");
    let file = path.to_str().expect("a plain path").to_owned();
    written(day);
    succeeds(mercato().args(["simulate", "--scenario", &file]));
    let rotten = [
        ("shoppers", "shopers", ":5:", "shoppers"),
        ("seed = 1", "seed = \"one\"", ":2:", "whole number"),
        ("\"20s\"", "\"soon\"", ":6:", "90s, 15m or 24h"),
    ];
    for (right, wrong, line, remedy) in rotten {
        written(&day.replace(right, wrong));
        let refusal = is_refused(mercato().args(["simulate", "--scenario", &file]));
        assert!(
            refusal.contains(line) && refusal.contains(remedy),
            "{refusal}"
        );
    }
    let fault = "[[fault]]\nkind = \"gateway_busy\"\nrate = -0.1\n";
    written(&format!("{day}\n{fault}"));
    let refusal = is_refused(mercato().args(["simulate", "--scenario", &file]));
    assert!(
        refusal.contains(":10:") && refusal.contains("0.0 to 1.0"),
        "{refusal}"
    );
    let cases: &[(&[&str], &str)] = &[
        (
            &["simulate", "hunt", "--replay", "0/7"],
            "world has changed",
        ),
        (&["simulate", "hunt", "--replay", "4/7/x"], "4/78/s12"),
        (
            &["simulate", "hunt", "--replay", "4/24/c9"],
            "this seed draws",
        ),
        (
            &["simulate", "hunt", "--replay", "4/7", "--expect", "x"],
            "eight hexadecimal digits",
        ),
        (&["simulate", "hunt", "--seeds", "0"], "at least 1"),
        (&["simulate", "hunt", "--minutes", "-1"], "above 0"),
        (&["simulate", "hash", "--seed", "one"], "--seed"),
        (&["simulate", "--scenario", "nowhere"], "black_friday"),
        (
            &["simulate", "--scenario", "midnight_promotion", "--live"],
            "clock_jump",
        ),
        (
            &["simulate", "--scenario", "hot_sku", "--shoppers", "5"],
            "--shoppers",
        ),
        (
            &["simulate", "--scenario", "quiet_day", "--fault", "ghosts=1"],
            "hang_shard",
        ),
        (
            &[
                "simulate",
                "--scenario",
                "quiet_day",
                "--fault",
                "gateway_busy=-0.2",
            ],
            "give 0.0 to 1.0",
        ),
        (
            &["simulate", "--scenario", "quiet_day", "--cut", "after=9h"],
            "give 0ns to 600s",
        ),
        (&["simulate", "--fault", "crash_idle=1"], "--scenario"),
    ];
    for (args, expected) in cases {
        let refusal = is_refused(mercato().args(*args));
        assert!(refusal.contains(expected), "{args:?}:\n{refusal}");
    }
}
