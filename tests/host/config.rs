//! What `mercato config` promises on the command line, and that the shop goes by the file.

use std::path::PathBuf;

use crate::command::{is_refused, mercato, succeeds};
use tempfile::TempDir;

fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.toml");
    std::fs::write(&path, text).expect("a file");
    (folder, path)
}

/// Catches: a check that is content with a mistake, tells one of several, or has another exit status.
#[test]
fn check_tells_every_mistake_and_ends_with_2() {
    let (_folder, good) = file("[journal]\nreplies_max = 5000\n");
    let told = succeeds(
        mercato()
            .args(["config", "check"])
            .arg(&good)
            .env("MERCATO__FLOWS__PANICS_MAX", "2"),
    );
    assert!(
        told.contains("valid; it sets 1 keys, and the environment 1"),
        "{told}"
    );

    let (_folder, bad) = file("[journal]\nreplies_max = 0\n\n[shop.prising]\n");
    let told = is_refused(
        mercato()
            .args(["config", "check"])
            .arg(&bad)
            .env("MERCATO__FLOWS__PANIC_MAX", "2"),
    );
    for part in [
        "the configuration has 3 mistakes",
        "shop.toml:2:15: journal.replies_max is 0; use a whole number, 1 to 100,000,000",
        "shop.toml:4:7: shop.prising is not known; did you mean `pricing`?",
        "environment MERCATO__FLOWS__PANIC_MAX: flows.panic_max is not known; did you mean `PANICS_MAX`?",
    ] {
        assert!(told.contains(part), "{part}\nis not in\n{told}");
    }
    let none = is_refused(mercato().args(["config", "check", "no-such.toml"]));
    assert!(
        none.contains("no-such.toml: ") && none.contains("name a configuration file"),
        "{none}"
    );
}

/// Catches: an origin that is lost on the way to the user, and a show that cannot be read again.
#[test]
fn show_tells_whose_each_value_is_and_reads_again() {
    let (_folder, path) = file("[journal]\nreplies_max = 5000\n");
    let show = |path: &PathBuf| {
        let mut command = mercato();
        command.args(["config", "show"]).arg(path);
        command.env("MERCATO__FLOWS__PANICS_MAX", "2");
        succeeds(&mut command)
    };
    let shown = show(&path);
    let origin = |key: &str| {
        let line = shown.lines().find(|line| line.starts_with(key));
        let line = line.unwrap_or_else(|| panic!("no {key} in\n{shown}"));
        line.rsplit_once("# ").expect("an origin").1.to_owned()
    };
    assert!(origin("replies_max").ends_with("shop.toml:2"));
    assert_eq!(
        origin("panics_max"),
        "environment MERCATO__FLOWS__PANICS_MAX"
    );
    assert_eq!(origin("check_on_open"), "default");
    let (_folder, again) = file(&shown);
    let values = |shown: &str| -> Vec<String> {
        let value = |line: &str| {
            line.split("# ")
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        shown.lines().map(value).collect()
    };
    assert_eq!(values(&show(&again)), values(&shown));

    let defaults = succeeds(mercato().args(["config", "show", "--defaults"]));
    let (_folder, path) = file(&defaults);
    let told = succeeds(mercato().args(["config", "check"]).arg(&path));
    assert!(told.contains("it sets 0 keys"), "{told}");
}

/// Catches: a file that is checked and then not used, and an environment that is not.
#[test]
fn the_simulated_shop_goes_by_the_file() {
    let day = |config: Option<&PathBuf>| {
        let mut command = mercato();
        command.args(["simulate", "--shoppers", "60", "--seed", "3"]);
        if let Some(path) = config {
            command.arg("--config").arg(path);
        }
        succeeds(&mut command)
    };
    let (_folder, same) = file("[shop.order]\nshipping_minor = 495\n");
    let (_folder, other) =
        file("[shop.order]\nshipping_minor = 995\nfree_shipping_from_minor = 4000000000\n");
    let defaults = day(None);
    assert_eq!(day(Some(&same)), defaults);
    let dearer = day(Some(&other));
    assert_ne!(dearer, defaults);
    assert!(dearer.contains("every law held"), "{dearer}");

    let refused = is_refused(
        mercato()
            .args(["simulate", "--shoppers", "1"])
            .env("MERCATO__AGENTS__ORDER__SHARDS", "0"),
    );
    assert!(refused.contains("agents.order.shards"), "{refused}");
}
