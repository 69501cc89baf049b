//! A shopper asks for stock through a cart, an order or a return, and moves none of it.

use mercato_runtime::{Command, Principal};

use super::*;

/// Asks as a shopper. Nothing is recorded, and the refusal says where to ask.
fn refuses<C>(shop: &mut Shop, command: &C)
where
    C: Command<Agent = InventoryAgent>,
{
    let known = shop.events().len();
    shop.turn_to(Principal::user("eve"));
    let refused = shop.ask(command).err();
    shop.turn_to(Principal::System);
    assert_eq!(refused, Some(InventoryRejection::NotStaff), "{}", C::NAME);
    assert_eq!(shop.events().len(), known, "{} records nothing", C::NAME);
}

/// Catches: a shelf that a stranger books empty or full, and a hold that they take from somebody else.
#[test]
fn what_lies_on_the_shelves_is_the_shops_to_say() {
    let mut shop = stocked(5);
    shop.ask(&reserve("ada", 2)).unwrap();
    refuses(&mut shop, &receive(1));
    refuses(&mut shop, &give_back(1, Condition::Resaleable));
    refuses(&mut shop, &count("main", 0));
    let lost = AdjustStock {
        sku: sku(),
        warehouse: warehouse("main"),
        adjustment: Adjustment::Lost(units(1)),
        reason: AdjustmentReason::Theft,
    };
    refuses(&mut shop, &lost);
    refuses(&mut shop, &reserve("eve", 3));
    refuses(&mut shop, &backorder("eve", 3));
    refuses(&mut shop, &hand_over("ada", "eve", 2));
    refuses(&mut shop, &confirm("ada"));
    refuses(&mut shop, &commit("ada"));
    refuses(&mut shop, &release("ada"));
    shop.ask(&commit("ada")).unwrap();
    refuses(&mut shop, &release("ada"));
    refuses(&mut shop, &ship("ada"));
    assert_eq!(levels(&mut shop).balances.committed, 2);
}

/// Catches: a stranger who has the shop buy, or puts down that a supplier delivered.
#[test]
fn what_is_bought_and_planned_is_the_shops_to_say() {
    let mut shop = stocked(5);
    let consider = ConsiderReorder {
        sku: sku(),
        waiting: 900,
    };
    refuses(&mut shop, &consider);
    let delivered = ReceivePurchaseOrder {
        sku: sku(),
        order: PurchaseOrderId::new("p-1").unwrap(),
        delivery: 1,
        quantity: units(1),
        arrived_at: NOW,
    };
    refuses(&mut shop, &delivered);
    refuses(&mut shop, &ReviseForecast { sku: sku() });
    refuses(&mut shop, &SweepHolds { sku: sku() });
}

/// Catches: what the shop knows of its suppliers, its plans and other people's holds, told to whoever asks;
/// and stock levels that a shopper cannot look at.
#[test]
fn a_shopper_sees_levels_and_no_books() {
    let mut shop = stocked(5);
    refuses(&mut shop, &ReportStock { sku: sku() });
    let holds = OpenReservations {
        sku: sku(),
        limit: 10,
    };
    refuses(&mut shop, &holds);
    refuses(&mut shop, &ForecastDemand { sku: sku() });
    shop.turn_to(Principal::user("eve"));
    assert_eq!(levels(&mut shop).available, 5);
}
