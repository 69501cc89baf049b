//! Reads that join what memory holds with what is stored: what waits to be written, the end of the log
//! as the [tail](crate::tail) has it, and the store.
//!
//! What memory held before the disk failed leads nowhere afterwards: a link into what was taken back
//! may lead to another stream's record by then. So each of these reads lies within one epoch, and is
//! made again where the epoch changed under it.

use std::sync::Arc;

use crate::block::Link;
use crate::error::ReadError;
use crate::front::Head;
use crate::journal::StreamPart;
use crate::record::{FirstReply, Position, Recorded};
use crate::shared::Shared;
use crate::store::{Next, Store, guarded, read_record};

impl Shared {
    /// Where a stream stands.
    pub(crate) fn head(&self, stream: &str) -> Result<Head, ReadError> {
        let known = || self.front.lock().head(stream);
        loop {
            let asked = match known() {
                Ok(head) => return Ok(head),
                Err(asked) => asked,
            };
            let stored = self.stored_head(stream)?;
            match known() {
                Ok(head) => return Ok(head),
                Err(now) if now == asked => return Ok(stored.unwrap_or_default()),
                // Heads left memory meanwhile, and this one's may be newer than what was read.
                Err(_) => {}
            }
        }
    }

    pub(crate) fn stored_head(&self, stream: &str) -> Result<Option<Head>, ReadError> {
        self.read(|store| store.head(stream))
    }

    /// The first reply to a command, as long as it is kept.
    pub(crate) fn first_reply(&self, command: uuid::Uuid) -> Result<Option<FirstReply>, ReadError> {
        self.within_an_epoch(|| {
            let Some(place) = self.front.lock().place_of(command) else {
                return Ok(None);
            };
            Ok(self.record(place)?.append.command.clone())
        })
    }

    /// A stream's appends beyond its first `after` events.
    pub(crate) fn read_stream(
        &self,
        stream: &str,
        after: u64,
    ) -> Result<Vec<Arc<Recorded>>, ReadError> {
        let all = self.read_stream_part(stream, None, after, usize::MAX)?;
        Ok(all.records)
    }

    /// Those that end with the one at `until`, or the last, and begin where they hold `events_max`.
    pub(crate) fn read_stream_part(
        &self,
        stream: &str,
        until: Option<Position>,
        after: u64,
        events_max: usize,
    ) -> Result<StreamPart, ReadError> {
        self.within_an_epoch(|| self.walk_back(stream, until, after, events_max))
    }

    fn within_an_epoch<T>(&self, read: impl Fn() -> Result<T, ReadError>) -> Result<T, ReadError> {
        loop {
            let epoch = self.gate.epoch();
            let outcome = read();
            if self.gate.epoch() == epoch {
                return outcome;
            }
        }
    }

    fn walk_back(
        &self,
        stream: &str,
        until: Option<Position>,
        after: u64,
        events_max: usize,
    ) -> Result<StreamPart, ReadError> {
        let mut at = match until {
            Some(until) => until,
            None => self.head(stream)?.last,
        };
        let mut part = StreamPart {
            records: Vec::new(),
            earlier: None,
        };
        let (mut events, mut stray) = (0, None);
        let mut take = |recorded: Arc<Recorded>| {
            if *recorded.append.stream != *stream {
                stray = Some(recorded.position);
                return Next::Stop;
            }
            let end = recorded.version_after();
            // An append without events still counts: a reply may depend on it.
            if end < after || end == after && !recorded.append.events.is_empty() {
                return Next::Stop;
            }
            if events >= events_max {
                part.earlier = Some(recorded.position);
                return Next::Stop;
            }
            events += recorded.append.events.len();
            part.records.push(recorded);
            Next::Go
        };
        // What waits is in memory, and most of what was written last; from the first record that is
        // not, all is in the store. What is stored in the meantime was in hand already, so nothing is
        // missed or read twice.
        while at > Position::START {
            let Some((link, recorded)) = self.in_memory(at)? else {
                self.read(|store| store.walk_back(at, |recorded| take(Arc::new(recorded))))?;
                break;
            };
            if take(recorded) == Next::Stop {
                break;
            }
            at = link.previous;
        }
        if let Some(position) = stray {
            return Err(ReadError::Missing { position });
        }
        part.records.reverse();
        Ok(part)
    }

    /// The record at `position`, stored or not.
    fn record(&self, position: Position) -> Result<Arc<Recorded>, ReadError> {
        match self.in_memory(position)? {
            Some((_, recorded)) => Ok(recorded),
            None => self.read(|store| store.record(position)).map(Arc::new),
        }
    }

    /// The record at `position` and what it links to, where it waits to be written, or was written a
    /// short time ago; `None` where only the store has it.
    fn in_memory(&self, position: Position) -> Result<Option<(Link, Arc<Recorded>)>, ReadError> {
        let waiting = self.front.lock().waiting(position);
        if let Ok(waiting) = waiting {
            let (link, bytes) = waiting.ok_or(ReadError::Missing { position })?;
            return Ok(Some((link, Arc::new(read_record(position, &bytes)?))));
        }
        // Looked for in this order: what leaves the one has come to the other, or to the store.
        let kept = self.tail.lock().block(position);
        kept.map(|block| block.record(position)).transpose()
    }

    /// Reads the store, unless it is away. A disk that cannot be read stops the journal as one does
    /// that cannot be written: the store answers nothing more until it is opened anew.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        // Held until the journal is told: what another disk is told of must not stop the next one.
        let store = self.store.read();
        let Some(store) = &*store else {
            return Err(ReadError::Away);
        };
        let outcome = guarded(|| Ok(read(store))).map_err(ReadError::store);
        outcome
            .flatten()
            .inspect_err(|error| self.stop_if_away(error))
    }
}
