//! Strikes a flow at one moment after the other, in each of the ways in which it can be struck, and
//! looks whether it still comes to its end.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use mercato::persistence::simulated_disk::{CutMode, SimulatedDisk};
use mercato::persistence::{Journal, JournalOptions, RedbJournal, Vault, WriterPlace};
use mercato::{Caller, Clock, CrashPoint, Entropy, Handle, Runtime, RuntimeBuilder, Timestamp};

use crate::support::EvenDisk;

/// How a flow is struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// Its task is gone.
    Flow,
    /// Every shard crashes in the next command that it gets.
    Shards,
    /// The runtime is stopped, and started again.
    Stop,
    /// The power fails: nothing is left but what was synced.
    PowerCut,
}

pub const BLOWS: [Blow; 4] = [Blow::Flow, Blow::Shards, Blow::Stop, Blow::PowerCut];

pub fn journal_on(disk: &SimulatedDisk) -> Arc<dyn Journal> {
    let disk = disk.clone();
    let writer = WriterPlace::Task(Box::new(EvenDisk));
    let vault = Arc::new(Vault::in_memory().expect("memory"));
    let options = JournalOptions::default();
    let journal = RedbJournal::with_disk(move || Ok(disk.clone()), vault, options, writer);
    Arc::new(journal.expect("a sound disk"))
}

/// A builder over this disk that begins at this time.
pub fn builder_at(disk: &SimulatedDisk, at: Timestamp) -> RuntimeBuilder {
    Runtime::builder(journal_on(disk))
        .clock(Clock::starting_at(at))
        .entropy(Entropy::seeded(7))
}

/// One life of a process: when it ends, everything in it is gone.
pub fn life<T>(work: impl Future<Output = T>) -> T {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    tokio.expect("a runtime").block_on(work)
}

pub fn patient() -> Caller {
    Caller::system().within(Duration::from_secs(600))
}

/// What is struck: how the runtime is put together, what is asked of it, and what must hold then.
pub struct Case<R> {
    pub open: Box<dyn Fn(RuntimeBuilder) -> RuntimeBuilder>,
    pub agents: &'static [&'static str],
    pub run: fn(Handle) -> BoxFuture<'static, R>,
}

impl<R: Send + 'static> Case<R> {
    /// Strikes after so many milliseconds, and looks at what came of it.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a check is written where it is handed over"
    )]
    pub fn strike(&self, blow: Blow, at_ms: u64, check: impl AsyncFn(&Runtime, R)) {
        let disk = SimulatedDisk::new(at_ms + 1);
        let begin = Timestamp::from_millis(1_000_000);
        let after = life(async {
            let builder = (self.open)(builder_at(&disk, begin));
            let runtime = builder.start().await.expect("it starts");
            let running = tokio::spawn((self.run)(runtime.handle()));
            tokio::time::sleep(Duration::from_millis(at_ms)).await;
            match blow {
                Blow::Flow => drop(runtime.crash_flows()),
                Blow::Shards => {
                    for agent in self.agents {
                        for shard in 0..runtime.shards(agent) {
                            runtime.crash_shard(agent, shard, CrashPoint::NextCommand);
                        }
                    }
                }
                Blow::Stop => {
                    runtime.stop().await.expect("it stops");
                    return Some(disk.clone());
                }
                Blow::PowerCut => {
                    let left = disk.power_cycle(CutMode::DropAll);
                    // Nobody says goodbye.
                    std::mem::forget(runtime);
                    return Some(left);
                }
            }
            let result = running.await.expect("no panic");
            check(&runtime, result).await;
            runtime.stop().await.expect("it stops");
            None
        });
        let Some(disk) = after else { return };
        life(async {
            // The clock goes on while nobody is there.
            let later = begin.plus(Duration::from_millis(at_ms + 1_000));
            let builder = (self.open)(builder_at(&disk, later));
            let runtime = builder.start().await.expect("it starts");
            let result = (self.run)(runtime.handle()).await;
            check(&runtime, result).await;
            runtime.stop().await.expect("it stops");
        });
    }
}
