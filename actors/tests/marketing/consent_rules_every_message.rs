//! Consent: who gives it, when it is looked at, and what it covers.

use super::*;

#[test]
fn a_shopper_speaks_for_themselves_only() {
    let mut given = nothing();
    given.turn_to(Principal::user("C2"));
    assert_eq!(given.ask(&consent(true)), Err(MarketingRejection::NotYours));
    given.turn_to(Principal::user("C1"));
    assert_eq!(given.ask(&consent(true)), Ok(()));
    let unproven = RecordConsent {
        proof: " ".into(),
        ..consent(true)
    };
    assert_eq!(given.ask(&unproven), Err(MarketingRejection::NoProof));
}

/// Catches: an address that would outlive its customer's erasure.
#[test]
fn a_contact_that_is_sealed_for_another_person_is_refused() {
    let strange = RecordContact {
        email: email_of("C2"),
        ..contact()
    };
    let refused = nothing().ask(&strange);
    assert_eq!(refused, Err(MarketingRejection::SealedForAnother));
}

#[test]
fn consent_is_looked_at_when_sending_not_when_queueing() {
    let mut given = subscribed();
    let message = given.ask(&promotion(1, NOON.plus(DAY))).unwrap();
    given
        .ask(&Unsubscribe {
            customer: customer(),
        })
        .unwrap();
    let decision = given.ask(&decide(&message));
    assert_eq!(decision, Ok(SendDecision::Dropped(DropReason::NoConsent)));
}

#[test]
fn consent_withdrawn_while_the_gateway_failed_stops_the_next_try() {
    let mut given = subscribed();
    let message = given.ask(&promotion(1, NOON.plus(DAY))).unwrap();
    assert!(matches!(
        given.ask(&decide(&message)),
        Ok(SendDecision::Send { .. })
    ));
    assert!(matches!(
        given.ask(&decide(&message)),
        Ok(SendDecision::Send { .. })
    ));
    given.ask(&consent(false)).unwrap();
    let decision = given.ask(&decide(&message));
    assert_eq!(decision, Ok(SendDecision::Dropped(DropReason::NoConsent)));
}

#[test]
fn a_new_consent_does_not_revive_the_others() {
    let mut given = subscribed();
    given
        .ask(&Unsubscribe {
            customer: customer(),
        })
        .unwrap();
    let news = RecordConsent {
        purpose: Purpose::News,
        ..consent(true)
    };
    given.ask(&news).unwrap();
    let profile = given.ask(&profile()).unwrap();
    assert_eq!(profile.agreed, [(Channel::Email, Purpose::News)]);
}
