//! Starts go left to right and all the way or not at all; stops go right to left, and drain.

use std::time::Duration;

use mercato_supervisor::{
    ChildSpec, InHand, Mailbox, MailboxOptions, RootState, SendError, StartError, Strategy,
    SupervisorSpec, Tree, TreeOptions, Worker, WorkerOptions, supervisor_child, worker_child,
};

use crate::common::{
    Log, Tell, child, clock, flaky_probe, probe, root, settle, start, still_mailbox,
};

/// Catches: a boot that fails half way and leaves the first half running, and an error without a
/// path.
#[tokio::test(start_paused = true)]
async fn a_failure_at_boot_stops_what_was_started_and_names_the_child() {
    let (work, notices) = (Log::default(), Log::default());
    let (a, first) = probe("a", &work);
    let (_, second) = probe("b", &work);
    let (_, third) = flaky_probe("c", &work, |_| Err(StartError::refused("no disk")));
    let mut nested = root(Strategy::OneForOne, [second, third]);
    nested.name = "nested".to_owned();
    let spec = root(Strategy::OneForOne, [first, supervisor_child(nested)]);
    let error = start(spec, &notices).await.unwrap_err();
    assert_eq!(error.to_string(), "root/nested/c: no disk");
    assert_eq!(
        notices.take(),
        [
            "root/a started",
            "root/nested/b started",
            "root/nested/c failed: no disk",
            "root/nested/b stopped",
            "root/nested failed: root/nested/c: no disk",
            "root/a stopped",
        ]
    );
    a.try_send(Tell::Note(1))
        .expect("the mailbox is still good for another try");
}

/// Catches: a panic at the start that goes through to whoever starts the tree.
#[tokio::test(start_paused = true)]
async fn a_panic_in_the_factory_at_boot_is_an_error() {
    let work = Log::default();
    let (_, only) = flaky_probe("a", &work, |_| panic!("no memory"));
    let error = start(root(Strategy::OneForOne, [only]), &Log::default())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "root/a: panicked at start: no memory");
}

/// Catches: two children of one name, and names that make a path ambiguous.
#[tokio::test(start_paused = true)]
async fn a_tree_that_is_not_well_formed_is_refused() {
    let named = |name: &'static str| -> ChildSpec { probe(name, &Log::default()).1 };
    for (children, why) in [
        (
            vec![named("a"), named("a")],
            "root has two children named a",
        ),
        (
            vec![named("a/b")],
            "\"a/b\" is no name for a part of a path",
        ),
        (vec![named("")], "\"\" is no name for a part of a path"),
    ] {
        let error = start(root(Strategy::OneForOne, children), &Log::default())
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("invalid supervision tree: {why}")
        );
    }
}

/// Passes each message on to the one before it.
struct Relay(Option<Mailbox<u32>>, Log);

impl Worker for Relay {
    type Message = u32;

    fn handle(&mut self, message: &mut InHand<'_, u32>) {
        match &self.0 {
            Some(before) => assert!(before.try_send(**message).is_ok(), "it is still open"),
            None => self.1.push(message.to_string()),
        }
    }
}

/// Catches: a stop in another order, or of all at once, and a mailbox that is closed before it is
/// worked off.
#[tokio::test(start_paused = true)]
async fn stopping_drains_right_to_left_so_late_messages_still_arrive() {
    let (work, notices) = (Log::default(), Log::default());
    let mut spec = SupervisorSpec::new("root", Strategy::OneForOne);
    let mut last: Option<Mailbox<u32>> = None;
    for name in ["a", "b", "c"] {
        let mailbox: Mailbox<u32> = still_mailbox(MailboxOptions::default());
        let (before, log) = (last.clone(), work.clone());
        let factory = move || Ok(Relay(before.clone(), log.clone()));
        let options = WorkerOptions::default();
        spec = spec.with_child(worker_child(
            name,
            mailbox.clone(),
            options,
            factory,
            |_, _, _| {},
        ));
        last = Some(mailbox);
    }
    let tree = start(spec, &notices).await.unwrap();
    let watch = tree.watch();
    let entry = last.unwrap();
    for n in 0..500 {
        entry.try_send(n).unwrap();
    }
    notices.take();
    tree.stop().await;
    assert_eq!(
        notices.take(),
        ["root/c stopped", "root/b stopped", "root/a stopped"]
    );
    assert_eq!(work.len(), 500);
    assert_eq!(*watch.borrow(), RootState::Stopped);
    assert!(matches!(entry.try_send(0), Err(SendError::Closed(0))));
}

/// Catches: a stop that ends with the first panic, and attempts that are not counted in it.
#[tokio::test(start_paused = true)]
async fn stopping_works_off_a_mailbox_even_through_panics() {
    let (work, notices) = (Log::default(), Log::default());
    let (a, only) = probe("a", &work);
    let tree = start(root(Strategy::OneForOne, [only]), &notices)
        .await
        .unwrap();
    for message in [
        Tell::Note(1),
        Tell::Panic,
        Tell::Note(2),
        Tell::PanicBefore(2),
        Tell::Note(3),
    ] {
        a.try_send(message).unwrap();
    }
    tree.stop().await;
    let quarantined = "a quarantined Panic after 3: a was told to";
    assert_eq!(
        work.take(),
        ["a 1", quarantined, "a 2", "a at attempt 2", "a 3"]
    );
}

/// Catches: a child that is down when the tree stops, and whose messages nobody handles.
#[tokio::test(start_paused = true)]
async fn stopping_works_off_the_mailbox_of_a_child_that_waits_for_its_restart() {
    let (work, notices) = (Log::default(), Log::default());
    let (a, only) = probe("a", &work);
    let tree = start(root(Strategy::OneForOne, [only]), &notices)
        .await
        .unwrap();
    a.try_send(Tell::PanicBefore(3)).unwrap();
    settle().await;
    assert!(
        matches!(tree.health().state, RootState::Degraded { .. }),
        "it waits for 50 ms"
    );
    a.try_send(Tell::Note(1)).unwrap();
    tree.stop().await;
    assert_eq!(work.take(), ["a at attempt 3", "a 1"]);
}

/// Catches: a stop that waits for ever, and messages that are lost without a word.
#[tokio::test(start_paused = true)]
async fn who_outlives_the_grace_is_killed_and_its_messages_are_answered_for() {
    let (work, notices) = (Log::default(), Log::default());
    let (a, only) = probe("a", &work);
    let only = only.shutdown_grace(Duration::from_millis(200));
    let tree = start(root(Strategy::OneForOne, [only]), &notices)
        .await
        .unwrap();
    a.try_send(Tell::Stall).unwrap();
    a.try_send(Tell::Note(1)).unwrap();
    settle().await;
    let now = clock();
    tree.stop().await;
    assert_eq!(now(), Duration::from_millis(200));
    assert_eq!(
        notices.take()[1..],
        [
            "root/a failed: did not stop within 200ms, and was killed",
            "root/a stopped"
        ]
    );
    assert_eq!(work.take(), ["a lost Note(1): Stopped"]);
}

/// Catches: a change of the tree's state that nobody is woken by, and a waking for nothing.
#[tokio::test(start_paused = true)]
async fn whoever_watches_a_tree_is_told_of_each_change_and_of_nothing_else() {
    let (work, notices) = (Log::default(), Log::default());
    let (a, only) = probe("a", &work);
    let tree = start(root(Strategy::OneForOne, [only]), &notices)
        .await
        .unwrap();
    let mut watch = tree.watch();
    assert_eq!(*watch.borrow_and_update(), RootState::Running);
    a.try_send(Tell::Note(1)).unwrap();
    settle().await;
    assert!(!watch.has_changed().unwrap(), "a message is no change");
    a.try_send(Tell::PanicBefore(2)).unwrap();
    settle().await;
    assert!(watch.has_changed().unwrap(), "it was restarting meanwhile");
    assert_eq!(*watch.borrow_and_update(), RootState::Running);
    tree.stop().await;
    assert_eq!(*watch.borrow_and_update(), RootState::Stopped);
}

/// Catches: children that outlive a tree that was dropped.
#[tokio::test(start_paused = true)]
async fn a_dropped_tree_stops_by_itself() {
    let (work, notices) = (Log::default(), Log::default());
    let (a, only) = probe("a", &work);
    let tree = start(root(Strategy::OneForOne, [only]), &notices)
        .await
        .unwrap();
    let mut watch = tree.watch();
    a.try_send(Tell::Note(1)).unwrap();
    drop(tree);
    watch
        .wait_for(|state| *state == RootState::Stopped)
        .await
        .unwrap();
    assert_eq!(work.take(), ["a 1"]);
}

/// Catches: a tree that is gone with the tokio runtime around it, and that says that it runs, and takes
/// messages which nobody will ever handle.
#[test]
fn a_tree_that_is_lost_with_its_tokio_runtime_says_so() {
    let work = Log::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let (a, tree) = runtime.block_on(async {
        let (a, only) = probe("a", &work);
        let tree = start(root(Strategy::OneForOne, [only]), &Log::default()).await;
        (a, tree.unwrap())
    });
    a.try_send(Tell::Note(1)).unwrap();
    drop(runtime);
    let reason = "the root supervisor was lost".to_owned();
    assert_eq!(tree.health().state, RootState::Down { reason });
    assert_eq!(work.take(), ["a lost Note(1): Down"]);
    assert!(matches!(
        a.try_send(Tell::Note(2)),
        Err(SendError::Closed(_))
    ));
}

/// Catches: a supervisor that dies of whoever watches it.
#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_harms_no_child() {
    use rand_chacha::rand_core::SeedableRng;
    let work = Log::default();
    let (a, only) = probe("a", &work);
    let options = TreeOptions::new(clock(), rand_chacha::ChaCha8Rng::seed_from_u64(1))
        .on_event(|notice| panic!("observed {notice}"));
    let tree = Tree::start(root(Strategy::OneForOne, [only]), options)
        .await
        .unwrap();
    a.try_send(Tell::PanicBefore(2)).unwrap();
    settle().await;
    assert_eq!(work.take(), ["a at attempt 2"]);
    assert_eq!(child(&tree, "root/a").restarts, 1);
    tree.stop().await;
}
