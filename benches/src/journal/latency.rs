//! How long an acknowledgement takes when the journal is not driven to its limit.
//!
//! *Open loop*: appends are sent on a fixed schedule at half of the rate that the journal reached in
//! the closed loop, and a latency counts from the moment at which the append was due, not from the
//! moment at which it got its turn. A pause thus shows in everything that was due during it (no
//! coordinated omission). *Alone*: one writer on an idle disk waits for one sync.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;
use tokio::sync::mpsc;

use super::contest::{
    Contender, Log, Standing, Turn, closed_loop, on_a_new_file, open_journal, rounds,
};
use super::group_log::open_bare;
use super::workload::{Payloads, Writer};
use crate::clock::now;
use crate::error::AnyError;
use crate::options::{Part, Plan};
use crate::report::{Grid, Section};
use crate::stats::median;

/// How much of the closed loop's rate is offered.
const LOAD: f64 = 0.5;

pub(crate) fn measure(plan: &Plan) -> Result<Section, AnyError> {
    let alone = [
        Contender {
            name: "bare log, one writer alone",
            turn: |plan| closed_loop(plan, 1, open_bare),
        },
        Contender {
            name: "journal, one writer alone",
            turn: |plan| closed_loop(plan, 1, open_journal),
        },
    ];
    let rate = closed_loop_rate(plan)?;
    let offered = rate * LOAD;
    let (mut bare_turns, mut journal_turns) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        bare_turns.push(open_loop(plan, offered, open_bare)?);
        journal_turns.push(open_loop(plan, offered, open_journal)?);
    }
    let mut standings = vec![
        Standing {
            name: "bare log, half load",
            turns: bare_turns,
        },
        Standing {
            name: "journal, half load",
            turns: journal_turns,
        },
    ];
    standings.extend(rounds(plan, &alone)?);
    // The rows come in pairs, the bare log first.
    let p99 = |one: &Standing| one.median_of(|turn| turn.latency_ms(0.99));
    let ratio = |at: usize| p99(&standings[at]) / p99(&standings[at - at % 2]);
    let rows = standings.iter().enumerate().map(|(at, one)| {
        vec![
            one.name.to_owned(),
            format!("{:.0}", one.median_of(|turn| turn.per_second)),
            format!("{:.2}", one.median_of(|turn| turn.latency_ms(0.5))),
            format!("{:.2}", p99(one)),
            format!("{:.2}", one.median_of(|turn| turn.latency_ms(0.999))),
            format!("{:.2}", ratio(at)),
        ]
    });
    let figures = standings.iter().enumerate().map(|(at, one)| {
        json!({
            "name": one.name,
            "per_second": one.median_of(|turn| turn.per_second),
            "p50_ms": one.median_of(|turn| turn.latency_ms(0.5)),
            "p99_ms": p99(one),
            "p999_ms": one.median_of(|turn| turn.latency_ms(0.999)),
            "p99_ratio": ratio(at),
        })
    });
    Ok(Section {
        part: Part::Latency,
        grids: vec![Grid {
            title: format!(
                "Acknowledgement, counted from when the append was due; {offered:.0}/s offered, half of the {rate:.0}/s that the journal takes"
            ),
            header: vec![
                "",
                "acknowledged/s",
                "p50 ms",
                "p99 ms",
                "p99.9 ms",
                "ratio of p99",
            ],
            rows: rows.collect(),
        }],
        notes: vec!["Ratios are to the bare log under the same load.".into()],
        figures: json!({
            "offered_per_second": offered,
            "contenders": figures.collect::<Vec<_>>(),
        }),
    })
}

fn closed_loop_rate(plan: &Plan) -> Result<f64, AnyError> {
    let mut rates = Vec::new();
    for _ in 0..plan.rounds {
        rates.push(closed_loop(plan, plan.writers, open_journal)?.per_second);
    }
    Ok(median(rates))
}

fn open_loop<L: Log>(
    plan: &Plan,
    per_second: f64,
    open: impl FnOnce(&std::path::Path) -> Result<L, AnyError>,
) -> Result<Turn, AnyError> {
    on_a_new_file(plan, open, async |log| {
        write_on_schedule(log, plan.writers, per_second, plan.turn).await
    })
}

async fn write_on_schedule<L: Log>(
    log: &Arc<L>,
    writers: u32,
    per_second: f64,
    turn: Duration,
) -> Result<Turn, AnyError> {
    let payloads = Payloads::new();
    let mut schedules = Vec::new();
    let mut tasks = Vec::new();
    for number in 0..writers {
        // As long as the schedule at most, which ends with the turn.
        let (due, mut dues) = mpsc::unbounded_channel::<Instant>();
        schedules.push(due);
        let (log, mut writer) = (log.clone(), Writer::new(number, payloads.clone()));
        tasks.push(tokio::spawn(async move {
            let mut latencies = Vec::new();
            while let Some(due) = dues.recv().await {
                log.append(writer.next()).await?;
                latencies.push(u64::try_from(due.elapsed().as_micros())?);
            }
            Ok::<_, AnyError>(latencies)
        }));
    }
    let start = now();
    // A thread of its own: tokio's timer has steps of a millisecond.
    let pacer = std::thread::Builder::new()
        .name("pacer".into())
        .spawn(move || pace(start, per_second, turn, &schedules))?;
    let written = join_all(tasks).await;
    let seconds = start.elapsed().as_secs_f64();
    pacer.join().map_err(|_| "the pacer panicked")?;
    let mut latencies = Vec::new();
    for of_one in written {
        latencies.extend(of_one??);
    }
    Turn::of(latencies, seconds)
}

/// Tells the writers, one after the other, when their appends are due.
fn pace(
    start: Instant,
    per_second: f64,
    turn: Duration,
    writers: &[mpsc::UnboundedSender<Instant>],
) {
    /// A shorter rest would take a core for itself; a longer one would show in the latencies.
    const REST_MIN: Duration = Duration::from_micros(200);
    for (nth, writer) in writers.iter().cycle().enumerate() {
        let after = Duration::from_secs_f64(nth as f64 / per_second);
        if after >= turn {
            return;
        }
        loop {
            let early = after.saturating_sub(start.elapsed());
            if early.is_zero() {
                break;
            }
            std::thread::park_timeout(early.max(REST_MIN));
        }
        if writer.send(start + after).is_err() {
            // The writer failed, and says why itself.
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::workload::Entry;

    /// A log that does not answer for a while, once.
    struct Stalls(std::sync::atomic::AtomicBool);

    const STALL: Duration = Duration::from_millis(150);

    impl Log for Stalls {
        async fn append(&self, _: Entry<'_>) -> Result<(), AnyError> {
            if !self.0.swap(true, std::sync::atomic::Ordering::Relaxed) {
                tokio::time::sleep(STALL).await;
            }
            Ok(())
        }

        async fn close(self) -> Result<(), AnyError> {
            Ok(())
        }
    }

    /// Catches: coordinated omission. One writer is stalled once; what was due meanwhile waited,
    /// too, and must be counted from when it was due.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_pause_shows_in_everything_that_was_due_during_it() {
        let log = Arc::new(Stalls(std::sync::atomic::AtomicBool::new(false)));
        let turn = write_on_schedule(&log, 1, 1_000.0, STALL * 2).await;
        let turn = turn.expect("a turn");
        assert_eq!(turn.latency_us.len(), 300);
        let late = turn.latency_us.iter_recorded();
        let late: u64 = late
            .filter(|step| step.value_iterated_to() > 50_000)
            .map(|step| step.count_at_value())
            .sum();
        assert!((90..=200).contains(&late), "{late} of 300 saw the pause");
    }
}
