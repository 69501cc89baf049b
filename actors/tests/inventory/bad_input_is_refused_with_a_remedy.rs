//! Whatever is asked: a typed answer that says what is wrong, and nothing recorded.

use std::sync::Arc;

use mercato_runtime::Command;
use mercato_runtime::testkit::given;

use super::*;

/// Catches: a quantity that no shelf can have.
#[test]
fn no_quantity_is_zero_negative_or_absurd() {
    assert_eq!(Quantity::new(0), Err(QuantityError::Zero));
    assert_eq!(Quantity::try_from(-1i64), Err(QuantityError::Negative));
    assert_eq!(Quantity::new(1_000_001), Err(QuantityError::TooLarge));
    assert_eq!(Quantity::try_from(i64::MAX), Err(QuantityError::TooLarge));
}

fn refused<C>(shop: &mut Shop, command: &C) -> InventoryRejection
where
    C: Command<Agent = InventoryAgent>,
    C::Reply: std::fmt::Debug,
{
    let recorded = shop.events().len();
    let rejection = shop.ask(command).unwrap_err();
    assert_eq!(shop.events().len(), recorded, "{rejection}");
    // What is wrong, and after it what to do.
    let text = rejection.to_string();
    assert!(text.contains(';'), "`{text}` says no remedy");
    rejection
}

/// Catches: stock of a product that the shop does not sell.
#[test]
fn an_unknown_sku_is_refused_by_reads_and_writes() {
    let tea = Product {
        sku: Sku::new("coffee").unwrap(),
        name: "Coffee".into(),
        description: "to drink".into(),
        category: "drinks".into(),
        base_price: Money::new(100, Currency::GBP),
        cost: Money::new(50, Currency::GBP),
    };
    let catalogue = Arc::new(Catalogue::new([tea]).unwrap());
    let mut shop = given(InventoryAgent::default().of(catalogue));
    let unknown = InventoryRejection::UnknownSku(sku());
    assert_eq!(refused(&mut shop, &receive(1)), unknown);
    assert_eq!(refused(&mut shop, &reserve("a", 1)), unknown);
    assert_eq!(refused(&mut shop, &backorder("a", 1)), unknown);
    assert_eq!(refused(&mut shop, &CheckStock { sku: sku() }), unknown);
    assert_eq!(refused(&mut shop, &ReportStock { sku: sku() }), unknown);
    assert_eq!(refused(&mut shop, &ForecastDemand { sku: sku() }), unknown);
}

/// Catches: an answer that is no answer: a wrong number, a late call, a step out of turn.
#[test]
fn every_refusal_says_what_to_do_and_records_nothing() {
    use InventoryRejection as R;
    let mut shop = stocked(10);
    let order = PurchaseOrderId::new("po").unwrap();
    for ttl in [Duration::ZERO, Duration::from_secs(86_401)] {
        let reserve = ReserveStock {
            ttl,
            ..reserve("a", 1)
        };
        let refused = refused(&mut shop, &reserve);
        assert_eq!(refused, R::TimeToLive { max_ms: 86_400_000 });
    }
    assert_eq!(
        refused(&mut shop, &confirm("x")),
        R::UnknownReservation(hold("x"))
    );
    assert_eq!(
        refused(&mut shop, &commit("x")),
        R::UnknownReservation(hold("x"))
    );
    assert_eq!(
        refused(&mut shop, &ship("x")),
        R::UnknownReservation(hold("x"))
    );
    let nowhere = ReceiveStockAt {
        sku: sku(),
        warehouse: warehouse("moon"),
        quantity: units(1),
    };
    assert_eq!(
        refused(&mut shop, &nowhere),
        R::UnknownWarehouse(warehouse("moon"))
    );
    assert_eq!(
        refused(&mut shop, &count("moon", 1)),
        R::UnknownWarehouse(warehouse("moon"))
    );
    assert!(matches!(
        refused(&mut shop, &count("main", u64::MAX)),
        R::CountDiffers { .. }
    ));
    let wrong_reason = AdjustStock {
        sku: sku(),
        warehouse: warehouse("main"),
        adjustment: Adjustment::Found(units(1)),
        reason: AdjustmentReason::Theft,
    };
    assert_eq!(refused(&mut shop, &wrong_reason), R::AdjustmentReason);
    let too_many = AdjustStock {
        adjustment: Adjustment::Lost(units(11)),
        reason: AdjustmentReason::Theft,
        ..wrong_reason
    };
    assert!(matches!(
        refused(&mut shop, &too_many),
        R::ShelfLimit { free: 10, .. }
    ));
    assert!(matches!(
        refused(&mut shop, &backorder("b", 51)),
        R::BackorderLimit {
            requested: 51,
            left: 50
        }
    ));
    let unknown = ReceivePurchaseOrder {
        sku: sku(),
        order: order.clone(),
        delivery: 1,
        quantity: units(1),
        arrived_at: NOW,
    };
    assert_eq!(refused(&mut shop, &unknown), R::UnknownPurchaseOrder(order));
    let transfer = DispatchTransfer {
        sku: sku(),
        transfer: TransferId::new("t").unwrap(),
        from: warehouse("main"),
        to: warehouse("main"),
        quantity: units(1),
    };
    assert_eq!(refused(&mut shop, &transfer), R::TransferWithin);
    let unknown = ReceiveTransfer {
        sku: sku(),
        transfer: TransferId::new("t").unwrap(),
        arrived: 1,
    };
    assert!(matches!(
        refused(&mut shop, &unknown),
        R::UnknownTransfer(_)
    ));
}
