//! Durable appends through the journal, beside the least that could be called durable: a bare
//! append-only log with the same group commit.
//!
//! Every writer appends one 200-byte event with the dedupe record of its command, waits until it is
//! acknowledged as durable, and goes on with the next.

mod support;

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Instant;

use futures::future::join_all;
use hdrhistogram::Histogram;
use mercato::persistence::{
    Append, EventData, FirstReply, Journal, JournalOptions, RedbJournal, WriterPlace,
};
use support::{Args, median, now, print_table, ratio, two_workers};
use tokio::sync::oneshot;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

type AnyError = Box<dyn Error + Send + Sync>;

const EVENT_BYTES: usize = 200;
/// What the journal's stored form of such an append takes.
const RECORD_BYTES: usize = 280;
/// As in `JournalOptions::default`.
const GROUP_RECORDS_MAX: usize = 2_048;

/// Something that takes an append and says when it is durable.
trait Log: Send + Sync + 'static {
    fn append(&self, writer: u32, nth: u64) -> impl Future<Output = Result<(), AnyError>> + Send;
}

/// One file, one thread, one write and one sync for everything that waits.
struct BareLog {
    queue: mpsc::Sender<(Vec<u8>, oneshot::Sender<()>)>,
}

impl BareLog {
    fn open(path: &Path) -> Result<Self, AnyError> {
        let mut file = File::create_new(path)?;
        let (queue, waiting) = mpsc::channel::<(Vec<u8>, oneshot::Sender<()>)>();
        std::thread::spawn(move || -> std::io::Result<()> {
            let mut group = Vec::new();
            let mut waiters = Vec::new();
            while let Ok(first) = waiting.recv() {
                let rest = waiting.try_iter().take(GROUP_RECORDS_MAX - 1);
                for (record, waiter) in std::iter::once(first).chain(rest) {
                    group.extend_from_slice(&record.len().to_le_bytes());
                    group.extend_from_slice(&xxh3_64(&record).to_le_bytes());
                    group.extend_from_slice(&record);
                    waiters.push(waiter);
                }
                file.write_all(&group)?;
                file.sync_data()?;
                group.clear();
                for waiter in waiters.drain(..) {
                    // Every writer waits for its acknowledgement.
                    let _ = waiter.send(());
                }
            }
            Ok(())
        });
        Ok(Self { queue })
    }
}

impl Log for BareLog {
    async fn append(&self, writer: u32, nth: u64) -> Result<(), AnyError> {
        let mut record = vec![b'x'; RECORD_BYTES];
        record[..4].copy_from_slice(&writer.to_le_bytes());
        record[4..12].copy_from_slice(&nth.to_le_bytes());
        let (acknowledge, acknowledged) = oneshot::channel();
        self.queue.send((record, acknowledge))?;
        Ok(acknowledged.await?)
    }
}

impl Log for RedbJournal {
    async fn append(&self, writer: u32, nth: u64) -> Result<(), AnyError> {
        let command = Uuid::from_u64_pair(writer.into(), nth);
        let append = Append {
            stream: format!("bench/{writer}").into(),
            expected_version: nth,
            recorded_at_ms: 1_700_000_000_000,
            events: vec![EventData {
                name: "StockReserved".into(),
                version: 1,
                payload: vec![b'x'; EVENT_BYTES],
            }],
            command: Some(FirstReply {
                command,
                body_hash: command.as_u128(),
                reply: vec![1; 8],
            }),
            mark: None,
        };
        let appended = Journal::append(self, append)?;
        Ok(self.until_durable(appended.position).await?)
    }
}

/// One turn of one contender.
#[derive(Debug)]
struct Turn {
    per_second: f64,
    latency_us: Histogram<u64>,
}

/// Lets all writers at `log` until the turn ends.
async fn turn<L: Log>(log: L, args: &Args) -> Result<Turn, AnyError> {
    let log = Arc::new(log);
    let (start, end) = (now(), args.end_of_turn());
    let writers = (0..args.writers).map(|writer| tokio::spawn(write(log.clone(), writer, end)));
    let written = join_all(writers).await;
    let seconds = start.elapsed().as_secs_f64();
    let mut latency_us = Histogram::new(2)?;
    for latencies in written {
        for latency in latencies?? {
            latency_us.record(latency)?;
        }
    }
    Ok(Turn {
        per_second: latency_us.len() as f64 / seconds,
        latency_us,
    })
}

/// One writer; gives the microseconds that each acknowledgement took.
async fn write(log: Arc<impl Log>, writer: u32, end: Instant) -> Result<Vec<u64>, AnyError> {
    let mut latencies = Vec::new();
    for nth in 0.. {
        let sent = now();
        if sent >= end {
            break;
        }
        log.append(writer, nth).await?;
        latencies.push(u64::try_from(sent.elapsed().as_micros())?);
    }
    Ok(latencies)
}

/// A turn on a new file, gone with its folder afterwards.
fn on_a_new_file<L: Log>(
    args: &Args,
    open: impl FnOnce(&Path) -> Result<L, AnyError>,
) -> Result<Turn, AnyError> {
    let folder = tempfile::tempdir()?;
    let log = open(&folder.path().join("log"))?;
    two_workers()?.block_on(turn(log, args))
}

fn row(name: &str, turns: &[Turn], floor: &[Turn]) -> Vec<String> {
    let rate = |turns: &[Turn]| turns.iter().map(|turn| turn.per_second).collect::<Vec<_>>();
    let latency_ms = |quantile| {
        let micros = |turn: &Turn| turn.latency_us.value_at_quantile(quantile) as f64;
        median(turns.iter().map(micros)) / 1_000.0
    };
    vec![
        name.to_owned(),
        format!("{:.0}", median(rate(turns))),
        format!("{:.2}", latency_ms(0.5)),
        format!("{:.2}", latency_ms(0.99)),
        format!("{:.2}", ratio(&rate(turns), &rate(floor))),
    ]
}

fn main() -> Result<(), AnyError> {
    let args = Args::read();
    let (mut bare, mut journal) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds {
        bare.push(on_a_new_file(&args, BareLog::open)?);
        journal.push(on_a_new_file(&args, |path| {
            // A turn makes a few hundred thousand replies; they need not all stay.
            let options = JournalOptions {
                replies_max: 100_000,
                ..JournalOptions::default()
            };
            Ok(RedbJournal::open(path, options, WriterPlace::Thread)?)
        })?);
    }
    print_table(
        &format!(
            "Durable appends, {} writers each awaiting its acknowledgement; medians of {} rounds of {} s",
            args.writers, args.rounds, args.seconds
        ),
        &["", "acknowledged/s", "p50 ms", "p99 ms", "ratio"],
        [
            row("bare append-only log", &bare, &bare),
            row("journal (redb)", &journal, &bare),
        ],
    );
    Ok(())
}
