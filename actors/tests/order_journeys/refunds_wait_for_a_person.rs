//! Money that is owed for goods that are back is given, or a person is asked to see to it.

use mercato_runtime::{FlowOperation, WorkKind};

use super::*;

fn operator() -> Caller {
    Caller::new(Principal::Operator("op-1".into()))
}

/// A return whose goods are back, and whose refund never came to be. Gives what is owed.
async fn owed(town: &Town) -> Money {
    let receipt = town.check_out(Basket::of(&[("tea", 2)])).await.unwrap();
    let view = town.until(OrderPhase::Captured).await;
    town.payments.lose_refunds(true);
    let request = ReturnRequest {
        order: order(),
        lines: view.lines,
        found: Inspection::Goods(Condition::Resaleable),
    };
    let handle = town.runtime.handle();
    let patient = Caller::system().within(HOUR * 48);
    let ran = handle.run(&patient, RETURN, FlowId::new("r-1"), request);
    assert!(matches!(ran.await, Err(RunError::Failed(_))));
    assert_eq!(town.balances("tea").await.on_hand, 20, "the goods are back");
    let list = town.runtime.work_list().unwrap();
    let listed: Vec<_> = list
        .iter()
        .map(|it| (&*it.flow, &*it.id, it.kind))
        .collect();
    assert_eq!(listed, [("return", "r-1", WorkKind::FlowFailed)]);
    receipt.priced.total
}

async fn try_again(town: &Town) {
    let flows = town.runtime.flows();
    let (by, id) = (operator(), FlowId::new("r-1"));
    let retried = flows.retry(&by, "return", &id, None).await;
    assert_eq!(retried, Ok(FlowOperation::Accepted));
    town.until(OrderPhase::Refunded).await;
    assert_eq!(town.runtime.work_list(), Ok(vec![]));
}

/// Catches: a refund that nobody makes and nobody knows of, because whoever asked was told that it
/// failed; and one that cannot be tried again, since the goods cannot come back twice.
#[tokio::test(start_paused = true)]
async fn a_refund_that_was_never_made_is_made_from_the_work_list() {
    let town = Town::open().await;
    let owed = owed(&town).await;
    assert_eq!(town.payment().unwrap().refunded, None);
    town.payments.lose_refunds(false);
    try_again(&town).await;
    assert_eq!(town.payment().unwrap().refunded, Some(owed));
    town.close().await;
}

/// Catches: a refund that is made a second time under another key, after all.
#[tokio::test(start_paused = true)]
async fn a_refund_that_arrived_late_is_not_made_again_from_the_work_list() {
    let town = Town::open().await;
    let owed = owed(&town).await;
    let late = MovementRequest {
        payment: PaymentId::from(&order()),
        amount: owed,
    };
    let gateway = &town.payments.gateway;
    gateway.refund("the lost one", &late).await.unwrap();
    town.payments.lose_refunds(false);
    try_again(&town).await;
    assert_eq!(town.payment().unwrap().refunded, Some(owed));
    town.close().await;
}
