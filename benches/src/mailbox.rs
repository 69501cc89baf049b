//! The supervised mailbox beside bare ractor: a tell, a restart, and what an idle worker takes.
//!
//! A tell goes through a bounded mailbox that survives its worker, which a bare cast does not, and
//! counts as done when it is handled. A restart is timed from the panic to the first message of the
//! next incarnation.

mod memory;
mod restart;
mod tell;

use std::time::Duration;

use mercato_runtime::Entropy;
use mercato_runtime::supervisor::TreeOptions;

use crate::clock::two_workers;
use crate::error::{AnyError, BenchError};
use crate::report::Grid;
use crate::stats::{median, ratio};

/// The measurement of mailboxes, as it is typed.
#[derive(Debug, Clone, clap::Args)]
pub struct MailboxArgs {
    /// How often every contender has its turn: 1 to 100.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// How many messages each sender sends in a turn: 1000 to 10000000.
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    pub messages: u32,
    /// How many restarts a turn times: 10 to 100000.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    pub restarts: u32,
    /// How many idle workers are weighed: 100 to 200000.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=200_000))]
    pub workers: u32,
    /// A look at whether it runs: one short round.
    #[arg(long)]
    pub quick: bool,
}

impl MailboxArgs {
    fn resolved(&self) -> Self {
        if self.quick {
            Self {
                rounds: 1,
                messages: 1_000,
                restarts: 10,
                workers: 100,
                quick: true,
            }
        } else {
            self.clone()
        }
    }
}

/// A contender's figures, one a round, and the floor that they are held against.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) figures: Vec<f64>,
    pub(crate) floor: usize,
}

impl Contender {
    pub(crate) fn new(name: &'static str, floor: usize) -> Self {
        Self {
            name,
            figures: Vec::new(),
            floor,
        }
    }
}

/// A tree on this clock, with the same jitter in every run.
fn tree_options(clock: impl Fn() -> Duration + Send + Sync + 'static) -> TreeOptions {
    TreeOptions::new(clock, Entropy::seeded(1).fork("bench"))
}

fn grid(title: String, header: Vec<&'static str>, contenders: &[Contender]) -> Grid {
    let rows = contenders.iter().map(|contender| {
        let floor = &contenders[contender.floor].figures;
        vec![
            contender.name.to_owned(),
            format!("{:.1}", median(contender.figures.iter().copied())),
            format!("{:.2}", ratio(floor, &contender.figures)),
        ]
    });
    Grid {
        title,
        header,
        rows: rows.collect(),
    }
}

async fn measure(args: &MailboxArgs) -> Result<Vec<Grid>, AnyError> {
    let tells = tell::measure(args).await?;
    let restarts = restart::measure(args).await?;
    let weights = memory::measure(args).await?;
    let rounds = args.rounds;
    Ok(vec![
        grid(
            format!(
                "Tells, 2 workers; medians of {rounds} rounds of {} messages a sender",
                args.messages
            ),
            vec!["", "ns a message", "times as fast as ractor"],
            &tells,
        ),
        grid(
            format!(
                "Panic to the first message of the next incarnation; medians of {rounds} rounds of the \
                 median of {}; groups of {}",
                args.restarts,
                restart::GROUP
            ),
            vec!["", "us", "times as fast as ractor"],
            &restarts,
        ),
        grid(
            format!("An idle worker; {} of each", args.workers),
            vec!["", "bytes", "times as light as ractor"],
            &weights,
        ),
    ])
}

/// Measures mailboxes and gives the tables.
///
/// # Errors
/// See [`BenchError`].
pub fn mailbox(args: &MailboxArgs) -> Result<String, BenchError> {
    let args = args.resolved();
    let failed = |source| BenchError::Failed {
        part: "mailbox",
        source,
    };
    // A thousand reports of panics that are meant would be what is measured.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let grids = two_workers()
        .map_err(|source| failed(source.into()))?
        .block_on(measure(&args))
        .map_err(failed);
    std::panic::set_hook(report);
    let grids: Vec<String> = grids?.iter().map(Grid::to_string).collect();
    Ok(grids.join("\n"))
}
