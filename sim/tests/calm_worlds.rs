//! Where nothing goes wrong, nothing may: no refusal, no panic, no work for a person.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mercato_actors::runtime::{
    self as mercato_runtime, Agent, AskFailure, Caller, Command, Commands, Context, Decided,
    Decision, RuntimeBuilder,
};
use mercato_sim::hunt::{Drawn, HuntOptions, SCENARIOS, Scenario, draw, run_drawn};
use mercato_sim::lives::{
    Fault, FaultKind, FaultPlan, Scenery, Stage, WorldOutcome, WorldPlan, run_world,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Walked {}

mercato_runtime::events! { enum WalkerEvent { Walked: 1 } }

/// Stumbles over its first commands, as often as it is told.
struct Walker(AtomicU32);

impl Agent for Walker {
    const NAME: &'static str = "walker";
    type State = u64;
    type Event = WalkerEvent;
    type Rejection = AskFailure;

    fn evolve(steps: &mut u64, _: &WalkerEvent) {
        *steps += 1;
    }

    fn commands(_: &mut Commands<Self>) {}
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Walk;

impl Command for Walk {
    type Agent = Walker;
    type Reply = u64;
    const NAME: &'static str = "Walk";

    fn entity(&self) -> Cow<'_, str> {
        "one".into()
    }

    fn decide(&self, walker: &Walker, steps: &u64, _: &Context<'_>) -> Decided<Self> {
        let left = &walker.0;
        let stumbles =
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        assert!(stumbles.is_err(), "it stumbles");
        Ok(Decision::reply(steps + 1).record(Walked {}))
    }
}

async fn walk(stage: &Stage) {
    for number in 0..5 {
        let _ = stage
            .ask(&format!("step {number}"), &Caller::system(), Walk)
            .await;
    }
}

fn calm() -> WorldPlan {
    WorldPlan {
        cuts: Vec::new(),
        faults: FaultPlan::default(),
        ..WorldPlan::draw(1, Duration::from_secs(5))
    }
}

/// The laws that break where it stumbles so often.
fn broken(stumbles: u32, plan: &WorldPlan) -> Vec<&'static str> {
    let open = move |builder: RuntimeBuilder| builder.agent(Walker(stumbles.into()));
    let outcome = run_world(plan, &Scenery::new(open, walk)).expect("a world");
    outcome.broken().map(|verdict| verdict.name).collect()
}

/// Catches: an agent that panics by itself, which nobody sees because its command is tried again, or because
/// whoever is refused for it goes away.
#[test]
fn an_agent_that_panics_by_itself_breaks_a_law() {
    assert!(broken(0, &calm()).is_empty());
    assert_eq!(
        broken(1, &calm()),
        ["nothing panics that nobody made panic"]
    );
    let set_aside = "nobody is refused for a fault of the runtime's own";
    assert_eq!(broken(3, &calm()), [set_aside]);
    let mut rough = calm();
    rough.faults.faults.push(Fault {
        kind: FaultKind::PanicDecide,
        number: 0,
        rate: 0.0,
        from: Duration::ZERO,
        until: Duration::MAX,
    });
    assert!(broken(3, &rough).is_empty(), "it may have been made to");
}

/// Catches: a law that is held in no world any more, because whoever called it does not.
#[test]
fn these_are_the_laws_of_a_calm_shop() {
    let options = HuntOptions::default();
    let mut drawn: Drawn = draw(1, &options);
    drawn.shop.shoppers = 20;
    (drawn.world.cuts, drawn.world.faults) = (Vec::new(), FaultPlan::default());
    let outcome = run_drawn(&drawn, &options.lessons).expect("a world");
    assert!(outcome.laws_hold(), "{outcome:#?}");
    let mut held: Vec<_> = outcome
        .verdicts
        .iter()
        .map(|verdict| verdict.name)
        .collect();
    held.sort_unstable();
    assert_eq!(held, CALM_LAWS);
}

const CALM_LAWS: [&str; 29] = [
    "a delivery is booked once",
    "a delivery is booked when it is asked for",
    "a page shows no stock from before what was booked",
    "a price change is decided",
    "a shop stops in good order",
    "a shop that nothing goes wrong with sells",
    "an acknowledged order survives",
    "an order costs what its quote said",
    "damage is found when the journal is opened",
    "every flow ends, or stands on the work list",
    "every order is confirmed by mail, once",
    "every promise has its stock",
    "every request is answered",
    "money is conserved",
    "no coupon is used more often than it may be",
    "no order is charged twice",
    "no order is placed twice",
    "no price is taken after its quote expired",
    "no unit is promised twice",
    "nobody has to see to a flow that nothing went wrong with",
    "nobody is refused for a fault of the runtime's own",
    "nobody is sold what they did not ask for",
    "nobody is written to who did not agree",
    "nothing is held for an order that was given up",
    "nothing is quoted below its floor",
    "nothing panics that nobody made panic",
    "stock does not come from nowhere",
    "stock is conserved",
    "what comes twice is answered as the first time",
];

/// A fourth of the crowd, and otherwise the scenario as it comes with the program.
fn lived(name: &str) -> WorldOutcome {
    let named = SCENARIOS.into_iter().find(|(known, _)| *known == name);
    let (_, text) = named.expect("a scenario");
    let mut world = Scenario::read(name, text).expect("a scenario").world;
    world.shop.shoppers = world.shop.shoppers.div_ceil(4);
    run_drawn(&world, &HuntOptions::default().lessons).expect("a world")
}

macro_rules! scenarios {
    ($($name:ident)+) => {
        /// Each in a test of its own, since they take their time.
        mod scenario {$(
            /// Catches: a scenario that comes with the program and breaks a law.
            #[test]
            fn $name() {
                let outcome = super::lived(stringify!($name));
                assert!(outcome.laws_hold(), "{outcome:#?}");
            }
        )+}

        /// Catches: a scenario that nobody lives through.
        #[test]
        fn every_scenario_is_lived_through() {
            assert_eq!(SCENARIOS.map(|(name, _)| name), [$(stringify!($name)),+]);
        }
    };
}

scenarios! {
    quiet_day black_friday flaky_payments rolling_crashes dying_disk hot_sku midnight_promotion gateway_outage
}
