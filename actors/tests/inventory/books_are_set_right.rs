//! Counts, shrinkage and damage: the books follow what is there, and promises follow the books.

use super::*;

fn adjust(adjustment: Adjustment, reason: AdjustmentReason) -> AdjustStock {
    AdjustStock {
        sku: sku(),
        warehouse: warehouse("main"),
        adjustment,
        reason,
    }
}

/// Catches: a count that is not booked, or booked where nothing differs.
#[test]
fn a_count_finds_and_loses() {
    let mut shop = stocked(10);
    let adjusted = |event: &InventoryEvent| matches!(event, InventoryEvent::StockAdjusted(_));
    assert_eq!(shop.ask(&count("main", 10)).unwrap().on_hand, 10);
    assert_eq!(shop.count(adjusted), 0);
    assert_eq!(shop.ask(&count("main", 7)).unwrap().on_hand, 7);
    assert_eq!(shop.ask(&count("main", 9)).unwrap().on_hand, 9);
    let balances = levels(&mut shop).balances;
    assert_eq!((balances.lost, balances.found), (3, 2));
    laws_hold(&mut shop).unwrap();
}

/// Catches: damaged goods that are sold, or vanish from the books.
#[test]
fn damaged_goods_are_set_aside_and_disposed_of() {
    let mut shop = stocked(10);
    let broken = adjust(Adjustment::Damaged(units(4)), AdjustmentReason::Damage);
    shop.ask(&broken).unwrap();
    let seen = levels(&mut shop);
    assert_eq!((seen.available, seen.balances.damaged), (6, 4));
    let gone = adjust(Adjustment::Disposed(units(4)), AdjustmentReason::Disposal);
    shop.ask(&gone).unwrap();
    assert_eq!(levels(&mut shop).balances.damaged, 0);
    shop.when(&gone)
        .then_rejection(&InventoryRejection::ShelfLimit {
            warehouse: warehouse("main"),
            free: 0,
        });
    laws_hold(&mut shop).unwrap();
}

/// Catches: promises of units that were stolen, and the wrong customers let down.
#[test]
fn when_promised_units_are_gone_the_latest_wait() {
    let mut shop = stocked(10);
    for (name, quantity) in [("first", 4), ("second", 3)] {
        shop.ask(&reserve(name, quantity)).unwrap();
        shop.ask(&commit(name)).unwrap();
    }
    shop.ask(&reserve("looking", 2)).unwrap();
    let stolen = adjust(Adjustment::Lost(units(5)), AdjustmentReason::Theft);
    let adjusted = shop.ask(&stolen).unwrap();
    assert_eq!(adjusted.released, [hold("looking")]);
    assert_eq!(adjusted.shorted, [hold("second")]);
    let seen = levels(&mut shop);
    assert_eq!((seen.balances.committed, seen.balances.backordered), (4, 3));
    assert_eq!(seen.available, 0, "one is left, and others wait for it");
    assert!(matches!(
        shop.ask(&ship("second")),
        Err(InventoryRejection::Backordered { .. })
    ));
    laws_hold(&mut shop).unwrap();
    // It was promised first, so it is filled before those who order ahead now.
    shop.ask(&backorder("ahead", 2)).unwrap();
    shop.ask(&receive(2)).unwrap();
    shop.ask(&ship("second")).unwrap();
    shop.ask(&ship("first")).unwrap();
    assert_eq!(levels(&mut shop).balances.backordered, 2);
    laws_hold(&mut shop).unwrap();
}
