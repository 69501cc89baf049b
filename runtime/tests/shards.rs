//! What becomes of commands whose shard crashes, hangs or waits, and what is told of them.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use futures::FutureExt;
use mercato::persistence::{JournalOptions, Position, RedbJournal, WriterPlace};
use mercato::testkit::{Fault, Moment, TestWorld, strict};
use mercato::{
    AgentOptions, AskError, AskFailure, CachesSettings, Caller, CrashPoint, FAMILIES,
    QuarantineQuery, QuarantineRecords, Runtime, RuntimeBuilder,
};

use crate::support::{Counters, add, one_shard, read};

/// Every shard hangs for as long as `stalls` says so.
pub fn stalling(builder: RuntimeBuilder, stalls: &Arc<AtomicBool>) -> RuntimeBuilder {
    let stalls = stalls.clone();
    builder.stall_hook(move |_| {
        let stalls = stalls.clone();
        let until_it_is_over = async move {
            while stalls.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        Some(until_it_is_over.boxed())
    })
}

/// Catches: a command that is decided once more because its shard crashed after it was answered.
#[tokio::test(start_paused = true)]
async fn what_was_answered_before_a_crash_is_not_decided_again() {
    let world = TestWorld::new(1);
    let runtime = world.start(one_shard).await;
    let crash = || runtime.crash_shard("counters", 0, CrashPoint::NextCommand);
    assert!(crash());
    let refused = runtime.ask(add("a", -1)).await;
    assert!(matches!(refused, Err(AskError::Rejected(_))), "{refused:?}");
    assert!(crash());
    assert_eq!(runtime.ask(read("a")).await, Ok(0));
    assert!(crash());
    assert_eq!(runtime.ask(add("a", 1)).await, Ok(1));
    // Behind whatever came again.
    assert_eq!(runtime.ask(read("a")).await, Ok(1));
    let stats = runtime.probe::<Counters>().stats();
    assert_eq!((stats.restarts, stats.handled, stats.rejected), (3, 3, 1));
    assert_eq!(stats.repeated, 0);
    runtime.stop().await;
}

/// Catches: whoever still waits when a command that hung was given up, and is told that the runtime stops
/// when the command panics after all.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_waits_for_a_command_that_hung_and_panicked_is_to_ask_again() {
    let journal = RedbJournal::in_memory(JournalOptions::default(), WriterPlace::Thread);
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(Some(held));
    let options = AgentOptions {
        shards: NonZeroUsize::MIN,
        command_max: Some(Duration::from_millis(100)),
        ..AgentOptions::default()
    };
    let builder = Runtime::builder(Arc::new(journal.expect("a journal")))
        .agent_with(Counters::default(), options)
        .fault_hook(move |point| {
            let first = match point.moment {
                Moment::Decide if point.entity == "a" => held.lock().expect("no panic").take(),
                _ => None,
            };
            if let Some(held) = first {
                held.recv().expect("it is released");
                panic!("it hung, and panics after that");
            }
        });
    let runtime = strict(builder).start().await.expect("it starts");
    let handle = runtime.handle();
    let caller = Caller::system().within(Duration::from_secs(60));
    let behind = async {
        let answer = handle.ask(&caller, add("b", 1)).await;
        release.send(()).expect("it is held");
        answer
    };
    let (hung, behind) = tokio::join!(handle.ask(&caller, add("a", 1)), behind);
    assert_eq!(behind, Ok(1), "the commands behind it are served");
    assert_eq!(hung, Err(AskError::Failed(AskFailure::DeadlineExceeded)));
    assert_eq!(handle.ask(&caller, add("a", 1)).await, Ok(1));
    runtime.stop().await.expect("it stops");
}

/// Catches: a message that waits for its shard and is not counted, be it in its mailbox, in its hand, or one
/// that is none of its commands.
#[tokio::test(start_paused = true)]
async fn whatever_waits_for_a_shard_is_counted() {
    let world = TestWorld::new(1);
    let stalls = Arc::new(AtomicBool::new(false));
    let builder = stalling(one_shard(world.builder(world.journal())), &stalls);
    let runtime = builder.start().await.expect("it starts");
    stalls.store(true, Ordering::Relaxed);
    let handle = runtime.handle();
    let ask = || {
        let handle = handle.clone();
        tokio::spawn(async move { handle.ask(&Caller::system(), add("a", 1)).await })
    };
    let in_hand = [(); 3].map(|()| ask());
    tokio::time::sleep(Duration::from_millis(10)).await;
    let in_the_mailbox = [(); 2].map(|()| ask());
    assert!(runtime.crash_shard("counters", 0, CrashPoint::Idle));
    tokio::time::sleep(Duration::from_millis(10)).await;
    let depth = || {
        let metrics = runtime.metrics();
        metrics.gauge("mercato_mailbox_depth", &["counters", "0"])
    };
    assert_eq!(depth(), Some(6.0));
    stalls.store(false, Ordering::Relaxed);
    for (n, answer) in (1..).zip(in_hand.into_iter().chain(in_the_mailbox)) {
        assert_eq!(answer.await.expect("no panic"), Ok(n));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(depth(), Some(0.0));
    runtime.stop().await.expect("it stops");
}

/// Catches: a command that was shed because nobody waits for it any more, and is not counted, or is told
/// that the runtime stops.
#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_any_more_is_shed_and_counted() {
    let world = TestWorld::new(1);
    let stalls = Arc::new(AtomicBool::new(true));
    let builder = stalling(one_shard(world.builder(world.journal())), &stalls);
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    let ask = |seconds| {
        let handle = handle.clone();
        let caller = Caller::system().within(Duration::from_secs(seconds));
        tokio::spawn(async move { handle.ask(&caller, add("a", 1)).await })
    };
    let patient = ask(60);
    tokio::time::sleep(Duration::from_millis(10)).await;
    let hasty = [(); 3].map(|()| ask(1));
    tokio::time::sleep(Duration::from_secs(5)).await;
    stalls.store(false, Ordering::Relaxed);
    assert_eq!(patient.await.expect("no panic"), Ok(1));
    for hasty in hasty {
        let failed = AskError::Failed(AskFailure::DeadlineExceeded);
        assert_eq!(hasty.await.expect("no panic"), Err(failed));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let metrics = runtime.metrics();
    assert_eq!(
        metrics.counter("mercato_commands_total", &["counters", "shed"]),
        3
    );
    for (reason, count) in [
        ("expired", 3),
        ("stuck", 0),
        ("ended", 0),
        ("stopped", 0),
        ("down", 0),
    ] {
        let told = metrics.counter("mercato_dead_letters_total", &["counters", reason]);
        assert_eq!(told, count, "{reason}");
    }
    runtime.stop().await.expect("it stops");
}

/// Catches: an entity that stays in memory although nobody asks for it, since nobody wakes its shard.
#[tokio::test(start_paused = true)]
async fn who_is_idle_leaves_without_being_asked() {
    let world = TestWorld::new(1);
    let runtime = world.start(one_shard).await;
    assert_eq!(runtime.ask(add("a", 1)).await, Ok(1));
    let stats = || runtime.probe::<Counters>().stats();
    tokio::time::sleep(Duration::from_secs(599)).await;
    assert_eq!((stats().passivated, stats().reactivated), (0, 0));
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert_eq!((stats().passivated, stats().reactivated), (1, 0));
    assert_eq!(runtime.ask(read("a")).await, Ok(1));
    assert_eq!((stats().passivated, stats().reactivated), (1, 1));
    runtime.stop().await;
}

/// Catches: metrics in another order than that of their table.
#[tokio::test(start_paused = true)]
async fn metrics_come_in_the_order_of_their_table() {
    let world = TestWorld::new(1);
    let cached = |it| one_shard(it).caches(CachesSettings::default());
    let runtime = world.start(cached).await;
    assert_eq!(runtime.ask(add("a", 1)).await, Ok(1));
    let metrics = runtime.metrics();
    let told: Vec<_> = metrics.families.iter().map(|it| it.family.name).collect();
    let all = FAMILIES.iter().map(|family| family.name);
    let expected: Vec<_> = all.filter(|name| told.contains(name)).collect();
    assert_eq!(told, expected);
    assert!(told.len() > 20, "{told:?}");
    runtime.stop().await;
}

/// Catches: something that stands aside and that the records alone do not tell, or tell otherwise or in
/// another order than the runtime does.
#[tokio::test(start_paused = true)]
async fn what_stands_aside_is_told_by_the_records_alone() {
    let world = TestWorld::new(1);
    let runtime = world.start(one_shard).await;
    for name in ["c", "a", "d", "b"] {
        world.faults().arm(Fault::at(Moment::Decide).times(3));
        let asked = runtime.ask(add(name, 1)).await;
        let quarantined = AskFailure::Quarantined { attempts: 3 };
        assert_eq!(asked, Err(AskError::Failed(quarantined)));
        // As often as these panic, the shard would else be given up.
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let told = runtime.quarantine().list(&QuarantineQuery::default());
    let told = told.expect("it reads").items;
    let names: Vec<_> = told.iter().map(|item| &*item.entity).collect();
    assert_eq!(names, ["c", "a", "d", "b"]);
    let mut records = QuarantineRecords::default();
    let all = runtime.journal().read(Position::START, 1_000);
    for recorded in all.expect("it reads") {
        records.add(&recorded).expect("readable");
    }
    assert_eq!(records.standing(), told);
    runtime.stop().await;
}
