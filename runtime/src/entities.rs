//! The entities that a shard has in memory: a bounded cache over the journal.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use mercato_persistence::{Journal, Position, ReadError, Recorded, Snapshot};

use crate::agent::Agent;
use crate::codec;
use crate::error::AskFailure;
use crate::event::{CodecError, Event};
use crate::recovery::SnapshotCadence;

/// One entity, as far as the journal has been told of it.
pub(crate) struct Entity<A: Agent> {
    pub(crate) stream: Arc<str>,
    pub(crate) state: A::State,
    /// How many events it has had.
    pub(crate) version: u64,
    /// Its last append: what a reply about it depends on.
    pub(crate) position: Position,
    snapshot_version: u64,
}

/// The most recently used entities of one shard. The others come back from the journal.
pub(crate) struct Entities<A: Agent> {
    cache: LruCache<Box<str>, Entity<A>>,
    cadence: SnapshotCadence,
}

impl<A: Agent> Entities<A> {
    pub(crate) fn bounded(active_max: NonZeroUsize, cadence: SnapshotCadence) -> Self {
        Self {
            cache: LruCache::new(active_max),
            cadence,
        }
    }

    /// The entity, read from the journal where it is not in memory.
    pub(crate) fn load(
        &mut self,
        journal: &dyn Journal,
        key: &str,
    ) -> Result<&mut Entity<A>, AskFailure> {
        // Looked up twice on a hit; a single look-up would keep the cache borrowed on a miss.
        if !self.cache.contains(key) {
            let entity = read_entity::<A>(journal, key).map_err(AskFailure::unreadable)?;
            self.cache.put(key.into(), entity);
        }
        self.cache
            .get_mut(key)
            .ok_or_else(|| AskFailure::storage("the entity left the cache while it was loaded"))
    }

    /// Forgets everything: the journal took back what it had not written.
    pub(crate) fn clear(&mut self) {
        self.cache.clear();
    }

    /// Offers a snapshot of the entity, as it is known in `epoch`, where it has had enough events
    /// since the last one.
    pub(crate) fn snapshot_if_due(&mut self, journal: &dyn Journal, epoch: u64, key: &str) {
        let every = self.cadence.events(self.cache.len());
        let Some(entity) = self.cache.peek_mut(key) else {
            return;
        };
        if entity.version - entity.snapshot_version < every {
            return;
        }
        entity.snapshot_version = entity.version;
        match codec::encode(&entity.state) {
            Ok(state) => {
                let snapshot = Snapshot {
                    stream: (&*entity.stream).into(),
                    state_version: A::STATE_VERSION,
                    stream_version: entity.version,
                    position: entity.position,
                    state,
                };
                journal.offer_snapshot_in(epoch, snapshot);
            }
            Err(error) => tracing::warn!(agent = A::NAME, %error, "the state has no stored form"),
        }
    }
}

/// The stream of an agent's entity.
pub(crate) fn stream_of(agent: &str, key: &str) -> Arc<str> {
    format!("{agent}/{key}").into()
}

fn read_entity<A: Agent>(journal: &dyn Journal, key: &str) -> Result<Entity<A>, ReadError> {
    let stream = stream_of(A::NAME, key);
    let mut entity = from_snapshot::<A>(journal, stream)?;
    for recorded in journal.read_stream(&entity.stream, entity.version)? {
        replay(&mut entity, &recorded).map_err(|source| ReadError::Record {
            position: recorded.position,
            source,
        })?;
    }
    Ok(entity)
}

fn from_snapshot<A: Agent>(
    journal: &dyn Journal,
    stream: Arc<str>,
) -> Result<Entity<A>, ReadError> {
    let snapshot = journal
        .snapshot(&stream)?
        .filter(|snapshot| snapshot.state_version == A::STATE_VERSION);
    // A snapshot that does not decode only costs time: the events are all there.
    let restored = snapshot.and_then(|s| Some((codec::decode(&s.state).ok()?, s)));
    Ok(match restored {
        Some((state, snapshot)) => Entity {
            stream,
            state,
            version: snapshot.stream_version,
            position: snapshot.position,
            snapshot_version: snapshot.stream_version,
        },
        None => Entity {
            stream,
            state: A::State::default(),
            version: 0,
            position: Position::START,
            snapshot_version: 0,
        },
    })
}

fn replay<A: Agent>(entity: &mut Entity<A>, recorded: &Recorded) -> Result<(), CodecError> {
    let append = &recorded.append;
    let known = usize::try_from(entity.version.saturating_sub(recorded.version_before))
        .unwrap_or(usize::MAX);
    for event in append.events.iter().skip(known) {
        let event = A::Event::decode(&event.name, event.version, &event.payload)?;
        A::evolve(&mut entity.state, &event);
        entity.version += 1;
    }
    entity.position = recorded.position;
    Ok(())
}
