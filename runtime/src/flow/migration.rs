//! How an instance is moved from one version of its flow to a later one.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::history::FlowHistory;
use crate::codec;

/// How far an instance has come that is to be moved to another version of its flow.
#[derive(Debug)]
pub struct FlowProgress<'a> {
    state: &'a FlowHistory,
}

impl FlowProgress<'_> {
    /// Whether the undo of this step was put down: then the step may have been taken.
    #[must_use]
    pub fn has_undo(&self, step: &str) -> bool {
        self.state.undos.iter().any(|(known, _)| **known == *step)
    }

    /// Whether this step has its note: a read, a refusal, a port's answer, a time; and the reply of a
    /// write where the flow was parked since, or went on for more than some seconds.
    #[must_use]
    pub fn has_note(&self, step: &str) -> bool {
        self.state.notes.contains_key(step)
    }
}

/// Why a migration gave no new input.
#[derive(Debug)]
pub(crate) enum NotMigrated {
    /// The function leaves the instance where it is.
    Left,
    /// Its input cannot be read, or the new one has no stored form.
    Broken(String),
}

type Move = dyn Fn(&[u8], &FlowProgress<'_>) -> Result<Vec<u8>, NotMigrated> + Send + Sync;

/// Moves instances to the version `to`.
pub(crate) struct Migration {
    pub(crate) to: u16,
    make: Box<Move>,
}

impl Migration {
    pub(crate) fn new<I, J>(
        to: u16,
        function: impl Fn(I, &FlowProgress<'_>) -> Option<J> + Send + Sync + 'static,
    ) -> Self
    where
        I: DeserializeOwned,
        J: Serialize,
    {
        let make = move |input: &[u8], progress: &FlowProgress<'_>| {
            let broken = |error: crate::CodecError| NotMigrated::Broken(error.to_string());
            let input = codec::decode(input).map_err(broken)?;
            let input = function(input, progress).ok_or(NotMigrated::Left)?;
            codec::encode(&input).map_err(broken)
        };
        Self {
            to,
            make: Box::new(make),
        }
    }

    /// The input of the later version.
    pub(crate) fn input(&self, state: &FlowHistory) -> Result<Vec<u8>, NotMigrated> {
        let input = state.input().unwrap_or_default();
        (self.make)(input, &FlowProgress { state })
    }
}
