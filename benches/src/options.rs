//! What to measure, as it is typed, and the same once it is known to make sense.

use std::ffi::OsString;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

use crate::error::BenchError;

const WRITERS: RangeInclusive<u32> = 1..=10_000;
const ROUNDS: RangeInclusive<u32> = 1..=100;
const SECONDS: RangeInclusive<f64> = 0.05..=600.0;
const GROWTH_SECONDS: RangeInclusive<f64> = 1.0..=86_400.0;
/// Both journals, with all that is measured on them, then take about a minute and a half.
const GROWTH_SECONDS_DEFAULT: f64 = 30.0;
const EVENTS: RangeInclusive<u64> = 1_000..=1_000_000_000_000;

/// The journal's measurement, as it is typed.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct JournalArgs {
    /// A look at whether it runs: one short round of everything. Its figures mean nothing.
    #[arg(long)]
    pub quick: bool,
    /// Only these parts, with commas between them. Default: all.
    #[arg(long, value_name = "PARTS", value_enum, value_delimiter = ',')]
    pub only: Vec<Part>,
    /// How many writers wait for their acknowledgements at a time. Default: 1000.
    #[arg(long, value_name = "N")]
    pub writers: Option<u32>,
    /// How often every contender has its turn. Default: 5.
    #[arg(long, value_name = "N")]
    pub rounds: Option<u32>,
    /// How long one turn takes. Default: 1.
    #[arg(long, value_name = "S")]
    pub seconds: Option<f64>,
    /// How many events `growth` writes. Default: 2000000, or as many as the disk takes in the time for
    /// them; 20000000 takes about 11 GB of disk.
    #[arg(long, value_name = "N")]
    pub events: Option<u64>,
    /// How long `growth` lets each of its journals grow at most. Default: 30, and no bound where
    /// --events says how far.
    #[arg(long, value_name = "S")]
    pub growth_seconds: Option<f64>,
    /// Where the files are written, on the disk that is to be measured. They are gone afterwards.
    /// Default: the system's folder for temporary files.
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Prints one JSON object with all figures instead of tables.
    #[arg(long)]
    pub json: bool,
    /// Set where a measurement starts this program again.
    #[arg(long, hide = true, value_enum)]
    pub role: Option<Role>,
}

/// A part of the journal's measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Part {
    /// Acknowledged appends a second, beside a bare log.
    Acknowledged,
    /// How long an acknowledgement takes at half of that rate, and on an idle disk.
    Latency,
    /// What becomes of rate, memory and file as the journal grows.
    Growth,
    /// How long a killed process takes to serve every entity again.
    Recovery,
    /// The layouts of the file that the present one was chosen from.
    Layouts,
}

impl Part {
    /// As it is typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Latency => "latency",
            Self::Growth => "growth",
            Self::Recovery => "recovery",
            Self::Layouts => "layouts",
        }
    }
}

/// What a process that a measurement starts is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Role {
    /// Lets a journal of few streams grow.
    GrowthFewStreams,
    /// Lets a journal grow that gets a new stream for every ten events.
    GrowthNewStreams,
    /// Fills a journal through the runtime, and waits to be killed.
    RecoveryFill,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::GrowthFewStreams => "growth-few-streams",
            Self::GrowthNewStreams => "growth-new-streams",
            Self::RecoveryFill => "recovery-fill",
        }
    }
}

/// What to measure, with everything in its range.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) quick: bool,
    pub(crate) parts: Vec<Part>,
    pub(crate) writers: u32,
    pub(crate) rounds: u32,
    pub(crate) turn: Duration,
    pub(crate) events: u64,
    pub(crate) growth_max: Option<Duration>,
    pub(crate) recovery_events: u64,
    pub(crate) recovery_entities: u32,
    pub(crate) folder: PathBuf,
    pub(crate) json: bool,
}

impl Plan {
    /// Resolves what was typed.
    pub(crate) fn of(args: &JournalArgs) -> Result<Self, BenchError> {
        let by_size = |full, quick| if args.quick { quick } else { full };
        let parts = if args.only.is_empty() {
            Part::value_variants().to_vec()
        } else {
            args.only.clone()
        };
        let growth_seconds = match (args.growth_seconds, args.events) {
            (Some(seconds), _) => Some(within("--growth-seconds", seconds, &GROWTH_SECONDS)?),
            (None, Some(_)) => None,
            (None, None) => Some(GROWTH_SECONDS_DEFAULT),
        };
        let seconds = args.seconds.unwrap_or(if args.quick { 0.1 } else { 1.0 });
        Ok(Self {
            quick: args.quick,
            parts,
            writers: within("--writers", args.writers.unwrap_or(1_000), &WRITERS)?,
            rounds: within("--rounds", args.rounds.unwrap_or(by_size(5, 1)), &ROUNDS)?,
            turn: Duration::from_secs_f64(within("--seconds", seconds, &SECONDS)?),
            events: within(
                "--events",
                args.events
                    .unwrap_or(if args.quick { 4_000 } else { 2_000_000 }),
                &EVENTS,
            )?,
            growth_max: growth_seconds.map(Duration::from_secs_f64),
            recovery_events: if args.quick { 4_000 } else { 1_000_000 },
            recovery_entities: by_size(10_000, 100),
            folder: args.folder.clone().unwrap_or_else(std::env::temp_dir),
            json: args.json,
        })
    }

    /// The words that make another process measure over `folder`, in a role.
    pub(crate) fn words(&self, role: Role, folder: &Path) -> Vec<OsString> {
        let mut words: Vec<OsString> = [
            ("--role", role.name().to_owned()),
            ("--writers", self.writers.to_string()),
            ("--rounds", self.rounds.to_string()),
            ("--seconds", self.turn.as_secs_f64().to_string()),
            ("--events", self.events.to_string()),
        ]
        .into_iter()
        .flat_map(|(option, value)| [option.into(), value.into()])
        .collect();
        if let Some(most) = self.growth_max {
            let seconds = most.as_secs_f64().to_string();
            words.extend(["--growth-seconds".into(), seconds.into()]);
        }
        if self.quick {
            words.push("--quick".into());
        }
        words.extend(["--folder".into(), folder.into()]);
        words
    }

    /// An upper bound of what the parts have on the disk at a time.
    pub(crate) fn disk_bytes(&self) -> u64 {
        // A stored append takes about 300 bytes, and redb doubles its file as it grows.
        const BYTES_AN_EVENT: u64 = 800;
        // Above what any disk that this was tried on acknowledges.
        const EVENTS_A_SECOND: u64 = 500_000;
        let part = |part| match part {
            Part::Growth => self.events.saturating_mul(BYTES_AN_EVENT),
            // The journal, and the copy of it that is recovered.
            Part::Recovery => self.recovery_events * BYTES_AN_EVENT * 2,
            Part::Acknowledged | Part::Latency | Part::Layouts => {
                self.turn.as_secs().max(1) * EVENTS_A_SECOND * BYTES_AN_EVENT
            }
        };
        let parts = self.parts.iter().copied();
        parts.map(part).max().unwrap_or(0)
    }
}

fn within<T: PartialOrd + Display>(
    option: &'static str,
    given: T,
    range: &RangeInclusive<T>,
) -> Result<T, BenchError> {
    if range.contains(&given) {
        return Ok(given);
    }
    Err(BenchError::OutOfRange {
        option,
        given: given.to_string(),
        expected: format!("{} to {}", range.start(), range.end()),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: JournalArgs,
    }

    fn plan(words: &[&str]) -> Result<Plan, BenchError> {
        let words = std::iter::once("bench").chain(words.iter().copied());
        let cli = Cli::try_parse_from(words).expect("it is well formed");
        Plan::of(&cli.args)
    }

    /// Catches: a limit that is not checked, and one that is off by one.
    #[test]
    fn what_is_out_of_range_is_refused_with_the_range() {
        for (words, expected) in [
            (["--writers", "0"], "1 to 10000"),
            (["--rounds", "101"], "1 to 100"),
            (["--seconds", "0"], "0.05 to 600"),
            (["--seconds", "NaN"], "0.05 to 600"),
            (["--events", "999"], "1000 to"),
            (["--growth-seconds", "0.5"], "1 to 86400"),
        ] {
            let refusal = plan(&words).expect_err("out of range").to_string();
            assert!(refusal.contains(words[0]), "{refusal}");
            assert!(refusal.contains(expected), "{refusal}");
        }
        for words in [
            ["--writers", "1"],
            ["--rounds", "100"],
            ["--events", "1000"],
        ] {
            assert!(plan(&words).is_ok(), "{words:?}");
        }
    }

    /// Catches: a child process that measures something else than its parent says it does.
    #[test]
    fn another_process_is_told_the_same_plan() {
        let typed = [
            "--quick",
            "--writers",
            "7",
            "--rounds",
            "3",
            "--seconds",
            "0.25",
            "--events",
            "5000",
        ];
        // With a bound for growth, by default or as typed, and without one.
        for typed in [&typed[..7], &typed[..], &["--growth-seconds", "2.5"]] {
            is_told_the_same(typed);
        }
        let bound = |words: &[&str]| plan(words).expect("a plan").growth_max;
        assert_eq!(bound(&[]), Some(Duration::from_secs(30)));
        assert_eq!(bound(&["--events", "5000"]), None);
    }

    fn is_told_the_same(typed: &[&str]) {
        let ours = plan(typed).expect("a plan");
        for role in Role::value_variants() {
            let words = ours.words(*role, Path::new("/somewhere/else"));
            let words = std::iter::once(OsString::from("bench")).chain(words);
            let cli = Cli::try_parse_from(words).expect("it is well formed");
            assert_eq!(cli.args.role, Some(*role));
            let theirs = Plan::of(&cli.args).expect("a plan");
            assert_eq!(theirs.folder, Path::new("/somewhere/else"));
            let ours = Plan {
                folder: theirs.folder.clone(),
                ..ours.clone()
            };
            assert_eq!(format!("{theirs:?}"), format!("{ours:?}"));
        }
    }

    /// Catches: a part or role whose printed name is not the one that is typed.
    #[test]
    fn names_are_what_is_typed() {
        for part in Part::value_variants() {
            assert_eq!(Part::from_str(part.name(), false).as_ref(), Ok(part));
        }
        for role in Role::value_variants() {
            assert_eq!(Role::from_str(role.name(), false).as_ref(), Ok(role));
        }
    }

    /// Catches: a part that is left out of the sum, and a check that only sees small numbers.
    #[test]
    fn the_space_that_is_needed_follows_the_parts_and_the_events() {
        let small = plan(&["--only", "growth", "--events", "100000"]).expect("a plan");
        let large = plan(&["--only", "growth", "--events", "20000000"]).expect("a plan");
        assert_eq!(large.disk_bytes(), small.disk_bytes() * 200);
        assert!(large.disk_bytes() > 8_000_000_000);
        let other = plan(&["--only", "recovery", "--events", "20000000"]).expect("a plan");
        assert!(other.disk_bytes() < large.disk_bytes());
    }
}
