//! What a paused clock cannot show: handlers that run at the same time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mercato::persistence::{JournalOptions, RedbJournal, WriterPlace};
use mercato::{
    Caller, Delivery, DeliveryError, Redelivery, Runtime, Subscription, SubscriptionOptions,
};

use crate::bus::common::amount_of;
use crate::support::{Counters, add};

const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const AMOUNTS: i64 = 100;

/// Catches: two of one key at the same time on two threads, an event that is lost or turned round
/// between the one who settles and the one who reads, a wake-up that is missed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_several_threads_each_key_is_handled_in_order_by_one_at_a_time() {
    let journal = RedbJournal::in_memory(JournalOptions::default(), WriterPlace::Thread);
    let runtime = Runtime::builder(Arc::new(journal.expect("a journal")))
        .agent(Counters::default())
        .start()
        .await
        .expect("it starts");
    let bus = runtime.bus();
    let busy: Arc<BTreeMap<_, _>> =
        Arc::new(KEYS.iter().map(|key| (*key, AtomicUsize::new(0))).collect());
    let seen = Arc::new(Mutex::new(BTreeMap::<String, Vec<i64>>::new()));
    let at_once = Arc::new(AtomicUsize::new(0));
    let handler = {
        let (busy, seen, at_once) = (busy.clone(), seen.clone(), at_once.clone());
        move |delivery: Delivery| {
            let (busy, seen, at_once) = (busy.clone(), seen.clone(), at_once.clone());
            async move {
                let others = busy[delivery.key()].fetch_add(1, Ordering::SeqCst);
                at_once.fetch_max(others, Ordering::SeqCst);
                tokio::task::yield_now().await;
                let amount = amount_of(&delivery)?;
                busy[delivery.key()].fetch_sub(1, Ordering::SeqCst);
                if amount % 7 == 0 && delivery.attempt() == 1 {
                    return Err(DeliveryError::retry("once more"));
                }
                let mut seen = seen.lock().expect("no panic");
                seen.entry(delivery.key().to_owned())
                    .or_default()
                    .push(amount);
                Ok(())
            }
        }
    };
    let options = || SubscriptionOptions {
        redelivery: Redelivery {
            first: Duration::from_millis(1),
            ..Redelivery::default()
        },
        ..SubscriptionOptions::default()
    };
    let subscription = Subscription::new("handled").options(options());
    let attached = bus.subscribe(subscription, handler).await;
    attached.expect("it is attached");
    let subscription = Subscription::new("pulled").options(options());
    let mut pulled = bus.pull(subscription).await.expect("it is attached");
    let pulling = tokio::spawn(async move {
        for _ in 0..KEYS.len() * usize::try_from(AMOUNTS).expect("small") {
            let leased = pulled.next().await.expect("there is more");
            leased.ack().expect("it is in time");
        }
    });
    let asking = KEYS.map(|key| {
        let handle = runtime.handle();
        tokio::spawn(async move {
            for amount in 1..=AMOUNTS {
                let added = handle.ask(&Caller::system(), add(key, amount)).await;
                added.expect("it is served");
            }
        })
    });
    for asking in asking {
        asking.await.expect("no panic");
    }
    let settled = async {
        while ["handled", "pulled"]
            .iter()
            .any(|name| bus.stats(name).expect("it is known").lag > 0)
        {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), settled).await;
    in_time.expect("nobody is left behind");
    pulling.await.expect("no panic");
    let all: Vec<i64> = (1..=AMOUNTS).collect();
    let seen = seen.lock().expect("no panic").clone();
    assert_eq!(at_once.load(Ordering::SeqCst), 0, "two of one key");
    assert_eq!(seen.len(), KEYS.len());
    assert!(seen.values().all(|amounts| *amounts == all), "{seen:?}");
    runtime.stop().await.expect("it stops");
}
