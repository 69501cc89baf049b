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
            "PurchaseNoted",
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

/// Catches: a cap that counts from when messages were cleared and not from when they were sent, so that
/// what a gateway took late comes too soon after it.
#[test]
fn a_message_counts_under_the_cap_from_when_it_was_sent() {
    let mut given = subscribed();
    let mut sent = Vec::new();
    for occasion in 1..=3 {
        let message = given
            .ask(&promotion(occasion, NOON.plus(DAY * 30)))
            .unwrap();
        given.ask(&decide(&message)).unwrap();
        sent.push(message);
    }
    given.pass(HOUR);
    // One that is on its way counts as if it arrived now.
    let fourth = given.ask(&promotion(4, NOON.plus(DAY * 30))).unwrap();
    let until = NOON.plus(DAY * 7 + HOUR);
    let held = Ok(SendDecision::Hold { until });
    assert_eq!(given.ask(&decide(&fourth)), held);
    for message in &sent {
        given.ask(&delivery(message)).unwrap();
    }
    given.pass(HOUR);
    assert_eq!(given.ask(&decide(&fourth)), held);
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

    let message = given.ask(&promotion(2, NOON.plus(DAY))).unwrap();
    let gone = DecideSend {
        out_of_stock: true,
        ..decide(&message)
    };
    let dropped = Ok(SendDecision::Dropped(DropReason::OutOfStock));
    assert_eq!(given.ask(&gone), dropped);

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

/// Catches: a retry that goes out at night because its place under the cap was taken by day.
#[test]
fn a_delivery_that_is_tried_again_keeps_to_the_quiet_hours() {
    let mut given = subscribed();
    let message = given.ask(&promotion(1, NOON.plus(DAY * 3))).unwrap();
    let Ok(SendDecision::Send { until, .. }) = given.ask(&decide(&message)) else {
        panic!("it is noon");
    };
    assert_eq!(until, Some(NOON.plus(Duration::from_secs(15 * 60))));
    given.pass(HOUR * 10);
    let morning = NOON.plus(HOUR * 20);
    let held = Ok(SendDecision::Hold { until: morning });
    assert_eq!(given.ask(&decide(&message)), held);
    given.pass(HOUR * 10);
    assert!(matches!(
        given.ask(&decide(&message)),
        Ok(SendDecision::Send { .. })
    ));
    // It has its place under the cap once, however often it is tried.
    let cleared = |event: &MarketingEvent| matches!(event, MarketingEvent::SendCleared(_));
    assert_eq!(given.count(cleared), 1);
}

/// Catches: a clearance that reaches into the night.
#[test]
fn a_clearance_ends_when_the_night_begins() {
    let mut given = subscribed();
    given.pass(HOUR * 9 - Duration::from_secs(60));
    let message = given.ask(&promotion(1, NOON.plus(DAY * 3))).unwrap();
    let Ok(SendDecision::Send { until, .. }) = given.ask(&decide(&message)) else {
        panic!("it is a minute to nine");
    };
    assert_eq!(until, Some(NOON.plus(HOUR * 9)));
}

/// Catches: the shop's clock in place of the customer's.
#[test]
fn the_shops_quiet_hours_go_by_the_customers_clock() {
    let mut given = subscribed();
    let zone = TimeZoneName::new("Asia/Tokyo").unwrap();
    let customer = customer();
    given.ask(&SetZone { customer, zone }).unwrap();
    // Noon in UTC is nine in the evening there; eight in the morning is eleven hours away.
    let message = given.ask(&promotion(1, NOON.plus(DAY))).unwrap();
    let until = NOON.plus(HOUR * 11);
    assert_eq!(
        given.ask(&decide(&message)),
        Ok(SendDecision::Hold { until })
    );
}

/// Catches: mail that offers somebody what they bought yesterday.
#[test]
fn what_was_just_bought_is_not_promoted() {
    let mut given = subscribed();
    given.ask(&confirmation()).unwrap();
    let about = |occasion, sku| QueuePromotion {
        promotes: Some(Sku::new(sku).unwrap()),
        ..promotion(occasion, NOON.plus(DAY * 90))
    };
    let bought = given.ask(&about(1, "S1")).unwrap();
    let other = given.ask(&about(2, "S2")).unwrap();
    let later = given.ask(&about(3, "S1")).unwrap();
    let dropped = Ok(SendDecision::Dropped(DropReason::JustBought));
    assert_eq!(given.ask(&decide(&bought)), dropped);
    assert!(matches!(
        given.ask(&decide(&other)),
        Ok(SendDecision::Send { .. })
    ));
    given.pass(DAY * 30);
    assert!(matches!(
        given.ask(&decide(&later)),
        Ok(SendDecision::Send { .. })
    ));
}

/// Catches: an offer to somebody who waits for an apology.
#[test]
fn nothing_is_promoted_while_a_complaint_is_open() {
    let mut given = subscribed();
    let complaint = |open| NoteComplaint {
        customer: customer(),
        conversation: "chat-1".into(),
        open,
    };
    given.ask(&complaint(true)).unwrap();
    let message = given.ask(&promotion(1, NOON.plus(DAY))).unwrap();
    let dropped = Ok(SendDecision::Dropped(DropReason::OpenComplaint));
    assert_eq!(given.ask(&decide(&message)), dropped);
    let confirmed = given.ask(&confirmation()).unwrap();
    assert!(matches!(
        given.ask(&decide(&confirmed)),
        Ok(SendDecision::Send { .. })
    ));
    given.ask(&complaint(false)).unwrap();
    let message = given.ask(&promotion(2, NOON.plus(DAY))).unwrap();
    assert!(matches!(
        given.ask(&decide(&message)),
        Ok(SendDecision::Send { .. })
    ));
    given.turn_to(Principal::user("C1"));
    let refused = Err(MarketingRejection::NotStaff);
    assert_eq!(given.ask(&complaint(true)), refused);
}
