//! What a restart promises to those who ask: the shard is back, the command comes again, others do
//! not notice, a shard that hangs is replaced, and whoever watches is told.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use crate::support::{
    Added, BelowZero, Count, CounterEvent, Counters, add, memory, read, virtual_runtime,
};
use mercato::persistence::{Journal, JournalOptions, RedbJournal, WriterPlace};
use mercato::supervisor::{DeathCause, RootState};
use mercato::{
    Agent, AgentOptions, AskError, AskFailure, Caller, Command, CommandId, Commands, Context,
    CrashPoint, Decided, Decision, Kind, Runtime,
};
use serde::{Deserialize, Serialize};

/// Catches: a restart that takes a moment where it need not, and one that loses what was recorded.
#[tokio::test(start_paused = true)]
async fn a_shard_that_crashed_is_back_at_once_with_its_entities() {
    let builder = virtual_runtime(memory()).agent(Counters::default());
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    let caller = Caller::system();
    for n in 0..40 {
        let counter = format!("c{}", n % 10);
        assert!(handle.ask(&caller, add(&counter, 1)).await.is_ok());
    }
    let before = handle.clock().elapsed();
    for shard in 0..runtime.shards("counters") {
        assert!(runtime.crash_shard("counters", shard, CrashPoint::Idle));
    }
    for n in 0..10 {
        let counted = handle.ask(&caller, read(&format!("c{n}"))).await;
        assert_eq!(counted, Ok(4));
    }
    assert_eq!(
        handle.clock().elapsed(),
        before,
        "the first restart is immediate"
    );
    assert_eq!(handle.stats()[0].restarts, 4);
    runtime.stop().await.expect("it stops");
}

/// Catches: a crash of one shard that stops another, and a wait that all of them share.
#[tokio::test(start_paused = true)]
async fn a_shard_that_waits_for_its_restart_keeps_no_other_waiting() {
    let agent = Counters::default();
    let builder = virtual_runtime(memory()).agent(agent.clone());
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    let caller = Caller::system();
    agent.fuse.store(2, Ordering::SeqCst);
    let before = handle.clock().elapsed();
    let elapsed = || handle.clock().elapsed() - before;
    let crashing = async {
        let answer = handle.ask(&caller, add("a", 1)).await;
        (answer, elapsed())
    };
    let others = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(matches!(
            runtime.health().tree.state,
            RootState::Degraded { .. }
        ));
        let mut served = 0;
        for n in 0..40 {
            let hurried = caller.clone().within(Duration::from_millis(1));
            served += u32::from(handle.ask(&hurried, read(&format!("c{n}"))).await.is_ok());
        }
        served
    };
    let ((answer, waited), served) = tokio::join!(crashing, others);
    assert_eq!(answer, Ok(1), "the third time");
    assert!(waited >= Duration::from_millis(25), "{waited:?}");
    assert!(
        served >= 20,
        "{served} of 40 served by the other three shards"
    );
    assert_eq!(runtime.health().tree.state, RootState::Running);
    runtime.stop().await.expect("it stops");
}

/// Catches: a death that nobody is told of, or that is told of another shard.
#[tokio::test(start_paused = true)]
async fn whoever_watches_a_shard_is_told_of_its_death() {
    let builder = virtual_runtime(memory()).agent(Counters::default());
    let runtime = builder.start().await.expect("it starts");
    let watcher = runtime.watcher();
    let crash = watcher.watch("mercato/counters/2").expect("a shard");
    let good = watcher
        .watch_for_good("mercato/counters")
        .expect("an agent");
    assert!(watcher.watch("mercato/counters/4").is_err());
    assert!(runtime.crash_shard("counters", 2, CrashPoint::Idle));
    let death = crash.ended().await;
    assert_eq!((&*death.path, death.incarnation), ("mercato/counters/2", 1));
    assert!(matches!(death.cause, DeathCause::Failed { .. }), "{death}");
    runtime.stop().await.expect("it stops");
    assert_eq!(good.ended().await.cause, DeathCause::Stopped);
}

/// Counters of which one may hold its thread until it is let go.
struct Holding(Arc<Mutex<mpsc::Receiver<()>>>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Hold {
    counter: String,
    held: bool,
}

impl Agent for Holding {
    const NAME: &'static str = "holding";
    type State = Count;
    type Event = CounterEvent;
    type Rejection = BelowZero;

    fn evolve(state: &mut Count, event: &CounterEvent) {
        let CounterEvent::Added(added) = event;
        state.value += added.amount;
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add::<Hold>();
    }
}

impl Command for Hold {
    type Agent = Holding;
    type Reply = i64;
    const NAME: &'static str = "Hold";

    fn entity(&self) -> Cow<'_, str> {
        (&*self.counter).into()
    }

    fn decide(&self, agent: &Holding, state: &Count, _: &Context<'_>) -> Decided<Self> {
        if self.held {
            let _ = agent.0.lock().expect("one holds at a time").recv();
        }
        Ok(Decision::reply(state.value + 1).record(Added { amount: 1 }))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Look {
    counter: String,
}

fn look(counter: &str) -> Look {
    Look {
        counter: counter.into(),
    }
}

impl Command for Look {
    type Agent = Holding;
    type Reply = i64;
    const NAME: &'static str = "Look";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        (&*self.counter).into()
    }

    fn decide(&self, _: &Holding, state: &Count, _: &Context<'_>) -> Decided<Self> {
        Ok(Decision::reply(state.value))
    }
}

/// Catches: a shard that hangs for ever with all its entities, a command that has its effect twice because
/// its shard came back after all, and a successor that goes on with what was before that.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_shard_that_holds_its_thread_is_replaced() {
    let (release, held) = mpsc::channel();
    let journal = RedbJournal::in_memory(JournalOptions::default(), WriterPlace::Thread);
    let options = AgentOptions {
        shards: NonZeroUsize::MIN,
        command_max: Some(Duration::from_millis(200)),
        ..AgentOptions::default()
    };
    let journal: Arc<dyn Journal> = Arc::new(journal.expect("a journal"));
    let runtime = Runtime::builder(journal.clone())
        .agent_with(Holding(Arc::new(Mutex::new(held))), options)
        .start()
        .await
        .expect("it starts");
    let handle = runtime.handle();
    let hold = |counter: &str, held| Hold {
        counter: counter.into(),
        held,
    };
    let once = Caller::system().keyed(CommandId::from_key("once"));
    let hurried = once.clone().within(Duration::from_secs(2));
    let caller = Caller::system().within(Duration::from_secs(60));
    let (hung, behind) = tokio::join!(
        handle.ask(&hurried, hold("a", true)),
        handle.ask(&caller, hold("b", false)),
    );
    assert_eq!(hung, Err(AskError::Failed(AskFailure::DeadlineExceeded)));
    assert_eq!(behind, Ok(1), "the commands behind it are served");
    let health = runtime.health().tree;
    let shard = health
        .children
        .iter()
        .find(|c| &*c.path == "mercato/holding/0");
    assert_eq!(shard.map(|c| (c.restarts, c.stuck)), Some((1, 1)));
    assert_eq!(health.state, RootState::Running);

    // Its successor reads the counter that is still in hand.
    assert_eq!(handle.ask(&caller, look("a")).await, Ok(0));

    // It comes back, and records what it decided: asking again under the same id tells.
    release.send(()).expect("it is held");
    let patient = once.within(Duration::from_secs(60));
    while journal.version("holding/a").expect("it reads") == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // Its successor is told a moment after that is recorded.
    let told = async {
        while handle.ask(&caller, look("a")).await != Ok(1) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(60), told).await;
    told.expect("its successor goes on with what was before");
    assert_eq!(handle.ask(&patient, hold("a", true)).await, Ok(1));
    assert_eq!(journal.version("holding/a").expect("it reads"), 1);
    assert_eq!(handle.ask(&caller, hold("a", false)).await, Ok(2));
    runtime.stop().await.expect("it stops");
}
