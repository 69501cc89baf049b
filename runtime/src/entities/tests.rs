#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use mercato_persistence::{Append, DiskPace, EventData, JournalOptions, RedbJournal, WriterPlace};
use serde::{Deserialize, Serialize};

use super::entity::{AROUND_BYTES, GROWN_BYTES_MIN};
use super::*;
use crate::codec;
use crate::registry::Commands;

struct EvenDisk;

impl DiskPace for EvenDisk {
    fn commit_time(&mut self, _: usize) -> Duration {
        Duration::from_millis(2)
    }
}

/// Something whose state is what was written into it.
struct Notes;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Written {
    text: String,
}

crate::events! { enum NoteEvent { Written: 1 } }

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

    fn commands(_: &mut Commands<Self>) {}
}

/// The entities of one shard over a journal of their own.
struct Shard {
    journal: RedbJournal,
    entities: Entities<Notes>,
    counters: Arc<AgentCounters>,
    now: Timestamp,
}

const NO_LIMITS: EntityLimits = EntityLimits {
    entities_max: usize::MAX,
    bytes_max: usize::MAX,
};

fn shard(limits: EntityLimits, waking: Option<Waking>) -> Shard {
    let writer = WriterPlace::Task(Box::new(EvenDisk));
    let counters = Arc::new(AgentCounters::default());
    let cadence = SnapshotCadence::within(Duration::from_secs(2), 1);
    Shard {
        journal: RedbJournal::in_memory(JournalOptions::default(), writer).unwrap(),
        entities: Entities::bounded(limits, cadence, waking, counters.clone()),
        counters,
        now: Timestamp::from_millis(1_000_000),
    }
}

impl Shard {
    /// Records so many events of one entity, in one append, with a text of `bytes`.
    fn write(&self, key: &str, events: usize, bytes: usize) {
        let stream = stream_of(Notes::NAME, key);
        let text = "x".repeat(bytes);
        let one = EventData {
            name: "Written".into(),
            version: 1,
            payload: codec::encode(&Written { text }).unwrap(),
        };
        let version = self.journal.version(&stream).unwrap();
        let append = Append {
            events: vec![one; events],
            ..Append::to(&*stream, version, 0)
        };
        self.journal.append(append).unwrap();
    }

    fn load(&mut self, key: &str) -> Progress {
        let epoch = self.journal.epoch();
        self.entities
            .load(&self.journal, epoch, key, self.now, &|| {})
            .unwrap()
    }

    fn passivate_idle(&mut self) {
        let epoch = self.journal.epoch();
        self.entities.passivate_idle(&self.journal, epoch, self.now);
    }

    fn is_loading(&self, key: &str) -> bool {
        self.entities.loading.contains_key(key)
    }

    async fn close(self) {
        self.journal.close().await.unwrap();
    }
}

/// More than fits one slice.
fn long(shard: &Shard, key: &str) {
    for _ in 0..2 {
        shard.write(key, SLICE_EVENTS, 1);
    }
}

/// Catches: more entities than allowed that are loaded side by side, a place that is taken from
/// whoever still comes back for it, and one that is kept for whoever does not.
#[tokio::test(start_paused = true)]
async fn a_place_to_load_in_is_given_up_only_where_nobody_comes_back_for_it() {
    let mut shard = shard(NO_LIMITS, None);
    let keys: Vec<_> = (0..=LOADING_MAX).map(|n| format!("long{n}")).collect();
    for key in &keys {
        long(&shard, key);
    }
    let (last, first) = keys.split_last().unwrap();
    for key in first {
        assert_eq!(shard.load(key), Progress::Partly);
        assert!(shard.is_loading(key), "{key}");
    }
    // All places are taken, the oldest since the first slice of the shard.
    while shard.entities.slices <= UNTOUCHED_SLICES_MAX {
        assert_eq!(shard.load(last), Progress::Partly);
        assert!(!shard.is_loading(last));
    }
    assert!(shard.is_loading(&first[0]), "it may still be come back for");
    assert_eq!(shard.load(last), Progress::Partly);
    assert!(shard.is_loading(last) && !shard.is_loading(&first[0]));
    assert!(first[1..].iter().all(|key| shard.is_loading(key)));
    // Whoever comes back has his place until he is done.
    while shard.load(&first[1]) == Progress::Partly {}
    assert_eq!(shard.load(&first[1]), Progress::Ready);
    assert_eq!(shard.load(&first[0]), Progress::Partly);
    assert!(shard.is_loading(&first[0]), "there is a place again");
    shard.close().await;
}

/// Catches: a place that is given up though nobody needs it, so that a history is read from its beginning
/// again.
#[tokio::test(start_paused = true)]
async fn a_place_to_load_in_is_kept_while_there_are_others() {
    let mut shard = shard(NO_LIMITS, None);
    long(&shard, "long");
    assert_eq!(shard.load("long"), Progress::Partly);
    for n in 0..UNTOUCHED_SLICES_MAX + 10 {
        assert_eq!(shard.load(&format!("c{n}")), Progress::Loaded);
    }
    assert!(shard.is_loading("long"));
    shard.close().await;
}

/// Catches: an entity that is measured again and again while it grows, one that never is, and one
/// that is counted without what stands around its state.
#[tokio::test(start_paused = true)]
async fn an_entity_weighs_its_state_its_key_and_what_stands_around_them() {
    let mut shard = shard(NO_LIMITS, None);
    shard.write("a", 3, 100);
    assert_eq!(shard.load("a"), Progress::Loaded);
    let around = size_of::<Entity<Notes>>() + AROUND_BYTES + 2 * "notes/a".len();
    let stored = codec::encoded_bytes(&vec!["x".repeat(100); 3]).unwrap();
    assert_eq!(shard.entities.bytes, around + stored);

    let entity = shard.entities.get("a", shard.now).unwrap();
    // Its events count in full until they outgrow what it was.
    entity.grow(GROWN_BYTES_MIN);
    assert_eq!(entity.bytes(), around + stored + GROWN_BYTES_MIN);
    entity.grow(1);
    assert_eq!(entity.bytes(), around + stored);
    shard.close().await;
}

/// Catches: an entity that leaves although there is just room for it, and one that stays beyond the
/// bound.
#[tokio::test(start_paused = true)]
async fn entities_leave_when_the_bound_is_passed_and_not_when_it_is_reached() {
    let mut wide = shard(NO_LIMITS, None);
    wide.write("a", 1, 100);
    wide.write("b", 1, 100);
    wide.load("a");
    let one = wide.entities.bytes;
    wide.load("b");
    let both = wide.entities.bytes;
    assert_eq!(both, 2 * one);
    for (bytes_max, left) in [(both, 2), (both - 1, 1), (1, 1)] {
        let limits = EntityLimits {
            bytes_max,
            ..NO_LIMITS
        };
        let counters = wide.counters.clone();
        let cadence = SnapshotCadence::within(Duration::from_secs(2), 1);
        wide.entities = Entities::bounded(limits, cadence, None, counters);
        wide.load("a");
        wide.load("b");
        assert_eq!(wide.entities.active.len(), left, "{bytes_max}");
        assert!(wide.entities.active.contains("b"), "it is in use");
    }
    assert_eq!(wide.counters.active.get(), 1);
    assert_eq!(wide.counters.active_bytes.get(), one as u64);
    wide.close().await;
}

/// Catches: a new entity that counts as one that came back, and one that came back and does not.
#[tokio::test(start_paused = true)]
async fn who_was_there_before_comes_back_and_who_is_new_does_not() {
    let mut shard = shard(NO_LIMITS, None);
    shard.write("known", 1, 1);
    assert_eq!(shard.load("new"), Progress::Loaded);
    assert_eq!(shard.counters.reactivated.get(), 0);
    assert_eq!(shard.load("known"), Progress::Loaded);
    assert_eq!(shard.counters.reactivated.get(), 1);
    shard.close().await;
}

/// Catches: an entity whose state holds what was not recorded and that stays in memory, and one that is
/// read anew although nothing is wrong with it.
#[tokio::test(start_paused = true)]
async fn whose_state_is_ahead_of_the_journal_is_forgotten() {
    let mut shard = shard(NO_LIMITS, None);
    for key in ["a", "b"] {
        shard.write(key, 1, 1);
        assert_eq!(shard.load(key), Progress::Loaded);
    }
    shard.entities.get("a", shard.now).unwrap().is_ahead = true;
    for key in ["a", "b"] {
        shard.entities.forget_if_ahead(key);
    }
    assert!(shard.entities.get("a", shard.now).is_none());
    assert!(shard.entities.get("b", shard.now).is_some());
    assert_eq!(shard.counters.active.get(), 1);
    shard.close().await;
}

/// Catches: an agent that may not keep what is idle for as long, or let it go as soon, as it is told.
#[test]
fn idle_is_what_nobody_asked_for_a_second_or_up_to_thirty_days() {
    let after = |asked| IdleWatch::new(1, asked).idle_after();
    let thirty_days = Duration::from_hours(720);
    assert_eq!(after(Duration::ZERO), Duration::from_secs(1));
    assert_eq!(after(Duration::MAX), thirty_days);
    assert_eq!(after(thirty_days), thirty_days);
}

/// Catches: a shard that is busy with idle entities for longer than a group of them takes, one that
/// is woken for each of them, and one that is not woken again.
#[tokio::test(start_paused = true)]
async fn the_idle_leave_in_groups_and_the_shard_is_woken_for_the_next() {
    let idle_after = Duration::from_secs(80);
    let idle = Arc::new(IdleWatch::new(1, idle_after));
    let waking = Waking {
        idle: idle.clone(),
        shard: 0,
    };
    let mut shard = shard(NO_LIMITS, Some(waking));
    let begun = shard.now;
    for n in 0..PASSIVATED_AT_ONCE + 3 {
        shard.load(&format!("c{n}"));
    }
    assert_eq!(idle.next(), Some(begun.plus(idle_after)));
    // Just before, nothing is due.
    shard.now = begun.plus(Duration::from_millis(79_999));
    shard.passivate_idle();
    assert_eq!(shard.entities.active.len(), PASSIVATED_AT_ONCE + 3);
    // What is due in a moment waits for the next group.
    assert_eq!(idle.next(), Some(shard.now.plus(Duration::from_secs(10))));
    // At the very moment it is due, but no more than a group of them.
    shard.now = begun.plus(idle_after);
    shard.passivate_idle();
    assert_eq!(shard.entities.active.len(), 3);
    assert_eq!(idle.next(), Some(shard.now), "the others leave at once");
    let last = format!("c{}", PASSIVATED_AT_ONCE + 2);
    shard.entities.get(&last, shard.now).unwrap();
    shard.passivate_idle();
    assert_eq!(shard.entities.active.len(), 1, "it was used just now");
    assert_eq!(idle.next(), Some(shard.now.plus(idle_after)));
    shard.close().await;
}
