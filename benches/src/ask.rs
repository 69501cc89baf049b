//! An ask through the runtime, beside a bare ractor call.
//!
//! The ractor call carries a number to an actor and one back. The ask carries a command with its
//! id, deadline, principal and admission to the entity that owns the key, and its answer waits for
//! whatever it depends on to be durable. A read depends on nothing that is still on its way; a
//! write waits for its commit.

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use mercato_runtime::persistence::{JournalOptions, RedbJournal, WriterPlace};
use mercato_runtime::{Caller, Handle, Principal, Runtime};
use ractor::rpc::CallResult;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

use crate::account::{Accounts, Look, Post, keys};
use crate::clock::{now, two_workers};
use crate::error::{AnyError, BenchError};
use crate::report::Grid;
use crate::stats::{median, ratio};

/// The measurement of an ask, as it is typed.
#[derive(Debug, Clone, clap::Args)]
pub struct AskArgs {
    /// How often every contender has its turn: 1 to 100.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// How long one turn takes: 0.05 to 60.
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    pub seconds: f64,
    /// A look at whether it runs: one short round.
    #[arg(long)]
    pub quick: bool,
}

/// How long to measure, with everything in its range.
#[derive(Debug, Clone, Copy)]
struct Plan {
    rounds: u32,
    turn: Duration,
}

impl Plan {
    fn of(args: &AskArgs) -> Result<Self, BenchError> {
        let (rounds, seconds) = if args.quick {
            (1, 0.2)
        } else {
            (args.rounds, args.seconds)
        };
        if !(0.05..=60.0).contains(&seconds) {
            return Err(BenchError::OutOfRange {
                option: "--seconds",
                given: seconds.to_string(),
                expected: "0.05 to 60".into(),
            });
        }
        Ok(Self {
            rounds,
            turn: Duration::from_secs_f64(seconds),
        })
    }
}

const KEYS: u32 = 64;
const IN_FLIGHT: usize = 256;

/// A bare ractor actor.
struct BareCounter;

struct BareLook(RpcReplyPort<u64>);

impl Actor for BareCounter {
    type Msg = BareLook;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<BareLook>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ActorRef<BareLook>,
        BareLook(reply): BareLook,
        state: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        Ok(reply.send(*state)?)
    }
}

/// Something that can be asked for a number under one of the keys.
trait Ask: Send + Sync + 'static {
    fn ask(&self, key: usize) -> impl Future<Output = Result<u64, AnyError>> + Send;
}

struct BareCall(Vec<ActorRef<BareLook>>);

impl Ask for BareCall {
    async fn ask(&self, key: usize) -> Result<u64, AnyError> {
        match self.0[key].call(BareLook, None).await? {
            CallResult::Success(count) => Ok(count),
            unanswered => Err(format!("{unanswered:?}").into()),
        }
    }
}

struct Read(Asker);
struct Write(Asker);

#[derive(Clone)]
struct Asker {
    handle: Handle,
    caller: Caller,
    keys: Arc<[Box<str>]>,
}

impl Ask for Read {
    async fn ask(&self, key: usize) -> Result<u64, AnyError> {
        let Self(asker) = self;
        let account = asker.keys[key].clone();
        let seen = asker.handle.ask(&asker.caller, Look { account }).await?;
        Ok(seen.posted)
    }
}

impl Ask for Write {
    async fn ask(&self, key: usize) -> Result<u64, AnyError> {
        let Self(asker) = self;
        let command = Post {
            account: asker.keys[key].clone(),
            amount: 1,
            memo: Vec::new(),
        };
        Ok(asker.handle.ask(&asker.caller, command).await?)
    }
}

/// Nanoseconds an ask, with so many askers at it for one turn, each waiting for its answer.
async fn turn(ask: &Arc<impl Ask>, askers: usize, plan: Plan) -> Result<f64, AnyError> {
    const BETWEEN_LOOKS_AT_THE_CLOCK: u64 = 16;
    let start = now();
    let end = start + plan.turn;
    let asked = (0..askers).map(|asker| {
        let ask = ask.clone();
        tokio::spawn(async move {
            let mut asked = 0;
            while now() < end {
                for _ in 0..BETWEEN_LOOKS_AT_THE_CLOCK {
                    ask.ask(asker % KEYS as usize).await?;
                }
                asked += BETWEEN_LOOKS_AT_THE_CLOCK;
            }
            Ok::<u64, AnyError>(asked)
        })
    });
    let asked = try_join_all(asked).await?;
    let nanos = start.elapsed().as_secs_f64() * 1e9;
    Ok(nanos / asked.into_iter().sum::<Result<u64, _>>()? as f64)
}

/// The nanoseconds of each contender in each round.
#[derive(Debug, Default)]
struct Figures {
    call: Vec<f64>,
    read: Vec<f64>,
    call_in_flight: Vec<f64>,
    read_in_flight: Vec<f64>,
    write_in_flight: Vec<f64>,
}

async fn measure(plan: Plan) -> Result<Figures, AnyError> {
    let mut actors = Vec::new();
    for _ in 0..KEYS {
        actors.push(Actor::spawn(None, BareCounter, ()).await?.0);
    }
    let call = Arc::new(BareCall(actors));

    let folder = tempfile::tempdir()?;
    let path = folder.path().join("bench.journal");
    let journal = RedbJournal::open(path, JournalOptions::default(), WriterPlace::Thread)?;
    let runtime = Runtime::builder(Arc::new(journal))
        .agent(Accounts)
        .start()
        .await?;
    let asker = Asker {
        handle: runtime.handle(),
        caller: Caller::new(Principal::user("7")),
        keys: keys(KEYS).into(),
    };
    let (read, write) = (Arc::new(Read(asker.clone())), Arc::new(Write(asker)));

    let mut figures = Figures::default();
    for _ in 0..plan.rounds {
        figures.call.push(turn(&call, 1, plan).await?);
        figures.read.push(turn(&read, 1, plan).await?);
        figures
            .call_in_flight
            .push(turn(&call, IN_FLIGHT, plan).await?);
        figures
            .read_in_flight
            .push(turn(&read, IN_FLIGHT, plan).await?);
        figures
            .write_in_flight
            .push(turn(&write, IN_FLIGHT, plan).await?);
    }
    for actor in &call.0 {
        actor.stop(None);
    }
    runtime.stop().await?;
    Ok(figures)
}

/// Measures an ask and gives the table.
///
/// # Errors
/// See [`BenchError`].
pub fn ask(args: &AskArgs) -> Result<String, BenchError> {
    let plan = Plan::of(args)?;
    let failed = |source| BenchError::Failed {
        part: "ask",
        source,
    };
    let figures = two_workers()
        .map_err(|source| failed(source.into()))?
        .block_on(measure(plan))
        .map_err(failed)?;
    let row = |name: &str, nanos: &[f64], floor: &[f64], wanted: &str| {
        vec![
            name.to_owned(),
            format!("{:.0}", median(nanos.iter().copied())),
            format!("{:.2}", ratio(nanos, floor)),
            wanted.to_owned(),
        ]
    };
    let grid = Grid {
        title: format!(
            "Asks, 2 workers; medians of {} rounds of {} s; {IN_FLIGHT} in flight are over {KEYS} keys",
            plan.rounds,
            plan.turn.as_secs_f64()
        ),
        header: vec!["", "ns an ask", "ratio to ractor", "wanted"],
        rows: vec![
            row(
                "ractor call, one at a time",
                &figures.call,
                &figures.call,
                "",
            ),
            row(
                "read, one at a time",
                &figures.read,
                &figures.call,
                "<= 1.2",
            ),
            row(
                "ractor call, in flight",
                &figures.call_in_flight,
                &figures.call_in_flight,
                "",
            ),
            row(
                "read, in flight",
                &figures.read_in_flight,
                &figures.call_in_flight,
                "< 1",
            ),
            row(
                "durable write, in flight",
                &figures.write_in_flight,
                &figures.call_in_flight,
                "",
            ),
        ],
    };
    Ok(grid.to_string())
}
