//! What is added to a runtime has a name of its own, which can stand in a journal and in a metric.

use mercato::{Flow, FlowError, FlowType, RuntimeBuilder, RuntimeError, Trigger};

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

/// Catches: two agents whose events would stand in one stream, two triggers with one cursor, and names that
/// cannot be told apart or cannot be written.
#[tokio::test(start_paused = true)]
async fn a_name_is_plain_and_nobody_elses() {
    let counters = || virtual_runtime(memory()).agent(Counters::default());
    let twice = counters().agent(Counters::default()).start().await;
    let taken = |kind, name| Some(RuntimeError::NameTaken { kind, name });
    assert_eq!(twice.err(), taken("agent", "counters"));
    let twice = with_trigger(with_trigger(counters(), "one"), "one");
    assert_eq!(twice.start().await.err(), taken("trigger", "one"));
    for wrong in ["", "Upper", "with space", "sl/ash", "\u{e4}"] {
        for (kind, builder) in [
            ("flow", with_flow(counters(), wrong)),
            ("trigger", with_trigger(counters(), wrong)),
        ] {
            let refused = builder.start().await.err();
            assert_eq!(refused, Some(RuntimeError::BadName { kind, name: wrong }));
        }
    }
    let plain = with_flow(with_trigger(counters(), "a-1_b.c"), "a-1_b.c");
    let runtime = plain.start().await.expect("it starts");
    runtime.stop().await.expect("it stops");
}
