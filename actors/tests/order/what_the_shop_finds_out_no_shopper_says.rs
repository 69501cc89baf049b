//! A shopper sees and moves their own order, and does not say what the shop alone can know.

use mercato_runtime::Command;

use super::*;

/// Asks as the order's own customer. Nothing is recorded, and the refusal says whose it is to say.
fn refuses<C>(desk: &mut Given<OrderAgent>, command: &C)
where
    C: Command<Agent = OrderAgent>,
{
    let known = desk.events().len();
    desk.turn_to(Principal::user("ada"));
    let refused = desk.ask(command).err();
    desk.turn_to(Principal::System);
    assert_eq!(refused, Some(OrderRejection::NotStaff), "{}", C::NAME);
    assert_eq!(desk.events().len(), known, "{} records nothing", C::NAME);
}

fn payment() -> PaymentId {
    (&order()).into()
}

fn part(minor: i64) -> MoneyPart {
    MoneyPart {
        payment: payment(),
        amount: gbp(minor),
    }
}

/// Catches: an order that its customer prices, pays in words, or has placed with stock that nobody holds.
#[test]
fn no_shopper_says_what_an_order_costs_or_that_it_is_paid() {
    let mut desk = received(&[("tea", 1)]);
    let now = desk.now();
    refuses(&mut desk, &price_at(vec![quote_of("tea", 1, 1, now)]));
    let total = desk.price(&[("tea", 333)]).unwrap().total;
    let paid = RecordAuthorisation {
        order: order(),
        payment: payment(),
        outcome: authorised(total),
    };
    refuses(&mut desk, &paid);
    let kind = PaymentNoticeKind::Authorised {
        amount: total,
        until: None,
    };
    let notice = PaymentNotice {
        payment: payment(),
        kind,
    };
    let told = RecordPaymentNotice {
        order: order(),
        notice,
    };
    refuses(&mut desk, &told);
    refuses(&mut desk, &ExpireUnpaid { order: order() });
    desk.ask(&paid).unwrap();
    let place = PlaceOrder {
        order: order(),
        holds: holds("o-1", &[("tea", 1)]),
    };
    refuses(&mut desk, &place);
    desk.ask(&place).unwrap();
    let begin = BeginChange {
        order: order(),
        revision: 1,
        change: "a".into(),
    };
    desk.turn_to(Principal::user("ada"));
    desk.ask(&begin).unwrap();
    let cheaper = ReviseOrder {
        order: order(),
        change: "a".into(),
        lines: order_lines(&[("tea", 2)]),
        quotes: vec![quote_of("tea", 2, 1, now)],
        holds: holds("o-1", &[("tea", 2)]),
        freed: Vec::new(),
        supplement: None,
        until: None,
    };
    refuses(&mut desk, &cheaper);
}

/// Catches: a parcel that is sent, paid or scanned because its customer says so.
#[test]
fn no_shopper_says_that_a_parcel_is_paid_or_has_left() {
    let (mut desk, priced) = placed(&[("tea", 2)], &[("tea", 1)]);
    refuses(&mut desk, &BeginFulfilment { order: order() });
    desk.ask(&BeginFulfilment { order: order() }).unwrap();
    let allocate = AllocateStock {
        order: order(),
        holds: holds("o-1.b", &[("tea", 1)]),
    };
    refuses(&mut desk, &allocate);
    let label = label_of(&desk.shown().planned[0]);
    refuses(&mut desk, &label);
    desk.ask(&label).unwrap();
    let capture = RecordCapture {
        order: order(),
        parcel: 1,
        parts: vec![part(priced.total.minor())],
    };
    refuses(&mut desk, &capture);
    desk.capture(1).unwrap();
    let dispatch = RecordDispatch {
        order: order(),
        parcel: 1,
    };
    refuses(&mut desk, &dispatch);
    desk.ask(&dispatch).unwrap();
    let scan = RecordTracking {
        order: order(),
        tracking: TrackingNumber::new("RR473124829GB").unwrap(),
        scan: TrackingScan {
            at: desk.now(),
            status: ParcelStatus::Delivered,
        },
    };
    refuses(&mut desk, &scan);
    let expire = ExpireAuthorisation {
        order: order(),
        payment: payment(),
    };
    refuses(&mut desk, &expire);
    let renew = RecordRenewal {
        order: order(),
        payment: part(1),
        until: None,
    };
    refuses(&mut desk, &renew);
}

/// Catches: real money for goods that their customer says have come back.
#[test]
fn no_shopper_inspects_their_own_return() {
    let (mut desk, _) = captured();
    desk.turn_to(Principal::user("ada"));
    let request = RequestReturn {
        order: order(),
        lines: order_lines(&[("tea", 1)]),
    };
    let due = desk.ask(&request).unwrap().refund;
    let inspect = InspectReturn {
        order: order(),
        findings: vec![ReturnFinding {
            sku: Sku::new("tea").unwrap(),
            resaleable: 1,
            damaged: 0,
        }],
    };
    refuses(&mut desk, &inspect);
    refuses(&mut desk, &RefuseReturn { order: order() });
    refuses(&mut desk, &LapseReturn { order: order() });
    let refund = RecordRefund {
        order: order(),
        parts: vec![part(due.minor())],
    };
    refuses(&mut desk, &refund);
    desk.turn_to(Principal::Operator("warehouse".into()));
    assert_eq!(desk.ask(&inspect), Ok(due));
    desk.ask(&refund).unwrap();
}

/// Catches: a shopper who gives an order up in the shop's words, so that its stock and its money are
/// taken for given back.
#[test]
fn a_shopper_gives_up_in_their_own_name_only() {
    let (mut desk, _) = placed(&[("tea", 2), ("coffee", 1)], &[("tea", 2), ("coffee", 1)]);
    for reason in [
        CancelReason::CheckoutFailed,
        CancelReason::Merchant,
        CancelReason::Unpaid,
        CancelReason::BackorderExpired,
        CancelReason::PaymentExpired,
    ] {
        refuses(
            &mut desk,
            &CancelOrder {
                order: order(),
                reason,
            },
        );
        let line = CancelLine {
            order: order(),
            sku: Sku::new("tea").unwrap(),
            reason,
        };
        refuses(&mut desk, &line);
    }
    desk.turn_to(Principal::user("ada"));
    let line = CancelLine {
        order: order(),
        sku: Sku::new("tea").unwrap(),
        reason: CancelReason::Customer,
    };
    assert_eq!(desk.ask(&line), Ok(2));
    assert_eq!(desk.ask(&cancel()), Ok(Cancelled::Cancelled));
}

/// Catches: a stranger who sends an order's own details again, and then is taken for its customer.
#[test]
fn a_strangers_order_is_not_received_again() {
    let mut desk = received(&[("tea", 1)]);
    let receive = ReceiveOrder {
        order: order(),
        details: details(&[("tea", 1)]),
    };
    desk.turn_to(Principal::user("eve"));
    assert_eq!(desk.ask(&receive), Err(OrderRejection::AlreadyReceived));
    desk.turn_to(Principal::user("ada"));
    assert_eq!(desk.ask(&receive), Ok(()));
}
