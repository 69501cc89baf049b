//! A runtime that is started again over the same journal goes on where it was.

use std::num::NonZeroU64;

use crate::support::{Counters, add, file, read, virtual_runtime};
use mercato::{AgentOptions, Caller, CommandId, RecoveryOptions};

/// Catches: state, versions or first replies that are not rebuilt from the journal, and snapshots
/// that are misread.
#[tokio::test(start_paused = true)]
async fn state_and_first_replies_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let once = Caller::system().keyed(CommandId::from_key("once"));
    for day in 0..3 {
        let often = AgentOptions {
            snapshot_every_events: NonZeroU64::new(128),
            ..AgentOptions::default()
        };
        let builder = virtual_runtime(file(&path)).agent_with(Counters::default(), often);
        let runtime = builder.start().await.expect("it starts");
        let handle = runtime.handle();
        // More events than a snapshot waits for, so that later days begin from one.
        for _ in 0..300 {
            let added = handle.ask(&Caller::system(), add("a", 1)).await;
            assert!(added.is_ok(), "{added:?}");
        }
        assert_eq!(handle.ask(&once, add("b", 10)).await, Ok(10), "day {day}");
        assert_eq!(
            handle.ask(&Caller::system(), read("a")).await,
            Ok(300 * (day + 1))
        );
        assert_eq!(handle.ask(&Caller::system(), read("b")).await, Ok(10));
        runtime.stop().await.expect("it stops");
    }
    let report = mercato::persistence::verify(&path, |_| ()).expect("it opens");
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!(report.events, 901);
}

/// Catches: a start that leaves everything to the first who ask, one that loads what nobody used
/// lately, and commands that wait until all is loaded.
#[tokio::test(start_paused = true)]
async fn what_was_written_to_last_is_back_in_memory_before_anybody_asks() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let builder = virtual_runtime(file(&path)).agent(Counters::default());
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    for n in 0..50 {
        let added = handle
            .ask(&Caller::system(), add(&format!("c{n}"), n))
            .await;
        added.expect("an answer");
    }
    drop(handle);
    runtime.stop().await.expect("it stops");

    let runtime = virtual_runtime(file(&path))
        .agent(Counters::default())
        .recovery(RecoveryOptions {
            preload_max: 20,
            ..RecoveryOptions::default()
        })
        .start()
        .await
        .expect("it starts");
    // It serves at once, those first who ask.
    let cold = runtime.handle().ask(&Caller::system(), read("c3")).await;
    assert_eq!(cold, Ok(3));
    runtime.until_recovered().await;
    let progress = runtime.recovery();
    assert_eq!(
        (progress.loaded, progress.of, progress.finished),
        (20, 20, true)
    );
    let handle = runtime.handle();
    let loaded = || handle.stats()[0].reactivated;
    let before = loaded();
    for n in 30..50 {
        let warm = handle.ask(&Caller::system(), read(&format!("c{n}"))).await;
        assert_eq!(warm, Ok(n));
    }
    assert_eq!(loaded(), before, "they are here already");
    let cold = handle.ask(&Caller::system(), read("c29")).await;
    assert_eq!(cold, Ok(29));
    assert_eq!(loaded(), before + 1, "the others are not");
    drop(handle);
    runtime.stop().await.expect("it stops");

    // Whoever waits for it waits until it is over, though nobody asks for anything meanwhile.
    let builder = virtual_runtime(file(&path)).agent(Counters::default());
    let runtime = builder.start().await.expect("it starts");
    assert!(!runtime.recovery().finished);
    runtime.until_recovered().await;
    let progress = runtime.recovery();
    assert_eq!((progress.loaded, progress.finished), (50, true));
    runtime.stop().await.expect("it stops");
}
