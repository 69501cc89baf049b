//! What Inventory promises.

// Helpers stand outside the test functions, where clippy takes no test for one.
mod backorders_keep_their_order;
mod bad_input_is_refused_with_a_remedy;
mod books_are_set_right;
mod forecasts_follow_demand;
mod holds_are_handed_over_once;
mod holds_are_kept_and_lapse;
mod no_history_breaks_the_ledger;
mod no_shopper_moves_stock;
mod purchases_come_as_they_come;
mod service_level_is_reached;
mod warehouses_send_what_is_cheapest;

use std::time::Duration;

use mercato_actors::*;
use mercato_runtime::Timestamp;
use mercato_runtime::testkit::{Given, given};

pub(crate) const TTL: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// Whatever the moment is: a delivery comes no later than it is booked.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(u64::MAX);

pub(crate) type Shop = Given<InventoryAgent>;

pub(crate) fn empty() -> Shop {
    given(InventoryAgent::default())
}

pub(crate) fn stocked(units: u32) -> Shop {
    let mut shop = empty();
    shop.ask(&receive(units)).unwrap();
    shop
}

pub(crate) fn levels(shop: &mut Shop) -> StockLevels {
    shop.ask(&CheckStock { sku: sku() }).unwrap()
}

pub(crate) fn report(shop: &mut Shop) -> StockReport {
    shop.ask(&ReportStock { sku: sku() }).unwrap()
}

pub(crate) fn sku() -> Sku {
    Sku::new("tea").unwrap()
}

pub(crate) fn hold(name: &str) -> ReservationId {
    ReservationId::new(name).unwrap()
}

pub(crate) fn units(units: u32) -> Quantity {
    Quantity::new(units).unwrap()
}

pub(crate) fn warehouse(name: &str) -> WarehouseId {
    WarehouseId::new(name).unwrap()
}

pub(crate) fn receive(quantity: u32) -> ReceiveStock {
    ReceiveStock {
        sku: sku(),
        quantity: units(quantity),
    }
}

pub(crate) fn reserve(name: &str, quantity: u32) -> ReserveStock {
    ReserveStock {
        sku: sku(),
        reservation: hold(name),
        quantity: units(quantity),
        ttl: TTL,
    }
}

pub(crate) fn backorder(name: &str, quantity: u32) -> BackorderStock {
    BackorderStock {
        sku: sku(),
        reservation: hold(name),
        quantity: units(quantity),
    }
}

macro_rules! on_hold {
    ($($name:ident = $command:ident;)+) => {$(
        pub(crate) fn $name(name: &str) -> $command {
            $command {
                sku: sku(),
                reservation: hold(name),
            }
        }
    )+};
}

on_hold! {
    confirm = ConfirmReservation;
    commit = CommitReservation;
    release = ReleaseReservation;
    ship = ShipStock;
}

pub(crate) fn hand_over(from: &str, to: &str, quantity: u32) -> HandOverReservation {
    HandOverReservation {
        sku: sku(),
        from: hold(from),
        to: hold(to),
        quantity: units(quantity),
    }
}

pub(crate) fn give_back(quantity: u32, condition: Condition) -> ReturnStock {
    ReturnStock {
        sku: sku(),
        quantity: units(quantity),
        condition,
    }
}

pub(crate) fn count(warehouse: &str, counted: u64) -> CountStock {
    CountStock {
        sku: sku(),
        warehouse: self::warehouse(warehouse),
        counted,
    }
}

/// Sells units at once.
pub(crate) fn sell(shop: &mut Shop, name: &str, quantity: u32) {
    shop.ask(&reserve(name, quantity)).unwrap();
    shop.ask(&commit(name)).unwrap();
    shop.ask(&ship(name)).unwrap();
}

/// Everything that a ledger must hold to, whatever happened.
pub(crate) fn laws_hold(shop: &mut Shop) -> Result<(), String> {
    let balances = shop.state().balances();
    let mut summed = Balances::default();
    for event in shop.events() {
        summed.apply(event);
    }
    if balances != summed {
        return Err(format!(
            "{balances:?} is not the sum of the ledger, {summed:?}"
        ));
    }
    if !balances.are_conserved() {
        return Err(format!("{balances:?} came from nowhere"));
    }
    let all = [
        balances.available(),
        balances.on_hand,
        balances.reserved,
        balances.committed,
        balances.incoming,
        balances.damaged,
        balances.in_transit,
        balances.backordered,
    ];
    if all.iter().any(|balance| *balance < 0) {
        return Err(format!("{balances:?} is below zero"));
    }
    let (mut on_hand, mut allocated, mut arriving, mut damaged) = (0, 0, 0, 0);
    for (id, shelf) in shop.state().shelves() {
        if shelf.free() < 0 || shelf.allocated < 0 || shelf.damaged < 0 || shelf.arriving < 0 {
            return Err(format!("{id}: {shelf:?}"));
        }
        on_hand += shelf.on_hand;
        allocated += shelf.allocated;
        arriving += shelf.arriving;
        damaged += shelf.damaged;
    }
    let shelves = (on_hand, arriving, damaged);
    if shelves != (balances.on_hand, balances.in_transit, balances.damaged) {
        return Err(format!(
            "{balances:?} is not what lies on the shelves, {shelves:?}"
        ));
    }
    if allocated > balances.reserved + balances.committed {
        return Err(format!("{allocated} are to be sent of {balances:?}"));
    }
    Ok(())
}
