//! Commands by name.

use std::collections::BTreeMap;

use crate::agent::{Agent, Command};
use crate::envelope::{Stored, typed_from_bytes};
use crate::event::CodecError;

type Reader<A> = fn(u16, &[u8]) -> Result<Stored<A>, CodecError>;

/// The commands of one agent that may arrive as bytes: an undo that waited in the journal, a
/// command put back from quarantine.
pub struct Commands<A: Agent> {
    readers: BTreeMap<&'static str, Reader<A>>,
}

impl<A: Agent> Commands<A> {
    pub(crate) fn of_agent() -> Self {
        let mut commands = Self {
            readers: BTreeMap::new(),
        };
        A::commands(&mut commands);
        commands
    }

    /// Adds one command type.
    pub fn add<C: Command<Agent = A>>(&mut self) -> &mut Self {
        self.readers.insert(C::NAME, typed_from_bytes::<C>);
        self
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.readers.contains_key(name)
    }

    pub(crate) fn read(
        &self,
        name: &str,
        version: u16,
        bytes: &[u8],
    ) -> Result<Stored<A>, CodecError> {
        let reader = self
            .readers
            .get(name)
            .ok_or_else(|| CodecError::unknown(name, version))?;
        reader(version, bytes)
    }
}

impl<A: Agent> std::fmt::Debug for Commands<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.readers.keys()).finish()
    }
}
