//! What leaves memory, when, and how it comes back; and that nobody waits for an entity that takes
//! long to come back but those who ask for it.

use std::borrow::Cow;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use crate::support::{Added, Counters, add, memory, read, virtual_runtime};
use mercato::persistence::{Append, EventData, Journal};
use mercato::supervisor::MailboxOptions;
use mercato::{
    Agent, AgentOptions, AgentStats, AskError, AskFailure, Caller, Command, Commands, Context,
    CrashPoint, Decided, Decision, RecoveryOptions, Runtime, codec,
};
use serde::{Deserialize, Serialize};

const MINUTE: Duration = Duration::from_secs(60);

/// One shard, which alone decides what stays.
fn one_shard() -> AgentOptions {
    AgentOptions {
        shards: NonZeroUsize::MIN,
        ..AgentOptions::default()
    }
}

async fn start_with(journal: Arc<dyn Journal>, options: AgentOptions) -> Runtime {
    virtual_runtime(journal)
        .agent_with(Counters::default(), options)
        .recovery(RecoveryOptions {
            preload_max: 0,
            ..RecoveryOptions::default()
        })
        .start()
        .await
        .expect("it starts")
}

async fn put(runtime: &Runtime, counter: &str, amount: i64) -> i64 {
    let (handle, caller) = (runtime.handle(), Caller::system());
    let asked = handle.ask(&caller, add(counter, amount)).await;
    asked.expect("an answer")
}

async fn look(runtime: &Runtime, counter: &str) -> i64 {
    let (handle, caller) = (runtime.handle(), Caller::system());
    let asked = handle.ask(&caller, read(counter)).await;
    asked.expect("an answer")
}

fn stats(runtime: &Runtime) -> AgentStats {
    runtime.handle().stats().swap_remove(0)
}

/// Catches: idle entities that stay, hot ones that leave, and what is in memory counted wrongly.
#[tokio::test(start_paused = true)]
async fn what_is_idle_leaves_memory_and_what_is_hot_stays() {
    let options = AgentOptions {
        passivate_after: Some(10 * MINUTE),
        ..one_shard()
    };
    let runtime = start_with(memory(), options).await;
    for n in 0..200 {
        put(&runtime, &format!("c{n}"), n).await;
    }
    assert_eq!(stats(&runtime).active, 200);
    for _ in 0..13 {
        tokio::time::sleep(MINUTE).await;
        put(&runtime, "c7", 1).await;
    }
    let after = stats(&runtime);
    assert_eq!((after.active, after.passivated), (1, 199));
    assert!((1..1_000).contains(&after.active_bytes), "{after:?}");
    assert_eq!(after.reactivated, 0, "the hot one never left");
    assert_eq!(look(&runtime, "c7").await, 7 + 13);
    assert_eq!(look(&runtime, "c8").await, 8);
    let after = stats(&runtime);
    assert_eq!((after.active, after.reactivated), (2, 1));
    tokio::time::sleep(12 * MINUTE).await;
    let after = stats(&runtime);
    assert_eq!((after.active, after.active_bytes), (0, 0));
    runtime.stop().await.expect("it stops");
}

/// Catches: a bound in bytes that counts for each shard, so that together they take several times of it.
#[tokio::test(start_paused = true)]
async fn what_is_in_memory_is_bounded_over_all_shards() {
    let bytes_max = 32 << 10;
    let options = AgentOptions {
        active_bytes_max: NonZeroUsize::new(bytes_max).expect("not zero"),
        shards: NonZeroUsize::new(4).expect("shards"),
        ..AgentOptions::default()
    };
    let runtime = start_with(memory(), options).await;
    for n in 0..400 {
        put(&runtime, &format!("c{n}"), n).await;
    }
    let now = stats(&runtime);
    assert!(now.active_bytes <= bytes_max as u64, "{now:?}");
    assert!(now.passivated > 200, "{now:?}");
    runtime.stop().await.expect("it stops");
}

/// Catches: entities that leave although they are to stay for as long as there is room.
#[tokio::test(start_paused = true)]
async fn nothing_leaves_where_time_is_no_reason() {
    let options = AgentOptions {
        passivate_after: None,
        ..one_shard()
    };
    let runtime = start_with(memory(), options).await;
    put(&runtime, "a", 1).await;
    tokio::time::sleep(10_000 * MINUTE).await;
    assert_eq!((stats(&runtime).active, stats(&runtime).passivated), (1, 0));
    runtime.stop().await.expect("it stops");
}

/// Catches: a passivation after which all events are read again, and a snapshot that is taken where
/// it saves nothing.
#[tokio::test(start_paused = true)]
async fn what_has_many_events_since_its_snapshot_leaves_one_behind() {
    let journal = memory();
    let options = AgentOptions {
        passivate_after: Some(MINUTE),
        snapshot_every_events: NonZeroU64::new(1_000),
        ..one_shard()
    };
    let runtime = start_with(journal.clone(), options).await;
    for _ in 0..40 {
        put(&runtime, "long", 1).await;
    }
    put(&runtime, "short", 1).await;
    tokio::time::sleep(2 * MINUTE).await;
    assert_eq!(stats(&runtime).passivated, 2);
    // It is written with the next commit.
    put(&runtime, "short", 1).await;
    let snapshot = journal.snapshot("counters/long").expect("it reads");
    assert_eq!(snapshot.expect("a snapshot").stream_version, 40);
    assert_eq!(journal.snapshot("counters/short").expect("it reads"), None);
    assert_eq!(look(&runtime, "long").await, 40);
    runtime.stop().await.expect("it stops");
}

/// Catches: a bound in bytes that is not kept, or kept by throwing out what is used.
#[tokio::test(start_paused = true)]
async fn no_more_bytes_are_in_memory_than_allowed() {
    let bytes_max = 32 << 10;
    let options = AgentOptions {
        active_bytes_max: NonZeroUsize::new(bytes_max).expect("not zero"),
        ..one_shard()
    };
    let runtime = start_with(memory(), options).await;
    for n in 0..1_000 {
        put(&runtime, &format!("c{n}"), 1).await;
        put(&runtime, "hot", 1).await;
        let now = stats(&runtime);
        assert!(now.active_bytes <= bytes_max as u64, "{now:?}");
    }
    let after = stats(&runtime);
    assert!(after.active > 20, "there is room for more: {after:?}");
    assert_eq!(after.active + after.passivated, 1_001, "{after:?}");
    assert_eq!(after.reactivated, 0, "the hot one never left");
    assert_eq!(look(&runtime, "hot").await, 1_000);
    runtime.stop().await.expect("it stops");
}

/// Catches: a crash after which entities are counted that are no more.
#[tokio::test(start_paused = true)]
async fn what_a_crash_took_is_not_in_memory() {
    std::panic::set_hook(Box::new(|_| {}));
    let runtime = start_with(memory(), one_shard()).await;
    for n in 0..10 {
        put(&runtime, &format!("c{n}"), 1).await;
    }
    runtime.crash_shard("counters", 0, CrashPoint::Idle);
    assert_eq!(look(&runtime, "c3").await, 1);
    let after = stats(&runtime);
    assert_eq!((after.active, after.restarts, after.passivated), (1, 1, 0));
    assert!(after.active_bytes < 1_000, "{after:?}");
    runtime.stop().await.expect("it stops");
}

/// Something whose state is as large as what was written into it, and that can wake itself.
struct Notes;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Written {
    text: String,
}

mercato::events! { enum NoteEvent { Written: 1 } }

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("never")]
struct Never;

impl Agent for Notes {
    const NAME: &'static str = "notes";
    type State = Vec<String>;
    type Event = NoteEvent;
    type Rejection = Never;

    fn evolve(texts: &mut Vec<String>, event: &NoteEvent) {
        let NoteEvent::Written(written) = event;
        texts.push(written.text.clone());
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add::<Write>();
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Write {
    note: String,
    text: String,
    again_after: Option<Duration>,
}

impl Command for Write {
    type Agent = Notes;
    type Reply = usize;
    const NAME: &'static str = "Write";

    fn entity(&self) -> Cow<'_, str> {
        (&*self.note).into()
    }

    fn decide(&self, _: &Notes, texts: &Vec<String>, context: &Context<'_>) -> Decided<Self> {
        let written = Written {
            text: self.text.clone(),
        };
        let decision = Decision::reply(texts.len() + 1).record(written);
        let Some(after) = self.again_after else {
            return Ok(decision);
        };
        let again = Self {
            again_after: None,
            ..self.clone()
        };
        Ok(decision.set_timer("again", context.now.plus(after), &again))
    }
}

fn write(note: &str, bytes: usize, again_after: Option<Duration>) -> Write {
    Write {
        note: note.into(),
        text: "x".repeat(bytes),
        again_after,
    }
}

/// Catches: a timer that is forgotten with its entity.
#[tokio::test(start_paused = true)]
async fn an_entity_that_left_wakes_for_its_timer() {
    let options = AgentOptions {
        passivate_after: Some(MINUTE),
        ..one_shard()
    };
    let builder = virtual_runtime(memory()).agent_with(Notes, options);
    let runtime = builder.start().await.expect("it starts");
    let hour = Some(60 * MINUTE);
    let written = runtime
        .handle()
        .ask(&Caller::system(), write("a", 1, hour))
        .await;
    assert_eq!(written, Ok(1));
    tokio::time::sleep(30 * MINUTE).await;
    assert_eq!((stats(&runtime).active, stats(&runtime).passivated), (0, 1));
    tokio::time::sleep(30 * MINUTE + Duration::from_secs(1)).await;
    assert_eq!(
        (stats(&runtime).active, stats(&runtime).reactivated),
        (1, 1)
    );
    assert_eq!(runtime.timer_stats().fired, 1);
    let written = runtime
        .handle()
        .ask(&Caller::system(), write("a", 1, None))
        .await;
    assert_eq!(written, Ok(3));
    runtime.stop().await.expect("it stops");
}

/// Catches: an entity that is counted as what it was when it was loaded, however it has grown.
#[tokio::test(start_paused = true)]
async fn an_entity_that_grows_is_counted_as_it_is() {
    let builder = virtual_runtime(memory()).agent_with(Notes, one_shard());
    let runtime = builder.start().await.expect("it starts");
    for n in 1..=50u64 {
        let written = runtime
            .handle()
            .ask(&Caller::system(), write("a", 1_000, None))
            .await;
        written.expect("an answer");
        let bytes = stats(&runtime).active_bytes;
        assert!(
            (n * 1_000..n * 1_010 + 1_000).contains(&bytes),
            "{bytes} for {n}"
        );
    }
    runtime.stop().await.expect("it stops");
}

/// Records so many events of one counter, many to an append, as a version without snapshots had.
fn long_history(journal: &dyn Journal, counter: &str, events: u64) {
    let stream = format!("counters/{counter}");
    let payload = codec::encode(&Added { amount: 1 }).expect("bytes");
    let one = EventData {
        name: "Added".into(),
        version: 1,
        payload,
    };
    for version in (0..events).step_by(64) {
        let append = Append {
            events: vec![one.clone(); 64],
            ..Append::to(stream.as_str(), version, 0)
        };
        journal.append(append).expect("taken");
    }
}

/// Catches: a long history that is read in one piece while everybody else of its shard waits, parts
/// of it that are left out or applied twice, and commands of the entity that overtake each other.
#[tokio::test(start_paused = true)]
async fn an_entity_with_a_long_history_delays_nobody_but_its_own() {
    const EVENTS: u64 = 64_000;
    let journal = memory();
    long_history(&*journal, "long", EVENTS);
    let runtime = start_with(journal, one_shard()).await;
    let handle = runtime.handle();
    let asked: Vec<_> = (1..=20i64)
        .map(|n| {
            let handle = handle.clone();
            tokio::spawn(async move { handle.ask(&Caller::system(), add("long", n)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    // A slice has 256 events, and each is read twice but the last.
    let slices = 2 * EVENTS / 256;
    let mut served = 0;
    // Answers wait for a commit, which takes time that does not pass while somebody is always served.
    while stats(&runtime).reactivated == 0 {
        look(&runtime, "other").await;
        served += 1;
        assert!(served < 4 * slices, "it is not loaded any further");
    }
    assert!(served > slices / 2, "only {served} while it was loaded");
    let mut expected = i64::try_from(EVENTS).expect("it fits");
    for (asked, n) in asked.into_iter().zip(1..) {
        expected += n;
        assert_eq!(asked.await.expect("no panic"), Ok(expected));
    }
    let after = stats(&runtime);
    assert_eq!((after.restarts, after.failed), (0, 0));
    runtime.stop().await.expect("it stops");
}

/// Catches: commands that wait for their entity in the shard's own memory, and are lost with it.
#[tokio::test(start_paused = true)]
async fn a_crash_while_an_entity_is_loaded_loses_nothing_that_waits_for_it() {
    std::panic::set_hook(Box::new(|_| {}));
    let journal = memory();
    long_history(&*journal, "long", 64_000);
    let runtime = start_with(journal, one_shard()).await;
    let handle = runtime.handle();
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let handle = handle.clone();
            tokio::spawn(async move { handle.ask(&Caller::system(), add("long", 1)).await })
        })
        .collect();
    for _ in 0..5 {
        look(&runtime, "other").await;
        runtime.crash_shard("counters", 0, CrashPoint::Idle);
    }
    for (asked, n) in asked.into_iter().zip(1..) {
        assert_eq!(asked.await.expect("no panic"), Ok(64_000 + n));
    }
    assert_eq!(stats(&runtime).restarts, 5);
    runtime.stop().await.expect("it stops");
}

/// Catches: commands that wait for their entity without a bound, and an overload that is not told.
#[tokio::test(start_paused = true)]
async fn no_more_wait_for_an_entity_than_its_share_of_the_mailbox() {
    let journal = memory();
    long_history(&*journal, "long", 64_000);
    let options = AgentOptions {
        mailbox: MailboxOptions {
            capacity: NonZeroUsize::new(8).expect("not zero"),
            ..MailboxOptions::default()
        },
        ..one_shard()
    };
    let runtime = start_with(journal, options).await;
    let handle = runtime.handle();
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let handle = handle.clone();
            let caller = Caller::system().fail_fast();
            tokio::spawn(async move { handle.ask(&caller, add("long", 1)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(look(&runtime, "other").await, 0, "there is room for others");
    let (mut served, mut overloaded) = (0, 0);
    for asked in asked {
        match asked.await.expect("no panic") {
            Ok(_) => served += 1,
            Err(AskError::Failed(AskFailure::Overloaded { .. })) => overloaded += 1,
            other => assert_eq!(other, Ok(0)),
        }
    }
    assert_eq!((served, overloaded), (4, 16));
    runtime.stop().await.expect("it stops");
}
