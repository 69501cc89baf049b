//! SPEC's first journey: recommendations, a cart with its total and its reservation, a checkout that
//! confirms what is held, a confirmation by mail, and the campaign that follows.

use super::town::ada;
use super::*;

/// What a shopper does at the shelf.
async fn add(town: &Town, cart: &Cart, name: &str, units: u32) -> (Cart, PricedCart) {
    let quantity = Quantity::new(units).unwrap();
    let handle = town.runtime.handle();
    let added = handle
        .serve(&ada(), async |scope| {
            add_to_cart(scope, cart, sku(name), quantity, Segment::Standard).await
        })
        .await;
    added.unwrap()
}

/// Catches: any arrow of the journey that leads nowhere, above all stock that is held by the checkout
/// only, or twice.
#[tokio::test(start_paused = true)]
async fn from_a_recommendation_to_the_mail_after_the_order() {
    let town = Town::open().await;
    let consent = RecordConsent {
        customer: CustomerId::new("ada").unwrap(),
        channel: Channel::Email,
        purpose: Purpose::FollowUp,
        granted: true,
        proof: "the box on the first page".into(),
    };
    town.ask(consent).await.unwrap();
    let browse = BrowseRequest {
        shopper: Some(CustomerId::new("ada").unwrap()),
        session: Vec::new(),
        situation: Situation::default(),
        shelf: Showcase::ForYou,
        limit: 3,
    };
    let handle = town.runtime.handle();
    let shown = handle
        .serve(&ada(), async |scope| recommend(scope, browse).await)
        .await
        .unwrap();
    let first = shown.items.first().unwrap().sku.clone();
    let name = first.as_str();

    let (cart, priced) = add(&town, &town.cart("o-1"), name, 2).await;
    let (cart, more) = add(&town, &cart, name, 1).await;
    assert!(more.total.unwrap().minor() > priced.total.unwrap().minor());
    // The stock is held from the cart on, the price as well.
    assert_eq!(town.balances(name).await.reserved, 3);
    assert_eq!(cart.holds().len(), 2);
    assert!(cart.lines().iter().all(|line| line.held.is_some()));

    let request = town.request(cart, &Basket::of(&[]));
    let receipt = town.run_checkout(request).await.unwrap();
    assert_eq!(town.balances(name).await.reserved, 3, "not held twice");
    let goods: i64 = receipt
        .priced
        .lines
        .iter()
        .map(|line| line.net.minor())
        .sum();
    assert_eq!(Some(gbp(goods)), more.total, "the price of the cart holds");
    town.until(OrderPhase::Captured).await;
    let stock = town.balances(name).await;
    assert_eq!((stock.reserved, stock.committed, stock.shipped), (0, 0, 3));

    tokio::time::sleep(HOUR * 4).await;
    let mails = town.mail.ledger();
    let keys: Vec<&str> = mails.iter().map(|mail| &*mail.key).collect();
    assert_eq!(keys, ["ada/confirmation/o-1", "ada/campaign/follow-up/o-1"]);
    town.close().await;
}

/// Catches: a checkout that fails because its cart's hold has lapsed, and one that sells what others
/// have bought meanwhile.
#[tokio::test(start_paused = true)]
async fn what_lapsed_in_the_cart_is_held_anew_or_refused() {
    let town = Town::open().await;
    let (cart, _) = add(&town, &town.cart("o-1"), "tea", 15).await;
    tokio::time::sleep(HOUR).await;
    assert_eq!(town.balances("tea").await.reserved, 0);
    let (other, _) = add(&town, &town.cart("o-2"), "tea", 6).await;
    let request = town.request(cart.clone(), &Basket::of(&[]));
    let refused = town.run_checkout(request).await.unwrap_err();
    assert!(matches!(
        refused,
        RunError::Failed(CheckoutError::Stock {
            rejection: InventoryRejection::OutOfStock { available: 14, .. },
            ..
        })
    ));
    // Six go back on the shelf, and then there are enough again.
    let handle = town.runtime.handle();
    let tea = sku("tea");
    let emptied = handle
        .serve(&ada(), async |scope| {
            remove_from_cart(scope, &other, &tea).await
        })
        .await
        .unwrap();
    assert!(emptied.lines().is_empty() && emptied.holds().is_empty());
    let again = Cart::new(CartId::new("o-3").unwrap(), cart.customer().clone());
    let (again, _) = add(&town, &again, "tea", 15).await;
    tokio::time::sleep(HOUR).await;
    let request = town.request(again, &Basket::of(&[]));
    town.run_checkout(request).await.unwrap();
    assert_eq!(town.balances("tea").await.reserved, 15);
    tokio::time::sleep(HOUR).await;
    assert_eq!(town.balances("tea").await.shipped, 15);
    town.close().await;
}

/// Catches: a cart that is left as it was not, where a line does not go in.
#[tokio::test(start_paused = true)]
async fn what_is_not_on_the_shelf_does_not_go_into_the_cart() {
    let town = Town::open().await;
    let handle = town.runtime.handle();
    let cart = town.cart("o-1");
    let much = Quantity::new(21).unwrap();
    let refused = handle
        .serve(&ada(), async |scope| {
            add_to_cart(scope, &cart, sku("tea"), much, Segment::Standard).await
        })
        .await;
    assert!(matches!(
        refused,
        Err(CartPricingError::Stock {
            rejection: InventoryRejection::OutOfStock { available: 20, .. },
            ..
        })
    ));
    assert_eq!(town.balances("tea").await.reserved, 0);
    town.close().await;
}
