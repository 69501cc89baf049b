//! Commands by name.

use std::collections::BTreeMap;

use mercato_supervisor::contain;
use serde_json::Value;

use crate::agent::{Agent, Command};
use crate::codec;
use crate::envelope::{Stored, typed_from_bytes};
use crate::event::CodecError;
use crate::json::view_of;

/// How one type of command is read.
struct Reader<A: Agent> {
    stored: fn(u16, &[u8]) -> Result<Stored<A>, CodecError>,
    body: fn(&[u8]) -> Result<Opened, CodecError>,
    version: u16,
}

/// A command that was kept as a body, which is with its name and version.
pub(crate) struct Opened {
    pub(crate) version: u16,
    /// The command alone.
    pub(crate) command: Vec<u8>,
    /// The same for people.
    pub(crate) view: Value,
}

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
        let reader = Reader {
            stored: typed_from_bytes::<C>,
            body: open::<C>,
            version: C::VERSION,
        };
        self.readers.insert(C::NAME, reader);
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
        (self.reader(name, version)?.stored)(version, bytes)
    }

    /// Reads the body of a command that was kept in this version; 0 where that is not known.
    pub(crate) fn open(&self, name: &str, version: u16, body: &[u8]) -> Result<Opened, CodecError> {
        let reader = self.reader(name, version)?;
        if version != 0 && version != reader.version {
            return Err(CodecError::unknown(name, version));
        }
        // The command's own code reads it, and may be what is wrong with it.
        let opened = contain(|| (reader.body)(body));
        opened.unwrap_or_else(|panic| {
            Err(CodecError::Decode(format!("reading it panicked: {panic}")))
        })
    }

    fn reader(&self, name: &str, version: u16) -> Result<&Reader<A>, CodecError> {
        let reader = self.readers.get(name);
        reader.ok_or_else(|| CodecError::unknown(name, version))
    }
}

fn open<C: Command>(body: &[u8]) -> Result<Opened, CodecError> {
    let (_, version, command): (Box<str>, u16, C) = codec::decode(body)?;
    if version != C::VERSION {
        return Err(CodecError::unknown(C::NAME, version));
    }
    Ok(Opened {
        version,
        command: codec::encode(&command)?,
        view: view_of(&command)?,
    })
}

impl<A: Agent> std::fmt::Debug for Commands<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.readers.keys()).finish()
    }
}
