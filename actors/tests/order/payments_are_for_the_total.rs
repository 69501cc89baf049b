//! Authorising, and an answer of the gateway that was lost.

use super::*;

#[test]
fn a_lost_payment_answer_is_a_state_that_is_resolved_either_way() {
    for (outcome, phase) in [
        (PaymentOutcome::Authorised(gbp(994)), OrderPhase::Authorised),
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
        desk.authorise(PaymentOutcome::Authorised(gbp(993))),
        Err(OrderRejection::AmountDiffers { total: gbp(994) })
    );
}
