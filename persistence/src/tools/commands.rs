//! Holds the stored chunks of known commands against the records.
//!
//! Opening a journal reads no record before the checkpoint, so a command that was recorded there and
//! that no chunk lists would be carried out a second time when it comes again.

use std::collections::HashMap;

use uuid::Uuid;

use super::verify::VerifyReport;
use crate::error::ReadError;
use crate::front::{Chunk, Command};
use crate::record::Position;

/// The commands as the records tell them, until a chunk lists them.
#[derive(Debug, Default)]
pub(super) struct CommandsSeen {
    /// Where each command was last recorded.
    recorded: HashMap<Uuid, Position>,
    /// First replies recorded before this are forgotten, as the last block has it.
    replies_from: Position,
    /// The last place that a chunk lists.
    listed_to: Position,
}

impl CommandsSeen {
    /// Notes the command of a record. `false` where it was recorded before and still known then.
    pub(super) fn recorded(
        &mut self,
        command: Uuid,
        position: Position,
        replies_from: Position,
    ) -> bool {
        // A journal forgets commands after a while, and says in each block what it still knows; one
        // that comes again later passes for a new one, and may.
        let before = self.recorded.insert(command, position);
        before.is_none_or(|before| before < replies_from)
    }

    /// Notes what a block says of first replies.
    pub(super) fn known_from(&mut self, replies_from: Position) {
        self.replies_from = replies_from;
    }

    /// Holds the chunk that lies under `key` against them.
    pub(super) fn listed(
        &mut self,
        key: Position,
        chunk: Result<Chunk, ReadError>,
        report: &mut VerifyReport,
    ) {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return report.problem(error.to_string()),
        };
        if chunk.first() != key {
            report.problem(format!(
                "the chunk of commands at position {key} begins at {}",
                chunk.first()
            ));
        }
        // One line for a chunk: a block that is gone takes thousands of commands with it.
        let mut strange = chunk
            .commands
            .iter()
            .filter_map(|command| self.take(*command));
        if let Some(first) = strange.next() {
            let others = strange.count();
            report.problem(format!(
                "the chunk of commands at position {key} lists {first}; {others} more in it do not fit"
            ));
        }
    }

    /// Takes in one listed command, and says what does not fit.
    fn take(&mut self, command: Command) -> Option<String> {
        let Command { id, at, .. } = command;
        let before = self.listed_to;
        self.listed_to = before.max(at);
        if at <= before {
            return Some(format!("{id} at {at} after one at {before}"));
        }
        match self.recorded.get(&id).copied() {
            Some(recorded) if recorded == at => {
                self.recorded.remove(&id);
                None
            }
            // Forgotten, and recorded anew since: the later place counts.
            Some(recorded) if recorded > at && at < self.replies_from => None,
            Some(recorded) => Some(format!("{id} at {at}, and its record is at {recorded}")),
            None => Some(format!("{id} at {at}, of which there is no record")),
        }
    }

    /// What is left over is not listed, and may only be so where it is forgotten, or where its record
    /// is read at each opening.
    pub(super) fn finish(self, checkpoint: Position, report: &mut VerifyReport) {
        let read_from = checkpoint.max(self.listed_to).next();
        let lacking = self
            .recorded
            .iter()
            .filter(|(_, at)| (self.replies_from..read_from).contains(*at));
        let Some((first, at)) = lacking.clone().min_by_key(|(_, at)| **at) else {
            return;
        };
        report.problem(format!(
            "{} known commands are in no stored chunk, the first of them {first}, recorded at position {at}",
            lacking.count()
        ));
    }
}
