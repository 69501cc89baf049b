//! A snapshot saves time, and is never believed when it may be misread.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use mercato_runtime::persistence::{
    DiskPace, Journal, JournalOptions, RedbJournal, Snapshot, WriterPlace,
};
use mercato_runtime::{
    Agent, AgentOptions, Caller, Clock, Command, Commands, Context, Decided, Decision, Entropy,
    EventViews, Kind, Runtime, Timestamp, ViewError,
};
use serde::{Deserialize, Serialize};

struct EvenDisk;

impl DiskPace for EvenDisk {
    fn commit_time(&mut self, _bytes: usize) -> Duration {
        Duration::from_millis(2)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Scored {
    points: u32,
}

mercato_runtime::events! {
    enum GameEvent { Scored: 1 }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("refused")]
struct Refused;

/// The state of the first version: rounds and points, both numbers.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Tally {
    rounds: u64,
    points: u64,
}

/// The state of the second: the same two the other way round, so that the first's bytes would be
/// read without an error, and wrongly.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Table {
    points: u64,
    rounds: u64,
}

/// What both versions of the code share but for their state.
macro_rules! game {
    ($agent:ident, $state:ident, $version:literal, $read:ident, |$table:ident, $event:ident| $evolve:block) => {
        struct $agent;

        impl Agent for $agent {
            const NAME: &'static str = "game";
            const STATE_VERSION: u16 = $version;
            type State = $state;
            type Event = GameEvent;
            type Rejection = Refused;

            fn evolve($table: &mut $state, event: &GameEvent) {
                let GameEvent::Scored($event) = event;
                $evolve
            }

            fn commands(_: &mut Commands<Self>) {}
        }

        /// Points and rounds.
        #[derive(Debug, Clone, Serialize, Deserialize)]
        struct $read;

        impl Command for $read {
            type Agent = $agent;
            type Reply = (u64, u64);
            const NAME: &'static str = "Read";
            const KIND: Kind = Kind::Read;

            fn entity(&self) -> Cow<'_, str> {
                "chess".into()
            }

            fn decide(&self, _: &$agent, table: &$state, _: &Context<'_>) -> Decided<Self> {
                Ok(Decision::reply((table.points, table.rounds)))
            }
        }
    };
}

game!(FirstGame, Tally, 1, ReadFirst, |tally, scored| {
    tally.rounds += 1;
    tally.points += u64::from(scored.points);
});
game!(SecondGame, Table, 2, ReadSecond, |table, scored| {
    table.rounds += 1;
    table.points += u64::from(scored.points);
});

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Score;

impl Command for Score {
    type Agent = FirstGame;
    type Reply = ();
    const NAME: &'static str = "Score";

    fn entity(&self) -> Cow<'_, str> {
        "chess".into()
    }

    fn decide(&self, _: &FirstGame, _: &Tally, _: &Context<'_>) -> Decided<Self> {
        Ok(Decision::reply(()).record(Scored { points: 3 }))
    }
}

async fn run<A: Agent>(journal: &Arc<dyn Journal>, agent: A) -> Runtime {
    let often = AgentOptions {
        snapshot_every_events: std::num::NonZeroU64::new(4),
        ..AgentOptions::default()
    };
    Runtime::builder(journal.clone())
        .clock(Clock::starting_at(Timestamp::from_millis(1_000_000)))
        .entropy(Entropy::seeded(7))
        .agent_with(agent, often)
        .start()
        .await
        .expect("it starts")
}

fn reopen(file: &std::path::Path) -> Arc<dyn Journal> {
    let writer = WriterPlace::Task(Box::new(EvenDisk));
    Arc::new(RedbJournal::open(file, JournalOptions::default(), writer).expect("a journal"))
}

/// Ten rounds of the first game, and a snapshot of the first layout on the disk.
async fn play(file: &std::path::Path) -> Snapshot {
    let journal = reopen(file);
    let runtime = run(&journal, FirstGame).await;
    let handle = runtime.handle();
    for _ in 0..10 {
        handle
            .ask(&Caller::system(), Score)
            .await
            .expect("a round is scored");
    }
    let points = handle.ask(&Caller::system(), ReadFirst).await;
    assert_eq!(points, Ok((30, 10)));
    drop(handle);
    let snapshot = journal.snapshot("game/chess").expect("it is read");
    runtime.stop().await.expect("it stops");
    snapshot.expect("a snapshot was taken")
}

/// Catches: a snapshot of an older layout that is read as the newer one. Read so, points and
/// rounds would change places.
#[tokio::test(start_paused = true)]
async fn a_snapshot_of_another_state_version_is_set_aside() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("game.redb");
    let old = play(&file).await;
    assert_eq!((old.state_version, old.stream_version), (1, 8));

    let journal = reopen(&file);
    let runtime = run(&journal, SecondGame).await;
    let points = runtime.handle().ask(&Caller::system(), ReadSecond).await;
    assert_eq!(points, Ok((30, 10)), "rebuilt from the events");
    runtime.stop().await.expect("it stops");

    let views = EventViews::new().with::<SecondGame>();
    let refused = ViewError::StateVersion {
        owner: "game",
        found: 1,
        known: 2,
    };
    assert_eq!(views.state(&old), Err(refused));
}

/// Catches: a start that fails on a snapshot that does not decode, and one that believes it.
#[tokio::test(start_paused = true)]
async fn a_snapshot_of_nonsense_costs_only_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("game.redb");
    let mut nonsense = play(&file).await;
    nonsense.state = vec![0xff; 7];
    let views = EventViews::new().with::<FirstGame>();
    assert!(matches!(views.state(&nonsense), Err(ViewError::Codec(_))));

    let journal = reopen(&file);
    journal.offer_snapshot(nonsense.clone());
    let runtime = run(&journal, FirstGame).await;
    let handle = runtime.handle();
    let points = handle.ask(&Caller::system(), ReadFirst).await;
    assert_eq!(points, Ok((30, 10)));
    // A commit takes the snapshot to the disk, where the next start finds it.
    handle
        .ask(&Caller::system(), Score)
        .await
        .expect("a round is scored");
    drop(handle);
    runtime.stop().await.expect("it stops");
    drop(journal);

    let journal = reopen(&file);
    let found = journal.snapshot("game/chess").expect("it is read");
    assert_eq!(found.as_ref(), Some(&nonsense), "the test planted it");
    let runtime = run(&journal, FirstGame).await;
    let points = runtime.handle().ask(&Caller::system(), ReadFirst).await;
    assert_eq!(points, Ok((33, 11)), "rebuilt from the events");
    runtime.stop().await.expect("it stops");
}
