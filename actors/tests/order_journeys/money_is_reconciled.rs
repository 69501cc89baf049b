//! The reconciliation finds what does not agree.

use super::*;

/// Catches: a reconciliation that finds nothing because it looks at nothing.
#[tokio::test(start_paused = true)]
async fn what_the_books_disagree_on_is_listed() {
    let town = Town::open().await;
    let receipt = town.check_out(Basket::of(&[("tea", 1)])).await.unwrap();
    town.until(OrderPhase::Captured).await;
    assert_eq!(town.differences().await, []);

    // Somebody gives money back by hand, past the shop.
    let gateway = &town.payments.gateway;
    let by_hand = MovementRequest {
        payment: PaymentId::from(&order()),
        amount: gbp(100),
    };
    gateway.refund("by hand", &by_hand).await.unwrap();
    // And authorises money for an order that never was, and for one under another name.
    let authorise = |payment: &str, of: &str, supplements| AuthoriseRequest {
        payment: PaymentId::new(payment).unwrap(),
        order: OrderId::new(of).unwrap(),
        amount: gbp(500),
        method: PaymentMethod::token("tok"),
        supplements,
    };
    let nobodys = authorise("o-9", "o-9", None);
    gateway.authorise(&nobodys).await.unwrap();
    let ours = PaymentId::from(&order());
    let other = authorise("o-1.x", "o-1", Some(ours));
    gateway.authorise(&other).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        town.differences().await,
        [
            DifferenceKind::Amount {
                what: "refunded".into(),
                gateway: Some(gbp(100)),
                order: None,
            },
            DifferenceKind::NotOfThisOrder,
            DifferenceKind::NoOrder,
        ]
    );
    assert_eq!(town.view().await.captured, Some(receipt.priced.total));
    town.runtime.stop().await.unwrap();
}
