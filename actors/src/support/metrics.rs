//! The measures as metrics. Their labels are words of this code, so that nobody's name is in them.

use std::borrow::Cow;

use mercato_runtime::persistence::Distribution;
use mercato_runtime::{Family, FamilySamples, MetricKind, Sample, SampleValue, Unit};

use super::measures::DeskMeasures;

const fn family(
    name: &'static str,
    kind: MetricKind,
    unit: Unit,
    labels: &'static [&'static str],
    help: &'static str,
) -> Family {
    Family {
        name,
        help,
        kind,
        unit,
        labels,
    }
}

const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Family {
    family(name, MetricKind::Counter, Unit::Count, labels, help)
}

static CONVERSATIONS: Family = counter(
    "mercato_support_conversations_total",
    &[],
    "Conversations that customers began",
);
static HANDED_OVER: Family = counter(
    "mercato_support_conversations_handed_over_total",
    &[],
    "Conversations that a person had to take over; the others were contained",
);
static RECONTACTS: Family = counter(
    "mercato_support_conversations_taken_up_again_total",
    &[],
    "Conversations that were taken up again soon after an answer that should have settled them",
);
static QUESTIONS: Family = counter(
    "mercato_support_questions_total",
    &[],
    "Questions that customers asked",
);
static ANSWERS: Family = counter(
    "mercato_support_answers_total",
    &["answer"],
    "Answers: those that only asked back, those that cite an article, and all others",
);
static ANSWER_TIME: Family = family(
    "mercato_support_answer_seconds",
    MetricKind::Histogram,
    Unit::Seconds,
    &[],
    "Time from a question to its answer",
);
static TICKETS: Family = counter(
    "mercato_support_tickets_total",
    &["reason"],
    "Tickets that were opened for people",
);
static TICKETS_OPEN: Family = family(
    "mercato_support_tickets_open",
    MetricKind::Gauge,
    Unit::Count,
    &[],
    "Conversations with a ticket that nobody has settled yet",
);
static TICKET_TIME: Family = family(
    "mercato_support_ticket_answer_seconds",
    MetricKind::Histogram,
    Unit::Seconds,
    &[],
    "Time from the opening of a ticket to a person's first answer",
);
static BREACHES: Family = counter(
    "mercato_support_ticket_breaches_total",
    &[],
    "Times that a ticket was not answered when it was due",
);
static ACTIONS: Family = counter(
    "mercato_support_actions_total",
    &["outcome"],
    "Actions that customers said yes to, and those of them that Order refused",
);

impl DeskMeasures {
    /// The figures as metrics, to be read beside the runtime's
    /// ([`RuntimeBuilder::metrics`](mercato_runtime::RuntimeBuilder::metrics)).
    #[must_use]
    pub fn metrics(&self) -> Vec<FamilySamples> {
        let figures = self.figures();
        let answered = figures.answers.saturating_sub(figures.asked_back);
        let answers = [
            ("asked_back", figures.asked_back),
            ("article", figures.cited),
            ("other", answered.saturating_sub(figures.cited)),
        ];
        let (confirmed, refused) = figures.actions;
        let actions = [("confirmed", confirmed), ("refused", refused)];
        let tickets = figures.tickets.iter().map(|(reason, n)| (*reason, *n));
        vec![
            one(&CONVERSATIONS, figures.conversations),
            one(&HANDED_OVER, figures.handed_over),
            one(&RECONTACTS, figures.recontacts),
            one(&QUESTIONS, figures.questions),
            counts(&ANSWERS, answers),
            times(&ANSWER_TIME, &self.answer_times),
            counts(&TICKETS, tickets),
            level(&TICKETS_OPEN, figures.tickets_open),
            times(&TICKET_TIME, &self.ticket_times),
            one(&BREACHES, figures.breaches),
            counts(&ACTIONS, actions),
        ]
    }
}

fn samples(
    family: &'static Family,
    values: impl IntoIterator<Item = (Option<&'static str>, SampleValue)>,
) -> FamilySamples {
    let sample = |(label, value): (Option<&'static str>, SampleValue)| Sample {
        labels: label.into_iter().map(Cow::Borrowed).collect(),
        value,
    };
    FamilySamples {
        family,
        samples: values.into_iter().map(sample).collect(),
    }
}

fn one(family: &'static Family, count: u64) -> FamilySamples {
    samples(family, [(None, SampleValue::Counter(count))])
}

fn counts(
    family: &'static Family,
    counts: impl IntoIterator<Item = (&'static str, u64)>,
) -> FamilySamples {
    let value = |(label, count)| (Some(label), SampleValue::Counter(count));
    samples(family, counts.into_iter().map(value))
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn level(family: &'static Family, level: u64) -> FamilySamples {
    samples(family, [(None, SampleValue::Gauge(level as f64))])
}

fn times(family: &'static Family, times: &Distribution) -> FamilySamples {
    samples(family, [(None, SampleValue::Histogram(times.clone()))])
}
