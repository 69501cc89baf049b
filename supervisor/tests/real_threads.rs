//! The same promises on a runtime with several threads, where things really happen at once.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use mercato_supervisor::{
    Backoff, ChildSpec, DeadLetter, DeadReason, DeathCause, InHand, Intensity, Mailbox,
    MailboxOptions, Strategy, Worker, WorkerOptions, worker_child,
};
use parking_lot::Mutex;

use crate::common::{Log, Tell, child, clock, probe, root, start, still_mailbox};

/// Counts how often each message was handled; panics at the first attempt of every 500th.
struct Counter(Arc<Mutex<Vec<u32>>>);

impl Worker for Counter {
    type Message = usize;

    fn handle(&mut self, message: &mut InHand<'_, usize>) {
        let n = **message;
        assert!(n % 500 != 7 || message.attempt() > 1, "message {n}");
        self.0.lock()[n] += 1;
    }
}

/// Catches: a race between senders, the drainer and a restart, which one thread never shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_senders_and_many_crashes_lose_nothing_and_double_nothing() {
    const SENDERS: usize = 8;
    const EACH: usize = 2_000;
    let counts = Arc::new(Mutex::new(vec![0; SENDERS * EACH]));
    let mailboxes = [(); 2].map(|()| still_mailbox(MailboxOptions::default()));
    let children = mailboxes
        .iter()
        .zip(["left", "right"])
        .map(|(mailbox, name)| {
            let counts = counts.clone();
            let factory = move || Ok(Counter(counts.clone()));
            worker_child(
                name,
                mailbox.clone(),
                WorkerOptions::default(),
                factory,
                |_, _, _| {},
            )
        });
    // A group restart for every crash, so the healthy one is stopped in the middle as well.
    let mut spec = root(Strategy::OneForAll, children);
    spec.intensity = Intensity {
        restarts_max: 1_000,
        period: Duration::from_secs(60),
    };
    spec.backoff = Backoff {
        initial: Duration::ZERO,
        ..Backoff::default()
    };
    let tree = start(spec, &Log::default()).await.unwrap();

    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let mailbox = mailboxes[sender % 2].clone();
            tokio::spawn(async move {
                for n in sender * EACH..(sender + 1) * EACH {
                    mailbox.send(n).await.unwrap();
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    tree.stop().await;
    assert!(counts.lock().iter().all(|&count| count == 1));
}

/// What makes a blocker panic once it is released.
const PANICS_LATE: u32 = 99;

/// Blocks its thread inside message 0 until it is released.
struct Blocker(Arc<Mutex<mpsc::Receiver<()>>>, Log);

impl Worker for Blocker {
    type Message = u32;

    fn handle(&mut self, message: &mut InHand<'_, u32>) {
        if **message == 0 || **message == PANICS_LATE {
            let _ = self.0.lock().recv();
        }
        assert_ne!(**message, PANICS_LATE, "in the end");
        self.1.push(format!(
            "blocker {} at attempt {}",
            **message,
            message.attempt()
        ));
    }
}

/// A blocker, the way to release it, and its mailbox.
fn blocker(log: &Log, options: WorkerOptions) -> (Mailbox<u32>, mpsc::Sender<()>, ChildSpec) {
    let (release, released) = mpsc::channel();
    let released = Arc::new(Mutex::new(released));
    let (work, dead) = (log.clone(), log.clone());
    let on_dead = move |letter: DeadLetter, n: u32| {
        dead.push(format!("lost {n}: {:?}", letter.reason));
    };
    let mailbox = Mailbox::with_dead_letters(MailboxOptions::default(), clock(), on_dead);
    let factory = move || Ok(Blocker(released.clone(), work.clone()));
    let child = worker_child("blocker", mailbox.clone(), options, factory, |_, _, _| {});
    (mailbox, release, child)
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Catches: a successor that waits for the one that cannot be killed, and one that shares a message
/// with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_cannot_even_be_killed_is_cut_off_from_its_mailbox() {
    let log = Log::default();
    let (blocked, release, blocker) = blocker(&log, WorkerOptions::default());
    let (healthy, other) = probe("healthy", &log);
    let children = [blocker.shutdown_grace(Duration::from_millis(20)), other];
    let tree = start(root(Strategy::OneForAll, children), &Log::default())
        .await
        .unwrap();

    blocked.try_send(0).unwrap();
    blocked.try_send(1).unwrap();
    until(|| blocked.depth().in_hand > 0).await;
    healthy.try_send(Tell::PanicBefore(2)).unwrap();
    until(|| log.len() == 2).await;
    let mut lines = log.take();
    lines.sort();
    let behind = "blocker 1 at attempt 1";
    assert_eq!(lines, [behind, "healthy at attempt 2"], "others go on");
    let health = child(&tree, "root/blocker");
    assert_eq!(health.stuck, 1);
    assert!(health.last_error.unwrap().ends_with("and was given up"));
    assert_eq!(blocked.dead_letters().stuck, 1);

    release.send(()).unwrap();
    until(|| log.len() == 1).await;
    assert_eq!(log.take(), ["blocker 0 at attempt 1"]);
    assert!(blocked.is_empty());
    tree.stop().await;
    assert_eq!(log.take(), [""; 0]);
}

/// Catches: a hang that nobody notices, and one that keeps the messages behind it waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_that_holds_its_thread_is_replaced() {
    let log = Log::default();
    let options = WorkerOptions {
        handle_max: Some(Duration::from_millis(40)),
        ..WorkerOptions::default()
    };
    let notices = Log::default();
    let (blocked, release, blocker) = blocker(&log, options);
    let tree = start(root(Strategy::OneForOne, [blocker]), &notices)
        .await
        .unwrap();
    let watch = tree.watcher().watch("root/blocker").unwrap();
    for n in [3, 0, 1, 2] {
        blocked.try_send(n).unwrap();
    }
    let death = watch.ended().await;
    assert!(matches!(death.cause, DeathCause::Hung { .. }), "{death}");
    until(|| log.len() == 3).await;
    let lines = [3, 1, 2].map(|n| format!("blocker {n} at attempt 1"));
    assert_eq!(log.take(), lines);
    assert_eq!(
        notices.take()[1..],
        [
            "root/blocker failed: hung: it has been in one message for 40ms",
            "root/blocker restarted after 0ns (attempt 1)"
        ]
    );
    let health = child(&tree, "root/blocker");
    assert_eq!((health.restarts, health.stuck), (1, 1));
    let dead = blocked.dead_letters();
    assert_eq!((dead.stuck, dead.total()), (1, 1));
    assert_eq!(dead.latest[0].reason, DeadReason::Stuck);

    release.send(()).unwrap();
    until(|| log.len() == 1).await;
    assert_eq!(log.take(), ["blocker 0 at attempt 1"], "late, and its last");
    blocked.try_send(4).unwrap();
    until(|| log.len() == 1).await;
    assert_eq!(log.take(), ["blocker 4 at attempt 1"], "by its successor");
    tree.stop().await;
}

/// Catches: a supervisor that hangs behind a worker of its own, because that hung in the first message
/// that it met, on the thread that was to tell the supervisor of its start.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_that_hangs_in_its_first_message_is_replaced() {
    let log = Log::default();
    let options = WorkerOptions {
        handle_max: Some(Duration::from_millis(20)),
        ..WorkerOptions::default()
    };
    let (blocked, release, blocker) = blocker(&log, options);
    for n in [0, 0, 1] {
        blocked.try_send(n).unwrap();
    }
    let tree = start(root(Strategy::OneForOne, [blocker]), &Log::default())
        .await
        .unwrap();
    let waiting = tokio::time::timeout(Duration::from_secs(20), until(|| log.len() == 1));
    // Were it given up, what it holds must be let go before the test can end.
    let served = waiting.await;
    for _ in 0..2 {
        release.send(()).unwrap();
    }
    served.expect("the one behind them is served");
    assert_eq!(log.take()[0], "blocker 1 at attempt 1");
    assert_eq!(child(&tree, "root/blocker").stuck, 2);
    tree.stop().await;
}

/// Catches: a message of a hung worker that is handled again, or lost without a word, when it
/// panics in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hung_worker_that_panics_in_the_end_gives_its_message_to_the_dead_letters() {
    let log = Log::default();
    let options = WorkerOptions {
        handle_max: Some(Duration::from_millis(20)),
        ..WorkerOptions::default()
    };
    let (blocked, release, blocker) = blocker(&log, options);
    let tree = start(root(Strategy::OneForOne, [blocker]), &Log::default())
        .await
        .unwrap();
    blocked.try_send(PANICS_LATE).unwrap();
    until(|| child(&tree, "root/blocker").restarts == 1).await;
    release.send(()).unwrap();
    until(|| log.len() == 1).await;
    assert_eq!(log.take(), [format!("lost {PANICS_LATE}: Stuck")]);
    assert_eq!(blocked.dead_letters().total(), 1, "counted once");
    assert_eq!(child(&tree, "root/blocker").restarts, 1, "and charged once");
    assert!(blocked.is_empty());
    tree.stop().await;
}
