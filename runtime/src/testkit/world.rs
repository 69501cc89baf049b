//! A runtime, its disk and its time, from one seed.

use std::fmt;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mercato_persistence::simulated_disk::{CutMode, Fault as DiskFault, SimulatedDisk};
use mercato_persistence::{
    DiskPace, Journal, JournalOptions, Position, RedbJournal, Vault, WriterPlace,
};
use parking_lot::Mutex;
use xxhash_rust::xxh3::Xxh3;

use super::faults::Faults;
use super::probe::Probe;
use super::{BEGIN, strict};
use crate::agent::{Agent, Command, Rejection};
use crate::builder::RuntimeBuilder;
use crate::clock::{Clock, Timestamp};
use crate::core::Caller;
use crate::entropy::Entropy;
use crate::error::AskError;
use crate::runtime::Runtime;

/// How long a commit takes, where a test does not say.
const COMMIT: Duration = Duration::from_millis(2);
/// How many records are hashed at a time.
const READ_MAX: usize = 512;

/// Everything around a runtime that a test needs: time that it owns, a disk in memory that outlives the
/// runtime, and chance that repeats. Clones are the same world.
///
/// It belongs into a test with a paused clock, where time passes as soon as nothing else can happen:
///
/// ```
/// # use std::borrow::Cow;
/// # use std::time::Duration;
/// # use serde::{Deserialize, Serialize};
/// # use mercato_runtime::{Agent, Command, Commands, Context, Decided, Decision, RuntimeBuilder};
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// # struct Counted {}
/// # mercato_runtime::events! { enum CounterEvent { Counted: 1 } }
/// # #[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
/// # enum Never {}
/// # struct Counters;
/// # impl Agent for Counters {
/// #     const NAME: &'static str = "counters";
/// #     type State = u64;
/// #     type Event = CounterEvent;
/// #     type Rejection = Never;
/// #     fn evolve(count: &mut u64, _: &CounterEvent) { *count += 1; }
/// #     fn commands(_: &mut Commands<Self>) {}
/// # }
/// # #[derive(Clone, Serialize, Deserialize)]
/// # struct Count;
/// # impl Command for Count {
/// #     type Agent = Counters;
/// #     type Reply = u64;
/// #     const NAME: &'static str = "Count";
/// #     fn entity(&self) -> Cow<'_, str> { "one".into() }
/// #     fn decide(&self, _: &Counters, count: &u64, _: &Context<'_>) -> Decided<Self> {
/// #         Ok(Decision::reply(count + 1).record(Counted {}))
/// #     }
/// # }
/// use mercato_runtime::testkit::{Fault, Moment, TestWorld};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let world = TestWorld::new(7);
/// let shop = |builder: RuntimeBuilder| builder.agent(Counters);
/// let runtime = world.start(shop).await;
/// # std::panic::set_hook(Box::new(|_| {}));
/// world.faults().arm(Fault::at(Moment::Answer).of::<Count>());
/// assert_eq!(runtime.ask(Count).await?, 1, "recorded once, in spite of the crash");
/// let mut probe = runtime.probe::<Counters>();
/// runtime.ask(Count).await?;
/// probe.next("counted", Duration::from_secs(1), |it| &*it.entity == "one").await;
///
/// // The power fails, and what was acknowledged is still there.
/// runtime.crash().await;
/// let runtime = world.start(shop).await;
/// assert_eq!(runtime.ask(Count).await?, 3);
/// runtime.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TestWorld {
    inner: Arc<Inner>,
}

struct Inner {
    seed: u64,
    clock: Clock,
    disk: Mutex<SimulatedDisk>,
    vault: Arc<Vault>,
    options: JournalOptions,
    pace: Arc<AtomicU64>,
    faults: Faults,
}

/// Takes as long for a commit as the world says at present.
struct Pace(Arc<AtomicU64>);

impl DiskPace for Pace {
    fn commit_time(&mut self, _bytes: usize) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

impl TestWorld {
    /// A world of its own, in which it is some noon. Everything that is drawn in it is drawn from
    /// `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with_journal(seed, JournalOptions::default())
    }

    /// The same over a journal with these limits.
    ///
    /// # Panics
    /// Where there is no memory for the keys of persons.
    #[must_use]
    pub fn with_journal(seed: u64, options: JournalOptions) -> Self {
        let vault = Vault::in_memory().unwrap_or_else(|error| panic!("no vault: {error}"));
        let world = Self {
            inner: Arc::new(Inner {
                seed,
                clock: Clock::starting_at(BEGIN),
                disk: Mutex::new(SimulatedDisk::new(seed)),
                vault: Arc::new(vault),
                options,
                pace: Arc::default(),
                faults: Faults::default(),
            }),
        };
        world.slow_disk(COMMIT);
        world
    }

    /// Its clock, which is that of every runtime in it.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.inner.clock
    }

    /// The moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Lets time pass, and with it whatever happens in it.
    pub async fn pass(&self, time: Duration) {
        self.inner.clock.sleep_until(self.now().plus(time)).await;
    }

    /// The faults that strike the agents of its runtimes.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// Its disk, as it is until the next power cut.
    #[must_use]
    pub fn disk(&self) -> SimulatedDisk {
        self.inner.disk.lock().clone()
    }

    /// From here on a commit takes so long. A disk that hardly moves fills the journal's queue, whose
    /// bound is [`JournalOptions::queue_bytes_max`].
    pub fn slow_disk(&self, commit: Duration) {
        let micros = u64::try_from(commit.as_micros()).unwrap_or(u64::MAX);
        self.inner.pace.store(micros, Ordering::Relaxed);
    }

    /// The disk takes no write more, until it is [healed](Self::heal_disk): what was not yet durable
    /// is lost, and the journal is read-only.
    pub fn break_disk(&self) {
        let disk = self.disk();
        disk.inject(DiskFault::WriteErrorAt {
            operation: disk.operations() + 1,
        });
    }

    /// The disk has no more room, until it is [healed](Self::heal_disk).
    ///
    /// # Panics
    /// Where the disk has no power.
    pub fn fill_disk(&self) {
        use mercato_persistence::StorageBackend;
        let disk = self.disk();
        let bytes = disk
            .len()
            .unwrap_or_else(|error| panic!("no disk: {error}"));
        disk.inject(DiskFault::FullAt { bytes: bytes / 2 });
    }

    /// The disk is well again. The journal finds that by itself.
    pub fn heal_disk(&self) {
        self.disk().heal();
    }

    /// Opens the journal on its disk.
    ///
    /// # Panics
    /// Where it cannot be opened.
    #[must_use]
    #[track_caller]
    pub fn journal(&self) -> Arc<dyn Journal> {
        let disk = self.disk();
        let journal = RedbJournal::with_disk(
            move || Ok(disk.clone()),
            self.inner.vault.clone(),
            self.inner.options.clone(),
            WriterPlace::Task(Box::new(Pace(self.inner.pace.clone()))),
        );
        match journal {
            Ok(journal) => Arc::new(journal),
            Err(error) => panic!("the journal of the test's world cannot be opened: {error}"),
        }
    }

    /// A builder over this journal with the world's time, chance and faults. What it starts must be
    /// stopped: it is [strict].
    #[must_use]
    pub fn builder(&self, journal: Arc<dyn Journal>) -> RuntimeBuilder {
        let builder = Runtime::builder(journal)
            .clock(self.inner.clock)
            .entropy(Entropy::seeded(self.inner.seed))
            .fault_hook(self.inner.faults.hook());
        strict(builder)
    }

    /// Starts a runtime over what is on the disk.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start(&self, add: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder) -> TestRuntime {
        let journal = self.journal();
        match add(self.builder(journal.clone())).start().await {
            Ok(runtime) => TestRuntime {
                runtime,
                journal,
                world: self.clone(),
            },
            Err(error) => panic!("the runtime does not start: {error}"),
        }
    }
}

impl fmt::Debug for TestWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestWorld")
            .field("seed", &self.inner.seed)
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}

/// A runtime in a [`TestWorld`]. It must be [stopped](Self::stop) or [crashed](Self::crash).
#[derive(Debug)]
pub struct TestRuntime {
    runtime: Runtime,
    journal: Arc<dyn Journal>,
    world: TestWorld,
}

impl TestRuntime {
    /// Its journal.
    #[must_use]
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    /// Looks at one of its agents from now on.
    #[must_use]
    #[track_caller]
    pub fn probe<A: Agent>(&self) -> Probe<A> {
        Probe::of(&self.runtime)
    }

    /// Asks an agent, on behalf of the system.
    ///
    /// # Errors
    /// As [`Handle::ask`](crate::Handle::ask).
    pub async fn ask<C: Command>(&self, command: C) -> Result<C::Reply, AskError<Rejection<C>>> {
        self.runtime.handle().ask(&Caller::system(), command).await
    }

    /// Stops it in good order.
    ///
    /// # Panics
    /// Where the journal cannot write what is left.
    pub async fn stop(self) {
        if let Err(failed) = self.runtime.stop().await {
            panic!("the runtime stops with work undone: {failed}");
        }
    }

    /// Ends it as a power cut does: of what was not yet durable, chance leaves what it likes. The
    /// next [start](TestWorld::start) finds that. Callers that still wait are told that the journal is
    /// gone, where a process that is gone would tell them nothing.
    pub async fn crash(self) {
        let found = self.world.disk().power_cycle(CutMode::Drawn);
        // Without its disk nothing that it still does has an effect.
        let _ = self.runtime.stop().await;
        *self.world.inner.disk.lock() = found;
    }
}

impl Deref for TestRuntime {
    type Target = Runtime;

    fn deref(&self) -> &Runtime {
        &self.runtime
    }
}

/// Waits until `is_so`, and looks a thousand times within the time, no more often than each
/// millisecond.
///
/// # Panics
/// Where it is not so by then: `what` did not come about.
#[track_caller]
pub fn eventually(
    what: &str,
    within: Duration,
    mut is_so: impl AsyncFnMut() -> bool,
) -> impl Future<Output = ()> {
    let asked_at = Location::caller();
    let step = (within / 1_000).max(Duration::from_millis(1));
    async move {
        let looking = async {
            while !is_so().await {
                tokio::time::sleep(step).await;
            }
        };
        if tokio::time::timeout(within, looking).await.is_err() {
            panic!("{asked_at}: {what} did not come about within {within:?}");
        }
    }
}

/// A hash of everything durable in a journal, times, ids and replies included: two runs of one seed have
/// the same one.
///
/// # Panics
/// Where the journal cannot be read.
#[must_use]
#[track_caller]
pub fn fingerprint(journal: &dyn Journal) -> u64 {
    let mut hash = Xxh3::new();
    let mut at = Position::START;
    loop {
        let records = journal.read(at, READ_MAX);
        let records = records.unwrap_or_else(|error| panic!("no record can be read: {error}"));
        let Some(last) = records.last() else {
            return hash.digest();
        };
        at = last.position;
        for recorded in &records {
            // Everything in it has a debug form that tells it from all others.
            hash.update(format!("{:?} {:?}", recorded.position, recorded.append).as_bytes());
        }
    }
}
