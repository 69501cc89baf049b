//! Runs the `mercato` command as its users do.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use tempfile::TempDir;

/// The command, freshly built.
pub fn mercato() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mercato"))
}

/// A shop after a short virtual day.
pub fn shop() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("shop.redb");
    succeeds(
        mercato()
            .args(["simulate", "--shoppers", "120", "--store"])
            .arg(&store),
    );
    (folder, store)
}

/// Runs it to its end, which must be good, and gives its standard output.
#[track_caller]
pub fn succeeds(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{:?}\n{out}\n{err}", output.status);
    out
}

/// Runs it to its end, which must be exit status 2, and gives its standard error.
#[track_caller]
pub fn is_refused(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{out}\n{err}");
    err
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// Waits for another process, which follows no clock of ours.
#[allow(clippy::disallowed_methods, reason = "real processes take real time")]
pub fn pause(duration: Duration) {
    std::thread::sleep(duration);
}
