//! What holds when the power fails, when the disk goes away, and when nobody stops anything.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mercato::persistence::simulated_disk::{CutMode, Fault, SimulatedDisk};
use mercato::persistence::{Journal, JournalOptions, RedbJournal, Vault, WriterPlace};
use mercato::{
    Caller, Delivery, DeliveryError, EventPlace, SubscriberState, Subscription, SubscriptionOptions,
};

use crate::bus::common::{Seen, add_up, amount_of, evenly, soon, start, start_mortal};
use crate::support::{EvenDisk, add};

fn journal_on(disk: &SimulatedDisk) -> Arc<dyn Journal> {
    journal_with(disk, JournalOptions::default())
}

fn journal_with(disk: &SimulatedDisk, options: JournalOptions) -> Arc<dyn Journal> {
    let disk = disk.clone();
    let writer = WriterPlace::Task(Box::new(EvenDisk));
    let vault = Arc::new(Vault::in_memory().expect("memory"));
    let journal = RedbJournal::with_disk(move || Ok(disk.clone()), vault, options, writer);
    Arc::new(journal.expect("a sound disk"))
}

/// One life of a process: when it ends, everything in it ends where it is.
fn life<T>(work: impl AsyncFnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(work())
}

/// The host's own store, which survives: what was handled, in order.
type Store = Arc<Mutex<Vec<(EventPlace, String, i64)>>>;

async fn mirror(runtime: &mercato::Runtime, store: &Store) {
    let store = store.clone();
    let handler = move |delivery: Delivery| {
        let store = store.clone();
        async move {
            let amount = amount_of(&delivery)?;
            let key = delivery.key().to_owned();
            // Poison is set aside, in the middle of it all.
            if amount == 5 {
                return Err(DeliveryError::permanent("five is not a number"));
            }
            store
                .lock()
                .expect("no panic")
                .push((delivery.place(), key, amount));
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(())
        }
    };
    let subscription = Subscription::new("mirror").options(evenly());
    let attached = runtime.bus().subscribe(subscription, handler).await;
    attached.expect("it is attached");
}

/// Catches: a cursor that is durable before what it stands for is handled, or before the dead
/// letters behind it; an event delivered that the journal never held; an order of a key that a
/// crash turns round.
#[test]
fn after_a_power_cut_nothing_is_missed_and_nothing_was_made_up() {
    let mut came_again = 0;
    for cut in 0..40u64 {
        let disk = SimulatedDisk::new(cut);
        let store = Store::default();
        let found = life(async || {
            let runtime = start_mortal(journal_on(&disk)).await;
            mirror(&runtime, &store).await;
            let handle = runtime.handle();
            let asking = tokio::spawn(async move {
                for amount in 1..=10 {
                    for counter in ["a", "b", "c"] {
                        let added = handle.ask(&Caller::system(), add(counter, amount)).await;
                        if added.is_err() {
                            return;
                        }
                    }
                }
            });
            tokio::time::sleep(Duration::from_millis(1 + cut * 2)).await;
            let found = disk.power_cycle(CutMode::DropAll);
            asking.abort();
            found
        });
        let before: Vec<_> = store.lock().expect("no panic").clone();
        life(async || {
            let runtime = start(journal_on(&found)).await;
            mirror(&runtime, &store).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let mut recorded = BTreeSet::new();
            let mut replay = runtime.bus().replay([], ..).expect("everything");
            while let Some(delivery) = replay.next().await.expect("it is readable") {
                recorded.insert(delivery.place());
            }
            let letters = runtime.bus().dead_letters("mirror").await;
            let aside: BTreeSet<_> = letters
                .expect("it is known")
                .iter()
                .map(|it| it.place)
                .collect();
            let all = store.lock().expect("no panic").clone();
            let handled: BTreeSet<_> = all.iter().map(|it| it.0).collect();
            assert!(before.iter().all(|it| recorded.contains(&it.0)), "made up");
            let seen: BTreeSet<_> = handled.union(&aside).copied().collect();
            assert_eq!(seen, recorded, "cut {cut}");
            assert!(handled.is_disjoint(&aside));
            // In each life a key's amounts grow.
            for of_life in [&all[..before.len()], &all[before.len()..]] {
                let mut last = BTreeMap::new();
                for (_, key, amount) in of_life {
                    let earlier = last.insert(key.clone(), *amount);
                    assert!(earlier < Some(*amount), "cut {cut}: {of_life:?}");
                }
            }
            came_again += all.len() - handled.len();
            runtime.stop().await.expect("it stops");
        });
    }
    assert!(
        came_again > 10,
        "only {came_again} came again: the cuts show nothing"
    );
}

/// Catches: a cursor that is durable before the dead letters behind it, so that a power cut loses an
/// event that nobody handled.
#[test]
fn a_dead_letter_is_durable_before_the_cursor_passes_its_event() {
    // Each commit takes one record, so that many wait behind each other.
    let options = || JournalOptions {
        group_bytes_max: 1,
        ..JournalOptions::default()
    };
    let mut found_letters = BTreeSet::new();
    for cut in 0..30u64 {
        let disk = SimulatedDisk::new(cut);
        let found = life(async || {
            let runtime = start_mortal(journal_with(&disk, options())).await;
            mirror(&runtime, &Store::default()).await;
            for key in ["a", "b", "c", "d", "e", "f", "g", "h"] {
                let handle = runtime.handle();
                // The first is poison; the others keep the journal busy.
                tokio::spawn(async move {
                    let _ = handle.ask(&Caller::system(), add(key, 5)).await;
                });
            }
            tokio::time::sleep(Duration::from_millis(1 + cut)).await;
            disk.power_cycle(CutMode::DropAll)
        });
        life(async || {
            let runtime = start(journal_with(&found, options())).await;
            mirror(&runtime, &Store::default()).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let mut recorded = Vec::new();
            let mut replay = runtime.bus().replay([], ..).expect("everything");
            while let Some(delivery) = replay.next().await.expect("it is readable") {
                recorded.push(delivery.place());
            }
            let letters = runtime.bus().dead_letters("mirror").await;
            let letters = letters.expect("it is known");
            let aside: Vec<_> = letters.iter().map(|it| it.place).collect();
            assert_eq!(aside, recorded, "cut {cut}: an event is lost");
            found_letters.insert(aside.len());
            runtime.stop().await.expect("it stops");
        });
    }
    assert!(
        found_letters.len() > 5,
        "the cuts show nothing: {found_letters:?}"
    );
}

/// Catches: a subscriber that is let go when the disk fails and waits for the next start, that
/// misses an event or a dead letter over it, or that takes what was lost for recorded.
#[tokio::test(start_paused = true)]
async fn it_goes_on_when_the_disk_is_back() {
    let disk = SimulatedDisk::new(1);
    let runtime = start(journal_on(&disk)).await;
    let bus = runtime.bus();
    let seen = Seen::default();
    let handler = {
        let seen = seen.clone();
        move |delivery: Delivery| {
            let seeing = seen.note(&delivery).expect("a counter's event");
            async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                match seeing.amount {
                    3 => Err(DeliveryError::permanent("three is not a number")),
                    _ => Ok(()),
                }
            }
        }
    };
    let subscription = Subscription::new("mirror").options(evenly());
    let attached = bus.subscribe(subscription, handler).await;
    attached.expect("it is attached");
    add_up(&runtime, &["a"], 1..=3).await;
    tokio::time::sleep(Duration::from_millis(110)).await;
    // The third is being handled. It will be set aside on a disk that takes nothing.
    disk.inject(Fault::WriteErrorAt {
        operation: disk.operations() + 1,
    });
    let lost = runtime
        .handle()
        .ask(&Caller::system(), add("lost", 9))
        .await;
    assert!(lost.is_err(), "{lost:?}");
    soon().await;
    let stats = bus.stats("mirror").expect("it is known");
    assert_eq!(stats.state, SubscriberState::WaitingForDisk);
    let refused = bus.reset("mirror", mercato::StartAt::Beginning).await;
    let refused = refused.expect_err("nothing can be recorded").to_string();
    assert!(refused.contains("disk is away"), "{refused}");
    let new = bus.subscribe(Subscription::new("new"), Seen::default().handler());
    new.await.expect_err("nothing can be recorded");

    disk.heal();
    tokio::time::sleep(Duration::from_secs(20)).await;
    add_up(&runtime, &["a"], 4..=5).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let stats = bus.stats("mirror").expect("it is known");
    assert_eq!((stats.state, stats.lag), (SubscriberState::Following, 0));
    let letters = bus.dead_letters("mirror").await.expect("it is known");
    assert_eq!(letters.len(), 1, "{letters:?}");
    let amounts = seen.amounts();
    assert!(amounts.ends_with(&[3, 4, 5]), "{amounts:?}");
    assert!(
        seen.amounts_of("lost").is_empty(),
        "what was taken back was not delivered"
    );
    let names = bus.subscribers().expect("they are known");
    assert_eq!(
        names.len(),
        1,
        "what could not be attached left nothing behind"
    );
    runtime.stop().await.expect("it stops");
}

/// Catches: subscribers that keep a runtime alive which nobody holds any more.
#[tokio::test(start_paused = true)]
async fn a_runtime_that_is_dropped_takes_its_subscribers_with_it() {
    let runtime = start_mortal(crate::support::memory()).await;
    let held = Arc::new(());
    let with = held.clone();
    let handler = move |_| {
        let _with = &with;
        std::future::ready(Ok(()))
    };
    let bus = runtime.bus();
    let attached = bus.subscribe(Subscription::new("mirror"), handler).await;
    attached.expect("it is attached");
    add_up(&runtime, &["a"], 1..=3).await;
    drop(runtime);
    soon().await;
    assert_eq!(Arc::strong_count(&held), 1);
}

/// Catches: a subscriber that waits for nothing of the journal while the disk fails and comes back,
/// and takes for durable what was taken back: a dead letter, and the cursor behind it.
#[tokio::test(start_paused = true)]
async fn what_was_set_aside_on_a_failing_disk_is_not_forgotten() {
    let disk = SimulatedDisk::new(1);
    let runtime = start(journal_on(&disk)).await;
    let bus = runtime.bus();
    let options = SubscriptionOptions {
        ahead_max: NonZeroUsize::new(2).expect("some"),
        ..evenly()
    };
    let subscription = Subscription::new("mirror").options(options);
    let mut pulled = bus.pull(subscription).await.expect("it is attached");
    add_up(&runtime, &["a", "b", "c"], 1..=1).await;
    let of_a = pulled.next().await.expect("there is more");
    let of_b = pulled.next().await.expect("there is more");
    let place = of_a.delivery().place();
    disk.inject(Fault::WriteErrorAt {
        operation: disk.operations() + 1,
    });
    let never = || DeliveryError::permanent("it says no");
    of_a.fail(never()).expect("it is in time");
    // Both places are taken again, so the subscriber waits for its owner alone.
    soon().await;
    assert!(runtime.health().read_only.is_some());
    disk.heal();
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(runtime.health().read_only.is_none());
    of_b.ack().expect("it is in time");
    let mut keys = BTreeSet::new();
    while let Ok(leased) = tokio::time::timeout(Duration::from_secs(5), pulled.next()).await {
        let leased = leased.expect("there is more");
        keys.insert(leased.delivery().key().to_owned());
        let answered = match leased.delivery().place() == place {
            true => leased.fail(never()),
            false => leased.ack(),
        };
        answered.expect("it is in time");
    }
    let keys = keys.into_iter().collect::<String>();
    assert_eq!(keys, "abc", "all of it came again");
    let letters = bus.dead_letters("mirror").await.expect("it is known");
    assert_eq!(
        letters.iter().map(|it| it.place).collect::<Vec<_>>(),
        [place]
    );
    let stats = bus.stats("mirror").expect("it is known");
    assert_eq!((stats.state, stats.lag), (SubscriberState::Following, 0));
    runtime.stop().await.expect("it stops");
}
