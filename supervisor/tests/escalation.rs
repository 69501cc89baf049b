//! Too many restarts are never silent: the supervisor gives up, and the root ends in a declared
//! state.

use std::time::Duration;

use mercato_supervisor::{
    ChildState, Intensity, RootState, StartError, Strategy, supervisor_child,
};

use crate::common::{Log, Tell, child, flaky_probe, probe, root, settle, start};

const TWICE_A_MINUTE: Intensity = Intensity {
    restarts_max: 2,
    period: Duration::from_secs(60),
};

/// Catches: an intensity that is off by one, an end that is not declared, and one that is glossed
/// over later.
#[tokio::test(start_paused = true)]
async fn the_root_goes_down_when_its_intensity_is_exceeded() {
    let (work, notices) = (Log::default(), Log::default());
    let (a, first) = probe("a", &work);
    let (_, second) = probe("b", &work);
    let mut spec = root(Strategy::OneForOne, [first, second]);
    spec.intensity = TWICE_A_MINUTE;
    let tree = start(spec, &notices).await.unwrap();
    let mut watch = tree.watch();
    notices.take();

    a.try_send(Tell::Panic).unwrap();
    let reason = "more than 2 restarts within 60s, the last for root/a: a was told to";
    let down = RootState::Down {
        reason: reason.to_owned(),
    };
    watch.wait_for(|state| *state == down).await.unwrap();
    settle().await;
    assert_eq!(
        notices.take(),
        [
            "root/a failed: a was told to",
            "root/a restarted after 0ns (attempt 1)",
            "root/a failed: a was told to",
            "root/a restarted after 50ms (attempt 2)",
            "root/a failed: a was told to",
            &format!("root escalated: {reason}"),
            "root/b stopped",
            "root/a stopped",
            &format!("down: {reason}"),
        ]
    );
    assert!(
        tree.health()
            .children
            .iter()
            .all(|child| child.state == ChildState::Stopped)
    );
    tree.stop().await;
    assert_eq!(
        *watch.borrow(),
        down,
        "down is the end, and stopping does not gloss over it"
    );
}

/// Catches: a period that does not slide, and a backoff that never begins anew.
#[tokio::test(start_paused = true)]
async fn restarts_that_are_far_apart_never_escalate_and_are_always_immediate() {
    let (work, notices) = (Log::default(), Log::default());
    let (a, first) = probe("a", &work);
    let mut spec = root(Strategy::OneForOne, [first]);
    spec.intensity = TWICE_A_MINUTE;
    let tree = start(spec, &notices).await.unwrap();
    notices.take();
    for _ in 0..10 {
        a.try_send(Tell::PanicBefore(2)).unwrap();
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert_eq!(notices.take()[1], "root/a restarted after 0ns (attempt 1)");
    }
    assert_eq!(child(&tree, "root/a").restarts, 10);
    tree.stop().await;
}

/// Catches: an escalation that skips the parent, and counts that outlive the supervisor they are
/// of.
#[tokio::test(start_paused = true)]
async fn a_nested_supervisor_escalates_to_its_parent_which_starts_it_afresh() {
    let (work, notices) = (Log::default(), Log::default());
    let (a, first) = probe("a", &work);
    let (b, second) = probe("b", &work);
    let mut nested = root(Strategy::OneForOne, [first, second]);
    nested.name = "nested".to_owned();
    nested.intensity = Intensity {
        restarts_max: 1,
        ..TWICE_A_MINUTE
    };
    let tree = start(
        root(Strategy::OneForOne, [supervisor_child(nested)]),
        &notices,
    )
    .await
    .unwrap();
    notices.take();

    a.try_send(Tell::PanicBefore(3)).unwrap();
    b.try_send(Tell::Note(1)).unwrap();
    settle().await;
    let reason = "more than 1 restarts within 60s, the last for root/nested/a: a attempt 2";
    assert_eq!(
        notices.take(),
        [
            "root/nested/a failed: a attempt 1",
            "root/nested/a restarted after 0ns (attempt 1)",
            "root/nested/a failed: a attempt 2",
            &format!("root/nested escalated: {reason}"),
            "root/nested/b stopped",
            "root/nested/a stopped",
            &format!("root/nested failed: {reason}"),
            "root/nested/a started",
            "root/nested/b started",
            "root/nested restarted after 0ns (attempt 1)",
        ]
    );
    assert_eq!(
        work.take(),
        ["b 1", "a at attempt 3"],
        "the mailboxes outlived even that"
    );
    assert_eq!(tree.health().state, RootState::Running);
    tree.stop().await;
}

/// Catches: a start that fails and is not tried again, or without a wait.
#[tokio::test(start_paused = true)]
async fn starts_that_fail_are_counted_and_retried_with_backoff() {
    let (work, notices) = (Log::default(), Log::default());
    // The boot succeeds; then the factory refuses once, panics once, and works again.
    let (a, first) = flaky_probe("a", &work, |starts| match starts {
        1 => Err(StartError::refused("no licence")),
        2 => panic!("no memory"),
        _ => Ok(()),
    });
    let tree = start(root(Strategy::OneForOne, [first]), &notices)
        .await
        .unwrap();
    notices.take();
    a.try_send(Tell::PanicBefore(2)).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        notices.take(),
        [
            "root/a failed: a attempt 1",
            "root/a failed: no licence",
            "root/a failed: panicked at start: no memory",
            "root/a restarted after 100ms (attempt 3)",
        ]
    );
    assert_eq!(work.take(), ["a at attempt 2"]);
    tree.stop().await;
}

/// Catches: failed starts that are not counted, so that they go on for ever in silence.
#[tokio::test(start_paused = true)]
async fn a_child_that_never_starts_again_brings_the_root_down() {
    let (work, notices) = (Log::default(), Log::default());
    let (a, first) = flaky_probe("a", &work, |starts| match starts {
        0 => Ok(()),
        _ => Err(StartError::refused("no licence")),
    });
    let tree = start(root(Strategy::OneForOne, [first]), &notices)
        .await
        .unwrap();
    a.try_send(Tell::Panic).unwrap();
    let mut watch = tree.watch();
    watch
        .wait_for(|state| matches!(state, RootState::Down { .. }))
        .await
        .unwrap();
    assert_eq!(
        child(&tree, "root/a").last_error.as_deref(),
        Some("no licence")
    );
}
