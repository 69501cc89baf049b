//! What is held under one name is handed to another, and to no second one.

use super::*;

/// Catches: two names that both get the one hold, and units that are held by nobody in between or by
/// both afterwards.
#[test]
fn of_two_who_ask_for_a_hold_the_first_one_gets_it() {
    let mut shop = stocked(1);
    shop.ask(&reserve("cart", 1)).unwrap();
    let confirmed = shop.ask(&hand_over("cart", "one", 1)).unwrap();
    assert_eq!(confirmed.quantity, units(1));
    shop.when(&hand_over("cart", "two", 1))
        .then_rejection(&InventoryRejection::ReservationReleased(hold("cart")));
    shop.when(&reserve("two", 1))
        .then_rejection(&InventoryRejection::OutOfStock {
            requested: 1,
            available: 0,
        });
    assert_eq!(levels(&mut shop).balances.reserved, 1);
    // It lapses no longer, and the cart has nothing to give back.
    shop.pass(DAY);
    assert_eq!(shop.ask(&release("cart")), Ok(Released::NothingToRelease));
    shop.ask(&commit("one")).unwrap();
    shop.ask(&ship("one")).unwrap();
    laws_hold(&mut shop).unwrap();
}

/// Catches: a request that comes again and is refused, or moves anything.
#[test]
fn handing_over_again_changes_nothing() {
    let mut shop = stocked(2);
    shop.ask(&reserve("cart", 2)).unwrap();
    shop.ask(&hand_over("cart", "order", 2)).unwrap();
    for step in [None, Some(false), Some(true)] {
        match step {
            None => {}
            Some(false) => drop(shop.ask(&commit("order")).unwrap()),
            Some(true) => drop(shop.ask(&ship("order")).unwrap()),
        }
        let recorded = shop.events().len();
        let again = shop.ask(&hand_over("cart", "order", 2));
        assert_eq!(again.map(|it| it.quantity), Ok(units(2)));
        assert_eq!(shop.events().len(), recorded);
    }
}

/// Catches: an order that was undone and gets its hold back by a request that comes late.
#[test]
fn what_was_given_back_is_not_handed_over_again() {
    let mut shop = stocked(1);
    shop.ask(&reserve("cart", 1)).unwrap();
    shop.ask(&hand_over("cart", "order", 1)).unwrap();
    shop.ask(&release("order")).unwrap();
    shop.when(&hand_over("cart", "order", 1))
        .then_rejection(&InventoryRejection::ReservationReleased(hold("order")));
    assert_eq!(levels(&mut shop).available, 1);
}

/// Catches: a hold that is taken from whoever confirmed it, one that lapsed, and other units than the
/// cart believes.
#[test]
fn only_what_is_still_held_and_nobody_s_is_handed_over() {
    let mut shop = stocked(5);
    shop.ask(&reserve("theirs", 1)).unwrap();
    shop.ask(&confirm("theirs")).unwrap();
    shop.when(&hand_over("theirs", "order", 1))
        .then_rejection(&InventoryRejection::ReservationTaken(hold("theirs")));
    shop.ask(&commit("theirs")).unwrap();
    shop.when(&hand_over("theirs", "order", 1))
        .then_rejection(&InventoryRejection::ReservationTaken(hold("theirs")));
    shop.ask(&reserve("cart", 2)).unwrap();
    shop.when(&hand_over("cart", "order", 3)).then_rejection(
        &InventoryRejection::ReservationDiffers {
            reservation: hold("cart"),
            held: 2,
        },
    );
    shop.pass(TTL);
    shop.when(&hand_over("cart", "order", 2))
        .then_rejection(&InventoryRejection::ReservationExpired(hold("cart")));
    shop.when(&hand_over("nobody", "order", 2))
        .then_rejection(&InventoryRejection::UnknownReservation(hold("nobody")));
}

/// Catches: a warehouse that forgets what it was to send, when the hold gets another name.
#[test]
fn from_where_it_is_sent_stays_decided() {
    let mut shop = stocked(2);
    shop.ask(&reserve("cart", 2)).unwrap();
    let source = SourceReservation {
        sku: sku(),
        reservation: hold("cart"),
        ship_to: Jurisdiction::GB,
    };
    shop.ask(&source).unwrap();
    shop.ask(&hand_over("cart", "order", 2)).unwrap();
    let allocated: i64 = shop
        .state()
        .shelves()
        .map(|(_, shelf)| shelf.allocated)
        .sum();
    assert_eq!(allocated, 2);
    laws_hold(&mut shop).unwrap();
}
