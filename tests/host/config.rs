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

/// Catches: a misspelt agent, port or cache, whose limits are in force for nobody and of which nobody is told;
/// and names of the shop's own that are taken for misspelt.
#[test]
fn check_names_what_nothing_of_the_shop_is_called() {
    let check = |text: &str| {
        let (_folder, path) = file(text);
        succeeds(mercato().args(["config", "check"]).arg(&path))
    };
    let policy = "attempt_timeout = '7s'";
    let told = check(&format!(
        "[policies.agents.ordr]\n{policy}\n[policies.ports.payment]\n{policy}\n[caches.answers]\nfresh = '1m'\n"
    ));
    for part in [
        "valid; it sets 3 keys",
        "note: policies.agents.ordr is for a program",
        "note: policies.ports.payment is for a program that has one of that name: the shop has payments,",
        "note: caches.answers is for a program",
    ] {
        assert!(told.contains(part), "{part}\nis not in\n{told}");
    }
    let own = check(&format!(
        "[policies.agents.order]\n{policy}\n[policies.ports.language]\n{policy}\n[caches.knowledge_base]\nfresh = '1m'\n"
    ));
    assert!(
        own.contains("it sets 3 keys") && !own.contains("note:"),
        "{own}"
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

/// Catches: a model that is read and then not asked, and one that is found to be none after the shop
/// was opened.
#[test]
fn the_simulated_shop_answers_by_the_model_that_the_file_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    // Whatever is asked is about something that does not work, so that people take over.
    let questions = (0..12)
        .map(|n| format!("when where how do I {n},technical-issue\nzorp {n},product-info\n"));
    let questions = std::iter::once("text,intent\n".to_owned()).chain(questions);
    std::fs::write(path("q.csv"), questions.collect::<String>()).expect("a file");
    let mut train = mercato();
    train
        .args(["support", "train", "--data"])
        .arg(path("q.csv"));
    succeeds(train.arg("--out").arg(path("q.model")));
    let text = format!(
        "shop.support.intent_model = '{}'\n",
        path("q.model").display()
    );
    std::fs::write(path("shop.toml"), text).expect("a file");
    let day = |config: bool| {
        let mut command = mercato();
        command.args(["simulate", "--shoppers", "60", "--seed", "3"]);
        if config {
            command.arg("--config").arg(path("shop.toml"));
        }
        succeeds(&mut command)
    };
    let by_model = day(true);
    assert_ne!(by_model, day(false));
    assert!(by_model.contains("every law held"), "{by_model}");

    let check = || {
        let mut command = mercato();
        command.args(["config", "check"]).arg(path("shop.toml"));
        command
    };
    assert!(succeeds(&mut check()).contains("it sets 1 keys"));
    std::fs::write(path("q.model"), "another thing").expect("a file");
    let mut simulate = mercato();
    simulate.args(["simulate", "--live", "--shoppers", "1", "--config"]);
    simulate
        .arg(path("shop.toml"))
        .arg("--store")
        .arg(path("shop.redb"));
    for told in [is_refused(&mut check()), is_refused(&mut simulate)] {
        let expected = format!(
            "shop.support.intent_model cannot be used: {}: this is no intent model; train one with",
            path("q.model").display()
        );
        assert!(told.contains(&expected), "{told}");
    }
    assert!(!path("shop.redb").exists(), "nothing was started");
}
