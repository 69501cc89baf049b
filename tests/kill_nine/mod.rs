//! `kill -9` of a shop at any moment, on a real file: what Recommendation, Customer Support and
//! Marketing acknowledged is as before. The same is recommended, conversations and their tickets
//! stand as they stood, messages are due when they were due, and whoever must not be written to is
//! not written to.
//!
//! The test starts itself again as the process that is killed. `MERCATO_KILLS=100` kills it so often
//! in place of 5 times.

mod checks;
mod child;
mod told;
mod town;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use told::{Books, Told};
use town::{DELAY, PATIENCE, Town};

const KILLS: u64 = 5;
/// Everything in a file is looked at after each kill, so now and then a new one is begun.
const KILLS_OF_ONE_FILE: u64 = 10;

/// The process that is killed. As a test of its own it does nothing: nobody set its variables.
#[test]
fn the_process_that_is_killed() {
    child::live();
}

/// Catches: an answer that is given before it is durable, a view that the trigger learns twice or
/// not at all because its place in the log and what it did came apart, a snapshot that holds less
/// than the events did, a key that is lost with what is sealed by it, a campaign that forgets its
/// day, and a suppression that was only remembered.
#[test]
fn what_the_agents_acknowledged_is_as_before() {
    let kills = std::env::var("MERCATO_KILLS").map_or(KILLS, |kills| {
        kills.parse().expect("MERCATO_KILLS is a number")
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime");
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let mut acknowledged = [0; 3];
    for nth in 0..kills.div_ceil(KILLS_OF_ONE_FILE) {
        let first = nth * KILLS_OF_ONE_FILE;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("shop.redb");
        let mut books = Books::default();
        // The same visits in a shop that is never killed.
        let whole = runtime.block_on(Town::open(None, Duration::ZERO, 16));
        let lives = kills.min(first + KILLS_OF_ONE_FILE) - first;
        for life in 0..lives {
            let time = Duration::from_millis(u64::from(rng.next_u32() % 300));
            let before = books.visits();
            live_and_die(&file, life, time, &mut books);
            println!("life {life} ended {time:?} after the first words of each agent");
            runtime.block_on(async {
                let town =
                    Town::open(Some(&file), child::later(life), child::snapshot_every(life)).await;
                checks::recommendations(&town, &whole, before, &mut books).await;
                checks::conversations(&town, &books).await;
                checks::schedules(&town, &books).await;
                checks::suppressions(&town, &books, life).await;
                town.close().await;
            });
        }
        runtime.block_on(async {
            whole.close().await;
            let town = Town::open(Some(&file), DELAY + child::later(lives + 1), 16).await;
            checks::the_day_of_the_campaign(&town, &books).await;
            town.close().await;
        });
        acknowledged[0] += books.visits();
        acknowledged[1] += books.conversations.len() as u64;
        acknowledged[2] += books.customers.len() as u64;
    }
    let [visits, conversations, customers] = acknowledged;
    println!(
        "{kills} kills: {visits} visits, {conversations} conversations, {customers} customers"
    );
}

fn start(file: &Path, life: u64, visits: u64) -> Child {
    Command::new(std::env::current_exe().expect("the test's own name"))
        .args([
            "--exact",
            "kill_nine::the_process_that_is_killed",
            "--nocapture",
        ])
        .env(child::FILE, file)
        .env(child::LIFE, life.to_string())
        .env(child::VISITS, visits.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts")
}

/// Lets the child work for `time` after each agent acknowledged something, kills it, and notes all
/// that it acknowledged.
fn live_and_die(file: &Path, life: u64, time: Duration, books: &mut Books) {
    let mut child = start(file, life, books.visits());
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let (told, telling) = mpsc::channel::<Told>();
    let reader = std::thread::spawn(move || {
        let mut line = String::new();
        // A line that the kill cut short is no acknowledgement.
        while output.read_line(&mut line).expect("text") > 0 && line.ends_with('\n') {
            // What the test harness of the child prints has no braces.
            let begins = line.find('{').unwrap_or(line.len());
            if let Ok(one) = serde_json::from_str(&line[begins..]) {
                let _ = told.send(one);
            }
            line.clear();
        }
    });
    let mut first = [false; 3];
    while first.contains(&false) {
        let Ok(one) = telling.recv_timeout(PATIENCE) else {
            child.kill().expect("it is killed");
            panic!("life {life} did not begin in time: {:?}", child.wait());
        };
        first[match &one {
            Told::Learned { .. } => 0,
            Told::Said { .. } => 1,
            Told::Scheduled { .. } => 2,
        }] = true;
        books.note(one);
    }
    // Nothing is ever sent here, so this takes just as long.
    let (_open, never) = mpsc::channel::<()>();
    let _ = never.recv_timeout(time);
    let ended = child.try_wait().expect("its status");
    child.kill().expect("it is killed");
    child.wait().expect("it is gone");
    reader.join().expect("the reader");
    assert!(ended.is_none(), "life {life} ended by itself: {ended:?}");
    telling.into_iter().for_each(|one| books.note(one));
}
