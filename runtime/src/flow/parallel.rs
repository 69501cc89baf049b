//! Branches of a flow that run side by side, and which of them count.

use std::error::Error;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};

use super::choice::Rule;
use super::context::Flow;
use super::error::FlowError;
use super::events::BranchesDecided;
use super::group::{Group, Placed, Results, Running, run_again};

/// A branch that counts, and what it gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted<T> {
    /// The branch's name.
    pub branch: Box<str>,
    /// What it gave.
    pub value: T,
}

/// Why a group of branches came to nothing. What its branches did is undone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParallelError<E: Error> {
    /// Too many branches failed, or too few had succeeded when the time was over.
    #[error(
        "{needed} of {of} branches had to succeed, and {} failed{}",
        failures.len(),
        if *timed_out { "; the others took too long" } else { "" }
    )]
    TooFew {
        /// How many had to succeed.
        needed: usize,
        /// Of how many.
        of: usize,
        /// The branches that failed, with their errors, in the order in which they did.
        failures: Vec<(Box<str>, E)>,
        /// Whether time ran out.
        timed_out: bool,
    },
    /// The flow itself cannot go on.
    #[error(transparent)]
    Flow(FlowError),
}

impl<E: Error> From<ParallelError<E>> for FlowError {
    fn from(error: ParallelError<E>) -> Self {
        match error {
            ParallelError::Flow(error) => error,
            too_few @ ParallelError::TooFew { .. } => Self::Refused(too_few.to_string()),
        }
    }
}

struct Branch<T, E> {
    name: Box<str>,
    run: Box<dyn FnOnce(Flow) -> BoxFuture<'static, Result<T, E>> + Send>,
}

/// A group of branches that run side by side.
///
/// Each branch is given a [`Flow`] of its own, whose steps are named apart from those of the others.
///
/// **A branch that counts keeps what it did. One that does not is undone**: it ends the step that it
/// is in, takes no further one, and its undos run, last first, while the flow goes on. The flow does
/// not end before that is done. Which branches count is recorded before anybody acts on it, so the
/// flow takes the same path when it is run again.
///
/// ```
/// # use mercato_runtime::{Activity, Flow, FlowError};
/// const ASK: Activity<String, u32> = Activity::new("carrier.quote");
///
/// async fn cheapest(flow: Flow, carriers: Vec<String>) -> Result<u32, FlowError> {
///     let mut quotes = flow.parallel("quotes");
///     for carrier in carriers {
///         quotes = quotes.branch(&carrier.clone(), async move |flow: Flow| {
///             Ok::<_, FlowError>(flow.perform("ask", ASK, carrier).await?)
///         });
///     }
///     let answers = quotes.all_settled().await?;
///     let best = answers.into_iter().flatten().min();
///     best.ok_or_else(|| FlowError::Refused("no carrier answered".into()))
/// }
/// # let _ = cheapest;
/// ```
#[must_use = "branches run only when the group is waited for"]
pub struct Parallel<T, E> {
    flow: Flow,
    group: Box<str>,
    branches: Vec<Branch<T, E>>,
}

impl Flow {
    /// Begins a group of branches, as the step `group`.
    pub fn parallel<T, E>(&self, group: &str) -> Parallel<T, E> {
        Parallel {
            flow: self.clone(),
            group: group.into(),
            branches: Vec::new(),
        }
    }
}

impl<T, E> Parallel<T, E>
where
    T: Send + 'static,
    E: Error + Send + 'static,
{
    /// Adds a branch. It owns what it uses, because it may outlive the wait for the group. At most
    /// [`FlowOptions::branches_max`](crate::FlowOptions::branches_max) are taken.
    pub fn branch<F, Fut>(mut self, name: &str, run: F) -> Self
    where
        F: FnOnce(Flow) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.branches.push(Branch {
            name: name.into(),
            run: Box::new(move |flow| run(flow).boxed()),
        });
        self
    }

    /// Waits until all have succeeded, and gives what they gave in the order in which they were
    /// added. The first failure decides: then no branch counts.
    ///
    /// # Errors
    /// That of the branch that failed first.
    pub async fn all(self) -> Result<Vec<T>, E>
    where
        E: From<FlowError>,
    {
        let (_, mut results) = self.run(Rule::All, None).await?;
        if let Some(failed) = results.values().position(Result::is_err) {
            let failed = results.into_values().nth(failed);
            return failed.map_or_else(|| Ok(Vec::new()), |it| it.map(|value| vec![value]));
        }
        let mut values = Vec::with_capacity(results.len());
        while let Some((_, Ok(value))) = results.pop_first() {
            values.push(value);
        }
        Ok(values)
    }

    /// Waits until all have come to their end, and gives how they did in the order in which they
    /// were added. Those that failed do not count.
    ///
    /// # Errors
    /// Where the flow itself cannot go on.
    pub async fn all_settled(self) -> Result<Vec<Result<T, E>>, FlowError> {
        let (_, results) = self.run(Rule::Settled, None).await?;
        Ok(results.into_values().collect())
    }

    /// Waits for the first to succeed. It alone counts.
    ///
    /// # Errors
    /// Where all have failed, or the flow itself cannot go on.
    pub async fn first(self) -> Result<Counted<T>, ParallelError<E>> {
        let mut counted = self.of_quorum(1, None).await?;
        let broken = || ParallelError::Flow(FlowError::Broken("no branch counted".to_owned()));
        counted.pop().ok_or_else(broken)
    }

    /// Waits until so many have succeeded, and gives them in the order in which they did. They alone
    /// count. The time runs from when the group is reached for the first time, crashes or not.
    ///
    /// # Errors
    /// Where so many cannot succeed any more, or had not in time; or the flow itself cannot go on.
    pub async fn quorum(
        self,
        needed: usize,
        within: Duration,
    ) -> Result<Vec<Counted<T>>, ParallelError<E>> {
        self.of_quorum(needed, Some(within)).await
    }

    async fn of_quorum(
        self,
        needed: usize,
        within: Option<Duration>,
    ) -> Result<Vec<Counted<T>>, ParallelError<E>> {
        let of = self.branches.len();
        if needed == 0 || needed > of {
            return Err(ParallelError::Flow(FlowError::Broken(format!(
                "{needed} of the {of} branches of `{}` cannot succeed; ask for 1 to {of}",
                self.group
            ))));
        }
        let names: Vec<_> = self.branches.iter().map(|it| it.name.clone()).collect();
        let place = |name: &str| names.iter().position(|it| **it == *name).unwrap_or(of);
        let ran = self.run(Rule::Quorum(needed), within).await;
        let (decided, mut results) = ran.map_err(ParallelError::Flow)?;
        let mut counted = Vec::new();
        for branch in decided.counted {
            if let Some(Ok(value)) = results.remove(&place(&branch)) {
                counted.push(Counted { branch, value });
            }
        }
        if counted.len() == needed {
            return Ok(counted);
        }
        let timed_out = decided.failed.len() + needed <= of;
        let mut failures = Vec::new();
        for branch in decided.failed {
            if let Some(Err(error)) = results.remove(&place(&branch)) {
                failures.push((branch, error));
            }
        }
        Err(ParallelError::TooFew {
            needed,
            of,
            failures,
            timed_out,
        })
    }

    /// Runs the branches until they are decided, or again those that a decision names. Gives the
    /// results that were decided on, by the places of their branches; of a group of which all had to
    /// succeed and one did not, only the first failure.
    async fn run(
        self,
        rule: Rule,
        within: Option<Duration>,
    ) -> Result<(BranchesDecided, Results<T, E>), FlowError> {
        let Self {
            flow,
            group,
            branches,
        } = self;
        check(&flow, &group, &branches)?;
        let group = flow.begin(&group)?;
        let names: Vec<_> = branches.iter().map(|it| it.name.clone()).collect();
        let decided = flow.with_log(|log| log.state.decided.get(&group).cloned());
        let scopes: Vec<_> = names
            .iter()
            .map(|it| flow.scope.branch(&group, it))
            .collect();
        let is_asked = |name: &str| match &decided {
            Some(BranchesDecided {
                counted, failed, ..
            }) => counted
                .iter()
                .chain(failed)
                .any(|decided| **decided == *name),
            None => true,
        };
        let running: Running<T, E> = branches
            .into_iter()
            .enumerate()
            .filter(|(_, branch)| is_asked(&branch.name))
            .map(|(place, branch)| {
                let run = (branch.run)(Flow {
                    inner: flow.inner.clone(),
                    scope: scopes[place].clone(),
                });
                Placed { place, run }
            })
            .collect();
        match decided {
            Some(decided) => run_again(&flow, decided, &names, running).await,
            None => {
                let group = Group {
                    flow: &flow,
                    name: &group,
                    names: &names,
                    scopes: &scopes,
                };
                group.run(rule, within, running).await
            }
        }
    }
}

fn check<T, E>(flow: &Flow, group: &str, branches: &[Branch<T, E>]) -> Result<(), FlowError> {
    let most = flow.inner.engine.options.branches_max.get();
    if branches.len() > most {
        return Err(FlowError::Broken(format!(
            "`{group}` has {} branches and may have {most}; see `FlowOptions::branches_max`",
            branches.len()
        )));
    }
    let mut names: Vec<_> = branches.iter().map(|branch| &branch.name).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(FlowError::Broken(format!(
            "`{group}` has two branches named `{}`; give each a name of its own",
            twice[0]
        )));
    }
    for branch in branches {
        flow.scope.name(&branch.name)?;
    }
    Ok(())
}

impl<T, E> std::fmt::Debug for Parallel<T, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.branches.iter().map(|it| &it.name).collect();
        f.debug_struct("Parallel")
            .field("group", &self.group)
            .field("branches", &names)
            .finish_non_exhaustive()
    }
}
