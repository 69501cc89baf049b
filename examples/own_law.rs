//! An agent of one's own under the simulator, with a law of one's own, in less than 60 lines.
//!
//! Run it with `cargo run --features sim --example own_law`. It is silent where the law holds in all worlds.

use std::borrow::Cow;
use std::time::Duration;

use mercato::sim::lives::{Scenery, Stage, WorldPlan, run_world};
use mercato::{Agent, AskFailure, Caller, Command, Commands, Context, Decided, Decision};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entered {}

mercato::events! { enum MuseumEvent { Entered: 1 } }

/// The agent: the visitors of a museum are counted.
struct Museum;

impl Agent for Museum {
    const NAME: &'static str = "museum";
    type State = u64;
    type Event = MuseumEvent;
    type Rejection = AskFailure;

    fn evolve(visitors: &mut u64, _: &MuseumEvent) {
        *visitors += 1;
    }

    fn commands(_: &mut Commands<Self>) {}
}

/// Replies with how many have come.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Enter;

impl Command for Enter {
    type Agent = Museum;
    type Reply = u64;
    const NAME: &'static str = "Enter";

    fn entity(&self) -> Cow<'_, str> {
        "main door".into()
    }

    fn decide(&self, _: &Museum, visitors: &u64, _: &Context<'_>) -> Decided<Self> {
        Ok(Decision::reply(visitors + 1).record(Entered {}))
    }
}

/// A visitor each second, who asks again, under the same key, for as long as there is no answer.
async fn visitors(stage: &Stage) {
    for number in 0..100 {
        stage.until(Duration::from_secs(number)).await;
        let key = format!("visitor {number}");
        let entered = stage.ask(&key, &Caller::system(), Enter).await;
        stage.must("everybody gets in", entered.is_ok(), || key);
    }
}

/// Lives through so many worlds, up to the first in which a law is broken, and tells its last events.
pub fn hunt(worlds: u64) -> Result<(), Box<dyn std::error::Error>> {
    for seed in 1..=worlds {
        let museum = Scenery::new(|builder| builder.agent(Museum), visitors)
            .crashing(&["museum"])
            .law("everybody is counted once", async |end, verdict| {
                let next = end.handle.ask(&Caller::system(), Enter).await;
                verdict.check(next == Ok(101), || format!("the next one is {next:?}"));
            });
        let outcome = run_world(&WorldPlan::draw(seed, Duration::from_secs(100)), &museum)?;
        if let Some(broken) = outcome.broken().next() {
            return Err(format!("seed {seed}: {broken:?} {:#?}", outcome.timeline).into());
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    std::panic::set_hook(Box::new(|_| {}));
    hunt(100)
}
