//! From a cart to a parcel, and back; or nothing at all.

use super::gateway::Call;
use super::town::warehouse;
use super::*;

#[tokio::test(start_paused = true)]
async fn a_checkout_ends_with_a_parcel_and_the_money() {
    let town = Town::open().await;
    let receipt = town
        .check_out(Basket::of(&[("tea", 2), ("coffee", 1)]))
        .await
        .unwrap();
    let view = town.until(OrderPhase::Captured).await;
    assert!(view.tracking.is_some());
    assert_eq!(view.captured, Some(receipt.priced.total));
    let paid = town.payment().unwrap();
    assert_eq!(paid.captured, Some(receipt.priced.total));
    let tea = town.balances("tea").await;
    assert_eq!((tea.on_hand, tea.shipped, tea.reserved), (18, 2, 0));

    let request = ReturnRequest {
        order: order(),
        lines: view.lines,
        found: Inspection::Goods(Condition::Resaleable),
    };
    let handle = town.runtime.handle();
    let caller = Caller::system();
    let outcome = handle
        .run(&caller, RETURN, FlowId::new("r-1"), request)
        .await;
    assert_eq!(outcome, Ok(ReturnOutcome::Refunded(receipt.priced.total)));
    assert_eq!(town.payment().unwrap().refunded, Some(receipt.priced.total));
    town.until(OrderPhase::Refunded).await;
    assert_eq!(town.balances("tea").await.on_hand, 20);
    town.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_declined_payment_gives_everything_back() {
    let town = Town::open().await;
    let basket = Basket {
        token: InProcessPayments::DECLINED,
        ..Basket::of(&[("tea", 2), ("coffee", 1)])
    };
    assert_eq!(
        town.check_out(basket).await.unwrap_err(),
        RunError::Failed(CheckoutError::PaymentDeclined(DeclineReason::Issuer))
    );
    let view = town.until(OrderPhase::Cancelled).await;
    assert_eq!(view.cancelled, Some(CancelReason::CheckoutFailed));
    assert_eq!(town.balances("tea").await.reserved, 0);
    assert_eq!(town.balances("coffee").await.reserved, 0);
    town.close().await;
}

#[tokio::test(start_paused = true)]
async fn one_line_out_of_stock_releases_the_others() {
    let town = Town::open().await;
    let refused = town
        .check_out(Basket::of(&[("tea", 2), ("coffee", 21)]))
        .await;
    assert!(matches!(
        refused.unwrap_err(),
        RunError::Failed(CheckoutError::Stock {
            rejection: InventoryRejection::OutOfStock { available: 20, .. },
            ..
        })
    ));
    town.until(OrderPhase::Cancelled).await;
    assert_eq!(town.balances("tea").await.reserved, 0);
    assert_eq!(town.payment().map(|record| record.authorised), None);
    town.close().await;
}

#[tokio::test(start_paused = true)]
async fn lost_answers_are_looked_up_and_money_moves_once() {
    let town = Town::open().await;
    town.payments.lose(Call::Authorise);
    town.payments.lose(Call::Capture);
    let receipt = town.check_out(Basket::of(&[("tea", 1)])).await.unwrap();
    let view = town.until(OrderPhase::Captured).await;
    assert_eq!(view.captured, Some(receipt.priced.total));
    assert_eq!(town.payment().unwrap().captured, Some(receipt.priced.total));
    town.payments.lose(Call::Refund);
    let request = ReturnRequest {
        order: order(),
        lines: view.lines,
        found: Inspection::Goods(Condition::Damaged),
    };
    let handle = town.runtime.handle();
    let id = FlowId::new("r-1");
    let caller = warehouse();
    let returned = handle.run(&caller, RETURN, id, request);
    returned.await.unwrap();
    assert_eq!(town.payment().unwrap().refunded, Some(receipt.priced.total));
    town.close().await;
}

/// Catches: a second charge for a request that comes again, and an answer of one request to another.
#[tokio::test(start_paused = true)]
async fn the_same_placement_gets_the_first_answer_and_another_one_is_refused() {
    let town = Town::open().await;
    let first = town.check_out(Basket::of(&[("tea", 1)])).await.unwrap();
    let again = town.check_out(Basket::of(&[("tea", 1)])).await.unwrap();
    assert_eq!(first, again);
    let other = town.check_out(Basket::of(&[("tea", 2)])).await;
    assert_eq!(other.unwrap_err(), RunError::Unserved(AskFailure::IdReused));
    town.until(OrderPhase::Captured).await;
    assert_eq!(town.records().len(), 1);
    assert_eq!(town.balances("tea").await.shipped, 1);
    town.close().await;
}

/// Catches: a parcel that leaves while the customer's cancellation is on its way, and money or stock
/// that a cancelled order keeps.
#[tokio::test(start_paused = true)]
async fn until_it_is_packed_an_order_is_cancelled_and_gives_everything_back() {
    let town = Town::open().await;
    town.check_out(Basket::of(&[("tea", 2)])).await.unwrap();
    let cancel = CancelOrder {
        order: order(),
        reason: CancelReason::Customer,
    };
    town.ask(cancel).await.unwrap();
    tokio::time::sleep(HOUR).await;
    let tea = town.balances("tea").await;
    assert_eq!((tea.reserved, tea.committed, tea.shipped), (0, 0, 0));
    let payment = town.payment().unwrap();
    assert!(payment.voided && payment.captured.is_none());
    town.close().await;
}

/// Catches: a cancelled line that is sent, taken for, or held, and one that drags others with it.
#[tokio::test(start_paused = true)]
async fn a_cancelled_line_gives_its_stock_back_and_the_rest_is_sent() {
    let town = Town::open().await;
    let receipt = town
        .check_out(Basket::of(&[("tea", 2), ("coffee", 1)]))
        .await
        .unwrap();
    let cancel = CancelLine {
        order: order(),
        sku: sku("tea"),
        reason: CancelReason::Customer,
    };
    assert_eq!(town.ask(cancel).await, Ok(2));
    let view = town.until(OrderPhase::Captured).await;
    let tea = receipt.priced.line(&sku("tea")).unwrap().gross().unwrap();
    let kept = receipt.priced.total.minus(tea).unwrap();
    assert_eq!(view.captured, Some(kept));
    let payment = town.payment().unwrap();
    assert_eq!((payment.captured, payment.voided), (Some(kept), true));
    let tea = town.balances("tea").await;
    assert_eq!((tea.on_hand, tea.reserved, tea.committed), (20, 0, 0));
    town.close().await;
}

/// Catches: an order that waits for ever for a checkout that never comes to its end.
#[tokio::test(start_paused = true)]
async fn an_order_that_nobody_pays_ends_by_itself() {
    let town = Town::open().await;
    let request = town.request(town.cart("o-1"), &Basket::of(&[]));
    let receive = ReceiveOrder {
        order: order(),
        details: OrderDetails {
            customer: CustomerId::new("ada").unwrap(),
            email: request.email,
            lines: vec![OrderLine {
                sku: sku("tea"),
                quantity: Quantity::ONE,
            }],
            address: request.address,
            method: request.method,
        },
    };
    town.ask(receive).await.unwrap();
    tokio::time::sleep(HOUR / 4).await;
    assert_eq!(town.view().await.phase, OrderPhase::Received);
    tokio::time::sleep(HOUR).await;
    assert_eq!(town.view().await.cancelled, Some(CancelReason::Unpaid));
    town.close().await;
}

#[tokio::test(start_paused = true)]
async fn low_stock_raises_the_price_until_more_arrives() {
    let town = Town::open().await;
    town.check_out(Basket::of(&[("tea", 16)])).await.unwrap();
    town.until(OrderPhase::Captured).await;
    let price = async || {
        let quote = QuotePrice {
            sku: sku("tea"),
            segment: Segment::Standard,
            held: None,
        };
        town.ask(quote).await.unwrap().unit.minor()
    };
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(price().await, 1_050);
    assert!(town.balances("tea").await.incoming > 0);
    tokio::time::sleep(HOUR * 24 * 60).await;
    assert_eq!(price().await, 1_000);
    assert!(town.balances("tea").await.available() > 5);
    town.close().await;
}

/// Catches: stock that stays held under the name of an order that was given up before it was placed.
#[tokio::test(start_paused = true)]
async fn an_order_that_is_given_up_before_it_is_placed_holds_nothing_under_its_own_name() {
    let town = Town::open().await;
    let quantity = Quantity::new(2).unwrap();
    let reserve = ReserveStock {
        sku: sku("tea"),
        reservation: ReservationId::from(&order()),
        quantity,
        ttl: HOUR,
    };
    town.ask(reserve).await.unwrap();
    let request = town.request(town.cart("o-1"), &Basket::of(&[]));
    let receive = ReceiveOrder {
        order: order(),
        details: OrderDetails {
            customer: CustomerId::new("ada").unwrap(),
            email: request.email,
            lines: vec![OrderLine {
                sku: sku("tea"),
                quantity,
            }],
            address: request.address,
            method: request.method,
        },
    };
    town.ask(receive).await.unwrap();
    assert_eq!(town.balances("tea").await.reserved, 2);
    let cancel = CancelOrder {
        order: order(),
        reason: CancelReason::Customer,
    };
    town.ask(cancel).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(town.balances("tea").await.reserved, 0);
    town.close().await;
}
