//! `kill -9` of the writing process, at any moment, on a real file: every append that the process
//! acknowledged is there once, and the next process goes on with the same file.
//!
//! The test starts itself again as the process that is killed. `MERCATO_KILLS=200` kills it so
//! often in place of 10 times.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use crate::common::{commanded, first_reply, log, reply_to, version};
use mercato_persistence::{
    AppendError, Journal, JournalOptions, Position, Recorded, RedbJournal, WriterPlace, verify,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const KILLS: u64 = 10;
/// A journal is read from end to end after each kill, so now and then a new one is begun.
const KILLS_OF_ONE_FILE: u64 = 20;
const WRITERS: u64 = 64;
/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);
/// The child ends by itself after so many appends of each writer, should nobody kill it.
const APPENDS_MAX: u64 = 100_000;

/// Set for the child: the journal's file, and the number of the child's life.
const FILE: &str = "MERCATO_KILL_NINE_FILE";
const LIFE: &str = "MERCATO_KILL_NINE_LIFE";

/// The idempotency key of a writer's `nth` append in one life: it names all three.
fn command(life: u64, writer: u64, nth: u64) -> u128 {
    u128::from(life) << 96 | u128::from(writer) << 64 | u128::from(nth)
}

/// Two writers share each stream, so that appends to one stream meet in one commit.
fn stream(writer: u64) -> String {
    format!("stream/{}", writer / 2)
}

/// The process that is killed. As a test of its own it does nothing: nobody set its variables.
#[test]
fn the_process_that_is_killed() {
    let (Ok(file), Ok(life)) = (std::env::var(FILE), std::env::var(LIFE)) else {
        return;
    };
    let life = life.parse().expect("a number");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let options = JournalOptions::default();
        let journal = RedbJournal::open(file, options, WriterPlace::Thread).expect("it opens");
        let journal = Arc::new(journal);
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| tokio::spawn(append_and_tell(journal.clone(), life, writer)))
            .collect();
        for writer in writers {
            writer.await.expect("a good disk");
        }
    });
}

async fn append_and_tell(journal: Arc<RedbJournal>, life: u64, writer: u64) {
    let stream = stream(writer);
    for nth in 0..APPENDS_MAX {
        let command = command(life, writer, nth);
        let position = loop {
            let append = commanded(&stream, version(&journal, &stream), command);
            match journal.append(append) {
                Ok(appended) => break appended.position,
                // The other writer of the stream was faster.
                Err(AppendError::WrongVersion { .. }) => {}
                Err(error) => panic!("a good append was refused: {error}"),
            }
        };
        journal.until_durable(position).await.expect("a good disk");
        // One write for each line, straight to the pipe: what was written before the kill is read.
        let line = format!("{command} {position}\n");
        std::io::stdout()
            .write_all(line.as_bytes())
            .and_then(|()| std::io::stdout().flush())
            .expect("somebody listens");
    }
}

/// One append that the child said is durable.
#[derive(Debug, Clone, Copy)]
struct Acknowledged {
    command: u128,
    position: Position,
}

impl Acknowledged {
    /// `None` for what the test harness of the child prints.
    fn parse(line: &str) -> Option<Self> {
        let (command, position) = line.split_once(' ')?;
        Some(Self {
            command: command.parse().ok()?,
            position: Position::new(position.parse().ok()?),
        })
    }
}

fn start(file: &Path, life: u64) -> Child {
    Command::new(std::env::current_exe().expect("the test's own name"))
        .args([
            "--exact",
            "kill_nine::the_process_that_is_killed",
            "--nocapture",
        ])
        .env(FILE, file)
        .env(LIFE, life.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts")
}

/// Lets the child work for `time` after its first acknowledgement, kills it, and gives all that
/// it acknowledged.
fn live_and_die(file: &Path, life: u64, time: Duration) -> Vec<Acknowledged> {
    let mut child = start(file, life);
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let (first, acknowledged_first) = mpsc::channel::<()>();
    let reader = std::thread::spawn(move || {
        let mut acknowledged = Vec::new();
        let mut line = String::new();
        // A line that the kill cut short is no acknowledgement.
        while output.read_line(&mut line).expect("text") > 0 && line.ends_with('\n') {
            if let Some(one) = Acknowledged::parse(line.trim_end()) {
                acknowledged.push(one);
                let _ = first.send(());
            }
            line.clear();
        }
        acknowledged
    });
    let began = acknowledged_first.recv_timeout(PATIENCE);
    // Nothing is ever sent here, so this takes just as long.
    let (_open, never) = mpsc::channel::<()>();
    let _ = never.recv_timeout(time);
    let ended = child.try_wait().expect("its status");
    child.kill().expect("it is killed");
    child.wait().expect("it is gone");
    let acknowledged = reader.join().expect("the reader");
    assert!(began.is_ok(), "life {life} acknowledged nothing: {ended:?}");
    assert!(ended.is_none(), "life {life} ended by itself: {ended:?}");
    acknowledged
}

/// The whole file against all that was acknowledged in it so far.
fn check(file: &Path, acknowledged: &[Acknowledged], context: &str) {
    let mut places = HashMap::new();
    let mut check_record = |recorded: &Recorded| {
        let append = &recorded.append;
        let reply = append.command.as_ref().expect("every append has a command");
        let command = reply.command.as_u128();
        let whole = commanded(&append.stream, append.expected_version, command);
        assert!(*append == whole, "{context}: not what was appended");
        let before = places.insert(command, recorded.position);
        assert_eq!(before, None, "{context}: command {command} stands twice");
    };
    let report = verify(file, &mut check_record).expect("it opens");
    assert!(report.is_sound(), "{context}: {:?}", report.problems);
    for one in acknowledged {
        let place = places.get(&one.command);
        assert_eq!(place, Some(&one.position), "{context}: {one:?} is lost");
    }
}

/// The file serves and takes appends in this process too.
fn go_on(file: &Path, acknowledged: &mut Vec<Acknowledged>, life: u64) {
    crate::common::incarnation(async {
        let journal = crate::common::open(file).expect("it opens");
        let last = acknowledged.last().expect("it acknowledged something");
        let known = first_reply(&journal, uuid::Uuid::from_u128(last.command));
        assert_eq!(known, Some(reply_to(last.command)));
        let command = command(life, WRITERS, 0);
        let append = commanded("stream/parent", version(&journal, "stream/parent"), command);
        let position = crate::common::settle(&journal, append).await;
        acknowledged.push(Acknowledged { command, position });
        assert_eq!(log(&journal).len() as u64, position.get());
        journal.close().await.expect("a good disk");
    });
}

/// Catches: acknowledging what the system had not yet been asked to write, a file that does not
/// open after a kill in the middle of a commit, an append that is redone by recovery. What was
/// written and not synced survives a kill; `power_cuts` looks for that.
#[test]
fn every_acknowledged_append_is_there_once() {
    let kills = std::env::var("MERCATO_KILLS").map_or(KILLS, |kills| {
        kills.parse().expect("MERCATO_KILLS is a number")
    });
    let folder = tempfile::tempdir().expect("a folder");
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let mut total = 0;
    let mut acknowledged = Vec::new();
    for life in 0..kills {
        if life % KILLS_OF_ONE_FILE == 0 {
            acknowledged.clear();
        }
        let file = folder
            .path()
            .join(format!("{}.redb", life / KILLS_OF_ONE_FILE));
        let time = Duration::from_millis(rng.random_range(5..=80));
        let told = live_and_die(&file, life, time);
        total += told.len();
        acknowledged.extend(told);
        let context = format!("kill {life}, {time:?} after the first acknowledgement");
        check(&file, &acknowledged, &context);
        if rng.random() {
            go_on(&file, &mut acknowledged, life);
        }
    }
    println!("{kills} kills, {total} acknowledged appends, none lost");
}
