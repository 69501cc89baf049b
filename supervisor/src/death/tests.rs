//! The ledger of deaths by itself.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use futures::FutureExt;

use super::*;

fn of_two() -> Arc<Deaths> {
    Arc::new(Deaths::new(["a".into(), "b".into()].into_iter()))
}

fn failed(error: &str) -> DeathCause {
    DeathCause::Failed {
        error: error.to_owned(),
    }
}

/// Catches: a child that never started and is taken for alive.
#[test]
fn who_never_started_is_dead_and_not_gone() {
    let deaths = of_two();
    let watcher = Watcher::new(deaths.clone());
    let told = watcher.watch("b").unwrap().ended().now_or_never().unwrap();
    assert_eq!(
        (told.incarnation, &told.cause),
        (0, &DeathCause::NotStarted)
    );
    assert_eq!(told.to_string(), "b was not started");
    let mut for_good = Box::pin(watcher.watch_for_good("b").unwrap().ended());
    assert!(for_good.as_mut().now_or_never().is_none());
    deaths.gone(1);
    let told = for_good.now_or_never().unwrap();
    assert_eq!(
        told.cause,
        DeathCause::NotStarted,
        "it was never alive to be stopped"
    );
    assert!(
        watcher
            .watch_for_good("b")
            .unwrap()
            .ended()
            .now_or_never()
            .is_some()
    );
    assert!(format!("{watcher:?}").contains("Watcher"));
}

/// Catches: two notices of one death, and a later cause that covers the first.
#[test]
fn the_first_cause_stands() {
    let deaths = of_two();
    let watcher = Watcher::new(deaths.clone());
    deaths.born(0);
    let watch = watcher.watch("a").unwrap();
    deaths.died(0, failed("once"));
    deaths.died(0, DeathCause::Stopped);
    let told = watch.ended().now_or_never().unwrap();
    assert_eq!((told.incarnation, told.cause), (1, failed("once")));
    let told = watcher.watch("a").unwrap().ended().now_or_never().unwrap();
    assert_eq!(told.cause, failed("once"));
    deaths.born(0);
    let mut alive = Box::pin(watcher.watch("a").unwrap().ended());
    assert!(alive.as_mut().now_or_never().is_none());
    deaths.all_gone();
    let told = alive.now_or_never().unwrap();
    assert_eq!((told.incarnation, told.cause), (2, DeathCause::Stopped));
    assert!(
        watcher
            .watch_for_good("b")
            .unwrap()
            .ended()
            .now_or_never()
            .is_some()
    );
}

/// Catches: a watch that waits for ever when nobody is left to tell.
#[test]
fn a_watch_ends_with_those_who_could_tell() {
    let deaths = of_two();
    deaths.born(0);
    let watch = Watcher::new(deaths.clone()).watch("a").unwrap();
    drop(deaths);
    let told = watch.ended().now_or_never().unwrap();
    assert_eq!((&*told.path, told.cause), ("a", DeathCause::Stopped));
}
