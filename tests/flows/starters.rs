//! Who starts a flow, and who is told how it ended.

use std::time::Duration;

use crate::support::{Counters, add, memory, virtual_runtime};
use mercato::{
    AskFailure, Caller, Flow, FlowError, FlowId, FlowType, Principal, RunError, Runtime,
};

const COUNT: FlowType<String, i64, FlowError> = FlowType::new("count", 1);
const AUDIT: FlowType<String, i64, FlowError> = FlowType::new("audit", 1).by_the_service();
const ASK_FOR_AUDIT: FlowType<String, i64, FlowError> = FlowType::new("ask-for-audit", 1);

async fn count(flow: Flow, key: String) -> Result<i64, FlowError> {
    Ok(flow.ask("count", add(&key, 1)).await?)
}

async fn ask_for_audit(flow: Flow, key: String) -> Result<i64, FlowError> {
    let audited = flow.run("audit", AUDIT, key).await;
    audited.map_err(|error| FlowError::Broken(error.to_string()))
}

async fn open() -> Runtime {
    let builder = virtual_runtime(memory()).agent(Counters::default());
    let builder = builder.flow(COUNT, count).flow(AUDIT, count);
    let builder = builder.flow(ASK_FOR_AUDIT, ask_for_audit);
    builder.start().await.expect("it starts")
}

fn user(name: &str) -> Caller {
    Caller::new(Principal::user(name)).within(Duration::from_secs(60))
}

/// Catches: a user who is told how somebody else's flow ended, because they know its name and what it began
/// with; and the shop's own people, who may see to any flow, locked out.
#[tokio::test(start_paused = true)]
async fn a_user_joins_no_flow_of_anybody_elses() {
    let runtime = open().await;
    let handle = runtime.handle();
    let join = |caller: Caller, name: &'static str| {
        let handle = handle.clone();
        async move {
            handle
                .run(&caller, COUNT, FlowId::new(name), "a".to_owned())
                .await
        }
    };
    assert_eq!(join(user("ann"), "anns").await, Ok(1));
    assert_eq!(join(user("ann"), "anns").await, Ok(1));
    let refused = Err(RunError::Unserved(AskFailure::IdReused));
    assert_eq!(join(user("eve"), "anns").await, refused);
    let operator = Caller::new(Principal::Operator("joe".into()));
    assert_eq!(join(operator, "anns").await, Ok(1));
    assert_eq!(join(Caller::system(), "the-services").await, Ok(2));
    assert_eq!(join(user("eve"), "the-services").await, refused);
    runtime.stop().await.expect("it stops");
}

/// Catches: a flow of the service's own that a user starts, so that it fails and stands where the service
/// would start it; and one that is refused to a flow which a user may start.
#[tokio::test(start_paused = true)]
async fn a_user_starts_what_is_theirs_to_start() {
    let runtime = open().await;
    let handle = runtime.handle();
    let id = || FlowId::new("x");
    let refused = handle.run(&user("eve"), AUDIT, id(), "a".to_owned()).await;
    let Err(RunError::Unserved(AskFailure::Invalid { reason })) = refused else {
        panic!("{refused:?}");
    };
    assert!(reason.contains("`audit`"), "{reason}");
    assert_eq!(handle.flow_stats().started, 0, "nothing is recorded");
    let system = Caller::system();
    assert_eq!(
        handle.run(&system, AUDIT, id(), "a".to_owned()).await,
        Ok(1)
    );
    let as_a_child = handle
        .run(&user("eve"), ASK_FOR_AUDIT, id(), "a".to_owned())
        .await;
    assert_eq!(as_a_child, Ok(2));
    runtime.stop().await.expect("it stops");
}
