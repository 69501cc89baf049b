//! How well customers are served: containment, second contacts, time to answer. Folded from the
//! events alone, so that whoever reads the journal or follows the bus has the same figures.

use std::collections::BTreeMap;
use std::time::Duration;

use mercato_runtime::Timestamp;
use mercato_runtime::persistence::{DURATION_BOUNDS_NS, Distribution};

use super::events::SupportEvent;
use super::settings::SupportSettings;
use super::ticket::TicketReason;

/// So many conversations are followed at once; of more, those whose names come first are let go,
/// with their figures kept.
const FOLLOWED_MAX: usize = 1_000_000;
/// What is asked within an hour of an answer belongs to the same contact.
const SAME_CONTACT: Duration = Duration::from_secs(60 * 60);
/// Bounds for how long people take to answer a ticket, in nanoseconds: a minute to a week. The default
/// service levels are among them, so that what is above one is counted exactly.
const TICKET_BOUNDS_NS: &[u64] = &[
    60_000_000_000,
    300_000_000_000,
    900_000_000_000,
    1_800_000_000_000,
    3_600_000_000_000,
    7_200_000_000_000,
    14_400_000_000_000,
    28_800_000_000_000,
    86_400_000_000_000,
    172_800_000_000_000,
    604_800_000_000_000,
];

/// Follows conversations, event by event.
#[derive(Debug, Clone)]
pub struct DeskMeasures {
    recontact_within: Duration,
    conversations: BTreeMap<Box<str>, Followed>,
    figures: DeskFigures,
    /// How long questions waited for their answers, and tickets for a person's.
    pub(super) answer_times: Distribution,
    pub(super) ticket_times: Distribution,
}

/// What is known of a conversation.
#[derive(Debug, Clone, Copy, Default)]
struct Followed {
    asked_at: Option<Timestamp>,
    answered_at: Option<Timestamp>,
    /// Whether its last answer settled something, and did not ask back.
    settled: bool,
    /// Whether it was taken up again already; a conversation counts once.
    again: bool,
    handed_over: bool,
    ticket_at: Option<Timestamp>,
    /// Whether a ticket waits to be settled. A more urgent one takes the place of the one before.
    ticket_open: bool,
}

/// How well customers were served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeskFigures {
    /// Conversations begun.
    pub conversations: u64,
    /// Of them those that a person had to take over.
    pub handed_over: u64,
    /// Questions asked.
    pub questions: u64,
    /// Answers that only asked back.
    pub asked_back: u64,
    /// Answers that cite an article.
    pub cited: u64,
    /// Conversations that were taken up again soon after an answer that should have settled them.
    pub recontacts: u64,
    /// How long questions waited for their answers, in milliseconds, all of them and the longest.
    pub answer_ms: (u64, u64),
    /// Answers given.
    pub answers: u64,
    /// Tickets by reason.
    pub tickets: BTreeMap<&'static str, u64>,
    /// Conversations with a ticket that nobody has settled yet.
    pub tickets_open: u64,
    /// Tickets that were not answered in time, each time counted.
    pub breaches: u64,
    /// Tickets that a person answered, and how long they waited, in milliseconds.
    pub ticket_answers: (u64, u64),
    /// Actions that customers said yes to, and those of them that Order refused.
    pub actions: (u64, u64),
}

impl DeskFigures {
    /// The share of conversations that no person had to take over, 0 to 1; `None` without any.
    #[must_use]
    pub fn containment(&self) -> Option<f64> {
        let contained = self.conversations.saturating_sub(self.handed_over);
        share(contained, self.conversations)
    }

    /// The share of conversations that were taken up again soon after an answer, 0 to 1.
    #[must_use]
    pub fn recontact(&self) -> Option<f64> {
        share(self.recontacts, self.conversations)
    }

    /// How long a question waits for its answer on average, in milliseconds.
    #[must_use]
    pub fn answer_ms_mean(&self) -> Option<f64> {
        share(self.answer_ms.0, self.answers)
    }
}

/// Counts far below 2^52.
#[allow(clippy::cast_precision_loss)]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Default for DeskMeasures {
    fn default() -> Self {
        Self::new(&SupportSettings::default())
    }
}

impl DeskMeasures {
    /// Measures that begin now.
    #[must_use]
    pub fn new(settings: &SupportSettings) -> Self {
        Self {
            recontact_within: settings.recontact_within,
            conversations: BTreeMap::new(),
            figures: DeskFigures::default(),
            answer_times: Distribution::empty(DURATION_BOUNDS_NS),
            ticket_times: Distribution::empty(TICKET_BOUNDS_NS),
        }
    }

    /// The figures up to now.
    #[must_use]
    pub fn figures(&self) -> &DeskFigures {
        &self.figures
    }

    /// Takes an event in, of the conversation of this key.
    pub fn observe(&mut self, conversation: &str, event: &SupportEvent) {
        if self.conversations.len() >= FOLLOWED_MAX
            && !self.conversations.contains_key(conversation)
            && let Some((_, let_go)) = self.conversations.pop_first()
        {
            self.figures.tickets_open -= u64::from(let_go.ticket_open);
        }
        let figures = &mut self.figures;
        let known = self.conversations.entry(conversation.into()).or_default();
        match event {
            SupportEvent::QueryReceived(asked) => {
                figures.questions += 1;
                if known.asked_at.is_none() {
                    figures.conversations += 1;
                }
                let after = known.answered_at.filter(|_| known.settled && !known.again);
                let after = after.map(|answered| asked.at.since(answered));
                if after.is_some_and(|time| SAME_CONTACT < time && time <= self.recontact_within) {
                    figures.recontacts += 1;
                    known.again = true;
                }
                known.asked_at = Some(asked.at);
            }
            SupportEvent::AnswerRecorded(answered) => {
                figures.answers += 1;
                figures.asked_back += u64::from(answered.clarification);
                figures.cited += u64::from(!answered.citations.is_empty());
                if let Some(asked_at) = known.asked_at {
                    let waited = answered.at.since(asked_at);
                    count(&mut self.answer_times, waited);
                    let waited = millis(waited);
                    figures.answer_ms.0 += waited;
                    figures.answer_ms.1 = figures.answer_ms.1.max(waited);
                }
                known.answered_at = Some(answered.at);
                known.settled = !answered.clarification;
            }
            SupportEvent::TicketOpened(opened) => {
                *figures
                    .tickets
                    .entry(name(opened.ticket.reason))
                    .or_default() += 1;
                if !known.handed_over {
                    figures.handed_over += 1;
                }
                known.handed_over = true;
                figures.tickets_open += u64::from(!known.ticket_open);
                known.ticket_open = true;
                known.ticket_at = Some(opened.ticket.opened_at);
            }
            SupportEvent::TicketAnswered(answered) => {
                if let Some(opened_at) = known.ticket_at.take() {
                    figures.ticket_answers.0 += 1;
                    let waited = answered.at.since(opened_at);
                    figures.ticket_answers.1 += millis(waited);
                    count(&mut self.ticket_times, waited);
                }
            }
            SupportEvent::TicketResolved(_) => {
                figures.tickets_open -= u64::from(known.ticket_open);
                known.ticket_open = false;
            }
            SupportEvent::TicketBreached(_) => figures.breaches += 1,
            SupportEvent::ActionConfirmed(_) => figures.actions.0 += 1,
            SupportEvent::ActionFinished(finished) => {
                let refused = matches!(
                    finished.outcome,
                    super::action::ActionOutcome::Refused { .. }
                );
                figures.actions.1 += u64::from(refused);
            }
            SupportEvent::ChannelChanged(_) | SupportEvent::ActionOffered(_) => {}
        }
    }
}

fn count(times: &mut Distribution, took: Duration) {
    let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
    let bucket = times.bounds.partition_point(|bound| *bound < nanos);
    if let Some(count) = times.counts.get_mut(bucket) {
        *count += 1;
    }
    times.sum = times.sum.saturating_add(nanos);
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Its name in metrics and reports.
const fn name(reason: TicketReason) -> &'static str {
    match reason {
        TicketReason::TechnicalIssue => "technical issue",
        TicketReason::PersonAsked => "person asked",
        TicketReason::Complaint => "complaint",
        TicketReason::NotUnderstood => "not understood",
        TicketReason::NoArticle => "no article",
        TicketReason::OverLimit => "over a limit",
        TicketReason::ActionRefused => "action refused",
    }
}

#[cfg(test)]
mod tests {
    use mercato_runtime::{PersonId, Personal, Vault};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::support::{
        AnswerRecorded, Classification, Priority, PrivateText, QueryReceived, Ticket, TicketOpened,
    };

    const MINUTE: u64 = 60_000;

    fn sealed() -> Personal<PrivateText> {
        let person = PersonId::new("C1").expect("an id");
        let vault = Vault::in_memory().expect("a vault");
        let text = PrivateText::new("hm");
        let sealed = vault.seal(&person, &text, &mut ChaCha8Rng::seed_from_u64(7));
        sealed.expect("it seals")
    }

    fn asked(minute: u64) -> SupportEvent {
        SupportEvent::QueryReceived(QueryReceived {
            shopper: None,
            text: sealed(),
            taken_for: Classification {
                intent: None,
                confidence: 0.0,
            },
            at: Timestamp::from_millis(minute * MINUTE),
        })
    }

    fn answered(minute: u64, clarification: bool) -> SupportEvent {
        SupportEvent::AnswerRecorded(AnswerRecorded {
            turn: 1,
            text: sealed(),
            citations: Vec::new(),
            clarification,
            at: Timestamp::from_millis(minute * MINUTE),
        })
    }

    fn ticket() -> SupportEvent {
        let at = Timestamp::from_millis(0);
        SupportEvent::TicketOpened(TicketOpened {
            ticket: Ticket {
                number: 1,
                reason: TicketReason::Complaint,
                priority: Priority::Urgent,
                order: None,
                opened_at: at,
                due_at: at,
            },
        })
    }

    /// Catches: a conversation that counts twice, a second contact that is one question after the
    /// other, and one that is too long ago.
    #[test]
    fn containment_and_second_contacts_are_counted_by_conversation() {
        let mut measures = DeskMeasures::default();
        let day = 24 * 60;
        for (conversation, events) in [
            (
                "contained",
                vec![asked(0), answered(2, false), asked(10), answered(11, false)],
            ),
            (
                "again",
                vec![
                    asked(0),
                    answered(1, false),
                    asked(day),
                    answered(day, false),
                    asked(2 * day),
                ],
            ),
            (
                "long-after",
                vec![asked(0), answered(1, false), asked(9 * day)],
            ),
            (
                "asked-back",
                vec![asked(0), answered(1, true), asked(day), answered(day, true)],
            ),
            (
                "handed-over",
                vec![asked(0), ticket(), answered(1, false), ticket()],
            ),
        ] {
            for event in events {
                measures.observe(conversation, &event);
            }
        }
        let figures = measures.figures();
        assert_eq!((figures.conversations, figures.handed_over), (5, 1));
        assert_eq!(figures.containment(), Some(0.8));
        assert_eq!((figures.recontacts, figures.recontact()), (1, Some(0.2)));
        assert_eq!(figures.tickets.get("complaint"), Some(&2));
        assert_eq!((figures.answers, figures.asked_back), (8, 2));
        assert_eq!(figures.answer_ms.1, 2 * MINUTE);
        assert_eq!(DeskMeasures::default().figures().containment(), None);
    }
}
