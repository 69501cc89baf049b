//! Caches in a runtime: agents asked through one, and events that invalidate.

use std::borrow::Cow;
use std::time::Duration;

use mercato::{
    Answer, Cache, CacheSettings, CacheStats, CachesSettings, Caller, Command, CommandId, Context,
    CrashPoint, Decided, Decision, Handle, Kind, Principal, Runtime, RuntimeError, STORE_READS,
    Scope, State, Tag,
};
use serde::{Deserialize, Serialize};

use crate::support::{Counters, add, memory, read, virtual_runtime};

async fn with_caches(settings: CachesSettings) -> Runtime {
    let runtime = virtual_runtime(memory())
        .agent(Counters::default())
        .caches(settings);
    runtime.start().await.expect("it starts")
}

fn responses(handle: &Handle) -> CacheStats {
    let caches = handle.caches().expect("they are switched on");
    caches
        .stats()
        .into_iter()
        .next()
        .expect("the cache of answers")
}

/// Catches: an answer that is asked for each time, one that is given to another person or for
/// another entity, and a write that is answered from the cache.
#[tokio::test(start_paused = true)]
async fn a_read_is_answered_from_the_cache_to_whoever_asked_it() {
    let runtime = with_caches(CachesSettings::default()).await;
    let handle = runtime.handle();
    let caller = Caller::system();
    for balance in 1..=3 {
        assert_eq!(
            handle.ask_cached(&caller, add("a", 1)).await,
            Ok(Answer::Fresh(balance))
        );
    }
    let other = Caller::new(Principal::user("7"));
    for _ in 0..5 {
        assert_eq!(
            handle.ask_cached(&caller, read("a")).await,
            Ok(Answer::Fresh(3))
        );
        assert_eq!(
            handle.ask_cached(&caller, read("b")).await,
            Ok(Answer::Fresh(0))
        );
        assert_eq!(
            handle.ask_cached(&other, read("a")).await,
            Ok(Answer::Fresh(3))
        );
    }
    let stats = responses(&handle);
    assert_eq!(
        (stats.cache, stats.loads, stats.hits),
        ("agent_responses", 3, 12)
    );
    assert_eq!(stats.hit_ratio(), Some(0.8));
    runtime.stop().await.expect("it stops");
}

/// Catches: a read that does not see what its own asker was told has happened, and an event that
/// invalidates what it does not concern.
#[tokio::test(start_paused = true)]
async fn whoever_was_told_of_an_event_reads_no_answer_from_before_it() {
    let runtime = with_caches(CachesSettings::default()).await;
    let handle = runtime.handle();
    let caller = Caller::system();
    handle
        .ask_cached(&caller, read("quiet"))
        .await
        .expect("an answer");
    for balance in 1..=50 {
        handle.ask(&caller, add("a", 1)).await.expect("an answer");
        let read = handle.ask_cached(&caller, read("a")).await;
        assert_eq!(read, Ok(Answer::Fresh(balance)));
    }
    handle
        .ask_cached(&caller, read("quiet"))
        .await
        .expect("an answer");
    let stats = responses(&handle);
    assert_eq!((stats.loads, stats.hits, stats.invalidated), (51, 1, 49));
    runtime.stop().await.expect("it stops");
}

/// What a counter says under today's tariff.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ReadByTariff {
    counter: String,
}

impl Command for ReadByTariff {
    type Agent = Counters;
    type Reply = i64;
    const NAME: &'static str = "ReadByTariff";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.counter)
    }

    fn depends_on(&self) -> Vec<Tag> {
        vec![Tag::named("tariff")]
    }

    fn decide(&self, _: &Counters, state: &State<Self>, _: &Context<'_>) -> Decided<Self> {
        Ok(Decision::reply(state.value))
    }
}

/// Catches: a read that names what it depends on, and is thrown away with every event of its entity
/// all the same, or never.
#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_as_long_as_what_it_says_it_depends_on() {
    let runtime = with_caches(CachesSettings::default()).await;
    let handle = runtime.handle();
    let caller = Caller::system();
    let question = || ReadByTariff {
        counter: "a".into(),
    };
    for _ in 0..5 {
        handle.ask(&caller, add("a", 1)).await.expect("an answer");
        let read = handle.ask_cached(&caller, question()).await;
        assert_eq!(read, Ok(Answer::Fresh(1)));
    }
    let caches = handle.caches().expect("they are switched on");
    caches.invalidate(&Tag::named("tariff"));
    let read = handle.ask_cached(&caller, question()).await;
    assert_eq!(read, Ok(Answer::Fresh(5)));
    assert_eq!(responses(&handle).loads, 2);
    runtime.stop().await.expect("it stops");
}

/// What a counter says, which no clock changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ReadForGood {
    counter: String,
}

impl Command for ReadForGood {
    type Agent = Counters;
    type Reply = i64;
    const NAME: &'static str = "ReadForGood";
    const KIND: Kind = Kind::Read;
    const AGES: bool = false;

    fn entity(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.counter)
    }

    fn decide(&self, _: &Counters, state: &State<Self>, _: &Context<'_>) -> Decided<Self> {
        Ok(Decision::reply(state.value))
    }
}

/// Catches: an answer that grows old though nothing has happened, and one that is given for true after
/// something has, because it was asked for again and again.
#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_age_is_fresh_until_an_event_concerns_it() {
    let runtime = with_caches(CachesSettings::default()).await;
    let handle = runtime.handle();
    let caller = Caller::system();
    let question = || ReadForGood {
        counter: "a".into(),
    };
    for value in 1..=3 {
        handle.ask(&caller, add("a", 1)).await.expect("an answer");
        // By the default limits an answer that ages is of no use after eleven minutes.
        for _ in 0..3 {
            let read = handle.ask_cached(&caller, question()).await;
            assert_eq!(read, Ok(Answer::Fresh(value)));
            tokio::time::sleep(Duration::from_secs(3_600)).await;
        }
    }
    assert_eq!(responses(&handle).loads, 3);
    runtime.stop().await.expect("it stops");
}

/// Catches: events on which caches of one's own do not act: by entity, by agent, or by name.
#[tokio::test(start_paused = true)]
async fn events_invalidate_by_entity_by_agent_and_by_name() {
    let runtime = with_caches(CachesSettings::default()).await;
    let handle = runtime.handle();
    let caches = handle.caches().expect("they are switched on").clone();
    let store: Cache<&str, u32, ()> = caches.open(STORE_READS, |_, _| 4);
    let keys = [
        ("entity", Tag::entity::<Counters>("a")),
        ("other entity", Tag::entity::<Counters>("b")),
        ("agent", Tag::agent::<Counters>()),
        ("event", Tag::event::<Counters>("Added")),
        ("other event", Tag::event::<Counters>("Removed")),
        ("name", Tag::named("today")),
    ];
    for (key, tag) in &keys {
        let load = || async { Ok(Answer::Fresh(1)) };
        store
            .get_or_load(key, std::slice::from_ref(tag), load)
            .await
            .expect("an answer");
    }
    let caller = Caller::system();
    handle.ask(&caller, add("a", 1)).await.expect("an answer");
    let deadline = handle.clock().now().plus(Duration::from_secs(1));
    caches
        .caught_up(deadline)
        .await
        .expect("it follows the events");
    let left = || {
        keys.iter()
            .filter(|(key, _)| store.get(key).is_some())
            .map(|it| it.0)
    };
    assert_eq!(
        left().collect::<Vec<_>>(),
        ["other entity", "other event", "name"]
    );
    caches.invalidate(&Tag::named("today"));
    assert_eq!(left().collect::<Vec<_>>(), ["other entity", "other event"]);
    runtime.stop().await.expect("it stops");
}

/// Catches: a stale answer that passes for a fresh one, and none at all where the agent cannot be
/// asked in time.
#[tokio::test(start_paused = true)]
async fn where_an_agent_does_not_answer_its_last_answer_is_given_labelled_stale() {
    let settings = CacheSettings {
        fresh: Duration::from_secs(1),
        ..CacheSettings::default()
    };
    let settings = CachesSettings::default().with("agent_responses", settings);
    let runtime = with_caches(settings).await;
    let handle = runtime.handle();
    let caller = Caller::system();
    handle.ask(&caller, add("a", 5)).await.expect("an answer");
    assert_eq!(
        handle.ask_cached(&caller, read("a")).await,
        Ok(Answer::Fresh(5))
    );
    tokio::time::sleep(Duration::from_secs(30)).await;
    // The policy makes no attempt that has no time left.
    let hasty = caller.clone().within(Duration::ZERO);
    let answer = handle.ask_cached(&hasty, read("a")).await;
    let age = Duration::from_secs(30);
    assert_eq!(answer, Ok(Answer::Stale { value: 5, age }));
    assert_eq!(responses(&handle).stale, 1);
    let nothing = handle.ask_cached(&hasty, read("b")).await;
    assert!(nothing.is_err(), "{nothing:?}");
    runtime.stop().await.expect("it stops");
}

/// Catches: a write that is made twice because it was asked for where reads are shared.
#[tokio::test(start_paused = true)]
async fn a_write_is_not_shared_and_is_made_once() {
    let runtime = with_caches(CachesSettings::default()).await;
    let handle = runtime.handle();
    for _ in 0..2 {
        let keyed = Caller::new(Principal::user("7")).keyed(CommandId::from_key("once"));
        let served = handle.serve(&keyed, async |scope: &Scope| {
            scope.ask_shared(add("a", 1)).await
        });
        assert_eq!(served.await, Ok(Answer::Fresh(1)));
    }
    let read = handle.ask(&Caller::system(), read("a")).await;
    assert_eq!(read, Ok(1));
    runtime.stop().await.expect("it stops");
}

/// Catches: somebody with time who is told that there was none, because the one who asked first had none.
#[tokio::test(start_paused = true)]
async fn whoever_joins_a_load_waits_as_long_as_their_own_time_lasts() {
    let runtime = with_caches(CachesSettings::default()).await;
    let handle = runtime.handle();
    // Each restart of a shard waits longer than the one before: it is away for more than a second now.
    for _ in 0..8 {
        for shard in 0..runtime.shards("counters") {
            assert!(runtime.crash_shard("counters", shard, CrashPoint::Idle));
        }
        tokio::time::sleep(Duration::from_millis(900)).await;
    }
    let asked_at = handle.clock().now();
    let ask = |time| {
        let (handle, caller) = (handle.clone(), Caller::system().within(time));
        async move {
            let answer = handle.ask_cached(&caller, read("a")).await;
            (answer.is_ok(), handle.clock().now().since(asked_at))
        }
    };
    let hasty = Duration::from_millis(50);
    let (first, second) = tokio::join!(ask(hasty), ask(Duration::from_secs(20)));
    assert_eq!(first, (false, hasty));
    assert!(second.0 && second.1 > hasty, "{second:?}");
    let stats = responses(&handle);
    assert_eq!((stats.loads, stats.joined), (2, 1));
    runtime.stop().await.expect("it stops");
}

/// Catches: a cache that goes on after events are no longer followed.
#[tokio::test(start_paused = true)]
async fn a_stopped_runtime_keeps_nothing() {
    let runtime = with_caches(CachesSettings::default()).await;
    let handle = runtime.handle();
    handle
        .ask_cached(&Caller::system(), read("a"))
        .await
        .expect("an answer");
    assert_eq!(responses(&handle).entries, 1);
    runtime.stop().await.expect("it stops");
    assert_eq!(responses(&handle).entries, 0);
    let answer = handle.ask_cached(&Caller::system(), read("a")).await;
    assert!(answer.is_err(), "{answer:?}");
}

/// Catches: a runtime that starts with limits that cannot be used, or needs caches to ask.
#[tokio::test(start_paused = true)]
async fn caches_are_checked_when_they_are_switched_on_and_may_stay_off() {
    let settings = CacheSettings {
        loads_max: 0,
        ..CacheSettings::default()
    };
    let settings = CachesSettings::default().with("knowledge_base", settings);
    let started = virtual_runtime(memory()).caches(settings).start().await;
    assert!(
        matches!(started, Err(RuntimeError::Caches(_))),
        "{started:?}"
    );

    let runtime = virtual_runtime(memory()).agent(Counters::default());
    let runtime = runtime.start().await.expect("it starts");
    let handle = runtime.handle();
    let keyed = Caller::system().keyed(CommandId::from_key("once"));
    assert_eq!(
        handle.ask_cached(&keyed, add("a", 1)).await,
        Ok(Answer::Fresh(1))
    );
    assert_eq!(
        handle.ask_cached(&keyed, add("a", 1)).await,
        Ok(Answer::Fresh(1))
    );
    assert!(handle.caches().is_none());
    assert_eq!(
        handle.ask_cached(&Caller::system(), read("a")).await,
        Ok(Answer::Fresh(1))
    );
    runtime.stop().await.expect("it stops");
}

/// Catches: a cache for each who comes by, one that is taken for another of the same name, and one that goes
/// on with what is no longer true because another took its name.
#[tokio::test(start_paused = true)]
async fn a_shared_cache_is_one_for_all_who_name_it() {
    let runtime = with_caches(CachesSettings::default()).await;
    let handle = runtime.handle();
    let caches = handle.caches().expect("they are switched on");
    let rates = || -> Cache<u8, u32, String> { caches.shared("rates", |_, _| 4) };
    let load = |rate: u32| move || async move { Ok(Answer::Fresh(rate)) };
    assert_eq!(
        rates().get_or_load(1, &[], load(7)).await,
        Ok(Answer::Fresh(7))
    );
    assert_eq!(
        rates().get_or_load(1, &[], load(8)).await,
        Ok(Answer::Fresh(7))
    );
    let named = |name: &str| caches.stats().into_iter().find(|it| it.cache == name);
    assert_eq!(named("rates").map(|it| (it.loads, it.hits)), Some((1, 1)));
    let (of_all, lasting) = (rates(), Tag::agent::<Counters>());
    let tags = std::slice::from_ref(&lasting);
    let loaded = of_all.get_or_load(2, tags, load(9)).await;
    assert_eq!(loaded, Ok(Answer::Fresh(9)));
    let of_other_types: Cache<u16, u32, String> = caches.shared("rates", |_, _| 4);
    assert_eq!(of_other_types.get(&1), None);
    assert_eq!(named("rates").map(|it| it.entries), Some(0));
    // Whoever holds the one before is told what is no longer true all the same.
    assert_eq!(of_all.get(&2), Some(9));
    let caller = Caller::system();
    handle.ask(&caller, add("a", 1)).await.expect("an answer");
    let deadline = handle.clock().now().plus(Duration::from_secs(1));
    caches.caught_up(deadline).await.expect("it follows");
    assert_eq!(of_all.get(&2), None);
    runtime.stop().await.expect("it stops");
}

/// Catches: a cache that still has its holder and is told nothing more, since others took its name.
#[tokio::test(start_paused = true)]
async fn a_cache_whose_name_others_took_is_still_told_what_happened() {
    let runtime = with_caches(CachesSettings::default()).await;
    let handle = runtime.handle();
    let caches = handle.caches().expect("they are switched on");
    let open = || -> Cache<&str, u32, ()> { caches.open(STORE_READS, |_, _| 4) };
    let (first, second) = (open(), open());
    drop(open());
    let third = open();
    let all = [&first, &second, &third];
    for cache in all {
        let load = || async { Ok(Answer::Fresh(7)) };
        let tags = [Tag::entity::<Counters>("a")];
        let loaded = cache.get_or_load("a", &tags, load).await;
        assert_eq!(loaded, Ok(Answer::Fresh(7)));
    }
    assert_eq!(all.map(|cache| cache.get(&"a")), [Some(7); 3]);
    let added = handle.ask(&Caller::system(), add("a", 1)).await;
    assert_eq!(added, Ok(1));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(all.map(|cache| cache.get(&"a")), [None; 3]);
    runtime.stop().await.expect("it stops");
}
