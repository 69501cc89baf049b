//! Commands while every shard is crashed time and again.
//!
//! Each command posts one to an account and is answered with what the account then holds. So the
//! answers of an account must be 1, 2, 3 and so on, each given once: a number that is missing was
//! lost, a number that came twice was lost and made again, and a sum that is too large tells of a
//! command that was applied twice.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::try_join_all;
use hdrhistogram::Histogram;
use mercato_runtime::persistence::{JournalOptions, RedbJournal, WriterPlace};
use mercato_runtime::supervisor::Intensity;
use mercato_runtime::{
    AgentOptions, AskError, Caller, CommandId, CrashPoint, Handle, InjectedCrash, Runtime,
};

use crate::account::{Accounts, Look, Post};
use crate::clock::{now, two_workers};
use crate::error::{AnyError, BenchError};
use crate::report::Grid;

/// The measurement of crashes, as it is typed.
#[derive(Debug, Clone, clap::Args)]
pub struct CrashArgs {
    /// How many commands are given: 1000 to 100000000.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    pub commands: u64,
    /// How many shards serve them: 1 to 256.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub shards: u32,
    /// How often each of the shards is crashed: 0 to 1000.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub crashes: u32,
    /// Over how many entities the commands are spread: 1 to 1000000.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub entities: u32,
    /// How many commands are on their way at a time: 1 to 10000.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub in_flight: u32,
}

/// What a run saw from outside.
#[derive(Debug)]
struct Outcome {
    seconds: f64,
    micros: Histogram<u64>,
    restarts: u64,
}

/// What all who give commands share.
struct Work {
    args: CrashArgs,
    handle: Handle,
    runtime: Arc<Runtime>,
    next: AtomicU64,
    /// For each answer of each entity, how often it was given.
    answers: Vec<Vec<AtomicU64>>,
}

impl Work {
    fn entity(&self, command: u64) -> usize {
        usize::try_from(command % u64::from(self.args.entities)).unwrap_or(0)
    }

    /// Gives commands, one after the other, until all are given.
    async fn give(&self) -> Result<Histogram<u64>, AnyError> {
        let mut micros = Histogram::new(3)?;
        loop {
            let command = self.next.fetch_add(1, Ordering::Relaxed);
            if command >= self.args.commands {
                return Ok(micros);
            }
            self.crash_where_due(command);
            let begun = now();
            let answer = self.ask(command).await?;
            micros.record(u64::try_from(begun.elapsed().as_micros())?)?;
            let answers = &self.answers[self.entity(command)];
            let place = usize::try_from(answer)?.checked_sub(1);
            let place = place.and_then(|place| answers.get(place));
            let place = place.ok_or_else(|| format!("an account holds {answer}"))?;
            place.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Asks as a careful client does: again, under the same id, where the answer stays out.
    async fn ask(&self, command: u64) -> Result<u64, AnyError> {
        const ATTEMPTS_MAX: u32 = 10;
        let id = CommandId::from_key(&format!("command {command}"));
        let caller = Caller::system().keyed(id).within(Duration::from_secs(30));
        let post = Post {
            account: key(self.entity(command)),
            amount: 1,
            memo: Vec::new(),
        };
        let mut attempt = 1;
        loop {
            match self.handle.ask(&caller, post.clone()).await {
                Err(AskError::Failed(failure))
                    if failure.is_transient() && attempt < ATTEMPTS_MAX =>
                {
                    attempt += 1;
                }
                answer => return Ok(answer?),
            }
        }
    }

    /// Crashes every shard at evenly spaced commands: between two commands, and in the middle of
    /// one, by turns.
    fn crash_where_due(&self, command: u64) {
        let every = self.args.commands / (u64::from(self.args.crashes) + 1);
        if command == 0 || !command.is_multiple_of(every) {
            return;
        }
        let round = command / every;
        if round > u64::from(self.args.crashes) {
            return;
        }
        let point = if round.is_multiple_of(2) {
            CrashPoint::Idle
        } else {
            CrashPoint::NextCommand
        };
        for shard in 0..self.runtime.shards("account") {
            self.runtime.crash_shard("account", shard, point);
        }
    }

    /// Whether every command was applied, and none twice.
    async fn check(&self) -> Result<(), AnyError> {
        let caller = Caller::system();
        for (entity, answers) in self.answers.iter().enumerate() {
            let wrong = answers
                .iter()
                .position(|given| given.load(Ordering::Relaxed) != 1);
            if let Some(place) = wrong {
                let times = answers[place].load(Ordering::Relaxed);
                let answer = place + 1;
                return Err(format!("account {entity} answered {answer} {times} times").into());
            }
            let account = key(entity);
            let shown = self.handle.ask(&caller, Look { account }).await?.posted;
            if shown != answers.len() as u64 {
                let given = answers.len();
                return Err(
                    format!("account {entity} holds {shown} after {given} commands").into(),
                );
            }
        }
        Ok(())
    }
}

fn key(entity: usize) -> Box<str> {
    format!("entity-{entity}").into()
}

async fn run(args: &CrashArgs) -> Result<Outcome, AnyError> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("crashes.journal");
    let journal = RedbJournal::open(path, JournalOptions::default(), WriterPlace::Thread)?;
    let shards = NonZeroU32::new(args.shards).unwrap_or(NonZeroU32::MIN);
    let options = AgentOptions {
        shards: NonZeroUsize::try_from(shards)?,
        // As many as are injected, at once: the tree must not take them for a sick agent.
        intensity: Intensity {
            restarts_max: args.shards.saturating_mul(args.crashes).max(1),
            period: Duration::from_secs(1),
        },
        ..AgentOptions::default()
    };
    let runtime = Runtime::builder(Arc::new(journal))
        .agent_with(Accounts, options)
        .start()
        .await?;
    let entities = u64::from(args.entities);
    let of_entity = |entity: u64| {
        let more = u64::from(entity < args.commands % entities);
        let commands = args.commands / entities + more;
        (0..commands).map(|_| AtomicU64::new(0)).collect()
    };
    let work = Arc::new(Work {
        args: args.clone(),
        handle: runtime.handle(),
        runtime: Arc::new(runtime),
        next: AtomicU64::new(0),
        answers: (0..entities).map(of_entity).collect(),
    });

    let start = now();
    let givers = (0..args.in_flight).map(|_| {
        let work = work.clone();
        tokio::spawn(async move { work.give().await })
    });
    let given = try_join_all(givers).await?;
    let seconds = start.elapsed().as_secs_f64();
    let mut micros = Histogram::new(3)?;
    for giver in given {
        micros.add(giver?)?;
    }
    work.check().await?;
    let stats = work.handle.stats();
    let outcome = Outcome {
        seconds,
        micros,
        restarts: stats[0].restarts,
    };
    let work = Arc::into_inner(work).ok_or("commands are still being given")?;
    let runtime = Arc::into_inner(work.runtime).ok_or("the runtime is still in use")?;
    runtime.stop().await?;
    Ok(outcome)
}

/// Measures commands with and without crashes, checks that every one of them was applied once, and
/// gives the table.
///
/// # Errors
/// [`BenchError::Failed`] where a command was lost or applied twice, and see [`BenchError`].
pub fn crashes(args: &CrashArgs) -> Result<String, BenchError> {
    let failed = |source| BenchError::Failed {
        part: "crashes",
        source,
    };
    silence_injected_crashes();
    let calm_args = CrashArgs {
        crashes: 0,
        ..args.clone()
    };
    let both = two_workers()
        .map_err(|source| failed(source.into()))?
        .block_on(async { Ok((run(&calm_args).await?, run(args).await?)) });
    let (calm, crashed) = both.map_err(failed)?;
    let row = |name: &str, outcome: &Outcome| {
        let millis = |quantile| outcome.micros.value_at_quantile(quantile) as f64 / 1e3;
        vec![
            name.to_owned(),
            format!("{:.0}", args.commands as f64 / outcome.seconds),
            format!("{:.2}", calm.seconds / outcome.seconds),
            format!("{:.2}", millis(0.5)),
            format!("{:.2}", millis(0.99)),
            outcome.restarts.to_string(),
        ]
    };
    let grid = Grid {
        title: format!(
            "{} durable commands to {} entities on {} shards, {} in flight, 2 workers; every shard \
             crashed {} times; every command applied once",
            args.commands, args.entities, args.shards, args.in_flight, args.crashes
        ),
        header: vec!["", "commands/s", "ratio", "p50 ms", "p99 ms", "restarts"],
        rows: vec![row("without crashes", &calm), row("with crashes", &crashed)],
    };
    Ok(grid.to_string())
}

/// Injected crashes are not worth a backtrace each.
fn silence_injected_crashes() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref::<InjectedCrash>().is_none() {
            before(info);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a mailbox that is dropped at a restart (a number is missing), a command in hand that
    /// is not tried again (likewise), and one that is applied again instead of answered with its
    /// first reply (a sum too large).
    #[test]
    fn no_command_is_lost_or_applied_twice_while_every_shard_is_crashed_twenty_times() {
        let args = CrashArgs {
            commands: 20_000,
            shards: 16,
            crashes: 20,
            entities: 500,
            in_flight: 200,
        };
        silence_injected_crashes();
        let runtime = two_workers().expect("threads can be had");
        let outcome = runtime.block_on(run(&args)).expect("every command counts");
        // A crash at the next command is gone with its worker where an idle one comes before any
        // command does: two of them are then one.
        let restarts = outcome.restarts;
        assert!((16 * 19..=16 * 20).contains(&restarts), "{restarts}");
    }
}
