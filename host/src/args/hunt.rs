//! `mercato simulate hunt` and `bugs`, as they are typed.

use mercato_sim::lives::WorldMark;

#[derive(Debug, clap::Args)]
pub(crate) struct HuntArgs {
    /// How many seeds. Default: as many as there is time for.
    #[arg(long, value_name = "N", conflicts_with = "replay")]
    pub(crate) seeds: Option<u64>,
    /// How many minutes at most. Default: 3, and with --seeds as many as it takes.
    #[arg(
        long,
        value_name = "M",
        allow_negative_numbers = true,
        conflicts_with = "replay"
    )]
    pub(crate) minutes: Option<f64>,
    /// The first seed.
    #[arg(
        long,
        value_name = "SEED",
        default_value_t = 1,
        conflicts_with = "replay"
    )]
    pub(crate) from: u64,
    /// How many worlds at once. Default: one to each core.
    #[arg(long, value_name = "N", conflicts_with = "replay")]
    pub(crate) threads: Option<usize>,
    /// Measures instead how many small worlds and shopper-hours a second of one processor comes to,
    /// beside their targets.
    #[arg(
        long,
        conflicts_with_all = ["seeds", "minutes", "from", "threads", "replay"]
    )]
    pub(crate) pace: bool,
    #[command(flatten)]
    pub(crate) again: ReplayArgs,
}

/// One world again.
#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// Replays one world instead, by its name.
    #[arg(long, value_name = "WORLD")]
    pub(crate) replay: Option<String>,
    /// What it came to when it was named, as eight hexadecimal digits: where it comes to something
    /// else now, that is said.
    #[arg(
        long,
        value_name = "HEX",
        requires = "replay",
        conflicts_with = "shrink"
    )]
    pub(crate) expect: Option<WorldMark>,
    /// How many of the last moments of a replayed world are printed.
    #[arg(long, value_name = "N", default_value_t = 60, requires = "replay")]
    pub(crate) lines: usize,
    /// Makes the replayed world as small as it can be while its law still breaks.
    #[arg(long, requires = "replay")]
    pub(crate) shrink: bool,
}

#[cfg(feature = "planted-bugs")]
#[derive(Debug, clap::Args)]
pub(crate) struct BugsArgs {
    /// Seconds of work that each may take.
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub(crate) seconds: u64,
    /// Only the mistake of this name.
    #[arg(long, value_name = "NAME")]
    pub(crate) bug: Option<String>,
    /// The first seed.
    #[arg(
        long,
        value_name = "SEED",
        default_value_t = 1,
        conflicts_with = "replay"
    )]
    pub(crate) from: u64,
    /// Prints the last moments of each world, made as small as it can be, too.
    #[arg(long, conflicts_with = "replay")]
    pub(crate) show: bool,
    #[command(flatten)]
    pub(crate) again: ReplayArgs,
}
