//! What follows low stock, arrow by arrow: the order pipeline, and what is not recommended any more.

use super::town::ada;
use super::*;

/// A town that buys by the unit, whose supplier takes a quarter of a year, and where a count has found
/// four teas: what that called for is bought, and on its way.
async fn short_of_tea() -> Town {
    let supplier = SupplierHabits::punctual(HOUR * 24 * 90);
    let by_the_unit = |shop: &mut Shop| {
        shop.inventory.pack_size = std::num::NonZeroU32::MIN;
        shop.inventory.order_min = 0;
    };
    let town = Town::open_beside(supplier, by_the_unit, |gateway, _| gateway).await;
    town.count("tea", 4).await;
    tokio::time::sleep(HOUR).await;
    assert!(town.balances("tea").await.incoming > 0);
    town
}

/// Looks once more at the product, as on an alert, and finds these units in the pipeline and more to be
/// bought. Every unit that customers wait for is ordered ahead by now, so the position is what is on its
/// way less those.
async fn sees(town: &Town, pipeline: u64) {
    let before = town.balances("tea").await;
    assert_eq!(before.available(), 0);
    let request = LowStockRequest { sku: sku("tea") };
    let (handle, caller) = (town.runtime.handle(), Caller::system());
    let ran = handle.run(&caller, LOW_STOCK, FlowId::new("again"), request);
    let seen = ran.await.unwrap();
    assert_eq!(seen.pipeline, pipeline);
    let ReorderStatus::Raised { quantity, .. } = seen.reorder else {
        panic!("more is needed: {:?}", seen.reorder);
    };
    let up_to = i64::try_from(seen.forecast.order_up_to).unwrap();
    let position = up_to - i64::from(quantity.get());
    assert_eq!(position, before.incoming - before.backordered);
}

fn waits<'a>(lines: &'a [(&'a str, u32)]) -> Basket<'a> {
    Basket {
        backorder: BackorderChoice::Accepted,
        ..Basket::of(lines)
    }
}

/// Catches: an order that is looked for under the name of one of its holds, found nowhere, and missing
/// from the pipeline with all that it waits for.
#[tokio::test(start_paused = true)]
async fn the_pipeline_has_all_of_an_order_from_a_cart() {
    let town = short_of_tea().await;
    let (handle, caller) = (town.runtime.handle(), ada());
    let mut cart = town.cart("o-1");
    for units in [1, 2] {
        let added = handle.serve(&caller, async |scope| {
            let quantity = Quantity::new(units).unwrap();
            add_to_cart(scope, &cart, sku("tea"), quantity, Segment::Standard).await
        });
        cart = added.await.unwrap().0;
    }
    // More than the cart holds, and more than there is.
    let more = CartLine {
        sku: sku("tea"),
        quantity: Quantity::new(20).unwrap(),
        held: None,
    };
    cart.add(more).unwrap();
    town.run_checkout(town.request(cart, &waits(&[])))
        .await
        .unwrap();
    let held = town.view().await.holds;
    let mut names: Vec<_> = held.iter().map(|hold| hold.reservation.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["o-1.h", "o-1.t1", "o-1.t2"]);
    assert_eq!(town.balances("tea").await.backordered, 19);
    sees(&town, 23).await;
    drop(handle);
    town.runtime.stop().await.unwrap();
}

/// Catches: units on backorder that count twice, as waiting and as ordered ahead, and are bought twice.
#[tokio::test(start_paused = true)]
async fn what_is_ordered_ahead_counts_once() {
    let town = short_of_tea().await;
    town.check_out(waits(&[("tea", 23)])).await.unwrap();
    assert_eq!(town.view().await.holds[0].reservation.as_str(), "o-1");
    sees(&town, 23).await;
    town.runtime.stop().await.unwrap();
}

async fn recommended(town: &Town) -> Vec<String> {
    let browse = BrowseRequest {
        shopper: Some(CustomerId::new("ada").unwrap()),
        session: Vec::new(),
        situation: Situation::default(),
        shelf: Showcase::ForYou,
        limit: 4,
    };
    let (handle, caller) = (town.runtime.handle(), ada());
    let shown = handle.serve(&caller, async |scope| recommend(scope, browse).await);
    let items = shown.await.unwrap().items.into_iter();
    items.map(|item| item.sku.to_string()).collect()
}

/// Catches: a product that is still recommended when it is nearly gone, and one that never is again.
#[tokio::test(start_paused = true)]
async fn a_product_that_is_low_is_not_recommended_until_more_arrives() {
    let town = Town::open().await;
    let shows = async || recommended(&town).await.contains(&"coffee".to_owned());
    assert!(shows().await);
    town.count("coffee", 4).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    // Four are there to be sold, and still it is not shown.
    assert_eq!(town.balances("coffee").await.available(), 4);
    assert!(!shows().await);
    let ask = ShowPromotions { sku: sku("coffee") };
    let strategy = town.ask(ask).await.unwrap();
    assert!(strategy.paused.is_some() && strategy.reorder.is_some());
    tokio::time::sleep(HOUR * 24 * 4).await;
    assert!(town.balances("coffee").await.available() > 5);
    assert!(shows().await);
    town.close().await;
}
