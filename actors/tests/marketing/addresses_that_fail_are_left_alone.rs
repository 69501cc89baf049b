//! Bounces, spam reports and the suppression list: what goes before every consent.

use super::*;

/// A promotion that was sent.
fn sent(given: &mut Given<MarketingAgent>, occasion: u32) -> MessageId {
    let message = given
        .ask(&promotion(occasion, given.now().plus(DAY * 9)))
        .unwrap();
    let cleared = given.ask(&decide(&message));
    assert!(
        matches!(cleared, Ok(SendDecision::Send { .. })),
        "{cleared:?}"
    );
    given.ask(&delivery(&message)).unwrap();
    given.pass(DAY * 7);
    message
}

fn bounce(message: &MessageId, hard: bool) -> RecordBounce {
    RecordBounce {
        customer: customer(),
        message: message.clone(),
        hard,
    }
}

fn next_is(given: &mut Given<MarketingAgent>, occasion: u32) -> Result<(), DropReason> {
    let message = given
        .ask(&promotion(occasion, given.now().plus(DAY * 9)))
        .unwrap();
    match given.ask(&decide(&message)) {
        Ok(SendDecision::Send { .. }) => Ok(()),
        Ok(SendDecision::Dropped(reason)) => Err(reason),
        other => panic!("{other:?}"),
    }
}

/// Catches: a shop that writes on to an address that does not exist, and one that never tries the new
/// one.
#[test]
fn a_hard_bounce_ends_all_messages_until_there_is_a_new_address() {
    let mut given = subscribed();
    let message = sent(&mut given, 1);
    given.ask(&bounce(&message, true)).unwrap();
    given.ask(&bounce(&message, true)).unwrap();
    assert_eq!(next_is(&mut given, 2), Err(DropReason::Suppressed));
    // What a customer needs does not go there either: nobody reads it.
    let confirmed = given.ask(&confirmation()).unwrap();
    let dropped = Ok(SendDecision::Dropped(DropReason::Suppressed));
    assert_eq!(given.ask(&decide(&confirmed)), dropped);
    let suppressed = given.ask(&profile()).unwrap().suppressed;
    assert_eq!(suppressed[0].1.reason, SuppressionReason::HardBounce);

    let elsewhere = EmailAddress::new("ada@elsewhere.example").unwrap();
    let moved = RecordContact {
        customer: customer(),
        email: sealed("C1", &elsewhere),
    };
    given.ask(&moved).unwrap();
    assert_eq!(next_is(&mut given, 3), Ok(()));
}

/// Catches: a full mailbox that is taken for none, and one that is tried for ever.
#[test]
fn soft_bounces_suppress_when_there_are_too_many_in_a_row() {
    let mut given = subscribed();
    for occasion in 1..=2 {
        let message = sent(&mut given, occasion);
        given.ask(&bounce(&message, false)).unwrap();
    }
    // It was read: the row is broken.
    let read = sent(&mut given, 3);
    let opened = RecordEngagement {
        customer: customer(),
        message: read,
        engagement: Engagement::Opened,
    };
    given.ask(&opened).unwrap();
    for occasion in 4..=6 {
        let message = sent(&mut given, occasion);
        given.ask(&bounce(&message, false)).unwrap();
    }
    assert_eq!(next_is(&mut given, 7), Err(DropReason::Suppressed));
}

/// Catches: a spam report that a new consent washes away, and one that keeps an order's confirmation.
#[test]
fn a_spam_report_ends_promotions_whatever_is_agreed_to() {
    let mut given = subscribed();
    let message = sent(&mut given, 1);
    let report = RecordSpamReport {
        customer: customer(),
        message,
    };
    given.ask(&report).unwrap();
    given.ask(&consent(true)).unwrap();
    assert_eq!(next_is(&mut given, 2), Err(DropReason::Suppressed));
    assert_eq!(given.ask(&profile()).unwrap().agreed, []);
    let confirmed = given.ask(&confirmation()).unwrap();
    let cleared = given.ask(&decide(&confirmed));
    assert!(matches!(cleared, Ok(SendDecision::Send { .. })));
    // Only the shop's people take a name off the list.
    let lift = SuppressChannel {
        customer: customer(),
        channel: Channel::Email,
        suppress: false,
    };
    given.turn_to(Principal::user("C1"));
    assert_eq!(given.ask(&lift), Err(MarketingRejection::NotStaff));
    assert_eq!(given.ask(&report), Err(MarketingRejection::NotStaff));
    given.turn_to(Principal::System);
    given.ask(&lift).unwrap();
    assert_eq!(next_is(&mut given, 3), Ok(()));
}

/// Catches: a name that the law puts on the list and the next campaign does not find there.
#[test]
fn the_shops_people_suppress_by_hand() {
    let mut given = subscribed();
    let suppress = SuppressChannel {
        customer: customer(),
        channel: Channel::Email,
        suppress: true,
    };
    given.ask(&suppress).unwrap();
    given.ask(&suppress).unwrap();
    let suppressed = |event: &MarketingEvent| matches!(event, MarketingEvent::ChannelSuppressed(_));
    assert_eq!(given.count(suppressed), 1);
    assert_eq!(next_is(&mut given, 1), Err(DropReason::Suppressed));
}

/// Catches: an address that the gateway calls none, taken for a gateway that refused once.
#[test]
fn what_the_gateway_says_of_an_address_is_kept() {
    for (outcome, reason) in [
        (DeliveryOutcome::Bounced, DropReason::Bounced),
        (DeliveryOutcome::Suppressed, DropReason::Suppressed),
    ] {
        let mut given = subscribed();
        let message = given.ask(&promotion(1, NOON.plus(DAY))).unwrap();
        given.ask(&decide(&message)).unwrap();
        let delivery = RecordDelivery {
            outcome,
            ..delivery(&message)
        };
        given.ask(&delivery).unwrap();
        let dropped = |event: &MarketingEvent| matches!(event, MarketingEvent::MessageDropped(it) if it.reason == reason);
        assert_eq!(given.count(dropped), 1);
        assert_eq!(next_is(&mut given, 2), Err(DropReason::Suppressed));
    }
}
