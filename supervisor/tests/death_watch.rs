//! Whoever watches a child is told of its end, once, however it ends and whenever it ended.

use std::time::Duration;

use futures::FutureExt;
use mercato_supervisor::{
    Death, DeathCause, Intensity, Restart, Strategy, WatchError, supervisor_child,
};

use crate::common::{Log, Tell, probe, root, settle, start};

fn death(path: &str, incarnation: u64, cause: DeathCause) -> Death {
    Death {
        path: path.into(),
        incarnation,
        cause,
    }
}

fn failed(error: &str) -> DeathCause {
    DeathCause::Failed {
        error: error.to_owned(),
    }
}

/// Catches: a notice that does not come, comes for the wrong incarnation, or comes for a sibling.
#[tokio::test(start_paused = true)]
async fn a_crash_is_told_to_each_who_watches_that_incarnation() {
    let log = Log::default();
    let (a, first) = probe("a", &log);
    let (_, second) = probe("b", &log);
    let tree = start(root(Strategy::OneForOne, [first, second]), &Log::default())
        .await
        .unwrap();
    let watcher = tree.watcher();
    let one = watcher.watch("root/a").unwrap();
    let two = watcher.clone().watch("root/a").unwrap();
    let mut sibling = Box::pin(watcher.watch("root/b").unwrap().ended());
    let mut for_good = Box::pin(watcher.watch_for_good("root/a").unwrap().ended());
    settle().await;
    a.try_send(Tell::PanicBefore(2)).unwrap();
    let expected = death("root/a", 1, failed("a attempt 1"));
    assert_eq!(expected.to_string(), "root/a (1) failed: a attempt 1");
    assert_eq!(one.ended().await, expected);
    assert_eq!(two.ended().await, expected);
    settle().await;
    assert!(sibling.as_mut().now_or_never().is_none());
    assert!(for_good.as_mut().now_or_never().is_none(), "it came back");

    let next = watcher.watch("root/a").unwrap();
    tree.stop().await;
    let stopped = death("root/a", 2, DeathCause::Stopped);
    assert_eq!(stopped.to_string(), "root/a (2) was stopped");
    assert_eq!(next.ended().await, stopped);
    assert_eq!(for_good.await, stopped);
    assert_eq!(sibling.await, death("root/b", 1, DeathCause::Stopped));
}

/// Catches: a watch that waits for ever for what has happened already.
#[tokio::test(start_paused = true)]
async fn who_is_dead_already_is_told_at_once() {
    let log = Log::default();
    let (a, first) = probe("a", &log);
    let (b, second) = probe("b", &log);
    let children = [first, second.restart(Restart::Transient)];
    let tree = start(root(Strategy::OneForOne, children), &Log::default())
        .await
        .unwrap();
    let watcher = tree.watcher();
    // Two crashes: it waits for 50 ms.
    a.try_send(Tell::PanicBefore(3)).unwrap();
    b.try_send(Tell::Finish).unwrap();
    settle().await;
    let told = watcher.watch("root/a").unwrap().ended().now_or_never();
    assert_eq!(told, Some(death("root/a", 2, failed("a attempt 2"))));
    let mut for_good = Box::pin(watcher.watch_for_good("root/a").unwrap().ended());
    assert!(
        for_good.as_mut().now_or_never().is_none(),
        "it will be back"
    );
    let finished = death("root/b", 1, DeathCause::Finished);
    assert_eq!(finished.to_string(), "root/b (1) finished");
    for watch in [watcher.watch("root/b"), watcher.watch_for_good("root/b")] {
        assert_eq!(
            watch.unwrap().ended().now_or_never(),
            Some(finished.clone())
        );
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let alive = watcher.watch("root/a").unwrap();
    assert!(alive.ended().now_or_never().is_none(), "now it is");
    tree.stop().await;
    let stopped = death("root/a", 3, DeathCause::Stopped);
    assert_eq!(for_good.await, stopped);
    let after = watcher.watch("root/a").unwrap().ended().now_or_never();
    assert_eq!(after, Some(stopped), "also when the tree is gone");
}

/// Catches: watchers of a tree that has given up who are never told.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_tree_is_the_end_of_all_its_children() {
    let log = Log::default();
    let (a, first) = probe("a", &log);
    let (_, second) = probe("b", &log);
    let mut nested = root(Strategy::OneForOne, [first]);
    nested.name = "nested".to_owned();
    nested.intensity = Intensity {
        restarts_max: 0,
        ..Intensity::default()
    };
    let mut spec = root(Strategy::OneForOne, [supervisor_child(nested), second]);
    spec.intensity = Intensity {
        restarts_max: 0,
        ..Intensity::default()
    };
    let tree = start(spec, &Log::default()).await.unwrap();
    let watcher = tree.watcher();
    let paths = ["root/nested", "root/nested/a", "root/b"];
    let watches = paths.map(|path| watcher.watch_for_good(path).unwrap());
    a.try_send(Tell::Panic).unwrap();
    let [nested, a, b] = watches.map(|watch| watch.ended());
    let reason = "more than 0 restarts within 60s, the last for root/nested/a: a was told to";
    assert_eq!(nested.await, death("root/nested", 1, failed(reason)));
    assert_eq!(a.await, death("root/nested/a", 1, failed("a was told to")));
    assert_eq!(b.await, death("root/b", 1, DeathCause::Stopped));
    tree.stop().await;
}

/// Catches: one notice for each restart of a nested supervisor that its children do not get.
#[tokio::test(start_paused = true)]
async fn children_of_a_supervisor_that_is_restarted_die_with_it_and_are_not_gone() {
    let log = Log::default();
    let (a, first) = probe("a", &log);
    let (_, second) = probe("b", &log);
    let mut nested = root(Strategy::OneForOne, [second]);
    nested.name = "nested".to_owned();
    let children = [first, supervisor_child(nested)];
    let tree = start(root(Strategy::OneForAll, children), &Log::default())
        .await
        .unwrap();
    let watcher = tree.watcher();
    let inner = watcher.watch("root/nested/b").unwrap();
    let mut for_good = Box::pin(watcher.watch_for_good("root/nested/b").unwrap().ended());
    a.try_send(Tell::PanicBefore(2)).unwrap();
    assert_eq!(
        inner.ended().await,
        death("root/nested/b", 1, DeathCause::Stopped)
    );
    settle().await;
    assert!(for_good.as_mut().now_or_never().is_none());
    tree.stop().await;
    assert_eq!(for_good.await.incarnation, 2);
}

/// Catches: a path that is taken for another, and watchers without a bound.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_watched_is_said() {
    let (_, first) = probe("a", &Log::default());
    let tree = start(root(Strategy::OneForOne, [first]), &Log::default())
        .await
        .unwrap();
    let watcher = tree.watcher();
    let unknown = watcher.watch("root/b").unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "the tree has no child root/b; paths read like `root/nested/child`"
    );
    for _ in 0..10_000 {
        drop(watcher.watch("root/a").unwrap());
    }
    let mut kept = Vec::new();
    let refused = loop {
        match watcher.watch("root/a") {
            Ok(watch) => kept.push(watch),
            Err(error) => break error,
        }
    };
    assert!(matches!(
        refused,
        WatchError::TooMany {
            watchers_max: 4_096,
            ..
        }
    ));
    assert_eq!(kept.len(), 4_096);
    kept.pop();
    assert!(watcher.watch("root/a").is_ok());
    tree.stop().await;
    for watch in kept {
        assert_eq!(watch.ended().await.cause, DeathCause::Stopped);
    }
}
