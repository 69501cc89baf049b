//! Undos: data, put down before the steps that they undo.

use serde::Serialize;

use super::activity::Activity;
use super::context::Flow;
use super::error::FlowError;
use super::events::{Undo, UndoRegistered};
use crate::agent::{Agent, Command};
use crate::codec;

/// How many undos one flow may put down.
const UNDOS_MAX: usize = 4_096;

impl Flow {
    /// Puts down a command that undoes the step `step`, before that step is taken. When the flow
    /// fails, undos run last-first, also after a crash; so the command must be harmless where the
    /// step never happened.
    ///
    /// # Errors
    /// Where the command is not registered with its agent, or the journal takes nothing more.
    pub async fn undo_command<C: Command>(&self, step: &str, command: C) -> Result<(), FlowError> {
        let agent = <C::Agent as Agent>::NAME;
        let known = self.core().services.named(agent);
        if !known.is_some_and(|agent| agent.knows(C::NAME)) {
            return Err(FlowError::Broken(format!(
                "`{}` cannot be an undo: add it in `commands` of agent `{agent}`",
                C::NAME
            )));
        }
        let undo = Undo::Command {
            agent: agent.into(),
            name: C::NAME.into(),
            version: C::VERSION,
            body: codec::encode(&command)?,
        };
        self.put_down(step, undo)
    }

    /// Puts down a call to a port that undoes the step `step`, like
    /// [`undo_command`](Self::undo_command).
    ///
    /// # Errors
    /// Where the activity is not registered, or the journal takes nothing more.
    pub async fn undo_activity<I: Serialize, O>(
        &self,
        step: &str,
        activity: Activity<I, O>,
        input: I,
    ) -> Result<(), FlowError> {
        if !self.inner.engine.activities.knows(activity.name) {
            return Err(FlowError::Broken(format!(
                "`{}` cannot be an undo: register it with `RuntimeBuilder::activity`",
                activity.name
            )));
        }
        let undo = Undo::Activity {
            name: activity.name.into(),
            input: codec::encode(&input)?,
        };
        self.put_down(step, undo)
    }

    pub(super) fn put_down(&self, step: &str, undo: Undo) -> Result<(), FlowError> {
        self.may_go_on()?;
        let step = self.scope.name(step)?;
        let (known, count) = self.with_log(|log| {
            let undos = &log.state.undos;
            (undos.iter().any(|(it, _)| *it == step), undos.len())
        });
        if known {
            return Ok(());
        }
        if count >= UNDOS_MAX {
            return Err(FlowError::Broken(format!(
                "the flow has {UNDOS_MAX} undos and takes no more; split it into child flows"
            )));
        }
        Ok(self.record(UndoRegistered { step, undo })?)
    }
}
