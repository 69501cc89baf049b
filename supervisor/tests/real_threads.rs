//! The same promises on a runtime with several threads, where things really happen at once.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use mercato_supervisor::{
    Backoff, InHand, Intensity, Mailbox, MailboxOptions, Strategy, Worker, WorkerOptions,
    worker_child,
};
use parking_lot::Mutex;

mod common;
use common::{Log, Tell, child, probe, root, start};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_senders_and_many_crashes_lose_nothing_and_double_nothing() {
    const SENDERS: usize = 8;
    const EACH: usize = 2_000;
    let counts = Arc::new(Mutex::new(vec![0; SENDERS * EACH]));
    let mailboxes = [(); 2].map(|()| Mailbox::new(MailboxOptions::default()));
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

/// Blocks its thread inside its first message until it is released.
struct Blocker(Arc<Mutex<mpsc::Receiver<()>>>, Log);

impl Worker for Blocker {
    type Message = u32;

    fn handle(&mut self, message: &mut InHand<'_, u32>) {
        if **message == 0 {
            let _ = self.0.lock().recv();
        }
        self.1.push(format!(
            "blocker {} at attempt {}",
            **message,
            message.attempt()
        ));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_cannot_even_be_killed_never_shares_its_mailbox_with_its_successor() {
    let (release, released) = mpsc::channel();
    let released = Arc::new(Mutex::new(released));
    let log = Log::default();
    let blocked = Mailbox::new(MailboxOptions::default());
    let factory = {
        let log = log.clone();
        move || Ok(Blocker(released.clone(), log.clone()))
    };
    let options = WorkerOptions::default();
    let blocker = worker_child("blocker", blocked.clone(), options, factory, |_, _, _| {});
    let (healthy, other) = probe("healthy", &log);
    let children = [blocker.shutdown_grace(Duration::from_millis(20)), other];
    let tree = start(root(Strategy::OneForAll, children), &Log::default())
        .await
        .unwrap();

    blocked.try_send(0).unwrap();
    blocked.try_send(1).unwrap();
    while blocked.depth().in_hand == 0 {
        tokio::task::yield_now().await;
    }
    healthy.try_send(Tell::PanicBefore(2)).unwrap();
    let occupied = "an earlier incarnation is still busy with its message";
    while child(&tree, "root/blocker").last_error.as_deref() != Some(occupied) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    release.send(()).unwrap();
    while log.len() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tree.stop().await;
    let mut lines = log.take();
    lines.sort();
    assert_eq!(
        lines,
        [
            "blocker 0 at attempt 1",
            "blocker 1 at attempt 1",
            "healthy at attempt 2"
        ]
    );
}
