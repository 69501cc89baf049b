//! What an ask promises about time: every hop sees what is left of it, what nobody waits for any more
//! does not run, and a call that would wait for itself is refused by its name.

use std::borrow::Cow;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crate::support::{Add, BelowZero, CounterEvent, Counters, add, read};
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use mercato::testkit::{Fault, Moment, PortStep, ScriptedPort, TestRuntime, TestWorld};
use mercato::{
    Activity, ActivityCall, ActivityError, ActivityErrorKind, Agent, AgentOptions, AskError,
    AskFailure, CachesSettings, Caller, Command, Commands, Context, Decided, Decision, Flow,
    FlowError, FlowId, FlowType, Handle, Kind, RunError, RuntimeBuilder, Scope, Timestamp,
};
use serde::{Deserialize, Serialize};

const SECOND: Duration = Duration::from_secs(1);

/// Somebody to ask until when there is time.
struct Clerk;

impl Agent for Clerk {
    const NAME: &'static str = "clerk";
    type State = ();
    type Event = CounterEvent;
    type Rejection = BelowZero;

    fn evolve(_: &mut (), _: &CounterEvent) {}

    fn commands(_: &mut Commands<Self>) {}
}

/// Tells its own deadline.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct TellDeadline;

impl Command for TellDeadline {
    type Agent = Clerk;
    type Reply = Timestamp;
    const NAME: &'static str = "TellDeadline";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        "desk".into()
    }

    fn decide(&self, _: &Clerk, (): &(), context: &Context<'_>) -> Decided<Self> {
        Ok(Decision::reply(context.deadline))
    }
}

/// A handle for code that is registered before there is one.
type Later = Arc<OnceLock<Handle>>;

fn given_to(later: &Later, runtime: &TestRuntime) -> Handle {
    later.get_or_init(|| runtime.handle()).clone()
}

/// Catches: a request whose asks, and what they lead to, get more time than is left of it.
#[tokio::test(start_paused = true)]
async fn all_that_a_request_asks_for_ends_with_the_request() {
    let world = TestWorld::new(1);
    let runtime = world.start(|builder| builder.agent(Clerk)).await;
    let handle = runtime.handle();
    let until = world.now().plus(SECOND);
    let served = handle
        .serve(&Caller::system().within(SECOND), async |scope: &Scope| {
            assert_eq!(scope.remaining(), SECOND);
            world.pass(Duration::from_millis(300)).await;
            assert_eq!(scope.remaining(), Duration::from_millis(700));
            assert_eq!(scope.ask(TellDeadline).await?, until, "an agent");
            // Whoever calls on through a handle.
            let caller = scope.caller();
            assert_eq!(handle.ask(&caller, TellDeadline).await?, until);
            let hour = scope.caller().within(Duration::from_secs(3_600));
            assert_eq!(handle.ask(&hour, TellDeadline).await?, until, "no later");
            let soon = world.now().plus(Duration::from_millis(100));
            let hurried = scope.caller().within(Duration::from_millis(100));
            assert_eq!(
                handle.ask(&hurried, TellDeadline).await?,
                soon,
                "but sooner"
            );
            let guarded = handle.ask_guarded(&scope.caller(), TellDeadline).await;
            assert_eq!(guarded.expect("an answer").into_value(), until);
            handle
                .serve(&scope.caller(), async |inner: &Scope| {
                    assert_eq!(inner.remaining(), Duration::from_millis(700));
                    inner.ask(TellDeadline).await
                })
                .await
        })
        .await;
    assert_eq!(served, Ok(until));
    runtime.stop().await;
}

/// Catches: a request that is answered late where what it asks for through a handle hangs.
#[tokio::test(start_paused = true)]
async fn a_request_within_a_request_is_given_up_with_it() {
    const REST: FlowType<u64, u64, FlowError> = FlowType::new("rest", 1);
    let world = TestWorld::new(1);
    let rest = |flow: Flow, seconds: u64| async move {
        flow.sleep("rest", Duration::from_secs(seconds)).await?;
        Ok(seconds)
    };
    let runtime = world.start(|builder| builder.flow(REST, rest)).await;
    let handle = runtime.handle();
    let began = world.now();
    let served = handle
        .serve(&Caller::system().within(SECOND), async |scope: &Scope| {
            let patient = scope.caller().within(Duration::from_secs(60));
            handle.run(&patient, REST, FlowId::new("r"), 10).await
        })
        .await;
    assert_eq!(
        served,
        Err(RunError::Unserved(AskFailure::DeadlineExceeded))
    );
    assert_eq!(world.now().since(began), SECOND);
    // The flow is durable and goes on.
    let patient = Caller::system().within(Duration::from_secs(60));
    let ran = handle.run(&patient, REST, FlowId::new("r"), 10).await;
    assert_eq!(ran, Ok(10));
    assert_eq!(handle.flow_stats().started, 1);
    runtime.stop().await;
}

const TRIP: FlowType<(), (), FlowError> = FlowType::new("trip", 1).within(Duration::from_secs(3));
const BOARD: Activity<(), ()> = Activity::new("rail.board");
const ALIGHT: Activity<(), ()> = Activity::new("rail.alight").repeatable();

/// Catches: a step or a port call that gets more time than its flow has, a nested call that gets more
/// than its attempt has, and an undo that has none left.
#[tokio::test(start_paused = true)]
async fn a_flow_s_steps_and_port_calls_end_with_its_budget_and_its_undos_do_not() {
    let world = TestWorld::new(1);
    let later = Later::default();
    let told: Arc<Mutex<Vec<Timestamp>>> = Arc::default();
    let alight = ScriptedPort::new(world.clock(), PortStep::Answer(()));
    let trip = {
        let told = told.clone();
        move |flow: Flow, ()| {
            let told = told.clone();
            async move {
                let note = |at| told.lock().expect("a lock").push(at);
                note(flow.deadline().expect("it has a budget"));
                note(flow.ask("at first", TellDeadline).await?);
                flow.undo_activity("board", ALIGHT, ()).await?;
                flow.sleep("wait", SECOND).await?;
                note(flow.ask("later", TellDeadline).await?);
                flow.perform("board", BOARD, ()).await?;
                Ok(())
            }
        }
    };
    let board = {
        let (later, told) = (later.clone(), told.clone());
        move |call: ActivityCall, ()| {
            let (later, told) = (later.clone(), told.clone());
            async move {
                let handle = later.get().expect("it runs");
                let nested = handle.ask(&call.caller(), TellDeadline).await;
                let nested = nested.expect("an answer");
                told.lock().expect("a lock").extend([call.deadline, nested]);
                std::future::pending().await
            }
        }
    };
    let runtime = world
        .start(|builder| {
            builder
                .agent(Clerk)
                .flow(TRIP, trip)
                .activity(BOARD, board)
                .activity(ALIGHT, alight.function())
        })
        .await;
    let handle = given_to(&later, &runtime);
    // A fifth of its three seconds is kept for undoing.
    let until = world.now().plus(Duration::from_millis(2_400));
    let patient = Caller::system().within(Duration::from_secs(60));
    let ran = handle.run(&patient, TRIP, FlowId::new("t"), ()).await;
    let Err(RunError::Failed(FlowError::Port(error))) = ran else {
        panic!("it ended otherwise: {ran:?}");
    };
    assert_eq!(error.kind, ActivityErrorKind::Unknown, "{error}");
    assert_eq!(*told.lock().expect("a lock"), [until; 5]);
    // A commit or two after the deadline, and with seconds of its own.
    let undone = &alight.calls()[0];
    assert!(undone.at >= until && undone.at < until.plus(Duration::from_millis(20)));
    assert!(undone.deadline > undone.at.plus(SECOND), "{undone:?}");
    runtime.stop().await;
}

fn one_shard() -> AgentOptions {
    AgentOptions {
        shards: NonZeroUsize::MIN,
        ..AgentOptions::default()
    }
}

/// Keeps the one shard of the counters away for some time: the second of two crashes is waited out.
fn keep_away(world: &TestWorld) {
    world
        .faults()
        .arm(Fault::at(Moment::Decide).of::<Add>().on("plug").times(2));
}

/// Catches: a command that runs although whoever asked has gone, whichever way they asked.
#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_any_more_does_not_run() {
    const GONE_AFTER: Duration = Duration::from_millis(5);
    type Way = (&'static str, fn(Handle) -> LocalBoxFuture<'static, ()>);
    let ways: [Way; 4] = [
        ("ask", |handle| {
            async move { drop(handle.ask(&Caller::system(), add("a", 1)).await) }.boxed_local()
        }),
        ("serve", |handle| {
            async move {
                let workflow = async |scope: &Scope| scope.ask(add("a", 1)).await;
                drop(handle.serve(&Caller::system(), workflow).await);
            }
            .boxed_local()
        }),
        ("ask_guarded", |handle| {
            async move { drop(handle.ask_guarded(&Caller::system(), add("a", 1)).await) }
                .boxed_local()
        }),
        ("ask_cached", |handle| {
            async move { drop(handle.ask_cached(&Caller::system(), read("a")).await) }.boxed_local()
        }),
    ];
    for (way, asked) in ways {
        let world = TestWorld::new(1);
        let runtime = world
            .start(|builder| {
                builder
                    .agent_with(Counters::default(), one_shard())
                    .caches(CachesSettings::default())
            })
            .await;
        let handle = runtime.handle();
        keep_away(&world);
        let gone = async {
            world.pass(Duration::from_millis(1)).await;
            tokio::time::timeout(GONE_AFTER, asked(handle.clone())).await
        };
        let caller = Caller::system();
        let (plugged, gone) = tokio::join!(handle.ask(&caller, add("plug", 1)), gone);
        assert_eq!(plugged, Ok(1), "{way}: the third time");
        assert!(gone.is_err(), "{way}: it went away in the middle");
        assert_eq!(runtime.ask(read("a")).await, Ok(0), "{way}: it never ran");
        let stats = &handle.stats()[0];
        assert_eq!((stats.abandoned, stats.restarts), (1, 2), "{way}");
        runtime.stop().await;
    }
}

/// Catches: a load that dies with the first who asked though another waits, and one that is made twice.
#[tokio::test(start_paused = true)]
async fn a_cached_ask_runs_as_long_as_one_of_those_who_wait_for_it_is_there() {
    let world = TestWorld::new(1);
    let runtime = world
        .start(|builder| {
            builder
                .agent_with(Counters::default(), one_shard())
                .caches(CachesSettings::default())
        })
        .await;
    let handle = runtime.handle();
    let caller = Caller::system();
    keep_away(&world);
    let after = |millis| world.pass(Duration::from_millis(millis));
    let (plugged, first, second) = tokio::join!(
        handle.ask(&caller, add("plug", 1)),
        async {
            after(1).await;
            let asked = handle.ask_cached(&caller, read("a"));
            tokio::time::timeout(Duration::from_millis(5), asked).await
        },
        async {
            after(2).await;
            handle.ask_cached(&caller, read("a")).await
        },
    );
    assert_eq!(plugged, Ok(1));
    assert!(first.is_err(), "it went away");
    assert_eq!(second.expect("an answer").into_value(), 0);
    assert_eq!(handle.stats()[0].abandoned, 0);
    runtime.stop().await;
}

/// Catches: a flow that is let go with the one who waits for it.
#[tokio::test(start_paused = true)]
async fn a_flow_goes_on_without_those_who_waited_for_it() {
    const CLIMB: FlowType<(), i64, FlowError> = FlowType::new("climb", 1);
    let climb = |flow: Flow, ()| async move {
        flow.sleep("rest", Duration::from_secs(5)).await?;
        Ok(flow.ask("up", add("hill", 1)).await?)
    };
    let world = TestWorld::new(1);
    let runtime = world
        .start(|builder| builder.agent(Counters::default()).flow(CLIMB, climb))
        .await;
    let handle = runtime.handle();
    let caller = Caller::system().within(Duration::from_secs(60));
    let id = FlowId::new("c");
    let gone = tokio::time::timeout(SECOND, handle.run(&caller, CLIMB, id.clone(), ())).await;
    assert!(gone.is_err());
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(runtime.ask(read("hill")).await, Ok(1), "it went on");
    assert_eq!(handle.run(&caller, CLIMB, id, ()).await, Ok(1));
    assert_eq!(handle.flow_stats().started, 1);
    runtime.stop().await;
}

const HOP: FlowType<String, String, FlowError> = FlowType::new("hop", 1);
const NEXT: Activity<String, String> = Activity::new("relay.next");

/// A flow whose port runs the flow that its input names first, by the name of the rest: `b,c` runs `b`,
/// which runs `c`, which is the last. `a@` runs `a`, by the same name; `+b,c` is joined by the flow
/// itself, without its port.
async fn hop(flow: Flow, way: String) -> Result<String, FlowError> {
    if let Some(way) = way.strip_prefix('+') {
        let (id, rest) = way.split_once(',').unwrap_or((way, ""));
        let ended = flow.join("join", HOP, FlowId::new(id), rest.to_owned());
        return Ok(ended.await?);
    }
    match way.is_empty() {
        true => Ok("there".to_owned()),
        false => Ok(flow.perform("next", NEXT, way).await?),
    }
}

/// How the port calls on.
#[derive(Clone, Copy)]
enum By {
    /// As the caller that it is given.
    Itself,
    /// Through a request of its own.
    Request,
    /// As somebody else.
    Another,
}

fn relay(builder: RuntimeBuilder, later: &Later, by: By) -> RuntimeBuilder {
    let later = later.clone();
    let next = move |call: ActivityCall, way: String| {
        let later = later.clone();
        async move {
            let handle = later.get().expect("it runs");
            let (id, rest) = match way.strip_suffix('@') {
                Some(id) => (id, &*way),
                None => way.split_once(',').unwrap_or((&way, "")),
            };
            let (id, rest) = (FlowId::new(id), rest.to_owned());
            let ran = match by {
                By::Itself => handle.run(&call.caller(), HOP, id, rest).await,
                By::Another => handle.run(&Caller::system(), HOP, id, rest).await,
                By::Request => {
                    let workflow =
                        async |scope: &Scope| handle.run(&scope.caller(), HOP, id, rest).await;
                    handle.serve(&call.caller(), workflow).await
                }
            };
            ran.map_err(|error| {
                let kind = ActivityErrorKind::Permanent;
                ActivityError::new(kind, "relay", error.to_string())
            })
        }
    };
    builder.flow(HOP, hop).activity(NEXT, next)
}

/// Runs flow `a` along a way, and gives how it ended and how long that took.
async fn go(way: &str, by: By) -> (Result<String, String>, Duration) {
    let (world, later) = (TestWorld::new(1), Later::default());
    let runtime = world.start(|builder| relay(builder, &later, by)).await;
    let handle = given_to(&later, &runtime);
    let began = world.now();
    let patient = Caller::system().within(Duration::from_secs(600));
    let ran = handle
        .run(&patient, HOP, FlowId::new("a"), way.into())
        .await;
    let took = world.now().since(began);
    runtime.stop().await;
    (ran.map_err(|error| error.to_string()), took)
}

/// Catches: an activity that waits for its own flow, directly, through another one, through a request, or
/// through a flow that joins it, until its time is over.
#[tokio::test(start_paused = true)]
async fn a_call_that_would_wait_for_itself_is_refused_by_its_name() {
    let on = "activity relay.next >";
    let itself = format!("flow hop/a > {on} flow hop/a");
    let through_b = format!("flow hop/a > {on} flow hop/b > {on} flow hop/a");
    let inner = format!("flow hop/b > {on} flow hop/c > {on} flow hop/b");
    for (way, by, path) in [
        ("a", By::Itself, &itself),
        ("b,a", By::Itself, &through_b),
        ("b,c,b", By::Itself, &inner),
    ] {
        let (ended, took) = go(way, by).await;
        let error = ended.expect_err("it cannot end well");
        assert!(error.contains(path), "{way}: {error}");
        assert!(took < SECOND, "{way}: it took {took:?}");
    }
    // A flow that joins another one waits for it as well as a port does.
    for (way, path) in [
        ("+b,a", format!("flow hop/a > flow hop/b > {on} flow hop/a")),
        ("b,+a", format!("flow hop/a > {on} flow hop/b > flow hop/a")),
    ] {
        let (ended, took) = go(way, By::Itself).await;
        let error = ended.expect_err("it cannot end well");
        assert!(error.contains(&path), "{way}: {error}");
        assert!(took < SECOND, "{way}: it took {took:?}");
    }
    let (ended, took) = go("b,a", By::Request).await;
    let error = ended.expect_err("it cannot end well");
    assert!(error.contains("would wait for itself"), "{error}");
    assert!(
        error.contains("request promises::deadlines::relay"),
        "{error}"
    );
    assert!(took < SECOND, "it took {took:?}");
}

/// Catches: a refusal of flows that call each other in a line, or are waited for by several.
#[tokio::test(start_paused = true)]
async fn calls_that_lead_on_and_not_back_are_served() {
    for by in [By::Itself, By::Request, By::Another] {
        assert_eq!(go("b,c,d", by).await.0.as_deref(), Ok("there"));
    }
}

/// Catches: a broken chain that hangs for good. Whoever makes a caller of their own within an activity
/// is not known to wait; what ends the wait is its deadline.
#[tokio::test(start_paused = true)]
async fn a_circle_that_nobody_can_see_ends_with_its_deadline() {
    let (ended, took) = go("a@", By::Another).await;
    let error = ended.expect_err("it cannot end well");
    assert!(error.contains("deadline passed"), "{error}");
    assert!(took < Duration::from_secs(60), "it took {took:?}");
}

/// A request that makes a request of its own, without end.
fn descend(
    handle: &Handle,
    caller: Caller,
) -> LocalBoxFuture<'_, Result<u32, AskError<BelowZero>>> {
    async move {
        let deeper = async |scope: &Scope| descend(handle, scope.caller()).await;
        handle.serve(&caller, deeper).await
    }
    .boxed_local()
}

/// Catches: a recursion through a handle that takes memory until its deadline, and a refusal that does not
/// say of what.
#[tokio::test(start_paused = true)]
async fn requests_within_requests_go_so_deep_and_no_deeper() {
    let world = TestWorld::new(1);
    let four = NonZeroU32::new(4).expect("it is positive");
    let runtime = world
        .start(|builder| builder.agent(Counters::default()).hops_max(four))
        .await;
    let refused = descend(&runtime.handle(), Caller::system()).await;
    let Err(AskError::Failed(AskFailure::TooDeep { hops_max: 4, path })) = refused else {
        panic!("it ended otherwise: {refused:?}");
    };
    assert_eq!(path.len(), 5);
    assert!(path.iter().all(|hop| hop.contains("deadlines::descend")));
    runtime.stop().await;
}

/// Catches: a kept answer that is taken from somebody else's reply: ids that a request hands on are its
/// own, and the same when it is repeated.
#[tokio::test(start_paused = true)]
async fn what_a_repeated_request_calls_on_for_happens_once() {
    let world = TestWorld::new(1);
    let runtime = world
        .start(|builder| builder.agent(Counters::default()))
        .await;
    let handle = runtime.handle();
    let keyed = Caller::system().keyed(mercato::CommandId::from_key("request"));
    for _ in 0..2 {
        let served = handle
            .serve(&keyed, async |scope: &Scope| {
                let one = handle.ask(&scope.caller(), add("a", 1)).await?;
                let two = handle.ask(&scope.caller(), add("a", 10)).await?;
                Ok::<_, AskError<BelowZero>>((one, two))
            })
            .await;
        assert_eq!(served, Ok((1, 11)));
    }
    assert_eq!(runtime.ask(read("a")).await, Ok(11));
    runtime.stop().await;
}
