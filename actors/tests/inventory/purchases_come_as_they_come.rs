//! Purchase orders: raised when needed, and received in whole, in part, late, or never.

use super::*;

fn consider(waiting: u64) -> ConsiderReorder {
    ConsiderReorder {
        sku: sku(),
        waiting,
    }
}

fn raise(shop: &mut Shop) -> (PurchaseOrderId, Quantity) {
    match shop.ask(&consider(0)) {
        Ok(ReorderStatus::Raised {
            order, quantity, ..
        }) => (order, quantity),
        other => panic!("{other:?}"),
    }
}

fn record(order: &PurchaseOrderId, outcome: ProcurementOutcome) -> RecordProcurement {
    RecordProcurement {
        sku: sku(),
        order: order.clone(),
        outcome,
    }
}

fn deliver(order: &PurchaseOrderId, delivery: u32, quantity: u32) -> ReceivePurchaseOrder {
    ReceivePurchaseOrder {
        sku: sku(),
        order: order.clone(),
        delivery,
        quantity: units(quantity),
        arrived_at: NOW,
    }
}

fn close(order: &PurchaseOrderId) -> ClosePurchaseOrder {
    ClosePurchaseOrder {
        sku: sku(),
        order: order.clone(),
    }
}

/// Catches: an order that is raised twice, or a delivery that is booked twice.
#[test]
fn a_reorder_is_raised_once_and_each_delivery_booked_once() {
    let mut shop = stocked(3);
    let (order, quantity) = raise(&mut shop);
    assert_eq!(quantity, units(24));
    assert!(matches!(
        shop.ask(&consider(0)),
        Ok(ReorderStatus::AlreadyOrdered { .. })
    ));
    assert_eq!(levels(&mut shop).balances.incoming, 24);
    assert_eq!(shop.ask(&deliver(&order, 1, 10)), Ok(13));
    assert_eq!(shop.ask(&deliver(&order, 1, 10)), Ok(13));
    assert_eq!(levels(&mut shop).balances.incoming, 14);
    shop.when(&deliver(&order, 3, 4))
        .then_rejection(&InventoryRejection::DeliveryOutOfOrder { expected: 2 });
    assert_eq!(shop.ask(&deliver(&order, 2, 14)), Ok(27));
    assert_eq!(levels(&mut shop).balances.incoming, 0);
    assert_eq!(shop.ask(&close(&order)), Ok(PurchaseState::Received));
    assert_eq!(shop.ask(&consider(0)), Ok(ReorderStatus::NotNeeded));
    // Customers who wait beyond what is there call for more.
    assert!(matches!(
        shop.ask(&consider(25)),
        Ok(ReorderStatus::Raised { .. })
    ));
    laws_hold(&mut shop).unwrap();
}

/// Catches: what never comes that is waited for, and what comes too much that breaks the books.
#[test]
fn short_late_and_over_deliveries_leave_the_books_right() {
    let mut shop = stocked(3);
    let (order, _) = raise(&mut shop);
    shop.pass(DAY * 5);
    assert!(
        report(&mut shop)
            .alerts
            .iter()
            .any(|alert| matches!(alert, InventoryAlert::Overdue { .. }))
    );
    shop.ask(&deliver(&order, 1, 18)).unwrap();
    assert_eq!(shop.ask(&close(&order)), Ok(PurchaseState::ClosedShort));
    assert_eq!(levels(&mut shop).balances.incoming, 0);
    // It comes after all.
    assert_eq!(shop.ask(&deliver(&order, 2, 6)), Ok(27));
    laws_hold(&mut shop).unwrap();
    sell(&mut shop, "much", 25);
    let (over, _) = raise(&mut shop);
    shop.ask(&deliver(&over, 1, 30)).unwrap();
    assert_eq!(levels(&mut shop).balances.on_hand, 32);
    let supplier = report(&mut shop).supplier;
    assert_eq!((supplier.orders, supplier.on_time.get()), (2, 5_000));
    assert_eq!(supplier.fill_rate.get(), 8_750);
    laws_hold(&mut shop).unwrap();
}

/// Catches: a supplier's lateness that changes nothing, and a promise that is believed for ever.
#[test]
fn a_slow_supplier_is_expected_to_stay_slow() {
    let mut shop = stocked(3);
    let promised = report(&mut shop).forecast.lead_time_ms;
    assert_eq!(promised, 2 * 86_400_000);
    for round in 0..6 {
        let (order, quantity) = raise(&mut shop);
        shop.pass(DAY * 6);
        shop.ask(&deliver(&order, 1, quantity.get())).unwrap();
        let on_hand = u32::try_from(levels(&mut shop).available).unwrap();
        sell(&mut shop, &round.to_string(), on_hand - 1);
    }
    let seen = report(&mut shop);
    assert_eq!(seen.supplier.lead_time_ms, 6 * 86_400_000);
    // Six of six days, and two promises of two.
    assert_eq!(seen.forecast.lead_time_ms, 5 * 86_400_000);
}

/// Catches: an outcome that nobody knows taken for one that is known, and steps out of turn.
#[test]
fn a_purchase_order_keeps_to_its_graph() {
    use ProcurementOutcome as O;
    let mut shop = stocked(3);
    let (order, _) = raise(&mut shop);
    let promised_at = shop.now().plus(DAY);
    let accepted = || record(&order, O::Accepted { promised_at });
    let refused = || {
        let reason = "sold out".into();
        record(&order, O::Refused { reason })
    };
    assert_eq!(
        shop.ask(&record(&order, O::Unknown)),
        Ok(PurchaseState::Unknown)
    );
    assert_eq!(
        levels(&mut shop).balances.incoming,
        24,
        "it may have been placed"
    );
    assert!(
        report(&mut shop)
            .alerts
            .iter()
            .any(|alert| matches!(alert, InventoryAlert::OutcomeUnknown { .. }))
    );
    assert_eq!(shop.ask(&accepted()), Ok(PurchaseState::Accepted));
    let recorded = shop.events().len();
    assert_eq!(shop.ask(&accepted()), Ok(PurchaseState::Accepted));
    assert_eq!(
        shop.ask(&record(&order, O::Unknown)),
        Ok(PurchaseState::Accepted)
    );
    assert_eq!(shop.events().len(), recorded);
    shop.when(&refused())
        .then_rejection(&InventoryRejection::PurchaseTransition {
            order: order.clone(),
            state: PurchaseState::Accepted,
        });
    let notified = |event: &InventoryEvent| matches!(event, InventoryEvent::ProcurementNotified(_));
    assert_eq!(shop.count(notified), 1);
    // Another one, which the supplier does not take.
    shop.ask(&deliver(&order, 1, 24)).unwrap();
    sell(&mut shop, "much", 25);
    let (order, _) = raise(&mut shop);
    let reason = "sold out".into();
    let refused = record(&order, O::Refused { reason });
    assert_eq!(shop.ask(&refused), Ok(PurchaseState::Refused));
    assert_eq!(levels(&mut shop).balances.incoming, 0);
    assert!(matches!(
        shop.ask(&deliver(&order, 1, 1)),
        Err(InventoryRejection::PurchaseTransition { .. })
    ));
    laws_hold(&mut shop).unwrap();
}

/// Catches: a shelf that is low already, sold on while too little is on its way, and nobody told.
#[test]
fn what_outsells_its_purchase_order_is_detected_anew() {
    let low = |event: &InventoryEvent| matches!(event, InventoryEvent::LowStockDetected(_));
    let mut shop = stocked(6);
    sell(&mut shop, "one", 1);
    raise(&mut shop);
    assert_eq!(shop.count(low), 1);
    sell(&mut shop, "some", 5);
    assert_eq!(shop.count(low), 1, "24 are on their way");
    shop.ask(&backorder("many", 20)).unwrap();
    assert_eq!(shop.count(low), 2);
}
