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
    assert_eq!(given.ticket(TicketReason::PersonAsked), Ok(ticket));
}

/// Catches: a complaint that nobody is told of, and goes on being sent promotions, since something
/// else was urgent by then; and a second ticket for each thing that somebody who complains says.
#[test]
fn a_first_complaint_has_a_ticket_of_its_own_however_urgent_the_one_that_waits() {
    let mut given = nothing();
    given.say("get me a human").unwrap();
    given.ticket(TicketReason::PersonAsked).unwrap();
    due(&mut given, HOUR * 8);
    let waits = given.state().ticket.clone().unwrap();
    assert_eq!(waits.priority, Priority::Urgent);
    given.pass(HOUR);
    let complaint = given.ticket(TicketReason::Complaint).unwrap();
    assert_eq!(
        (complaint.number, complaint.reason),
        (2, TicketReason::Complaint)
    );
    assert_eq!(complaint.due_at, waits.due_at, "it takes no time away");
    assert_eq!(given.ticket(TicketReason::Complaint), Ok(complaint));
    // Once the time of the one that waits is over, the complaint has the time of its own.
    let mut given = nothing();
    given.say("get me a human").unwrap();
    given.ticket(TicketReason::PersonAsked).unwrap();
    due(&mut given, HOUR * 8);
    due(&mut given, HOUR * 2);
    given.pass(HOUR * 3);
    let complaint = given.ticket(TicketReason::Complaint).unwrap();
    assert_eq!(complaint.due_at, given.now().plus(HOUR * 2));
}

/// Catches: a wish for a person after a person's answer, which nobody is ever late for.
#[test]
fn what_is_asked_after_a_persons_answer_has_a_clock_of_its_own() {
    let mut given = nothing();
    given.say("the website shows an error").unwrap();
    given.ticket(TicketReason::TechnicalIssue).unwrap();
    given.turn_to(Principal::Operator("ann".into()));
    let answer = AnswerTicket {
        conversation: conversation(),
        number: 1,
        text: sealed("C1", &PrivateText::new("it works again")),
    };
    given.ask(&answer).unwrap();
    given.turn_to(Principal::user("C1"));
    given.pass(HOUR * 30);
    given.say("it does not, get me a human").unwrap();
    let second = given.ticket(TicketReason::PersonAsked).unwrap();
    let due_at = given.now().plus(HOUR * 8);
    assert_eq!((second.number, second.due_at), (2, due_at));
    assert_eq!(given.ticket(TicketReason::PersonAsked), Ok(second));
    given.pass(HOUR * 8);
    given.turn_to(Principal::System);
    given.ask(&check(2)).unwrap();
    assert_eq!(breached(&given).len(), 1);
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
