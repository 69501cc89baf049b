//! A flow that is on its way when its code changes: it ends on the path that it began on, or is moved
//! to another one, or waits on the work list until its code is back.

use std::time::Duration;

use mercato::persistence::Journal;
use mercato::{
    AskFailure, Flow, FlowError, FlowId, FlowOperation, FlowOperationError, FlowProgress,
    FlowState, FlowType, RunError, Runtime, RuntimeBuilder, RuntimeError, WorkKind,
};

use crate::lives::patient;
use crate::shelf::{Carrier, Shelves, book_with_undo, held, hold_with_undo};
use crate::support::{file, memory, virtual_runtime};

const V1: FlowType<u64, String, FlowError> = FlowType::new("ship", 1);
const V2: FlowType<u64, String, FlowError> = FlowType::new("ship", 2);
const V3: FlowType<String, u64, FlowError> = FlowType::new("ship", 3);

/// Sleeps as long as it is told to, between two shelves.
async fn v1(flow: Flow, secs: u64) -> Result<String, FlowError> {
    hold_with_undo(&flow, "old").await?;
    flow.sleep("rest", Duration::from_secs(secs)).await?;
    hold_with_undo(&flow, "old 2").await?;
    Ok(format!("as version {}", flow.version()))
}

async fn v2(flow: Flow, _: u64) -> Result<String, FlowError> {
    hold_with_undo(&flow, "new").await?;
    Ok(format!("as version {}", flow.version()))
}

async fn v3(flow: Flow, from: String) -> Result<u64, FlowError> {
    hold_with_undo(&flow, "old").await?;
    hold_with_undo(&flow, &from).await?;
    Ok(u64::from(flow.version()))
}

const ALL: [&str; 4] = ["old", "old 2", "new", "moved"];

fn shelves(journal: std::sync::Arc<dyn Journal>) -> RuntimeBuilder {
    virtual_runtime(journal).agent(Shelves::default())
}

/// A journal in which an instance of version 1 sleeps.
async fn begun(path: &std::path::Path) {
    let runtime = shelves(file(path)).flow(V1, v1);
    let runtime = runtime.start().await.expect("it starts");
    let short = patient().within(Duration::from_secs(1));
    let ran = runtime.handle().run(&short, V1, FlowId::new("s"), 30).await;
    assert_eq!(ran, Err(RunError::Unserved(AskFailure::DeadlineExceeded)));
    runtime.stop().await.expect("it stops");
}

async fn ends_as<O>(runtime: &Runtime, flow: FlowType<u64, O, FlowError>, ends: O)
where
    O: PartialEq + std::fmt::Debug,
    O: serde::Serialize + serde::de::DeserializeOwned + Send + 'static,
{
    let ran = runtime
        .handle()
        .run(&patient(), flow, FlowId::new("s"), 30)
        .await;
    assert_eq!(ran, Ok(ends));
}

/// Catches: an old instance that is run by the new function, a new one that is run by the old, and a
/// result that cannot be had under the new type though it has not changed.
#[tokio::test(start_paused = true)]
async fn two_versions_stand_side_by_side() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    begun(&path).await;
    let builder = shelves(file(&path)).flow(V2, v2).flow(V1, v1);
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    let new = handle.run(&patient(), V2, FlowId::new("t"), 30).await;
    assert_eq!(new, Ok("as version 2".into()));
    assert_eq!(held(&handle, &ALL).await, ["old", "new"]);
    // Its starter speaks of the new version, and means the same instance.
    ends_as(&runtime, V2, "as version 1".to_owned()).await;
    ends_as(&runtime, V1, "as version 1".to_owned()).await;
    assert_eq!(held(&handle, &ALL).await, ["old", "old 2", "new"]);
    runtime.stop().await.expect("it stops");
}

/// Catches: a result that is read as another type, and bytes that are compared though they are of
/// another type.
#[tokio::test(start_paused = true)]
async fn a_result_is_never_read_as_another_type() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    begun(&path).await;
    let builder = shelves(file(&path)).flow(V3, v3).flow(V1, v1);
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    let other = handle
        .run(&patient(), V3, FlowId::new("s"), "x".into())
        .await;
    let told = other.expect_err("another type").to_string();
    assert!(
        told.contains("is of version 1, whose result has another type"),
        "{told}"
    );
    ends_as(&runtime, V1, "as version 1".to_owned()).await;
    runtime.stop().await.expect("it stops");
}

/// Catches: an instance of an unknown version that is lost, run by other code, or not found again.
#[tokio::test(start_paused = true)]
async fn an_instance_without_its_code_waits_on_the_work_list_and_goes_on_when_that_is_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    begun(&path).await;
    let builder = shelves(file(&path)).flow(V2, v2);
    let runtime = builder.start().await.expect("it starts");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let list = runtime.work_list().expect("it reads");
    assert_eq!(list.len(), 1, "{list:?}");
    assert_eq!((list[0].kind, &*list[0].id), (WorkKind::FlowStuck, "s"));
    let words = "has no version 1 of flow `ship`, only 2; register the function of version 1";
    assert!(list[0].error.contains(words), "{list:?}");
    assert_eq!(runtime.unfinished_flows(), Ok(1));
    let (flows, id) = (runtime.flows(), FlowId::new("s"));
    let state = flows.inspect("ship", &id).expect("it is known").state;
    assert!(
        matches!(&state, FlowState::Stuck { reason } if reason.contains(words)),
        "{state}"
    );
    let retried = flows.retry(&patient(), "ship", &id, None).await;
    assert!(
        matches!(&retried, Err(FlowOperationError::Failed(_))),
        "{retried:?}"
    );
    let joined = runtime
        .handle()
        .run(&patient(), V2, FlowId::new("s"), 30)
        .await;
    assert!(joined.expect_err("no code").to_string().contains(words));
    assert_eq!(
        held(&runtime.handle(), &ALL).await,
        ["old"],
        "nothing is taken or undone"
    );
    drop(flows);
    runtime.stop().await.expect("it stops");

    let builder = shelves(file(&path)).flow(V2, v2).flow(V1, v1);
    let runtime = builder.start().await.expect("it starts");
    assert_eq!(runtime.work_list(), Ok(vec![]));
    ends_as(&runtime, V1, "as version 1".to_owned()).await;
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow whose code is gone for good and that nobody can get rid of.
#[tokio::test(start_paused = true)]
async fn an_instance_without_its_code_can_be_cancelled_and_is_undone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    begun(&path).await;
    let runtime = shelves(file(&path)).start().await.expect("it starts");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (flows, id) = (runtime.flows(), FlowId::new("s"));
    let cancelled = flows
        .cancel(&patient(), "ship", &id, "its code is gone")
        .await;
    cancelled.expect("it is recorded");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let state = flows.inspect("ship", &id).expect("it is known").state;
    assert_eq!(state, FlowState::Cancelled);
    assert!(held(&runtime.handle(), &ALL).await.is_empty());
    assert_eq!(runtime.work_list(), Ok(vec![]));
    assert_eq!(runtime.unfinished_flows(), Ok(0));
    runtime.stop().await.expect("it stops");
}

/// Catches: a migration that is made twice, forgotten, or made of an instance that it leaves alone.
#[tokio::test(start_paused = true)]
async fn an_instance_is_moved_where_that_is_said() {
    for moves in [true, false] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shop.redb");
        begun(&path).await;
        let migrate = move |secs: u64, progress: &FlowProgress<'_>| {
            assert_eq!(secs, 30);
            assert!(progress.has_note("rest") && progress.has_undo("hold old"));
            assert!(!progress.has_note("hold old") && !progress.has_undo("hold old 2"));
            moves.then(|| "moved".to_owned())
        };
        let builder = shelves(file(&path)).flow(V3, v3).flow(V1, v1);
        let builder = builder.flow_migration(V1, V3, migrate);
        let runtime = builder.start().await.expect("it starts");
        let handle = runtime.handle();
        if moves {
            let ran = handle
                .run(&patient(), V3, FlowId::new("s"), "moved".into())
                .await;
            assert_eq!(ran, Ok(3));
            assert_eq!(held(&handle, &ALL).await, ["old", "moved"]);
        } else {
            ends_as(&runtime, V1, "as version 1".to_owned()).await;
        }
        drop(handle);
        runtime.stop().await.expect("it stops");
        if moves {
            // It is of the later version from here on, whoever reads it.
            let builder = shelves(file(&path)).flow(V3, v3);
            let runtime = builder.start().await.expect("it starts");
            let handle = runtime.handle();
            let ran = handle
                .run(&patient(), V3, FlowId::new("s"), "moved".into())
                .await;
            assert_eq!(ran, Ok(3));
            runtime.stop().await.expect("it stops");
        }
    }
}

/// Catches: an instance that is to be undone, and is moved to a version that did none of it.
#[tokio::test(start_paused = true)]
async fn an_instance_that_is_cancelled_is_not_moved() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    begun(&path).await;
    let journal = file(&path);
    let flows = shelves(journal.clone()).flow(V1, v1).flows_at_rest();
    let flows = flows.expect("they can be looked at");
    let id = FlowId::new("s");
    let cancelled = flows.cancel(&patient(), "ship", &id, "no need").await;
    assert_eq!(cancelled, Ok(FlowOperation::Accepted));
    journal.close().await.expect("it closes");
    drop((flows, journal));

    let builder = shelves(file(&path)).flow(V3, v3).flow(V1, v1);
    let builder = builder.flow_migration(V1, V3, |_: u64, _| Some("moved".to_owned()));
    let runtime = builder.start().await.expect("it starts");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let status = runtime.flows().inspect("ship", &id).expect("known");
    assert_eq!((status.state, status.version), (FlowState::Cancelled, 1));
    assert!(held(&runtime.handle(), &ALL).await.is_empty());
    runtime.stop().await.expect("it stops");
}

/// Catches: an instance that has failed and undoes itself, and that is moved to a version which did none of
/// what is to be undone.
#[tokio::test(start_paused = true)]
async fn an_instance_that_fails_is_not_moved() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let carrier = Carrier::default();
    let fails = |flow: Flow, _: u64| async move {
        book_with_undo(&flow, "train").await?;
        Err::<String, _>(FlowError::Refused("no way".into()))
    };
    carrier.is_away_for_undo("train", true);
    let builder = carrier.serve(shelves(file(&path))).flow(V1, fails);
    let runtime = builder.start().await.expect("it starts");
    let (short, id) = (patient().within(Duration::from_secs(1)), FlowId::new("s"));
    let ran = runtime.handle().run(&short, V1, id.clone(), 30).await;
    assert_eq!(ran, Err(RunError::Unserved(AskFailure::DeadlineExceeded)));
    runtime.stop().await.expect("it stops");

    carrier.is_away_for_undo("train", false);
    let builder = carrier
        .serve(shelves(file(&path)))
        .flow(V3, v3)
        .flow(V1, fails);
    let builder = builder.flow_migration(V1, V3, |_: u64, _| Some("moved".to_owned()));
    let runtime = builder.start().await.expect("it starts");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let status = runtime.flows().inspect("ship", &id).expect("known");
    assert_eq!((status.state, status.version), (FlowState::Failed, 1));
    assert!(carrier.booked().is_empty(), "it is undone");
    runtime.stop().await.expect("it stops");
}

/// Catches: versions and migrations that cannot be meant, and that are taken all the same.
#[tokio::test(start_paused = true)]
async fn versions_that_contradict_each_other_are_refused_at_the_start() {
    let twice = shelves(memory()).flow(V1, v1).flow(V1, v1).start().await;
    let version = 1;
    assert!(
        matches!(twice, Err(RuntimeError::FlowVersionTaken { name: "ship", version: it }) if it == version)
    );
    let nowhere = shelves(memory()).flow(V1, v1);
    let nowhere = nowhere.flow_migration(V1, V2, |secs: u64, _| Some(secs));
    let nowhere = nowhere.start().await;
    assert!(matches!(
        nowhere,
        Err(RuntimeError::BadMigration { from: 1, to: 2, .. })
    ));
    let back = shelves(memory()).flow(V1, v1).flow(V2, v2);
    let back = back.flow_migration(V2, V1, |secs: u64, _| Some(secs));
    let back = back.start().await;
    assert!(matches!(
        back,
        Err(RuntimeError::BadMigration { from: 2, to: 1, .. })
    ));
    let nowhere_else = shelves(memory()).flow(V1, v1);
    let nowhere_else = nowhere_else.flow_migration(V1, V1, |secs: u64, _| Some(secs));
    let nowhere_else = nowhere_else.start().await;
    assert!(matches!(
        nowhere_else,
        Err(RuntimeError::BadMigration { from: 1, to: 1, .. })
    ));
    let twice = shelves(memory()).flow(V1, v1).flow(V2, v2);
    let twice = twice.flow_migration(V1, V2, |secs: u64, _| Some(secs));
    let twice = twice.flow_migration(V1, V2, |secs: u64, _| Some(secs));
    assert!(matches!(
        twice.start().await,
        Err(RuntimeError::BadMigration { from: 1, to: 2, .. })
    ));
}
