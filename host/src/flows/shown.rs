//! A flow as it is printed.

use std::fmt::Write;

use mercato_actors::runtime::{
    FlowState, FlowStatus, Principal, Timestamp, UndoState, UndoStatus, WorkItem, WorkKind,
};
use serde_json::{Value, json};

use crate::output::moment;

/// What a flow waits for.
pub(super) enum Wait {
    /// The timer that wakes it.
    Wake,
    /// The next start of the shop, which has it go on, or undo these steps.
    Start { undoes: Vec<Box<str>> },
    /// The end of another flow.
    Flow { flow: Box<str>, id: Box<str> },
    /// A person.
    Person(WorkItem),
}

/// A flow with all that is known of it.
pub(super) struct Shown {
    pub(super) status: FlowStatus,
    pub(super) waits: Vec<Wait>,
}

impl Shown {
    /// Of a flow, what of it is on the work list, and the flows that it began and that are not over.
    pub(super) fn new(status: FlowStatus, work: Vec<WorkItem>, children: &[&FlowStatus]) -> Self {
        let mut waits: Vec<Wait> = work.into_iter().map(Wait::Person).collect();
        match status.state {
            FlowState::Parked { .. } => waits.push(Wait::Wake),
            FlowState::Running if !children.is_empty() => {
                waits.extend(children.iter().map(|child| Wait::Flow {
                    flow: child.flow.clone(),
                    id: child.id.clone(),
                }));
            }
            FlowState::Running => waits.push(Wait::Start { undoes: Vec::new() }),
            FlowState::Undoing => {
                let undoes = undos_left(&status);
                waits.push(Wait::Start { undoes });
            }
            _ => {}
        }
        Self { status, waits }
    }

    /// What it is called.
    pub(super) fn name(&self) -> String {
        name_of(&self.status.flow, &self.status.id)
    }

    pub(super) fn waits_for(&self) -> String {
        let waits: Vec<_> = self.waits.iter().map(text_of_wait).collect();
        waits.join("; ")
    }

    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        match self.status.state {
            FlowState::Parked { until } => Some(until),
            _ => None,
        }
    }

    /// All of it, for people.
    pub(super) fn text(&self) -> String {
        let status = &self.status;
        let mut text = format!("{}\n", self.name());
        let mut fact = |what: &str, is: String| {
            if !is.is_empty() {
                let _ = writeln!(text, "  {what:<12}{is}");
            }
        };
        let shown = |at: Timestamp| moment(at.as_millis());
        fact("state", state_of(&status.state));
        fact("version", status.version.to_string());
        let by = who(&status.principal);
        fact("started", format!("{} by {by}", shown(status.started_at)));
        fact("since", shown(status.recorded_at));
        fact("deadline", status.deadline.map(shown).unwrap_or_default());
        let parent = status.parent.as_ref();
        let parent = parent.map(|(flow, id)| name_of(flow, id));
        fact("part of", parent.unwrap_or_default());
        if status.attempts > 0 {
            fact("began anew", format!("{} times", status.attempts));
        }
        fact("waits for", self.waits_for());
        fact("next wake", self.next_wake().map(shown).unwrap_or_default());
        if let Some((reason, by)) = &status.cancelled {
            let by = who(by);
            fact("cancelled", format!("by {by}: {}", reason.escape_debug()));
        }
        for undo in &status.undos {
            let (became, why) = became(&undo.state);
            let why = why.map(|why| format!(": {}", why.escape_debug()));
            let why = why.unwrap_or_default();
            let step = undo.step.escape_debug();
            let _ = writeln!(text, "  undo of `{step}` {became}{why}");
        }
        text
    }

    /// All of it, for programs.
    pub(super) fn json(&self) -> Value {
        let status = &self.status;
        let at = |at: Timestamp| at.as_millis();
        let undos = status.undos.iter().map(|undo| {
            let (state, why) = became(&undo.state);
            json!({ "step": undo.step, "state": state, "why": why })
        });
        let cancelled = status.cancelled.as_ref();
        let parent = status.parent.as_ref();
        json!({
            "flow": status.flow,
            "id": status.id,
            "version": status.version,
            "state": state_of(&status.state),
            "started_at_ms": at(status.started_at),
            "started_by": who(&status.principal),
            "since_ms": at(status.recorded_at),
            "deadline_ms": status.deadline.map(at),
            "part_of": parent.map(|(flow, id)| json!({ "flow": flow, "id": id })),
            "attempts": status.attempts,
            "waits_for": self.waits.iter().map(json_of_wait).collect::<Vec<_>>(),
            "next_wake_ms": self.next_wake().map(at),
            "cancelled": cancelled.map(|(why, by)| json!({ "by": who(by), "reason": why })),
            "undos": undos.collect::<Vec<_>>(),
        })
    }
}

pub(super) fn name_of(flow: &str, id: &str) -> String {
    format!("{}/{}", flow.escape_debug(), id.escape_debug())
}

/// A state's name. What more there is to say stands in columns of its own.
pub(super) fn state_of(state: &FlowState) -> String {
    let said = state.to_string();
    let name = said.split([' ', ':']).next();
    name.unwrap_or_default().to_owned()
}

/// The undos that the next start runs.
pub(super) fn undos_left(status: &FlowStatus) -> Vec<Box<str>> {
    let is_left = |undo: &&UndoStatus| match undo.state {
        UndoState::Outstanding => true,
        // A flow that is cancelled keeps them until it begins to undo.
        UndoState::Kept => status.cancelled.is_some(),
        _ => false,
    };
    let undos = status.undos.iter().rev();
    undos
        .filter(is_left)
        .map(|undo| undo.step.clone())
        .collect()
}

/// Who it was. The account of somebody who is served is theirs, and is not printed.
fn who(principal: &Principal) -> String {
    match principal {
        Principal::System => "the shop".into(),
        Principal::User(_) => "a user".into(),
        Principal::Operator(name) => format!("operator {}", name.escape_debug()),
        Principal::Service(name) => format!("service {}", name.escape_debug()),
        _ => "somebody".into(),
    }
}

fn became(undo: &UndoState) -> (&'static str, Option<&str>) {
    match undo {
        UndoState::Kept => ("kept", None),
        UndoState::Outstanding => ("outstanding", None),
        UndoState::Done => ("done", None),
        UndoState::GivenUp { error } => ("given up", Some(error)),
        UndoState::Resolved { reason } => ("resolved", Some(reason)),
        _ => ("unknown", None),
    }
}

/// What waits for a person, in one word.
pub(super) fn kind_of(kind: WorkKind) -> &'static str {
    match kind {
        WorkKind::UndoFailed => "undo-failed",
        WorkKind::FlowFailed => "flow-failed",
        WorkKind::FlowStuck => "flow-stuck",
        _ => "unknown",
    }
}

fn text_of_wait(wait: &Wait) -> String {
    match wait {
        Wait::Wake => "its next wake".into(),
        Wait::Start { undoes } if undoes.is_empty() => "the next start".into(),
        Wait::Start { undoes } => {
            let steps: Vec<_> = undoes
                .iter()
                .map(|it| it.escape_debug().to_string())
                .collect();
            format!("the next start, to undo {}", steps.join(", "))
        }
        Wait::Flow { flow, id } => format!("flow {}", name_of(flow, id)),
        Wait::Person(item) => {
            let why = item.error.escape_debug();
            match &item.step {
                Some(step) => format!("a person, for the undo of `{}`: {why}", step.escape_debug()),
                None => format!("a person: {why}"),
            }
        }
    }
}

fn json_of_wait(wait: &Wait) -> Value {
    match wait {
        Wait::Wake => json!({ "kind": "wake" }),
        Wait::Start { undoes } => json!({ "kind": "start", "undoes": undoes }),
        Wait::Flow { flow, id } => json!({ "kind": "flow", "flow": flow, "id": id }),
        Wait::Person(item) => json!({
            "kind": "person",
            "what": kind_of(item.kind),
            "step": item.step,
            "why": item.error,
        }),
    }
}
