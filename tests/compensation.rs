//! What a flow that fails promises: what it did is undone, last first and once, whatever strikes
//! meanwhile; and what cannot be undone waits for a person, who can have it tried again or settle it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::lives::{BLOWS, Case, patient};
use crate::shelf::{Carrier, ShelfEvent, Shelves, book_with_undo, held, hold, hold_with_undo};
use crate::support::{file, memory, virtual_runtime};
use futures::FutureExt;
use mercato::{
    AskFailure, Caller, Flow, FlowError, FlowId, FlowOperation, FlowOperationError, FlowType,
    Handle, Occurred, Principal, Reaction, RunError, Runtime, RuntimeBuilder, Trigger, UndoState,
    WorkKind,
};

const DOOMED: FlowType<(), (), FlowError> = FlowType::new("doomed", 1);

fn no_way() -> FlowError {
    FlowError::Refused("no way".into())
}

/// Books three times and holds twice, and fails.
async fn doomed(flow: Flow, (): ()) -> Result<(), FlowError> {
    book_with_undo(&flow, "one").await?;
    hold_with_undo(&flow, "a").await?;
    book_with_undo(&flow, "two").await?;
    hold_with_undo(&flow, "b").await?;
    book_with_undo(&flow, "three").await?;
    Err(no_way())
}

fn with_doomed(builder: RuntimeBuilder, shelves: &Shelves, carrier: &Carrier) -> RuntimeBuilder {
    carrier
        .serve(builder.agent(shelves.clone()))
        .flow(DOOMED, doomed)
}

async fn open(shelves: &Shelves, carrier: &Carrier) -> Runtime {
    let builder = with_doomed(virtual_runtime(memory()), shelves, carrier);
    builder.start().await.expect("it starts")
}

async fn fail(handle: Handle) -> Result<(), RunError<FlowError>> {
    handle.run(&patient(), DOOMED, FlowId::new("d"), ()).await
}

fn operator() -> Caller {
    Caller::new(Principal::Operator("op-1".into()))
}

/// Catches: an undo that is forgotten, runs twice or out of order, wherever the undoing is struck.
#[test]
fn what_was_done_is_undone_last_first_wherever_the_undoing_is_struck() {
    // The steps take about 25 ms and the undos as long again.
    for at_ms in 0..60 {
        for blow in BLOWS {
            let carrier = Carrier::default();
            let outside = carrier.clone();
            let case = Case {
                open: Box::new(move |builder| with_doomed(builder, &Shelves::default(), &outside)),
                agents: &["shelves"],
                run: |handle| fail(handle).boxed(),
            };
            case.strike(blow, at_ms, async |runtime, ran| {
                let story = format!("{blow:?} at {at_ms} ms");
                assert_eq!(ran, Err(RunError::Failed(no_way())), "{story}");
                let log = ["book one", "book two", "book three"].map(String::from);
                let undone = ["unbook three", "unbook two", "unbook one"].map(String::from);
                assert_eq!(carrier.log(), [log, undone].concat(), "{story}");
                assert!(
                    held(&runtime.handle(), &["a", "b"]).await.is_empty(),
                    "{story}"
                );
                assert_eq!(runtime.work_list(), Ok(vec![]), "{story}");
                assert_eq!(runtime.unfinished_flows(), Ok(0), "{story}");
            });
        }
    }
}

/// Catches: an undo that fails in silence or holds up the others; a retry that does nothing, acts
/// twice, or leaves what it did on the list; and a list that the next start does not know.
#[tokio::test(start_paused = true)]
async fn an_undo_that_was_given_up_is_retried_from_the_work_list() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let (shelves, carrier) = (Shelves::default(), Carrier::default());
    shelves.jammed.store(true, Ordering::SeqCst);
    let start = || async {
        let builder = with_doomed(virtual_runtime(file(&path)), &shelves, &carrier);
        builder.start().await.expect("it starts")
    };
    let runtime = start().await;
    assert_eq!(
        fail(runtime.handle()).await,
        Err(RunError::Failed(no_way()))
    );
    assert!(carrier.booked().is_empty(), "the other undos ran");
    runtime.stop().await.expect("it stops");

    let runtime = start().await;
    let (handle, flows, id) = (runtime.handle(), runtime.flows(), FlowId::new("d"));
    let page = flows.work_list(None, None, 10).expect("it reads");
    let items: Vec<_> = page
        .items
        .iter()
        .map(|it| (it.kind, it.step.as_deref()))
        .collect();
    let undo = WorkKind::UndoFailed;
    assert_eq!(items, [(undo, Some("hold a")), (undo, Some("hold b"))]);
    assert_eq!(
        (&*page.items[0].error, page.next),
        ("the shelf is jammed", None)
    );
    let by = operator();
    let retry = |step: &'static str| flows.retry(&by, "doomed", &id, Some(step));
    // Still jammed: it is tried, and comes back.
    assert_eq!(retry("hold a").await, Ok(FlowOperation::Accepted));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(runtime.work_list().expect("it reads").len(), 2);

    shelves.jammed.store(false, Ordering::SeqCst);
    assert_eq!(retry("hold a").await, Ok(FlowOperation::Accepted));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(retry("hold a").await, Ok(FlowOperation::AlreadyAccepted));
    assert_eq!(held(&handle, &["a", "b"]).await, ["b"]);
    let list = runtime.work_list().expect("it reads");
    assert_eq!(list.len(), 1, "{list:?}");
    assert_eq!(
        retry("hold c").await,
        Err(FlowOperationError::NotOnWorkList)
    );
    assert_eq!(retry("hold b").await, Ok(FlowOperation::Accepted));
    assert_eq!(
        fail(handle.clone()).await,
        Err(RunError::Failed(no_way())),
        "as before"
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(held(&handle, &["a", "b"]).await.is_empty());
    assert_eq!(runtime.work_list(), Ok(vec![]));
    let listed = flows.list(None, None, 10).expect("it reads");
    assert!(listed.flows.is_empty(), "nothing of it is open any more");
    assert_eq!(carrier.log().len(), 6, "no other undo ran again");
    runtime.stop().await.expect("it stops");
}

/// Catches: a retry that was acknowledged and is forgotten when the process ends before it ran.
#[tokio::test(start_paused = true)]
async fn a_retry_that_was_acknowledged_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let (shelves, carrier) = (Shelves::default(), Carrier::default());
    carrier.fails("undo two", true);
    let start = || async {
        let builder = with_doomed(virtual_runtime(file(&path)), &shelves, &carrier);
        builder.start().await.expect("it starts")
    };
    let runtime = start().await;
    assert_eq!(
        fail(runtime.handle()).await,
        Err(RunError::Failed(no_way()))
    );
    assert_eq!(carrier.booked(), ["two"]);
    carrier.fails("undo two", false);
    let (flows, id) = (runtime.flows(), FlowId::new("d"));
    let retried = flows
        .retry(&operator(), "doomed", &id, Some("book two"))
        .await;
    assert_eq!(retried, Ok(FlowOperation::Accepted));
    drop(flows);
    runtime.stop().await.expect("it stops");

    let runtime = start().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(carrier.booked().is_empty());
    assert_eq!(runtime.work_list(), Ok(vec![]));
    runtime.stop().await.expect("it stops");
}

/// Catches: something settled by hand that stays on the list, is undone all the same, or of which
/// nobody knows who settled it and why.
#[tokio::test(start_paused = true)]
async fn a_person_can_settle_what_could_not_be_undone() {
    let (shelves, carrier) = (Shelves::default(), Carrier::default());
    shelves.jammed.store(true, Ordering::SeqCst);
    let runtime = open(&shelves, &carrier).await;
    let handle = runtime.handle();
    assert_eq!(fail(handle.clone()).await, Err(RunError::Failed(no_way())));
    shelves.jammed.store(false, Ordering::SeqCst);
    let (flows, id) = (runtime.flows(), FlowId::new("d"));
    let by = operator();
    let resolve = |step: &'static str| {
        let reason = "taken down by hand";
        flows.resolve(&by, "doomed", &id, Some(step), reason)
    };
    assert_eq!(resolve("hold a").await, Ok(FlowOperation::Accepted));
    assert_eq!(resolve("hold a").await, Ok(FlowOperation::AlreadyAccepted));
    assert_eq!(
        resolve("book one").await,
        Err(FlowOperationError::NotOnWorkList)
    );
    let left = runtime.work_list().expect("it reads");
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(resolve("hold b").await, Ok(FlowOperation::Accepted));
    assert_eq!(runtime.work_list(), Ok(vec![]));
    let retried = flows
        .retry(&operator(), "doomed", &id, Some("hold a"))
        .await;
    assert_eq!(retried, Err(FlowOperationError::NotOnWorkList));
    let status = flows.inspect("doomed", &id).expect("it is known");
    let reason = "taken down by hand".to_owned();
    assert_eq!(status.undos[1].state, UndoState::Resolved { reason });
    assert_eq!(
        held(&handle, &["a", "b"]).await,
        ["a", "b"],
        "nobody undid it"
    );
    let listed = flows.list(None, None, 10).expect("it reads");
    assert!(listed.flows.is_empty());
    runtime.stop().await.expect("it stops");
}

const SENT: FlowType<String, (), FlowError> =
    FlowType::new("sent", 1).within(Duration::from_secs(100));

/// Begun by an event, so that nobody waits for it.
async fn sent(flow: Flow, what: String) -> Result<(), FlowError> {
    hold_with_undo(&flow, "desk").await?;
    book_with_undo(&flow, &what).await?;
    Ok(())
}

async fn sent_and_failed(shelves: &Shelves, carrier: &Carrier) -> Runtime {
    let builder = carrier.serve(virtual_runtime(memory()).agent(shelves.clone()));
    let builder = builder.flow(SENT, sent);
    let trigger = Trigger::on::<Shelves>("send", |occurred: &Occurred<ShelfEvent>| {
        match (&occurred.event, &*occurred.entity) {
            (ShelfEvent::Held(_), "begin") => {
                vec![Reaction::flow(SENT, FlowId::new("s"), &"parcel".to_owned())]
            }
            _ => vec![],
        }
    });
    let runtime = builder.trigger(trigger).start().await.expect("it starts");
    carrier.fails("parcel", true);
    let begun = runtime.handle().ask(&patient(), hold("begin")).await;
    begun.expect("an answer");
    tokio::time::sleep(Duration::from_secs(1)).await;
    carrier.fails("parcel", false);
    runtime
}

/// Catches: a flow that is begun anew under the ids of steps that were undone, so that they count
/// for nothing; one that has no time left; and one that stays on the list though it ended well.
#[tokio::test(start_paused = true)]
async fn a_failed_flow_begins_anew_from_the_work_list() {
    let (shelves, carrier) = (Shelves::default(), Carrier::default());
    let runtime = sent_and_failed(&shelves, &carrier).await;
    let (handle, flows, id) = (runtime.handle(), runtime.flows(), FlowId::new("s"));
    let list = runtime.work_list().expect("it reads");
    assert_eq!(list.len(), 1, "{list:?}");
    assert_eq!((list[0].kind, &list[0].step), (WorkKind::FlowFailed, &None));
    assert!(list[0].error.contains("does not want to"), "{list:?}");
    // Its budget of then is over.
    tokio::time::sleep(Duration::from_secs(500)).await;
    let by = operator();
    let retry = || flows.retry(&by, "sent", &id, None);
    assert_eq!(retry().await, Ok(FlowOperation::Accepted));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let look = crate::shelf::Look {
        shelf: "desk".into(),
    };
    let (holders, holds) = handle.ask(&patient(), look).await.expect("an answer");
    assert_eq!((holders.len(), holds), (1, 2), "it was taken again");
    assert_eq!(carrier.booked(), ["parcel"]);
    let status = flows.inspect("sent", &id).expect("it is known");
    assert_eq!(
        (status.state.to_string(), status.attempts),
        ("completed".into(), 1)
    );
    assert_eq!(runtime.work_list(), Ok(vec![]));
    assert_eq!(retry().await, Err(FlowOperationError::NotOnWorkList));
    let ran = handle
        .run(&patient(), SENT, id.clone(), "parcel".into())
        .await;
    assert_eq!(ran, Ok(()), "the end of now is its end");
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow that begins anew while something of its first attempt is left.
#[tokio::test(start_paused = true)]
async fn a_flow_begins_anew_only_when_nothing_is_left_of_it() {
    let (shelves, carrier) = (Shelves::default(), Carrier::default());
    shelves.jammed.store(true, Ordering::SeqCst);
    let runtime = sent_and_failed(&shelves, &carrier).await;
    let (flows, id) = (runtime.flows(), FlowId::new("s"));
    let list = runtime.work_list().expect("it reads");
    assert_eq!(list.len(), 2, "{list:?}");
    let retried = flows.retry(&operator(), "sent", &id, None).await;
    let steps = vec!["hold desk".into()];
    assert_eq!(retried, Err(FlowOperationError::UndosLeft { steps }));
    let resolved = flows
        .resolve(&operator(), "sent", &id, None, "sent by post")
        .await;
    assert_eq!(resolved, Ok(FlowOperation::Accepted));
    let list = runtime.work_list().expect("it reads");
    assert_eq!((list.len(), list[0].kind), (1, WorkKind::UndoFailed));
    let retried = flows.retry(&operator(), "sent", &id, None).await;
    assert_eq!(retried, Err(FlowOperationError::NotOnWorkList));
    runtime.stop().await.expect("it stops");
}

const TIMED: FlowType<(), (), FlowError> = FlowType::new("timed", 1)
    .within(Duration::from_secs(100))
    .keeping(Duration::from_secs(60));

/// Catches: steps that spend the part of the budget that is kept for undoing, and an undo that is
/// given up while that part lasts, or tried long after it.
#[tokio::test(start_paused = true)]
async fn a_part_of_the_budget_is_kept_for_undoing() {
    for (jammed_secs, undone) in [(80, true), (200, false)] {
        let (shelves, carrier) = (Shelves::default(), Carrier::default());
        let timed = |flow: Flow, (): ()| async move {
            book_with_undo(&flow, "one").await?;
            flow.sleep("long", Duration::from_secs(39)).await?;
            book_with_undo(&flow, "two").await?;
            flow.sleep("a little", Duration::from_secs(2)).await?;
            book_with_undo(&flow, "late").await?;
            Ok(())
        };
        let builder = carrier.serve(virtual_runtime(memory()).agent(shelves.clone()));
        let builder = builder.flow(TIMED, timed);
        let runtime = builder.start().await.expect("it starts");
        let handle = runtime.handle();
        carrier.is_away_for_undo("one", true);
        let running = tokio::spawn({
            let handle = handle.clone();
            async move { handle.run(&patient(), TIMED, FlowId::new("t"), ()).await }
        });
        tokio::time::sleep(Duration::from_secs(jammed_secs)).await;
        carrier.is_away_for_undo("one", false);
        let ran = running.await.expect("no panic");
        let Err(RunError::Failed(error)) = ran else {
            panic!("{ran:?}");
        };
        let told = error.to_string();
        assert!(
            told.contains(&AskFailure::DeadlineExceeded.to_string()),
            "{told}"
        );
        assert!(!carrier.log().contains(&"book late".to_owned()));
        assert_eq!(carrier.booked().is_empty(), undone, "{:?}", carrier.log());
        assert_eq!(runtime.work_list().expect("it reads").is_empty(), undone);
        let elapsed = handle.clock().elapsed();
        assert!(
            elapsed < Duration::from_secs(if undone { 100 } else { 201 }),
            "{elapsed:?}"
        );
        runtime.stop().await.expect("it stops");
    }
}
