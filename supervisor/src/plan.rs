//! The tree as data, validated: names have become paths, and each child has its row of the health.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use ractor::{ActorCell, ActorRuntime};

use crate::backoff::Backoff;
use crate::error::StartError;
use crate::health::ChildHealth;
use crate::intensity::Intensity;
use crate::life::Life;
use crate::mailbox::DeadReason;
use crate::shared::Shared;
use crate::spec::{ChildSpec, Kind, Restart, Strategy, SupervisorSpec};
use crate::supervisor::Supervisor;
use crate::worker::AnyWorker;

/// A supervisor, ready to be started any number of times.
pub(crate) struct Plan {
    pub(crate) path: Arc<str>,
    pub(crate) is_root: bool,
    pub(crate) intensity: Intensity,
    pub(crate) backoff: Backoff,
    pub(crate) children: Vec<ChildPlan>,
    strategy: Strategy,
}

pub(crate) struct ChildPlan {
    pub(crate) path: Arc<str>,
    pub(crate) slot: usize,
    pub(crate) restart: Restart,
    pub(crate) shutdown_grace: Duration,
    pub(crate) kind: PlannedKind,
}

pub(crate) enum PlannedKind {
    Worker(Arc<dyn AnyWorker>),
    Supervisor(Arc<Plan>),
}

impl Plan {
    /// Plans a whole tree; the second value has a row for each child, by slot.
    pub(crate) fn root(spec: SupervisorSpec) -> Result<(Arc<Self>, Vec<ChildHealth>), StartError> {
        check_name(&spec.name)?;
        let path = spec.name.as_str().into();
        let mut rows = Vec::new();
        let plan = Self::new(spec, path, true, &mut rows)?;
        Ok((Arc::new(plan), rows))
    }

    fn new(
        spec: SupervisorSpec,
        path: Arc<str>,
        is_root: bool,
        rows: &mut Vec<ChildHealth>,
    ) -> Result<Self, StartError> {
        let SupervisorSpec {
            name: _,
            strategy,
            intensity,
            backoff,
            children,
        } = spec;
        let mut names = BTreeSet::new();
        if let Some(twice) = children
            .iter()
            .find(|child| !names.insert(child.name.as_str()))
        {
            return Err(StartError::InvalidSpec(format!(
                "{path} has two children named {}",
                twice.name
            )));
        }
        let children = children
            .into_iter()
            .map(|child| ChildPlan::new(child, &path, rows))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            path,
            is_root,
            intensity,
            backoff,
            children,
            strategy,
        })
    }

    /// The children to be restarted when the one at `index` has to be.
    pub(crate) fn group(&self, index: usize) -> Range<usize> {
        match self.strategy {
            Strategy::OneForOne => index..index + 1,
            Strategy::OneForAll => 0..self.children.len(),
            Strategy::RestForOne => index..self.children.len(),
        }
    }

    /// Boxed, because a supervisor starts supervisors.
    pub(crate) fn start(
        self: Arc<Self>,
        shared: Arc<Shared>,
        parent: Option<ActorCell>,
    ) -> BoxFuture<'static, Result<Life, StartError>> {
        async move {
            let arguments = (self, shared);
            let (actor, task) = match parent {
                Some(parent) => {
                    ActorRuntime::spawn_linked(None, Supervisor, arguments, parent).await?
                }
                None => ActorRuntime::spawn(None, Supervisor, arguments).await?,
            };
            Ok(Life::new(actor.get_cell(), task))
        }
        .boxed()
    }

    /// Ends every child of the subtree for good.
    pub(crate) fn end(&self, shared: &Shared, reason: DeadReason) {
        for child in &self.children {
            child.end(shared, reason);
        }
    }
}

impl ChildPlan {
    fn new(spec: ChildSpec, parent: &str, rows: &mut Vec<ChildHealth>) -> Result<Self, StartError> {
        check_name(&spec.name)?;
        let path: Arc<str> = format!("{parent}/{}", spec.name).into();
        let slot = rows.len();
        rows.push(ChildHealth::new(path.clone()));
        let kind = match spec.kind {
            Kind::Worker(worker) => PlannedKind::Worker(worker),
            Kind::Supervisor(nested) => {
                PlannedKind::Supervisor(Arc::new(Plan::new(nested, path.clone(), false, rows)?))
            }
        };
        Ok(Self {
            path,
            slot,
            restart: spec.restart,
            shutdown_grace: spec.shutdown_grace,
            kind,
        })
    }

    /// Says that no further incarnation will come, and of what the messages die that are left.
    pub(crate) fn end(&self, shared: &Shared, reason: DeadReason) {
        match &self.kind {
            PlannedKind::Worker(worker) => worker.end(reason),
            PlannedKind::Supervisor(plan) => plan.end(shared, reason),
        }
        shared.deaths.gone(self.slot);
    }
}

fn check_name(name: &str) -> Result<(), StartError> {
    if name.is_empty() || name.contains('/') {
        return Err(StartError::InvalidSpec(format!(
            "{name:?} is no name for a part of a path"
        )));
    }
    Ok(())
}
