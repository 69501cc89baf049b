//! The load: clients who ask until they are answered, flows, and triggers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mercato::{
    Activity, AskError, AskFailure, Caller, CommandId, Flow, FlowError, FlowId, FlowType, Handle,
    Occurred, Reaction, RunError, RuntimeBuilder, Trigger,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::disk_soak::faults::below;
use crate::disk_soak::witness::Witness;
use crate::support::{BelowZero, CounterEvent, Counters, add, read};

/// How many counters of each kind there are.
pub(crate) const KEYS: u64 = 7;

const TOUR: FlowType<u64, i64, FlowError> = FlowType::new("tour", 1);
const HARVEST: FlowType<String, (), FlowError> = FlowType::new("harvest", 1);
const STAMP: Activity<(String, i64), i64> = Activity::new("stamp");

/// Takes a ticket, has it stamped outside, looks around, and gives.
async fn tour(flow: Flow, key: u64) -> Result<i64, FlowError> {
    let take = format!("take-{key}");
    let ticket = flow.ask("take", add(&take, 1)).await?;
    flow.sleep("rest", Duration::from_millis(30)).await?;
    flow.perform("stamp", STAMP, (take, ticket)).await?;
    flow.ask("look", read(&format!("src-{key}"))).await?;
    flow.ask("give", add(&format!("give-{key}"), 1)).await?;
    Ok(ticket)
}

/// What follows from one event on a seed.
async fn harvest(flow: Flow, counter: String) -> Result<(), FlowError> {
    flow.sleep("grow", Duration::from_millis(50)).await?;
    flow.ask("reap", add(&counter, 1)).await?;
    Ok(())
}

pub(crate) fn register(builder: RuntimeBuilder, witness: &Witness) -> RuntimeBuilder {
    let echo = Trigger::on::<Counters>("echo", |added: &Occurred<CounterEvent>| {
        match added.entity.strip_prefix("src-") {
            Some(key) => vec![Reaction::command(&add(&format!("echo-{key}"), 1))],
            None => Vec::new(),
        }
    });
    let reap = Trigger::on::<Counters>("reap", |added: &Occurred<CounterEvent>| {
        match added.entity.strip_prefix("seed-") {
            Some(key) => {
                let id = FlowId::new(added.id.to_string());
                vec![Reaction::flow(HARVEST, id, &format!("harvest-{key}"))]
            }
            None => Vec::new(),
        }
    });
    let witness = witness.clone();
    builder
        .flow(TOUR, tour)
        .flow(HARVEST, harvest)
        .trigger(echo)
        .trigger(reap)
        .activity(STAMP, move |call, (counter, ticket): (String, i64)| {
            let witness = witness.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                witness.stamped(&call.key, &counter, ticket);
                Ok(ticket)
            }
        })
}

/// Whether all reactions have happened, as far as the shop's own answers tell.
pub(crate) async fn has_settled(handle: &Handle, caller: &Caller) -> bool {
    for key in 0..KEYS {
        for (cause, effect) in [("src", "echo"), ("seed", "harvest")] {
            let cause = handle.ask(caller, read(&format!("{cause}-{key}"))).await;
            let effect = handle.ask(caller, read(&format!("{effect}-{key}"))).await;
            if cause != effect {
                return false;
            }
        }
    }
    true
}

/// One client.
pub(crate) struct Work {
    name: u64,
    rng: ChaCha8Rng,
    handle: Handle,
    caller: Caller,
    witness: Witness,
}

impl Work {
    pub(crate) fn new(seed: u64, name: u64, handle: Handle, witness: Witness) -> Self {
        Self {
            name,
            rng: ChaCha8Rng::seed_from_u64(seed << 8 | name),
            handle,
            caller: Caller::system().within(Duration::from_secs(2)),
            witness,
        }
    }

    pub(crate) async fn run(mut self, stop: Arc<AtomicBool>) {
        let mut nth = 0;
        while !stop.load(Ordering::Relaxed) {
            nth += 1;
            let key = below(&mut self.rng, KEYS);
            match below(&mut self.rng, 10) {
                0..4 => self.write(nth, format!("src-{key}")).await,
                4 => self.write(nth, format!("seed-{key}")).await,
                5 | 6 => self.look(&format!("src-{key}")).await,
                7 => self.copy(key).await,
                _ => self.tour(nth, key).await,
            }
            self.think(20).await;
        }
    }

    async fn think(&mut self, millis_max: u64) {
        let millis = 1 + below(&mut self.rng, millis_max);
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    /// Asks under one key until it is answered.
    async fn write(&mut self, nth: u64, counter: String) {
        let id = CommandId::from_key(&format!("{}/{nth}", self.name));
        let before = self.witness.most(&counter);
        loop {
            let caller = self.caller.clone().keyed(id);
            match self.handle.ask(&caller, add(&counter, 1)).await {
                Ok(reply) => {
                    // A first reply may be older than what was told since.
                    self.witness.told(&counter, reply.max(before), before);
                    return self.witness.acknowledged(id, &counter, reply);
                }
                Err(error) => expect_away(error.failure()),
            }
            self.think(100).await;
        }
    }

    async fn look(&mut self, counter: &str) {
        let before = self.witness.most(counter);
        match self.handle.ask(&self.caller, read(counter)).await {
            Ok(value) => self.witness.told(counter, value, before),
            Err(error) => expect_away(error.failure()),
        }
    }

    /// Writes down what a counter stood at. Not asked again.
    async fn copy(&mut self, key: u64) {
        let hesitation = Duration::from_millis(below(&mut self.rng, 200));
        let copied = self
            .handle
            .serve(&self.caller, async |scope| {
                let value = scope.ask(read(&format!("src-{key}"))).await?;
                tokio::time::sleep(hesitation).await;
                scope.ask(add(&format!("copy-{key}"), value)).await
            })
            .await;
        if let Err::<i64, AskError<BelowZero>>(error) = copied {
            expect_away(error.failure());
        }
    }

    async fn tour(&mut self, nth: u64, key: u64) {
        let id = format!("{}-{nth}", self.name);
        loop {
            let flow = FlowId::new(id.clone());
            match self.handle.run(&self.caller, TOUR, flow, key).await {
                Ok(ticket) => {
                    self.witness.with(|seen| seen.flows.insert(id, ticket));
                    return;
                }
                Err(RunError::Unserved(failure)) => expect_away(Some(&failure)),
                Err(error) => panic!("the flow {id} failed: {error}"),
            }
            self.think(100).await;
        }
    }
}

/// A disk that is away is told as that, and not as damage or as a mistake of the caller's.
fn expect_away(failure: Option<&AskFailure>) {
    assert!(
        matches!(
            failure,
            Some(AskFailure::ReadOnly { .. } | AskFailure::DeadlineExceeded)
        ),
        "{failure:?}"
    );
}
