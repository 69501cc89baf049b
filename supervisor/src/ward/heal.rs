//! Restarts: whom, when, and how many are too many.

use super::{Due, Phase, Ward};
use crate::health::{ChildState, RootState};
use crate::mailbox::DeadReason;
use crate::notice::SupervisionNotice;
use crate::plan::ChildPlan;
use crate::spec::Restart;
use crate::supervisor::Order;

impl Ward {
    /// Restarts whoever crashed, each with its group. The error is the reason to escalate.
    pub(crate) async fn heal(&mut self) -> Result<(), String> {
        self.heal_ordered = false;
        while let Some((index, error)) = self.first_crashed() {
            self.restart(index, &error).await?;
        }
        Ok(())
    }

    /// Starts whoever waits for `ticket`; nobody does if a later restart has taken them over.
    pub(crate) async fn retry(&mut self, ticket: u64) -> Result<(), String> {
        self.start_waiting(ticket).await;
        self.heal().await
    }

    fn first_crashed(&self) -> Option<(usize, String)> {
        self.children
            .iter()
            .enumerate()
            .find_map(|(index, child)| match &child.phase {
                Phase::Crashed(error) => Some((index, error.clone())),
                _ => None,
            })
    }

    async fn restart(&mut self, index: usize, error: &str) -> Result<(), String> {
        let now = self.shared.now();
        let intensity = self.plan.intensity;
        if self.restarts.count(now, intensity.period) > intensity.restarts_max {
            let path = &self.plan.children[index].path;
            return Err(format!(
                "more than {} restarts within {:?}, the last for {path}: {error}",
                intensity.restarts_max, intensity.period
            ));
        }
        let attempt = self.children[index].failures.count(now, intensity.period);
        let after = self.shared.delay(&self.plan.backoff, attempt);
        self.tickets += 1;
        let due = Due {
            ticket: self.tickets,
            attempt,
            after,
        };
        for member in self.plan.group(index).rev() {
            self.put_aside(member, due).await;
        }
        if after.is_zero() {
            self.start_waiting(due.ticket).await;
        } else {
            self.sleep_until(due);
        }
        Ok(())
    }

    /// Stops a member of the group, if it is up, and lets it wait for the restart.
    async fn put_aside(&mut self, index: usize, due: Due) {
        match self.children[index].phase {
            Phase::Ended => return,
            Phase::Up(_) => {
                self.stop(index).await;
                if self.plan.children[index].restart == Restart::Temporary {
                    self.retire(index, ChildState::Stopped);
                    return;
                }
            }
            Phase::Crashed(_) | Phase::Waiting(_) => {}
        }
        self.children[index].phase = Phase::Waiting(due);
        self.set_state(index, ChildState::Restarting);
    }

    fn sleep_until(&mut self, due: Due) {
        while self.timers.try_join_next().is_some() {}
        let me = self.me.clone();
        self.timers.spawn(async move {
            tokio::time::sleep(due.after).await;
            // Refused by a supervisor that is ending.
            let _ = me.cast(Order::Retry(due.ticket));
        });
    }

    /// A child that does not start counts as crashed, and its group waits for the next restart.
    async fn start_waiting(&mut self, ticket: u64) {
        for index in 0..self.children.len() {
            let Phase::Waiting(due) = self.children[index].phase else {
                continue;
            };
            if due.ticket != ticket {
                continue;
            }
            if let Err(error) = self.start(index).await {
                let error = error.to_string();
                self.report(index, error.clone());
                self.crashed(index, error);
                return;
            }
            let ChildPlan { path, slot, .. } = &self.plan.children[index];
            self.shared.board.update(*slot, |row| row.restarts += 1);
            self.shared.tell(&SupervisionNotice::ChildRestarted {
                path: path.clone(),
                attempt: due.attempt,
                after: due.after,
            });
        }
    }

    /// Gives up: stops what still runs and leaves the rest to the parent, or to people.
    pub(crate) async fn escalate(&mut self, reason: &str) {
        let reason = reason.to_owned();
        self.shared.tell(&SupervisionNotice::Escalated {
            path: self.plan.path.clone(),
            reason: reason.clone(),
        });
        self.stop_all().await;
        if self.plan.is_root {
            self.plan.end(&self.shared, DeadReason::Down);
            self.shared.end(RootState::Down {
                reason: reason.clone(),
            });
            self.shared.tell(&SupervisionNotice::Down { reason });
        }
    }
}
