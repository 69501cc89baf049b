//! Groups of branches at the very bounds of what is asked of them.

use std::time::Duration;

use mercato::{Flow, FlowError, FlowId, FlowType, ParallelError, RunError};

use crate::lives::patient;
use crate::shelf::{Carrier, Shelves, book_with_undo};
use crate::support::{memory, virtual_runtime};

const OFFERS: [&str; 3] = ["bus", "ferry", "train"];

/// How many must succeed, and within how many milliseconds.
const QUORUM: FlowType<(usize, u64), String, FlowError> = FlowType::new("quorum", 1);

/// Tells who counts, or how the group came to nothing.
async fn quorum(flow: Flow, (needed, within_ms): (usize, u64)) -> Result<String, FlowError> {
    let mut group = flow.parallel("offers");
    for offer in OFFERS {
        group = group.branch(offer, async move |flow: Flow| {
            book_with_undo(&flow, offer).await
        });
    }
    let ended = group.quorum(needed, Duration::from_millis(within_ms)).await;
    match ended {
        Ok(counted) => {
            let names: Vec<_> = counted.into_iter().map(|it| it.value).collect();
            Ok(names.join(" "))
        }
        Err(ParallelError::TooFew {
            failures,
            timed_out,
            ..
        }) => Ok(format!("{} failed, late: {timed_out}", failures.len())),
        Err(error) => Err(error.into()),
    }
}

/// Catches: a quorum of all that is refused, or that does not wait for all; and a group that came to
/// nothing and says that it was late although too many failed, or the other way round.
#[tokio::test(start_paused = true)]
async fn a_group_says_whether_it_was_late_or_too_many_failed() {
    for (needed, fails, slow, told) in [
        (3, &[][..], false, "ferry train bus"),
        (3, &["train"][..], false, "1 failed, late: false"),
        (1, &OFFERS[..], false, "3 failed, late: false"),
        (2, &["ferry"][..], true, "1 failed, late: true"),
        (3, &[][..], true, "0 failed, late: true"),
    ] {
        let carrier = Carrier::default();
        for (offer, millis) in [("bus", 24), ("ferry", 8), ("train", 14)] {
            let is_late = slow && offer != "ferry";
            carrier.takes(offer, if is_late { 3_000 } else { millis });
        }
        for offer in fails {
            carrier.fails(offer, true);
        }
        let builder = carrier.serve(virtual_runtime(memory()).agent(Shelves::default()));
        let runtime = builder.flow(QUORUM, quorum).start().await;
        let runtime = runtime.expect("it starts");
        let handle = runtime.handle();
        let id = FlowId::new("q");
        let ran = handle.run(&patient(), QUORUM, id, (needed, 500)).await;
        assert_eq!(ran, Ok(told.to_owned()), "{needed} of 3");
        let counts = if told.contains("late") { 0 } else { needed };
        assert_eq!(carrier.booked().len(), counts, "the rest is undone");
        runtime.stop().await.expect("it stops");
    }
}

/// Catches: a quorum of none, or of more than there are, that is waited for.
#[tokio::test(start_paused = true)]
async fn a_quorum_is_of_one_at_least_and_of_all_at_most() {
    let builder = Carrier::default().serve(virtual_runtime(memory()).agent(Shelves::default()));
    let runtime = builder.flow(QUORUM, quorum).start().await;
    let runtime = runtime.expect("it starts");
    for needed in [0, 4] {
        let id = FlowId::new(format!("q {needed}"));
        let asked = (needed, 500);
        let ran = runtime.handle().run(&patient(), QUORUM, id, asked).await;
        let Err(RunError::Failed(FlowError::Broken(why))) = ran else {
            panic!("{ran:?}");
        };
        assert!(why.contains("ask for 1 to 3"), "{why}");
    }
    runtime.stop().await.expect("it stops");
}
