//! Worlds through power cuts: the same for everybody who lives through them, and never easier than
//! they look.

use std::borrow::Cow;
use std::time::Duration;

use mercato_actors::runtime::{
    self as mercato_runtime, Agent, AskFailure, Caller, Command, Commands, Context, Decided,
    Decision, RuntimeBuilder,
};
use mercato_sim::lives::{
    Cut, CutAt, CutLeaves, End, FaultPlan, Law, Scene, Scenery, Seen, Site, Stage, What,
    WorldOutcome, WorldPlan, run_world,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Counted {}

mercato_runtime::events! { enum CounterEvent { Counted: 1 } }

struct Counter;

impl Agent for Counter {
    const NAME: &'static str = "counter";
    type State = u64;
    type Event = CounterEvent;
    type Rejection = AskFailure;

    fn evolve(count: &mut u64, _: &CounterEvent) {
        *count += 1;
    }

    fn commands(_: &mut Commands<Self>) {}
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Count;

impl Command for Count {
    type Agent = Counter;
    type Reply = u64;
    const NAME: &'static str = "Count";

    fn entity(&self) -> Cow<'_, str> {
        "one".into()
    }

    fn decide(&self, _: &Counter, count: &u64, _: &Context<'_>) -> Decided<Self> {
        Ok(Decision::reply(count + 1).record(Counted {}))
    }
}

const TIMES: u64 = 60;

fn open(builder: RuntimeBuilder) -> RuntimeBuilder {
    builder.agent(Counter)
}

/// Counts once a second, and holds each answer against the one before.
async fn count(stage: &Stage) {
    for number in 0..TIMES {
        stage.until(Duration::from_secs(number)).await;
        let key = format!("count {number}");
        let counted = stage.ask(&key, &Caller::system(), Count).await;
        stage.must("each is counted once", counted == Ok(number + 1), || {
            format!("{key} is {counted:?}")
        });
    }
}

fn live(plan: &WorldPlan) -> WorldOutcome {
    let scene = Scenery::new(open, count).crashing(&["counter"]);
    run_world(plan, &scene).expect("a world")
}

fn plan(seed: u64) -> WorldPlan {
    WorldPlan::draw(seed, Duration::from_secs(TIMES))
}

/// Catches: a count that a power cut, a crash or a disk takes away or gives twice; worlds that meet
/// nothing of the kind.
#[test]
fn counts_survive_whatever_befalls_the_counter() {
    let worlds: Vec<_> = (1..=30).map(|seed| live(&plan(seed))).collect();
    for (seed, world) in (1..).zip(&worlds) {
        assert!(world.laws_hold(), "seed {seed}: {world:#?}");
    }
    let met = |of: fn(&WorldOutcome) -> u64| worlds.iter().map(of).sum::<u64>();
    assert!(met(|world| world.tally.cuts) > 20);
    assert!(met(|world| world.tally.strikes.all()) > 20);
    assert!(met(|world| world.tally.unserved) > 20);
}

/// Catches: a thread, a panic or a neighbour that a world depends on.
#[test]
fn a_world_is_the_same_beside_others() {
    let alone: Vec<_> = (1..=6).map(|seed| live(&plan(seed))).collect();
    let beside: Vec<_> = std::thread::scope(|scope| {
        let worlds: Vec<_> = (1..=6)
            .map(|seed| scope.spawn(move || live(&plan(seed))))
            .collect();
        let worlds = worlds.into_iter();
        worlds.map(|world| world.join().expect("it ends")).collect()
    });
    assert_eq!(alone, beside);
    assert!(alone[0].hash != alone[1].hash);
}

/// Catches: a cut that comes when everything is over, or leaves what was synced behind.
#[test]
fn each_kind_of_cut_falls_where_it_says() {
    for at in [
        CutAt::Time(Duration::from_millis(10_500)),
        CutAt::DiskOperation(40),
        CutAt::Moment(30),
    ] {
        let cut = Cut {
            at,
            leaves: CutLeaves::Garbage,
            dark_for: Duration::from_secs(3),
        };
        let world = live(&WorldPlan {
            cuts: vec![cut, cut],
            faults: FaultPlan::default(),
            ..plan(1)
        });
        assert!(world.laws_hold(), "{at:?}: {world:#?}");
        assert_eq!(world.tally.cuts, 2, "{at:?}");
        let lines = world.timeline.iter();
        let cuts = lines.filter(|line| line.contains("CUT")).count();
        assert!(cuts <= 2, "{:#?}", world.timeline);
    }
}

/// A law of its own, which looks at what is seen.
struct NoTenth;

impl Law for NoTenth {
    fn name(&self) -> &'static str {
        "nobody is the tenth"
    }

    fn see(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        match seen.what {
            What::Answered("count 9", _) => Err(format!("count 9 in life {}", seen.life)),
            _ => Ok(()),
        }
    }

    fn judge<'a>(
        &'a mut self,
        _: &'a End<'a>,
    ) -> futures::future::LocalBoxFuture<'a, Vec<mercato_sim::Verdict>> {
        Box::pin(std::future::ready(Vec::new()))
    }
}

struct Watched;

impl Scene for Watched {
    fn open(&self, builder: RuntimeBuilder, _: &Site) -> Result<RuntimeBuilder, String> {
        Ok(open(builder))
    }

    fn outside<'a>(&'a self, stage: &'a Stage) -> futures::future::LocalBoxFuture<'a, ()> {
        Box::pin(count(stage))
    }

    fn laws(&self) -> Vec<Box<dyn Law>> {
        vec![Box::new(NoTenth)]
    }
}

/// Catches: a law that is broken on the way and noticed at the end, or never.
#[test]
fn a_law_that_breaks_ends_the_world_there() {
    let world = run_world(&plan(3), &Watched).expect("a world");
    let broken: Vec<_> = world.broken().map(|verdict| verdict.name).collect();
    assert_eq!(broken, ["nobody is the tenth"]);
    let last = world.timeline.last().expect("a last moment");
    assert!(last.contains("a law was broken"), "{last}");
    assert!(
        world.lasted < Duration::from_secs(TIMES),
        "{:?}",
        world.lasted
    );
}

/// Catches: a law for the end that nobody holds.
#[test]
fn a_law_of_the_end_is_held_against_a_runtime_that_was_opened_anew() {
    let judged = |expected: u64| {
        let scene =
            Scenery::new(open, count).law("sixty are counted", async move |end, verdict| {
                let next = end.handle.ask(&Caller::system(), Count).await;
                verdict.check(next == Ok(expected), || format!("{next:?}"));
            });
        run_world(&plan(2), &scene).expect("a world").laws_hold()
    };
    assert!(judged(TIMES + 1) && !judged(TIMES));
}

/// A shop that can be opened for its customers, and not to be judged.
struct OpensOnce;

impl Scene for OpensOnce {
    fn open(&self, builder: RuntimeBuilder, _: &Site) -> Result<RuntimeBuilder, String> {
        Ok(open(builder))
    }

    fn open_for_questions(
        &self,
        builder: RuntimeBuilder,
        _: &Site,
    ) -> Result<RuntimeBuilder, String> {
        Ok(open(open(builder)))
    }

    fn outside<'a>(&'a self, stage: &'a Stage) -> futures::future::LocalBoxFuture<'a, ()> {
        Box::pin(count(stage))
    }

    fn laws(&self) -> Vec<Box<dyn Law>> {
        Vec::new()
    }
}

/// Catches: a runtime that does not start over what its last life left, told as trouble of the
/// simulator, so that a hunt forgets the seed.
#[test]
fn a_shop_that_does_not_start_to_be_judged_breaks_a_law() {
    let world = run_world(&plan(2), &OpensOnce).expect("a world");
    let broken: Vec<_> = world.broken().collect();
    assert_eq!(broken.len(), 1, "{broken:#?}");
    assert!(
        broken[0].cases[0].contains("named `counter`"),
        "{broken:#?}"
    );
}
