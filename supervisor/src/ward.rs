//! A supervisor's state: its children in order, and what to do when one of them ends.

mod heal;
mod stop;

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use ractor::{ActorId, ActorRef};
use tokio::task::JoinSet;

use crate::death::DeathCause;
use crate::error::StartError;
use crate::health::{ChildState, RootState};
use crate::intensity::Window;
use crate::life::Life;
use crate::mailbox::DeadReason;
use crate::notice::SupervisionNotice;
use crate::plan::{ChildPlan, Plan, PlannedKind};
use crate::pulse::{Phase as Doing, Stall};
use crate::shared::Shared;
use crate::spec::Restart;
use crate::supervisor::Order;

pub(crate) struct Ward {
    plan: Arc<Plan>,
    shared: Arc<Shared>,
    me: ActorRef<Order>,
    /// In the order of the plan, and of the same length.
    children: Vec<Child>,
    restarts: Window,
    /// One sleeper for each backoff; they end with the supervisor.
    timers: JoinSet<()>,
    tickets: u64,
    heal_ordered: bool,
    /// Its children have been started. Before that, their mailboxes are not ours to end.
    booted: bool,
    /// The whole tree is being stopped, so whoever is stopped now works its mailbox off first.
    closing: bool,
}

struct Child {
    phase: Phase,
    /// Its own failures, which decide on its backoff.
    failures: Window,
    /// The last incarnation that was stopped by us, whose late news may still hold a crash.
    departed: Option<ActorId>,
}

enum Phase {
    Up(Life),
    /// Down, and nothing decided yet.
    Crashed(String),
    /// Down until its ticket is called.
    Waiting(Due),
    /// Down for good.
    Ended,
}

/// A restart to come. All children of a group hold the same.
#[derive(Clone, Copy)]
struct Due {
    ticket: u64,
    attempt: u32,
    after: Duration,
}

impl Ward {
    /// Starts all children left to right, or none.
    pub(crate) async fn boot(
        plan: Arc<Plan>,
        shared: Arc<Shared>,
        me: ActorRef<Order>,
    ) -> Result<Self, StartError> {
        let children = plan
            .children
            .iter()
            .map(|_| Child {
                phase: Phase::Ended,
                failures: Window::default(),
                departed: None,
            })
            .collect();
        let mut ward = Self {
            plan: plan.clone(),
            shared,
            me,
            children,
            restarts: Window::default(),
            timers: JoinSet::new(),
            tickets: 0,
            heal_ordered: false,
            booted: false,
            closing: false,
        };
        for (index, child) in plan.children.iter().enumerate() {
            if let Err(error) = ward.start(index).await {
                ward.report(index, error.to_string());
                ward.set_state(index, ChildState::Failed);
                ward.stop_all().await;
                return Err(error.at(&child.path));
            }
            ward.shared.tell(&SupervisionNotice::ChildStarted {
                path: child.path.clone(),
            });
        }
        ward.booted = true;
        Ok(ward)
    }

    async fn start(&mut self, index: usize) -> Result<(), StartError> {
        let child = &self.plan.children[index];
        let life = match &child.kind {
            PlannedKind::Worker(worker) => worker.clone().start(Some(self.me.clone())).await?,
            PlannedKind::Supervisor(plan) => {
                let me = Some(self.me.get_cell());
                plan.clone().start(self.shared.clone(), me).await?
            }
        };
        self.shared.deaths.born(child.slot);
        self.children[index].phase = Phase::Up(life);
        self.set_state(index, ChildState::Running);
        Ok(())
    }

    /// A child of ours failed: now, or in an incarnation we have stopped since.
    pub(crate) fn on_failed(&mut self, id: ActorId, error: String) {
        if let Some(index) = self.position(id) {
            let cause = DeathCause::Failed {
                error: error.clone(),
            };
            self.died(index, cause);
            self.on_crash(index, error);
        } else if let Some(index) = self
            .children
            .iter()
            .position(|child| child.departed == Some(id))
        {
            // It crashed just before a group restart stopped it; that restart has healed it.
            self.report(index, error);
        }
    }

    /// A child ended without a panic. A reason means that it was killed.
    pub(crate) fn on_ended(&mut self, id: ActorId, reason: Option<String>) {
        let Some(index) = self.position(id) else {
            return;
        };
        self.died(
            index,
            match &reason {
                Some(error) => DeathCause::Failed {
                    error: error.clone(),
                },
                None => DeathCause::Finished,
            },
        );
        match reason {
            Some(reason) => self.on_crash(index, reason),
            None if self.plan.children[index].restart == Restart::Permanent => {
                self.on_crash(index, "ended by itself".to_owned());
            }
            None => {
                self.retire(index, ChildState::Stopped);
                self.tell_stopped(index);
            }
        }
    }

    /// A child makes no progress. It is cut off from its mailbox first: whatever it does from then
    /// on, its successor and its messages are safe from it.
    pub(crate) async fn on_hung(&mut self, id: ActorId, stall: Stall) {
        let Some(index) = self.position(id) else {
            return;
        };
        let phase = mem::replace(&mut self.children[index].phase, Phase::Ended);
        let (Phase::Up(mut life), PlannedKind::Worker(worker)) =
            (phase, &self.plan.children[index].kind)
        else {
            return;
        };
        worker.fence();
        let dead = match stall.phase {
            Doing::Ready => life.kill().await,
            // It holds its thread, and no waiting helps. Should it ever come back, it ends.
            Doing::Handle => life.give_up(),
        };
        self.children[index].departed = Some(id);
        if !dead {
            self.count_stuck(index);
        }
        let error = stall.to_string();
        let cause = DeathCause::Hung {
            error: error.clone(),
        };
        self.died(index, cause);
        self.on_crash(index, error);
    }

    fn on_crash(&mut self, index: usize, error: String) {
        self.report(index, error.clone());
        if self.plan.children[index].restart == Restart::Temporary {
            self.retire(index, ChildState::Failed);
            return;
        }
        self.crashed(index, error);
        if !self.heal_ordered {
            // Refused when we are being stopped, and then there is nothing to heal.
            self.heal_ordered = self.me.cast(Order::Heal).is_ok();
        }
    }

    fn crashed(&mut self, index: usize, error: String) {
        self.children[index].phase = Phase::Crashed(error);
        self.set_state(index, ChildState::Restarting);
    }

    /// The end of a child for good. Nobody will drain its mailbox any more, and senders shall know.
    fn retire(&mut self, index: usize, state: ChildState) {
        self.children[index].phase = Phase::Ended;
        self.plan.children[index].end(&self.shared, DeadReason::Ended);
        self.set_state(index, state);
    }

    fn died(&self, index: usize, cause: DeathCause) {
        self.shared
            .deaths
            .died(self.plan.children[index].slot, cause);
    }

    fn count_stuck(&self, index: usize) {
        self.shared
            .board
            .update(self.plan.children[index].slot, |row| row.stuck += 1);
    }

    /// The child with this incarnation; none for earlier incarnations, whose news come too late.
    fn position(&self, id: ActorId) -> Option<usize> {
        self.children
            .iter()
            .position(|child| matches!(&child.phase, Phase::Up(life) if life.id() == id))
    }

    fn set_state(&self, index: usize, state: ChildState) {
        self.shared
            .board
            .update(self.plan.children[index].slot, |row| row.state = state);
    }

    fn report(&self, index: usize, error: String) {
        let ChildPlan { path, slot, .. } = &self.plan.children[index];
        self.shared
            .board
            .update(*slot, |row| row.last_error = Some(error.clone()));
        self.shared.tell(&SupervisionNotice::ChildFailed {
            path: path.clone(),
            error,
        });
    }

    fn tell_stopped(&self, index: usize) {
        let path = self.plan.children[index].path.clone();
        self.shared.tell(&SupervisionNotice::ChildStopped { path });
    }
}

impl Drop for Ward {
    fn drop(&mut self) {
        if self.plan.is_root && self.booted {
            // The state of a root that ended properly stands; one that was lost must not be silent.
            self.plan.end(&self.shared, DeadReason::Down);
            self.shared.end(RootState::Down {
                reason: "the root supervisor was lost".to_owned(),
            });
        }
    }
}
