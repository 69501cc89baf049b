//! A hold is a promise: never of more than there is, and not for longer than was said.

use super::*;

/// Catches: a reservation without a look at the stock.
#[test]
fn what_is_not_there_cannot_be_reserved() {
    let mut shop = stocked(5);
    shop.ask(&reserve("a", 3)).unwrap();
    shop.when(&reserve("b", 3))
        .then_rejection(&InventoryRejection::OutOfStock {
            requested: 3,
            available: 2,
        });
}

/// Catches: a second hold under the same name, and a hold that ends earlier for being asked for
/// again.
#[test]
fn reserving_again_gets_the_same_hold_for_longer() {
    let mut shop = stocked(5);
    let first = shop.ask(&reserve("a", 3)).unwrap();
    let recorded = shop.events().len();
    assert_eq!(shop.ask(&reserve("a", 3)), Ok(first.clone()));
    assert_eq!(shop.events().len(), recorded);
    shop.pass(TTL / 2);
    let longer = shop.ask(&reserve("a", 3)).unwrap();
    assert_eq!(
        longer.expires_at,
        first.expires_at.map(|at| at.plus(TTL / 2))
    );
    assert_eq!(levels(&mut shop).balances.reserved, 3);
    shop.pass(TTL / 2);
    shop.ask(&confirm("a")).unwrap();
    assert_eq!(shop.ask(&reserve("a", 3)).unwrap().expires_at, None);
    shop.when(&reserve("a", 2))
        .then_rejection(&InventoryRejection::ReservationDiffers {
            reservation: hold("a"),
            held: 3,
        });
}

/// Catches: a hold that lapsed and still counts, or can still be committed.
#[test]
fn a_hold_that_lapsed_is_for_sale_again_and_cannot_be_committed() {
    let mut shop = stocked(5);
    shop.ask(&reserve("a", 5)).unwrap();
    shop.pass(TTL);
    assert_eq!(levels(&mut shop).available, 5);
    shop.when(&commit("a"))
        .then_rejection(&InventoryRejection::ReservationExpired(hold("a")));
    shop.ask(&reserve("b", 5)).unwrap();
    let expired = |event: &InventoryEvent| matches!(event, InventoryEvent::ReservationExpired(_));
    assert_eq!(shop.count(expired), 1);
    assert_eq!(levels(&mut shop).balances.reserved, 5);
    // Whose hold lapsed may hold anew, where there is stock.
    shop.when(&reserve("a", 5))
        .then_rejection(&InventoryRejection::OutOfStock {
            requested: 5,
            available: 0,
        });
    shop.ask(&release("b")).unwrap();
    shop.ask(&reserve("a", 4)).unwrap();
    shop.ask(&commit("a")).unwrap();
    assert_eq!(levels(&mut shop).balances.committed, 4);
}

/// Catches: a sweep that takes what was confirmed.
#[test]
fn a_confirmed_hold_does_not_lapse() {
    let mut shop = stocked(5);
    shop.ask(&reserve("a", 5)).unwrap();
    shop.ask(&confirm("a")).unwrap();
    shop.pass(TTL * 100);
    shop.ask(&SweepHolds { sku: sku() }).unwrap();
    assert_eq!(levels(&mut shop).available, 0);
    shop.ask(&commit("a")).unwrap();
    assert_eq!(levels(&mut shop).balances.committed, 5);
}

/// Catches: an undo that fails where there is nothing to undo, or undoes twice.
#[test]
fn releasing_is_harmless_whatever_happened_before() {
    let mut shop = stocked(5);
    assert_eq!(shop.ask(&release("a")), Ok(Released::NothingToRelease));
    shop.ask(&reserve("a", 2)).unwrap();
    let back = Released::Released { quantity: units(2) };
    assert_eq!(shop.ask(&release("a")), Ok(back));
    assert_eq!(shop.ask(&release("a")), Ok(Released::NothingToRelease));
    shop.when(&reserve("a", 2))
        .then_rejection(&InventoryRejection::ReservationReleased(hold("a")));
    shop.ask(&reserve("b", 2)).unwrap();
    shop.ask(&commit("b")).unwrap();
    assert_eq!(shop.ask(&commit("b")), Ok(Committed { quantity: units(2) }));
    assert_eq!(shop.ask(&release("b")), Ok(back));
    assert_eq!(levels(&mut shop).available, 5);
    laws_hold(&mut shop).unwrap();
}

/// Catches: shipped goods that are taken back without a return, and damaged ones that are sold
/// again.
#[test]
fn what_shipped_can_only_come_back_as_a_return() {
    let mut shop = stocked(5);
    shop.ask(&reserve("a", 2)).unwrap();
    shop.when(&ship("a"))
        .then_rejection(&InventoryRejection::NotCommitted(hold("a")));
    shop.ask(&commit("a")).unwrap();
    shop.ask(&ship("a")).unwrap();
    shop.ask(&ship("a")).unwrap();
    shop.when(&release("a"))
        .then_rejection(&InventoryRejection::AlreadyShipped(hold("a")));
    shop.when(&give_back(3, Condition::Resaleable))
        .then_rejection(&InventoryRejection::ReturnExceedsShipped { outstanding: 2 });
    assert_eq!(shop.ask(&give_back(1, Condition::Damaged)), Ok(3));
    assert_eq!(shop.ask(&give_back(1, Condition::Resaleable)), Ok(4));
    let levels = levels(&mut shop);
    assert_eq!((levels.balances.damaged, levels.available), (1, 4));
    laws_hold(&mut shop).unwrap();
}

/// Catches: an alert for each unit sold, and none after a delivery that does not suffice.
#[test]
fn low_stock_is_detected_once_until_it_recovers() {
    let low = |event: &InventoryEvent| matches!(event, InventoryEvent::LowStockDetected(_));
    let recovered = |event: &InventoryEvent| matches!(event, InventoryEvent::StockRecovered(_));
    let mut shop = stocked(10);
    shop.ask(&reserve("a", 5)).unwrap();
    shop.ask(&reserve("b", 1)).unwrap();
    assert_eq!(shop.count(low), 1);
    assert_eq!(levels(&mut shop).status, StockStatus::Low);
    shop.ask(&receive(10)).unwrap();
    assert_eq!(shop.count(recovered), 1);
    shop.ask(&reserve("c", 10)).unwrap();
    assert_eq!(shop.count(low), 2);
    shop.ask(&receive(1)).unwrap();
    assert_eq!(shop.count(low), 3, "a delivery that does not suffice");
}
