//! Money that was to be set aside anew, and of which nobody knows whether it is.

use mercato_runtime::{FlowOperation, WorkKind};

use super::gateway::Supplements;
use super::*;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// An order of which five teas wait for stock, whose authorisation ended after a day and whose renewal
/// nobody knows the outcome of. Gives what the order costs.
async fn unresolved(supplements: Supplements) -> (Town, Money) {
    let supplier = SupplierHabits::punctual(DAY * 3);
    let expiring = |gateway: InProcessPayments, clock| gateway.with_expiry(clock, DAY);
    let town = Town::open_beside(supplier, |_| {}, expiring).await;
    let basket = Basket {
        backorder: BackorderChoice::Accepted,
        ..Basket::of(&[("tea", 25)])
    };
    let receipt = town.check_out(basket).await.unwrap();
    tokio::time::sleep(HOUR).await;
    town.payments.supplements_are(supplements);
    tokio::time::sleep(DAY + HOUR).await;
    let list = town.runtime.work_list().unwrap();
    let listed: Vec<_> = list
        .iter()
        .map(|it| (&*it.flow, &*it.id, it.kind))
        .collect();
    let renewal = ("renew-payment", "o-1/o-1", WorkKind::FlowFailed);
    assert_eq!(listed, [renewal]);
    (town, receipt.priced.total)
}

async fn try_again(town: &Town) {
    let by = Caller::new(Principal::Operator("op-1".into()));
    let (flows, id) = (town.runtime.flows(), FlowId::new("o-1/o-1"));
    let retried = flows.retry(&by, "renew-payment", &id, None).await;
    assert_eq!(retried, Ok(FlowOperation::Accepted));
    tokio::time::sleep(HOUR).await;
}

/// All of the order is sent and paid, and nothing is set aside that nobody takes.
async fn ends_well(town: Town, total: Money) {
    let view = town.until_day(OrderPhase::Captured, 10).await;
    assert_eq!(view.captured, Some(total));
    assert_eq!(town.balances("tea").await.shipped, 25);
    town.close().await;
}

/// Catches: a retry under the name of the payment that was voided, whose first answer the gateway gives
/// once more, so that money is booked that is not set aside.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_was_made_in_silence_is_made_anew_from_the_work_list() {
    let (town, total) = unresolved(Supplements::MadeInSilence).await;
    let voided = town.records()[&PaymentId::new("o-1.r1").unwrap()].voided;
    assert!(voided, "nobody knows of it, so it is given up");
    town.payments.supplements_are(Supplements::Answered);
    try_again(&town).await;
    assert_eq!(town.runtime.work_list(), Ok(vec![]));
    let anew = &town.records()[&PaymentId::new("o-1.r1.1").unwrap()];
    assert!(anew.authorised.is_some() && !anew.voided);
    ends_well(town, total).await;
}

/// Catches: a good card of which all that waits is cancelled, because the retry asks under a name that
/// was closed.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_was_lost_on_its_way_cancels_nothing_when_it_is_tried_again() {
    let (town, total) = unresolved(Supplements::LostOnTheWay).await;
    // Nor does the second time, nor the third.
    for attempt in ["o-1.r1.1", "o-1.r1.2"] {
        town.payments.supplements_are(Supplements::LostOnTheWay);
        try_again(&town).await;
        assert_eq!(town.runtime.work_list().unwrap().len(), 1, "{attempt}");
    }
    town.payments.supplements_are(Supplements::Answered);
    try_again(&town).await;
    assert_eq!(town.runtime.work_list(), Ok(vec![]));
    let view = town.view().await;
    assert_eq!(view.units[0].cancelled, 0);
    let anew = PaymentId::new("o-1.r1.3").unwrap();
    assert!(town.records().contains_key(&anew));
    ends_well(town, total).await;
}

/// Catches: a second run of a renewal, after a crash, that asks under another name than the first and sets
/// the money aside twice.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_run_again_asks_under_the_same_name() {
    let (town, total) = unresolved(Supplements::LostOnTheWay).await;
    let by = Caller::new(Principal::Operator("op-1".into()));
    let (flows, id) = (town.runtime.flows(), FlowId::new("o-1/o-1"));
    // It is made, in silence, and looked up when the flow crashes.
    town.payments.supplements_are(Supplements::MadeInSilence);
    let retried = flows.retry(&by, "renew-payment", &id, None).await;
    assert_eq!(retried, Ok(FlowOperation::Accepted));
    tokio::time::sleep(Duration::from_secs(5)).await;
    town.payments.supplements_are(Supplements::Answered);
    town.runtime.crash_flows();
    tokio::time::sleep(HOUR).await;
    drop(flows);
    assert_eq!(town.runtime.work_list(), Ok(vec![]));
    let names: Vec<_> = town.records().into_keys().collect();
    let names: Vec<_> = names.iter().map(PaymentId::as_str).collect();
    assert_eq!(names, ["o-1", "o-1.r1", "o-1.r1.1"]);
    ends_well(town, total).await;
}
