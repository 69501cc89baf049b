//! Each strategy restarts exactly the siblings it names, in order, once for crashes that fall
//! together.

use std::time::Duration;

use mercato_supervisor::{
    ChildState, Mailbox, Restart, RootState, Strategy, Tree, supervisor_child,
};

use crate::common::{Log, Tell, child, probe, root, settle, start};

/// A tree with the children `a`, `b`, `c`, their mailboxes, and its notices from here on.
async fn abc(strategy: Strategy) -> (Tree, [Mailbox<Tell>; 3], Log) {
    let (work, notices) = (Log::default(), Log::default());
    let (a, first) = probe("a", &work);
    let (b, second) = probe("b", &work);
    let (c, third) = probe("c", &work);
    let tree = start(root(strategy, [first, second, third]), &notices)
        .await
        .unwrap();
    let started = ["root/a started", "root/b started", "root/c started"];
    assert_eq!(notices.take(), started, "left to right");
    (tree, [a, b, c], notices)
}

/// Catches: siblings that are restarted with it.
#[tokio::test(start_paused = true)]
async fn one_for_one_restarts_the_culprit_alone() {
    let (tree, [_, b, _], notices) = abc(Strategy::OneForOne).await;
    b.try_send(Tell::PanicBefore(2)).unwrap();
    settle().await;
    assert_eq!(
        notices.take(),
        [
            "root/b failed: b attempt 1",
            "root/b restarted after 0ns (attempt 1)"
        ]
    );
    let restarts: Vec<u64> = tree
        .health()
        .children
        .iter()
        .map(|child| child.restarts)
        .collect();
    assert_eq!(restarts, [0, 1, 0]);
    tree.stop().await;
}

/// Catches: a group that leaves somebody out, or another order.
#[tokio::test(start_paused = true)]
async fn one_for_all_stops_right_to_left_and_starts_left_to_right() {
    let (tree, [_, b, _], notices) = abc(Strategy::OneForAll).await;
    b.try_send(Tell::PanicBefore(2)).unwrap();
    settle().await;
    assert_eq!(
        notices.take(),
        [
            "root/b failed: b attempt 1",
            "root/c stopped",
            "root/a stopped",
            "root/a restarted after 0ns (attempt 1)",
            "root/b restarted after 0ns (attempt 1)",
            "root/c restarted after 0ns (attempt 1)",
        ]
    );
    tree.stop().await;
}

/// Catches: those before it restarted too, or those after it not.
#[tokio::test(start_paused = true)]
async fn rest_for_one_restarts_the_culprit_and_those_after_it() {
    let (tree, [_, b, _], notices) = abc(Strategy::RestForOne).await;
    b.try_send(Tell::PanicBefore(2)).unwrap();
    settle().await;
    assert_eq!(
        notices.take(),
        [
            "root/b failed: b attempt 1",
            "root/c stopped",
            "root/b restarted after 0ns (attempt 1)",
            "root/c restarted after 0ns (attempt 1)",
        ]
    );
    tree.stop().await;
}

/// Catches: a group restart for each of several crashes.
#[tokio::test(start_paused = true)]
async fn crashes_that_fall_together_cause_one_group_restart() {
    let (tree, mailboxes, notices) = abc(Strategy::OneForAll).await;
    for mailbox in &mailboxes {
        mailbox.try_send(Tell::PanicBefore(2)).unwrap();
    }
    settle().await;
    assert_eq!(
        notices.take(),
        [
            "root/a failed: a attempt 1",
            "root/b failed: b attempt 1",
            "root/c failed: c attempt 1",
            "root/a restarted after 0ns (attempt 1)",
            "root/b restarted after 0ns (attempt 1)",
            "root/c restarted after 0ns (attempt 1)",
        ]
    );
    assert_eq!(tree.health().state, RootState::Running);
    tree.stop().await;
}

/// Catches: a second restart of the group, and a failure that nobody hears of.
#[tokio::test(start_paused = true)]
async fn a_crash_in_the_middle_of_a_group_restart_belongs_to_it_and_is_still_told() {
    let (work, notices) = (Log::default(), Log::default());
    let (a, first) = probe("a", &work);
    let (b, second) = probe("b", &work);
    let (c, third) = probe("c", &work);
    let third = third.shutdown_grace(Duration::from_millis(100));
    let tree = start(root(Strategy::OneForAll, [first, second, third]), &notices)
        .await
        .unwrap();
    c.try_send(Tell::Stall).unwrap();
    c.try_send(Tell::Note(1)).unwrap();
    settle().await;
    notices.take();

    a.try_send(Tell::PanicBefore(2)).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    b.try_send(Tell::PanicBefore(2)).unwrap(); // While the supervisor waits for `c` to stop.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        notices.take(),
        [
            "root/a failed: a attempt 1",
            "root/c failed: did not stop within 100ms, and was killed",
            "root/c stopped",
            "root/b stopped",
            "root/a restarted after 0ns (attempt 1)",
            "root/b restarted after 0ns (attempt 1)",
            "root/c restarted after 0ns (attempt 1)",
            "root/b failed: b attempt 1",
        ]
    );
    tree.stop().await;
}

/// Catches: a retry that restarts again who was restarted meanwhile.
#[tokio::test(start_paused = true)]
async fn a_crash_to_the_left_takes_over_a_group_that_waits() {
    let (tree, [a, b, _], notices) = abc(Strategy::RestForOne).await;
    // The second restart of `b` waits for 50 ms, and in the middle of that `a` crashes.
    b.try_send(Tell::PanicBefore(3)).unwrap();
    settle().await;
    assert_eq!(
        tree.health().state,
        RootState::Degraded {
            children: vec!["root/b".into(), "root/c".into()]
        }
    );
    notices.take();
    a.try_send(Tell::PanicBefore(2)).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        notices.take(),
        [
            "root/a failed: a attempt 1",
            "root/a restarted after 0ns (attempt 1)",
            "root/b restarted after 0ns (attempt 1)",
            "root/c restarted after 0ns (attempt 1)",
        ],
        "and the retry that was due finds nobody waiting"
    );
    tree.stop().await;
}

/// Catches: a restart type that is taken for another.
#[tokio::test(start_paused = true)]
async fn restart_types_decide_who_comes_back() {
    let (work, notices) = (Log::default(), Log::default());
    let kinds = [
        ("permanent", Restart::Permanent),
        ("transient", Restart::Transient),
        ("temporary", Restart::Temporary),
    ];
    for (finish, expected) in [
        (
            Tell::Finish,
            [
                ChildState::Running,
                ChildState::Stopped,
                ChildState::Stopped,
            ],
        ),
        (
            Tell::PanicBefore(2),
            [ChildState::Running, ChildState::Running, ChildState::Failed],
        ),
    ] {
        let (mailboxes, children): (Vec<_>, Vec<_>) = kinds
            .into_iter()
            .map(|(name, restart)| {
                let (mailbox, child) = probe(name, &work);
                (mailbox, child.restart(restart))
            })
            .unzip();
        let tree = start(root(Strategy::OneForOne, children), &notices)
            .await
            .unwrap();
        for mailbox in &mailboxes {
            mailbox.try_send(finish).unwrap();
        }
        settle().await;
        let states = kinds.map(|(name, _)| child(&tree, &format!("root/{name}")).state);
        assert_eq!(states, expected, "after {finish:?}");
        tree.stop().await;
    }
}

/// Catches: a temporary child that is started again, and a mailbox that stays open for nobody.
#[tokio::test(start_paused = true)]
async fn a_temporary_child_does_not_come_back_with_its_group() {
    let (work, notices) = (Log::default(), Log::default());
    let (a, first) = probe("a", &work);
    let (b, second) = probe("b", &work);
    let children = [first, second.restart(Restart::Temporary)];
    let tree = start(root(Strategy::OneForAll, children), &notices)
        .await
        .unwrap();
    a.try_send(Tell::PanicBefore(2)).unwrap();
    settle().await;
    assert_eq!(child(&tree, "root/a").state, ChildState::Running);
    assert_eq!(child(&tree, "root/b").state, ChildState::Stopped);
    assert!(
        b.is_closed(),
        "nobody will drain it any more, and senders learn that"
    );
    tree.stop().await;
}

/// Catches: children that are left over when their supervisor is restarted.
#[tokio::test(start_paused = true)]
async fn a_nested_supervisor_is_restarted_with_all_its_children_in_order() {
    let (work, notices) = (Log::default(), Log::default());
    let (a, first) = probe("a", &work);
    let (b, second) = probe("b", &work);
    let (c, third) = probe("c", &work);
    let mut nested = root(Strategy::OneForOne, [second, third]);
    nested.name = "nested".to_owned();
    let children = [first, supervisor_child(nested)];
    let tree = start(root(Strategy::OneForAll, children), &notices)
        .await
        .unwrap();
    notices.take();

    b.try_send(Tell::PanicBefore(2)).unwrap();
    settle().await;
    assert_eq!(
        notices.take(),
        [
            "root/nested/b failed: b attempt 1",
            "root/nested/b restarted after 0ns (attempt 1)"
        ],
        "a crash inside is the business of the nested supervisor"
    );

    a.try_send(Tell::PanicBefore(2)).unwrap();
    c.try_send(Tell::Note(7)).unwrap();
    settle().await;
    assert_eq!(
        notices.take(),
        [
            "root/a failed: a attempt 1",
            "root/nested/c stopped",
            "root/nested/b stopped",
            "root/nested stopped",
            "root/a restarted after 0ns (attempt 1)",
            "root/nested/b started",
            "root/nested/c started",
            "root/nested restarted after 0ns (attempt 1)",
        ]
    );
    assert!(work.take().contains(&"c 7".to_owned()));
    tree.stop().await;
}
