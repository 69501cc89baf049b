//! One cart under two order names: each order holds its own, and takes nothing from the other.

use mercato_runtime::FlowType;

use super::town::ada;
use super::*;

/// The checkout as it was while an order kept what it took over under the cart's name.
const KEEPS_THE_NAME: FlowType<CheckoutRequest, CheckoutReceipt, CheckoutError> =
    FlowType::new("checkout", 4);

fn named(name: &str) -> OrderId {
    OrderId::new(name).unwrap()
}

/// A town with so much tea that nobody holds.
async fn town_with_tea(units: u32) -> Town {
    let town = Town::open().await;
    let gone = ReserveStock {
        sku: sku("tea"),
        reservation: ReservationId::new("gone").unwrap(),
        quantity: Quantity::new(20 - units).unwrap(),
        ttl: HOUR * 20,
    };
    town.ask(gone).await.unwrap();
    town
}

/// The cart `c-1` with one unit of tea that is held for it.
async fn cart_that_holds(town: &Town) -> Cart {
    let cart = town.cart("c-1");
    let handle = town.runtime.handle();
    let added = handle
        .serve(&ada(), async |scope| {
            add_to_cart(scope, &cart, sku("tea"), Quantity::ONE, Segment::Standard).await
        })
        .await;
    added.unwrap().0
}

fn request(town: &Town, order: &str, cart: &Cart, token: &'static str) -> CheckoutRequest {
    let basket = Basket {
        token,
        ..Basket::of(&[])
    };
    CheckoutRequest {
        order: named(order),
        ..town.request(cart.clone(), &basket)
    }
}

async fn holds_of(town: &Town, order: &str) -> Vec<StockHold> {
    let order = named(order);
    town.ask(ShowFulfilment { order }).await.unwrap().holds
}

fn is_out_of_stock<T>(checked_out: &Result<T, RunError<CheckoutError>>) -> bool {
    matches!(
        checked_out,
        Err(RunError::Failed(CheckoutError::Stock {
            rejection: InventoryRejection::OutOfStock { .. },
            ..
        }))
    )
}

/// Catches: two orders that point at the one hold of their cart, so that both are paid and sent.
#[tokio::test(start_paused = true)]
async fn the_last_unit_in_a_cart_is_sold_under_one_order_name() {
    let town = town_with_tea(1).await;
    let cart = cart_that_holds(&town).await;
    let first = town.run_checkout(request(&town, "o-1", &cart, "tok")).await;
    first.unwrap();
    let second = town.run_checkout(request(&town, "o-2", &cart, "tok")).await;
    assert!(is_out_of_stock(&second));
    town.until(OrderPhase::Captured).await;
    let tea = town.balances("tea").await;
    assert_eq!((tea.on_hand, tea.shipped, tea.committed), (19, 1, 0));
    let captured = town.records().into_values();
    assert_eq!(captured.filter(|it| it.captured.is_some()).count(), 1);
    town.close().await;
}

/// Catches: a second order that is refused although there is more than its cart once held.
#[tokio::test(start_paused = true)]
async fn a_second_order_of_a_cart_holds_anew() {
    let town = town_with_tea(2).await;
    let cart = cart_that_holds(&town).await;
    for order in ["o-1", "o-2"] {
        let placed = town.run_checkout(request(&town, order, &cart, "tok")).await;
        placed.unwrap();
    }
    let [one, other] = [holds_of(&town, "o-1").await, holds_of(&town, "o-2").await];
    assert_ne!(one[0].reservation, other[0].reservation);
    assert_eq!(town.balances("tea").await.available(), 0);
    town.until(OrderPhase::Captured).await;
    assert_eq!(town.balances("tea").await.shipped, 2);
    town.close().await;
}

/// Catches: an undo that gives back by the cart's name what another order of the cart took.
#[tokio::test(start_paused = true)]
async fn a_declined_checkout_of_a_cart_leaves_the_placed_order_its_stock() {
    // Where there is one, the second order is refused; where there are two, it comes to its payment.
    for units in [1, 2] {
        let town = town_with_tea(units).await;
        let cart = cart_that_holds(&town).await;
        let placing = town.run_checkout(request(&town, "o-1", &cart, "tok"));
        let declined = town.run_checkout(request(&town, "o-2", &cart, InProcessPayments::DECLINED));
        let (placed, declined) = futures::join!(placing, declined);
        placed.unwrap();
        assert_eq!(is_out_of_stock(&declined), units == 1);
        let tea = town.balances("tea").await;
        assert_eq!(tea.available(), i64::from(units) - 1);
        town.until(OrderPhase::Captured).await;
        let tea = town.balances("tea").await;
        assert_eq!((tea.shipped, tea.available()), (1, i64::from(units) - 1));
        town.close().await;
    }
}

/// Catches: a cart that is emptied after its checkout and takes the order's stock with it.
#[tokio::test(start_paused = true)]
async fn a_cart_that_is_emptied_leaves_its_order_alone() {
    let town = town_with_tea(1).await;
    let cart = cart_that_holds(&town).await;
    let placed = town.run_checkout(request(&town, "o-1", &cart, "tok")).await;
    placed.unwrap();
    let handle = town.runtime.handle();
    let emptied = handle
        .serve(&ada(), async |scope| {
            remove_from_cart(scope, &cart, &sku("tea")).await
        })
        .await;
    assert_eq!(emptied.unwrap().holds(), []);
    assert_eq!(town.balances("tea").await.available(), 0);
    town.until(OrderPhase::Captured).await;
    town.close().await;
}

/// Catches: a checkout that began before, and is led by the steps of today; and one of today that
/// takes from it what it has confirmed.
#[tokio::test(start_paused = true)]
async fn a_checkout_that_began_before_ends_as_it_began() {
    let town = town_with_tea(1).await;
    let cart = cart_that_holds(&town).await;
    let handle = town.runtime.handle();
    let before = request(&town, "o-1", &cart, "tok");
    let placed = handle
        .run(&ada(), KEEPS_THE_NAME, FlowId::new("o-1"), before)
        .await;
    placed.unwrap();
    let holds = holds_of(&town, "o-1").await;
    assert_eq!(holds[0].reservation.as_str(), "c-1");
    let second = town.run_checkout(request(&town, "o-2", &cart, "tok")).await;
    assert!(is_out_of_stock(&second));
    town.until(OrderPhase::Captured).await;
    town.close().await;
}
