//! What becomes of a message that waits to be sent: it is held, sent once, or dropped for a reason.

use super::*;

#[test]
fn a_confirmation_is_sent_at_night_to_the_unsubscribed_and_once() {
    let mut given = nothing();
    given.pass(HOUR * 12);
    given
        .ask(&Unsubscribe {
            customer: customer(),
        })
        .unwrap();
    let message = given.ask(&confirmation()).unwrap();
    assert_eq!(given.ask(&confirmation()), Ok(message.clone()));
    assert!(matches!(
        given.ask(&decide(&message)),
        Ok(SendDecision::Send { .. })
    ));
    given.ask(&delivery(&message)).unwrap();
    given.ask(&delivery(&message)).unwrap();
    assert_eq!(given.ask(&decide(&message)), Ok(SendDecision::Finished));
    assert_eq!(given.ask(&confirmation()), Ok(message));
    let names: Vec<_> = given
        .events()
        .iter()
        .map(mercato_runtime::Event::name)
        .collect();
    assert_eq!(
        names,
        [
            "Unsubscribed",
            "ConfirmationQueued",
            "SendCleared",
            "MessageSent"
        ]
    );
}

#[test]
fn quiet_hours_hold_and_an_offer_that_is_over_is_dropped() {
    let mut given = subscribed();
    given.pass(HOUR * 10);
    let morning = NOON.plus(HOUR * 20);
    let kept = given.ask(&promotion(1, NOON.plus(DAY))).unwrap();
    assert_eq!(
        given.ask(&decide(&kept)),
        Ok(SendDecision::Hold { until: morning })
    );
    let brief = given.ask(&promotion(2, NOON.plus(HOUR * 12))).unwrap();
    let dropped = Ok(SendDecision::Dropped(DropReason::Expired));
    assert_eq!(given.ask(&decide(&brief)), dropped);
    given.pass(HOUR * 10);
    assert!(matches!(
        given.ask(&decide(&kept)),
        Ok(SendDecision::Send { .. })
    ));
}

#[test]
fn the_fourth_message_of_a_week_waits_for_the_first_to_be_a_week_old() {
    let mut given = subscribed();
    for occasion in 1..=3 {
        let message = given
            .ask(&promotion(occasion, NOON.plus(DAY * 30)))
            .unwrap();
        assert!(matches!(
            given.ask(&decide(&message)),
            Ok(SendDecision::Send { .. })
        ));
    }
    let fourth = given.ask(&promotion(4, NOON.plus(DAY * 30))).unwrap();
    let until = NOON.plus(DAY * 7);
    assert_eq!(
        given.ask(&decide(&fourth)),
        Ok(SendDecision::Hold { until })
    );
}

#[test]
fn what_is_paused_or_has_no_address_is_dropped() {
    let mut given = subscribed();
    let message = given.ask(&promotion(1, NOON.plus(DAY))).unwrap();
    let paused = DecideSend {
        promotion_paused: true,
        ..decide(&message)
    };
    let dropped = Ok(SendDecision::Dropped(DropReason::PromotionPaused));
    assert_eq!(given.ask(&paused), dropped);

    let mut given = nothing();
    given.ask(&consent(true)).unwrap();
    let message = given.ask(&promotion(1, NOON.plus(DAY))).unwrap();
    let dropped = Ok(SendDecision::Dropped(DropReason::NoAddress));
    assert_eq!(given.ask(&decide(&message)), dropped);
}

/// Catches: a message to an erased customer that is tried for ever, or counted as refused.
#[test]
fn a_message_to_the_erased_is_dropped_with_the_reason() {
    let mut given = subscribed();
    let message = given.ask(&promotion(1, NOON.plus(DAY))).unwrap();
    given.ask(&decide(&message)).unwrap();
    let erased = RecordDelivery {
        outcome: DeliveryOutcome::Erased,
        ..delivery(&message)
    };
    given.ask(&erased).unwrap();
    let dropped = given.events().last().cloned();
    let expected = MessageDropped {
        message: message.clone(),
        reason: DropReason::Erased,
    };
    assert_eq!(dropped, Some(expected.into()));
    assert_eq!(given.ask(&decide(&message)), Ok(SendDecision::Finished));
}
