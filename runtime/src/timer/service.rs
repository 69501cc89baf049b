//! Who watches the clock for all timers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
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

/// How many timers are at work at a time. One that hangs with its shard takes a place for as long as its
/// command may take, and keeps no other from being given.
const AT_WORK_MAX: usize = 256;
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

/// A timer whose command is at work, or could not be served yet.
#[derive(Debug, Default)]
struct Tried {
    /// How often it could not be served.
    attempts: u32,
    /// When it is tried again; `None` while it is at work.
    again_at: Option<Timestamp>,
}

type Key = (Arc<str>, Box<str>, u64);

struct Keeper {
    core: Arc<Core>,
    /// It has flows that sleep.
    orchestrator: Orchestrator,
    bell: Arc<Bell>,
    counters: Arc<TimerCounters>,
    tried: BTreeMap<Key, Tried>,
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
        tried: BTreeMap::new(),
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
        let journal = self.core.journal.clone();
        let mut at_work = FuturesUnordered::new();
        loop {
            // While the disk is away none is given, and those that are at work end.
            tokio::select! {
                biased;
                Some((timer, outcome)) = at_work.next() => {
                    self.settle(&timer, outcome);
                    continue;
                }
                back = journal.until_writable() => if back.is_err() { return },
            }
            let now = self.core.clock.now();
            // The epoch that the timers are read in counts: one that was taken back must not fire.
            let epoch = journal.epoch();
            for timer in self.ready(now, AT_WORK_MAX - at_work.len()) {
                self.tried.entry(key(&timer)).or_default().again_at = None;
                let (core, orchestrator) = (self.core.clone(), self.orchestrator.clone());
                at_work.push(async move {
                    let outcome = give(&core, &orchestrator, epoch, &timer).await;
                    (timer, outcome)
                });
            }
            let has_room = at_work.len() < AT_WORK_MAX;
            tokio::select! {
                biased;
                Some((timer, outcome)) = at_work.next() => self.settle(&timer, outcome),
                // What was answered and is not durable may be taken back: then its timer is due again.
                back = journal.until_writable_after(epoch) => if back.is_err() { return },
                () = self.rest(now), if has_room => {}
            }
        }
    }

    /// Up to `most` of the timers that are due, not at work and not waiting for their next try, the
    /// earliest first. Of those that were not tried yet, no more than may wait if all of them fail.
    fn ready(&self, now: Timestamp, most: usize) -> Vec<Timer> {
        let due = most + self.tried.len();
        let due = self.core.journal.timers_due(now.as_millis(), due);
        let mut room = WAITING_MAX.saturating_sub(self.tried.len());
        let is_ready = |timer: &Timer| match self.tried.get(&key(timer)) {
            Some(tried) => tried.again_at.is_some_and(|again_at| again_at <= now),
            None => match room.checked_sub(1) {
                Some(left) => {
                    room = left;
                    true
                }
                None => false,
            },
        };
        due.into_iter().filter(is_ready).take(most).collect()
    }

    /// Waits until something may be due, where at `now` nothing more was ready.
    async fn rest(&mut self, now: Timestamp) {
        let tried = self.tried.len();
        // Whatever is to be tried again by now and was not ready is set no longer.
        self.tried
            .retain(|_, tried| tried.again_at.is_none_or(|again_at| again_at > now));
        if self.tried.len() < tried {
            return;
        }
        let tried_again = self.tried.values().filter_map(|tried| tried.again_at).min();
        // Those that are due are at work, or stand among those that are tried again.
        let next = self.core.journal.next_timer_after_ms(now.as_millis());
        let next = next.map(Timestamp::from_millis);
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
                self.tried.remove(&key);
            }
            Outcome::Dropped => {
                self.counters.dropped.add();
                self.tried.remove(&key);
            }
            Outcome::Later(failure) => {
                tracing::debug!(stream = %timer.stream, timer = %timer.name, %failure, "a timer is tried again");
                self.counters.retried.add();
                let tried = self.tried.entry(key).or_default();
                let doubled = FIRST_WAIT.saturating_mul(2u32.saturating_pow(tried.attempts));
                tried.attempts = tried.attempts.saturating_add(1);
                let wait = doubled.min(WAIT_MAX);
                tried.again_at = Some(self.core.clock.now().plus(wait));
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

/// Gives the command of a timer to its agent, or wakes the flow that sleeps.
async fn give(core: &Core, orchestrator: &Orchestrator, epoch: u64, timer: &Timer) -> Outcome {
    if timer.stream.starts_with(FLOW_STREAMS) {
        return match orchestrator.wake(timer) {
            Ok(()) => Outcome::Done,
            Err(failure) => Outcome::Later(failure),
        };
    }
    fire(core, epoch, timer).await
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
            match service.drop_timer(epoch, entity, timer.clone()).await {
                Ok(()) => Outcome::Dropped,
                Err(failure) => Outcome::Later(failure),
            }
        }
        failure => Outcome::Later(failure),
    }
}
