//! Cancelling, and another address.

use super::*;

#[test]
fn cancelling_is_idempotent_and_ends_with_the_label() {
    let mut desk = received(&[("tea", 1)]);
    assert_eq!(desk.ask(&cancel()), Ok(Cancelled::Cancelled));
    assert_eq!(desk.ask(&cancel()), Ok(Cancelled::Cancelled));
    let (mut shipped, _) = captured();
    assert_eq!(
        shipped.ask(&cancel()),
        Err(OrderRejection::IllegalTransition {
            phase: OrderPhase::Captured,
            attempted: Transition::Cancel
        })
    );
}

#[test]
fn an_address_changes_within_its_country_until_the_label() {
    let mut desk = received(&[("tea", 1)]);
    desk.price(&[("tea", 333)]).unwrap();
    desk.authorise(PaymentOutcome::Authorised(gbp(994)))
        .unwrap();
    desk.ask(&PlaceOrder { order: order() }).unwrap();
    let change = |country| ChangeOrder {
        order: order(),
        address: address(country),
    };
    assert_eq!(
        desk.ask(&change("FR")),
        Err(OrderRejection::OtherJurisdiction)
    );
    let eligible = CheckModificationEligibility { order: order() };
    assert!(matches!(
        desk.ask(&eligible),
        Ok(Eligibility::Eligible { .. })
    ));
    desk.ask(&change("GB")).unwrap();
    desk.ask(&label()).unwrap();
    assert!(desk.ask(&change("GB")).is_err());
    assert!(matches!(
        desk.ask(&eligible),
        Ok(Eligibility::NotEligible { .. })
    ));
}
