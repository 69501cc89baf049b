//! What the shop does for a customer, it offers first; a yes counts once, soon, and from them alone.

use super::*;
use mercato_actors::{
    ActionOutcome, ConfirmAction, OfferAction, OrderId, RecordAction, SupportAction,
    SupportSettings,
};

fn cancel() -> SupportAction {
    SupportAction::CancelOrder {
        order: OrderId::new("17").unwrap(),
    }
}

fn offer() -> OfferAction {
    OfferAction {
        conversation: conversation(),
        action: cancel(),
    }
}

fn confirm(number: u32) -> ConfirmAction {
    ConfirmAction {
        conversation: conversation(),
        number,
    }
}

fn confirmed(given: &Given<SupportAgent>) -> usize {
    given.count(|event| matches!(event, SupportEvent::ActionConfirmed(_)))
}

/// A conversation in which cancelling an order was offered.
fn offered() -> Given<SupportAgent> {
    let mut given = nothing();
    given.say("cancel order 17").unwrap();
    assert_eq!(given.ask(&offer()).unwrap().number, 1);
    given
}

/// Catches: a yes that does something twice, or without having been said next.
#[test]
fn a_yes_is_said_next_and_counts_once() {
    let mut given = offered();
    assert_eq!(
        given.ask(&confirm(1)),
        Err(SupportRejection::NoOffer(1)),
        "nothing was said"
    );
    let understood = given.say("yes").unwrap();
    assert_eq!(understood.offer.unwrap().action, cancel());
    assert_eq!(given.ask(&confirm(2)), Err(SupportRejection::NoOffer(2)));
    given.ask(&confirm(1)).unwrap();
    given.ask(&confirm(1)).unwrap();
    assert_eq!(confirmed(&given), 1);
}

/// Catches: an offer of long ago, or of before something else was said, that a yes still takes up.
#[test]
fn an_offer_ends_with_its_time_and_with_the_next_question() {
    let mut given = offered();
    given.say("how long does delivery take").unwrap();
    given.say("yes").unwrap();
    assert_eq!(given.ask(&confirm(1)), Err(SupportRejection::NoOffer(1)));

    let mut given = offered();
    given.pass(Duration::from_secs(31 * 60));
    assert_eq!(given.say("yes").unwrap().offer, None);
    assert_eq!(given.ask(&confirm(1)), Err(SupportRejection::NoOffer(1)));
    assert_eq!(confirmed(&given), 0);
}

/// Catches: actions without end, and a merchant who cannot forbid them.
#[test]
fn actions_are_limited_by_conversation() {
    let settings = SupportSettings {
        actions_max: 1,
        ..SupportSettings::default()
    };
    let mut given = given_agent(|agent| agent.with_settings(settings));
    given.say("cancel order 17").unwrap();
    given.ask(&offer()).unwrap();
    given.say("yes").unwrap();
    given.ask(&confirm(1)).unwrap();
    let full = Err(SupportRejection::TooManyActions { actions_max: 1 });
    assert_eq!(given.ask(&offer()), full);
}

/// Catches: a stranger who takes up another customer's offer, or tells what came of it.
#[test]
fn a_yes_and_its_outcome_are_nobody_elses() {
    let mut given = offered();
    given.say("yes").unwrap();
    given.turn_to(Principal::user("C2"));
    let none = SupportRejection::NoConversation(conversation());
    assert_eq!(given.ask(&confirm(1)), Err(none.clone()));
    assert_eq!(given.ask(&offer()), Err(none));
    given.turn_to(Principal::user("C1"));
    given.ask(&confirm(1)).unwrap();
    let record = |number, outcome| RecordAction {
        conversation: conversation(),
        number,
        outcome,
    };
    let refused = ActionOutcome::Refused {
        reason: "too late".into(),
    };
    assert_eq!(
        given.ask(&record(1, refused.clone())),
        Err(SupportRejection::NotStaff)
    );
    given.turn_to(Principal::System);
    assert_eq!(
        given.ask(&record(7, refused.clone())),
        Err(SupportRejection::NoOffer(7))
    );
    given.ask(&record(1, ActionOutcome::Done)).unwrap();
    given.ask(&record(1, refused)).unwrap();
    assert_eq!(given.state().actions[0].outcome, Some(ActionOutcome::Done));
}
