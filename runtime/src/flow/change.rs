//! Changes of a flow's log from outside its function: whoever makes one is the log's one writer
//! meanwhile, be the flow on its way or not.

use std::sync::Arc;

use dashmap::mapref::entry::Entry;
use mercato_persistence::{Journal, Position};

use super::context::FOREVER;
use super::engine::{Engine, Place};
use super::events::{FlowCancelRequested, FlowEvent, FlowRevertRequested};
use super::log::{FlowLog, stream_of_flow};
use super::running::{Joined, Running};
use crate::clock::Timestamp;
use crate::error::AskFailure;
use crate::principal::Principal;

/// What must follow from a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    /// A task must be at it.
    Attend,
    /// It takes no further step.
    Stop,
    /// There is something to undo, though it has ended.
    Reopen,
    /// It runs from its beginning.
    BeginAnew,
}

/// A log that is being changed.
pub(super) struct Desk<'a> {
    pub(super) log: &'a mut FlowLog,
    /// Whether a task is at it.
    pub(super) is_running: bool,
    journal: &'a dyn Journal,
    pub(super) now: Timestamp,
}

impl Desk<'_> {
    pub(super) fn record(&mut self, event: impl Into<FlowEvent>) -> Result<(), AskFailure> {
        self.log.record(self.journal, self.now, event)
    }
}

/// What became of a change.
pub(super) struct Changed<T> {
    pub(super) value: T,
    pub(super) epoch: u64,
    pub(super) position: Position,
    /// The flow's end, where a task is at it.
    joined: Option<Joined>,
}

impl Engine {
    /// Changes a flow's log, and sees to what follows from that.
    pub(super) fn change<T, E: From<AskFailure>>(
        self: &Arc<Self>,
        stream: &Arc<str>,
        act: impl FnOnce(&mut Desk<'_>) -> Result<(T, Then), E>,
    ) -> Result<Changed<T>, E> {
        if *self.stopping.borrow() {
            return Err(AskFailure::Stopped.into());
        }
        let journal = &*self.core.journal;
        let now = self.core.clock.now();
        let act = |log: &mut FlowLog, is_running| -> Result<_, E> {
            let mut desk = Desk {
                log,
                is_running,
                journal,
                now,
            };
            let (value, then) = act(&mut desk)?;
            let joined = None;
            let (epoch, position) = (log.epoch, log.position);
            let changed = Changed {
                value,
                epoch,
                position,
                joined,
            };
            Ok((changed, then))
        };
        // The entry is held meanwhile, so that the task neither comes nor goes.
        match self.running.entry(stream.clone()) {
            Entry::Occupied(entry) => {
                let running = entry.get().clone();
                // Nor does the task begin another run.
                let current = running.current.lock();
                let change = |log: &mut FlowLog| {
                    let (mut changed, then) = act(log, true)?;
                    if let (Then::Stop, Some(flow)) = (then, &*current) {
                        flow.scope.stop();
                    }
                    if self.parked.lock().contains(stream) {
                        // Its task is about to let go, and a crash must not leave it to its timer.
                        if then != Then::Nothing {
                            changed.position = log.clear_wake(journal, now)?;
                        }
                        running.go_on();
                    }
                    follow(&running, then);
                    changed.joined = Some(Joined::to(&running, log));
                    Ok(changed)
                };
                match &*current {
                    Some(flow) if flow.epoch() == journal.epoch() => flow.with_log(change),
                    // It waits for its place and has yet to read the log, or must read it again, since
                    // the disk failed: what it has read counts no more, and it writes nothing.
                    _ => change(&mut FlowLog::load(journal, stream)?),
                }
            }
            Entry::Vacant(entry) => {
                let mut log = FlowLog::load(journal, stream)?;
                let (mut changed, then) = act(&mut log, false)?;
                if then == Then::Nothing {
                    return Ok(changed);
                }
                // The next start goes on with it, and does not leave it to its timer.
                changed.position = log.clear_wake(journal, now)?;
                if self.at_rest {
                    return Ok(changed);
                }
                let running = Running::again();
                entry.insert(running.clone());
                changed.joined = Some(Joined::to(&running, &log));
                self.take_on(stream, Some(&log), running);
                Ok(changed)
            }
        }
    }

    /// Goes on with a flow that nobody was at, as soon as there is a place for it.
    pub(super) fn take_on(
        self: &Arc<Self>,
        stream: &Arc<str>,
        log: Option<&FlowLog>,
        running: Arc<Running>,
    ) {
        self.parked.lock().remove(stream);
        self.counters.resumed.add();
        // Whoever waits for a child may have the place that it would wait for.
        let is_child = log.is_some_and(|log| log.state.parent.is_some());
        let place = if is_child {
            Place::None
        } else {
            Place::Awaited
        };
        self.spawn(stream.clone(), running, place);
    }

    /// Undoes a child: one that is on its way is cancelled, and one that ended well is undone by its
    /// own undos. Waits until that is done, and gives what it depends on. What the child could not
    /// undo stands on the work list under the child's name.
    ///
    /// `epoch` is that of whoever undoes it. What they knew may have been taken back when it is over,
    /// and so may the child's cancellation, which its end would be awaited for in vain.
    pub(super) async fn revoke(
        self: &Arc<Self>,
        epoch: u64,
        name: &str,
        id: &str,
        parent: &str,
    ) -> Result<Position, AskFailure> {
        let stream = stream_of_flow(name, id);
        let reason = || format!("`{parent}`, which it is a step of, is undone");
        let changed = self.change(&stream, |desk| {
            if desk.log.epoch != epoch {
                return Err(AskFailure::taken_back());
            }
            let state = &desk.log.state;
            let is_failing = state.failing.is_some();
            let then = if state.started.is_none() {
                Then::Nothing
            } else if state.ended.is_some() && !is_failing && !state.reverting {
                desk.record(FlowRevertRequested { reason: reason() })?;
                match desk.log.state.outstanding().is_empty() {
                    true => Then::Nothing,
                    false => Then::Reopen,
                }
            } else if state.ended.is_some() && state.outstanding().is_empty() {
                Then::Nothing
            } else if state.ended.is_some() || is_failing || state.cancel.is_some() {
                Then::Attend
            } else {
                desk.record(FlowCancelRequested {
                    reason: reason(),
                    principal: Principal::System,
                })?;
                self.counters.cancelled.add();
                Then::Stop
            };
            Ok((then, then))
        })?;
        match changed.joined {
            Some(joined) if changed.value != Then::Nothing => tokio::select! {
                biased;
                ended = self.await_end(joined, FOREVER) => {
                    Ok(changed.position.max(ended?.position))
                }
                back = self.core.journal.until_writable_after(epoch) => {
                    back.map_err(AskFailure::read_only)?;
                    Err(AskFailure::taken_back())
                }
            },
            _ => Ok(changed.position),
        }
    }
}

fn follow(running: &Running, then: Then) {
    match then {
        Then::Reopen => running.reopen(),
        Then::BeginAnew => running.begin_anew(),
        Then::Nothing | Then::Attend | Then::Stop => {}
    }
}
