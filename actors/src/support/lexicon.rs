//! The words that are never lost among others: data, not code.

use super::intent::Intent;

/// Phrases of one to four terms, and how much each speaks for handing a conversation to a person.
/// They go before what was learnt, since learning is right most of the time, and this must be right
/// each time.
pub(super) const LEXICON: [(Intent, &[(&str, f64)]); 2] = [
    (
        Intent::Person,
        &[
            ("human", 4.0),
            ("person please", 4.0),
            ("real person", 4.0),
            ("a person", 3.0),
            ("speak to", 3.0),
            ("speak with", 3.0),
            ("talk to", 3.0),
            ("talk with", 3.0),
            ("live agent", 4.0),
            ("call me back", 3.0),
            ("agent", 2.0),
            ("representative", 3.0),
            ("your manager", 3.0),
        ],
    ),
    (
        Intent::Complaint,
        &[
            ("complaint", 4.0),
            ("complain", 4.0),
            ("lawyer", 5.0),
            ("attorney", 5.0),
            ("solicitor", 5.0),
            ("legal action", 5.0),
            ("legal advice", 5.0),
            ("take you to court", 5.0),
            ("small claims", 5.0),
            // Not the word alone, which is a name too.
            ("sue you", 5.0),
            ("sue the", 5.0),
            ("sue your", 5.0),
            ("to sue", 5.0),
            ("will sue", 5.0),
            ("suing", 5.0),
            ("ombudsman", 5.0),
            ("trading standards", 5.0),
            ("consumer protection", 5.0),
            ("chargeback", 4.0),
        ],
    ),
];
