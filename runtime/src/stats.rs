//! Counts, as values.

use std::sync::atomic::{AtomicU64, Ordering};

/// A count that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down, to which many contribute.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    /// Takes back what was contributed before, and contributes something else.
    pub(crate) fn change(&self, before: u64, now: u64) {
        // It wraps around and back: the sum is right once everybody has taken back what they gave.
        self.0
            .fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the shards of one agent count.
#[derive(Debug, Default)]
pub(crate) struct AgentCounters {
    pub(crate) handled: Counter,
    pub(crate) rejected: Counter,
    pub(crate) repeated: Counter,
    pub(crate) failed: Counter,
    pub(crate) shed: Counter,
    pub(crate) abandoned: Counter,
    pub(crate) quarantined: Counter,
    pub(crate) restarts: Counter,
    pub(crate) active: Gauge,
    pub(crate) active_bytes: Gauge,
    pub(crate) passivated: Counter,
    pub(crate) reactivated: Counter,
}

impl AgentCounters {
    pub(crate) fn stats(&self, agent: &'static str) -> AgentStats {
        AgentStats {
            agent,
            handled: self.handled.get(),
            rejected: self.rejected.get(),
            repeated: self.repeated.get(),
            failed: self.failed.get(),
            shed: self.shed.get(),
            abandoned: self.abandoned.get(),
            quarantined: self.quarantined.get(),
            restarts: self.restarts.get(),
            active: self.active.get(),
            active_bytes: self.active_bytes.get(),
            passivated: self.passivated.get(),
            reactivated: self.reactivated.get(),
        }
    }
}

/// What one agent has done since the runtime started.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentStats {
    /// Its name.
    pub agent: &'static str,
    /// Commands answered with a reply.
    pub handled: u64,
    /// Commands that the agent refused.
    pub rejected: u64,
    /// Commands that came again and got their first reply.
    pub repeated: u64,
    /// Commands that could not be served.
    pub failed: u64,
    /// Commands dropped because their deadline had passed.
    pub shed: u64,
    /// Commands dropped because whoever asked had gone away before they ran.
    pub abandoned: u64,
    /// Commands set aside after too many attempts.
    pub quarantined: u64,
    /// Restarts of its shards.
    pub restarts: u64,
    /// Entities in memory now.
    pub active: u64,
    /// What they take, more or less: see [`AgentOptions::active_bytes_max`](crate::AgentOptions).
    pub active_bytes: u64,
    /// Entities that left memory because they were idle or others needed the room.
    pub passivated: u64,
    /// Entities that came back into memory from the journal.
    pub reactivated: u64,
}

/// What the orchestrator has done since the runtime started.
#[derive(Debug, Default)]
pub(crate) struct FlowCounters {
    pub(crate) started: Counter,
    pub(crate) resumed: Counter,
    pub(crate) completed: Counter,
    pub(crate) failed: Counter,
    pub(crate) undone: Counter,
    pub(crate) given_up: Counter,
    pub(crate) cancelled: Counter,
}

impl FlowCounters {
    pub(crate) fn stats(&self, running: usize, parked: usize) -> FlowStats {
        FlowStats {
            started: self.started.get(),
            resumed: self.resumed.get(),
            completed: self.completed.get(),
            failed: self.failed.get(),
            undone: self.undone.get(),
            given_up: self.given_up.get(),
            cancelled: self.cancelled.get(),
            in_flight: running + parked,
            parked,
        }
    }
}

/// What the orchestrator has done since the runtime started.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowStats {
    /// Flows begun.
    pub started: u64,
    /// Flows run again after a crash.
    pub resumed: u64,
    /// Flows that reached their end.
    pub completed: u64,
    /// Flows that failed, and undid what they had done.
    pub failed: u64,
    /// Undos that ran.
    pub undone: u64,
    /// Undos that did not succeed and stand on the work list.
    pub given_up: u64,
    /// Flows that were told to stop, because somebody cancelled them or the flow that they were a
    /// step of came to nothing.
    pub cancelled: u64,
    /// Flows on their way now, those that are parked included.
    pub in_flight: usize,
    /// Flows that sleep and keep nothing in memory.
    pub parked: usize,
}
