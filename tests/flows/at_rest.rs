//! What operators can do with the flows of a journal that no runtime is at: look at them where they
//! are, and ask for what the next start carries out.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mercato::persistence::{Append, EventData, Journal, Mark, Position, Recorded};
use mercato::{
    Caller, Clock, Flow, FlowError, FlowId, FlowOperation, FlowOperationError, FlowState, FlowType,
    Flows, Occurred, Principal, Reaction, Runtime, RuntimeBuilder, Timestamp, Trigger, UndoState,
    WorkKind,
};

use crate::lives::patient;
use crate::shelf::{Held, ShelfEvent, Shelves, held, hold, hold_with_undo};
use crate::support::{file, memory, virtual_runtime};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY_MS: u64 = 86_400_000;

/// What a flow does after it held a shelf: sleeps for an hour, for half a minute, or fails.
const ERRAND: FlowType<String, (), FlowError> = FlowType::new("errand", 1);

async fn errand(flow: Flow, what: String) -> Result<(), FlowError> {
    hold_with_undo(&flow, &what).await?;
    match &*what {
        "long" => flow.sleep("sleep", HOUR).await?,
        "short" => flow.sleep("sleep", Duration::from_secs(30)).await?,
        _ => return Err(FlowError::Refused("no way".into())),
    }
    hold_with_undo(&flow, &format!("{what} again")).await?;
    Ok(())
}

/// Each hold on `begin ...` begins an errand that nobody waits for.
fn errands() -> Trigger {
    Trigger::on::<Shelves>("errands", |occurred: &Occurred<ShelfEvent>| {
        let ShelfEvent::Held(Held { .. }) = &occurred.event else {
            return vec![];
        };
        match occurred.entity.strip_prefix("begin ") {
            Some(what) => {
                let id = FlowId::new(what);
                vec![Reaction::flow(ERRAND, id, &what.to_owned())]
            }
            None => vec![],
        }
    })
}

fn shop(builder: RuntimeBuilder, shelves: &Shelves) -> RuntimeBuilder {
    let builder = builder.agent(shelves.clone()).flow(ERRAND, errand);
    builder.trigger(errands())
}

async fn begin(runtime: &Runtime, what: &str) {
    let begun = hold(&format!("begin {what}"));
    let begun = runtime.handle().ask(&patient(), begun).await;
    begun.expect("an answer");
}

/// A journal in which one flow sleeps for long, one is between its steps, one failed and is undone,
/// and one failed and could not be undone.
async fn left_behind(path: &Path, shelves: &Shelves) {
    let runtime = shop(virtual_runtime(file(path)), shelves);
    let runtime = runtime.start().await.expect("it starts");
    begin(&runtime, "fail").await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    shelves.jammed.store(true, Ordering::SeqCst);
    begin(&runtime, "jam").await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    begin(&runtime, "long").await;
    begin(&runtime, "short").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    runtime.stop().await.expect("it stops");
    shelves.jammed.store(false, Ordering::SeqCst);
}

/// Everything that the journal holds.
fn all(journal: &dyn Journal) -> Vec<Arc<Recorded>> {
    journal.read(Position::START, 10_000).expect("it reads")
}

/// The flows of a journal at rest a day later, with or without their function.
fn at_rest(journal: &Arc<dyn Journal>, knows: bool) -> Flows {
    let later = Timestamp::from_millis(DAY_MS);
    let builder = virtual_runtime(journal.clone()).clock(Clock::starting_at(later));
    let builder = match knows {
        true => builder.flow(ERRAND, errand),
        false => builder,
    };
    builder.flows_at_rest().expect("they can be looked at")
}

fn operator() -> Caller {
    Caller::new(Principal::Operator("ann".into()))
}

fn states(flows: &Flows) -> Vec<(String, FlowState)> {
    let page = flows.list(None, None, 256).expect("it reads");
    let states = page.flows.into_iter();
    states.map(|it| (it.id.into_string(), it.state)).collect()
}

/// Catches: a flow that goes on, wakes or is undone because somebody looks; one that waits for nothing
/// but the next start and is taken for one that is stuck; and one without a function that is not.
#[tokio::test(start_paused = true)]
async fn whoever_looks_changes_nothing_and_sees_where_each_flow_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    left_behind(&path, &Shelves::default()).await;
    let journal = file(&path);
    let before = all(&*journal);
    let flows = at_rest(&journal, true);
    let seen = states(&flows);
    let names: Vec<_> = seen.iter().map(|(id, _)| &**id).collect();
    assert_eq!(names, ["fail", "jam", "long", "short"]);
    assert_eq!(seen[0].1, FlowState::Failed);
    assert_eq!(seen[1].1, FlowState::Failed);
    assert!(matches!(seen[2].1, FlowState::Parked { .. }), "{seen:?}");
    assert_eq!(seen[3].1, FlowState::Running);
    let work = flows.work_list(None, None, 256).expect("it reads").items;
    let work: Vec<_> = work
        .iter()
        .map(|it| (&*it.id, it.kind, it.step.as_deref(), &*it.error))
        .collect();
    let why = "refused: no way";
    assert_eq!(work.len(), 3, "{work:?}");
    assert_eq!((work[0].0, work[0].1), ("fail", WorkKind::FlowFailed));
    assert!(work[0].3.contains("no way"), "{why}: {work:?}");
    assert_eq!((work[1].0, work[1].1), ("jam", WorkKind::FlowFailed));
    assert_eq!(
        (work[2].0, work[2].1, work[2].2),
        ("jam", WorkKind::UndoFailed, Some("hold jam"))
    );

    let blind = at_rest(&journal, false);
    let seen = states(&blind);
    assert!(
        matches!(&seen[3].1, FlowState::Stuck { reason } if reason.contains("errand")),
        "{seen:?}"
    );
    let work = blind.work_list(None, None, 256).expect("it reads").items;
    assert_eq!((&*work[3].id, work[3].kind), ("short", WorkKind::FlowStuck));

    // Time passes, and with it the hour that one of them sleeps for.
    tokio::time::sleep(HOUR * 2).await;
    assert!(all(&*journal) == before, "something was recorded");
    journal.close().await.expect("it closes");
}

/// Catches: a request that is forgotten between two starts, one that waits for a timer that nobody
/// waits for any more, one that is recorded twice, and what was asked for flows that are not to go on.
#[tokio::test(start_paused = true)]
async fn what_is_asked_for_is_carried_out_by_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let shelves = Shelves::default();
    left_behind(&path, &shelves).await;
    let journal = file(&path);
    let flows = at_rest(&journal, true);
    let (caller, id) = (operator(), FlowId::new);
    for expected in [FlowOperation::Accepted, FlowOperation::AlreadyAccepted] {
        for sleeper in ["long", "short"] {
            let asked = flows
                .cancel(&caller, "errand", &id(sleeper), "no need")
                .await;
            assert_eq!(asked, Ok(expected), "{sleeper}");
            let status = flows.inspect("errand", &id(sleeper)).expect("known");
            assert_eq!(status.state, FlowState::Undoing, "{status:?}");
        }
        let undo = flows
            .retry(&caller, "errand", &id("jam"), Some("hold jam"))
            .await;
        assert_eq!(undo, Ok(expected));
        let anew = flows.retry(&caller, "errand", &id("fail"), None).await;
        assert_eq!(anew, Ok(expected));
    }
    // Undos are data: nobody needs the function for them.
    let blind = at_rest(&journal, false);
    for sleeper in ["long", "short"] {
        let status = blind.inspect("errand", &id(sleeper)).expect("known");
        assert_eq!(status.state, FlowState::Undoing, "{status:?}");
    }
    drop(blind);
    let jam = flows.inspect("errand", &id("jam")).expect("known");
    assert_eq!(jam.state, FlowState::Undoing);
    assert_eq!(jam.undos[0].state, UndoState::Outstanding);
    let again = flows.inspect("errand", &id("fail")).expect("known");
    assert_eq!((again.state, again.attempts), (FlowState::Running, 1));
    assert_eq!(journal.timer("flow/errand/long", "wake"), None);
    journal.close().await.expect("it closes");
    drop((flows, journal));

    let later = Timestamp::from_millis(DAY_MS + 1_000);
    let builder = virtual_runtime(file(&path)).clock(Clock::starting_at(later));
    let runtime = shop(builder, &shelves).start().await.expect("it starts");
    tokio::time::sleep(Duration::from_secs(10)).await;
    let flows = runtime.flows();
    for (flow, state) in [
        ("long", FlowState::Cancelled),
        ("short", FlowState::Cancelled),
        ("jam", FlowState::Failed),
        ("fail", FlowState::Failed),
    ] {
        let status = flows.inspect("errand", &id(flow)).expect("known");
        assert_eq!(status.state, state, "{flow}");
    }
    let left = ["long", "long again", "short", "short again", "jam"];
    assert_eq!(held(&runtime.handle(), &left).await, Vec::<String>::new());
    runtime.stop().await.expect("it stops");
}

/// Catches: something that is settled and stays on the list, and a request that is accepted where
/// there is nothing to do.
#[tokio::test(start_paused = true)]
async fn what_is_settled_is_off_the_list_and_what_makes_no_sense_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    left_behind(&path, &Shelves::default()).await;
    let journal = file(&path);
    let before = all(&*journal).len();
    let flows = at_rest(&journal, true);
    let (caller, id) = (operator(), FlowId::new);
    // It is on its way, though nobody is at it here.
    let on_its_way = flows.retry(&caller, "errand", &id("short"), None).await;
    assert_eq!(on_its_way, Err(FlowOperationError::NotOnWorkList));
    let left = flows.retry(&caller, "errand", &id("jam"), None).await;
    let steps = vec!["hold jam".into()];
    assert_eq!(left, Err(FlowOperationError::UndosLeft { steps }));
    let over = flows.cancel(&caller, "errand", &id("fail"), "late").await;
    assert!(matches!(over, Err(FlowOperationError::Finished { .. })));
    let blind = at_rest(&journal, false);
    for flow in ["short", "fail"] {
        let unknown = blind.retry(&caller, "errand", &id(flow), None).await;
        assert!(
            matches!(unknown, Err(FlowOperationError::Failed(_))),
            "{flow}: {unknown:?}"
        );
    }
    assert_eq!(all(&*journal).len(), before, "nothing was recorded");

    for step in [Some("hold jam"), None] {
        let settled = blind
            .resolve(&caller, "errand", &id("jam"), step, "by hand")
            .await;
        assert_eq!(settled, Ok(FlowOperation::Accepted));
    }
    let settled = blind
        .resolve(&caller, "errand", &id("fail"), None, "by hand")
        .await;
    assert_eq!(settled, Ok(FlowOperation::Accepted));
    let work = flows.work_list(None, None, 256).expect("it reads").items;
    assert!(work.is_empty(), "{work:?}");
    let left: Vec<_> = states(&flows).into_iter().map(|(id, _)| id).collect();
    assert_eq!(left, ["long", "short"], "the others are over");
    journal.close().await.expect("it closes");
}

/// Catches: one log that cannot be read, and that hides all the other flows from whoever looks.
#[tokio::test(start_paused = true)]
async fn a_flow_that_cannot_be_read_hides_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    left_behind(&path, &Shelves::default()).await;
    let journal = file(&path);
    let of_nobody = EventData {
        name: "FromAnotherWorld".into(),
        version: 1,
        payload: Vec::new(),
    };
    let append = Append {
        events: vec![of_nobody],
        mark: Some(Mark::Open),
        ..Append::to("flow/errand/garbled", 0, DAY_MS)
    };
    journal.append(append).expect("it is taken");
    let flows = at_rest(&journal, true);
    let names: Vec<_> = states(&flows).into_iter().map(|(id, _)| id).collect();
    assert_eq!(names, ["fail", "jam", "long", "short"]);
    let page = flows.list(None, None, 256).expect("it reads");
    let [garbled] = &*page.unreadable else {
        panic!("{:?}", page.unreadable);
    };
    assert_eq!((&*garbled.flow, &*garbled.id), ("errand", "garbled"));
    let why = garbled.failure.to_string();
    assert!(why.contains("FromAnotherWorld"), "{why}");
    journal.close().await.expect("it closes");
}

/// Catches: a flow that is begun anew in the moment in which its end is written, and that nobody runs
/// then, or that counts once.
#[tokio::test(start_paused = true)]
async fn a_flow_that_is_retried_while_its_end_is_written_begins_anew() {
    let runtime = shop(virtual_runtime(memory()), &Shelves::default());
    let runtime = runtime.start().await.expect("it starts");
    begin(&runtime, "fail").await;
    let (flows, id) = (runtime.flows(), FlowId::new("fail"));
    let status = loop {
        tokio::time::sleep(Duration::from_millis(1)).await;
        match flows.inspect("errand", &id) {
            Ok(status) if status.state == FlowState::Failed => break status,
            _ => {}
        }
    };
    assert_eq!(status.runs, 1, "its task waits until its end is durable");
    let retried = flows.retry(&operator(), "errand", &id, None).await;
    assert_eq!(retried, Ok(FlowOperation::Accepted));
    tokio::time::sleep(Duration::from_secs(10)).await;
    let status = flows.inspect("errand", &id).expect("known");
    assert_eq!((status.state, status.attempts), (FlowState::Failed, 1));
    assert_eq!(runtime.handle().flow_stats().failed, 2);
    runtime.stop().await.expect("it stops");
}
