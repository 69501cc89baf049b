//! The part of a flow that a handle on it stands for: the whole, or one branch of a parallel group.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::select_all;
use tokio::sync::watch;

use crate::error::AskFailure;

/// Stands between a group and its branch in the names of steps, and nowhere else in them.
pub(crate) const BRANCH: char = '#';

/// What the steps of a branch begin with.
pub(crate) fn branch_prefix(group: &str, branch: &str) -> String {
    format!("{group}{BRANCH}{branch}/")
}

/// A part of a flow that takes steps until it is stopped.
#[derive(Debug)]
pub(crate) struct Scope {
    /// What the names of its steps begin with; nothing for the whole flow.
    prefix: Box<str>,
    stopped: watch::Sender<bool>,
    parent: Option<Arc<Scope>>,
}

impl Scope {
    /// The whole flow.
    pub(crate) fn whole() -> Arc<Self> {
        Arc::new(Self {
            prefix: "".into(),
            stopped: watch::Sender::new(false),
            parent: None,
        })
    }

    /// A branch of `group`, a name that is complete already.
    pub(crate) fn branch(self: &Arc<Self>, group: &str, branch: &str) -> Arc<Self> {
        Arc::new(Self {
            prefix: branch_prefix(group, branch).into(),
            stopped: watch::Sender::new(false),
            parent: Some(self.clone()),
        })
    }

    /// The complete name of one of its steps.
    pub(crate) fn name(&self, step: &str) -> Result<Box<str>, AskFailure> {
        if step.contains(BRANCH) {
            return Err(AskFailure::invalid(format_args!(
                "a step cannot be named `{step}`: `{BRANCH}` stands between a group and its branch; \
                 use another character"
            )));
        }
        Ok(format!("{}{step}", self.prefix).into())
    }

    /// From here on it takes no further step.
    pub(crate) fn stop(&self) {
        self.stopped.send_replace(true);
    }

    fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |scope| scope.parent.as_deref())
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.chain().any(|scope| *scope.stopped.borrow())
    }

    /// Waits until it, or what it is a part of, is stopped.
    pub(crate) async fn until_stopped(&self) {
        let stops = self.chain().map(|scope| {
            let mut stopped = scope.stopped.subscribe();
            async move {
                // The sender lives as long as the scope.
                let _ = stopped.wait_for(|stopped| *stopped).await;
            }
            .boxed()
        });
        select_all(stops).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a branch that goes on when the flow, or the group around it, is stopped, and a stop
    /// that reaches a neighbour.
    #[tokio::test]
    async fn a_stop_reaches_what_lies_within_and_nothing_else() {
        let whole = Scope::whole();
        let (one, other) = (whole.branch("g", "one"), whole.branch("g", "other"));
        let inner = one.branch(&one.name("h").unwrap(), "in");
        one.stop();
        inner.until_stopped().await;
        assert!(inner.is_stopped() && one.is_stopped());
        assert!(!other.is_stopped() && !whole.is_stopped());
        whole.stop();
        assert!(other.is_stopped());
    }

    /// Catches: steps of different branches under one name.
    #[test]
    fn names_say_where_a_step_belongs() {
        let whole = Scope::whole();
        let branch = whole.branch("g", "one");
        let group = branch.name("h").unwrap();
        assert_eq!(&*group, "g#one/h");
        let inner = branch.branch(&group, "in");
        assert_eq!(&*inner.name("take").unwrap(), "g#one/h#in/take");
        assert!(whole.name("g#one/h").is_err(), "nobody takes such a name");
    }
}
