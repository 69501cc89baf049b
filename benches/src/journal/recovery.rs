//! How long it takes until every entity of a killed process answers again.
//!
//! A process of its own fills a journal through the runtime and is killed with everything
//! acknowledged and nothing closed. Each round then opens a copy of its file, starts the runtime
//! and asks every entity for its state, the hot ones first. The file lies in the system's cache, as
//! after the crash of a process; a machine that starts anew reads it from its disk first.

mod fill;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use mercato_runtime::{Caller, Handle, Principal, Runtime};
use serde_json::json;
use xxhash_rust::xxh3::Xxh3;

use self::fill::hot_entities;
use super::contest::open_journal;
use super::own_folder;
use crate::account::{Accounts, Look, keys};
use crate::clock::{now, two_workers};
use crate::error::AnyError;
use crate::launch::Launch;
use crate::options::{Part, Plan, Role};
use crate::report::{Grid, Section};
use crate::stats::{median, ratio};

pub(crate) use self::fill::fill;

/// In what time a million events in ten thousand entities are to be back.
const BUDGET_MS: f64 = 2_000.0;
/// How many reads are asked at a time.
const READERS: usize = 64;
/// Once the rounds took this long together there is no other: far beyond the budget the first ones
/// say enough.
const ROUNDS_LAST: Duration = Duration::from_secs(20);

/// One recovery, in milliseconds since the file was opened.
#[derive(Debug, Default)]
struct Recovered {
    opened: f64,
    started: f64,
    first: f64,
    hot: f64,
    all: f64,
    /// Events applied to entities; a snapshot stands for many.
    replayed: u64,
    /// Events that the entities hold.
    held: u64,
    /// How long reading the file from end to end takes.
    file_read: f64,
}

pub(crate) fn measure(plan: &Plan, launch: &Launch) -> Result<Section, AnyError> {
    let folder = own_folder(&plan.folder)?;
    let mut filling = launch.start(plan, Role::RecoveryFill, folder.path())?;
    let mut line = String::new();
    BufReader::new(filling.output()?).read_line(&mut line)?;
    if line.trim() != fill::FILLED {
        // It has said why by itself.
        return Err("the process that fills the journal ended before it was full".into());
    }
    filling.kill()?;

    let file = folder.path().join(fill::FILE);
    let mut recovered = Vec::new();
    let mut rounds_ms = 0.0;
    for _ in 0..plan.rounds {
        if rounds_ms > ROUNDS_LAST.as_secs_f64() * 1_000.0 {
            break;
        }
        let copy = own_folder(folder.path())?;
        let copied = copy.path().join(fill::FILE);
        std::fs::copy(&file, &copied)?;
        let file_read = read_through(&copied)?;
        let mut round = two_workers()?.block_on(recover(plan, &copied))?;
        round.file_read = file_read;
        if round.held != plan.recovery_events {
            return Err(format!(
                "{} events were acknowledged, and the entities hold {}",
                plan.recovery_events, round.held
            )
            .into());
        }
        rounds_ms += round.all;
        recovered.push(round);
    }
    Ok(section(plan, std::fs::metadata(&file)?.len(), &recovered))
}

/// A step's name in the table, its name in JSON, and where its time stands.
type Step = (&'static str, &'static str, fn(&Recovered) -> f64);

fn section(plan: &Plan, file_bytes: u64, recovered: &[Recovered]) -> Section {
    let of = |figure: fn(&Recovered) -> f64| recovered.iter().map(figure).collect::<Vec<_>>();
    let floor = of(|round| round.file_read);
    let steps: [Step; 6] = [
        ("the file read from end to end", "file_read_ms", |round| {
            round.file_read
        }),
        ("journal open", "opened_ms", |round| round.opened),
        ("runtime started", "started_ms", |round| round.started),
        ("first answer", "first_answer_ms", |round| round.first),
        ("hot entities answered", "hot_answered_ms", |round| {
            round.hot
        }),
        ("all entities answered", "all_answered_ms", |round| {
            round.all
        }),
    ];
    let mut figures = json!({
        "events": plan.recovery_events,
        "entities": plan.recovery_entities,
        "file_bytes": file_bytes,
        "rounds": recovered.len(),
        "events_replayed": recovered.first().map_or(0, |round| round.replayed),
        "budget_ms": BUDGET_MS,
    });
    let rows = steps.map(|(name, key, step)| {
        let ms = median(of(step));
        figures[key] = json!(ms);
        vec![
            name.to_owned(),
            format!("{ms:.0}"),
            format!("{:.1}", ratio(&of(step), &floor)),
            format!("{:.2}", ms / BUDGET_MS),
        ]
    });
    let title = format!(
        "{} events in {} entities, {} of them hot, after kill -9; since the opening began",
        plan.recovery_events,
        plan.recovery_entities,
        hot_entities(plan.recovery_entities)
    );
    let note = format!(
        "{} of the events were applied again to entities; snapshots hold the others. The budget is {BUDGET_MS} ms. Rounds: {}.",
        recovered.first().map_or(0, |round| round.replayed),
        recovered.len()
    );
    Section {
        part: Part::Recovery,
        grids: vec![Grid {
            title,
            header: vec!["", "ms", "ratio to reading", "of the budget"],
            rows: rows.to_vec(),
        }],
        notes: vec![note],
        figures,
    }
}

/// The least that a recovery could do: read the file once, and look at every byte.
fn read_through(path: &Path) -> Result<f64, AnyError> {
    let start = now();
    let mut file = std::fs::File::open(path)?;
    let (mut piece, mut sum) = (vec![0; 1 << 20], Xxh3::new());
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        sum.update(&piece[..read]);
    }
    std::hint::black_box(sum.digest());
    Ok(millis_since(start))
}

async fn recover(plan: &Plan, path: &Path) -> Result<Recovered, AnyError> {
    let keys = keys(plan.recovery_entities);
    let (hot, others) = keys.split_at(hot_entities(plan.recovery_entities));
    let mut round = Recovered::default();
    let start = now();
    let journal = open_journal(path)?;
    round.opened = millis_since(start);
    let runtime = Runtime::builder(Arc::new(journal))
        .agent(Accounts)
        .start()
        .await?;
    round.started = millis_since(start);
    let handle = runtime.handle();
    ask_all(&handle, &hot[..1], &mut round).await?;
    round.first = millis_since(start);
    ask_all(&handle, &hot[1..], &mut round).await?;
    round.hot = millis_since(start);
    ask_all(&handle, others, &mut round).await?;
    round.all = millis_since(start);
    runtime.stop().await?;
    Ok(round)
}

/// Asks the entities in their order, [`READERS`] at a time.
async fn ask_all(
    handle: &Handle,
    keys: &[Box<str>],
    round: &mut Recovered,
) -> Result<(), AnyError> {
    // However slow it is, that is to be seen.
    let patience = Duration::from_secs(600);
    let caller = Caller::new(Principal::user("bench")).within(patience);
    let readers = (0..READERS).map(|reader| {
        let (handle, caller) = (handle.clone(), caller.clone());
        let keys: Vec<Box<str>> = keys.iter().skip(reader).step_by(READERS).cloned().collect();
        tokio::spawn(async move {
            let (mut replayed, mut held) = (0, 0);
            for key in keys {
                let seen = handle.ask(&caller, Look { account: key }).await?;
                replayed += seen.replayed;
                held += seen.posted;
            }
            Ok::<_, AnyError>((replayed, held))
        })
    });
    for of_one in try_join_all(readers).await? {
        let (replayed, held) = of_one?;
        round.replayed += replayed;
        round.held += held;
    }
    Ok(())
}

fn millis_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1_000.0
}
