//! A small agent that the tests of the runtime share: counters that can be made to panic.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    reason = "scaffolding of tests; each file uses its own part of it"
)]

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use mercato::persistence::{
    Append, DiskPace, EventData, Journal, JournalOptions, RedbJournal, WriterPlace,
};
use mercato::testkit::{TestWorld, strict};
use mercato::{
    Agent, AgentOptions, Clock, Command, Commands, Context, Decided, Decision, Entropy, Kind,
    Runtime, RuntimeBuilder, Timestamp,
};
use serde::{Deserialize, Serialize};

/// A disk on which every commit takes 2 ms of virtual time.
pub struct EvenDisk;

pub const COMMIT: Duration = Duration::from_millis(2);

impl DiskPace for EvenDisk {
    fn commit_time(&mut self, _bytes: usize) -> Duration {
        COMMIT
    }
}

pub fn memory() -> Arc<dyn Journal> {
    TestWorld::new(7).journal()
}

pub fn file(path: &std::path::Path) -> Arc<dyn Journal> {
    let writer = WriterPlace::Task(Box::new(EvenDisk));
    Arc::new(RedbJournal::open(path, JournalOptions::default(), writer).expect("a journal"))
}

/// A disk on which the first commit takes so many milliseconds, and each after it as long as ever.
struct SlowAtFirst(AtomicU64);

impl DiskPace for SlowAtFirst {
    fn commit_time(&mut self, _bytes: usize) -> Duration {
        match self.0.swap(0, Ordering::SeqCst) {
            0 => COMMIT,
            millis => Duration::from_millis(millis),
        }
    }
}

/// A journal whose queue of 8 KiB is full for so many seconds, by two appends of so many bytes: whoever
/// asks for room waits meanwhile. From about 8,100 on it takes hardly anything else at all.
pub fn full_for(path: &std::path::Path, secs: u64, bytes: usize) -> Arc<dyn Journal> {
    let options = JournalOptions {
        queue_bytes_max: 8_192,
        record_bytes_max: 8_192,
        ..JournalOptions::default()
    };
    let writer = WriterPlace::Task(Box::new(SlowAtFirst(AtomicU64::new(secs * 1_000))));
    let journal = RedbJournal::open(path, options, writer).expect("a journal");
    for version in [0, 1] {
        let event = EventData {
            name: "Filled".into(),
            version: 1,
            payload: vec![0; bytes],
        };
        let filling = Append {
            events: vec![event],
            ..Append::to("elsewhere/full", version, 0)
        };
        journal.append(filling).expect("taken");
    }
    assert!(!journal.has_room());
    Arc::new(journal)
}

/// A builder under virtual time and a fixed seed. What it starts must be stopped.
pub fn virtual_runtime(journal: Arc<dyn Journal>) -> RuntimeBuilder {
    strict(mortal_runtime(journal))
}

/// The same for a test in which nobody stops anything: what it starts may be dropped.
pub fn mortal_runtime(journal: Arc<dyn Journal>) -> RuntimeBuilder {
    Runtime::builder(journal)
        .clock(Clock::starting_at(Timestamp::from_millis(1_000_000)))
        .entropy(Entropy::seeded(7))
}

/// Counters. The fuse makes the next so many `Add`s panic while they are decided.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    pub fuse: Arc<AtomicU32>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Count {
    pub value: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Added {
    pub amount: i64,
}

mercato::events! {
    pub enum CounterEvent { Added: 1 }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("the counter would fall below zero; it stands at {value}")]
pub struct BelowZero {
    pub value: i64,
}

impl Agent for Counters {
    const NAME: &'static str = "counters";
    type State = Count;
    type Event = CounterEvent;
    type Rejection = BelowZero;

    fn evolve(state: &mut Count, event: &CounterEvent) {
        let CounterEvent::Added(added) = event;
        state.value += added.amount;
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add::<Add>();
    }
}

/// Counters that all stand in one shard.
pub fn one_shard(builder: RuntimeBuilder) -> RuntimeBuilder {
    let options = AgentOptions {
        shards: NonZeroUsize::MIN,
        ..AgentOptions::default()
    };
    builder.agent_with(Counters::default(), options)
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Add {
    pub counter: String,
    pub amount: i64,
}

pub fn add(counter: &str, amount: i64) -> Add {
    Add {
        counter: counter.into(),
        amount,
    }
}

impl Command for Add {
    type Agent = Counters;
    type Reply = i64;
    const NAME: &'static str = "Add";

    fn entity(&self) -> Cow<'_, str> {
        (&*self.counter).into()
    }

    fn decide(&self, agent: &Counters, state: &Count, _: &Context<'_>) -> Decided<Self> {
        let burnt = agent
            .fuse
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        assert!(burnt.is_err(), "the fuse blew");
        let value = state.value + self.amount;
        if value < 0 {
            return Err(BelowZero { value: state.value });
        }
        Ok(Decision::reply(value).record(Added {
            amount: self.amount,
        }))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Read {
    pub counter: String,
}

pub fn read(counter: &str) -> Read {
    Read {
        counter: counter.into(),
    }
}

impl Command for Read {
    type Agent = Counters;
    type Reply = i64;
    const NAME: &'static str = "Read";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        (&*self.counter).into()
    }

    fn decide(&self, _: &Counters, state: &Count, _: &Context<'_>) -> Decided<Self> {
        Ok(Decision::reply(state.value))
    }
}
