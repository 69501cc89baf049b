//! A journal that is behind takes nothing for a while. What it refused is done again, and nobody is told.

use std::time::Duration;

use mercato::persistence::Append;
use mercato::testkit::TestWorld;
use mercato::{AskFailure, Caller, Flow, FlowError, FlowId, FlowType, RunError, RuntimeBuilder};

use super::moody::Mood;
use crate::support::{Counters, add, read};

/// Refuses the `nth` append to a stream of flows, and no other.
fn nth(nth: u32) -> impl FnMut(&Append) -> bool + Send + 'static {
    let mut seen = 0;
    move |append| {
        let is_flow = append.stream.starts_with("flow/");
        seen += u32::from(is_flow);
        is_flow && seen == nth
    }
}

const CLIMB: FlowType<bool, i64, FlowError> = FlowType::new("climb", 1);

/// Takes steps of each kind, and slips where it is told to: then what it did is undone.
async fn climb(flow: Flow, slips: bool) -> Result<i64, FlowError> {
    let by: i64 = flow.note("how far", || 2).await?;
    flow.undo_command("up", add("hill", -by)).await?;
    flow.ask("up", add("hill", by)).await?;
    let height = flow.ask("look", read("hill")).await?;
    flow.sleep("rest", Duration::from_millis(20)).await?;
    match slips {
        true => Err(FlowError::from(AskFailure::Cancelled)),
        false => Ok(height),
    }
}

fn climbing(builder: RuntimeBuilder) -> RuntimeBuilder {
    builder.agent(Counters::default()).flow(CLIMB, climb)
}

/// Catches: a flow that fails, ends twice or is left where it is because one of its appends met a full
/// queue, whichever it was; and one that then does not undo itself.
#[tokio::test(start_paused = true)]
async fn a_flow_that_meets_a_full_journal_goes_on_as_if_it_had_not() {
    for slips in [false, true] {
        for at in 2..12 {
            let (world, mood) = (TestWorld::new(1), Mood::default());
            let builder = climbing(world.builder(mood.over(world.journal())));
            let runtime = builder.start().await.expect("it starts");
            mood.is_full_for(nth(at));
            let (handle, caller) = (runtime.handle(), Caller::system());
            let climbed = handle.run(&caller, CLIMB, FlowId::new("c"), slips).await;
            match slips {
                false => assert_eq!(climbed, Ok(2), "at {at}"),
                true => assert!(matches!(climbed, Err(RunError::Failed(_))), "{climbed:?}"),
            }
            let left = if slips { 0 } else { 2 };
            assert_eq!(handle.ask(&caller, read("hill")).await, Ok(left), "at {at}");
            let stats = handle.flow_stats();
            let ended = (stats.completed, stats.failed);
            assert_eq!(ended, (u64::from(!slips), u64::from(slips)), "at {at}");
            assert_eq!(runtime.work_list(), Ok(vec![]));
            runtime.stop().await.expect("it stops");
        }
    }
}
