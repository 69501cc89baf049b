//! A worker that does as it is told, and a tree whose every notice is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mercato_supervisor::{
    Backoff, Bound, ChildHealth, ChildSpec, DeadLetter, InHand, Mailbox, MailboxOptions, SendError,
    StartError, Strategy, SupervisionNotice, SupervisorSpec, Tree, TreeOptions, Worker,
    WorkerOptions, worker_child,
};
use parking_lot::Mutex;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// What a probe can be told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tell {
    Note(u32),
    /// Panics at every attempt.
    Panic,
    /// Panics at attempts below this one, then notes it.
    PanicBefore(u32),
    Finish,
    /// Makes `ready` wait for ever, from the next message on.
    Stall,
    /// Makes `ready` panic, from the next message on.
    Unready,
    /// Makes the worker panic when it is dropped, and panics.
    PanicTwice,
}

/// Lines in the order in which they happened.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn push(&self, line: impl Into<String>) {
        self.0.lock().push(line.into());
    }

    /// All lines since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }
}

pub(crate) struct Probe {
    name: &'static str,
    log: Log,
    stalled: bool,
    unready: bool,
    panics_when_dropped: bool,
}

impl Worker for Probe {
    type Message = Tell;

    fn handle(&mut self, message: &mut InHand<'_, Tell>) {
        let name = self.name;
        let attempt = message.attempt();
        match **message {
            Tell::Note(n) => self.log.push(format!("{name} {n}")),
            Tell::Panic => panic!("{name} was told to"),
            Tell::PanicBefore(enough) if attempt < enough => panic!("{name} attempt {attempt}"),
            Tell::PanicBefore(_) => self.log.push(format!("{name} at attempt {attempt}")),
            Tell::Finish => message.finish(),
            Tell::Stall => self.stalled = true,
            Tell::Unready => self.unready = true,
            Tell::PanicTwice => {
                self.panics_when_dropped = true;
                panic!("{name} was told to, twice");
            }
        }
    }

    async fn ready(&mut self) {
        if self.stalled {
            std::future::pending::<()>().await;
        }
        assert!(!self.unready, "{} panics in ready", self.name);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        assert!(!self.panics_when_dropped, "{} panics in drop", self.name);
    }
}

/// A probe as a child, with its mailbox. What it quarantines is logged, and so are dead letters.
pub(crate) fn probe(name: &'static str, log: &Log) -> (Mailbox<Tell>, ChildSpec) {
    flaky_probe(name, log, |_| Ok(()))
}

/// A probe whose factory first asks `start`, with the number of starts so far.
pub(crate) fn flaky_probe(
    name: &'static str,
    log: &Log,
    start: impl Fn(u32) -> Result<(), StartError> + Send + Sync + 'static,
) -> (Mailbox<Tell>, ChildSpec) {
    probe_with(
        name,
        log,
        MailboxOptions::default(),
        WorkerOptions::default(),
        start,
    )
}

/// The same, with options.
pub(crate) fn probe_with(
    name: &'static str,
    log: &Log,
    mailbox: MailboxOptions,
    options: WorkerOptions,
    start: impl Fn(u32) -> Result<(), StartError> + Send + Sync + 'static,
) -> (Mailbox<Tell>, ChildSpec) {
    let dead = log.clone();
    let mailbox = Mailbox::with_dead_letters(mailbox, clock(), move |letter: DeadLetter, tell| {
        dead.push(format!("{name} lost {tell:?}: {:?}", letter.reason));
    });
    let starts = AtomicU32::new(0);
    let (work_log, graveyard) = (log.clone(), log.clone());
    let factory = move || {
        start(starts.fetch_add(1, Ordering::Relaxed))?;
        let log = work_log.clone();
        Ok(Probe {
            name,
            log,
            stalled: false,
            unready: false,
            panics_when_dropped: false,
        })
    };
    let quarantine = move |message: Tell, attempts: u32, panic: String| {
        graveyard.push(format!(
            "{name} quarantined {message:?} after {attempts}: {panic}"
        ));
    };
    let spec = worker_child(name, mailbox.clone(), options, factory, quarantine);
    (mailbox, spec)
}

/// A mailbox that nobody drains, on a clock that stands still.
pub(crate) fn still_mailbox<M: Send + 'static>(options: MailboxOptions) -> Mailbox<M> {
    Mailbox::new(options, || Duration::ZERO)
}

/// A supervisor named `root` with these children, whose waits are exact.
pub(crate) fn root(
    strategy: Strategy,
    children: impl IntoIterator<Item = ChildSpec>,
) -> SupervisorSpec {
    let mut spec = SupervisorSpec::new("root", strategy);
    spec.backoff = Backoff {
        jitter: 0.0,
        ..Backoff::default()
    };
    spec.children.extend(children);
    spec
}

/// Starts a tree on the runtime's clock whose notices are logged.
pub(crate) async fn start(spec: SupervisorSpec, notices: &Log) -> Result<Tree, StartError> {
    start_seeded(spec, notices, 1).await
}

pub(crate) async fn start_seeded(
    spec: SupervisorSpec,
    notices: &Log,
    seed: u64,
) -> Result<Tree, StartError> {
    let notices = notices.clone();
    let options = TreeOptions::new(clock(), ChaCha8Rng::seed_from_u64(seed))
        .on_event(move |notice: &SupervisionNotice| notices.push(notice.to_string()));
    Tree::start(spec, options).await
}

/// The time since now.
#[allow(clippy::disallowed_methods, reason = "the test's own clock room")]
pub(crate) fn clock() -> impl Fn() -> Duration + Send + Sync + Clone {
    let start = tokio::time::Instant::now();
    move || start.elapsed()
}

/// Returns when every task has nothing more to do: paused time moves only then.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

pub(crate) fn child(tree: &Tree, path: &str) -> ChildHealth {
    let health = tree.health();
    health
        .children
        .into_iter()
        .find(|child| &*child.path == path)
        .expect("a child of that path")
}

/// The message and the bound of a refusal.
pub(crate) fn refused<M>(sent: Result<(), SendError<M>>) -> Option<(M, Bound)> {
    match sent {
        Err(SendError::Overloaded { message, bound, .. }) => Some((message, bound)),
        _ => None,
    }
}
