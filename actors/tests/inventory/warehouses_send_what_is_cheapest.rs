//! Several warehouses: from where an order is sent, and how stock gets there.

use std::num::NonZeroU32;

use super::*;

/// One in Britain, one in Germany with dear parcels, one far away with cheap ones.
fn three() -> InventoryAgent {
    let place = |id: &str, near: &str, parcel_cost, unit_cost| Warehouse {
        parcel_cost,
        cost_per_100_km: 50,
        unit_cost,
        distances_km: [(Jurisdiction::new(near).unwrap(), 100)].into(),
        elsewhere_km: 2_000,
        ..Warehouse::plain(warehouse(id))
    };
    let warehouses = [
        place("main", "GB", 300, 10),
        place("berlin", "DE", 500, 10),
        place("far", "CN", 100, 0),
    ];
    InventoryAgent::new(InventorySettings {
        warehouses: Warehouses::new(warehouses).unwrap(),
        splits_max: NonZeroU32::new(2).unwrap(),
        ..InventorySettings::default()
    })
}

fn spread(main: u32, berlin: u32, far: u32) -> Shop {
    let mut shop = given(three());
    for (id, quantity) in [("main", main), ("berlin", berlin), ("far", far)] {
        if let Ok(quantity) = Quantity::new(quantity) {
            let arrived = ReceiveStockAt {
                sku: sku(),
                warehouse: warehouse(id),
                quantity,
            };
            shop.ask(&arrived).unwrap();
        }
    }
    shop
}

fn source(shop: &mut Shop, name: &str, country: &str) -> Result<Sourcing, InventoryRejection> {
    shop.ask(&SourceReservation {
        sku: sku(),
        reservation: hold(name),
        ship_to: Jurisdiction::new(country).unwrap(),
    })
}

fn from(sourcing: &Sourcing) -> Vec<(&str, u32)> {
    let sources = sourcing.sources.iter();
    sources
        .map(|source| (source.warehouse.as_str(), source.quantity.get()))
        .collect()
}

/// Catches: distance left out of the cost, and a cost per parcel taken for one per unit.
#[test]
fn the_cheapest_warehouse_sends() {
    let mut shop = spread(10, 10, 10);
    shop.ask(&reserve("a", 4)).unwrap();
    // 300 + 50 + 4 * 10, 500 + 1 000 + 40, 100 + 1 000.
    let to_britain = source(&mut shop, "a", "GB").unwrap();
    assert_eq!(
        (from(&to_britain), to_britain.cost),
        (vec![("main", 4)], 390)
    );
    let to_germany = source(&mut shop, "a", "DE").unwrap();
    assert_eq!(
        (from(&to_germany), to_germany.cost),
        (vec![("berlin", 4)], 590)
    );
    laws_hold(&mut shop).unwrap();
    shop.ask(&commit("a")).unwrap();
    shop.ask(&ship("a")).unwrap();
    let berlin = warehouse("berlin");
    let shelf = report(&mut shop)
        .shelves
        .into_iter()
        .find(|(id, _)| *id == berlin);
    assert_eq!(shelf.map(|(_, shelf)| shelf.on_hand), Some(6));
}

/// Catches: more parcels than may be, and an order refused that few parcels can serve.
#[test]
fn a_line_is_split_as_seldom_as_may_be() {
    let mut shop = spread(3, 4, 3);
    shop.ask(&reserve("a", 6)).unwrap();
    let sourcing = source(&mut shop, "a", "GB").unwrap();
    assert_eq!(sourcing.sources.len(), 2);
    shop.ask(&release("a")).unwrap();
    shop.ask(&reserve("b", 9)).unwrap();
    let refused = source(&mut shop, "b", "GB");
    let limit = InventoryRejection::SplitLimit {
        quantity: 9,
        splits_max: 2,
    };
    assert_eq!(refused, Err(limit));
    // A placed order is kept, in as many parcels as it takes.
    shop.ask(&commit("b")).unwrap();
    shop.ask(&ship("b")).unwrap();
    assert_eq!(levels(&mut shop).balances.on_hand, 1);
    laws_hold(&mut shop).unwrap();
}

/// Catches: two holds that are to be sent from the same units, or a transfer of promised ones.
#[test]
fn units_on_a_shelf_are_sent_once() {
    let mut shop = spread(5, 5, 0);
    shop.ask(&reserve("a", 5)).unwrap();
    assert_eq!(from(&source(&mut shop, "a", "GB").unwrap()), [("main", 5)]);
    shop.ask(&reserve("b", 3)).unwrap();
    assert_eq!(
        from(&source(&mut shop, "b", "GB").unwrap()),
        [("berlin", 3)]
    );
    let bring = |quantity, from: &str| DispatchTransfer {
        sku: sku(),
        transfer: TransferId::new("t").unwrap(),
        from: warehouse(from),
        to: warehouse("far"),
        quantity: units(quantity),
    };
    shop.when(&bring(1, "main"))
        .then_rejection(&InventoryRejection::ShelfLimit {
            warehouse: warehouse("main"),
            free: 0,
        });
    shop.ask(&bring(2, "berlin")).unwrap();
    shop.ask(&bring(2, "berlin")).unwrap();
    assert_eq!(levels(&mut shop).available, 0);
    shop.when(&bring(1, "berlin"))
        .then_rejection(&InventoryRejection::TransferDiffers(
            TransferId::new("t").unwrap(),
        ));
    let arrive = |arrived| ReceiveTransfer {
        sku: sku(),
        transfer: TransferId::new("t").unwrap(),
        arrived,
    };
    shop.when(&arrive(3))
        .then_rejection(&InventoryRejection::TransferExceeds { sent: 2 });
    // One of the two is lost on the way.
    assert_eq!(shop.ask(&arrive(1)), Ok(9));
    assert_eq!(shop.ask(&arrive(1)), Ok(9));
    let balances = levels(&mut shop).balances;
    assert_eq!((balances.lost, balances.in_transit), (1, 0));
    laws_hold(&mut shop).unwrap();
}

/// Catches: a list of warehouses that no shop has.
#[test]
fn warehouses_are_named_once_and_not_too_many() {
    let plain = |id: &str| Warehouse::plain(warehouse(id));
    assert_eq!(Warehouses::new([]), Err(WarehousesError::Number));
    assert_eq!(
        Warehouses::new([plain("a"), plain("a")]),
        Err(WarehousesError::Duplicate(warehouse("a")))
    );
    let nine: Vec<_> = (0..9).map(|number| plain(&number.to_string())).collect();
    assert_eq!(Warehouses::new(nine), Err(WarehousesError::Number));
}
