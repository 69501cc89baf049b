//! What is added to a runtime has a name of its own, which can stand in a journal and in a metric.

use mercato::{Flow, FlowError, FlowType, RuntimeBuilder, Trigger};

use crate::support::{Counters, memory, virtual_runtime};

async fn nothing(_: Flow, (): ()) -> Result<(), FlowError> {
    Ok(())
}

fn with_flow(builder: RuntimeBuilder, name: &'static str) -> RuntimeBuilder {
    builder.flow(FlowType::<(), (), FlowError>::new(name, 1), nothing)
}

fn with_trigger(builder: RuntimeBuilder, name: &'static str) -> RuntimeBuilder {
    builder.trigger(Trigger::on::<Counters>(name, |_| vec![]))
}

async fn refused(builder: RuntimeBuilder) -> String {
    builder
        .start()
        .await
        .expect_err("it is refused")
        .to_string()
}

/// Catches: two agents whose events would stand in one stream, two triggers with one cursor, and names that
/// cannot be told apart or cannot be written.
#[tokio::test(start_paused = true)]
async fn a_name_is_plain_and_nobody_elses() {
    let counters = || virtual_runtime(memory()).agent(Counters::default());
    let twice = counters().agent(Counters::default());
    assert_eq!(
        refused(twice).await,
        "two agents are named `counters`; give each a name of its own"
    );
    let twice = with_trigger(with_trigger(counters(), "one"), "one");
    assert_eq!(
        refused(twice).await,
        "two triggers are named `one`; give each a name of its own"
    );
    for wrong in ["", "Upper", "with space", "sl/ash", "\u{e4}"] {
        for (kind, builder) in [
            ("flow", with_flow(counters(), wrong)),
            ("trigger", with_trigger(counters(), wrong)),
        ] {
            let told = refused(builder).await;
            let named = format!("`{wrong}` cannot name {kind}");
            assert!(told.contains(&named), "{told}");
        }
    }
    let plain = with_flow(with_trigger(counters(), "a-1_b.c"), "a-1_b.c");
    let runtime = plain.start().await.expect("it starts");
    runtime.stop().await.expect("it stops");
}
