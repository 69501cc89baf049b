//! Who watches the clock for all timers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use mercato_persistence::Timer;
use tokio::sync::{Notify, watch};
use tracing::Instrument;

use super::{Payload, command_id};
use crate::clock::Timestamp;
use crate::core::Core;
use crate::envelope::Call;
use crate::error::{AskError, AskFailure};
use crate::flow::{FLOW_STREAMS, Orchestrator};
use crate::principal::Principal;
use crate::stats::Counter;
use crate::telemetry;

/// How many timers are at work at a time.
const BATCH: usize = 128;
/// How long the command of a timer may take before it is tried again.
const BUDGET: Duration = Duration::from_secs(10);
/// How long to wait before the second try; each wait is twice the one before.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// No wait is longer.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// How many timers may wait for their next try. More than these are looked at again only when some
/// of them are done: where so many fail, the journal or an agent is ill.
const WAITING_MAX: usize = 4_096;

/// Rung when a timer was set or cleared.
#[derive(Debug, Default)]
pub(crate) struct Bell(Notify);

impl Bell {
    pub(crate) fn ring(&self) {
        self.0.notify_one();
    }
}

#[derive(Debug, Default)]
pub(crate) struct TimerCounters {
    fired: Counter,
    retried: Counter,
    dropped: Counter,
}

impl TimerCounters {
    pub(crate) fn stats(&self) -> TimerStats {
        TimerStats {
            fired: self.fired.get(),
            retried: self.retried.get(),
            dropped: self.dropped.get(),
        }
    }
}

/// What became of timers since the runtime started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimerStats {
    /// Timers whose command was answered, be it with a refusal.
    pub fired: u64,
    /// Tries that could not be served and are made again.
    pub retried: u64,
    /// Timers whose command cannot be served: quarantined, or no longer known.
    pub dropped: u64,
}

/// A timer whose command could not be served yet.
#[derive(Debug)]
struct Waiting {
    attempts: u32,
    until: Timestamp,
}

type Key = (Arc<str>, Box<str>, u64);

struct Keeper {
    core: Arc<Core>,
    /// It has flows that sleep.
    orchestrator: Orchestrator,
    bell: Arc<Bell>,
    counters: Arc<TimerCounters>,
    waiting: BTreeMap<Key, Waiting>,
}

/// Gives the commands of all timers as they become due, until the runtime stops.
pub(crate) async fn keep(
    core: Arc<Core>,
    orchestrator: Orchestrator,
    bell: Arc<Bell>,
    counters: Arc<TimerCounters>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut keeper = Keeper {
        core,
        orchestrator,
        bell,
        counters,
        waiting: BTreeMap::new(),
    };
    tokio::select! {
        biased;
        // The sender is dropped only with the runtime itself.
        _ = stopping.wait_for(|stopping| *stopping) => {}
        () = keeper.run() => {}
    }
}

impl Keeper {
    /// Ends when the journal is gone for good.
    async fn run(&mut self) {
        loop {
            if self.core.journal.until_writable().await.is_err() {
                return;
            }
            let now = self.core.clock.now();
            let ready = self.ready(now);
            if ready.is_empty() {
                self.rest(now).await;
                continue;
            }
            // The epoch that the timers were read in counts: one that was taken back must not fire.
            let epoch = self.core.journal.epoch();
            let fired = ready.iter().map(|timer| self.fire(epoch, timer));
            let fired = join_all(fired).await;
            for (timer, outcome) in ready.iter().zip(fired) {
                self.settle(timer, outcome);
            }
        }
    }

    /// The timers that are due and do not wait for their next try, the earliest first. Of those that
    /// were not tried yet, no more than may wait if all of them fail.
    fn ready(&self, now: Timestamp) -> Vec<Timer> {
        let most = BATCH + self.waiting.len();
        let due = self.core.journal.timers_due(now.as_millis(), most);
        let mut room = WAITING_MAX.saturating_sub(self.waiting.len());
        let is_ready = |timer: &Timer| match self.waiting.get(&key(timer)) {
            Some(waiting) => waiting.until <= now,
            None => match room.checked_sub(1) {
                Some(left) => {
                    room = left;
                    true
                }
                None => false,
            },
        };
        due.into_iter().filter(is_ready).take(BATCH).collect()
    }

    async fn fire(&self, epoch: u64, timer: &Timer) -> Outcome {
        if timer.stream.starts_with(FLOW_STREAMS) {
            return match self.orchestrator.wake(timer) {
                Ok(()) => Outcome::Done,
                Err(failure) => Outcome::Later(failure),
            };
        }
        fire(&self.core, epoch, timer).await
    }

    /// Waits until something may be due, where at `now` nothing was ready.
    async fn rest(&mut self, now: Timestamp) {
        let waiting = self.waiting.len();
        // Whatever is to be tried again by now and was not ready is set no longer.
        self.waiting.retain(|_, waiting| waiting.until > now);
        if self.waiting.len() < waiting {
            return;
        }
        let tried_again = self.waiting.values().map(|waiting| waiting.until).min();
        let next = self.core.journal.next_timer_ms();
        let next = next.map(Timestamp::from_millis).filter(|next| *next > now);
        let rung = self.bell.0.notified();
        match tried_again.into_iter().chain(next).min() {
            Some(until) => tokio::select! {
                biased;
                () = rung => {}
                () = self.core.clock.sleep_until(until) => {}
            },
            None => rung.await,
        }
    }

    fn settle(&mut self, timer: &Timer, outcome: Outcome) {
        let key = key(timer);
        match outcome {
            Outcome::Done => {
                self.counters.fired.add();
                self.waiting.remove(&key);
            }
            Outcome::Dropped => {
                self.counters.dropped.add();
                self.waiting.remove(&key);
            }
            Outcome::Later(failure) => {
                tracing::debug!(stream = %timer.stream, timer = %timer.name, %failure, "a timer is tried again");
                self.counters.retried.add();
                let now = self.core.clock.now();
                let waiting = self.waiting.entry(key).or_insert(Waiting {
                    attempts: 0,
                    until: now,
                });
                let doubled = FIRST_WAIT.saturating_mul(2u32.saturating_pow(waiting.attempts));
                waiting.attempts = waiting.attempts.saturating_add(1);
                waiting.until = now.plus(doubled.min(WAIT_MAX));
            }
        }
    }
}

fn key(timer: &Timer) -> Key {
    (timer.stream.clone(), timer.name.clone(), timer.due_at_ms)
}

/// How the command of a timer went.
enum Outcome {
    Done,
    Dropped,
    Later(AskFailure),
}

async fn fire(core: &Core, epoch: u64, timer: &Timer) -> Outcome {
    let agent = timer.stream.split('/').next().unwrap_or_default();
    let entity = timer.stream.get(agent.len() + 1..).unwrap_or_default();
    let Some(service) = core.services.named(agent) else {
        // Another runtime may have been given this journal, with that agent left out for now.
        let unknown = format_args!("this runtime has no agent `{agent}`");
        return Outcome::Later(AskFailure::invalid(unknown));
    };
    let (payload, trace) = match Payload::decode(&timer.payload) {
        Ok(decoded) => decoded,
        Err(error) => return Outcome::Later(AskFailure::storage(error)),
    };
    let id = command_id(timer, &payload);
    let traced = core.telemetry.spans.timer(trace, service.name());
    let call = Call {
        id,
        epoch,
        deadline: core.clock.now().plus(BUDGET),
        principal: Principal::System,
        causation: Some(crate::CommandId::from_uuid(payload.set_by)),
        trace: traced.context,
        timer: Some(Arc::new(timer.clone())),
    };
    let command = &payload.command;
    let sent = service.send_stored(call, &command.name, command.version, &command.body);
    let answered = sent.instrument(traced.span.clone()).await.0;
    traced.ended(telemetry::Outcome::of_ask(&answered).name());
    let failure = match answered {
        // A refusal is an answer; the shard cleared the timer with it.
        Ok(()) | Err(AskError::Rejected(_) | AskError::Failed(AskFailure::Superseded)) => {
            return Outcome::Done;
        }
        Err(AskError::Failed(failure)) => failure,
    };
    match failure {
        AskFailure::Quarantined { .. } | AskFailure::Invalid { .. } => {
            tracing::error!(stream = %timer.stream, timer = %timer.name, %failure, "a timer is dropped");
            match service.drop_timer(entity, timer.clone()).await {
                Ok(()) => Outcome::Dropped,
                Err(failure) => Outcome::Later(failure),
            }
        }
        failure => Outcome::Later(failure),
    }
}
