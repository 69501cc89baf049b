//! A flow over agents and a port, a rule, and a subscriber: something of everything.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mercato::{
    Activity, ActivityCall, ActivityError, Caller, Flow, FlowError, FlowId, FlowType, Occurred,
    Reaction, Runtime, RuntimeBuilder, Subscription, TraceContext, Trigger,
};

use crate::support::{CounterEvent, Counters, add, read};

pub(crate) const MOVE: FlowType<String, i64, FlowError> = FlowType::new("move", 1);
const PAY: Activity<i64, String> = Activity::new("bank.pay");

/// Takes one from a counter, pays for it, and gives it to another. To `nowhere` it fails at the end.
async fn run_move(flow: Flow, to: String) -> Result<i64, FlowError> {
    flow.undo_command("take", add("from", 1)).await?;
    flow.ask("take/from", add("from", -1)).await?;
    flow.perform("pay", PAY, 1).await?;
    if to == "nowhere" {
        return Err(FlowError::Refused("there is no such counter".into()));
    }
    flow.ask("give", add(&to, 1)).await?;
    Ok(flow.ask("look", read(&to)).await?)
}

/// What was told to those outside, as they saw it.
#[derive(Clone, Default)]
pub(crate) struct Outside {
    pub(crate) port: Arc<Mutex<Vec<TraceContext>>>,
    pub(crate) subscriber: Arc<Mutex<Vec<(String, TraceContext)>>>,
}

impl Outside {
    async fn pay(self, call: ActivityCall, _: i64) -> Result<String, ActivityError> {
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.port.lock().expect("a lock").push(call.trace);
        Ok("paid".into())
    }

    pub(crate) fn paid(&self) -> Vec<TraceContext> {
        self.port.lock().expect("a lock").clone()
    }

    pub(crate) fn told(&self) -> Vec<(String, TraceContext)> {
        self.subscriber.lock().expect("a lock").clone()
    }
}

/// A runtime with the flow, and a rule that notes in the counter `log` what `to` is given.
pub(crate) fn with_desk(builder: RuntimeBuilder, outside: &Outside) -> RuntimeBuilder {
    let port = outside.clone();
    let note = |occurred: &Occurred<CounterEvent>| match &*occurred.entity {
        "to" => vec![Reaction::command(&add("log", 1))],
        _ => vec![],
    };
    builder
        .agent(Counters::default())
        .activity(PAY, move |call, amount| port.clone().pay(call, amount))
        .flow(MOVE, run_move)
        .trigger(Trigger::on::<Counters>("note", note))
}

/// Lets the outside subscribe to all events.
pub(crate) async fn subscribe(runtime: &Runtime, outside: &Outside) {
    let outside = outside.clone();
    let handler = move |delivery: mercato::Delivery| {
        let told = (delivery.key().to_owned(), delivery.trace());
        outside.subscriber.lock().expect("a lock").push(told);
        std::future::ready(Ok(()))
    };
    let subscription = Subscription::new("outside");
    let bus = runtime.bus();
    let subscribed = bus.subscribe(subscription, handler).await;
    subscribed.expect("it is attached");
}

pub(crate) fn patient() -> Caller {
    Caller::system().within(Duration::from_secs(60))
}

pub(crate) async fn fund(runtime: &Runtime) {
    let handle = runtime.handle();
    let funded = handle.ask(&patient(), add("from", 100)).await;
    funded.expect("an answer");
}

pub(crate) async fn run(
    runtime: &Runtime,
    caller: &Caller,
    id: &str,
    to: &str,
) -> Result<i64, mercato::RunError<FlowError>> {
    let handle = runtime.handle();
    handle.run(caller, MOVE, FlowId::new(id), to.into()).await
}
