//! What the benchmarks share: rounds that take turns, medians, and a table.
//!
//! The machine is shared and noisy, so contenders run one after the other in every round, and what
//! counts is the ratio of two of them within a round.
#![allow(dead_code, reason = "each benchmark uses its own part")]

use std::time::{Duration, Instant};

use clap::Parser;
use comfy_table::{CellAlignment, Table, presets};

/// How long to measure.
#[derive(Debug, Clone, Parser)]
pub(crate) struct Args {
    /// How often every contender has its turn.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// How long one turn takes.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) seconds: f64,
    /// How many writers wait for their acknowledgements at a time (journal).
    #[arg(long, default_value_t = 1_000)]
    pub(crate) writers: u32,
    /// A look at whether it runs: one short round.
    #[arg(long)]
    quick: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Args {
    pub(crate) fn read() -> Self {
        let mut args = Self::parse();
        if args.quick {
            (args.rounds, args.seconds) = (1, 0.2);
        }
        args.rounds = args.rounds.clamp(1, 100);
        args.seconds = args.seconds.clamp(0.05, 60.0);
        args
    }

    /// When a turn that begins now ends.
    pub(crate) fn end_of_turn(&self) -> Instant {
        now() + Duration::from_secs_f64(self.seconds)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures the machine's own time"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The tokio runtime of a turn: two workers, as many as the machine that the anchors speak of has.
pub(crate) fn two_workers() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
}

pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The median of the ratios within each round.
pub(crate) fn ratio(of: &[f64], to: &[f64]) -> f64 {
    median(of.iter().zip(to).map(|(of, to)| of / to))
}

/// Prints a table whose first column names things and whose others hold figures.
#[expect(
    clippy::print_stdout,
    reason = "a benchmark reports to whoever runs it"
)]
pub(crate) fn print_table(
    title: &str,
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) {
    let mut table = Table::new();
    table
        .load_style(presets::ASCII_MARKDOWN)
        .set_header(header.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("\n{title}\n\n{table}");
}
