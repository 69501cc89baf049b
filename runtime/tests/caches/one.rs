//! One cache by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use mercato::{
    Answer, Cache, CacheSettings, CachesSettings, Clock, Entropy, LoadError, Tag, Timestamp,
};

type Rates = Cache<&'static str, u32, String>;
type Load = BoxFuture<'static, Result<Answer<u32>, String>>;

const LOAD: Duration = Duration::from_millis(100);

fn rates(settings: CacheSettings) -> Rates {
    let clock = Clock::starting_at(Timestamp::from_millis(0));
    Cache::new("rates", settings, clock, &Entropy::seeded(7), |_, _| 4)
}

/// A slow source that counts how often it is asked, and answers with the count.
#[derive(Clone, Default)]
struct Source(Arc<AtomicU32>);

impl Source {
    fn load(&self) -> impl FnOnce() -> Load + Send + use<> {
        let asked = self.0.clone();
        move || {
            async move {
                tokio::time::sleep(LOAD).await;
                Ok(Answer::Fresh(asked.fetch_add(1, Ordering::SeqCst) + 1))
            }
            .boxed()
        }
    }

    fn asked(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

async fn ask(rates: &Rates, source: &Source) -> Result<Answer<u32>, LoadError<String>> {
    let tags = [Tag::named("rates")];
    rates.get_or_load("EUR", &tags, source.load()).await
}

/// Catches: a load for each who asks, joined look-ups that are counted as hits, and a ratio of none.
#[tokio::test(start_paused = true)]
async fn what_is_missing_is_loaded_once_for_all() {
    let (rates, source) = (rates(CacheSettings::default()), Source::default());
    assert_eq!(rates.stats().hit_ratio(), None, "nobody has looked yet");
    let answers = join_all((0..10).map(|_| ask(&rates, &source))).await;
    assert_eq!(answers, [const { Ok(Answer::Fresh(1)) }; 10]);
    for _ in 0..90 {
        assert_eq!(ask(&rates, &source).await, Ok(Answer::Fresh(1)));
    }
    assert_eq!(source.asked(), 1);
    let stats = rates.stats();
    assert_eq!(
        (stats.hits, stats.misses, stats.joined, stats.loads),
        (90, 10, 9, 1)
    );
    assert_eq!(stats.hit_ratio(), Some(0.9));
}

/// Catches: a load that dies with whoever began it.
#[tokio::test(start_paused = true)]
async fn who_waits_gets_the_answer_though_the_first_goes_away() {
    let (rates, source) = (rates(CacheSettings::default()), Source::default());
    let first = tokio::time::timeout(LOAD / 2, ask(&rates, &source));
    let (first, second) = tokio::join!(first, ask(&rates, &source));
    assert!(first.is_err());
    assert_eq!(second, Ok(Answer::Fresh(1)));
    assert_eq!(source.asked(), 1);
    // Where nobody waits any more it is not loaded, and does not stand in the way.
    rates.clear();
    let gone = tokio::time::timeout(LOAD / 2, ask(&rates, &source)).await;
    assert!(gone.is_err());
    tokio::time::sleep(LOAD).await;
    assert_eq!(source.asked(), 1);
    assert_eq!(ask(&rates, &source).await, Ok(Answer::Fresh(2)));
}

/// Catches: an age that does not follow the clock, an old answer given as fresh, and a stale one
/// that is given for ever.
#[tokio::test(start_paused = true)]
async fn an_answer_is_fresh_then_stale_then_gone() {
    let settings = CacheSettings {
        fresh: Duration::from_secs(1),
        stale: Duration::from_secs(4),
        ..CacheSettings::default()
    };
    let (rates, source) = (rates(settings), Source::default());
    assert_eq!(rates.stale(&"EUR"), None);
    ask(&rates, &source).await.expect("an answer");
    tokio::time::sleep(Duration::from_millis(999)).await;
    assert_eq!(rates.get(&"EUR"), Some(1));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(rates.get(&"EUR"), None);
    assert_eq!(rates.stale(&"EUR"), Some((1, Duration::from_secs(1))));
    tokio::time::sleep(Duration::from_millis(3_999)).await;
    assert_eq!(rates.stale(&"EUR"), Some((1, Duration::from_millis(4_999))));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(rates.stale(&"EUR"), None);
    assert_eq!(ask(&rates, &source).await, Ok(Answer::Fresh(2)));
    let stats = rates.stats();
    assert_eq!((stats.expired, stats.stale, stats.entries), (2, 2, 1));
    // Whoever would load it finds it so at the same moments.
    tokio::time::sleep(Duration::from_millis(999)).await;
    assert_eq!(ask(&rates, &source).await, Ok(Answer::Fresh(2)));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(ask(&rates, &source).await, Ok(Answer::Fresh(3)));
}

/// Catches: an invalidation that misses, or hits others; and one that takes away what may stand in,
/// labelled, for something better.
#[tokio::test(start_paused = true)]
async fn what_is_invalidated_is_loaded_anew() {
    let (rates, source) = (rates(CacheSettings::default()), Source::default());
    ask(&rates, &source).await.expect("an answer");
    rates.invalidate(&Tag::named("prices"));
    rates.invalidate_key(&"GBP");
    assert_eq!(rates.get(&"EUR"), Some(1));
    rates.invalidate(&Tag::named("rates"));
    assert_eq!(rates.get(&"EUR"), None);
    assert_eq!(rates.stale(&"EUR").map(|(rate, _)| rate), Some(1));
    assert_eq!(ask(&rates, &source).await, Ok(Answer::Fresh(2)));
    rates.invalidate_key(&"EUR");
    assert_eq!(ask(&rates, &source).await, Ok(Answer::Fresh(3)));
    assert_eq!(rates.stats().invalidated, 2);
    rates.clear();
    assert_eq!(rates.stale(&"EUR"), None);
}

/// Catches: an answer that was read before something happened, and is kept or given to those who
/// ask after it; and one that is thrown away with it though nothing concerns it.
#[tokio::test(start_paused = true)]
async fn an_answer_that_was_overtaken_by_an_event_is_not_kept() {
    let (rates, source) = (rates(CacheSettings::default()), Source::default());
    for (nth, invalidate) in [
        |rates: &Rates| rates.invalidate(&Tag::named("rates")),
        |rates: &Rates| rates.invalidate_key(&"EUR"),
        |rates: &Rates| rates.clear(),
    ]
    .into_iter()
    .enumerate()
    {
        rates.clear();
        let nth = u32::try_from(nth).expect("three");
        let event = async {
            tokio::time::sleep(LOAD / 2).await;
            invalidate(&rates);
            ask(&rates, &source).await
        };
        let (before, after) = tokio::join!(ask(&rates, &source), event);
        assert_eq!(before, Ok(Answer::Fresh(2 * nth + 1)));
        assert_eq!(after, Ok(Answer::Fresh(2 * nth + 2)));
        assert_eq!(
            rates.get(&"EUR"),
            Some(2 * nth + 2),
            "the later one is kept"
        );
    }
    assert_eq!(rates.stats().called_off, 3);
    // Also where nobody asks again, and with nothing that depends on something else.
    rates.clear();
    let event = async {
        tokio::time::sleep(LOAD / 2).await;
        rates.invalidate(&Tag::named("rates"));
    };
    let tags = [Tag::named("prices")];
    let other = rates.get_or_load("GBP", &tags, source.load());
    let (given, other, ()) = tokio::join!(ask(&rates, &source), other, event);
    assert_eq!((given, other), (Ok(Answer::Fresh(7)), Ok(Answer::Fresh(8))));
    assert_eq!(rates.get(&"EUR"), None);
    assert_eq!(rates.stale(&"EUR"), None);
    assert_eq!((rates.get(&"GBP"), rates.stats().called_off), (Some(8), 4));
}

/// Catches: an error or a panic that is kept, or that leaves those who wait hanging; and an answer
/// that is no fresh one and is kept as if it were.
#[tokio::test(start_paused = true)]
async fn only_fresh_answers_are_kept() {
    let rates = rates(CacheSettings::default());
    let failing = || async {
        tokio::time::sleep(LOAD).await;
        Err("closed".to_owned())
    };
    let (one, two) = tokio::join!(
        rates.get_or_load("EUR", &[], failing),
        rates.get_or_load("EUR", &[], failing)
    );
    assert_eq!(
        (&one, &two),
        (&Err(LoadError::Failed("closed".to_owned())), &one)
    );
    let panicking = || async { panic!("on purpose") };
    let panicked = rates.get_or_load("EUR", &[], panicking).await;
    assert_eq!(panicked, Err(LoadError::Panicked));
    let age = Duration::from_secs(9);
    for answer in [Answer::Stale { value: 7, age }, Answer::Alternative(7)] {
        let given = answer.clone();
        let load = move || async move { Ok(given) };
        assert_eq!(rates.get_or_load("EUR", &[], load).await, Ok(answer));
        assert_eq!(rates.get(&"EUR"), None);
    }
    let stats = rates.stats();
    assert_eq!((stats.load_failures, stats.entries), (2, 0));
}

/// Catches: as many loads at once as there are keys.
#[tokio::test(start_paused = true)]
async fn loads_are_bounded() {
    let settings = CacheSettings {
        loads_max: 2,
        ..CacheSettings::default()
    };
    let (rates, source) = (rates(settings), Source::default());
    let load = |key| rates.get_or_load(key, &[], source.load());
    let answers = tokio::join!(load("EUR"), load("USD"), load("GBP"), load("EUR"));
    assert_eq!(answers.2, Err(LoadError::TooMany { loads_max: 2 }));
    assert!(answers.0.is_ok() && answers.1.is_ok() && answers.3 == answers.0);
    assert_eq!(rates.stats().refused, 1);
    assert!(load("GBP").await.is_ok(), "there is room again");
    // Those who go away, and loads that fail, leave their room too.
    for key in ["JPY", "CHF"] {
        let gone = tokio::time::timeout(LOAD / 2, load(key)).await;
        assert!(gone.is_err());
    }
    for key in ["SEK", "NOK"] {
        let failed = rates.get_or_load(key, &[], || async { Err("closed".to_owned()) });
        assert!(failed.await.is_err());
    }
    let both = tokio::join!(load("DKK"), load("PLN"));
    assert!(both.0.is_ok() && both.1.is_ok());
}

/// Catches: a bound in bytes that does not hold, and a scan that drives out what is asked for again
/// and again.
#[tokio::test(start_paused = true)]
async fn memory_is_bounded_and_a_scan_leaves_what_is_in_use() {
    let settings = CacheSettings {
        bytes_max: 64 << 10,
        ..CacheSettings::default()
    };
    let clock = Clock::starting_at(Timestamp::from_millis(0));
    let cache: Cache<u32, u32, String> =
        Cache::new("scan", settings, clock, &Entropy::seeded(7), |_, _| 128);
    let load =
        |key: u32| cache.get_or_load(key, &[], move || async move { Ok(Answer::Fresh(key)) });
    for round in 0..200 {
        for hot in 0..50 {
            load(hot).await.expect("an answer");
        }
        for once in 0..50 {
            load(1_000 + round * 50 + once).await.expect("an answer");
        }
    }
    let stats = cache.stats();
    assert!(stats.bytes <= 64 << 10, "{stats:?}");
    assert!(stats.evicted > 9_000, "{stats:?}");
    // Half of the look-ups are for what is in use, and nearly all of them hit.
    assert!(stats.hit_ratio() > Some(0.48), "{stats:?}");
}

/// Catches: limits that are taken as they are, and a check that ends at the first mistake.
#[test]
fn all_mistakes_in_limits_are_told_at_once() {
    let settings = CachesSettings::default()
        .with(
            "knowledge_base",
            CacheSettings {
                bytes_max: 1,
                fresh: Duration::ZERO,
                ..CacheSettings::default()
            },
        )
        .with(
            "store_reads",
            CacheSettings {
                stale: Duration::from_millis(2_592_000_001),
                loads_max: 0,
                ..CacheSettings::default()
            },
        );
    let problems = settings.check().expect_err("it is wrong").problems;
    let paths: Vec<_> = problems.iter().map(|it| &*it.path).collect();
    let expected = [
        "knowledge_base.bytes_max",
        "knowledge_base.fresh",
        "store_reads.stale",
        "store_reads.loads_max",
    ];
    assert_eq!(paths, expected);
    assert_eq!(CachesSettings::default().check(), Ok(()));
    assert!(serde_json::from_str::<CachesSettings>(r#"{ "x": { "ttl": 1 } }"#).is_err());
}

/// Loads the answer of a key by way of that of the next one, after a while: 1, 2, ... `last`, and then
/// `last` again.
fn load_by_way_of(cache: Chained, key: u32, last: u32) -> Load {
    async move {
        tokio::time::sleep(LOAD).await;
        let next = if key == last { 1 } else { key + 1 };
        let load = {
            let cache = cache.clone();
            move || load_by_way_of(cache, next, last)
        };
        let answer = cache.get_or_load(next, &[], load).await;
        answer.map_err(|error| error.to_string())
    }
    .boxed()
}

type Chained = Cache<u32, u32, String>;

/// Catches: a load that waits for its own answer until the end of time, be it through others, or driven
/// by others.
#[tokio::test(start_paused = true)]
async fn a_load_that_waits_for_itself_is_told_so() {
    for last in 1..=3 {
        let clock = Clock::starting_at(Timestamp::from_millis(0));
        let (settings, entropy) = (CacheSettings::default(), Entropy::seeded(7));
        let cache: Chained = Cache::new("chained", settings, clock, &entropy, |_, _| 8);
        // All of them are asked for at once, so that each load may be driven by any who ask.
        let asks = (1..=last).map(|key| {
            let load = {
                let cache = cache.clone();
                move || load_by_way_of(cache, key, last)
            };
            cache.get_or_load(key, &[], load)
        });
        let answers = tokio::time::timeout(LOAD * 20, join_all(asks)).await;
        for answer in answers.expect("nobody waits for ever") {
            let error = answer.expect_err("there is no answer").to_string();
            assert!(error.contains("its load waits for itself"), "{error}");
        }
        assert_eq!(cache.stats().entries, 0);
    }
}

/// Catches: two loads that wait for each other, each driven by another thread, which nobody notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nor_do_two_loads_wait_for_each_other_on_two_threads() {
    for _ in 0..200 {
        let clock = Clock::starting_at(Timestamp::from_millis(0));
        let (settings, entropy) = (CacheSettings::default(), Entropy::seeded(7));
        let cache: Chained = Cache::new("chained", settings, clock, &entropy, |_, _| 8);
        let asks = (1..=2).map(|key| {
            let cache = cache.clone();
            tokio::spawn(async move {
                let inner = cache.clone();
                let load = move || async move {
                    tokio::task::yield_now().await;
                    let other = || async { Err("the other one is not on its way yet".to_owned()) };
                    let answer = inner.get_or_load(3 - key, &[], other).await;
                    answer.map_err(|error| error.to_string())
                };
                cache.get_or_load(key, &[], load).await
            })
        });
        let answers = tokio::time::timeout(Duration::from_secs(10), join_all(asks)).await;
        for answer in answers.expect("nobody waits for ever") {
            let answer = answer.expect("no panic");
            assert!(answer.is_err(), "{answer:?}");
        }
    }
}
