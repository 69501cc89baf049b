//! A seventh agent, written exactly as the six are: the points that customers earn. With its test it
//! takes less than 80 lines. Below it stands a program that starts a runtime with it, asks it, and
//! crashes it on the way; and a test of that in virtual time.
//!
//! Run it with `cargo run --example loyalty`, and its tests with `cargo test --example loyalty`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use mercato::persistence::{JournalOptions, RedbJournal, WriterPlace};
use mercato::{
    Agent, Caller, Command, CommandId, Commands, Context, CrashPoint, Decided, Decision, Runtime,
};
use serde::{Deserialize, Serialize};

/// The value holds the agent's settings. All shards share it, and it never changes.
struct LoyaltyAgent {
    points_max: u64,
}

/// The state of one entity, a customer's account: nothing but the fold of its events.
#[derive(Default, Serialize, Deserialize)]
struct Account {
    points: u64,
}

/// What happens to an account, stored under this name and the version below.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct PointsEarned {
    points: u64,
}

mercato::events! {
    enum LoyaltyEvent { PointsEarned: 1 }
}

/// Why the agent refuses. A refusal records nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("the account would hold more than {points_max} points; redeem some first")]
struct AccountFull {
    points_max: u64,
}

impl Agent for LoyaltyAgent {
    const NAME: &'static str = "loyalty";
    type State = Account;
    type Event = LoyaltyEvent;
    type Rejection = AccountFull;

    fn evolve(account: &mut Account, event: &LoyaltyEvent) {
        let LoyaltyEvent::PointsEarned(earned) = event;
        account.points += earned.points;
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add::<EarnPoints>();
    }
}

/// A write: recorded with its reply, and answered with that reply when it is repeated.
#[derive(Clone, Serialize, Deserialize)]
struct EarnPoints {
    customer: String,
    points: u64,
}

impl Command for EarnPoints {
    type Agent = LoyaltyAgent;
    type Reply = u64;
    const NAME: &'static str = "EarnPoints";

    fn entity(&self) -> Cow<'_, str> {
        self.customer.as_str().into()
    }

    fn decide(&self, agent: &LoyaltyAgent, account: &Account, _: &Context<'_>) -> Decided<Self> {
        let (points, points_max) = (self.points, agent.points_max);
        match account.points.checked_add(points) {
            Some(balance) if balance <= points_max => {
                Ok(Decision::reply(balance).record(PointsEarned { points }))
            }
            _ => Err(AccountFull { points_max }),
        }
    }
}

/// Catches: points that do not add up, and an account without a limit.
#[test]
fn an_account_takes_so_many_points_and_no_more() {
    let mut account = mercato::testkit::given(LoyaltyAgent { points_max: 50 });
    assert_eq!(account.ask(&earn(40)), Ok(40));
    assert_eq!(account.ask(&earn(11)), Err(AccountFull { points_max: 50 }));
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    std::panic::set_hook(Box::new(|_| println!("a shard crashed")));
    let journal = RedbJournal::in_memory(JournalOptions::default(), WriterPlace::Thread)?;
    let agent = LoyaltyAgent { points_max: 1_000 };
    let runtime = Runtime::builder(Arc::new(journal))
        .agent(agent)
        .start()
        .await?;
    let handle = runtime.handle();

    // The key is the caller's own, so that asking again has no second effect.
    let keyed = Caller::system().keyed(CommandId::from_key("order 1001"));
    println!("earned: {}", handle.ask(&keyed, earn(40)).await?);
    println!("asked again: {}", handle.ask(&keyed, earn(40)).await?);
    if let Err(refusal) = handle.ask(&Caller::system(), earn(5_000)).await {
        println!("refused: {refusal}");
    }

    // Ada's shard crashes at its worst moment: the next command is recorded, and still in hand.
    for shard in 0..runtime.shards("loyalty") {
        runtime.crash_shard("loyalty", shard, CrashPoint::NextCommand);
    }
    println!("earned: {}", handle.ask(&Caller::system(), earn(2)).await?);
    // One of them was asked again above, the other was in hand when the shard crashed.
    println!("commands that came again: {}", handle.stats()[0].repeated);
    Ok(runtime.stop().await?)
}

/// Points for Ada.
fn earn(points: u64) -> EarnPoints {
    EarnPoints {
        customer: "ada".into(),
        points,
    }
}

/// Catches: points that a crash of the shard takes away or gives twice, and those that a power cut takes
/// away.
#[tokio::test(start_paused = true)]
async fn points_survive_what_happens_to_the_shop() -> Result<(), Box<dyn Error>> {
    use mercato::testkit::{Fault, Moment, TestWorld};

    let world = TestWorld::new(1);
    let shop = |builder: mercato::RuntimeBuilder| builder.agent(LoyaltyAgent { points_max: 50 });
    let runtime = world.start(shop).await;
    for moment in [Moment::Decide, Moment::Evolve, Moment::Answer] {
        world.faults().arm(Fault::at(moment).of::<EarnPoints>());
        runtime.ask(earn(10)).await?;
    }
    assert_eq!(runtime.probe::<LoyaltyAgent>().stats().restarts, 3);
    runtime.crash().await;

    let runtime = world.start(shop).await;
    assert_eq!(runtime.ask(earn(2)).await?, 32);
    runtime.stop().await;
    Ok(())
}
