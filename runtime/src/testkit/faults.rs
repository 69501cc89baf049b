//! Faults that strike agents where a test says.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::agent::{Agent, Command};
use crate::fault::{FaultPoint, Moment};
use crate::shard::InjectedCrash;

/// How long a command is held where nobody lets it go: a test that forgets to must end too.
const HELD_MAX: Duration = Duration::from_secs(60);

/// One fault: where it strikes, how often, and what it does.
///
/// It strikes commands of any agent, name and entity, until it is told otherwise.
#[derive(Debug, Clone)]
#[must_use = "a fault strikes when it is armed"]
pub struct Fault {
    moment: Moment,
    agent: Option<&'static str>,
    command: Option<&'static str>,
    entity: Option<Box<str>>,
    timers_only: bool,
    /// How many more commands it lets pass.
    passes: u32,
    /// How many more times it strikes.
    times: u32,
    gate: Option<Gate>,
}

impl Fault {
    /// A crash of the shard, once, at this moment of the next command.
    pub fn at(moment: Moment) -> Self {
        Self {
            moment,
            agent: None,
            command: None,
            entity: None,
            timers_only: false,
            passes: 0,
            times: 1,
            gate: None,
        }
    }

    /// The same, for commands of this type only.
    pub fn of<C: Command>(self) -> Self {
        Self {
            agent: Some(<C::Agent as Agent>::NAME),
            command: Some(C::NAME),
            ..self
        }
    }

    /// The same, for commands to this entity only.
    pub fn on(self, entity: impl Into<Box<str>>) -> Self {
        Self {
            entity: Some(entity.into()),
            ..self
        }
    }

    /// The same, for the commands of timers only.
    pub fn in_timers(self) -> Self {
        Self {
            timers_only: true,
            ..self
        }
    }

    /// The same, at the `nth` such command, counted from 1 when it is armed.
    pub fn nth(self, nth: u32) -> Self {
        Self {
            passes: nth.saturating_sub(1),
            ..self
        }
    }

    /// The same, so many times in a row.
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// A command that hangs in place of a crash: it holds its thread until it is let go, or for a
    /// minute. Of use where other threads go on: with one thread nobody is left to notice.
    pub fn holding(self) -> (Self, Gate) {
        let gate = Gate::default();
        let held = Self {
            gate: Some(gate.clone()),
            ..self
        };
        (held, gate)
    }

    fn fits(&self, point: &FaultPoint<'_>) -> bool {
        self.moment == point.moment
            && self.agent.is_none_or(|agent| agent == point.agent)
            && self.command.is_none_or(|command| command == point.command)
            && self.entity.as_deref().is_none_or(|it| it == point.entity)
            && (point.is_timer || !self.timers_only)
    }
}

/// Where a command is held.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// Lets go of whatever is held here, now or later.
    pub fn release(&self) {
        let (is_open, opened) = &*self.0;
        *is_open.lock() = true;
        opened.notify_all();
    }

    fn hold(&self) {
        let (is_open, opened) = &*self.0;
        let mut is_open = is_open.lock();
        opened.wait_while_for(&mut is_open, |is_open| !*is_open, HELD_MAX);
    }
}

/// The faults of one test. Clones are the same.
///
/// A [`TestWorld`](super::TestWorld) has one; another runtime is given it with
/// [`RuntimeBuilder::fault_hook`](crate::RuntimeBuilder::fault_hook) and [`hook`](Self::hook).
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    armed: Vec<Fault>,
    struck: u32,
}

impl Faults {
    /// Arms one more fault. Of several that fit, the one that was armed first strikes.
    pub fn arm(&self, fault: Fault) {
        self.0.lock().armed.push(fault);
    }

    /// Takes all of them away.
    pub fn disarm(&self) {
        self.0.lock().armed.clear();
    }

    /// How often one of them struck.
    #[must_use]
    pub fn struck(&self) -> u32 {
        self.0.lock().struck
    }

    /// What a runtime is to ask at each moment.
    pub fn hook(&self) -> impl Fn(&FaultPoint<'_>) + Send + Sync + use<> {
        let faults = self.clone();
        move |point| faults.strike(point)
    }

    fn strike(&self, point: &FaultPoint<'_>) {
        let mut state = self.0.lock();
        let mut fitting = state.armed.iter_mut().filter(|fault| fault.fits(point));
        let Some(fault) = fitting.next() else {
            return;
        };
        if fault.passes > 0 {
            fault.passes -= 1;
            return;
        }
        fault.times = fault.times.saturating_sub(1);
        let gate = fault.gate.clone();
        state.armed.retain(|fault| fault.times > 0);
        state.struck += 1;
        // The others must be able to strike while this one holds its thread.
        drop(state);
        match gate {
            Some(gate) => gate.hold(),
            None => std::panic::panic_any(InjectedCrash),
        }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0.lock().armed).finish()
    }
}
