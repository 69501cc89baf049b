//! A fulfilment that stopped behind a label: the parcel is paid and sent from where it stands.

use mercato_runtime::{FlowOperation, WorkKind};

use super::gateway::Call;
use super::*;

/// Waits until the fulfilment stands on the work list.
async fn until_it_stops(town: &Town) {
    for _ in 0..48 {
        let list = town.runtime.work_list().unwrap();
        if !list.is_empty() {
            let listed = list.iter().map(|it| (&*it.flow, &*it.id, it.kind));
            let listed: Vec<_> = listed.collect();
            assert_eq!(listed, [("fulfil", "o-1", WorkKind::FlowFailed)]);
            return;
        }
        tokio::time::sleep(HOUR).await;
    }
    panic!("the fulfilment never stopped");
}

async fn try_again(town: &Town) {
    let by = Caller::new(Principal::Operator("op-1".into()));
    let flows = town.runtime.flows();
    let retried = flows.retry(&by, "fulfil", &FlowId::new("o-1"), None).await;
    assert_eq!(retried, Ok(FlowOperation::Accepted));
    tokio::time::sleep(HOUR).await;
}

/// Everything left in these parcels, each with one label, and was paid once.
async fn assert_sent(town: &Town, lines: &[(&str, u32)], parcels: usize, total: Money) {
    let view = town.view().await;
    assert_eq!(view.phase, OrderPhase::Captured);
    assert_eq!(view.captured, Some(total));
    assert_eq!(view.parcels.len(), parcels);
    assert_eq!(town.carrier.ledger().len(), parcels, "one label for each");
    for (name, units) in lines {
        assert_eq!(town.balances(name).await.shipped, i64::from(*units));
    }
    let payment = town.payment().unwrap();
    assert_eq!((payment.captured, payment.voided), (Some(total), false));
}

/// Catches: a customer who paid for a parcel that nothing sends, because whoever tried again saw only
/// what had no label yet.
#[tokio::test(start_paused = true)]
async fn a_paid_parcel_whose_stock_was_counted_short_leaves_when_it_is_tried_again() {
    let town = Town::open().await;
    let lines = [("tea", 2)];
    let receipt = town.check_out(Basket::of(&lines)).await.unwrap();
    town.payments.lose(Call::Capture);
    while town.view().await.parcels.is_empty() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The gateway is being asked what became of the money.
    town.count("tea", 0).await;
    until_it_stops(&town).await;
    let taken = town.payment().unwrap().captured;
    assert_eq!(taken, Some(receipt.priced.total));
    assert_eq!(town.balances("tea").await.shipped, 0);
    town.receive("tea", 2).await;
    try_again(&town).await;
    assert_sent(&town, &lines, 1, receipt.priced.total).await;
    town.close().await;
}

/// Catches: money that is given up though a labelled parcel needs it, and a second parcel that can
/// never be packed because the first one stands in its way.
#[tokio::test(start_paused = true)]
async fn a_labelled_parcel_that_could_not_be_paid_is_paid_and_sent_when_it_is_tried_again() {
    for parcels in [1, 2] {
        let town = Town::open_with(
            |shop| shop.order.parcel_grams_max = 1_000,
            |gateway, _| gateway,
        )
        .await;
        let lines = &[("tea", 5), ("coffee", 5)][..parcels];
        let receipt = town.check_out(Basket::of(lines)).await.unwrap();
        town.payments.lose_captures(true);
        until_it_stops(&town).await;
        assert_eq!(town.payment().unwrap().captured, None);
        town.payments.lose_captures(false);
        try_again(&town).await;
        assert_sent(&town, lines, parcels, receipt.priced.total).await;
        town.close().await;
    }
}
