//! Whoever waits for a message that will not be handled is answered at once.

use std::num::NonZeroUsize;
use std::time::Duration;

use futures::FutureExt;
use mercato_supervisor::{
    InHand, Intensity, Mailbox, MailboxOptions, Restart, RootState, SendError, Strategy, Tag,
    Worker, WorkerOptions, supervisor_child, worker_child,
};

use crate::common::{Log, Tell, child, probe, root, settle, start};

const SECOND: Duration = Duration::from_secs(1);

fn until(seconds: u32) -> Tag {
    Tag::default().until(SECOND * seconds)
}

/// Catches: callers of a tree that has given up who wait for their deadlines.
#[tokio::test(start_paused = true)]
async fn a_tree_that_is_down_answers_at_once() {
    let (log, notices) = (Log::default(), Log::default());
    let (a, first) = probe("a", &log);
    let (b, second) = probe("b", &log);
    let second = second.shutdown_grace(Duration::from_millis(10));
    let mut nested = root(Strategy::OneForOne, [second]);
    nested.name = "nested".into();
    let mut spec = root(Strategy::OneForOne, [supervisor_child(nested), first]);
    spec.intensity = Intensity {
        restarts_max: 0,
        ..Intensity::default()
    };
    let tree = start(spec, &notices).await.unwrap();
    b.try_send(Tell::Stall).unwrap();
    b.try_send_with(Tag::key(3), Tell::Note(3)).unwrap();
    a.try_send(Tell::Panic).unwrap();
    a.try_send(Tell::Note(1)).unwrap();
    a.send_control(Tell::Note(2)).unwrap();
    let waiting = tokio::spawn({
        let a = a.clone();
        async move {
            loop {
                a.send(Tell::Note(9)).await?;
            }
            #[allow(unreachable_code, reason = "it names the error")]
            Ok::<(), SendError<Tell>>(())
        }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(matches!(tree.health().state, RootState::Down { .. }));
    let ended = waiting.now_or_never();
    assert!(
        matches!(ended, Some(Ok(Err(SendError::Closed(_))))),
        "at once"
    );
    let lines = log.take();
    assert_eq!(
        lines[..4],
        [
            "a 2",
            "b lost Note(3): Down",
            "a lost Panic: Down",
            "a lost Note(1): Down"
        ]
    );
    assert!(a.is_closed() && b.is_closed() && a.is_empty() && b.is_empty());
    assert!(matches!(
        a.try_send(Tell::Note(4)),
        Err(SendError::Closed(_))
    ));
    assert!(matches!(
        a.send(Tell::Note(4)).await,
        Err(SendError::Closed(_))
    ));
    assert!(matches!(
        a.send_control(Tell::Note(4)),
        Err(SendError::Closed(_))
    ));
    let dead = b.dead_letters();
    assert_eq!((dead.down, dead.total()), (1, 1));
    assert_eq!(dead.latest[0].key, Some(3));
    let lost = lines.iter().filter(|line| line.starts_with("a lost"));
    assert_eq!(a.dead_letters().down, lost.count() as u64);
    tree.stop().await;
}

/// Catches: a child that is not restarted and leaves its callers waiting.
#[tokio::test(start_paused = true)]
async fn a_child_that_is_gone_for_good_answers_for_its_messages() {
    let log = Log::default();
    let (a, first) = probe("a", &log);
    let spec = root(Strategy::OneForOne, [first.restart(Restart::Temporary)]);
    let tree = start(spec, &Log::default()).await.unwrap();
    a.try_send(Tell::Panic).unwrap();
    a.try_send(Tell::Note(1)).unwrap();
    settle().await;
    assert_eq!(log.take(), ["a lost Panic: Ended", "a lost Note(1): Ended"]);
    assert_eq!(a.dead_letters().ended, 2);
    tree.stop().await;
}

/// Catches: messages that a stop leaves behind without a word, and healthy ones that it drops.
#[tokio::test(start_paused = true)]
async fn what_a_stop_cannot_work_off_is_answered_for() {
    let log = Log::default();
    let (a, first) = probe("a", &log);
    let (b, second) = probe("b", &log);
    let mut spec = root(Strategy::OneForOne, [first, second]);
    spec.intensity.restarts_max = 1;
    let tree = start(spec, &Log::default()).await.unwrap();
    b.try_send(Tell::Note(1)).unwrap();
    a.try_send(Tell::Unready).unwrap();
    a.try_send(Tell::Note(2)).unwrap();
    // Every incarnation that works it off panics before the next message.
    a.try_send(Tell::Unready).unwrap();
    a.try_send(Tell::Note(3)).unwrap();
    a.try_send(Tell::Unready).unwrap();
    a.try_send(Tell::Note(4)).unwrap();
    tree.stop().await;
    assert_eq!(
        log.take(),
        [
            "b 1",
            "a 2",
            "a lost Note(3): Stopped",
            "a lost Unready: Stopped",
            "a lost Note(4): Stopped"
        ]
    );
    assert_eq!(a.dead_letters().stopped, 3);
    assert_eq!(b.dead_letters().total(), 0);
}

/// Catches: a taker of dead letters that brings down whom it happens to.
#[tokio::test(start_paused = true)]
async fn a_taker_of_dead_letters_that_panics_harms_nobody() {
    struct Noter(Log);
    impl Worker for Noter {
        type Message = u32;
        fn handle(&mut self, message: &mut InHand<'_, u32>) {
            self.0.push(message.to_string());
        }
    }
    let log = Log::default();
    let mailbox = Mailbox::with_dead_letters(
        MailboxOptions::default(),
        || SECOND,
        |_, n: u32| panic!("over {n}"),
    );
    let factory = {
        let log = log.clone();
        move || Ok(Noter(log.clone()))
    };
    let options = WorkerOptions::default();
    let worker = worker_child("a", mailbox.clone(), options, factory, |_, _, _| {});
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    for n in 0..3 {
        mailbox.try_send_with(until(n), n).unwrap();
    }
    settle().await;
    assert_eq!(log.take(), ["2"]);
    assert_eq!(mailbox.dead_letters().expired, 2);
    assert_eq!(child(&tree, "root/a").restarts, 0);
    tree.stop().await;
}

/// Catches: a list of dead letters that is kept although none was asked for.
#[test]
fn dead_letters_are_counted_even_where_none_are_kept() {
    let options = MailboxOptions {
        capacity: NonZeroUsize::MIN,
        dead_letters_max: 0,
        ..MailboxOptions::default()
    };
    let mailbox = Mailbox::new(options, || SECOND);
    for n in 0..5 {
        mailbox.try_send_with(until(1), n).unwrap();
    }
    let dead = mailbox.dead_letters();
    assert_eq!((dead.expired, dead.latest.len()), (4, 0));
}
