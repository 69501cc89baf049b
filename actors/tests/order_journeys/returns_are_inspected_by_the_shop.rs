//! A shopper sends goods back; what was in the parcel the shop says.

use super::town::{ada, warehouse};
use super::*;

fn all_of(view: &OrderView) -> Vec<ReturnFinding> {
    let lines = view.lines.iter();
    lines
        .map(|line| ReturnFinding {
            sku: line.sku.clone(),
            resaleable: line.quantity.get(),
            damaged: 0,
        })
        .collect()
}

/// Catches: a shopper who brings the inspection of their own return along, and is paid for a parcel that
/// never came.
#[tokio::test(start_paused = true)]
async fn a_shopper_gets_no_money_for_a_parcel_that_nobody_of_the_shop_opened() {
    let town = Town::open().await;
    let receipt = town.check_out(Basket::of(&[("tea", 2)])).await.unwrap();
    let view = town.until(OrderPhase::Captured).await;
    let handle = town.runtime.handle();
    let (shopper, opener) = (ada(), warehouse());
    let not_staff = Err(RunError::Failed(ReturnError::Order(
        OrderRejection::NotStaff,
    )));

    let request = ReturnRequest {
        order: order(),
        lines: view.lines.clone(),
        found: Inspection::Findings(all_of(&view)),
    };
    let own = handle.run(&shopper, RETURN, FlowId::new("r-1"), request);
    assert_eq!(own.await, not_staff);
    assert_eq!(
        town.view().await.phase,
        OrderPhase::Captured,
        "nothing began"
    );

    // The way that is open to a shopper.
    let request = RequestReturn {
        order: order(),
        lines: view.lines.clone(),
    };
    let agreed = handle.ask(&shopper, request).await.unwrap();
    assert_eq!(agreed.refund, receipt.priced.total);
    let parcel = || ReturnedParcel {
        order: order(),
        findings: all_of(&view),
    };
    let own = handle.run(&shopper, RECEIVE_RETURN, FlowId::new("r-2"), parcel());
    assert_eq!(own.await, not_staff);
    assert_eq!(town.payment().unwrap().refunded, None);
    assert_eq!(town.balances("tea").await.on_hand, 18);

    let opened = handle.run(&opener, RECEIVE_RETURN, FlowId::new("r-3"), parcel());
    let refunded = ReturnOutcome::Refunded(receipt.priced.total);
    assert_eq!(opened.await, Ok(refunded));
    assert_eq!(town.payment().unwrap().refunded, Some(receipt.priced.total));
    assert_eq!(town.balances("tea").await.on_hand, 20);
    town.close().await;
}
