//! Which events a rule is over.

use std::sync::Arc;
use std::time::Duration;

use mercato::persistence::{Append, EventData, Journal};
use mercato::{Agent, Caller, Commands, Letters, Occurred, Trigger, codec};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::support::{Added, Counters, add, memory, virtual_runtime};

/// Goods came in. They were counted in dozens once, under another name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GoodsReceived {
    units: u64,
}

#[derive(Serialize, Deserialize)]
struct DozensReceived(u64);

impl From<DozensReceived> for GoodsReceived {
    fn from(old: DozensReceived) -> Self {
        Self { units: 12 * old.0 }
    }
}

/// Goods went out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GoodsSent {
    units: u64,
}

/// Somebody looked at them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspected;

mercato::events! {
    pub enum GoodsEvent {
        GoodsReceived: 2 from { DozensReceived: 1 => DozensReceived },
        GoodsSent: 1,
        Inspected: 1,
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
#[error("nothing is refused here")]
struct Never;

struct Goods;

impl Agent for Goods {
    const NAME: &'static str = "goods";
    type State = ();
    type Event = GoodsEvent;
    type Rejection = Never;

    fn evolve(_: &mut (), _: &GoodsEvent) {}
    fn commands(_: &mut Commands<Self>) {}
}

fn event(name: &'static str, version: u16, payload: &impl Serialize) -> EventData {
    EventData {
        name: name.into(),
        version,
        payload: codec::encode(payload).expect("bytes"),
    }
}

fn append(journal: &dyn Journal, stream: &str, events: Vec<EventData>) {
    let appended = journal.append(Append {
        events,
        ..Append::to(stream, 0, 0)
    });
    appended.expect("taken");
}

/// What is told by two rules: one over what comes in and goes out, the other over everything.
type Told = Arc<Mutex<Vec<String>>>;

fn moved(told: &Told) -> Trigger {
    let (came, went, counted) = (told.clone(), told.clone(), told.clone());
    Trigger::when::<Goods, GoodsReceived>("moved", move |it: &Occurred<GoodsReceived>| {
        came.lock()
            .push(format!("{} came to {}", it.event.units, it.entity));
        vec![]
    })
    .or_when::<Goods, GoodsSent>(move |it: &Occurred<GoodsSent>| {
        went.lock()
            .push(format!("{} went from {}", it.event.units, it.entity));
        vec![]
    })
    .or_when::<Counters, Added>(move |it: &Occurred<Added>| {
        counted
            .lock()
            .push(format!("{} counted at {}", it.event.amount, it.entity));
        vec![]
    })
}

fn everything(told: &Told) -> Trigger {
    let told = told.clone();
    Trigger::on::<Goods>("everything", move |it: &Occurred<GoodsEvent>| {
        told.lock().push(format!("{:?}", it.event));
        vec![]
    })
}

/// Catches: a rule that is asked about events or agents that it is not over, misses one under the name that
/// it had once, takes the wrong key from a stream, sets aside what is none of its business, or passes by what
/// nobody knows.
#[tokio::test(start_paused = true)]
async fn a_rule_is_over_the_events_it_names_and_no_others() {
    let journal = memory();
    let of_goods = vec![
        event("GoodsReceived", 2, &GoodsReceived { units: 5 }),
        event("Inspected", 1, &Inspected),
        event("GoodsSent", 1, &GoodsSent { units: 3 }),
        event("Inspected", 9, &Inspected),
        event("DozensReceived", 1, &DozensReceived(1)),
        event("GoodsSent", 9, &GoodsSent { units: 1 }),
    ];
    append(&*journal, "goods/a", of_goods);
    let sent = |units| event("GoodsSent", 1, &GoodsSent { units });
    append(
        &*journal,
        "goods/b",
        vec![event("DozensReceived", 1, &DozensReceived(2))],
    );
    append(
        &*journal,
        "goods/c",
        vec![event("Inspected", 1, &Inspected), sent(4)],
    );
    append(&*journal, "goods/d", vec![event("GoodsBurnt", 1, &6u64)]);
    append(&*journal, "goods2/a", vec![sent(7)]);

    let (narrow, wide) = (Told::default(), Told::default());
    let runtime = virtual_runtime(journal.clone())
        .agent(Goods)
        .agent(Counters::default())
        .trigger(moved(&narrow))
        .trigger(everything(&wide))
        .start()
        .await
        .expect("it starts");
    let (handle, caller) = (runtime.handle(), Caller::system());
    handle.ask(&caller, add("b", 2)).await.expect("taken");
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Alone, where no other event has the rule look.
    append(
        &*journal,
        "goods/e",
        vec![event("Inspected", 1, &Inspected), sent(9)],
    );
    tokio::time::sleep(Duration::from_secs(1)).await;

    let moves = [
        "5 came to a",
        "3 went from a",
        "12 came to a",
        "24 came to b",
        "4 went from c",
        "2 counted at b",
        "9 went from e",
    ];
    assert_eq!(*narrow.lock(), moves);
    let set_aside = |rule: &str| {
        let letters = runtime.triggers().dead_letters(rule).expect("it reads");
        let names = letters
            .iter()
            .map(|it| (it.event.to_string(), it.place.index));
        names.collect::<Vec<_>>()
    };
    let unread = |name: &str, at: u32| (name.to_owned(), at);
    let burnt = unread("GoodsBurnt", 0);
    assert_eq!(set_aside("moved"), [unread("GoodsSent", 5), burnt.clone()]);
    assert_eq!(wide.lock().len(), 9);
    let all = [unread("Inspected", 3), unread("GoodsSent", 5), burnt];
    assert_eq!(set_aside("everything"), all);
    // It is as unknown as before, and nobody may lose it.
    let again = runtime.triggers().redeliver("moved", Letters::All).await;
    let again = again.expect("they are tried");
    assert_eq!((again.dealt_with, again.failed), (0, 2));
    runtime.stop().await.expect("it stops");
}
