//! What a shopper starts reaches their own cart and their own order, and nobody else's.

use mercato_runtime::FlowType;

use super::town::ada;
use super::*;

const EVE: &str = "eve";

fn eve() -> Caller {
    Caller::new(Principal::user(EVE)).within(HOUR)
}

/// The checkout of a cart of Eve's for this order.
fn of_eve(town: &Town, order: &str) -> CheckoutRequest {
    let mut cart = Cart::new(CartId::new(order).unwrap(), CustomerId::new(EVE).unwrap());
    cart.add(CartLine {
        sku: sku("coffee"),
        quantity: Quantity::ONE,
        held: None,
    })
    .unwrap();
    town.request(cart, &Basket::of(&[]))
}

async fn check_out_by(
    town: &Town,
    caller: &Caller,
    flow: &str,
    request: CheckoutRequest,
) -> CheckoutError {
    let handle = town.runtime.handle();
    let id = FlowId::new(flow);
    match handle.run(caller, CHECKOUT, id, request).await {
        Err(RunError::Failed(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// An order of Ada's that came in without a flow, so that none of its name stands in the way.
async fn receive_for_ada(town: &Town) {
    let request = town.request(town.cart("o-1"), &Basket::of(&[]));
    let received = ReceiveOrder {
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
    town.ask(received).await.unwrap();
}

/// Catches: a checkout that names somebody else's order and, being refused, gives it up as its undo.
#[tokio::test(start_paused = true)]
async fn a_checkout_that_is_refused_leaves_a_strangers_order_alone() {
    let town = Town::open().await;
    receive_for_ada(&town).await;
    let refused = check_out_by(&town, &eve(), "o-1", of_eve(&town, "o-1")).await;
    let theirs = CheckoutError::Order(OrderRejection::AlreadyReceived);
    assert_eq!(refused, theirs);
    let view = town.view().await;
    assert_eq!((view.cancelled, view.phase), (None, OrderPhase::Received));
    town.close().await;
}

/// Catches: a checkout in somebody else's name, which is refused and gives that one's order up.
#[tokio::test(start_paused = true)]
async fn whoever_orders_as_somebody_else_gives_up_nothing() {
    let town = Town::open().await;
    receive_for_ada(&town).await;
    let theirs = town.request(town.cart("o-1"), &Basket::of(&[]));
    let refused = check_out_by(&town, &eve(), "o-1", theirs).await;
    let theirs = CheckoutError::Order(OrderRejection::AlreadyReceived);
    assert_eq!(refused, theirs);
    assert_eq!(town.view().await.cancelled, None);
    town.close().await;
}

/// Catches: an order whose name is that of a hold or a payment of another order: what it gives up is theirs.
#[tokio::test(start_paused = true)]
async fn an_order_has_no_name_of_a_part_of_another() {
    let town = Town::open().await;
    for name in ["o-1.t1", "o-1.c1", "o-1.b", "o-1.2"] {
        let refused = check_out_by(&town, &eve(), name, of_eve(&town, name)).await;
        let CheckoutError::Order(OrderRejection::Invalid { problems }) = refused else {
            panic!("{name}: {refused}");
        };
        assert_eq!(problems, [OrderProblem::NameOfAPart], "{name}");
    }
    for name in ["shop.north", "2026.x-1"] {
        let handle = town.runtime.handle();
        let id = FlowId::new(name);
        let placed = handle.run(&eve(), CHECKOUT, id, of_eve(&town, name)).await;
        assert!(placed.is_ok(), "{name}: {placed:?}");
    }
    town.close().await;
}

/// Catches: a cart that is named after somebody's order and, emptied, gives back what that order has.
#[tokio::test(start_paused = true)]
async fn a_cart_that_is_emptied_gives_back_nothing_of_an_order() {
    let town = Town::open().await;
    let placed = town.check_out(Basket::of(&[("tea", 2)])).await;
    placed.unwrap();
    // A cart that holds one of tea under its first name, which is its own: `o-1`.
    let elsewhere = Town::open().await;
    let of_eve = |name: &str| Cart::new(CartId::new(name).unwrap(), CustomerId::new(EVE).unwrap());
    let handle = elsewhere.runtime.handle();
    let empty = of_eve("o-1");
    let add = async |scope: &Scope| {
        add_to_cart(scope, &empty, sku("tea"), Quantity::ONE, Segment::Standard).await
    };
    let (crafted, _) = handle.serve(&eve(), add).await.unwrap();
    elsewhere.close().await;
    let handle = town.runtime.handle();
    let take_out = async |scope: &Scope| remove_from_cart(scope, &crafted, &sku("tea")).await;
    handle.serve(&eve(), take_out).await.unwrap();
    assert_eq!(town.balances("tea").await.available(), 18);
    let part = of_eve("o-1.t1");
    let add = async |scope: &Scope| {
        add_to_cart(scope, &part, sku("tea"), Quantity::ONE, Segment::Standard).await
    };
    let refused = handle.serve(&eve(), add).await;
    assert_eq!(refused.err(), Some(CartPricingError::NameOfAPart));
    town.close().await;
}

/// Catches: flows of the shop's own that a shopper starts, so that they fail and stand in the way of the
/// shop, or whose end tells of somebody else's order.
#[tokio::test(start_paused = true)]
async fn what_the_shop_starts_no_shopper_starts_or_joins() {
    let town = Town::open().await;
    let placed = town.check_out(Basket::of(&[("tea", 1)])).await;
    placed.unwrap();
    let handle = town.runtime.handle();
    let fulfil = || FulfilRequest { order: order() };
    let id = || FlowId::new("o-1");
    let early = handle.run(&eve(), FULFIL, id(), fulfil()).await;
    let refused = |ran: &RunError<_>| matches!(ran, RunError::Unserved(AskFailure::Invalid { reason }) if reason.contains("no user"));
    assert!(early.is_err_and(|ran| refused(&ran)));
    town.until(OrderPhase::Captured).await;
    let late = handle.run(&eve(), FULFIL, id(), fulfil()).await;
    assert!(late.is_err_and(|ran| refused(&ran)));
    town.close().await;
}

/// Catches: a second checkout of an order under another name, whose undo gives up what was placed.
#[tokio::test(start_paused = true)]
async fn a_checkout_has_the_name_of_its_order() {
    let town = Town::open().await;
    let placed = town.check_out(Basket::of(&[("tea", 1)])).await;
    placed.unwrap();
    for (caller, flow) in [(ada(), "another"), (eve(), "a-third")] {
        let refused = check_out_by(&town, &caller, flow, of_eve(&town, "o-1")).await;
        assert_eq!(refused, CheckoutError::Name(order()));
    }
    assert_eq!(town.view().await.cancelled, None);
    town.close().await;
}

/// Catches: a flow of before, which ends by another undo than it put down.
#[tokio::test(start_paused = true)]
async fn a_checkout_of_before_still_ends() {
    const BEFORE: FlowType<CheckoutRequest, CheckoutReceipt, CheckoutError> =
        FlowType::new("checkout", 5);
    let town = Town::open().await;
    let handle = town.runtime.handle();
    let mut request = of_eve(&town, "o-1");
    request.method = PaymentMethod::token(InProcessPayments::DECLINED);
    let ran = handle
        .run(&eve(), BEFORE, FlowId::new("o-1"), request)
        .await;
    let declined = matches!(
        ran,
        Err(RunError::Failed(CheckoutError::PaymentDeclined(_)))
    );
    assert!(declined, "{ran:?}");
    assert!(town.view().await.cancelled.is_some());
    town.close().await;
}

/// Catches: a cart that a stranger fills, empties or locks.
#[tokio::test(start_paused = true)]
async fn a_cart_is_filled_and_locked_by_its_customer() {
    let town = Town::open().await;
    let cart = town.cart("c-1");
    let handle = town.runtime.handle();
    let add = async |scope: &Scope| {
        add_to_cart(scope, &cart, sku("tea"), Quantity::ONE, Segment::Standard).await
    };
    let added = handle.serve(&eve(), add).await;
    assert_eq!(added.err(), Some(CartPricingError::NotYours));
    let (full, _) = handle.serve(&ada(), add).await.unwrap();
    let take_out = async |scope: &Scope| remove_from_cart(scope, &full, &sku("tea")).await;
    let taken = handle.serve(&eve(), take_out).await;
    assert_eq!(taken.err(), Some(CartPricingError::NotYours));
    let quote = QuoteId::new("q-1").unwrap();
    let lock =
        async |scope: &Scope| lock_cart(scope, &full, Segment::Standard, quote.clone()).await;
    let locked = handle.serve(&eve(), lock).await;
    assert_eq!(locked.err(), Some(CartPricingError::NotYours));
    assert_eq!(town.balances("tea").await.available(), 19);
    handle.serve(&ada(), lock).await.unwrap();
    let emptied = handle.serve(&ada(), take_out).await.unwrap();
    assert!(emptied.lines().is_empty());
    assert_eq!(town.balances("tea").await.available(), 20);
    town.close().await;
}

/// Catches: a shopper whose change is priced on the terms of a trade customer because they say so.
#[tokio::test(start_paused = true)]
async fn a_shopper_changes_an_order_on_the_terms_that_it_was_placed_on() {
    let mut differences = Vec::new();
    let begun = [
        (Segment::Standard, false),
        (Segment::Trade, false),
        (Segment::Trade, true),
    ];
    for (segment, is_begun) in begun {
        let town = Town::open().await;
        let placed = town.check_out(Basket::of(&[("tea", 1)])).await;
        placed.unwrap();
        if is_begun {
            // The shopper begins the change by hand, so that its flow finds the order in the middle of it.
            let begin = BeginChange {
                order: order(),
                revision: 1,
                change: "o-1/1".into(),
            };
            let handle = town.runtime.handle();
            handle.ask(&ada(), begin).await.unwrap();
        }
        let request = OrderChangeRequest {
            order: order(),
            revision: 1,
            lines: vec![OrderLine {
                sku: sku("tea"),
                quantity: Quantity::new(3).unwrap(),
            }],
            segment,
        };
        let (handle, id) = (town.runtime.handle(), FlowId::new("o-1/1"));
        let changed = handle.run(&ada(), ORDER_CHANGE, id, request).await;
        differences.push(changed.unwrap().difference);
        town.close().await;
    }
    assert_eq!(differences[1..], [differences[0]; 2]);
}
