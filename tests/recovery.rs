//! A runtime that is started again over the same journal goes on where it was.

mod support;

use mercato::{Caller, CommandId};
use support::{Counters, add, file, read, virtual_runtime};

/// Catches: state, versions or first replies that are not rebuilt from the journal, and snapshots
/// that are misread.
#[tokio::test(start_paused = true)]
async fn state_and_first_replies_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let once = Caller::system().keyed(CommandId::from_key("once"));
    for day in 0..3 {
        let builder = virtual_runtime(file(&path)).agent(Counters::default());
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
