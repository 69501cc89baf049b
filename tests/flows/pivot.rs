//! Flows past the point of no return, and what may have happened before a crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use mercato::{
    Activity, ActivityError, ActivityErrorKind, Caller, Flow, FlowError, FlowId, FlowOperation,
    FlowType, Principal, RunError, Runtime, WorkKind,
};

use crate::lives::patient;
use crate::support::{memory, virtual_runtime};

/// A gateway that pays once it is asked, and now and then is slow to say so, or does not listen.
#[derive(Clone, Default)]
struct Gateway {
    hangs: Arc<AtomicBool>,
    is_busy: Arc<AtomicBool>,
    refuses: Arc<AtomicBool>,
    paid: Arc<AtomicU32>,
}

const PAY: Activity<(), ()> = Activity::new("gateway.pay");

impl Gateway {
    async fn pay(self) -> Result<(), ActivityError> {
        if self.is_busy.load(Ordering::SeqCst) {
            let kind = ActivityErrorKind::Transient;
            return Err(ActivityError::new(kind, "busy", "come again"));
        }
        if self.refuses.load(Ordering::SeqCst) {
            let kind = ActivityErrorKind::Permanent;
            return Err(ActivityError::new(kind, "closed", "the account is closed"));
        }
        self.paid.fetch_add(1, Ordering::SeqCst);
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

const PAYOUT: FlowType<bool, u32, FlowError> = FlowType::new("payout", 1);

/// Pays, past its pivot or not, and gives at which attempt.
async fn payout(flow: Flow, is_owed: bool) -> Result<u32, FlowError> {
    if is_owed {
        flow.pivot()?;
    }
    flow.perform("pay", PAY, ()).await?;
    Ok(flow.attempt())
}

/// Gives what kind of error the port came to, if any.
const TOLD: FlowType<(), Option<ActivityErrorKind>, FlowError> = FlowType::new("told", 1);

async fn told(flow: Flow, (): ()) -> Result<Option<ActivityErrorKind>, FlowError> {
    let paid = flow.perform("pay", PAY, ()).await;
    Ok(paid.err().map(|error| error.kind))
}

async fn open(gateway: &Gateway) -> Runtime {
    let port = gateway.clone();
    let builder = virtual_runtime(memory())
        .activity(PAY, move |_, ()| port.clone().pay())
        .flow(PAYOUT, payout)
        .flow(TOLD, told);
    builder.start().await.expect("it starts")
}

/// Catches: something owed that nobody sees to, because whoever waited was told that it failed; and
/// a flow on the list that had not come to where it must go on.
#[tokio::test(start_paused = true)]
async fn a_flow_that_fails_past_its_pivot_waits_for_a_person_though_somebody_was_told() {
    let gateway = Gateway::default();
    gateway.refuses.store(true, Ordering::SeqCst);
    let runtime = open(&gateway).await;
    let (handle, flows) = (runtime.handle(), runtime.flows());
    for (id, is_owed) in [("owed", true), ("asked", false)] {
        let ran = handle
            .run(&patient(), PAYOUT, FlowId::new(id), is_owed)
            .await;
        assert!(matches!(ran, Err(RunError::Failed(_))), "{ran:?}");
    }
    let list = runtime.work_list().expect("it reads");
    let listed: Vec<_> = list.iter().map(|it| (&*it.id, it.kind)).collect();
    assert_eq!(listed, [("owed", WorkKind::FlowFailed)]);

    gateway.refuses.store(false, Ordering::SeqCst);
    let by = Caller::new(Principal::Operator("op-1".into()));
    let id = FlowId::new("owed");
    let retried = flows.retry(&by, "payout", &id, None).await;
    assert_eq!(retried, Ok(FlowOperation::Accepted));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(runtime.work_list(), Ok(vec![]));
    let ran = handle.run(&patient(), PAYOUT, id, true).await;
    assert_eq!(ran, Ok(1), "it knows that it was tried before");
    assert_eq!(gateway.paid.load(Ordering::SeqCst), 1);
    let id = FlowId::new("new");
    let first = handle.run(&patient(), PAYOUT, id, false).await;
    assert_eq!(first, Ok(0), "nobody tried it before");
    runtime.stop().await.expect("it stops");
}

/// Catches: a charge that was made before a crash, and counts as not made because the port does not
/// listen afterwards.
#[tokio::test(start_paused = true)]
async fn what_a_run_before_may_have_done_is_not_said_to_be_undone() {
    for is_cut in [false, true] {
        let gateway = Gateway::default();
        let runtime = open(&gateway).await;
        gateway.hangs.store(is_cut, Ordering::SeqCst);
        gateway.is_busy.store(!is_cut, Ordering::SeqCst);
        let running = tokio::spawn({
            let handle = runtime.handle();
            async move { handle.run(&patient(), TOLD, FlowId::new("t"), ()).await }
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        if is_cut {
            assert_eq!(gateway.paid.load(Ordering::SeqCst), 1);
            gateway.is_busy.store(true, Ordering::SeqCst);
            assert_eq!(runtime.crash_flows(), 1);
        }
        let kind = match is_cut {
            true => ActivityErrorKind::Unknown,
            false => ActivityErrorKind::Transient,
        };
        let ran = running.await.expect("no panic");
        assert_eq!(ran, Ok(Some(kind)));
        runtime.stop().await.expect("it stops");
    }
}
