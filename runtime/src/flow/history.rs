//! What the events of one flow add up to.

use std::collections::{BTreeMap, BTreeSet};

use super::events::{
    BranchesDecided, FlowAdopted, FlowCancelRequested, FlowEvent, FlowStarted, Undo,
};
use super::scope::branch_prefix;
use crate::clock::Timestamp;

/// The note of a flow that is past its pivot.
pub(crate) const PIVOT: &str = "#pivot";

/// A flow as its stream tells it. Nothing but the fold of its events.
#[derive(Debug, Clone, Default)]
pub(crate) struct FlowHistory {
    pub(crate) started: Option<FlowStarted>,
    pub(crate) started_at: Timestamp,
    /// When it began the present attempt, from which its budget counts.
    pub(crate) attempt_at: Timestamp,
    /// The version that it runs as: the one that it began as, or was migrated to.
    pub(crate) version: u16,
    /// The input that it runs with, where it was migrated.
    pub(crate) migrated_input: Option<(Vec<u8>, u128)>,
    pub(crate) parent: Option<FlowAdopted>,
    /// How often it began anew from the work list. Its steps then have ids of their own.
    pub(crate) attempt: u32,
    pub(crate) notes: BTreeMap<Box<str>, Vec<u8>>,
    /// In the order in which they were put down.
    pub(crate) undos: Vec<(Box<str>, Undo)>,
    pub(crate) undone: BTreeSet<Box<str>>,
    pub(crate) given_up: BTreeMap<Box<str>, GivenUp>,
    /// What a person has done by hand, with the reason given: by step, `None` for the flow itself.
    pub(crate) resolved: BTreeMap<Option<Box<str>>, String>,
    pub(crate) decided: BTreeMap<Box<str>, BranchesDecided>,
    pub(crate) cancel: Option<FlowCancelRequested>,
    pub(crate) failing: Option<Vec<u8>>,
    pub(crate) ended: Option<Vec<u8>>,
    /// Whether it is undone though it had ended well.
    pub(crate) reverting: bool,
    /// When the last of its events was recorded.
    pub(crate) last_at: Timestamp,
}

/// An undo that did not succeed.
#[derive(Debug, Clone)]
pub(crate) struct GivenUp {
    pub(crate) error: String,
    pub(crate) at: Timestamp,
}

impl FlowHistory {
    pub(crate) fn apply(&mut self, event: FlowEvent, at: Timestamp) {
        self.last_at = at;
        match event {
            FlowEvent::FlowStarted(started) => {
                self.version = started.flow_version;
                self.started_at = at;
                self.attempt_at = at;
                self.started = Some(started);
            }
            FlowEvent::FlowAdopted(adopted) => self.parent = Some(adopted),
            FlowEvent::FlowMigrated(migrated) => {
                self.version = migrated.flow_version;
                self.migrated_input = Some((migrated.input, migrated.input_hash));
            }
            FlowEvent::StepNoted(noted) => drop(self.notes.insert(noted.step, noted.value)),
            FlowEvent::UndoRegistered(put_down) => self.undos.push((put_down.step, put_down.undo)),
            FlowEvent::BranchesDecided(decided) => {
                self.decided.insert(decided.group.clone(), decided);
            }
            FlowEvent::FlowCancelRequested(cancel) => self.cancel = Some(cancel),
            FlowEvent::FlowFailing(failing) => self.failing = Some(failing.outcome),
            FlowEvent::StepUndone(undone) => drop(self.undone.insert(undone.step)),
            FlowEvent::UndoGivenUp(given_up) => {
                let error = given_up.error;
                self.given_up.insert(given_up.step, GivenUp { error, at });
            }
            FlowEvent::FlowEnded(ended) => self.ended = Some(ended.outcome),
            FlowEvent::FlowRevertRequested(_) => self.reverting = true,
            FlowEvent::WorkRetried(retried) => match retried.step {
                Some(step) => drop(self.given_up.remove(&step)),
                None => self.begin_anew(retried.deadline, at),
            },
            FlowEvent::WorkResolved(resolved) => {
                if let Some(step) = &resolved.step {
                    self.given_up.remove(step);
                }
                self.resolved.insert(resolved.step, resolved.reason);
            }
        }
    }

    fn begin_anew(&mut self, deadline: Option<Timestamp>, at: Timestamp) {
        let started = self.started.take();
        *self = Self {
            started: started.map(|started| FlowStarted {
                deadline,
                ..started
            }),
            started_at: self.started_at,
            attempt_at: at,
            version: self.version,
            migrated_input: self.migrated_input.take(),
            parent: self.parent.take(),
            attempt: self.attempt + 1,
            last_at: self.last_at,
            ..Self::default()
        };
    }

    /// The input that it runs with.
    pub(crate) fn input(&self) -> Option<&[u8]> {
        let migrated = self.migrated_input.as_ref().map(|(input, _)| &**input);
        migrated.or_else(|| self.started.as_ref().map(|started| &*started.input))
    }

    /// What its input hashes to, as whoever starts version `version` of it sees that.
    pub(crate) fn input_hash(&self, version: u16) -> Option<u128> {
        let began_as = self.started.as_ref()?;
        match &self.migrated_input {
            Some((_, hash)) if version != began_as.flow_version => Some(*hash),
            _ => Some(began_as.input_hash),
        }
    }

    /// What is still to be undone, the last first: all of it where the flow fails, and otherwise
    /// what branches did that do not count.
    pub(crate) fn outstanding(&self) -> Vec<(Box<str>, Undo)> {
        let all = self.failing.is_some() || self.reverting;
        let prefixes: Vec<_> = self.lost_prefixes().collect();
        let lost = |step: &str| prefixes.iter().any(|prefix| step.starts_with(&**prefix));
        let undos = self.undos.iter().rev();
        undos
            .filter(|(step, _)| (all || lost(step)) && !self.is_settled(step))
            .cloned()
            .collect()
    }

    /// Whether the undo of a step is still to run.
    pub(crate) fn is_outstanding(&self, step: &str) -> bool {
        self.outstanding().iter().any(|(it, _)| **it == *step)
    }

    /// Whether the undo of a step has run, was given up, or was done by hand.
    pub(crate) fn is_settled(&self, step: &str) -> bool {
        self.undone.contains(step)
            || self.given_up.contains_key(step)
            || self.resolved.keys().any(|it| it.as_deref() == Some(step))
    }

    /// The steps of branches that do not count begin with one of these.
    fn lost_prefixes(&self) -> impl Iterator<Item = String> {
        let decided = self.decided.values();
        decided.flat_map(|it| {
            it.lost
                .iter()
                .map(|branch| branch_prefix(&it.group, branch))
        })
    }

    /// Whether its failure waits for a person. Whoever waited for it has been told, which is not
    /// enough where it was past its pivot; and who cancelled it knows.
    pub(crate) fn failure_waits(&self) -> bool {
        let unattended = self.started.as_ref().is_some_and(|it| it.unattended);
        let past_pivot = self.notes.contains_key(PIVOT);
        let failed = self.failing.is_some() && self.cancel.is_none();
        failed && (unattended || past_pivot) && !self.resolved.contains_key(&None)
    }

    /// Whether anything of it waits for a person, or for an undo to run.
    pub(crate) fn work_left(&self) -> bool {
        self.failure_waits() || !self.given_up.is_empty() || !self.outstanding().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::events::{
        FlowEnded, FlowFailing, FlowMigrated, UndoGivenUp, UndoRegistered, WorkResolved,
        WorkRetried,
    };
    use super::*;
    use crate::principal::Principal;

    /// Catches: whoever asks for a migrated flow as it began, or as it is now, and is told that its id
    /// stands for another one.
    #[test]
    fn a_migrated_flow_is_known_by_both_its_inputs() {
        let mut history = FlowHistory::default();
        let at = Timestamp::from_millis(1);
        let started = FlowStarted {
            flow_version: 1,
            input: vec![1],
            input_hash: 11,
            principal: Principal::System,
            deadline: None,
            unattended: false,
        };
        assert_eq!(history.input_hash(1), None);
        history.apply(started.into(), at);
        assert_eq!(history.input_hash(1), Some(11));
        assert_eq!(history.input(), Some(&[1][..]));
        let migrated = FlowMigrated {
            flow_version: 2,
            input: vec![2],
            input_hash: 22,
        };
        history.apply(migrated.into(), at);
        assert_eq!(history.input_hash(1), Some(11));
        assert_eq!(history.input_hash(2), Some(22));
        assert_eq!(history.input(), Some(&[2][..]));
        assert_eq!(history.version, 2);
    }

    /// Catches: an undo that is passed over because a person settled another one, and one that runs
    /// though it was settled.
    #[test]
    fn what_a_person_settled_is_settled_and_nothing_else() {
        let mut history = FlowHistory::default();
        let at = Timestamp::from_millis(1);
        for step in ["a", "b", "c"] {
            let (name, id) = ("child".into(), step.into());
            let undo = Undo::Flow { name, id };
            let step = step.into();
            history.apply(UndoRegistered { step, undo }.into(), at);
        }
        let outcome = Vec::new();
        history.apply(FlowFailing { outcome }.into(), at);
        let left = |history: &FlowHistory| {
            let steps = history.outstanding().into_iter().map(|(step, _)| step);
            steps.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(left(&history), "c b a");
        let error = "no".to_owned();
        let step = "b".into();
        history.apply(UndoGivenUp { step, error }.into(), at);
        assert_eq!(left(&history), "c a");
        for step in [Some("b".into()), None] {
            let (reason, principal) = ("by hand".to_owned(), Principal::System);
            let resolved = WorkResolved {
                step,
                reason,
                principal,
            };
            history.apply(resolved.into(), at);
            assert_eq!(left(&history), "c a");
        }
        assert!(history.given_up.is_empty() && history.is_settled("b"));
        assert!(!history.is_settled("a") && history.is_outstanding("a"));
    }

    /// Catches: a flow that begins anew as another one, or with anything that it did before.
    #[test]
    fn what_begins_anew_is_the_same_flow_with_nothing_done() {
        let mut history = FlowHistory::default();
        let (begun, later) = (Timestamp::from_millis(1), Timestamp::from_millis(9));
        let started = FlowStarted {
            flow_version: 1,
            input: vec![1],
            input_hash: 11,
            principal: Principal::System,
            deadline: Some(Timestamp::from_millis(5)),
            unattended: true,
        };
        history.apply(started.into(), begun);
        let parent = FlowAdopted {
            flow: "parent".into(),
            id: "p".into(),
            depth: 3,
        };
        history.apply(parent.into(), begun);
        let migrated = FlowMigrated {
            flow_version: 2,
            input: vec![2],
            input_hash: 22,
        };
        history.apply(migrated.into(), begun);
        let (step, undo) = (
            "a".into(),
            Undo::Flow {
                name: "child".into(),
                id: "c".into(),
            },
        );
        history.apply(UndoRegistered { step, undo }.into(), begun);
        let outcome = vec![7];
        history.apply(
            FlowFailing {
                outcome: outcome.clone(),
            }
            .into(),
            begun,
        );
        let work_left = true;
        history.apply(FlowEnded { outcome, work_left }.into(), begun);
        let anew = WorkRetried {
            step: None,
            principal: Principal::System,
            deadline: Some(Timestamp::from_millis(15)),
        };
        history.apply(anew.into(), later);
        let deadline = history.started.as_ref().and_then(|it| it.deadline);
        assert_eq!(deadline, Some(Timestamp::from_millis(15)));
        assert_eq!((history.started_at, history.last_at), (begun, later));
        assert_eq!((history.version, history.attempt), (2, 1));
        assert_eq!(history.input(), Some(&[2][..]));
        assert_eq!(history.parent.as_ref().map(|it| it.depth), Some(3));
        assert!(history.undos.is_empty() && !history.work_left());
        assert_eq!((&history.failing, &history.ended), (&None, &None));
    }
}
