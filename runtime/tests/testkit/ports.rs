//! A port that answers as it is told.

use std::time::Duration;

use mercato::testkit::{PortStep, ScriptedPort, TestWorld};
use mercato::{
    Activity, ActivityError, ActivityErrorKind, Caller, Flow, FlowError, FlowId, FlowType,
};

const BUY: FlowType<u32, Result<String, ActivityError>, FlowError> = FlowType::new("buy", 1);
const PAY: Activity<u32, String> = Activity::new("payments.pay");

async fn buy(flow: Flow, amount: u32) -> Result<Result<String, ActivityError>, FlowError> {
    Ok(flow.perform("pay", PAY, amount).await)
}

async fn pay(port: &ScriptedPort<u32, String>, world: &TestWorld) -> Result<String, ActivityError> {
    let add =
        |builder: mercato::RuntimeBuilder| builder.flow(BUY, buy).activity(PAY, port.function());
    let runtime = world.start(add).await;
    let patient = Caller::system().within(Duration::from_secs(600));
    let id = FlowId::new(world.now().to_string());
    let ran = runtime.handle().run(&patient, BUY, id, 7).await;
    runtime.stop().await;
    ran.expect("the flow itself ends well")
}

/// Catches: a script that is left out or mixed up, calls that are not noted, and a lost answer that is
/// taken for no act.
#[tokio::test(start_paused = true)]
async fn a_port_follows_its_script_and_remembers() {
    let world = TestWorld::new(1);
    let receipt = || PortStep::Answer("paid".to_owned());
    let port = ScriptedPort::new(world.clock(), PortStep::fail(ActivityErrorKind::Transient))
        .then(receipt().after(Duration::from_secs(2)))
        .then(PortStep::LoseAnswer)
        .then(PortStep::Hang)
        .then(receipt());
    let began = world.now();
    assert_eq!(pay(&port, &world).await, Ok("paid".to_owned()));
    assert!(world.now().since(began) >= Duration::from_secs(2));
    let calls = port.calls();
    assert_eq!(calls.len(), 2, "tried again");
    assert_eq!(
        (calls[0].attempt, calls[1].attempt, calls[1].input),
        (1, 2, 7)
    );
    assert_eq!(calls[0].key, calls[1].key);
    assert!(calls[0].deadline > calls[0].at);
    assert_eq!(port.acted(), [calls[1].key.clone()]);

    // An answer that is lost, and none at all, look the same to whoever asks.
    for acted in [2, 2] {
        let error = pay(&port, &world).await.expect_err("no answer comes");
        assert_eq!(error.kind, ActivityErrorKind::Unknown);
        assert_eq!(port.acted().len(), acted);
    }
    for acted in [3, 4] {
        assert_eq!(pay(&port, &world).await, Ok("paid".to_owned()));
        assert_eq!(port.acted().len(), acted, "it keeps to its last step");
    }
}
