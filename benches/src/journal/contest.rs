//! The closed loop: so many writers, each of which waits for its acknowledgement and goes on.
//!
//! The terms, for every contender: the same appends (`workload.rs`) in the same number of writers
//! on a tokio runtime of two workers, each writer with a stream whose name it made once; a group of
//! everything that waits, up to the same count and bytes, with one sync; an acknowledgement for each
//! append; a new file for each turn. The contenders take turns, and every other round in the
//! opposite order. What the journal does beside that (versions, commands that come again, positions
//! and reads of what is not yet durable) is its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use hdrhistogram::Histogram;
use mercato_runtime::persistence::{
    Append, EventData, FirstReply, Journal, JournalOptions, RedbJournal, WriterPlace,
};
use serde_json::{Value, json};

use super::own_folder;
use super::workload::{EVENT_NAME, Entry, Payloads, RECORDED_AT_MS, REPLY, Writer};
use crate::clock::{now, two_workers};
use crate::error::AnyError;
use crate::machine::device_bytes_written;
use crate::options::{Part, Plan};
use crate::report::{Grid, Section, or_dash};
use crate::stats::{median, ratio};

/// Something that takes an append and says when it is durable.
pub(crate) trait Log: Send + Sync + 'static {
    /// Appends, and waits for the acknowledgement.
    fn append(&self, entry: Entry<'_>) -> impl Future<Output = Result<(), AnyError>> + Send;

    /// Writes what waits and ends.
    fn close(self) -> impl Future<Output = Result<(), AnyError>> + Send;
}

impl Log for RedbJournal {
    async fn append(&self, entry: Entry<'_>) -> Result<(), AnyError> {
        let append = Append {
            events: vec![EventData {
                name: EVENT_NAME.into(),
                version: 1,
                payload: entry.payload.to_vec(),
            }],
            command: Some(FirstReply {
                command: entry.command,
                body_hash: entry.command.as_u128(),
                reply: REPLY.to_vec(),
            }),
            ..Append::to(entry.stream.clone(), entry.version, RECORDED_AT_MS)
        };
        let appended = Journal::append(self, append)?;
        Ok(self.until_durable(appended.position).await?)
    }

    async fn close(self) -> Result<(), AnyError> {
        Ok(Journal::close(&self).await?)
    }
}

/// Opens the journal as its users get it.
pub(crate) fn open_journal(path: &Path) -> Result<RedbJournal, AnyError> {
    let options = JournalOptions::default();
    Ok(RedbJournal::open(path, options, WriterPlace::Thread)?)
}

/// What one contender did in one turn.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) per_second: f64,
    pub(crate) latency_us: Histogram<u64>,
    pub(crate) device_bytes_per_event: Option<f64>,
}

impl Turn {
    /// A turn of `seconds` in which every acknowledgement took so many microseconds.
    pub(crate) fn of(
        latencies: impl IntoIterator<Item = u64>,
        seconds: f64,
    ) -> Result<Self, AnyError> {
        let mut latency_us = Histogram::new(3)?;
        for latency in latencies {
            latency_us.record(latency)?;
        }
        Ok(Self {
            per_second: latency_us.len() as f64 / seconds,
            latency_us,
            device_bytes_per_event: None,
        })
    }

    pub(crate) fn latency_ms(&self, quantile: f64) -> f64 {
        self.latency_us.value_at_quantile(quantile) as f64 / 1_000.0
    }
}

/// A turn of the closed loop on a new file, which is gone afterwards.
pub(crate) fn closed_loop<L: Log>(
    plan: &Plan,
    writers: u32,
    open: impl FnOnce(&Path) -> Result<L, AnyError>,
) -> Result<Turn, AnyError> {
    on_a_new_file(plan, open, async |log| {
        write_in_turns(log, writers, plan.turn).await
    })
}

/// Opens a log on a new file, and closes and removes it when `turn` is over.
pub(crate) fn on_a_new_file<L: Log>(
    plan: &Plan,
    open: impl FnOnce(&Path) -> Result<L, AnyError>,
    turn: impl AsyncFnOnce(&Arc<L>) -> Result<Turn, AnyError>,
) -> Result<Turn, AnyError> {
    let folder = own_folder(&plan.folder)?;
    two_workers()?.block_on(async {
        let log = Arc::new(open(&folder.path().join("log"))?);
        let before = device_bytes_written();
        let mut done = turn(&log).await?;
        let written = device_bytes_written().zip(before);
        done.device_bytes_per_event =
            written.map(|(after, before)| (after - before) as f64 / done.latency_us.len() as f64);
        let log = Arc::into_inner(log).ok_or("a writer still holds the log")?;
        log.close().await?;
        Ok(done)
    })
}

async fn write_in_turns<L: Log>(
    log: &Arc<L>,
    writers: u32,
    turn: Duration,
) -> Result<Turn, AnyError> {
    let payloads = Payloads::new();
    let start = now();
    let tasks = (0..writers).map(|number| {
        let (log, mut writer) = (log.clone(), Writer::new(number, payloads.clone()));
        tokio::spawn(async move {
            let mut latencies = Vec::new();
            loop {
                let sent = now();
                if sent.duration_since(start) >= turn {
                    return Ok::<_, AnyError>(latencies);
                }
                log.append(writer.next()).await?;
                latencies.push(u64::try_from(sent.elapsed().as_micros())?);
            }
        })
    });
    let written = join_all(tasks).await;
    let seconds = start.elapsed().as_secs_f64();
    let mut latencies = Vec::new();
    for of_one in written {
        latencies.extend(of_one??);
    }
    Turn::of(latencies, seconds)
}

/// A contender, and what it does in its turn.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) turn: fn(&Plan) -> Result<Turn, AnyError>,
}

/// What a contender did in all rounds.
pub(crate) struct Standing {
    pub(crate) name: &'static str,
    pub(crate) turns: Vec<Turn>,
}

/// Lets the contenders take turns.
pub(crate) fn rounds(plan: &Plan, contenders: &[Contender]) -> Result<Vec<Standing>, AnyError> {
    let mut standings: Vec<Standing> = contenders
        .iter()
        .map(|contender| Standing {
            name: contender.name,
            turns: Vec::new(),
        })
        .collect();
    for round in 0..plan.rounds {
        let mut order: Vec<usize> = (0..contenders.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            standings[at].turns.push((contenders[at].turn)(plan)?);
        }
    }
    Ok(standings)
}

/// Lets the contenders take turns, and holds each against the first.
pub(crate) fn section(
    plan: &Plan,
    part: Part,
    title: &str,
    note: &str,
    contenders: &[Contender],
) -> Result<Section, AnyError> {
    let standings = rounds(plan, contenders)?;
    let floor = &standings[0];
    let figures: Vec<_> = standings.iter().map(|one| one.figures(floor)).collect();
    Ok(Section {
        part,
        grids: vec![Grid {
            title: title.into(),
            header: HEADER.to_vec(),
            rows: standings.iter().map(|one| one.row(floor)).collect(),
        }],
        notes: vec![note.into()],
        figures: figures.into(),
    })
}

impl Standing {
    pub(crate) fn median_of(&self, figure: impl Fn(&Turn) -> f64) -> f64 {
        median(self.turns.iter().map(figure))
    }

    fn rates(&self) -> Vec<f64> {
        self.turns.iter().map(|turn| turn.per_second).collect()
    }

    fn device_bytes_per_event(&self) -> Option<f64> {
        let counted = self.turns.iter().map(|turn| turn.device_bytes_per_event);
        counted.collect::<Option<Vec<f64>>>().map(median)
    }

    /// Its row beside the `floor`.
    fn row(&self, floor: &Self) -> Vec<String> {
        vec![
            self.name.to_owned(),
            format!("{:.0}", median(self.rates())),
            format!("{:.2}", ratio(&self.rates(), &floor.rates())),
            format!("{:.2}", self.median_of(|turn| turn.latency_ms(0.5))),
            format!("{:.2}", self.median_of(|turn| turn.latency_ms(0.99))),
            or_dash(self.device_bytes_per_event(), 0),
        ]
    }

    /// The same by name.
    fn figures(&self, floor: &Self) -> Value {
        json!({
            "name": self.name,
            "per_second": median(self.rates()),
            "ratio": ratio(&self.rates(), &floor.rates()),
            "p50_ms": self.median_of(|turn| turn.latency_ms(0.5)),
            "p99_ms": self.median_of(|turn| turn.latency_ms(0.99)),
            "device_bytes_per_event": self.device_bytes_per_event(),
            "per_second_by_round": self.rates(),
        })
    }
}

/// What the columns of [`Standing::row`] are.
const HEADER: [&str; 6] = [
    "",
    "acknowledged/s",
    "ratio",
    "p50 ms",
    "p99 ms",
    "device bytes/event",
];
