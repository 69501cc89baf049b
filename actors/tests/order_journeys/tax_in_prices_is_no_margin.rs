//! Where prices hold their tax, the tax is not the shop's: its margin lies beside it.

use super::*;

/// Catches: a floor that is held against the price with its tax, so that what is left of it when the
/// tax is paid lies below cost and margin.
#[tokio::test(start_paused = true)]
async fn no_unit_is_sold_below_cost_and_margin_once_its_tax_is_paid() {
    let terms = |shop: &mut Shop| shop.order.price_terms = PriceTerms::TaxIncluded;
    let town = Town::open_with(terms, |gateway, _| gateway).await;
    let now = town.runtime.handle().clock().now();
    for (name, off) in [("modest", 4_000), ("deep", 5_800)] {
        let promote = StartPromotion {
            sku: sku("tea"),
            promotion: PromotionId::new(name).unwrap(),
            terms: PromotionTerms::share(BasisPoints::new(off), now, now.plus(HOUR)).stackable(),
        };
        // Whether it is refused or kept at the floor, the price must hold.
        drop(town.ask(promote).await);
    }
    let receipt = town.check_out(Basket::of(&[("tea", 1)])).await.unwrap();
    let line = &receipt.priced.lines[0];
    let left = line.gross().unwrap().minus(line.tax).unwrap();
    assert!(left.minor() >= 420, "{left} is left of {}", line.unit);
    town.until(OrderPhase::Captured).await;
    town.close().await;
}
