//! What an order must be, and who may see it.

use super::*;

#[test]
fn everything_wrong_with_an_order_is_said_at_once() {
    let mut desk = desk();
    desk.turn_to(Principal::user("eve"));
    let details = OrderDetails {
        address: address("KP"),
        method: PaymentMethod::token(" "),
        ..details(&[("tea", 10_001), ("tea", 1), ("cocoa", 1)])
    };
    let refused = desk.ask(&ReceiveOrder {
        order: order(),
        details,
    });
    let tea = Sku::new("tea").unwrap();
    assert_eq!(
        refused,
        Err(OrderRejection::Invalid {
            problems: vec![
                OrderProblem::TooManyUnits {
                    sku: tea.clone(),
                    max: 10_000
                },
                OrderProblem::DuplicateLine(tea),
                OrderProblem::UnknownProduct(Sku::new("cocoa").unwrap()),
                OrderProblem::OtherCustomer,
                OrderProblem::NotDelivered(Jurisdiction::new("KP").unwrap()),
                OrderProblem::PaymentMethod,
            ]
        })
    );
}

/// Catches: an order whose address would outlive its customer's erasure.
#[test]
fn what_is_sealed_for_another_person_is_refused() {
    let refused = |result| {
        let problems = vec![OrderProblem::SealedForAnother];
        assert_eq!(result, Err(OrderRejection::Invalid { problems }));
    };
    let right = || details(&[("tea", 1)]);
    for details in [
        OrderDetails {
            email: email_of("eve"),
            ..right()
        },
        OrderDetails {
            address: address_of("eve", "GB"),
            ..right()
        },
    ] {
        let order = order();
        refused(desk().ask(&ReceiveOrder { order, details }));
    }
    let (mut desk, _) = placed(&[("tea", 1)], &[("tea", 1)]);
    refused(desk.ask(&ChangeOrder {
        order: order(),
        address: address_of("eve", "GB"),
    }));
}

/// Catches: a placement that is received twice, and one that takes over another's name.
#[test]
fn the_same_placement_is_received_once_and_another_one_under_its_name_is_refused() {
    let mut desk = received(&[("tea", 1)]);
    let receive = |lines| ReceiveOrder {
        order: order(),
        details: details(lines),
    };
    desk.when(&receive(&[("tea", 1)]))
        .then_events(Vec::<OrderEvent>::new())
        .then_reply(&());
    desk.when(&receive(&[("tea", 2)]))
        .then_rejection(&OrderRejection::AlreadyReceived);
}

/// Catches: an order that waits for its payment for ever, and a placed one that is taken for unpaid.
#[test]
fn an_order_that_is_not_paid_in_time_is_given_up_and_a_placed_one_is_not() {
    let mut unpaid = received(&[("tea", 1)]);
    let expire = ExpireUnpaid { order: order() };
    unpaid.ask(&expire).unwrap();
    assert_eq!(unpaid.view().cancelled, Some(CancelReason::Unpaid));
    let (mut paid, _) = placed(&[("tea", 1)], &[("tea", 1)]);
    paid.when(&expire).then_events(Vec::<OrderEvent>::new());
    assert_eq!(paid.view().phase, OrderPhase::Placed);
}

#[test]
fn a_strangers_order_and_a_missing_one_get_the_same_answer() {
    let mut strange = received(&[("tea", 1)]);
    let mut missing = desk();
    let status = OrderStatus { order: order() };
    for desk in [&mut strange, &mut missing] {
        desk.turn_to(Principal::user("eve"));
        assert_eq!(desk.ask(&status), Err(OrderRejection::NotFound(order())));
        assert_eq!(desk.ask(&cancel()), Ok(Cancelled::NothingToCancel));
    }
    strange.turn_to(Principal::user("ada"));
    assert_eq!(strange.ask(&status).unwrap().phase, OrderPhase::Received);
}

#[test]
fn no_debug_text_shows_who_ordered() {
    let shown = format!("{:?}", details(&[("tea", 1)]));
    assert!(
        !shown.contains("ecret") && !shown.contains("Hidden"),
        "{shown}"
    );
}
