//! A worker that makes no progress is noticed, and another goes on with its messages.

use std::time::Duration;

use mercato_supervisor::{
    ChildState, DeathCause, InHand, Intensity, Mailbox, MailboxOptions, Restart, RootState,
    Strategy, Worker, WorkerOptions, worker_child,
};

use crate::common::{Log, Tell, child, clock, probe_with, root, settle, start};

const SECOND: Duration = Duration::from_secs(1);

fn ready_within(limit: Duration) -> WorkerOptions {
    WorkerOptions {
        ready_max: Some(limit),
        ..WorkerOptions::default()
    }
}

/// Catches: a hang that is never noticed, one noticed at another time, and a message that is lost or
/// blamed for it.
#[tokio::test(start_paused = true)]
async fn a_worker_that_waits_for_ever_is_replaced_in_time() {
    let (log, notices) = (Log::default(), Log::default());
    let options = MailboxOptions::default();
    let (mailbox, worker) = probe_with("a", &log, options, ready_within(3 * SECOND), |_| Ok(()));
    let tree = start(root(Strategy::OneForOne, [worker]), &notices)
        .await
        .unwrap();
    notices.take();
    // It sleeps between its works, and nobody calls that a hang.
    for n in 0..3 {
        mailbox.try_send(Tell::Note(n)).unwrap();
        tokio::time::sleep(10 * SECOND).await;
    }
    assert_eq!(log.take(), ["a 0", "a 1", "a 2"]);
    let watch = tree.watcher().watch("root/a").unwrap();
    mailbox.try_send(Tell::Stall).unwrap();
    mailbox.try_send(Tell::PanicBefore(2)).unwrap();
    let now = clock();
    let death = watch.ended().await;
    assert_eq!(now(), 3 * SECOND);
    let error = "hung: it has not been ready for 3s";
    assert_eq!(death.to_string(), format!("root/a (1) {error}"));
    assert!(matches!(death.cause, DeathCause::Hung { .. }));
    settle().await;
    assert_eq!(
        notices.take()[..2],
        [
            &format!("root/a failed: {error}"),
            "root/a restarted after 0ns (attempt 1)"
        ]
    );
    tokio::time::sleep(SECOND).await;
    assert_eq!(
        log.take(),
        ["a at attempt 2"],
        "it was begun twice: the hang did not count"
    );
    let health = child(&tree, "root/a");
    assert_eq!(
        (health.restarts, health.stuck),
        (2, 0),
        "it died of the kill"
    );
    assert_eq!(mailbox.dead_letters().total(), 0);
    tree.stop().await;
}

/// Catches: a watch that counts all waits together, or goes blind after a first look.
#[tokio::test(start_paused = true)]
async fn slow_is_not_hung() {
    struct Slow(Log);
    impl Worker for Slow {
        type Message = u64;
        fn handle(&mut self, message: &mut InHand<'_, u64>) {
            self.0.push(message.to_string());
        }
        async fn ready(&mut self) {
            tokio::time::sleep(Duration::from_millis(900)).await;
        }
    }
    let log = Log::default();
    let mailbox = Mailbox::new(MailboxOptions::default(), clock());
    let factory = {
        let log = log.clone();
        move || Ok(Slow(log.clone()))
    };
    let worker = worker_child(
        "a",
        mailbox.clone(),
        ready_within(SECOND),
        factory,
        |_, _, _| {},
    );
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    for n in 0..20 {
        mailbox.try_send(n).unwrap();
    }
    tokio::time::sleep(30 * SECOND).await;
    assert_eq!(log.len(), 20);
    assert_eq!(child(&tree, "root/a").restarts, 0);
    tree.stop().await;
}

/// Catches: backpressure that is taken for a hang of the message before it, and a dead letter of one
/// that was handled.
#[tokio::test(start_paused = true)]
async fn waiting_to_be_ready_is_no_hang_where_it_has_no_bound() {
    let log = Log::default();
    let only_handle = WorkerOptions {
        handle_max: Some(SECOND),
        ..WorkerOptions::default()
    };
    let options = MailboxOptions::default();
    let (mailbox, worker) = probe_with("a", &log, options, only_handle, |_| Ok(()));
    let worker = worker.shutdown_grace(SECOND);
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    for tell in [Tell::Note(1), Tell::Stall, Tell::Note(2)] {
        mailbox.try_send(tell).unwrap();
    }
    tokio::time::sleep(100 * SECOND).await;
    assert_eq!(child(&tree, "root/a").restarts, 0);
    assert_eq!(
        mailbox.depth().in_hand,
        1,
        "the one that it is not ready for"
    );
    tree.stop().await;
    assert_eq!(log.take(), ["a 1", "a lost Note(2): Stopped"]);
    assert_eq!(mailbox.dead_letters().stuck, 0);
}

/// Catches: hangs that cost no restart, so that a worker that always hangs goes on for ever.
#[tokio::test(start_paused = true)]
async fn hangs_count_like_crashes() {
    let log = Log::default();
    let options = MailboxOptions::default();
    let (mailbox, worker) = probe_with("a", &log, options, ready_within(SECOND), |_| Ok(()));
    let mut spec = root(Strategy::OneForOne, [worker]);
    spec.intensity = Intensity {
        restarts_max: 2,
        period: 60 * SECOND,
    };
    let tree = start(spec, &Log::default()).await.unwrap();
    for _ in 0..3 {
        mailbox.try_send(Tell::Stall).unwrap();
        mailbox.try_send(Tell::Note(1)).unwrap();
    }
    let mut watch = tree.watch();
    let now = clock();
    let down = watch
        .wait_for(|state| matches!(state, RootState::Down { .. }))
        .await
        .unwrap()
        .clone();
    assert_eq!(
        down,
        RootState::Down {
            reason: "more than 2 restarts within 60s, the last for root/a: hung: it has not been ready for 1s"
                .to_owned()
        }
    );
    // Three times a second, and the backoff of the second restart.
    assert!((3_050..3_060).contains(&now().as_millis()), "{:?}", now());
    settle().await;
    assert_eq!(log.take(), ["a 1", "a 1", "a lost Note(1): Down"]);
    tree.stop().await;
}

/// Catches: a hung child that comes back although it is not to.
#[tokio::test(start_paused = true)]
async fn a_temporary_child_that_hangs_is_gone() {
    let log = Log::default();
    let options = MailboxOptions::default();
    let (mailbox, worker) = probe_with("a", &log, options, ready_within(SECOND), |_| Ok(()));
    let spec = root(Strategy::OneForOne, [worker.restart(Restart::Temporary)]);
    let tree = start(spec, &Log::default()).await.unwrap();
    mailbox.try_send(Tell::Stall).unwrap();
    mailbox.try_send(Tell::Note(1)).unwrap();
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(child(&tree, "root/a").state, ChildState::Failed);
    assert_eq!(log.take(), ["a lost Note(1): Ended"]);
    tree.stop().await;
}

/// Catches: a group that is not restarted with the one of its members that hangs.
#[tokio::test(start_paused = true)]
async fn a_hang_restarts_the_group() {
    let (log, notices) = (Log::default(), Log::default());
    let options = MailboxOptions::default();
    let (mailbox, first) = probe_with("a", &log, options, ready_within(SECOND), |_| Ok(()));
    let (_, second) = crate::common::probe("b", &log);
    let tree = start(root(Strategy::OneForAll, [first, second]), &notices)
        .await
        .unwrap();
    mailbox.try_send(Tell::Stall).unwrap();
    mailbox.try_send(Tell::Note(1)).unwrap();
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(
        notices.take()[2..],
        [
            "root/a failed: hung: it has not been ready for 1s",
            "root/b stopped",
            "root/a restarted after 0ns (attempt 1)",
            "root/b restarted after 0ns (attempt 1)",
        ]
    );
    assert_eq!(log.take(), ["a 1"]);
    tree.stop().await;
}
