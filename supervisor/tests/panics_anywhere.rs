//! Wherever foreign code panics, one incarnation is the price, and it is charged once.

use std::num::NonZeroU32;
use std::panic::panic_any;
use std::time::Duration;

use mercato_supervisor::{
    ChildState, InHand, Intensity, Mailbox, MailboxOptions, RootState, Strategy, Tag, Worker,
    WorkerOptions, worker_child,
};

use crate::common::{Log, child, clock, root, settle, start};

/// Where a fragile worker breaks, told by its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Nowhere,
    Handle,
    /// In `handle`, with a payload whose drop panics as well.
    Payload,
    /// In `handle`, and again when the worker is dropped.
    HandleAndState,
    /// When the message is dropped after it was handled.
    Message,
    Ready,
    AfterBatch,
}

struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("a payload panics when it is dropped");
    }
}

/// Panics when it is dropped, if it says so.
struct Parcel(Where, u32);

impl Drop for Parcel {
    fn drop(&mut self) {
        assert_ne!(
            self.0,
            Where::Message,
            "a message panics when it is dropped"
        );
    }
}

struct Fragile {
    log: Log,
    breaks: Where,
    in_drop: bool,
}

impl Worker for Fragile {
    type Message = Parcel;

    fn handle(&mut self, message: &mut InHand<'_, Parcel>) {
        let Parcel(place, n) = **message;
        if message.attempt() == 1 {
            match place {
                Where::Handle => panic!("in handle"),
                Where::Payload => panic_any(Grenade),
                Where::HandleAndState => {
                    self.in_drop = true;
                    panic!("in handle");
                }
                Where::Ready | Where::AfterBatch => self.breaks = place,
                Where::Nowhere | Where::Message => {}
            }
        }
        self.log.push(n.to_string());
    }

    async fn ready(&mut self) {
        assert!(self.breaks != Where::Ready, "in ready");
    }

    fn after_batch(&mut self) {
        assert!(self.breaks != Where::AfterBatch, "in after_batch");
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(!self.in_drop, "a state panics when it is dropped");
    }
}

fn fragile(log: &Log) -> (Mailbox<Parcel>, mercato_supervisor::ChildSpec) {
    let mailbox = Mailbox::new(MailboxOptions::default(), clock());
    let work = log.clone();
    let factory = move || {
        Ok(Fragile {
            log: work.clone(),
            breaks: Where::Nowhere,
            in_drop: false,
        })
    };
    let options = WorkerOptions::default();
    let spec = worker_child("a", mailbox.clone(), options, factory, |_, _, _| {});
    (mailbox, spec)
}

/// Catches: a panic that brings down more than its incarnation, that is charged twice or not at all,
/// or that loses or doubles a message.
#[tokio::test(start_paused = true)]
async fn each_panic_costs_what_it_should() {
    for (place, restarts, error) in [
        (Where::Nowhere, 0, None),
        (Where::Handle, 1, Some("in handle")),
        (Where::Payload, 1, Some("panicked without a text")),
        (Where::HandleAndState, 1, Some("in handle")),
        (Where::Message, 0, None),
    ] {
        let log = Log::default();
        let (mailbox, worker) = fragile(&log);
        let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
            .await
            .unwrap();
        for parcel in [
            Parcel(Where::Nowhere, 1),
            Parcel(place, 2),
            Parcel(Where::Nowhere, 3),
        ] {
            assert!(mailbox.try_send(parcel).is_ok());
        }
        settle().await;
        assert_eq!(log.take(), ["1", "2", "3"], "{place:?}");
        let health = child(&tree, "root/a");
        assert_eq!(health.restarts, restarts, "{place:?}");
        assert_eq!(health.last_error.as_deref(), error, "{place:?}");
        assert_eq!(tree.health().state, RootState::Running, "{place:?}");
        tree.stop().await;
    }
}

/// Catches: messages that are blamed for a panic between them.
#[tokio::test(start_paused = true)]
async fn a_panic_between_messages_blames_none_of_them() {
    for (place, text) in [
        (Where::Ready, "in ready"),
        (Where::AfterBatch, "in after_batch"),
    ] {
        let log = Log::default();
        let (mailbox, worker) = fragile(&log);
        let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
            .await
            .unwrap();
        assert!(mailbox.try_send(Parcel(place, 1)).is_ok());
        assert!(mailbox.try_send(Parcel(Where::Nowhere, 2)).is_ok());
        settle().await;
        assert_eq!(log.take(), ["1", "2"], "{place:?}");
        let health = child(&tree, "root/a");
        assert_eq!(health.restarts, 1, "{place:?}");
        assert_eq!(health.last_error.as_deref(), Some(text));
        assert_eq!(
            mailbox.dead_letters().total(),
            0,
            "what was handled is done"
        );
        tree.stop().await;
    }
}

/// Catches: a recovery that panics every time and is tried for ever, or ends in silence.
#[tokio::test(start_paused = true)]
async fn a_recovery_that_always_panics_escalates() {
    struct Broken;
    impl Worker for Broken {
        type Message = u32;
        fn handle(&mut self, _: &mut InHand<'_, u32>) {}
        async fn ready(&mut self) {
            panic!("a stored event cannot be read");
        }
    }
    let dead = Log::default();
    let taker = dead.clone();
    let mailbox = Mailbox::with_dead_letters(
        MailboxOptions::default(),
        clock(),
        move |letter: mercato_supervisor::DeadLetter, n: u32| {
            taker.push(format!("{n} after {}", letter.attempts));
        },
    );
    let options = WorkerOptions {
        attempts_max: NonZeroU32::MIN,
        ..WorkerOptions::default()
    };
    let quarantined = dead.clone();
    let quarantine = move |n: u32, _: u32, _: String| quarantined.push(format!("{n} blamed"));
    let worker = worker_child("a", mailbox.clone(), options, || Ok(Broken), quarantine);
    let mut spec = root(Strategy::OneForOne, [worker]);
    spec.intensity = Intensity {
        restarts_max: 3,
        period: Duration::from_secs(60),
    };
    let notices = Log::default();
    let tree = start(spec, &notices).await.unwrap();
    notices.take();
    mailbox.try_send(7).unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let failures = notices
        .take()
        .iter()
        .filter(|line| line.contains("failed"))
        .count();
    assert_eq!(failures, 4, "three restarts, and the one too many");
    let RootState::Down { reason } = tree.health().state else {
        panic!("it is not down");
    };
    assert!(
        reason.ends_with("a stored event cannot be read"),
        "{reason}"
    );
    assert_eq!(dead.take(), ["7 after 0"], "answered, and never begun");
    tree.stop().await;
}

/// Catches: a message whose drop panics while it is shed, which would end the sender or the
/// supervisor.
#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_panics_when_dropped_harms_nobody() {
    let log = Log::default();
    let (mailbox, worker) = fragile(&log);
    let tag = Tag::default().until(Duration::ZERO);
    assert!(
        mailbox
            .try_send_with(tag, Parcel(Where::Message, 1))
            .is_ok()
    );
    assert!(mailbox.try_send(Parcel(Where::Nowhere, 2)).is_ok());
    let tree = start(root(Strategy::OneForOne, [worker]), &Log::default())
        .await
        .unwrap();
    settle().await;
    assert_eq!(log.take(), ["2"]);
    let health = child(&tree, "root/a");
    assert_eq!((health.state, health.restarts), (ChildState::Running, 0));
    tree.stop().await;
}
