//! What strikes from within a runtime in virtual time: shards that hang, replays that crash, commands
//! that are late. Nothing is lost by any of them.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use mercato::supervisor::DeathCause;
use mercato::testkit::{Fault, Faults};
use mercato::{AgentOptions, AskError, AskFailure, Caller, Moment, Runtime, Scope};

use crate::support::{Counters, add, memory, read, virtual_runtime};

const SECOND: Duration = Duration::from_secs(1);

fn options(shards: usize) -> AgentOptions {
    AgentOptions {
        shards: NonZeroUsize::new(shards).expect("some"),
        ready_max: Some(SECOND * 3),
        ..AgentOptions::default()
    }
}

/// Two shards, of which the first one hangs with its next message, as often as is said.
async fn hanging(hangs: u32) -> Runtime {
    let left = Arc::new(AtomicU32::new(hangs));
    let builder = virtual_runtime(memory())
        .agent_with(Counters::default(), options(2))
        .stall_hook(move |point| {
            assert_eq!(point.agent, "counters");
            let taken = || {
                left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
                    .is_ok()
            };
            (point.shard == 0 && taken()).then(|| std::future::pending().boxed())
        });
    builder.start().await.expect("it starts")
}

/// Catches: a shard that hangs for ever, or longer than its bound; a command that it held and that is
/// lost, done twice, or blamed; others that wait with it.
#[tokio::test(start_paused = true)]
async fn a_shard_without_progress_is_replaced_and_what_it_held_comes_again() {
    for hangs in 1..=4 {
        let runtime = hanging(hangs).await;
        let (handle, watcher) = (runtime.handle(), runtime.watcher());
        let death = watcher.watch("mercato/counters/0").expect("a shard");
        let caller = Caller::system().within(SECOND * 60);
        let began = handle.clock().elapsed();
        let asks = (0..20).map(|n| {
            let (handle, caller) = (handle.clone(), caller.clone());
            async move {
                let answer = handle.ask(&caller, add(&format!("c{n}"), 1)).await;
                assert_eq!(answer, Ok(1));
                handle.clock().elapsed() - began
            }
        });
        let took = join_all(asks).await;
        let at_once = took.iter().filter(|took| **took < SECOND).count();
        let held = took
            .iter()
            .filter(|took| **took >= SECOND * 3 * hangs)
            .count();
        assert!(at_once > 0 && held > 0, "{took:?}");
        assert_eq!(at_once + held, 20, "{took:?}");
        // The bound, and the waits of the second and later restarts.
        let slack = SECOND * (hangs - 1);
        assert!(
            took.iter()
                .all(|took| *took < SECOND * 3 * hangs + SECOND + slack)
        );
        let stats = &handle.stats()[0];
        assert_eq!((stats.restarts, stats.quarantined), (hangs.into(), 0));
        assert!(matches!(death.ended().await.cause, DeathCause::Hung { .. }));
        for n in 0..20 {
            assert_eq!(handle.ask(&caller, read(&format!("c{n}"))).await, Ok(1));
        }
        runtime.stop().await.expect("it stops");
    }
}

/// Catches: a crash in the midst of a replay that is taken for a fault of the event, so that its entity
/// stands aside, or that leaves half of an entity behind.
#[tokio::test(start_paused = true)]
async fn a_crash_in_the_midst_of_a_replay_costs_a_restart() {
    let faults = Faults::default();
    let one_at_a_time = AgentOptions {
        active_entities_max: NonZeroUsize::MIN,
        ..options(1)
    };
    let builder = virtual_runtime(memory())
        .agent_with(Counters::default(), one_at_a_time)
        .fault_hook(faults.hook());
    let runtime = builder.start().await.expect("it starts");
    let (handle, caller) = (runtime.handle(), Caller::system());
    for n in 1..=5 {
        assert_eq!(handle.ask(&caller, add("a", 1)).await, Ok(n));
    }
    for n in 1..=2 {
        // It takes the room of the other one.
        assert!(handle.ask(&caller, add("b", 1)).await.is_ok());
        assert_eq!(faults.struck(), 2 * (n - 1));
        faults.arm(Fault::at(Moment::Replay).on("a").times(2));
        assert_eq!(handle.ask(&caller, add("a", 1)).await, Ok(5 + i64::from(n)));
        assert_eq!(faults.struck(), 2 * n);
    }
    let stats = &handle.stats()[0];
    assert_eq!((stats.restarts, stats.quarantined, stats.failed), (4, 0, 0));
    runtime.stop().await.expect("it stops");
}

/// Catches: a delay that is not taken, one of whoever asks from outside, and one that the deadline does
/// not end.
#[tokio::test(start_paused = true)]
async fn a_command_within_the_runtime_may_be_late_and_runs_out_of_time() {
    let millis = Arc::new(AtomicU32::new(2_000));
    let late = millis.clone();
    let builder = virtual_runtime(memory())
        .agent_with(Counters::default(), options(1))
        .delay_hook(move |point| {
            assert_eq!((point.agent, point.command), ("counters", "Add"));
            Duration::from_millis(late.load(Ordering::SeqCst).into())
        });
    let runtime = builder.start().await.expect("it starts");
    let (handle, caller) = (runtime.handle(), Caller::system().within(SECOND * 5));
    let began = handle.clock().elapsed();
    let took = || handle.clock().elapsed() - began;
    assert_eq!(handle.ask(&caller, add("a", 1)).await, Ok(1));
    assert!(took() < SECOND, "nobody within asked: {:?}", took());
    let workflow = async |scope: &Scope| scope.ask(add("a", 1)).await;
    assert_eq!(handle.serve(&caller, workflow).await, Ok(2));
    assert!((SECOND * 2..SECOND * 3).contains(&took()), "{:?}", took());
    millis.store(60_000, Ordering::SeqCst);
    let answer = handle.serve(&caller, workflow).await;
    assert_eq!(answer, Err(AskError::Failed(AskFailure::DeadlineExceeded)));
    assert!(took() < SECOND * 8, "{:?}", took());
    tokio::time::sleep(SECOND * 100).await;
    assert_eq!(handle.ask(&caller, read("a")).await, Ok(2), "it never ran");
    runtime.stop().await.expect("it stops");
}
