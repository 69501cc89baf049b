//! Authorising, and an answer of the gateway that was lost.

use super::*;

#[test]
fn a_lost_payment_answer_is_a_state_that_is_resolved_either_way() {
    for (outcome, phase) in [
        (authorised(gbp(994)), OrderPhase::Authorised),
        (
            PaymentOutcome::Declined(DeclineReason::Issuer),
            OrderPhase::PaymentDeclined,
        ),
    ] {
        let mut desk = received(&[("tea", 1)]);
        assert_eq!(desk.price(&[("tea", 333)]).unwrap().total, gbp(994));
        desk.authorise(PaymentOutcome::Unknown).unwrap();
        assert_eq!(desk.state().phase(), Some(OrderPhase::PaymentUnknown));
        desk.authorise(outcome).unwrap();
        assert_eq!(desk.state().phase(), Some(phase));
    }
}

#[test]
fn only_the_total_is_authorised() {
    let mut desk = received(&[("tea", 1)]);
    desk.price(&[("tea", 333)]).unwrap();
    assert_eq!(
        desk.authorise(authorised(gbp(993))),
        Err(OrderRejection::AmountDiffers { total: gbp(994) })
    );
}

/// Catches: a notice of the gateway that charges, cancels or crashes anything when it comes twice, late
/// or before the answer that it is about.
#[test]
fn what_the_gateway_tells_by_itself_counts_once_whenever_it_comes() {
    let tell = |minor| RecordPaymentNotice {
        order: order(),
        notice: PaymentNotice {
            payment: (&order()).into(),
            kind: PaymentNoticeKind::Authorised {
                amount: gbp(minor),
                until: None,
            },
        },
    };
    let mut desk = received(&[("tea", 1)]);
    desk.price(&[("tea", 333)]).unwrap();
    desk.authorise(PaymentOutcome::Unknown).unwrap();
    // Before the flow has asked what became of the payment.
    assert_eq!(desk.ask(&tell(994)), Ok(PaymentNoticeOutcome::Recorded));
    assert_eq!(desk.ask(&tell(994)), Ok(PaymentNoticeOutcome::AlreadyKnown));
    desk.authorise(PaymentOutcome::Unknown).unwrap();
    desk.authorise(authorised(gbp(994))).unwrap();
    assert_eq!(desk.state().phase(), Some(OrderPhase::Authorised));
    assert_eq!(desk.state().payments().len(), 1);
    assert!(desk.ask(&tell(995)).is_err());

    let mut cancelled = received(&[("tea", 1)]);
    cancelled.price(&[("tea", 333)]).unwrap();
    cancelled.ask(&cancel()).unwrap();
    assert_eq!(cancelled.ask(&tell(994)), Ok(PaymentNoticeOutcome::Late));
    let stranger = RecordPaymentNotice {
        order: order(),
        notice: PaymentNotice {
            payment: PaymentId::new("another").unwrap(),
            kind: PaymentNoticeKind::Declined(DeclineReason::Issuer),
        },
    };
    assert!(matches!(
        cancelled.ask(&stranger),
        Err(OrderRejection::UnknownPayment(_))
    ));
}
