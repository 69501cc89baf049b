//! Stops: in order, with a grace, and never without end.

use std::mem;
use std::sync::Arc;

use tokio::time::timeout;

use super::{Phase, Ward};
use crate::death::DeathCause;
use crate::health::{ChildState, RootState};
use crate::life::Life;
use crate::mailbox::DeadReason;
use crate::plan::PlannedKind;
use crate::worker::AnyWorker;

impl Ward {
    /// The proper end of a supervisor.
    pub(crate) async fn shut_down(&mut self) {
        self.closing = self.shared.is_stopping();
        self.stop_all().await;
        if self.plan.is_root {
            self.plan.end(&self.shared, DeadReason::Stopped);
            self.shared.end(RootState::Stopped);
        }
    }

    /// Stops all children right to left; this supervisor will not start them again.
    pub(super) async fn stop_all(&mut self) {
        for index in (0..self.children.len()).rev() {
            // What has ended for good keeps its state, which may be a failure to be seen.
            if !matches!(self.children[index].phase, Phase::Ended) {
                self.stop(index).await;
            }
        }
    }

    /// Stops a child, and returns when nothing of it is left.
    pub(super) async fn stop(&mut self, index: usize) {
        let mut life = match mem::replace(&mut self.children[index].phase, Phase::Ended) {
            Phase::Up(life) => Some(life),
            Phase::Crashed(_) | Phase::Waiting(_) | Phase::Ended => None,
        };
        self.children[index].departed = life.as_ref().map(Life::id);
        let plan = self.plan.clone();
        let stopped = match &plan.children[index].kind {
            PlannedKind::Worker(worker) => {
                let stopped = self.stop_worker(index, worker, &mut life).await;
                if self.closing {
                    worker.end(DeadReason::Stopped);
                }
                stopped
            }
            PlannedKind::Supervisor(_) => {
                if let Some(life) = &mut life {
                    // Its waits are bounded, all of them, and killing it would orphan its children.
                    life.ask_supervisor();
                    life.ended().await;
                }
                Ok(())
            }
        };
        if let Err(error) = stopped {
            self.report(index, error);
        }
        self.died(index, DeathCause::Stopped);
        self.set_state(index, ChildState::Stopped);
        self.tell_stopped(index);
    }

    async fn stop_worker(
        &self,
        index: usize,
        worker: &Arc<dyn AnyWorker>,
        life: &mut Option<Life>,
    ) -> Result<(), String> {
        let grace = self.plan.children[index].shutdown_grace;
        let gently = async {
            if self.closing {
                self.drain(worker, life).await
            } else {
                end(life).await;
                Ok(())
            }
        };
        if let Ok(stopped) = timeout(grace, gently).await {
            return stopped;
        }
        let dead = match life {
            Some(life) => life.kill().await,
            None => true,
        };
        let fate = if dead {
            "and was killed"
        } else {
            worker.fence();
            self.count_stuck(index);
            "nor when it was killed, and was given up"
        };
        Err(format!("did not stop within {grace:?}, {fate}"))
    }

    /// Works the mailbox off for good. A panic on the way costs an incarnation, as ever, so the
    /// mailbox of a child that is down right now is worked off as well.
    async fn drain(
        &self,
        worker: &Arc<dyn AnyWorker>,
        life: &mut Option<Life>,
    ) -> Result<(), String> {
        worker.close();
        end(life).await;
        for _ in 0..self.plan.intensity.restarts_max {
            if worker.is_drained() {
                break;
            }
            // Not linked, because ractor links nobody to an actor that is stopping. Its task says
            // when it is over, and we need to know no more.
            *life = Some(
                worker
                    .clone()
                    .start(None)
                    .await
                    .map_err(|error| error.to_string())?,
            );
            end(life).await;
        }
        if worker.is_drained() {
            Ok(())
        } else {
            Err("failed while it worked its mailbox off".to_owned())
        }
    }
}

async fn end(life: &mut Option<Life>) {
    if let Some(life) = life {
        life.ask_worker();
        life.ended().await;
    }
}
