//! Backorders, parcels by the part, and authorisations that end while stock is waited for.

use super::*;

fn waits<'a>(lines: &'a [(&'a str, u32)]) -> Basket<'a> {
    Basket {
        backorder: BackorderChoice::Accepted,
        ..Basket::of(lines)
    }
}

/// Catches: a backorder that is paid before it is sent, never sent, or sent twice; and an authorisation
/// that is believed to hold while stock is waited for.
#[tokio::test(start_paused = true)]
async fn what_is_out_of_stock_is_sent_when_it_comes_and_paid_then() {
    let town = Town::open_with(
        |_| {},
        // It ends before the supplier delivers.
        |gateway, clock| gateway.with_expiry(clock, HOUR * 24),
    )
    .await;
    let receipt = town
        .check_out(waits(&[("tea", 25), ("coffee", 1)]))
        .await
        .unwrap();
    assert_eq!(receipt.backordered.len(), 1);
    assert_eq!(receipt.backordered[0].quantity.get(), 5);
    let now = town.runtime.handle().clock().now();
    assert!(receipt.backordered[0].promised_at > now);
    assert_eq!(town.balances("tea").await.backordered, 5);
    tokio::time::sleep(HOUR).await;
    let view = town.view().await;
    assert_eq!(view.phase, OrderPhase::Fulfilling);
    let first = view.captured.unwrap();
    assert!(first.minor() < receipt.priced.total.minor());
    assert_eq!(town.balances("tea").await.shipped, 20);

    let view = town.until_day(OrderPhase::Captured, 10).await;
    assert_eq!(view.captured, Some(receipt.priced.total));
    assert_eq!(view.parcels.len(), 2);
    assert_eq!(town.balances("tea").await.shipped, 25);
    let records = town.records();
    assert!(records.len() > 1, "it was authorised anew");
    let taken: i64 = records
        .values()
        .filter_map(|record| record.captured)
        .map(Money::minor)
        .sum();
    assert_eq!(taken, receipt.priced.total.minor());
    town.close().await;
}

/// Catches: stock that whoever looks first gets, and a place that is kept for a line that was cancelled.
#[tokio::test(start_paused = true)]
async fn who_ordered_first_is_served_first_and_who_cancels_leaves_the_line() {
    let supplier = SupplierHabits::punctual(HOUR * 24 * 90);
    let town = Town::open_beside(supplier, |_| {}, |gateway, _| gateway).await;
    for (name, units) in [("o-1", 23), ("o-2", 4), ("o-3", 2)] {
        let mut cart = town.cart(name);
        cart.add(CartLine {
            sku: sku("tea"),
            quantity: Quantity::new(units).unwrap(),
            held: None,
        })
        .unwrap();
        let request = town.request(cart, &waits(&[]));
        town.run_checkout(request).await.unwrap();
    }
    assert_eq!(town.balances("tea").await.backordered, 9);
    let cancel = CancelOrder {
        order: OrderId::new("o-2").unwrap(),
        reason: CancelReason::Customer,
    };
    town.ask(cancel).await.unwrap();
    tokio::time::sleep(HOUR).await;
    assert_eq!(town.balances("tea").await.backordered, 5);
    // Enough for the first, and not for the last.
    let quantity = Quantity::new(4).unwrap();
    let delivery = ReceiveStock {
        sku: sku("tea"),
        quantity,
    };
    town.ask(delivery).await.unwrap();
    let held = town.balances("tea").await;
    assert_eq!((held.backordered, held.reserved), (2, 3));
    tokio::time::sleep(HOUR * 12).await;
    let sent = town.balances("tea").await;
    assert_eq!((sent.shipped, sent.backordered), (23, 2));
    town.runtime.stop().await.unwrap();
}

/// Catches: what came and is held for less time than lies between two looks at it, so that each look
/// comes too late, and a line that is cancelled although there was stock for it all the time.
#[tokio::test(start_paused = true)]
async fn what_came_and_lapsed_before_anybody_looked_is_taken_all_the_same() {
    // It comes two hours after a look, and four before the next one.
    let supplier = SupplierHabits::punctual(HOUR * 50);
    let held_for_an_hour = |shop: &mut Shop| shop.inventory.backorder_hold = HOUR;
    let town = Town::open_beside(supplier, held_for_an_hour, |gateway, _| gateway).await;
    let receipt = town.check_out(waits(&[("tea", 25)])).await.unwrap();
    assert_eq!(receipt.backordered[0].quantity.get(), 5);
    let view = town.until_day(OrderPhase::Captured, 10).await;
    assert_eq!(view.captured, Some(receipt.priced.total));
    let tea = town.balances("tea").await;
    assert_eq!((tea.shipped, tea.backordered), (25, 0));
    town.close().await;
}

/// Catches: an order for more than may be ordered ahead, and one that leaves a place behind.
#[tokio::test(start_paused = true)]
async fn more_than_may_be_ordered_ahead_is_refused_and_leaves_nothing() {
    let town = Town::open_with(
        |shop| shop.inventory.backorder_units_max = 4,
        |gateway, _| gateway,
    )
    .await;
    let refused = town.check_out(waits(&[("tea", 25)])).await.unwrap_err();
    assert!(refused.to_string().contains("tea"), "{refused}");
    let balances = town.balances("tea").await;
    assert_eq!((balances.backordered, balances.reserved), (0, 0));
    town.close().await;
}

/// Catches: a line that waits for ever, and money that stays set aside for it.
#[tokio::test(start_paused = true)]
async fn what_never_comes_is_cancelled_and_not_taken_for() {
    let supplier = SupplierHabits::punctual(HOUR * 24 * 90);
    let town = Town::open_beside(supplier, |_| {}, |gateway, _| gateway).await;
    let receipt = town
        .check_out(waits(&[("tea", 25), ("coffee", 1)]))
        .await
        .unwrap();
    let view = town.until_day(OrderPhase::Captured, 40).await;
    assert_eq!(view.units[0].cancelled, 5);
    let captured = view.captured.unwrap();
    assert!(captured.minor() < receipt.priced.total.minor());
    let payment = town.payment().unwrap();
    assert_eq!((payment.captured, payment.voided), (Some(captured), true));
    town.runtime.stop().await.unwrap();
}

/// Catches: an order in several parcels of which one is not paid, not sent, or paid twice.
#[tokio::test(start_paused = true)]
async fn a_heavy_order_goes_in_several_parcels_and_each_is_paid() {
    let town = Town::open_with(
        |shop| shop.order.parcel_grams_max = 1_000,
        |gateway, _| gateway,
    )
    .await;
    let lines = [("tea", 5), ("coffee", 5), ("cocoa", 2)];
    let receipt = town.check_out(Basket::of(&lines)).await.unwrap();
    let view = town.until(OrderPhase::Captured).await;
    assert_eq!(view.parcels.len(), 3);
    assert_eq!(view.captured, Some(receipt.priced.total));
    assert_eq!(town.payment().unwrap().captured, Some(receipt.priced.total));
    for (name, units) in lines {
        assert_eq!(town.balances(name).await.shipped, i64::from(units));
    }
    town.close().await;
}

/// Catches: an order that stops because one of its lines was counted short, and one that counts what
/// is short as held.
#[tokio::test(start_paused = true)]
async fn what_a_count_shorts_is_waited_for_and_the_rest_is_sent() {
    let town = Town::open().await;
    let lines = [("tea", 20), ("coffee", 1)];
    let receipt = town.check_out(Basket::of(&lines)).await.unwrap();
    town.count("tea", 19).await;
    tokio::time::sleep(HOUR).await;
    let view = town.view().await;
    assert_eq!(view.phase, OrderPhase::Fulfilling);
    assert_eq!(town.runtime.work_list(), Ok(vec![]));
    assert_eq!(town.balances("coffee").await.shipped, 1);
    assert_eq!(town.balances("tea").await.shipped, 0);
    assert!(view.captured.unwrap().minor() < receipt.priced.total.minor());

    town.receive("tea", 1).await;
    let view = town.until_day(OrderPhase::Captured, 2).await;
    assert_eq!(view.parcels.len(), 2);
    assert_eq!(town.balances("tea").await.shipped, 20);
    let total = receipt.priced.total;
    assert_eq!(view.captured, Some(total));
    assert_eq!(town.payment().unwrap().captured, Some(total));
    town.close().await;
}

/// Catches: a count that stops an order of which nothing else is left, and a wait without an end.
#[tokio::test(start_paused = true)]
async fn what_is_short_and_never_comes_troubles_a_person_after_thirty_days() {
    let supplier = SupplierHabits::punctual(HOUR * 24 * 90);
    let town = Town::open_beside(supplier, |_| {}, |gateway, _| gateway).await;
    let receipt = town.check_out(Basket::of(&[("tea", 2)])).await.unwrap();
    town.count("tea", 1).await;
    tokio::time::sleep(HOUR * 24 * 29).await;
    let stopped = || {
        let list = town.runtime.work_list().unwrap();
        list.iter().any(|work| &*work.flow == "fulfil")
    };
    assert!(!stopped());
    tokio::time::sleep(HOUR * 24 * 3).await;
    assert!(stopped());
    let payment = town.payment().unwrap();
    assert_eq!((payment.captured, payment.voided), (None, false));

    town.receive("tea", 1).await;
    let by = Caller::new(Principal::Operator("op-1".into()));
    let flows = town.runtime.flows();
    let retried = flows.retry(&by, "fulfil", &FlowId::new("o-1"), None).await;
    assert!(retried.is_ok());
    let view = town.until(OrderPhase::Captured).await;
    assert_eq!(view.captured, Some(receipt.priced.total));
    assert_eq!(town.balances("tea").await.shipped, 2);
    drop(flows);
    town.runtime.stop().await.unwrap();
}

/// Catches: an order that stops because the gateway ended an authorisation that it had set no term to.
#[tokio::test(start_paused = true)]
async fn money_that_is_refused_as_ended_is_set_aside_anew_before_it_is_taken() {
    let town = Town::open_with(
        |shop| shop.order.change_for = HOUR * 48,
        |gateway, clock| gateway.with_expiry(clock, HOUR * 24),
    )
    .await;
    town.payments.hide_until();
    let lines = [("tea", 2), ("coffee", 1)];
    let receipt = town.check_out(Basket::of(&lines)).await.unwrap();
    let view = town.until_day(OrderPhase::Captured, 4).await;
    let total = Some(receipt.priced.total);
    assert_eq!(view.captured, total);
    let taken: Vec<_> = town.records().into_values().map(|it| it.captured).collect();
    assert_eq!(taken, [None, total]);
    assert_eq!(town.balances("tea").await.shipped, 2);
    town.close().await;
}
