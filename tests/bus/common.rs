//! A host that writes down what it is delivered, and a second agent to tell the first one from.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use mercato::persistence::Journal;
use mercato::{
    Agent, Caller, Command, Commands, Context, Decided, Decision, Delivery, DeliveryError,
    EventPlace, Redelivery, Runtime, RuntimeBuilder, SubscriptionOptions,
};
use serde::{Deserialize, Serialize};

use crate::support::{CounterEvent, Counters, add, mortal_runtime, virtual_runtime};

/// Deliveries in the order of their handling: key, amount, attempt and place.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Vec<Seeing>>>);

#[derive(Debug, Clone, PartialEq)]
pub struct Seeing {
    pub key: String,
    pub amount: i64,
    pub attempt: u32,
    pub place: EventPlace,
}

impl Seen {
    pub fn all(&self) -> MutexGuard<'_, Vec<Seeing>> {
        self.0.lock().expect("no panic under it")
    }

    pub fn note(&self, delivery: &Delivery) -> Result<Seeing, DeliveryError> {
        let seeing = Seeing {
            key: delivery.key().to_owned(),
            amount: amount_of(delivery)?,
            attempt: delivery.attempt(),
            place: delivery.place(),
        };
        self.all().push(seeing.clone());
        Ok(seeing)
    }

    /// A handler that writes down and is content.
    pub fn handler(
        &self,
    ) -> impl Fn(Delivery) -> std::future::Ready<Result<(), DeliveryError>> + use<> {
        let seen = self.clone();
        move |delivery| std::future::ready(seen.note(&delivery).map(drop))
    }

    pub fn amounts(&self) -> Vec<i64> {
        self.all().iter().map(|it| it.amount).collect()
    }

    pub fn amounts_of(&self, key: &str) -> Vec<i64> {
        let all = self.all();
        let of_key = all.iter().filter(|it| it.key == key);
        of_key.map(|it| it.amount).collect()
    }
}

pub fn amount_of(delivery: &Delivery) -> Result<i64, DeliveryError> {
    let CounterEvent::Added(added) = delivery.event::<Counters>()?;
    Ok(added.amount)
}

pub async fn start(journal: Arc<dyn Journal>) -> Runtime {
    start_with(virtual_runtime(journal)).await
}

/// One that ends as a process does, where nobody stops it.
pub async fn start_mortal(journal: Arc<dyn Journal>) -> Runtime {
    start_with(mortal_runtime(journal)).await
}

async fn start_with(builder: RuntimeBuilder) -> Runtime {
    let builder = builder.agent(Counters::default()).agent(Lamps);
    builder.start().await.expect("it starts")
}

/// Adds 1, 2, ... `upto` to each counter in turn.
pub async fn add_up(runtime: &Runtime, counters: &[&str], amounts: std::ops::RangeInclusive<i64>) {
    let handle = runtime.handle();
    for amount in amounts {
        for counter in counters {
            let added = handle.ask(&Caller::system(), add(counter, amount)).await;
            added.expect("it is served");
        }
    }
}

/// Long enough for everything that is on its way, and for no second retry.
pub async fn soon() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// Waits that are the same each time.
pub fn evenly() -> SubscriptionOptions {
    SubscriptionOptions {
        redelivery: Redelivery {
            jitter_percent: 0,
            ..Redelivery::default()
        },
        ..SubscriptionOptions::default()
    }
}

/// Lamps that are switched on and off.
pub struct Lamps;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SwitchedOn;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SwitchedOff;

mercato::events! {
    pub enum LampEvent { SwitchedOn: 1, SwitchedOff: 1 }
}

#[derive(Debug, Clone, thiserror::Error, Serialize, Deserialize)]
#[error("never refused")]
pub struct NeverRefused;

impl Agent for Lamps {
    const NAME: &'static str = "lamps";
    type State = bool;
    type Event = LampEvent;
    type Rejection = NeverRefused;

    fn evolve(on: &mut bool, event: &LampEvent) {
        *on = matches!(event, LampEvent::SwitchedOn(_));
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add::<Blink>();
    }
}

/// On and off again: two events in one append.
#[derive(Clone, Serialize, Deserialize)]
pub struct Blink(pub String);

impl Command for Blink {
    type Agent = Lamps;
    type Reply = ();
    const NAME: &'static str = "Blink";

    fn entity(&self) -> Cow<'_, str> {
        (&*self.0).into()
    }

    fn decide(&self, _: &Lamps, _: &bool, _: &Context<'_>) -> Decided<Self> {
        Ok(Decision::reply(()).record(SwitchedOn).record(SwitchedOff))
    }
}
