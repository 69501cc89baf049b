//! What waits for a person, what does not, and how much of it there is.

use std::time::Duration;

use mercato::{
    Caller, Flow, FlowError, FlowId, FlowOperation, FlowOperationError, FlowState, FlowType,
    Occurred, Principal, Reaction, Runtime, RuntimeBuilder, Trigger, WorkKind,
};

use crate::lives::patient;
use crate::shelf::{Carrier, ShelfEvent, Shelves, book_with_undo, hold, hold_with_undo};
use crate::support::{file, memory, virtual_runtime};

/// Sleeps so many seconds after it held a shelf and booked a train.
const TRIP: FlowType<u64, (), FlowError> = FlowType::new("trip", 1);
/// The same, and fails after it.
const DOOMED: FlowType<u64, (), FlowError> = FlowType::new("doomed", 1);

async fn trip(flow: Flow, secs: u64) -> Result<(), FlowError> {
    hold_with_undo(&flow, "a").await?;
    book_with_undo(&flow, "train").await?;
    flow.sleep("rest", Duration::from_secs(secs)).await
}

async fn doomed(flow: Flow, secs: u64) -> Result<(), FlowError> {
    trip(flow, secs).await?;
    Err(FlowError::Refused("no way".into()))
}

/// Each hold on `begin` begins a flow that is doomed and that nobody waits for.
fn begins() -> Trigger {
    Trigger::on::<Shelves>(
        "begins",
        |occurred: &Occurred<ShelfEvent>| match &*occurred.entity {
            "begin" => vec![Reaction::flow(DOOMED, FlowId::new("d"), &1)],
            _ => vec![],
        },
    )
}

fn shop(builder: RuntimeBuilder, carrier: &Carrier) -> RuntimeBuilder {
    let builder = carrier.serve(builder.agent(Shelves::default()));
    builder
        .flow(TRIP, trip)
        .flow(DOOMED, doomed)
        .trigger(begins())
}

async fn open(carrier: &Carrier) -> Runtime {
    let builder = shop(virtual_runtime(memory()), carrier);
    builder.start().await.expect("it starts")
}

async fn begin(runtime: &Runtime) {
    let begun = runtime.handle().ask(&patient(), hold("begin")).await;
    begun.expect("an answer");
}

fn operator() -> Caller {
    Caller::new(Principal::Operator("ann".into()))
}

async fn secs(secs: u64) {
    tokio::time::sleep(Duration::from_secs(secs)).await;
}

/// How many flows wait for people, as whoever watches the runtime sees it.
fn waiting(runtime: &Runtime) -> f64 {
    let metrics = runtime.metrics();
    let waiting = metrics.gauge("mercato_flows_waiting_for_people", &[]);
    waiting.expect("it is measured")
}

/// Catches: a page that is just full and promises another one, and one that is not and does not.
#[tokio::test(start_paused = true)]
async fn a_page_that_is_just_full_is_the_last_one() {
    let runtime = open(&Carrier::default()).await;
    let brief = Caller::system().within(Duration::from_millis(50));
    for n in 0..3 {
        let id = FlowId::new(n.to_string());
        let ran = runtime.handle().run(&brief, TRIP, id, 60).await;
        ran.expect_err("it takes longer");
    }
    let flows = runtime.flows();
    for (most, shown, next) in [(2, 2, Some("flow/trip/1")), (3, 3, None), (4, 3, None)] {
        let page = flows.list(None, None, most).expect("it reads");
        assert_eq!((page.flows.len(), page.next.as_deref()), (shown, next));
        let work = flows.work_list(None, None, most).expect("it reads");
        assert_eq!((work.items.len(), work.next.as_deref()), (0, next));
    }
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow that is on its way, or sleeps, and that somebody has tried again all the same; and an
/// undo that is said to be tried again though there is nothing to undo.
#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_is_not_on_the_work_list() {
    let runtime = open(&Carrier::default()).await;
    let (flows, handle, id) = (runtime.flows(), runtime.handle(), FlowId::new("t"));
    let running = tokio::spawn({
        let (handle, id) = (handle.clone(), id.clone());
        async move { handle.run(&patient(), TRIP, id, 300).await }
    });
    secs(1).await;
    let by = operator();
    for parked in [0, 1] {
        assert_eq!(handle.flow_stats().parked, parked);
        for step in [None, Some("hold a"), Some("book train"), Some("nothing")] {
            let retried = flows.retry(&by, "trip", &id, step).await;
            let told = Err(FlowOperationError::NotOnWorkList);
            assert_eq!(retried, told, "{step:?}, {parked} parked");
            let settled = flows.resolve(&by, "trip", &id, step, "by hand").await;
            assert_eq!(settled, Err(FlowOperationError::NotOnWorkList));
        }
        secs(1).await;
        assert_eq!(handle.flow_stats().parked, parked, "nobody woke it");
        assert_eq!(runtime.work_list(), Ok(vec![]));
        assert_eq!(waiting(&runtime).to_bits(), 0f64.to_bits());
        running.abort();
        secs(1).await;
    }
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow that fails and is settled before it has undone itself, one that stays on the list when
/// it is settled, and a count of those who wait that is not that of the list, before a restart or after it.
#[tokio::test(start_paused = true)]
async fn a_failure_is_settled_once_what_is_left_of_it_is_undone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let carrier = Carrier::default();
    carrier.is_away_for_undo("train", true);
    let runtime = shop(virtual_runtime(file(&path)), &carrier).start().await;
    let runtime = runtime.expect("it starts");
    begin(&runtime).await;
    secs(2).await;
    let (flows, id, by) = (runtime.flows(), FlowId::new("d"), operator());
    let state = || flows.inspect("doomed", &id).expect("it is known").state;
    assert_eq!(state(), FlowState::Undoing);
    let early = flows.resolve(&by, "doomed", &id, None, "by hand").await;
    assert_eq!(early, Err(FlowOperationError::NotOnWorkList));
    assert_eq!(waiting(&runtime).to_bits(), 0f64.to_bits());
    carrier.is_away_for_undo("train", false);
    secs(60).await;
    assert_eq!(state(), FlowState::Failed);
    for step in ["hold a", "book train"] {
        let undone = flows.retry(&by, "doomed", &id, Some(step)).await;
        assert_eq!(undone, Ok(FlowOperation::AlreadyAccepted), "{step}");
    }
    assert_eq!(waiting(&runtime).to_bits(), 1f64.to_bits());
    drop(flows);
    runtime.stop().await.expect("it stops");

    let runtime = shop(virtual_runtime(file(&path)), &carrier).start().await;
    let runtime = runtime.expect("it starts");
    secs(1).await;
    let list = runtime.work_list().expect("it reads");
    assert_eq!(list.len(), 1, "{list:?}");
    assert_eq!((list[0].kind, &*list[0].id), (WorkKind::FlowFailed, "d"));
    assert_eq!(waiting(&runtime).to_bits(), 1f64.to_bits());
    assert_eq!(
        runtime.handle().flow_stats().in_flight,
        0,
        "nobody is at it"
    );
    let flows = runtime.flows();
    for told in [FlowOperation::Accepted, FlowOperation::AlreadyAccepted] {
        let settled = flows.resolve(&by, "doomed", &id, None, "by hand").await;
        assert_eq!(settled, Ok(told));
    }
    assert_eq!(runtime.work_list(), Ok(vec![]));
    assert_eq!(waiting(&runtime).to_bits(), 0f64.to_bits());
    let left = flows.list(None, None, 10).expect("it reads").flows;
    assert!(left.is_empty(), "{left:?}");
    drop(flows);
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow that is tried again while it is being tried again, and a second time for that.
#[tokio::test(start_paused = true)]
async fn a_flow_that_is_being_tried_again_is_not_tried_twice() {
    let runtime = open(&Carrier::default()).await;
    begin(&runtime).await;
    secs(60).await;
    let (flows, id, by) = (runtime.flows(), FlowId::new("d"), operator());
    for told in [FlowOperation::Accepted, FlowOperation::AlreadyAccepted] {
        assert_eq!(flows.retry(&by, "doomed", &id, None).await, Ok(told));
    }
    secs(60).await;
    let status = flows.inspect("doomed", &id).expect("it is known");
    assert_eq!((status.state, status.attempts), (FlowState::Failed, 1));
    assert_eq!(runtime.handle().flow_stats().failed, 2);
    runtime.stop().await.expect("it stops");
}
