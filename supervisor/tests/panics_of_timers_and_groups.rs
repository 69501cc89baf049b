//! Panics in what a timer or a sibling set off are survived, and charged to whom they happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mercato_supervisor::{
    InHand, Intensity, Mailbox, MailboxOptions, RootState, StartError, Strategy, Worker,
    WorkerOptions, worker_child,
};

use crate::common::{Log, Tell, child, clock, flaky_probe, probe, root, settle, start};

/// Catches: a panic in a start that a timer set off, and one that costs two restarts.
#[tokio::test(start_paused = true)]
async fn a_panic_in_a_start_after_a_backoff_is_one_more_failed_start() {
    let (log, notices) = (Log::default(), Log::default());
    let (mailbox, worker) = flaky_probe("a", &log, |starts| match starts {
        2 => panic!("at a start that a timer set off"),
        3 => Err(StartError::refused("not yet")),
        _ => Ok(()),
    });
    let tree = start(root(Strategy::OneForOne, [worker]), &notices)
        .await
        .unwrap();
    notices.take();
    mailbox.try_send(Tell::PanicBefore(3)).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(
        notices.take(),
        [
            "root/a failed: a attempt 1",
            "root/a restarted after 0ns (attempt 1)",
            "root/a failed: a attempt 2",
            "root/a failed: panicked at start: at a start that a timer set off",
            "root/a failed: not yet",
            "root/a restarted after 200ms (attempt 4)",
        ]
    );
    assert_eq!(log.take(), ["a at attempt 3"]);
    tree.stop().await;
}

/// Catches: a message sent by a timer whose panic is not survived like any other's.
#[tokio::test(start_paused = true)]
async fn a_panic_over_what_a_timer_sent_is_survived() {
    let log = Log::default();
    let (mailbox, worker) = probe("a", &log);
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    let ticks = mailbox.clone();
    let timer = tokio::spawn(async move {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(100)).await;
            ticks.send_control(Tell::PanicBefore(2)).unwrap();
        }
    });
    timer.await.unwrap();
    settle().await;
    assert_eq!(log.take(), ["a at attempt 2"; 3]);
    assert_eq!(child(&tree, "root/a").restarts, 3);
    tree.stop().await;
}

/// Catches: a panic of an old incarnation's drop that is charged to the next one.
#[tokio::test(start_paused = true)]
async fn drops_that_panic_in_a_group_restart_are_not_charged() {
    struct Bitter(Arc<AtomicU32>);
    impl Worker for Bitter {
        type Message = u32;
        fn handle(&mut self, _: &mut InHand<'_, u32>) {}
    }
    impl Drop for Bitter {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic!("to the end");
        }
    }
    let log = Log::default();
    let (a, first) = probe("a", &log);
    let drops = Arc::new(AtomicU32::new(0));
    let mailbox = Mailbox::new(MailboxOptions::default(), clock());
    let factory = {
        let drops = drops.clone();
        move || Ok(Bitter(drops.clone()))
    };
    let options = WorkerOptions::default();
    let second = worker_child("b", mailbox, options, factory, |_, _, _| {});
    let mut spec = root(Strategy::OneForAll, [first, second]);
    spec.intensity = Intensity {
        restarts_max: 2,
        period: Duration::from_secs(60),
    };
    let notices = Log::default();
    let tree = start(spec, &notices).await.unwrap();
    a.try_send(Tell::PanicBefore(3)).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(tree.health().state, RootState::Running);
    assert_eq!(drops.load(Ordering::Relaxed), 2);
    assert_eq!(child(&tree, "root/b").last_error, None);
    tree.stop().await;
    assert_eq!(drops.load(Ordering::Relaxed), 3);
}
