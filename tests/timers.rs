//! Durable timers: what an entity sets for later happens once, whatever crashes.
#![allow(clippy::enum_variant_names, reason = "events are named in full")]

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::support::{file, memory};
use mercato::persistence::{Append, Journal, JournalOptions, TimerChange};
use mercato::testkit::{TestWorld, strict};
use mercato::{
    Agent, AgentOptions, AskError, AskFailure, Caller, Clock, Command, CommandId, Commands,
    Context, CrashPoint, Decided, Decision, Entropy, Kind, Rejection, Runtime, Timestamp,
};
use serde::{Deserialize, Serialize};

const START: Timestamp = Timestamp::from_millis(1_000_000);

/// Alarms. The fuse makes the next so many rings of `a` panic.
#[derive(Debug, Clone, Default)]
struct Alarms {
    fuse: Arc<AtomicU32>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Alarm {
    rings: u32,
    rung_at: Option<Timestamp>,
    silent: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct AlarmSet {}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct AlarmRang {
    at: Timestamp,
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct AlarmSilenced {}

mercato::events! {
    enum AlarmEvent { AlarmSet: 1, AlarmRang: 1, AlarmSilenced: 1 }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("the alarm is silent")]
struct Silent;

impl Agent for Alarms {
    const NAME: &'static str = "alarms";
    type State = Alarm;
    type Event = AlarmEvent;
    type Rejection = Silent;

    fn evolve(alarm: &mut Alarm, event: &AlarmEvent) {
        match event {
            AlarmEvent::AlarmSet(_) => {}
            AlarmEvent::AlarmRang(rang) => {
                alarm.rings += 1;
                alarm.rung_at = Some(rang.at);
            }
            AlarmEvent::AlarmSilenced(_) => alarm.silent = true,
        }
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add::<Ring>();
    }
}

/// What a command does to the timer `ring`.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Order {
    After(Duration),
    Cancel,
    Silence,
    /// Timers that cannot be.
    ForAnother,
    OfARead,
    OfTheUnknown,
    Nameless,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Give {
    alarm: String,
    order: Order,
}

fn give(alarm: &str, order: Order) -> Give {
    Give {
        alarm: alarm.into(),
        order,
    }
}

impl Command for Give {
    type Agent = Alarms;
    type Reply = ();
    const NAME: &'static str = "Give";

    fn entity(&self) -> Cow<'_, str> {
        (&*self.alarm).into()
    }

    fn decide(&self, _: &Alarms, _: &Alarm, context: &Context<'_>) -> Decided<Self> {
        let ring = |alarm: &str| Ring {
            alarm: alarm.into(),
        };
        let decision = Decision::reply(());
        let now = context.now;
        Ok(match &self.order {
            Order::After(wait) => {
                let decision = decision.record(AlarmSet {});
                decision.set_timer("ring", now.plus(*wait), &ring(&self.alarm))
            }
            Order::Cancel => decision.clear_timer("ring"),
            Order::Silence => decision.record(AlarmSilenced {}),
            Order::ForAnother => decision.set_timer("ring", now, &ring("another")),
            Order::OfARead => decision.set_timer("ring", now, &show(&self.alarm)),
            Order::OfTheUnknown => decision.set_timer("ring", now, self),
            Order::Nameless => decision.set_timer("", now, &ring(&self.alarm)),
        })
    }
}

/// The timer's command.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Ring {
    alarm: String,
}

impl Command for Ring {
    type Agent = Alarms;
    type Reply = ();
    const NAME: &'static str = "Ring";

    fn entity(&self) -> Cow<'_, str> {
        (&*self.alarm).into()
    }

    fn decide(&self, agent: &Alarms, alarm: &Alarm, context: &Context<'_>) -> Decided<Self> {
        let burn = || {
            let burn = |left: u32| left.checked_sub(1);
            agent
                .fuse
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, burn)
        };
        let burnt = (self.alarm == "a").then(burn);
        assert!(burnt.is_none_or(|burnt| burnt.is_err()), "the fuse blew");
        if alarm.silent {
            return Err(Silent);
        }
        Ok(Decision::reply(()).record(AlarmRang { at: context.now }))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Show {
    alarm: String,
}

fn show(alarm: &str) -> Show {
    Show {
        alarm: alarm.into(),
    }
}

impl Command for Show {
    type Agent = Alarms;
    type Reply = (u32, Option<Timestamp>);
    const NAME: &'static str = "Show";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        (&*self.alarm).into()
    }

    fn decide(&self, _: &Alarms, alarm: &Alarm, _: &Context<'_>) -> Decided<Self> {
        Ok(Decision::reply((alarm.rings, alarm.rung_at)))
    }
}

async fn start(journal: Arc<dyn Journal>, agent: Alarms, at: Timestamp, seed: u64) -> Runtime {
    let builder = Runtime::builder(journal)
        .clock(Clock::starting_at(at))
        .entropy(Entropy::seeded(seed))
        .agent(agent);
    strict(builder).start().await.expect("it starts")
}

async fn ask<C: Command>(
    runtime: &Runtime,
    command: C,
) -> Result<C::Reply, AskError<Rejection<C>>> {
    runtime.handle().ask(&Caller::system(), command).await
}

async fn order(runtime: &Runtime, order: Order) {
    ask(runtime, give("a", order)).await.expect("it is taken");
}

async fn rings(runtime: &Runtime) -> u32 {
    ask(runtime, show("a")).await.expect("it is shown").0
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn after(seconds: u64) -> Order {
    Order::After(Duration::from_secs(seconds))
}

/// Catches: a timer that fires early, late by more than the commit before it, or again and again.
#[tokio::test(start_paused = true)]
async fn a_timer_fires_once_and_when_it_is_due() {
    let runtime = start(memory(), Alarms::default(), START, 1).await;
    order(&runtime, after(10)).await;
    pass(9).await;
    assert_eq!(rings(&runtime).await, 0);
    pass(100).await;
    let (rings, at) = ask(&runtime, show("a")).await.expect("it is shown");
    assert_eq!(rings, 1);
    let late = at.expect("it rang").since(START).as_millis();
    assert!((10_000..10_020).contains(&late), "after {late} ms");
    assert_eq!(runtime.timer_stats().fired, 1);
    runtime.stop().await.expect("it stops");
}

/// Catches: timers kept in memory alone, and one that fires at each start.
#[tokio::test(start_paused = true)]
async fn what_fell_due_while_the_process_was_down_happens_once_at_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let runtime = start(file(&path), Alarms::default(), START, 1).await;
    order(&runtime, after(10)).await;
    runtime.stop().await.expect("it stops");
    for (seed, hours) in [(2, 1), (3, 2)] {
        let later = START.plus(Duration::from_secs(3_600 * hours));
        let runtime = start(file(&path), Alarms::default(), later, seed).await;
        pass(1).await;
        assert_eq!(rings(&runtime).await, 1, "at start {seed}");
        runtime.stop().await.expect("it stops");
    }
}

/// Catches: a timer that is cleared in another append than that of its command, or not at all.
#[tokio::test(start_paused = true)]
async fn a_crash_while_its_command_is_in_hand_makes_a_timer_fire_neither_twice_nor_never() {
    let runtime = start(memory(), Alarms::default(), START, 1).await;
    order(&runtime, after(10)).await;
    for shard in 0..runtime.shards("alarms") {
        // The next command of each shard is recorded and still in hand when the shard crashes.
        assert!(runtime.crash_shard("alarms", shard, CrashPoint::NextCommand));
    }
    pass(60).await;
    assert_eq!(rings(&runtime).await, 1);
    let stats = &runtime.handle().stats()[0];
    assert!(stats.restarts > 0, "no shard crashed");
    runtime.stop().await.expect("it stops");
}

/// Catches: a timer set anew that keeps its old time, or that fires at both.
#[tokio::test(start_paused = true)]
async fn a_timer_set_anew_fires_at_its_new_time_only() {
    let runtime = start(memory(), Alarms::default(), START, 1).await;
    order(&runtime, after(10)).await;
    order(&runtime, after(30)).await;
    pass(20).await;
    assert_eq!(rings(&runtime).await, 0);
    pass(20).await;
    assert_eq!(rings(&runtime).await, 1);
    // After it fired it can be set again, and its command is another one then.
    order(&runtime, after(5)).await;
    pass(10).await;
    assert_eq!(rings(&runtime).await, 2);
    runtime.stop().await.expect("it stops");
}

/// Catches: a clearing that is not recorded.
#[tokio::test(start_paused = true)]
async fn a_timer_that_is_cleared_does_not_fire() {
    let journal = memory();
    let runtime = start(journal.clone(), Alarms::default(), START, 1).await;
    order(&runtime, after(10)).await;
    assert!(journal.next_timer_ms().is_some());
    order(&runtime, Order::Cancel).await;
    assert_eq!(journal.next_timer_ms(), None);
    pass(60).await;
    assert_eq!(rings(&runtime).await, 0);
    runtime.stop().await.expect("it stops");
}

/// Catches: a refused command whose timer comes again and again.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_answer_and_ends_the_timer() {
    let journal = memory();
    let runtime = start(journal.clone(), Alarms::default(), START, 1).await;
    order(&runtime, after(10)).await;
    order(&runtime, Order::Silence).await;
    pass(60).await;
    assert_eq!(rings(&runtime).await, 0);
    assert_eq!(journal.next_timer_ms(), None);
    assert_eq!(runtime.handle().stats()[0].rejected, 1);
    runtime.stop().await.expect("it stops");
}

/// Catches: a panic in a timer's command that crashes its shard for ever.
#[tokio::test(start_paused = true)]
async fn a_timer_whose_command_is_poison_is_quarantined_and_dropped() {
    std::panic::set_hook(Box::new(|_| {}));
    let alarms = Alarms::default();
    let journal = memory();
    let runtime = start(journal.clone(), alarms.clone(), START, 1).await;
    order(&runtime, after(10)).await;
    alarms.fuse.store(1_000, Ordering::SeqCst);
    pass(60).await;
    alarms.fuse.store(0, Ordering::SeqCst);
    assert_eq!(rings(&runtime).await, 0);
    assert_eq!(journal.next_timer_ms(), None);
    assert_eq!(runtime.timer_stats().dropped, 1);
    let stats = &runtime.handle().stats()[0];
    assert_eq!((stats.quarantined, stats.restarts), (1, 3));
    runtime.stop().await.expect("it stops");
}

/// Catches: a timer that could never do anything, and would be tried for ever.
#[tokio::test(start_paused = true)]
async fn a_timer_that_cannot_be_is_refused_in_words_and_nothing_is_recorded() {
    let journal = memory();
    let runtime = start(journal.clone(), Alarms::default(), START, 1).await;
    let before = journal.durable();
    for (order, words) in [
        (Order::ForAnother, "for the entity that sets it"),
        (Order::OfARead, "is a read"),
        (Order::OfTheUnknown, "add it in `commands`"),
        (Order::Nameless, "a timer's name has"),
    ] {
        match ask(&runtime, give("a", order)).await {
            Err(AskError::Failed(AskFailure::Invalid { reason })) => {
                assert!(reason.contains(words), "{reason}");
            }
            other => panic!("it was taken: {other:?}"),
        }
    }
    assert_eq!(journal.durable(), before);
    assert_eq!(journal.next_timer_ms(), None);
    runtime.stop().await.expect("it stops");
}

/// Sets timers of an agent that this runtime does not have, all of them due.
fn set_for_nobody(journal: &dyn Journal, timers: usize) {
    let set = |n| TimerChange::Set {
        name: format!("t{n:04}").into(),
        due_at_ms: START.as_millis(),
        payload: Vec::new(),
    };
    let append = Append {
        timers: (0..timers).map(set).collect(),
        ..Append::to("nobody/a", 0, 0)
    };
    journal.append(append).expect("it is taken");
}

/// Clears the first of them.
fn clear_for_nobody(journal: &dyn Journal, timers: usize) {
    let clear = |n| TimerChange::Clear {
        name: format!("t{n:04}").into(),
    };
    let append = Append {
        timers: (0..timers).map(clear).collect(),
        ..Append::to("nobody/a", 0, 0)
    };
    journal.append(append).expect("it is taken");
}

/// Catches: a wait that does not grow, or grows without end, and timers beyond those that may wait
/// for their next try which are tried all the time, so that nothing else has its turn.
#[tokio::test(start_paused = true)]
async fn timers_that_cannot_be_served_are_tried_again_after_ever_longer_waits() {
    let journal = memory();
    set_for_nobody(&*journal, 5_000);
    let runtime = start(journal.clone(), Alarms::default(), START, 1).await;
    // At once, after 50, 150, 350, 750 and 1,550 ms, and no more than 4,096 of them.
    pass(3).await;
    assert_eq!(runtime.timer_stats().retried, 6 * 4_096);
    // After 3,150, 6,350, 12,750 and 22,750 ms: no wait is longer than ten seconds.
    pass(27).await;
    assert_eq!(runtime.timer_stats().retried, 10 * 4_096);
    // Where those are cleared that wait, until 32,750 ms, the others have their turn.
    clear_for_nobody(&*journal, 4_096);
    pass(5).await;
    assert_eq!(runtime.timer_stats().retried, 10 * 4_096 + 6 * 904);
    runtime.stop().await.expect("it stops");
}

/// Catches: a timer that cannot be served, and the ones behind it which are late by as long as that one waits.
#[tokio::test(start_paused = true)]
async fn a_timer_that_cannot_be_served_makes_no_other_late() {
    let journal = memory();
    set_for_nobody(&*journal, 1);
    let runtime = start(journal.clone(), Alarms::default(), START, 1).await;
    // It is tried after 12.75 seconds, and then every ten.
    pass(13).await;
    order(&runtime, after(2)).await;
    pass(5).await;
    let (rings, at) = ask(&runtime, show("a")).await.expect("it is shown");
    assert_eq!(rings, 1);
    let late = at.expect("it rang").since(START).as_millis();
    assert!((15_000..15_020).contains(&late), "after {late} ms");
    runtime.stop().await.expect("it stops");
}

/// Catches: a shard that is away, and timers of all others that wait until the command which it has to do
/// is given up.
#[tokio::test(start_paused = true)]
async fn a_shard_that_is_away_makes_no_timer_of_another_late() {
    std::panic::set_hook(Box::new(|_| {}));
    let alarms = Alarms::default();
    let options = AgentOptions {
        attempts_max: NonZeroU32::new(100).expect("a hundred"),
        ..AgentOptions::default()
    };
    let builder = Runtime::builder(memory())
        .clock(Clock::starting_at(START))
        .entropy(Entropy::seeded(1))
        .agent_with(alarms.clone(), options);
    let runtime = strict(builder).start().await.expect("it starts");
    order(&runtime, after(1)).await;
    let others = ["b", "c", "d", "e", "f", "g", "h"];
    for other in others {
        let set = ask(&runtime, give(other, after(5))).await;
        set.expect("it is taken");
    }
    // Its shard crashes over it, and waits longer before each restart.
    alarms.fuse.store(10, Ordering::SeqCst);
    pass(60).await;
    let mut in_time = 0;
    for other in others {
        let (rings, at) = ask(&runtime, show(other)).await.expect("it is shown");
        assert_eq!(rings, 1, "{other}");
        let late = at.expect("it rang").since(START).as_millis();
        in_time += u32::from((5_000..5_100).contains(&late));
    }
    assert_eq!(rings(&runtime).await, 1);
    assert!(in_time >= 4, "{in_time} of seven, on four shards");
    runtime.stop().await.expect("it stops");
}

/// Catches: a timer that nobody has any more, and that is waited for all the time.
#[tokio::test(start_paused = true)]
async fn a_timer_that_is_cleared_before_its_next_try_is_forgotten() {
    let journal = memory();
    set_for_nobody(&*journal, 1);
    let runtime = start(journal.clone(), Alarms::default(), START, 1).await;
    pass(1).await;
    assert_eq!(runtime.timer_stats().retried, 5);
    clear_for_nobody(&*journal, 1);
    pass(60).await;
    assert_eq!(runtime.timer_stats().retried, 5);
    order(&runtime, after(10)).await;
    pass(20).await;
    assert_eq!(rings(&runtime).await, 1);
    runtime.stop().await.expect("it stops");
}

/// Catches: a timer that is set by a command which came again when it was forgotten, and that is taken
/// for the one that it set before: it would do nothing, and stay.
#[tokio::test(start_paused = true)]
async fn a_command_that_is_new_again_sets_a_timer_that_fires() {
    let options = JournalOptions {
        replies_max: 3,
        ..JournalOptions::default()
    };
    let journal = TestWorld::with_journal(1, options).journal();
    let runtime = start(journal.clone(), Alarms::default(), START, 1).await;
    let keyed = Caller::system().keyed(CommandId::from_key("set"));
    let set = async || {
        let set = runtime.handle().ask(&keyed, give("a", after(10))).await;
        set.expect("it is taken");
    };
    set().await;
    ask(&runtime, give("b", Order::Silence))
        .await
        .expect("taken");
    pass(60).await;
    ask(&runtime, give("c", Order::Silence))
        .await
        .expect("taken");
    set().await;
    pass(60).await;
    assert_eq!(rings(&runtime).await, 2);
    assert_eq!(journal.next_timer_ms(), None);
    runtime.stop().await.expect("it stops");
}

/// Catches: a timer whose command has an answer already, and that stays and comes again for ever.
#[tokio::test(start_paused = true)]
async fn a_timer_whose_command_was_answered_before_is_cleared_and_does_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let journal = file(&path);
    let runtime = start(journal.clone(), Alarms::default(), START, 1).await;
    order(&runtime, after(10)).await;
    let set = journal.timer("alarms/a", "ring").expect("it is set");
    pass(60).await;
    assert_eq!(rings(&runtime).await, 1);
    runtime.stop().await.expect("it stops");
    drop(journal);

    let again = TimerChange::Set {
        name: set.name.clone(),
        due_at_ms: set.due_at_ms,
        payload: set.payload.clone(),
    };
    let append = Append {
        timers: vec![again],
        ..Append::to("alarms/a", 2, START.as_millis())
    };
    let journal = file(&path);
    journal.append(append).expect("it is appended");
    let later = START.plus(Duration::from_secs(60));
    let runtime = start(journal.clone(), Alarms::default(), later, 2).await;
    // A timer that stays is tried all the time, and no time passes meanwhile.
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(journal.next_timer_ms(), None);
    pass(60).await;
    assert_eq!(rings(&runtime).await, 1);
    runtime.stop().await.expect("it stops");
}
