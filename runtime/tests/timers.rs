//! Timers whose commands are on their way for long.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use mercato::persistence::{Append, TimerChange};
use mercato::testkit::{Moment, TestWorld};
use mercato::{AgentOptions, Caller, Command, Context, Decided, Decision};
use serde::{Deserialize, Serialize};

use crate::shards::stalling;
use crate::support::{Count, Counters, add, read};

/// Has the counter count this much more after ten seconds, or not at all.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Later {
    counter: String,
    by: Option<i64>,
}

pub(crate) fn later(counter: &str, by: Option<i64>) -> Later {
    Later {
        counter: counter.into(),
        by,
    }
}

impl Command for Later {
    type Agent = Counters;
    type Reply = ();
    const NAME: &'static str = "Later";

    fn entity(&self) -> Cow<'_, str> {
        (&*self.counter).into()
    }

    fn decide(&self, _: &Counters, _: &Count, context: &Context<'_>) -> Decided<Self> {
        let due = context.now.plus(Duration::from_secs(10));
        let reply = Decision::reply(());
        Ok(match self.by {
            Some(by) => reply.set_timer("more", due, &add(&self.counter, by)),
            None => reply.clear_timer("more"),
        })
    }
}

/// Catches: a timer that was cleared while its command was on its way, and whose command is done all the same.
#[tokio::test(start_paused = true)]
async fn a_timer_that_is_cleared_while_its_command_is_on_its_way_does_nothing() {
    let world = TestWorld::new(1);
    let a_second = |builder: mercato::RuntimeBuilder| {
        let builder = builder.agent(Counters::default());
        builder.delay_hook(|_| Duration::from_secs(1))
    };
    let runtime = world.start(a_second).await;
    for counter in ["cleared", "kept"] {
        runtime
            .ask(later(counter, Some(1)))
            .await
            .expect("it is set");
    }
    tokio::time::sleep(Duration::from_millis(10_500)).await;
    runtime.ask(later("cleared", None)).await.expect("cleared");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(runtime.ask(read("cleared")).await, Ok(0));
    assert_eq!(runtime.ask(read("kept")).await, Ok(1));
    runtime.stop().await;
}

/// Catches: more timers at work than may be, because some of them hang while others are done; and ones that
/// are never given after that.
#[tokio::test(start_paused = true)]
async fn no_more_timers_are_at_work_than_may_be() {
    const AT_WORK_MAX: usize = 256;
    let world = TestWorld::new(1);
    let hangs = Arc::new(AtomicBool::new(false));
    let (given, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let options = AgentOptions {
        shards: NonZeroUsize::new(2).expect("two"),
        ..AgentOptions::default()
    };
    let (stalled, giving, done) = (hangs.clone(), given.clone(), given.clone());
    let greatest = most.clone();
    let builder = world
        .builder(world.journal())
        .agent_with(Counters::default(), options)
        .stall_hook(move |point| {
            let stalled = stalled.clone();
            let until_it_is_over = async move {
                while stalled.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            };
            (point.shard == 0).then(|| until_it_is_over.boxed())
        })
        .delay_hook(move |_| {
            let now = giving.fetch_add(1, Ordering::Relaxed) + 1;
            greatest.fetch_max(now, Ordering::Relaxed);
            Duration::ZERO
        })
        .fault_hook(move |point| {
            if point.moment == Moment::Answer && point.is_timer {
                done.fetch_sub(1, Ordering::Relaxed);
            }
        });
    let runtime = builder.start().await.expect("it starts");
    let (handle, caller) = (runtime.handle(), Caller::system());
    let counters: Vec<_> = (0..800).map(|n| format!("c{n}")).collect();
    let set = counters
        .iter()
        .map(|it| handle.ask(&caller, later(it, Some(1))));
    let set = futures::future::join_all(set).await;
    assert!(set.iter().all(Result::is_ok));
    hangs.store(true, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(most.load(Ordering::Relaxed), AT_WORK_MAX);
    assert_eq!(given.load(Ordering::Relaxed), AT_WORK_MAX, "these hang");
    hangs.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(600)).await;
    for counter in &counters {
        assert_eq!(handle.ask(&caller, read(counter)).await, Ok(1), "{counter}");
    }
    runtime.stop().await.expect("it stops");
}

/// Catches: a timer that cannot be served and that is tried anew at short waits, because it was forgotten while
/// as many were at work as may be.
#[tokio::test(start_paused = true)]
async fn a_timer_that_cannot_be_served_is_not_forgotten_while_others_hang() {
    let (world, hangs) = (TestWorld::new(1), Arc::new(AtomicBool::new(false)));
    let options = AgentOptions {
        shards: NonZeroUsize::MIN,
        ..AgentOptions::default()
    };
    let journal = world.journal();
    let ghost = TimerChange::Set {
        name: "ring".into(),
        due_at_ms: 0,
        payload: Vec::new(),
    };
    let append = Append {
        timers: vec![ghost],
        ..Append::to("ghosts/g", 0, 0)
    };
    journal.append(append).expect("it is taken");
    let builder = world.builder(journal);
    let builder = builder.agent_with(Counters::default(), options);
    let builder = stalling(builder, &hangs);
    let runtime = builder.start().await.expect("it starts");
    // By now there are ten seconds between two tries.
    tokio::time::sleep(Duration::from_secs(100)).await;
    let (handle, caller) = (runtime.handle(), Caller::system());
    let counters: Vec<_> = (0..256).map(|n| format!("c{n}")).collect();
    let set = counters
        .iter()
        .map(|it| handle.ask(&caller, later(it, Some(1))));
    assert!(
        futures::future::join_all(set)
            .await
            .iter()
            .all(Result::is_ok)
    );
    let before = runtime.timer_stats();
    hangs.store(true, Ordering::Relaxed);
    // They are given after ten seconds, and have ten seconds.
    tokio::time::sleep(Duration::from_millis(19_900)).await;
    hangs.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(50)).await;
    let after = runtime.timer_stats();
    assert_eq!(after.fired - before.fired, 256);
    let tries = after.retried - before.retried;
    assert!((5..=7).contains(&tries), "{tries} in 70 seconds");
    runtime.stop().await.expect("it stops");
}
