//! The three workflow patterns, struck at every moment: sequential, parallel in each of its forms,
//! and event-driven. Whatever strikes, nothing is done twice, nothing that does not count is left,
//! and what was decided stays decided.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::lives::{BLOWS, Case, patient};
use crate::shelf::{
    BOOK, Carrier, ShelfEvent, Shelves, book_with_undo, held, hold, hold_with_undo,
};
use crate::support::{memory, virtual_runtime};
use futures::FutureExt;
use mercato::{
    Flow, FlowError, FlowId, FlowOptions, FlowType, Handle, Occurred, ParallelError, Reaction,
    RunError, Runtime, RuntimeBuilder, Trigger,
};

type Ran<O> = Result<O, RunError<FlowError>>;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn refused(why: &str) -> FlowError {
    FlowError::Refused(why.into())
}

// ---- sequential

const TRIP: FlowType<bool, String, FlowError> = FlowType::new("trip", 1);

/// One step after the other. Fails at the end where it is told to.
async fn trip(flow: Flow, fails: bool) -> Result<String, FlowError> {
    hold_with_undo(&flow, "a").await?;
    let booked = book_with_undo(&flow, "train").await?;
    hold_with_undo(&flow, "b").await?;
    flow.sleep("rest", millis(10)).await?;
    hold_with_undo(&flow, "c").await?;
    match fails {
        true => Err(refused("no way")),
        false => Ok(booked),
    }
}

fn on_shelves(builder: RuntimeBuilder, carrier: &Carrier) -> RuntimeBuilder {
    carrier.serve(builder.agent(Shelves::default()))
}

/// Catches: a step that is taken twice, or not at all, and an undo that is lost or runs twice,
/// wherever a flow is struck.
#[test]
fn a_sequence_is_finished_or_undone_wherever_it_is_struck() {
    for at_ms in (0..48).step_by(3) {
        for blow in BLOWS {
            for fails in [false, true] {
                let carrier = Carrier::default();
                let outside = carrier.clone();
                let case = Case {
                    open: Box::new(move |builder| on_shelves(builder, &outside).flow(TRIP, trip)),
                    agents: &["shelves"],
                    run: if fails {
                        |handle| go(handle, TRIP, true).boxed()
                    } else {
                        |handle| go(handle, TRIP, false).boxed()
                    },
                };
                case.strike(blow, at_ms, async |runtime, ran: Ran<String>| {
                    let held = held(&runtime.handle(), &["a", "b", "c"]).await;
                    let story = format!("{blow:?} at {at_ms} ms: {ran:?}");
                    if fails {
                        assert_eq!(ran, Err(RunError::Failed(refused("no way"))), "{story}");
                        assert!(held.is_empty() && carrier.booked().is_empty(), "{story}");
                    } else {
                        assert_eq!(ran, Ok("train".into()), "{story}");
                        assert_eq!(held, ["a", "b", "c"], "{story}");
                        assert_eq!(carrier.log(), ["book train"], "{story}");
                    }
                    settled(runtime);
                });
            }
        }
    }
}

async fn go<I, O>(handle: Handle, flow: FlowType<I, O, FlowError>, input: I) -> Ran<O>
where
    I: serde::Serialize + serde::de::DeserializeOwned + Send + 'static,
    O: serde::Serialize + serde::de::DeserializeOwned + Send + 'static,
{
    handle.run(&patient(), flow, FlowId::new("1"), input).await
}

fn settled(runtime: &Runtime) {
    assert_eq!(runtime.work_list(), Ok(vec![]));
    assert_eq!(runtime.unfinished_flows(), Ok(0));
}

// ---- parallel

const OFFERS: [&str; 3] = ["bus", "ferry", "train"];

/// Three branches, each of which holds a shelf and then books.
fn branches(flow: &Flow) -> mercato::Parallel<String, FlowError> {
    let mut group = flow.parallel("offers");
    for offer in OFFERS {
        group = group.branch(offer, async move |flow: Flow| {
            hold_with_undo(&flow, offer).await?;
            let booked = book_with_undo(&flow, offer).await?;
            flow.sleep("rest", millis(2)).await?;
            Ok(booked)
        });
    }
    group
}

const EVERY: FlowType<(), Vec<String>, FlowError> = FlowType::new("every", 1);
const SETTLED: FlowType<(), Vec<String>, FlowError> = FlowType::new("settled", 1);
const FIRST: FlowType<(), Vec<String>, FlowError> = FlowType::new("first", 1);
const TWO: FlowType<(), Vec<String>, FlowError> = FlowType::new("two", 1);

async fn every(flow: Flow, (): ()) -> Result<Vec<String>, FlowError> {
    let all = branches(&flow).all().await?;
    hold_with_undo(&flow, "after").await?;
    Ok(all)
}

async fn settle(flow: Flow, (): ()) -> Result<Vec<String>, FlowError> {
    let all = branches(&flow).all_settled().await?;
    hold_with_undo(&flow, "after").await?;
    Ok(all.into_iter().flatten().collect())
}

async fn first(flow: Flow, (): ()) -> Result<Vec<String>, FlowError> {
    let first = branches(&flow).first().await?;
    hold_with_undo(&flow, "after").await?;
    flow.sleep("later", millis(15)).await?;
    Ok(vec![first.value])
}

async fn two(flow: Flow, (): ()) -> Result<Vec<String>, FlowError> {
    let counted = branches(&flow).quorum(2, millis(60_000)).await?;
    hold_with_undo(&flow, "after").await?;
    flow.sleep("later", millis(15)).await?;
    Ok(counted.into_iter().map(|it| it.value).collect())
}

fn offers(carrier: &Carrier, fails: Option<&str>) {
    for (offer, millis) in [("bus", 24), ("ferry", 8), ("train", 14)] {
        carrier.takes(offer, millis);
    }
    if let Some(offer) = fails {
        carrier.fails(offer, true);
    }
}

/// Strikes a parallel flow at every moment. Exactly what it says that counts is left.
fn strike_parallel(
    run: fn(Handle) -> futures::future::BoxFuture<'static, Ran<Vec<String>>>,
    fails: Option<&str>,
    check: impl Fn(&Ran<Vec<String>>) -> bool,
) {
    for at_ms in (0..60).step_by(3) {
        for blow in BLOWS {
            let carrier = Carrier::default();
            offers(&carrier, fails);
            let outside = carrier.clone();
            let case = Case {
                open: Box::new(move |builder| {
                    on_shelves(builder, &outside)
                        .flow(EVERY, every)
                        .flow(SETTLED, settle)
                        .flow(FIRST, first)
                        .flow(TWO, two)
                }),
                agents: &["shelves"],
                run,
            };
            case.strike(blow, at_ms, async |runtime, ran| {
                let handle = runtime.handle();
                let story = format!("{blow:?} at {at_ms} ms: {ran:?}, {:?}", carrier.log());
                assert!(check(&ran), "{story}");
                let mut counted = ran.clone().unwrap_or_default();
                counted.sort();
                assert_eq!(held(&handle, &OFFERS).await, counted, "{story}");
                assert_eq!(carrier.booked(), counted, "{story}");
                let after = held(&handle, &["after"]).await;
                assert_eq!(after.is_empty(), ran.is_err(), "{story}");
                // The same once more, and the same for good.
                assert_eq!(run(handle).await, ran, "{story}");
                settled(runtime);
            });
        }
    }
}

/// Catches: a branch of which a part is left though another one failed, and a group that goes on
/// without all of its branches.
#[test]
fn all_branches_count_or_none_wherever_they_are_struck() {
    let go_every = |handle| go(handle, EVERY, ()).boxed();
    strike_parallel(go_every, None, |ran| {
        *ran == Ok(OFFERS.map(String::from).to_vec())
    });
    strike_parallel(go_every, Some("train"), Result::is_err);
}

/// Catches: a branch that failed and is not undone, and one that is undone because another failed.
#[test]
fn each_branch_settles_for_itself_wherever_it_is_struck() {
    let go_settled = |handle| go(handle, SETTLED, ()).boxed();
    strike_parallel(go_settled, Some("train"), |ran| {
        *ran == Ok(vec!["bus".to_owned(), "ferry".to_owned()])
    });
}

/// Catches: two winners, a winner that changes after a crash, and losers of which something is left.
#[test]
fn the_first_success_alone_counts_wherever_it_is_struck() {
    let go_first = |handle| go(handle, FIRST, ()).boxed();
    strike_parallel(go_first, None, |ran| {
        ran.as_ref().is_ok_and(|it| it.len() == 1)
    });
    strike_parallel(go_first, Some("ferry"), |ran| {
        ran.as_ref()
            .is_ok_and(|it| it.len() == 1 && it[0] != "ferry")
    });
}

/// Catches: a quorum of more or fewer than it should be, and one that changes after a crash.
#[test]
fn a_quorum_counts_exactly_as_many_as_it_needs_wherever_it_is_struck() {
    let go_two = |handle| go(handle, TWO, ()).boxed();
    strike_parallel(go_two, None, |ran| {
        ran.as_ref().is_ok_and(|it| it.len() == 2)
    });
    strike_parallel(go_two, Some("ferry"), |ran| {
        ran.as_ref()
            .is_ok_and(|it| it.len() == 2 && !it.contains(&"ferry".to_owned()))
    });
}

async fn open(
    carrier: &Carrier,
    options: FlowOptions,
    with: impl Fn(RuntimeBuilder) -> RuntimeBuilder,
) -> Runtime {
    let builder = on_shelves(virtual_runtime(memory()), carrier).flow_options(options);
    with(builder).start().await.expect("it starts")
}

/// Catches: a decision that is not noted, so that a second run comes to another one.
#[tokio::test(start_paused = true)]
async fn a_decision_stands_though_the_branches_would_come_out_otherwise() {
    let carrier = Carrier::default();
    offers(&carrier, None);
    let runtime = open(&carrier, FlowOptions::default(), |it| it.flow(FIRST, first)).await;
    let handle = runtime.handle();
    let running = tokio::spawn(go(handle.clone(), FIRST, ()));
    tokio::time::sleep(millis(22)).await;
    // The ferry has won. From here on the bus would be quicker.
    carrier.takes("bus", 0);
    carrier.takes("ferry", 1_000);
    assert_eq!(runtime.crash_flows(), 1);
    assert_eq!(
        running.await.expect("no panic"),
        Ok(vec!["ferry".to_owned()])
    );
    assert_eq!(held(&handle, &OFFERS).await, ["ferry"]);
    assert_eq!(carrier.booked(), ["ferry"]);
    runtime.stop().await.expect("it stops");
}

/// Catches: a group that waits for its losers, and an undo that overtakes the step that it undoes.
#[tokio::test(start_paused = true)]
async fn losers_end_their_step_and_are_undone_behind_the_flow() {
    const QUICK: FlowType<(), u64, FlowError> = FlowType::new("quick", 1);
    let carrier = Carrier::default();
    offers(&carrier, None);
    carrier.takes("bus", 5_000);
    let quick = |flow: Flow, (): ()| async move {
        let begun = flow.now("begun").await?;
        let first = branches(&flow).first().await?;
        assert_eq!(&*first.branch, "ferry");
        let decided = flow.now("decided").await?;
        flow.sleep("on", millis(10_000)).await?;
        Ok(u64::try_from(decided.since(begun).as_millis()).expect("a short time"))
    };
    let runtime = open(&carrier, FlowOptions::default(), |it| it.flow(QUICK, quick)).await;
    let handle = runtime.handle();
    let running = tokio::spawn(go(handle.clone(), QUICK, ()));
    tokio::time::sleep(millis(1_000)).await;
    assert_eq!(
        held(&handle, &OFFERS).await,
        ["bus", "ferry"],
        "the bus is in its step"
    );
    tokio::time::sleep(millis(5_000)).await;
    let log = [
        "book ferry",
        "book train",
        "unbook train",
        "book bus",
        "unbook bus",
    ];
    assert_eq!(
        carrier.log(),
        log,
        "what is in hand ends, and is undone then"
    );
    assert_eq!(
        held(&handle, &OFFERS).await,
        ["ferry"],
        "the flow has not ended yet"
    );
    let took = running.await.expect("no panic").expect("it ends");
    assert!(took < 40, "it took {took} ms to decide");
    runtime.stop().await.expect("it stops");
}

const LATE: FlowType<u64, Vec<String>, FlowError> = FlowType::new("late", 1);

async fn late(flow: Flow, within_ms: u64) -> Result<Vec<String>, FlowError> {
    match branches(&flow).quorum(2, millis(within_ms)).await {
        Ok(counted) => Ok(counted.into_iter().map(|it| it.value).collect()),
        Err(ParallelError::TooFew {
            needed,
            of,
            failures,
            timed_out,
        }) => Err(refused(&format!(
            "{needed} of {of}, {} failed, late: {timed_out}",
            failures.len()
        ))),
        Err(error) => Err(error.into()),
    }
}

/// Catches: a quorum that waits for ever, or that leaves something of what was in time.
#[tokio::test(start_paused = true)]
async fn a_quorum_that_is_late_leaves_nothing() {
    let carrier = Carrier::default();
    offers(&carrier, None);
    carrier.takes("bus", 3_000);
    carrier.takes("train", 2_000);
    let runtime = open(&carrier, FlowOptions::default(), |it| it.flow(LATE, late)).await;
    let handle = runtime.handle();
    let ran = go(handle.clone(), LATE, 500).await;
    let told = refused("2 of 3, 0 failed, late: true");
    assert_eq!(ran, Err(RunError::Failed(told)));
    assert!(held(&handle, &OFFERS).await.is_empty());
    assert!(carrier.booked().is_empty(), "{:?}", carrier.log());

    carrier.fails("train", true);
    carrier.fails("ferry", true);
    let ran = handle.run(&patient(), LATE, FlowId::new("2"), 60_000).await;
    let told = refused("2 of 3, 2 failed, late: false");
    assert_eq!(ran, Err(RunError::Failed(told)), "no more could come of it");
    runtime.stop().await.expect("it stops");
}

/// Catches: a deadline that begins anew with each crash.
#[tokio::test(start_paused = true)]
async fn the_time_of_a_quorum_runs_on_while_the_flow_is_crashed() {
    let carrier = Carrier::default();
    offers(&carrier, None);
    carrier.takes("bus", 3_000);
    carrier.takes("train", 3_000);
    let runtime = open(&carrier, FlowOptions::default(), |it| it.flow(LATE, late)).await;
    let handle = runtime.handle();
    let running = tokio::spawn(go(handle.clone(), LATE, 2_000));
    for _ in 0..4 {
        tokio::time::sleep(millis(450)).await;
        runtime.crash_flows();
    }
    tokio::time::sleep(millis(250)).await;
    let status = runtime.flows().inspect("late", &FlowId::new("1"));
    let state = status.expect("it is known").state.to_string();
    assert_eq!(
        state, "running",
        "what is in hand ends before the undos run"
    );
    let ran = running.await.expect("no panic");
    let told = refused("2 of 3, 0 failed, late: true");
    assert_eq!(ran, Err(RunError::Failed(told)));
    runtime.stop().await.expect("it stops");
}

const ODD: FlowType<u8, (), FlowError> = FlowType::new("odd", 1);

/// Catches: groups without a bound, and names that two branches or a step and a branch share.
#[tokio::test(start_paused = true)]
async fn a_group_that_cannot_be_meant_is_refused_in_words() {
    let odd = |flow: Flow, which: u8| async move {
        let add = |group: mercato::Parallel<(), FlowError>, name: &str| {
            group.branch(name, async |_| Ok(()))
        };
        let group = flow.parallel("g");
        match which {
            0 => drop(add(add(group, "x"), "x").all().await?),
            1 => drop(add(add(add(group, "x"), "y"), "z").all().await?),
            2 => drop(add(group, "x").quorum(2, millis(5)).await?),
            3 => drop(add(group, "x#y").all().await?),
            4 => drop(flow.ask("g#x/step", hold("a")).await?),
            _ => drop(group.all().await?),
        }
        Ok(())
    };
    let options = FlowOptions {
        branches_max: NonZeroUsize::new(2).expect("two"),
        ..FlowOptions::default()
    };
    let runtime = open(&Carrier::default(), options, |it| it.flow(ODD, odd)).await;
    let words = [
        "two branches named `x`",
        "has 3 branches and may have 2",
        "ask for 1 to 1",
        "`#` stands between",
        "`#` stands between",
    ];
    for (which, words) in words.into_iter().enumerate() {
        let id = FlowId::new(which.to_string());
        let which = u8::try_from(which).expect("few");
        let ran = runtime.handle().run(&patient(), ODD, id, which).await;
        let told = ran.expect_err("it is refused").to_string();
        assert!(told.contains(words), "{told}");
    }
    let nothing = runtime
        .handle()
        .run(&patient(), ODD, FlowId::new("9"), 9)
        .await;
    assert_eq!(nothing, Ok(()), "all of none have succeeded");
    runtime.stop().await.expect("it stops");
}

/// Catches: a group within a branch that goes on when its branch has lost, and whose undos are left.
#[tokio::test(start_paused = true)]
async fn what_lies_within_a_branch_loses_with_it() {
    const NESTED: FlowType<(), String, FlowError> = FlowType::new("nested", 1);
    let carrier = Carrier::default();
    for (what, millis) in [("bus", 500), ("ferry", 10), ("train", 700)] {
        carrier.takes(what, millis);
    }
    let nested = |flow: Flow, (): ()| async move {
        let first = flow
            .parallel::<_, FlowError>("ways")
            .branch("land", async |flow: Flow| {
                let way = |what: &'static str| {
                    async move |flow: Flow| {
                        hold_with_undo(&flow, what).await?;
                        book_with_undo(&flow, what).await?;
                        book_with_undo(&flow, &format!("{what} back")).await
                    }
                };
                let both = flow.parallel("both");
                let both = both.branch("bus", way("bus")).branch("train", way("train"));
                Ok(both.all().await?.concat())
            })
            .branch("sea", async |flow: Flow| {
                book_with_undo(&flow, "ferry").await
            })
            .first()
            .await?;
        Ok(first.value)
    };
    let runtime = open(&carrier, FlowOptions::default(), |it| {
        it.flow(NESTED, nested)
    })
    .await;
    let handle = runtime.handle();
    assert_eq!(go(handle.clone(), NESTED, ()).await, Ok("ferry".to_owned()));
    assert!(held(&handle, &OFFERS).await.is_empty());
    assert_eq!(carrier.booked(), ["ferry"]);
    let log = carrier.log();
    assert!(!log.iter().any(|it| it.ends_with("back")), "{log:?}");
    runtime.stop().await.expect("it stops");
}

/// Catches: branches whose steps are taken one after the other, and results in another order than
/// that of the branches.
#[tokio::test(start_paused = true)]
async fn branches_run_side_by_side() {
    const WIDE: FlowType<(), Vec<String>, FlowError> = FlowType::new("wide", 1);
    let carrier = Carrier::default();
    let wide = |flow: Flow, (): ()| async move {
        let mut group = flow.parallel("all");
        for n in 0..20u64 {
            let name = format!("{n:02}");
            group = group.branch(&name.clone(), async move |flow: Flow| {
                Ok(flow.perform("book", BOOK, name).await?)
            });
        }
        group.all().await
    };
    for n in 0..20 {
        carrier.takes(&format!("{n:02}"), 200 - n * 10);
    }
    let runtime = open(&carrier, FlowOptions::default(), |it| it.flow(WIDE, wide)).await;
    let handle = runtime.handle();
    let begun = handle.clock().elapsed();
    let all = go(handle.clone(), WIDE, ()).await.expect("it ends");
    assert_eq!(all.len(), 20);
    assert!(all.is_sorted(), "{all:?}");
    let took = handle.clock().elapsed() - begun;
    assert!(took < millis(250), "{took:?}");
    runtime.stop().await.expect("it stops");
}

// ---- event-driven

const FINISH: FlowType<String, (), FlowError> = FlowType::new("finish", 1);

/// From the first shelf to the second, from there to a flow, and from there to the last one.
fn chain() -> Trigger {
    Trigger::on::<Shelves>("chain", |occurred: &Occurred<ShelfEvent>| {
        match (&occurred.event, &*occurred.entity) {
            (ShelfEvent::Held(_), "first") => vec![Reaction::command(&hold("second"))],
            (ShelfEvent::Held(_), "second") => {
                let input = "last".to_owned();
                vec![Reaction::flow(FINISH, FlowId::new("finish"), &input)]
            }
            _ => vec![],
        }
    })
}

async fn finish(flow: Flow, shelf: String) -> Result<(), FlowError> {
    book_with_undo(&flow, "parcel").await?;
    hold_with_undo(&flow, &shelf).await?;
    Ok(())
}

async fn publish(handle: Handle) {
    let caller = patient().keyed(mercato::CommandId::from_key("the order"));
    let held = handle.ask(&caller, hold("first")).await;
    held.expect("an answer");
    // Quiet long enough for everything that follows.
    tokio::time::sleep(millis(2_000)).await;
}

/// Catches: an event whose effect is lost or comes twice, wherever the chain behind it is struck.
#[test]
fn a_chain_of_events_has_its_effect_once_wherever_it_is_struck() {
    for at_ms in (0..40).step_by(2) {
        for blow in BLOWS {
            let carrier = Carrier::default();
            let outside = carrier.clone();
            let case = Case {
                open: Box::new(move |builder| {
                    on_shelves(builder, &outside)
                        .flow(FINISH, finish)
                        .trigger(chain())
                }),
                agents: &["shelves"],
                run: |handle| publish(handle).boxed(),
            };
            case.strike(blow, at_ms, async |runtime, ()| {
                let held = held(&runtime.handle(), &["first", "second", "last"]).await;
                let story = format!("{blow:?} at {at_ms} ms");
                assert_eq!(held, ["first", "second", "last"], "{story}");
                assert_eq!(carrier.log(), ["book parcel"], "{story}");
                assert_eq!(runtime.health().dead_letters, 0, "{story}");
                settled(runtime);
            });
        }
    }
}
