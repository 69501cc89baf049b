//! What Inventory promises, in given/when/then form, and its laws over random histories.

// Helpers stand outside the test functions, where clippy takes no test for one.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use mercato_actors::*;
use mercato_runtime::testkit::{Given, given};
use proptest::prelude::*;

const TTL: Duration = Duration::from_secs(60);

type Shelf = Given<InventoryAgent>;

fn empty_shelf() -> Shelf {
    given(InventoryAgent::default())
}

fn shelf_with(units: u32) -> Shelf {
    let mut shelf = empty_shelf();
    shelf.ask(&receive(units)).unwrap();
    shelf
}

fn levels(shelf: &mut Shelf) -> StockLevels {
    shelf.ask(&CheckStock { sku: sku() }).unwrap()
}

fn sku() -> Sku {
    Sku::new("tea").unwrap()
}

fn hold(name: &str) -> ReservationId {
    ReservationId::new(name).unwrap()
}

fn units(units: u32) -> Quantity {
    Quantity::new(units).unwrap()
}

fn receive(quantity: u32) -> ReceiveStock {
    ReceiveStock {
        sku: sku(),
        quantity: units(quantity),
    }
}

fn reserve(name: &str, quantity: u32) -> ReserveStock {
    ReserveStock {
        sku: sku(),
        reservation: hold(name),
        quantity: units(quantity),
        ttl: TTL,
    }
}

fn confirm(name: &str) -> ConfirmReservation {
    ConfirmReservation {
        sku: sku(),
        reservation: hold(name),
    }
}

fn commit(name: &str) -> CommitReservation {
    CommitReservation {
        sku: sku(),
        reservation: hold(name),
    }
}

fn release(name: &str) -> ReleaseReservation {
    ReleaseReservation {
        sku: sku(),
        reservation: hold(name),
    }
}

fn ship(name: &str) -> ShipStock {
    ShipStock {
        sku: sku(),
        reservation: hold(name),
    }
}

#[test]
fn what_is_not_there_cannot_be_reserved() {
    let mut shelf = shelf_with(5);
    shelf.ask(&reserve("a", 3)).unwrap();
    assert_eq!(
        shelf.ask(&reserve("b", 3)),
        Err(InventoryRejection::OutOfStock {
            requested: 3,
            available: 2
        })
    );
}

#[test]
fn reserving_again_gets_the_same_hold() {
    let mut shelf = shelf_with(5);
    let first = shelf.ask(&reserve("a", 3)).unwrap();
    let recorded = shelf.events().len();
    assert_eq!(shelf.ask(&reserve("a", 3)), Ok(first));
    assert_eq!(shelf.events().len(), recorded);
    assert_eq!(
        shelf.ask(&reserve("a", 2)),
        Err(InventoryRejection::ReservationDiffers {
            reservation: hold("a"),
            held: 3
        })
    );
}

#[test]
fn a_hold_that_lapsed_is_for_sale_again_and_cannot_be_committed() {
    let mut shelf = shelf_with(5);
    shelf.ask(&reserve("a", 5)).unwrap();
    shelf.pass(TTL);
    assert_eq!(levels(&mut shelf).available, 5);
    assert_eq!(
        shelf.ask(&commit("a")),
        Err(InventoryRejection::ReservationExpired(hold("a")))
    );
    shelf.ask(&reserve("b", 5)).unwrap();
    assert_eq!(
        shelf.count(|event| matches!(event, InventoryEvent::ReservationExpired(_))),
        1
    );
    assert_eq!(levels(&mut shelf).balances.reserved, 5);
}

#[test]
fn a_confirmed_hold_does_not_lapse() {
    let mut shelf = shelf_with(5);
    shelf.ask(&reserve("a", 5)).unwrap();
    shelf.ask(&confirm("a")).unwrap();
    shelf.pass(TTL * 100);
    assert_eq!(levels(&mut shelf).available, 0);
    shelf.ask(&commit("a")).unwrap();
    assert_eq!(levels(&mut shelf).balances.committed, 5);
}

#[test]
fn releasing_is_harmless_whatever_happened_before() {
    let mut shelf = shelf_with(5);
    assert_eq!(shelf.ask(&release("a")), Ok(Released::NothingToRelease));
    shelf.ask(&reserve("a", 2)).unwrap();
    let back = Released::Released { quantity: units(2) };
    assert_eq!(shelf.ask(&release("a")), Ok(back));
    assert_eq!(shelf.ask(&release("a")), Ok(Released::NothingToRelease));
    shelf.ask(&reserve("b", 2)).unwrap();
    shelf.ask(&commit("b")).unwrap();
    assert_eq!(shelf.ask(&release("b")), Ok(back));
    assert_eq!(levels(&mut shelf).available, 5);
}

#[test]
fn what_shipped_can_only_come_back_as_a_return() {
    let mut shelf = shelf_with(5);
    shelf.ask(&reserve("a", 2)).unwrap();
    assert_eq!(
        shelf.ask(&ship("a")),
        Err(InventoryRejection::NotCommitted(hold("a")))
    );
    shelf.ask(&commit("a")).unwrap();
    shelf.ask(&ship("a")).unwrap();
    shelf.ask(&ship("a")).unwrap();
    assert_eq!(
        shelf.ask(&release("a")),
        Err(InventoryRejection::AlreadyShipped(hold("a")))
    );
    let back = |quantity, condition| ReturnStock {
        sku: sku(),
        quantity: units(quantity),
        condition,
    };
    assert_eq!(
        shelf.ask(&back(3, Condition::Resaleable)),
        Err(InventoryRejection::ReturnExceedsShipped { outstanding: 2 })
    );
    assert_eq!(shelf.ask(&back(1, Condition::Damaged)), Ok(3));
    assert_eq!(shelf.ask(&back(1, Condition::Resaleable)), Ok(4));
    assert_eq!(levels(&mut shelf).balances.damaged, 1);
}

#[test]
fn low_stock_is_detected_once_until_it_recovers() {
    let low = |event: &InventoryEvent| matches!(event, InventoryEvent::LowStockDetected(_));
    let recovered = |event: &InventoryEvent| matches!(event, InventoryEvent::StockRecovered(_));
    let mut shelf = shelf_with(10);
    shelf.ask(&reserve("a", 5)).unwrap();
    shelf.ask(&reserve("b", 1)).unwrap();
    assert_eq!(shelf.count(low), 1);
    shelf.ask(&receive(10)).unwrap();
    assert_eq!(shelf.count(recovered), 1);
    shelf.ask(&reserve("c", 10)).unwrap();
    assert_eq!(shelf.count(low), 2);
    shelf.ask(&receive(1)).unwrap();
    assert_eq!(shelf.count(low), 3, "a delivery that does not suffice");
}

#[test]
fn a_reorder_is_raised_once_and_received_once() {
    let mut shelf = shelf_with(3);
    let consider = ConsiderReorder {
        sku: sku(),
        waiting: 0,
    };
    let ReorderStatus::Raised {
        order, quantity, ..
    } = shelf.ask(&consider).unwrap()
    else {
        panic!("three units are below the safety stock");
    };
    assert_eq!(quantity, units(24));
    assert!(matches!(
        shelf.ask(&consider),
        Ok(ReorderStatus::AlreadyOrdered { .. })
    ));
    assert_eq!(levels(&mut shelf).balances.incoming, 24);
    let delivery = ReceivePurchaseOrder { sku: sku(), order };
    assert_eq!(shelf.ask(&delivery), Ok(27));
    assert_eq!(shelf.ask(&delivery), Ok(27));
    assert_eq!(shelf.ask(&consider), Ok(ReorderStatus::NotNeeded));
}

#[test]
fn demand_raises_the_forecast_and_the_reorder_point() {
    let mut shelf = shelf_with(1_000);
    let forecast = ForecastDemand { sku: sku() };
    assert_eq!(shelf.ask(&forecast).unwrap().per_hour_milli, 0);
    for hour in 0..24 {
        let name = hour.to_string();
        shelf.ask(&reserve(&name, 4)).unwrap();
        shelf.ask(&commit(&name)).unwrap();
        shelf.pass(Duration::from_secs(3_600));
    }
    let busy = shelf.ask(&forecast).unwrap();
    assert_eq!(busy.reorder_point, busy.lead_time_units + 5);
    assert!(busy.lead_time_units > 100, "{busy:?}");
    shelf.pass(Duration::from_secs(3_600 * 24 * 30));
    assert_eq!(shelf.ask(&forecast).unwrap().per_hour_milli, 0);
}

#[test]
fn a_hold_must_end_some_time() {
    let mut shelf = shelf_with(5);
    for ttl in [Duration::ZERO, Duration::from_secs(86_401)] {
        let reserve = ReserveStock {
            ttl,
            ..reserve("a", 1)
        };
        assert_eq!(
            shelf.ask(&reserve),
            Err(InventoryRejection::TimeToLive { max_ms: 86_400_000 })
        );
    }
}

#[test]
fn no_quantity_is_zero_negative_or_absurd() {
    assert_eq!(Quantity::new(0), Err(QuantityError::Zero));
    assert_eq!(Quantity::try_from(-1i64), Err(QuantityError::Negative));
    assert_eq!(Quantity::new(1_000_001), Err(QuantityError::TooLarge));
    assert_eq!(Quantity::try_from(i64::MAX), Err(QuantityError::TooLarge));
}

#[derive(Debug, Clone)]
enum Act {
    Receive(u32),
    Reserve(u8, u32),
    Confirm(u8),
    Commit(u8),
    Release(u8),
    Ship(u8),
    Return(u32, bool),
    Reorder,
    Deliver,
    Pass(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let name = 0u8..6;
    let act = prop_oneof![
        (1u32..20).prop_map(Act::Receive),
        (name.clone(), 1u32..8).prop_map(|(name, units)| Act::Reserve(name, units)),
        name.clone().prop_map(Act::Confirm),
        name.clone().prop_map(Act::Commit),
        name.clone().prop_map(Act::Release),
        name.prop_map(Act::Ship),
        (1u32..4, any::<bool>()).prop_map(|(units, damaged)| Act::Return(units, damaged)),
        Just(Act::Reorder),
        Just(Act::Deliver),
        (0u64..90).prop_map(Act::Pass),
    ];
    proptest::collection::vec(act, 0..80)
}

/// Whether it is refused does not matter here; the laws hold either way.
fn carry_out(shelf: &mut Shelf, act: &Act, purchase: &mut Option<PurchaseOrderId>) {
    match act {
        Act::Receive(n) => drop(shelf.ask(&receive(*n))),
        Act::Reserve(name, n) => drop(shelf.ask(&reserve(&name.to_string(), *n))),
        Act::Confirm(name) => drop(shelf.ask(&confirm(&name.to_string()))),
        Act::Commit(name) => drop(shelf.ask(&commit(&name.to_string()))),
        Act::Release(name) => drop(shelf.ask(&release(&name.to_string()))),
        Act::Ship(name) => drop(shelf.ask(&ship(&name.to_string()))),
        Act::Return(n, damaged) => drop(shelf.ask(&ReturnStock {
            sku: sku(),
            quantity: units(*n),
            condition: if *damaged {
                Condition::Damaged
            } else {
                Condition::Resaleable
            },
        })),
        Act::Reorder => {
            let waiting = 0;
            let sku = sku();
            if let Ok(ReorderStatus::Raised { order, .. }) =
                shelf.ask(&ConsiderReorder { sku, waiting })
            {
                *purchase = Some(order);
            }
        }
        Act::Deliver => {
            if let Some(order) = purchase.clone() {
                shelf
                    .ask(&ReceivePurchaseOrder { sku: sku(), order })
                    .unwrap();
            }
        }
        Act::Pass(secs) => shelf.pass(Duration::from_secs(*secs)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn stock_is_never_oversold_and_balances_are_the_sum_of_the_ledger(acts in acts()) {
        let mut shelf = empty_shelf();
        let mut purchase = None;
        for act in &acts {
            carry_out(&mut shelf, act, &mut purchase);
            let mut summed = Balances::default();
            for event in shelf.events() {
                summed.apply(event);
            }
            prop_assert_eq!(shelf.state().balances(), summed);
            let b = levels(&mut shelf).balances;
            prop_assert!(b.available() >= 0, "{:?} after {:?}", b, act);
            for balance in [b.on_hand, b.reserved, b.committed, b.incoming, b.damaged] {
                prop_assert!(balance >= 0, "{:?} after {:?}", b, act);
            }
            prop_assert_eq!(b.on_hand, b.received - b.shipped + b.returned - b.damaged);
        }
    }
}
