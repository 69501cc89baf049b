//! The house stands as `docs/ARCHITECTURE.md` draws it: who may know whom, and which room owns what.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

/// Catches: an arrow that points up, and a crate that reaches past its neighbour.
#[test]
fn crates_know_only_what_lies_below_them() {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: Metadata = serde_json::from_slice(&output.stdout).expect("cargo's metadata");
    let graph: BTreeMap<String, Vec<String>> = metadata
        .packages
        .into_iter()
        .map(|package| {
            let mut below: Vec<String> = package
                .dependencies
                .into_iter()
                .filter(|dependency| dependency.kind.is_none())
                .filter(|dependency| dependency.name.starts_with("mercato"))
                .map(|dependency| dependency.name)
                .collect();
            below.sort();
            (package.name, below)
        })
        .collect();
    let expected = [
        ("mercato-config", vec![]),
        ("mercato-persistence", vec![]),
        ("mercato-supervisor", vec![]),
        (
            "mercato-runtime",
            vec!["mercato-persistence", "mercato-supervisor"],
        ),
        ("mercato-actors", vec!["mercato-config", "mercato-runtime"]),
        ("mercato-sim", vec!["mercato-actors"]),
        ("mercato-benches", vec!["mercato-runtime"]),
        (
            "mercato-host",
            vec!["mercato-actors", "mercato-benches", "mercato-sim"],
        ),
        (
            "mercato",
            vec![
                "mercato-actors",
                "mercato-config",
                "mercato-persistence",
                "mercato-runtime",
                "mercato-sim",
                "mercato-supervisor",
            ],
        ),
    ];
    let expected = expected
        .into_iter()
        .map(|(name, below)| {
            (
                name.to_owned(),
                below.into_iter().map(str::to_owned).collect(),
            )
        })
        .collect();
    assert_eq!(graph, expected);
}

/// Catches: a second room that names the binary format or the cipher, reads the clock, or draws from
/// the machine's entropy.
#[test]
fn each_secret_has_one_room() {
    // A measurement reads its own clock, and holds what we made of redb and ractor against them.
    let rooms: [(&str, &[&str]); 8] = [
        ("bincode::", &["persistence/src/codec.rs"]),
        ("SystemTime::now", &["runtime/src/clock.rs"]),
        (
            "Instant::now",
            &[
                "runtime/src/clock.rs",
                "benches/src/clock.rs",
                // It measures the disk.
                "persistence/src/writer.rs",
            ],
        ),
        ("from_os_rng", &["runtime/src/entropy.rs"]),
        ("OsRng", &["runtime/src/entropy.rs"]),
        ("aes_siv::", &["persistence/src/vault/cipher.rs"]),
        (
            "redb::",
            &[
                "persistence/src",
                "benches/src/journal/layouts",
                "benches/src/journal/layouts.rs",
            ],
        ),
        (
            "ractor::",
            &[
                "supervisor/src",
                "benches/src/ask.rs",
                "benches/src/mailbox",
            ],
        ),
    ];
    for (secret, rooms) in rooms {
        let mut found = 0;
        for file in sources() {
            let text = std::fs::read_to_string(root().join(&file)).expect("a source file");
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            if code.into_iter().any(|line| line.contains(secret)) {
                found += 1;
                assert!(
                    rooms.iter().any(|room| file.starts_with(room)),
                    "{} names `{secret}`",
                    file.display()
                );
            }
        }
        assert!(
            found > 0,
            "nobody names `{secret}`: is this test looking in the right place?"
        );
    }
}

/// Catches: a file that no longer fits in one's head.
#[test]
fn no_source_file_is_over_500_lines() {
    for file in sources() {
        let text = std::fs::read_to_string(root().join(&file)).expect("a source file");
        let lines = text.lines().count();
        assert!(
            lines <= 500,
            "{} has {lines} lines; split it by idea",
            file.display()
        );
    }
}

/// Catches: an agent that takes more to write than is said.
#[test]
fn an_agent_with_its_test_takes_less_than_80_lines() {
    let example = std::fs::read_to_string(root().join("examples/loyalty.rs"));
    let example = example.expect("the example");
    let lines: Vec<&str> = example.lines().collect();
    let at = |start: &str| lines.iter().position(|line| line.starts_with(start));
    let agent = at("/// The value holds the agent's settings").expect("the agent");
    let program = at("#[tokio::main]").expect("the program");
    assert!(program - agent < 80, "it takes {}", program - agent);
}

/// Catches: the same of an agent with a law of its own under the simulator.
#[test]
fn an_agent_with_a_law_of_its_own_takes_less_than_60_lines() {
    let example = std::fs::read_to_string(root().join("examples/own_law.rs"));
    let example = example.expect("the example");
    let is_code = |line: &&str| !line.is_empty() && !line.trim_start().starts_with("//");
    let lines = example.lines().filter(is_code).count();
    assert!(lines < 60, "it takes {lines}");
}

/// Catches: a document that sends its readers to a file which was renamed.
#[test]
fn documents_name_files_that_are_there() {
    let documents = [
        "README.md",
        "CONTRIBUTING.md",
        "docs/ARCHITECTURE.md",
        "docs/SIMULATION.md",
    ];
    let mut named = 0;
    for document in documents {
        let text = std::fs::read_to_string(root().join(document)).expect("a document");
        for path in text.split('`').skip(1).step_by(2) {
            let is_path = path.contains('/') && (path.ends_with(".rs") || path.ends_with('/'));
            let of_ours = path
                .split('/')
                .next()
                .is_some_and(|top| root().join(top).is_dir());
            if is_path && of_ours {
                named += 1;
                assert!(root().join(path).exists(), "{document} names {path}");
            }
        }
    }
    assert!(named > 80, "only {named} paths were looked at");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The library and command sources, relative to the root.
fn sources() -> Vec<PathBuf> {
    let crates = [
        "config",
        "persistence",
        "supervisor",
        "runtime",
        "actors",
        "sim",
        "benches",
        "host",
    ];
    let mut folders: Vec<PathBuf> = crates
        .iter()
        .map(|name| Path::new(name).join("src"))
        .collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = folder.join(entry.file_name());
            if entry.file_type().expect("a file type").is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 50, "sources were not found");
    files
}
