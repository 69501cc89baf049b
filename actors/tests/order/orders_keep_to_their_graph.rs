//! The graph of an order, as `docs/ORDER.md` draws it.

use std::collections::BTreeSet;

use super::*;

/// Every transition.
pub(super) const TRANSITIONS: [Transition; 25] = [
    Transition::Price,
    Transition::Authorise,
    Transition::LosePayment,
    Transition::Decline,
    Transition::Place,
    Transition::Change,
    Transition::BeginChange,
    Transition::AbandonChange,
    Transition::Revise,
    Transition::BeginFulfilment,
    Transition::Allocate,
    Transition::Label,
    Transition::Capture,
    Transition::Dispatch,
    Transition::Complete,
    Transition::CancelLine,
    Transition::CancelLast,
    Transition::Renew,
    Transition::Cancel,
    Transition::RequestReturn,
    Transition::InspectReturn,
    Transition::RefuseReturn,
    Transition::LapseReturn,
    Transition::RefundPart,
    Transition::RefundAll,
];

/// Catches: an edge that was added or lost while the drawing stayed as it was.
#[test]
fn the_drawing_has_every_edge_and_no_other() {
    let drawing = include_str!("../../../docs/ORDER.md");
    let drawn: BTreeSet<(String, String)> = drawing
        .lines()
        .filter_map(|line| line.trim().split_once(" --> "))
        .filter_map(|(from, rest)| {
            let (to, labels) = rest.split_once(" : ")?;
            Some((from.to_owned(), to.to_owned(), labels.to_owned()))
        })
        .flat_map(|(from, to, labels)| {
            let labels: Vec<String> = labels.split(", ").map(str::to_owned).collect();
            labels
                .into_iter()
                .map(move |label| (from.clone(), format!("{label} {to}")))
        })
        .collect();
    let mut coded = BTreeSet::new();
    for phase in OrderPhase::ALL {
        for transition in TRANSITIONS {
            if let Some(next) = phase.after(transition) {
                coded.insert((format!("{phase:?}"), format!("{transition:?} {next:?}")));
            }
        }
    }
    assert_eq!(drawn, coded);
}

/// Catches: an order that is cancelled, or sent elsewhere, while the carrier makes its label.
#[test]
fn once_it_is_packed_an_order_is_neither_cancelled_nor_changed_as_a_whole() {
    for transition in [
        Transition::Cancel,
        Transition::Change,
        Transition::BeginChange,
    ] {
        assert_eq!(OrderPhase::Fulfilling.after(transition), None);
    }
    // And there is no label before it is packed.
    assert_eq!(OrderPhase::Placed.after(Transition::Label), None);
}

/// Catches: an order that rises from the dead.
#[test]
fn what_has_ended_stays_so() {
    for phase in [OrderPhase::Cancelled, OrderPhase::Refunded] {
        for transition in TRANSITIONS {
            assert_eq!(phase.after(transition), None, "{phase:?} {transition:?}");
        }
    }
}
