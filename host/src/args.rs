//! The command line, as it is typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use jiff::SignedDuration;
use mercato_benches::JournalArgs as BenchJournalArgs;

/// An online shop run by six supervised agents on a durable journal.
#[derive(Debug, Parser)]
#[command(name = "mercato", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Sends a day of shoppers through the shop while its agents are crashed, and checks the laws.
    Simulate(SimulateArgs),
    /// Looks at a journal file.
    Journal(JournalArgs),
    /// Measures this machine, each figure beside the least that could do the same.
    Bench(BenchArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct SimulateArgs {
    /// Transactions (.csv or .csv.zst, in the layout of the UCI Online Retail data) to draw the
    /// catalogue and the shoppers from. Without it: a small catalogue of the project's own.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// How many visits shoppers pay.
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub(crate) shoppers: u64,
    /// How long the shop is open: `24h`, `90s`. Default: 24h, and 60s with --live, where the day
    /// is squeezed into it.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    /// Draws everything; the same seed gives the same day.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// The time between injected crashes: `5m`, or `off`. Default: 1/500 of the duration, and
    /// with --live no less than 500ms.
    #[arg(long, value_name = "TIME|off")]
    pub(crate) crash: Option<String>,
    /// Where the journal lives. Without it: in memory. Beside it lie `FILE.outside.jsonl` (what the
    /// gateways remember) and `FILE.acks.jsonl` (what was acknowledged to shoppers).
    #[arg(long, value_name = "FILE")]
    pub(crate) store: Option<PathBuf>,
    /// Runs on the machine's clock instead of virtual time.
    #[arg(long)]
    pub(crate) live: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct JournalArgs {
    #[command(subcommand)]
    pub(crate) task: JournalTask,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JournalTask {
    /// Checks the whole file: checksums, order, versions, commands, and the shop's ledgers.
    Verify {
        /// The journal.
        file: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub(crate) task: BenchTask,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchTask {
    /// Holds durable appends against a bare append-only log: rate, latency, growth, recovery and
    /// layouts of the file.
    Journal(BenchJournalArgs),
}

/// Reads `24h`, `1h 30m` or `90s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let hint = "give a time such as 90s, 15m or 24h";
    let parsed: SignedDuration = text.parse().map_err(|_| hint.to_owned())?;
    Duration::try_from(parsed).map_err(|_| format!("a time cannot be negative; {hint}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn times_are_read_and_nonsense_is_refused_with_a_hint() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5_400)));
        for nonsense in ["", "90", "soon", "-5s"] {
            let refused = duration(nonsense).expect_err("nonsense");
            assert!(refused.contains("give a time such as"), "{refused}");
        }
    }
}
