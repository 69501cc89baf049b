//! Faults strike where they are told to, and nothing is lost by them.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use mercato::persistence::{JournalOptions, RedbJournal, WriterPlace};
use mercato::testkit::{Fault, Faults, Moment, TestWorld, strict};
use mercato::{AgentOptions, AskError, AskFailure, Caller, Runtime};

use crate::support::{Add, Counters, Read, add, one_shard, read};

/// Catches: a fault at another moment, command or entity than it was armed for, and a crash at any moment
/// that loses the command or has it done twice.
#[tokio::test(start_paused = true)]
async fn a_crash_at_any_moment_loses_nothing_and_doubles_nothing() {
    let moments = [Moment::Load, Moment::Decide, Moment::Evolve, Moment::Answer];
    for moment in moments {
        let world = TestWorld::new(1);
        let runtime = world.start(one_shard).await;
        world
            .faults()
            .arm(Fault::at(moment).of::<Add>().on("a").nth(3));
        for n in 1..=5 {
            assert_eq!(runtime.ask(add("b", 1)).await, Ok(n));
            assert_eq!(runtime.ask(read("a")).await, Ok(n - 1));
            assert_eq!(
                world.faults().struck(),
                u32::from(n > 3),
                "at {moment:?} {n}"
            );
            assert_eq!(runtime.ask(add("a", 1)).await, Ok(n), "at {moment:?}");
        }
        let stats = runtime.probe::<Counters>().stats();
        assert_eq!((stats.restarts, stats.quarantined), (1, 0), "at {moment:?}");
        // Recorded before the crash, it gets its first reply when it comes again.
        let is_recorded = moment == Moment::Answer;
        assert_eq!(stats.repeated, u64::from(is_recorded), "at {moment:?}");
        runtime.stop().await;
    }
}

/// Catches: a fault that strikes for ever or once too little, and one that cannot be taken away.
#[tokio::test(start_paused = true)]
async fn a_fault_strikes_as_often_as_it_is_told() {
    let world = TestWorld::new(1);
    let runtime = world.start(one_shard).await;
    world.faults().arm(Fault::at(Moment::Decide).times(3));
    assert_eq!(
        runtime.ask(add("a", 1)).await,
        Err(AskError::Failed(AskFailure::Quarantined { attempts: 3 }))
    );
    assert_eq!(runtime.ask(add("a", 1)).await, Ok(1));
    world.faults().arm(Fault::at(Moment::Decide).in_timers());
    assert_eq!(runtime.ask(add("a", 1)).await, Ok(2), "it is of no timer");
    world.faults().arm(Fault::at(Moment::Decide).of::<Read>());
    world.faults().disarm();
    assert_eq!(runtime.ask(read("a")).await, Ok(2));
    assert_eq!(world.faults().struck(), 3);
    runtime.stop().await;
}

/// Catches: a command that is said to hang and does not, and one that is not let go.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_command_that_hangs_is_given_up_and_its_shard_replaced() {
    let journal = RedbJournal::in_memory(JournalOptions::default(), WriterPlace::Thread);
    let faults = Faults::default();
    let options = AgentOptions {
        shards: NonZeroUsize::MIN,
        command_max: Some(Duration::from_millis(100)),
        ..AgentOptions::default()
    };
    let builder = Runtime::builder(Arc::new(journal.expect("a journal")))
        .agent_with(Counters::default(), options)
        .fault_hook(faults.hook());
    let runtime = strict(builder).start().await.expect("it starts");
    let (hang, gate) = Fault::at(Moment::Decide).on("a").holding();
    faults.arm(hang);
    let handle = runtime.handle();
    let caller = Caller::system().within(Duration::from_secs(60));
    // What hangs is told to nobody before its time is over.
    let hurried = caller.clone().within(Duration::from_secs(1));
    let (hung, behind) = tokio::join!(
        handle.ask(&hurried, add("a", 1)),
        handle.ask(&caller, add("b", 1)),
    );
    assert_eq!(hung, Err(AskError::Failed(AskFailure::DeadlineExceeded)));
    assert_eq!(behind, Ok(1), "the commands behind it are served");
    assert_eq!(faults.struck(), 1);
    gate.release();
    runtime.stop().await.expect("it stops");
}
