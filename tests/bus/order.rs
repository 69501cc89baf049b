//! Every event, each key in order, and never more at a time than was asked for.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mercato::{
    Caller, CommandId, DeliveryOrder, Filter, Occurred, Subscription, SubscriptionOptions, Trigger,
};

use crate::bus::common::{Blink, Seen, add_up, amount_of, soon, start};
use crate::support::{CounterEvent, Counters, add, memory, virtual_runtime};

/// Catches: keys handled one after the other, more at a time than `parallel_max`, two events of one
/// key at a time or in the wrong order.
#[tokio::test(start_paused = true)]
async fn keys_are_handled_side_by_side_and_each_in_its_order() {
    let runtime = start(memory()).await;
    let seen = Seen::default();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let options = SubscriptionOptions {
        parallel_max: NonZeroUsize::new(3).expect("some"),
        ..SubscriptionOptions::default()
    };
    let handler = {
        let (seen, now, most) = (seen.clone(), now.clone(), most.clone());
        move |delivery| {
            let (seen, now, most) = (seen.clone(), now.clone(), most.clone());
            async move {
                let busy = now.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(busy, Ordering::SeqCst);
                // The first events of a key take longer than the later ones.
                let amount: i64 = amount_of(&delivery)?;
                let wait = u64::try_from(40 - 3 * amount).expect("it is not that late");
                tokio::time::sleep(Duration::from_millis(wait)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                seen.note(&delivery).map(drop)
            }
        }
    };
    let subscription = Subscription::new("side-by-side").options(options);
    let attached = runtime.bus().subscribe(subscription, handler).await;
    attached.expect("it is attached");
    add_up(&runtime, &["a", "b", "c", "d", "e"], 1..=10).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    for key in ["a", "b", "c", "d", "e"] {
        assert_eq!(seen.amounts_of(key), (1..=10).collect::<Vec<_>>(), "{key}");
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
    let stats = runtime.bus().stats("side-by-side").expect("it is known");
    assert_eq!((stats.delivered, stats.lag, stats.held), (50, 0, 0));
    runtime.stop().await.expect("it stops");
}

/// Catches: a total order that is kept only while nothing fails.
#[tokio::test(start_paused = true)]
async fn in_total_order_a_failure_holds_up_everything_behind_it() {
    let runtime = start(memory()).await;
    let seen = Seen::default();
    let options = SubscriptionOptions {
        order: DeliveryOrder::Total,
        ..SubscriptionOptions::default()
    };
    let handler = {
        let seen = seen.clone();
        move |delivery| {
            let seeing = seen.note(&delivery).expect("a counter's event");
            let fails = seeing.key == "b" && seeing.amount == 1 && seeing.attempt < 3;
            std::future::ready(match fails {
                true => Err(mercato::DeliveryError::retry("not yet")),
                false => Ok(()),
            })
        }
    };
    let subscription = Subscription::new("total").options(options);
    let attached = runtime.bus().subscribe(subscription, handler).await;
    attached.expect("it is attached");
    add_up(&runtime, &["a", "b", "c"], 1..=3).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let keys: String = seen.all().iter().map(|it| it.key.as_str()).collect();
    assert_eq!(keys, "abbbcabcabc");
    runtime.stop().await.expect("it stops");
}

/// Catches: an id that changes from one delivery to the next, that two events share, or that is
/// another one than a trigger sees.
#[tokio::test(start_paused = true)]
async fn an_event_has_one_id_for_whoever_sees_it() {
    let ids = Arc::new(Mutex::new(Vec::new()));
    let of_trigger = ids.clone();
    let watch = Trigger::on::<Counters>("watch", move |added: &Occurred<CounterEvent>| {
        of_trigger.lock().expect("no panic").push(added.id);
        Vec::new()
    });
    let runtime = virtual_runtime(memory())
        .agent(Counters::default())
        .trigger(watch)
        .start()
        .await
        .expect("it starts");
    let of_subscriber = Arc::new(Mutex::new(Vec::<(CommandId, u32)>::new()));
    let log = of_subscriber.clone();
    let handler = move |delivery: mercato::Delivery| {
        let seen = (delivery.id(), delivery.attempt());
        log.lock().expect("no panic").push(seen);
        std::future::ready(match delivery.attempt() {
            1 => Err(mercato::DeliveryError::retry("once more")),
            _ => Ok(()),
        })
    };
    let bus = runtime.bus();
    let attached = bus.subscribe(Subscription::new("ids"), handler).await;
    attached.expect("it is attached");
    add_up(&runtime, &["a"], 1..=3).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let ids = ids.lock().expect("no panic").clone();
    let seen = of_subscriber.lock().expect("no panic").clone();
    let twice: Vec<_> = ids.iter().flat_map(|id| [(*id, 1), (*id, 2)]).collect();
    assert_eq!(seen, twice);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 3);
    runtime.stop().await.expect("it stops");
}

/// Catches: a filter by agent, type or key that lets through more or less than it names; an event
/// of the runtime's own that reaches a subscriber; events of one append taken for one event.
#[tokio::test(start_paused = true)]
async fn a_subscriber_gets_what_its_filters_name() {
    let runtime = start(memory()).await;
    let handle = runtime.handle();
    for lamp in ["hall", "hall-2", "attic"] {
        let blinked = handle.ask(&Caller::system(), Blink(lamp.into())).await;
        blinked.expect("it is served");
    }
    let counted = handle.ask(&Caller::system(), add("hall", 1)).await;
    counted.expect("it is served");
    let everything = || Filter::everything();
    let cases = [
        (
            vec![],
            "On hall, Off hall, On hall-2, Off hall-2, On attic, Off attic, Added hall",
        ),
        (vec![Filter::of::<Counters>()], "Added hall"),
        (
            vec![everything().event("SwitchedOff")],
            "Off hall, Off hall-2, Off attic",
        ),
        (
            vec![everything().key("hall")],
            "On hall, Off hall, Added hall",
        ),
        (
            vec![
                everything()
                    .key_prefix("hall")
                    .agent("lamps")
                    .event("SwitchedOn"),
            ],
            "On hall, On hall-2",
        ),
        (
            vec![everything().agent("counters"), everything().key("attic")],
            "On attic, Off attic, Added hall",
        ),
    ];
    for (nth, (filters, expected)) in cases.into_iter().enumerate() {
        let log = Arc::new(Mutex::new(Vec::new()));
        let sink = log.clone();
        let name = format!("case-{nth}");
        let subscription = filters
            .iter()
            .cloned()
            .fold(Subscription::new(&*name), Subscription::only);
        let handler = move |delivery: mercato::Delivery| {
            let name = delivery.name().trim_start_matches("Switched").to_owned();
            let seen = format!("{name} {}", delivery.key());
            sink.lock()
                .expect("no panic")
                .push((delivery.place(), seen));
            std::future::ready(Ok(()))
        };
        let attached = runtime.bus().subscribe(subscription, handler).await;
        attached.expect("it is attached");
        soon().await;
        let mut seen = log.lock().expect("no panic").clone();
        seen.sort();
        let seen: Vec<_> = seen.into_iter().map(|(_, seen)| seen).collect();
        assert_eq!(seen.join(", "), expected, "{filters:?}");
        assert_eq!(runtime.bus().stats(&name).expect("it is known").lag, 0);
        // A replay goes by the same filters.
        let mut replay = runtime.bus().replay(filters, ..).expect("known names");
        let mut again = 0;
        while replay.next().await.expect("it is readable").is_some() {
            again += 1;
        }
        assert_eq!(again, seen.len());
    }
    runtime.stop().await.expect("it stops");
}
