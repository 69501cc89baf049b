//! The command line, as it is typed.

mod flows;
mod hunt;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use jiff::SignedDuration;
use mercato_benches::{AskArgs, CrashArgs, EntitiesArgs, JournalArgs as BenchJournalArgs};

pub(crate) use flows::{FlowsArgs, FlowsTask, ListArgs, Request, Which, WorkArgs};
#[cfg(feature = "planted-bugs")]
pub(crate) use hunt::BugsArgs;
pub(crate) use hunt::{HuntArgs, ReplayArgs};

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
    /// Looks after a journal file: checks, counts, shows, copies, compacts it.
    Journal(JournalArgs),
    /// Looks at the flows in a journal file, cancels them, and works off what waits for a person.
    ///
    /// For a journal that no other process has open: a running program operates its flows itself,
    /// through `Runtime::flows`. Nothing goes on meanwhile. What is asked for is durable when the
    /// command ends, and is carried out by the next start of the shop.
    Flows(FlowsArgs),
    /// Checks a configuration file, shows what is in force, or prints every key there is.
    Config(ConfigArgs),
    /// Trains and tries the classifier by which Customer Support understands questions.
    Support(SupportArgs),
    /// Measures this machine, each figure beside the least that could do the same.
    Bench(BenchArgs),
}

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SimulateArgs {
    #[command(subcommand)]
    pub(crate) task: Option<SimulateTask>,
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
    /// Draws everything; the same seed gives the same day. Default: 1, or the scenario's.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// The time between injected crashes: `5m`, or `off`. Default: 1/500 of the duration, and
    /// with --live no less than 500ms.
    #[arg(long, value_name = "TIME|off")]
    pub(crate) crash: Option<String>,
    /// Where the journal lives. Without it: in memory. Beside it lie `FILE.outside.jsonl` (what the
    /// gateways remember) and `FILE.acks.jsonl` (what was acknowledged to shoppers).
    #[arg(long, value_name = "FILE")]
    pub(crate) store: Option<PathBuf>,
    /// The shop's terms, and the limits of its runtime and journal; see `mercato config`. Without it
    /// the defaults hold. `MERCATO__...` variables go before both.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A scenario to live through in place of a day: a file, or one of quiet_day, black_friday,
    /// flaky_payments, rolling_crashes, dying_disk, hot_sku, midnight_promotion and gateway_outage.
    /// With --live, one whose faults make sense on the machine's clock.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["data", "shoppers", "duration", "crash", "store", "config", "backup"]
    )]
    pub(crate) scenario: Option<String>,
    /// One more fault of the scenario: `gateway_busy=0.2`, or with its window
    /// `gateway_busy=0.2,from=30s,until=90s`. The rate is strikes a minute or a share of what it may
    /// strike, as in the file. Can be given more than once.
    #[arg(long, value_name = "KIND=RATE", requires = "scenario")]
    pub(crate) fault: Vec<String>,
    /// One more power cut of the scenario: `after=150s,leaves=torn,dark_for=20s`, or with `operation=N`
    /// or `moment=N` in place of `after`. Can be given more than once; the first one is in the first
    /// life without a cut.
    #[arg(long, value_name = "WHEN", requires = "scenario")]
    pub(crate) cut: Vec<String>,
    /// How many of the last moments of a scenario are printed.
    #[arg(long, value_name = "N", default_value_t = 60, requires = "scenario")]
    pub(crate) lines: usize,
    /// Runs on the machine's clock instead of virtual time.
    #[arg(long)]
    pub(crate) live: bool,
    /// Takes a backup of the store into this new file half-way through a live run, while the shop
    /// works.
    #[arg(long, value_name = "FILE", requires = "live", requires = "store")]
    pub(crate) backup: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SimulateTask {
    /// Hunts for a broken law: draws a world from each seed, cuts its power, lets gateways, disks and
    /// agents fail, and holds the laws against what the outside saw.
    ///
    /// It stops at the first broken law, makes that world smaller for as long as the law still breaks,
    /// and prints the command that replays it, with its last moments.
    Hunt(HuntArgs),
    /// Prints hashes of everything that one world leaves behind: they are the same on every run.
    Hash {
        /// The world of this seed.
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
        /// The world of this name in its place, as `hunt` prints it.
        #[arg(long, value_name = "WORLD")]
        replay: Option<String>,
    },
    /// Makes each of the planted mistakes in turn and prints how soon a law finds it.
    ///
    /// Each world in which one is found is lived through again without the mistake: a law that breaks
    /// there too has found something else.
    #[cfg(feature = "planted-bugs")]
    Bugs(BugsArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct JournalArgs {
    #[command(subcommand)]
    pub(crate) task: JournalTask,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JournalTask {
    /// Checks the whole file: checksums, order, versions, commands, and the shop's ledgers.
    ///
    /// Every page and every record is read. The index, the timers, the cursors and the snapshots
    /// are held against the records, and the shop's ledgers against its laws. Nothing is changed.
    /// Exit status 1 where something is wrong.
    Verify {
        /// The journal.
        file: PathBuf,
    },
    /// Prints what the journal holds, what it takes, and how long it takes to open.
    ///
    /// The expected recovery time is a sum: checking every page, reading the records after the
    /// checkpoint, and loading what is unfinished.
    Stats {
        /// The journal.
        file: PathBuf,
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Prints records with their events decoded.
    ///
    /// Without a choice of streams all are looked at, and where several are chosen the records of
    /// each. What is printed holds what shoppers told the shop: treat it like the journal itself.
    Inspect(InspectArgs),
    /// Prints what stands aside: commands that made their agent panic time and again, and entities
    /// with an event that cannot be applied.
    ///
    /// A running program replays and drops them through `Runtime::quarantine`; an entity is tried
    /// again at every start. Nothing is changed.
    Quarantine(QuarantineArgs),
    /// Copies the journal into a new file, which is verified before it gets its name.
    ///
    /// For a journal that nobody has open; a running program takes one with `RedbJournal::backup`.
    /// The keys of persons are in a file of their own and are not copied.
    Backup {
        /// The journal.
        file: PathBuf,
        /// The new file. Nothing is ever overwritten.
        to: PathBuf,
    },
    /// Makes a journal of a backup, which is verified from end to end first.
    Restore {
        /// The backup.
        backup: PathBuf,
        /// The new journal. Nothing is ever overwritten.
        to: PathBuf,
    },
    /// Gives the room that the file wastes back to the disk. What it holds stays as it is.
    ///
    /// The file is verified first. A crash in the middle costs nothing: the file is as it was, or
    /// smaller.
    Compact {
        /// The journal.
        file: PathBuf,
    },
    /// Destroys the keys of persons: what was sealed for them can be read by nobody any more.
    ///
    /// Works on the file of keys beside the journal, which nobody may have open; the journal stays
    /// as it is. The file is rewritten without the keys, and the old one is overwritten with zeros.
    /// Copies of the file of keys, and what a gateway was told, are out of its reach.
    Erase(EraseArgs),
    /// Writes the journal as JSON lines, from which `import` makes the same journal.
    ///
    /// A line for each append and each cursor. Payloads are in hexadecimal digits, and beside them
    /// stands the event decoded, where it is one of the shop's. Snapshots are left out.
    Export {
        /// The journal.
        file: PathBuf,
        /// The new file; standard output without it.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Makes a journal of JSON lines that `export` wrote.
    ///
    /// A line that does not fit is named by its number, and nothing is left behind then.
    Import {
        /// The export; `-` for standard input.
        lines: PathBuf,
        /// The new journal. Nothing is ever overwritten.
        to: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    /// The journal.
    pub(crate) file: PathBuf,
    /// Records of this agent's entities, such as `inventory`.
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// Only those of this entity, such as `85123A`.
    #[arg(long, value_name = "KEY", requires = "agent")]
    pub(crate) entity: Option<String>,
    /// Records of this flow, such as `checkout`, or of one run of it: `checkout/abc`.
    #[arg(long, value_name = "NAME[/ID]")]
    pub(crate) flow: Option<String>,
    /// Only records that name this person or thing, in the stream or in a decoded event.
    #[arg(long, value_name = "ID")]
    pub(crate) person: Option<String>,
    /// The first position.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) from: u64,
    /// The last position. Default: the end.
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    pub(crate) to: u64,
    /// How many records are printed at most.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
    /// Prints one JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct QuarantineArgs {
    /// The journal.
    pub(crate) file: PathBuf,
    /// Only what stands aside of this agent, such as `inventory`.
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// How much is printed at most.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
    /// Prints one JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EraseArgs {
    /// The journal. The keys are in `FILE.keys`.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Who is erased: the id under which the shop knows them. Can be given more than once; many at
    /// once take no longer than one.
    #[arg(long, value_name = "ID", required = true)]
    pub(crate) person: Vec<String>,
    /// Says that it is meant: nothing brings a key back.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) task: ConfigTask,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigTask {
    /// Checks a file, and the environment over it, as a whole, and tells everything that is wrong.
    Check {
        /// The configuration, in TOML.
        file: PathBuf,
    },
    /// Prints the configuration in force as TOML, each value with who said it.
    ///
    /// An environment variable goes before the file, and the file before the default:
    /// `MERCATO__JOURNAL__REPLIES_MAX=5000` is `replies_max` of `[journal]`.
    Show {
        /// The configuration, in TOML. Without it: the defaults, and the environment over them.
        file: Option<PathBuf>,
        /// Prints a file to begin with instead: every key with what it is for, what it may be, and
        /// its default.
        #[arg(long, conflicts_with = "file")]
        defaults: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct SupportArgs {
    #[command(subcommand)]
    pub(crate) task: SupportTask,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SupportTask {
    /// Trains a classifier from labelled questions.
    ///
    /// The file is CSV with a header: a column `text`, `utterance`, `query` or `question`, and a
    /// column `intent`, `label` or `category`. What is labelled `oos` teaches what the classifier is
    /// not for. A program gives the model to the shop with `IntentClassifier::from_model`, where its
    /// labels are the shop's intents.
    Train {
        /// The labelled questions, .csv or .csv.zst.
        #[arg(long, value_name = "FILE")]
        data: PathBuf,
        /// The new model. Nothing is ever overwritten.
        #[arg(long, value_name = "MODEL")]
        out: PathBuf,
        /// Draws what training draws; the same seed gives the same model.
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
    },
    /// Says what questions are taken for, one a line: its label, how sure that is, and the question
    /// without what tells who asked.
    Classify {
        /// The model. Without it: what the project carries.
        #[arg(long, value_name = "MODEL")]
        model: Option<PathBuf>,
        /// The questions. Without them: the lines of standard input.
        question: Vec<String>,
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
    /// Holds an ask through the runtime against a bare actor's call.
    Ask(AskArgs),
    /// Gives commands while every shard is crashed, and counts that each was applied once.
    Crashes(CrashArgs),
    /// Weighs entities in memory, and those that left it, against their bare states.
    Entities(EntitiesArgs),
    /// Holds forecasts of demand against single methods and what came, on real series.
    Forecast(ForecastArgs),
    /// Predicts the next click of real sessions, and says how well and how fast, beside others.
    Recommend(RecommendArgs),
    /// Holds the optimiser of campaigns against others, and its guard rails against an observer.
    ///
    /// The optimiser is the agent's own. The guard rails are watched over a long campaign through the
    /// real agent in virtual time. The same seed gives the same tables.
    Campaign(CampaignArgs),
    /// Holds the classifier of Customer Support against others, on public sets of questions.
    Intents(IntentsArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct IntentsArgs {
    /// A folder with `intents/banking77_train.csv` and `_test.csv`, `intents/clinc150_data_full.json`,
    /// and `intents/bitext_customer_service_train.csv` and `_test.csv`, plain or as `.zst`. What is
    /// not there is skipped, and named.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CampaignArgs {
    /// How often each contestant runs.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    pub(crate) runs: u32,
    /// Draws everything.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// A small run that shows that it works. Its figures mean nothing.
    #[arg(long)]
    pub(crate) quick: bool,
    /// A folder with `hillstrom_email.csv`, `open_bandit_random_men.csv` and `cdnow_master.txt`, plain
    /// or as `.zst`, to replay. What is not there is skipped, and named.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RecommendArgs {
    /// A folder with `NAME_train.txt` and `NAME_test.txt` (or `.tsv`), plain or as `.zst`, in it or
    /// in its folder `sessions`. Every pair is measured.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ForecastArgs {
    /// A folder with `retail/online_retail.csv`, `forecast/m3.tsv` and `forecast/carparts.csv`,
    /// plain or as `.zst`. What is not there is skipped, and named.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: PathBuf,
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

    /// Catches: two flags of one name, and an argument that cannot be given.
    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    /// Catches: a time without a unit, or before zero, that is taken for some time or other.
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
