//! A ticket has a clock: it is answered, or it becomes more urgent and says so.

use super::*;
use mercato_actors::{
    AnswerTicket, CheckServiceLevel, ServiceLevels, SupportSettings, TicketBreached,
};

const HOUR: Duration = Duration::from_secs(3_600);

fn check(number: u32) -> CheckServiceLevel {
    CheckServiceLevel {
        conversation: conversation(),
        number,
    }
}

/// What the durable timer of the ticket does when it is due.
fn due(given: &mut Given<SupportAgent>, after: Duration) {
    given.pass(after);
    given.turn_to(Principal::System);
    given.ask(&check(1)).unwrap();
    given.turn_to(Principal::user("C1"));
}

fn breached(given: &Given<SupportAgent>) -> Vec<TicketBreached> {
    let breaches = given.events().iter().filter_map(|event| match event {
        SupportEvent::TicketBreached(breached) => Some(breached.clone()),
        _ => None,
    });
    breaches.collect()
}

/// Catches: a time that begins before the ticket does. That the timer runs is shown on a whole shop,
/// in `tests/order_journeys`.
#[test]
fn a_ticket_is_watched_from_the_moment_it_is_opened() {
    let mut given = nothing();
    given.say("the website shows an error").unwrap();
    let now = given.now();
    given.ticket(TicketReason::TechnicalIssue).unwrap();
    let ticket = given.state().ticket.as_ref().unwrap();
    assert_eq!(
        (ticket.opened_at, ticket.due_at),
        (now, now.plus(HOUR * 24))
    );
}

/// Catches: a breach that tells nobody, raises nothing, or is told for ever.
#[test]
fn a_ticket_that_nobody_answers_becomes_more_urgent_step_by_step() {
    let mut given = nothing();
    given.say("the website shows an error").unwrap();
    given.ticket(TicketReason::TechnicalIssue).unwrap();
    due(&mut given, HOUR * 23);
    assert!(breached(&given).is_empty(), "before it is due");
    due(&mut given, HOUR);
    due(&mut given, HOUR * 8);
    due(&mut given, HOUR * 2);
    let raised: Vec<_> = breached(&given)
        .iter()
        .map(|b| (b.priority, b.due_at.since(b.at)))
        .collect();
    assert_eq!(
        raised,
        [
            (Priority::High, HOUR * 8),
            (Priority::Urgent, HOUR * 2),
            (Priority::Urgent, HOUR * 2)
        ]
    );
    let ticket = given.state().ticket.clone().unwrap();
    assert_eq!(
        (ticket.priority, given.state().breaches),
        (Priority::Urgent, 3)
    );
    // What customers say meanwhile opens no second ticket and takes no time away.
    assert_eq!(given.ticket(TicketReason::Complaint), Ok(ticket));
}

/// Catches: a clock that runs on behind an answer, and one that a customer can stop.
#[test]
fn an_answer_stops_the_clock_and_only_the_shop_answers() {
    let mut given = nothing();
    given.say("the website shows an error").unwrap();
    given.ticket(TicketReason::TechnicalIssue).unwrap();
    let answer = |number, whose: &str| AnswerTicket {
        conversation: conversation(),
        number,
        text: sealed(whose, &PrivateText::new("it works again")),
    };
    assert_eq!(given.ask(&answer(1, "C1")), Err(SupportRejection::NotStaff));
    assert_eq!(given.ask(&check(1)), Err(SupportRejection::NotStaff));
    given.turn_to(Principal::Operator("ann".into()));
    assert_eq!(
        given.ask(&answer(9, "C1")),
        Err(SupportRejection::NoTicket(9))
    );
    assert_eq!(
        given.ask(&answer(1, "ann")),
        Err(SupportRejection::SealedForAnother)
    );
    given.pass(HOUR);
    given.ask(&answer(1, "C1")).unwrap();
    due(&mut given, HOUR * 24);
    assert!(breached(&given).is_empty());
    assert_eq!(given.state().replies.len(), 1);
}

/// Catches: a person who must ask the customer again what it was about.
#[test]
fn a_ticket_comes_with_the_whole_conversation() {
    let mut given = nothing();
    given.say("how long does delivery take").unwrap();
    given.answer(1, false).unwrap();
    given.say("a person, please").unwrap();
    given.ticket(TicketReason::PersonAsked).unwrap();
    let show = ShowTicket {
        conversation: conversation(),
    };
    assert_eq!(given.ask(&show), Err(SupportRejection::NotStaff));
    given.turn_to(Principal::Operator("ann".into()));
    let file = given.ask(&show).unwrap().unwrap();
    assert_eq!(file.ticket.reason, TicketReason::PersonAsked);
    assert_eq!(file.conversation.turns.len(), 2);
    assert!(file.conversation.turns[0].answer.is_some());
    assert_eq!((file.breaches, file.answered_at), (0, None));
    given
        .ask(&ResolveTicket {
            conversation: conversation(),
            number: 1,
        })
        .unwrap();
    assert_eq!(given.ask(&show), Ok(None));
}

/// Catches: times that are not the merchant's.
#[test]
fn a_merchant_sets_the_service_levels() {
    let settings = SupportSettings {
        service_levels: ServiceLevels {
            urgent: HOUR,
            ..ServiceLevels::default()
        },
        ..SupportSettings::default()
    };
    let mut given = given_agent(|agent| agent.with_settings(settings));
    given.say("I want to complain").unwrap();
    let ticket = given.ticket(TicketReason::Complaint).unwrap();
    assert_eq!(ticket.due_at, given.now().plus(HOUR));
}

/// Catches: a channel that begins a new conversation, and one that is forgotten.
#[test]
fn a_conversation_goes_on_in_another_channel() {
    let mut given = nothing();
    given.say("where is my order").unwrap();
    assert_eq!(given.events().len(), 1, "chat is where it begins");
    given.say_in(SupportChannel::Phone, "and now?").unwrap();
    assert_eq!(given.state().channel, SupportChannel::Phone);
    assert_eq!(given.state().turns.len(), 2);
    given.say_in(SupportChannel::Phone, "and now?").unwrap();
    let moves = given.count(|event| matches!(event, SupportEvent::ChannelChanged(_)));
    assert_eq!(moves, 1);
}
