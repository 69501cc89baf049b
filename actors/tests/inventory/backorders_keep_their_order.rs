//! What is promised before it is there: how much, for when, and to whom first.

use super::*;

/// Catches: a queue that is served from its end, or skipped by who comes later.
#[test]
fn who_waited_first_is_served_first() {
    let mut shop = empty();
    shop.ask(&backorder("a", 3)).unwrap();
    shop.ask(&backorder("b", 1)).unwrap();
    assert_eq!(shop.ask(&receive(2)), Ok(2));
    let seen = levels(&mut shop);
    assert_eq!((seen.balances.reserved, seen.available), (0, 0));
    shop.when(&reserve("late", 1))
        .then_rejection(&InventoryRejection::OutOfStock {
            requested: 1,
            available: 0,
        });
    shop.ask(&receive(3)).unwrap();
    let seen = levels(&mut shop);
    assert_eq!((seen.balances.reserved, seen.available), (4, 1));
    shop.ask(&commit("a")).unwrap();
    // Who does not come for it loses it.
    shop.pass(DAY * 2);
    assert!(matches!(
        shop.ask(&commit("b")),
        Err(InventoryRejection::ReservationExpired(_))
    ));
    assert_eq!(levels(&mut shop).available, 2);
    laws_hold(&mut shop).unwrap();
}

/// Catches: a limit that is not kept, or that does not make room again.
#[test]
fn no_more_is_promised_than_the_terms_allow() {
    let mut shop = empty();
    let terms = BackorderTerms::up_to(5);
    shop.ask(&SetBackorderTerms { sku: sku(), terms }).unwrap();
    shop.ask(&backorder("a", 4)).unwrap();
    shop.when(&backorder("b", 2))
        .then_rejection(&InventoryRejection::BackorderLimit {
            requested: 2,
            left: 1,
        });
    assert_eq!(shop.ask(&backorder("a", 4)).unwrap().quantity, units(4));
    assert_eq!(levels(&mut shop).balances.backordered, 4);
    shop.ask(&release("a")).unwrap();
    shop.ask(&backorder("b", 5)).unwrap();
    assert!(matches!(
        shop.ask(&confirm("b")),
        Err(InventoryRejection::Backordered { .. })
    ));
    laws_hold(&mut shop).unwrap();
}

/// Catches: a date that no delivery can keep, and a pre-order promised before the product is out.
#[test]
fn the_promised_date_is_that_of_the_delivery_that_covers_it() {
    let mut shop = empty();
    let now = shop.now();
    // Nothing is on its way: the lead time and two deviations, 2 days and 2 half days.
    let promise = shop.ask(&backorder("a", 2)).unwrap();
    assert_eq!(promise.promised_at, now.plus(DAY * 3));
    let consider = ConsiderReorder {
        sku: sku(),
        waiting: 0,
    };
    let ReorderStatus::Raised { expected_at, .. } = shop.ask(&consider).unwrap() else {
        panic!("customers wait");
    };
    let promise = shop.ask(&backorder("b", 2)).unwrap();
    assert_eq!(promise.promised_at, expected_at);
    let out = now.plus(DAY * 30);
    let terms = BackorderTerms::preorder(50, out);
    shop.ask(&SetBackorderTerms { sku: sku(), terms }).unwrap();
    assert_eq!(shop.ask(&backorder("c", 1)).unwrap().promised_at, out);
    shop.pass(DAY * 31);
    let alerts = report(&mut shop).alerts;
    let missed = alerts
        .iter()
        .filter(|alert| matches!(alert, InventoryAlert::PromiseMissed { .. }));
    assert_eq!(missed.count(), 3);
}
