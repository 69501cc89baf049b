//! Runs the branches of a group until they are decided, and sees off those that lost.

use std::collections::BTreeMap;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};

use super::choice::{Rule, Tally};
use super::context::Flow;
use super::error::FlowError;
use super::events::BranchesDecided;
use super::losers::GRACE;
use super::scope::Scope;
use super::waiting::StepKind;

pub(super) type Running<T, E> = FuturesUnordered<Placed<T, E>>;
/// By the places of their branches.
pub(super) type Results<T, E> = BTreeMap<usize, Result<T, E>>;

/// A branch on its way, with its place in the group.
pub(super) struct Placed<T, E> {
    pub(super) place: usize,
    pub(super) run: BoxFuture<'static, Result<T, E>>,
}

impl<T, E> Future for Placed<T, E> {
    type Output = (usize, Result<T, E>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let place = self.place;
        self.run.poll_unpin(cx).map(|result| (place, result))
    }
}

/// A group that is run for the first time, or was not decided before a crash.
pub(super) struct Group<'a> {
    pub(super) flow: &'a Flow,
    /// Its complete name.
    pub(super) name: &'a str,
    pub(super) names: &'a [Box<str>],
    pub(super) scopes: &'a [Arc<Scope>],
}

impl Group<'_> {
    pub(super) async fn run<T: Send + 'static, E: Error + Send + 'static>(
        &self,
        rule: Rule,
        within: Option<Duration>,
        mut running: Running<T, E>,
    ) -> Result<(BranchesDecided, Results<T, E>), FlowError> {
        let (flow, clock) = (self.flow, self.flow.core().clock);
        let until = match within {
            Some(within) => Some(flow.note_as(self.name, || clock.now().plus(within))?),
            None => None,
        };
        let _waiting = until.map(|until| flow.wait_for(self.name, StepKind::Sleep { until }));
        let over = async {
            match until {
                Some(until) => clock.sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(over);
        let mut tally = Tally::default();
        let mut results = Results::new();
        while !tally.is_decided(rule, self.names.len()) {
            let ended = tokio::select! {
                biased;
                ended = running.next() => ended,
                () = &mut over => None,
            };
            if let Err(failure) = flow.may_go_on() {
                // Nothing is decided by branches that were stopped. What they are in comes to its end.
                while running.next().await.is_some() {}
                return Err(failure.into());
            }
            let Some((place, result)) = ended else {
                break;
            };
            tally.add(place, result.is_ok());
            results.insert(place, result);
        }
        let decided = tally.decide(rule, self.name, self.names);
        flow.record(decided.clone())?;
        for (scope, name) in self.scopes.iter().zip(self.names) {
            if decided.lost.contains(name) {
                scope.stop();
            }
        }
        lose(flow, &decided, self.names, running);
        if rule == Rule::All && !decided.failed.is_empty() {
            results.retain(|_, result| result.is_err());
        }
        Ok((decided, results))
    }
}

/// Runs the branches again that a decision names. They take the same path as before.
pub(super) async fn run_again<T: Send + 'static, E: Error + Send + 'static>(
    flow: &Flow,
    decided: BranchesDecided,
    names: &[Box<str>],
    mut running: Running<T, E>,
) -> Result<(BranchesDecided, Results<T, E>), FlowError> {
    let mut results = Results::new();
    while let Some((place, result)) = running.next().await {
        results.insert(place, result);
    }
    flow.may_go_on()?;
    for (place, result) in &results {
        if result.is_ok() != decided.counted.contains(&names[*place]) {
            return Err(FlowError::Broken(format!(
                "branch `{}` of `{}` came out otherwise when it was run again; whatever a flow \
                 branches on comes from a step",
                names[*place], decided.group
            )));
        }
    }
    lose(flow, &decided, names, Running::<T, E>::new());
    Ok((decided, results))
}

/// Lets each branch that does not count come to its end, and undoes it then.
fn lose<T: Send + 'static, E: Send + 'static>(
    flow: &Flow,
    decided: &BranchesDecided,
    names: &[Box<str>],
    rest: Running<T, E>,
) {
    let mut rest: BTreeMap<_, _> = rest.into_iter().map(|it| (it.place, it)).collect();
    let losers = names.iter().enumerate();
    for (place, name) in losers.filter(|(_, name)| decided.lost.contains(name)) {
        let (losing, group, name) = (flow.clone(), decided.group.clone(), name.clone());
        let ended = rest.remove(&place);
        let loser = async move {
            if let Some(ended) = ended {
                // What takes longer is dropped where it is, as by a crash.
                let _ = tokio::time::timeout(GRACE, ended).await;
            }
            losing.undo_branch(&group, &name).await
        };
        flow.inner.losers.add(loser.boxed());
    }
}
