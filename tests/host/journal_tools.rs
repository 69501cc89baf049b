//! The tools of a journal as an operator meets them: what they print, what they refuse, and with
//! which exit status.

use std::path::Path;
use std::process::Command;

use futures::executor::block_on;
use mercato_actors::runtime::persistence::{
    Append, EventData, Journal, JournalOptions, RedbJournal, WriterPlace, verify,
};
use mercato_actors::runtime::{CommandId, Principal, codec};
use serde_json::Value;

use crate::command::{is_refused, mercato, shop, succeeds};

fn tool(name: &str, file: &Path) -> Command {
    let mut command = mercato();
    command.args(["journal", name]).arg(file);
    command
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

/// Catches: a tool that loses something on the way, and figures that disagree.
#[test]
fn a_journal_is_backed_up_restored_exported_imported_and_compacted() {
    let (folder, store) = shop();
    let at = |name: &str| folder.path().join(name);
    let original = verify(&store, |_| {}).expect("a journal");
    assert!(original.records > 200, "{original:?}");

    let told = succeeds(tool("backup", &store).arg(at("backup")));
    assert!(
        told.contains(&format!("{} appends", original.records)),
        "{told}"
    );
    let told = succeeds(tool("restore", &at("backup")).arg(at("restored")));
    assert!(told.contains("verified"), "{told}");
    let told = succeeds(tool("export", &at("restored")).arg("--to").arg(at("lines")));
    assert!(
        told.contains(&format!("{} appends", original.records)),
        "{told}"
    );
    let told = succeeds(tool("import", &at("lines")).arg(at("imported")));
    assert!(
        told.contains(&format!("{} appends", original.records)),
        "{told}"
    );

    // What went through all of them is what the shop wrote, to the byte.
    let printed = succeeds(&mut tool("export", &store));
    let exported = std::fs::read_to_string(at("lines")).expect("an export");
    assert!(printed == exported, "the exports differ");
    assert!(
        succeeds(&mut tool("export", &at("imported"))) == exported,
        "the import differs"
    );
    let placed = r#""name":"OrderPlaced""#;
    let order = exported
        .lines()
        .find(|line| line.contains(placed))
        .expect("an order");
    assert!(
        order.contains(r#""view":{"#),
        "the shop's events are shown decoded: {order}"
    );

    let compacted = succeeds(&mut tool("compact", &store));
    assert!(compacted.contains("bytes before"), "{compacted}");
    let report = succeeds(&mut tool("verify", &store));
    assert!(report.contains("sound"), "{report}");
    let after = verify(&store, |_| {}).expect("a journal");
    assert_eq!(after, original);
}

/// Catches: ledgers that are said to agree, and are not looked at.
#[test]
fn ledgers_that_do_not_agree_are_found() {
    let (_folder, store) = shop();
    let mut placed = None;
    verify(&store, |record| {
        let event = record
            .append
            .events
            .iter()
            .find(|it| it.name == "OrderPlaced");
        if let Some(event) = event {
            placed.get_or_insert((record.append.stream.clone(), event.clone()));
        }
    })
    .expect("a journal");
    let (stream, event) = placed.expect("an order");
    block_on(async {
        let journal = RedbJournal::open(&store, JournalOptions::default(), WriterPlace::Thread);
        let journal = journal.expect("a journal");
        let records = journal.read_stream(&stream, 0).expect("a sound journal");
        let version = records.last().expect("the order").version_after();
        let mut again = Append::to(stream, version, 0);
        again.events.push(event);
        let again = journal.append(again).expect("a good append");
        journal
            .until_durable(again.position)
            .await
            .expect("durable");
        journal.close().await.expect("it closes");
    });
    let output = tool("verify", &store).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("is placed 2 times"), "{told}");
    assert!(!told.contains("sound"), "{told}");
}

/// Catches: figures for people that are not those for programs, or not those of the journal.
#[test]
fn stats_tell_people_and_programs_the_same() {
    let (_folder, store) = shop();
    let report = verify(&store, |_| {}).expect("a journal");
    let text = succeeds(&mut tool("stats", &store));
    let json: Value =
        serde_json::from_str(&succeeds(tool("stats", &store).arg("--json"))).expect("JSON");
    for (what, name, count) in [
        ("appends", "records", report.records),
        ("events", "events", report.events),
        ("streams", "streams", report.streams),
        ("unfinished", "open_streams", report.open_streams),
    ] {
        let row = text
            .lines()
            .find(|line| line.split_whitespace().next() == Some(what));
        let row = row.expect("a row");
        assert_eq!(
            row.split_whitespace().last(),
            Some(&*count.to_string()),
            "{text}"
        );
        assert_eq!(json[name], count, "{json}");
    }
    assert!(text.contains("expected recovery time"), "{text}");
    let recovery = &json["expected_recovery_us"];
    let parts = [
        "checking_pages",
        "reading_tail",
        "reading_commands",
        "loading_streams",
    ];
    let sum: u64 = parts
        .iter()
        .map(|part| recovery[part].as_u64().expect("a time"))
        .sum();
    assert_eq!(recovery["total"], sum);
    assert!(sum > 0);
    let cursors = json["cursors"].as_array().expect("a list");
    assert!(!cursors.is_empty(), "the shop has triggers");
    assert!(
        text.contains(cursors[0]["name"].as_str().expect("a name")),
        "{text}"
    );
}

/// Catches: a search that finds too much, or too little.
#[test]
fn records_are_found_by_agent_entity_flow_person_and_position() {
    let (_folder, store) = shop();
    let inspect = |args: &[&str]| {
        let limit = ["--limit", "1000000", "--json"];
        lines(&succeeds(tool("inspect", &store).args(args).args(limit)))
    };
    let stream = |line: &Value| line["stream"].as_str().expect("a stream").to_owned();
    let all = inspect(&[]);
    let report = verify(&store, |_| {}).expect("a journal");
    assert_eq!(all.len() as u64, report.records);
    let count = |prefix: &str| {
        all.iter()
            .filter(|line| stream(line).starts_with(prefix))
            .count()
    };

    let orders = inspect(&["--agent", "order"]);
    assert_eq!(orders.len(), count("order/"));
    let first = stream(&orders[0]);
    let key = first.strip_prefix("order/").expect("an order");
    let one = inspect(&["--agent", "order", "--entity", key]);
    assert!(!one.is_empty() && one.iter().all(|line| stream(line) == first));
    let checkouts = inspect(&["--flow", "checkout"]);
    assert_eq!(checkouts.len(), count("flow/checkout/"));
    assert!(!checkouts.is_empty());
    let run = stream(&checkouts[0]);
    let run = inspect(&["--flow", run.strip_prefix("flow/").expect("a flow")]);
    assert!(!run.is_empty() && run.len() < checkouts.len());
    let between = inspect(&["--from", "5", "--to", "9"]);
    let positions: Vec<_> = between
        .iter()
        .map(|line| line["position"].as_u64())
        .collect();
    assert_eq!(positions, (5..=9).map(Some).collect::<Vec<_>>());

    // Whoever the first order is of is found in it, and wherever else they are named.
    let placed = orders.iter().find_map(|line| {
        let events = line["events"].as_array()?;
        events
            .iter()
            .find_map(|event| event["view"]["customer"].as_str())
    });
    let person = placed.expect("an order names its customer");
    let theirs = inspect(&["--person", person]);
    let quoted = format!("\"{person}\"");
    let named = |line: &&Value| {
        line["events"].to_string().contains(&quoted)
            || stream(line).split('/').any(|part| part == person)
    };
    assert_eq!(theirs.len(), all.iter().filter(named).count());
    assert!(!theirs.is_empty() && theirs.len() < all.len());
    assert!(theirs.iter().all(|line| named(&line)));

    // For people the same, and word of what the limit left out.
    let output = tool("inspect", &store)
        .args(["--limit", "3"])
        .output()
        .expect("it starts");
    let (text, hint) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(text.starts_with("1  2011-12-01T"), "{text}");
    assert!(hint.contains("--limit"), "{hint}");
    let nobody = tool("inspect", &store)
        .args(["--person", "nobody"])
        .output()
        .expect("it starts");
    let hint = String::from_utf8_lossy(&nobody.stderr);
    assert!(
        nobody.status.success() && nobody.stdout.is_empty(),
        "{hint}"
    );
    assert!(hint.contains("no record matches"), "{hint}");
}

/// Catches: an exit status that a script would misread.
#[test]
fn what_cannot_be_done_is_refused_with_its_remedy() {
    let (folder, store) = shop();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("taken"), "mine").expect("a file");
    std::fs::write(
        at("lines"),
        "{\"header\":{\"format\":\"mercato-journal\",\"version\":1}}\n{\"append\":3}\n",
    )
    .expect("a file");
    let cases: [(Command, &[&str]); 10] = [
        (
            with(tool("backup", &store), &at("taken")),
            &["taken", "nothing is ever overwritten"],
        ),
        (
            with(tool("restore", &store), &at("taken")),
            &["taken", "nothing is ever overwritten"],
        ),
        (
            with(
                with(tool("export", &store), Path::new("--to")),
                &at("taken"),
            ),
            &["taken", "nothing is ever overwritten"],
        ),
        (
            with(tool("backup", &store), &at("no/such/folder")),
            &["check that its folder exists"],
        ),
        (
            with(tool("import", &at("lines")), &at("new")),
            &["lines, line 2", "export again"],
        ),
        (
            with(tool("import", &at("nowhere")), &at("new")),
            &["nowhere", "check the name"],
        ),
        (
            tool("stats", &at("nowhere")),
            &["nowhere", "check that the folder exists"],
        ),
        (
            tool("compact", &at("taken")),
            &["taken", "not a Mercato journal"],
        ),
        (
            args(tool("inspect", &store), &["--from", "9", "--to", "5"]),
            &["--from 9", "swap them"],
        ),
        (
            args(tool("inspect", &store), &["--entity", "x"]),
            &["--agent"],
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
    assert_eq!(std::fs::read(at("taken")).expect("a file"), b"mine");
    assert!(!at("new").exists());
    let refusal = is_refused(mercato().args(["simulate", "--backup", "b"]));
    assert!(
        refusal.contains("--live") && refusal.contains("--store"),
        "{refusal}"
    );
}

fn with(command: Command, path: &Path) -> Command {
    let mut command = command;
    command.arg(path);
    command
}

fn args(command: Command, args: &[&str]) -> Command {
    let mut command = command;
    command.args(args);
    command
}

/// Catches: damage that looks like a wrong argument, or like nothing at all.
#[test]
fn damage_has_an_exit_status_of_its_own() {
    let (folder, store) = shop();
    let mut bytes = std::fs::read(&store).expect("a file");
    let event = bytes
        .windows(11)
        .position(|bytes| bytes == b"OrderPlaced")
        .expect("an order");
    bytes[event] ^= 1;
    std::fs::write(&store, &bytes).expect("a file");
    let to = folder.path().join("new");
    for mut command in [
        tool("verify", &store),
        tool("stats", &store),
        tool("inspect", &store),
        tool("compact", &store),
        tool("export", &store),
        with(tool("backup", &store), &to),
        with(tool("restore", &store), &to),
    ] {
        let output = command.output().expect("it starts");
        let mut told = String::from_utf8_lossy(&output.stdout).into_owned();
        told += &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command:?}\n{told}");
        assert!(told.contains("problem: "), "{command:?}\n{told}");
        assert!(
            told.contains("damaged") && told.contains("restore a"),
            "{told}"
        );
    }
    assert!(!to.exists());
    assert!(
        std::fs::read(&store).expect("a file") == bytes,
        "the file was changed"
    );
}

/// Catches: a live shop that stops for its backup, or a backup that is not one.
#[test]
fn a_live_shop_is_backed_up_while_it_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, to) = (
        folder.path().join("shop.redb"),
        folder.path().join("backup"),
    );
    let live = [
        "simulate",
        "--live",
        "--shoppers",
        "150",
        "--duration",
        "6s",
        "--crash",
        "off",
    ];
    let report = succeeds(
        mercato()
            .args(live)
            .arg("--store")
            .arg(&store)
            .arg("--backup")
            .arg(&to),
    );
    assert!(report.contains("Backup taken half-way"), "{report}");
    assert!(report.contains("every law held"), "{report}");
    let taken = verify(&to, |_| {}).expect("a journal");
    assert_eq!(taken.problems, Vec::<String>::new());
    let mut log = Vec::new();
    let whole = verify(&store, |record| log.push(record.clone())).expect("a journal");
    assert!(
        taken.records > 0 && taken.records < whole.records,
        "{taken:?} of {whole:?}"
    );
    let mut log = log.iter();
    verify(&to, |record| assert_eq!(log.next(), Some(record))).expect("a journal");
}

/// Catches: a tool without a word of help, or whose help leaves out what it does to the file.
#[test]
fn each_tool_says_what_it_does() {
    for tool in [
        "verify", "stats", "inspect", "backup", "restore", "compact", "erase", "export", "import",
    ] {
        let help = succeeds(mercato().args(["journal", tool, "--help"]));
        assert!(
            help.lines().next().is_some_and(|line| line.len() > 30),
            "{help}"
        );
        assert!(help.contains("Usage: mercato journal"), "{help}");
    }
}

/// Records what the runtime does where something stands aside: a tuple is stored as a struct is.
fn with_quarantine(file: &Path) {
    let journal = RedbJournal::open(file, JournalOptions::default(), WriterPlace::Thread);
    let journal = journal.expect("a journal");
    let record = |agent: &str, name: &'static str, version, payload| {
        let stream = format!("quarantine/{agent}");
        let before = journal.version(&stream).expect("it reads");
        let event = EventData {
            name: name.into(),
            version,
            payload,
        };
        let append = Append {
            events: vec![event],
            ..Append::to(stream, before, 1_000)
        };
        journal.append(append).expect("taken");
    };
    let command = |id: &str| CommandId::from_key(id).as_uuid();
    let by = || Principal::Operator("ann".into());
    for id in ["first", "second"] {
        let (name, entity, panic) = ("ReserveStock", "85123A", "no such shelf");
        let body: &[u8] = &[7, 9];
        let quarantined = (command(id), name, 1u16, entity, by(), 3u32, panic, body);
        let payload = codec::encode(&quarantined).expect("bytes");
        record("inventory", "CommandQuarantined", 2, payload);
    }
    let again = codec::encode(&(command("second"), 3u32, "no shelf")).expect("bytes");
    record("inventory", "CommandFailedAgain", 1, again);
    let dropped = codec::encode(&(command("first"), "a test", by())).expect("bytes");
    record("inventory", "CommandDropped", 1, dropped);
    let poisoned = ("o1-1", (7u64, 1u32), "OrderPlaced", 9u16, "nobody reads it");
    let poisoned = codec::encode(&poisoned).expect("bytes");
    record("order", "EntityQuarantined", 1, poisoned);
    block_on(journal.close()).expect("closed");
}

/// Catches: what was dropped and is printed still, what stands aside and is not, and an agent that is
/// not chosen.
#[test]
fn what_stands_aside_is_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.redb");
    with_quarantine(&file);
    let printed = lines(&succeeds(tool("quarantine", &file).arg("--json")));
    let [command, entity] = &*printed else {
        panic!("{printed:?}");
    };
    let second = CommandId::from_key("second").to_string();
    assert_eq!(command["command"], second);
    assert_eq!(
        (&command["attempts"], &command["times"]),
        (&6.into(), &2.into())
    );
    assert_eq!(command["panic"], "no shelf");
    assert_eq!(
        (&entity["agent"], &entity["at"]),
        (&"order".into(), &"7/1".into())
    );
    let text = succeeds(tool("quarantine", &file).args(["--agent", "order"]));
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("order/o1-1") && text.contains("nobody reads it"));
    let few = succeeds(tool("quarantine", &file).args(["--limit", "1"]));
    assert!(few.contains(&second) && few.lines().count() == 1, "{few}");
}
