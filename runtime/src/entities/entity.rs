//! One entity in memory, and what it weighs.

use std::sync::Arc;

use mercato_persistence::{Position, Snapshot};

use crate::agent::Agent;
use crate::clock::Timestamp;
use crate::codec;

/// What an entity takes beside its own fields, its key and its state: its places in the table and in
/// the order of use, and what the allocator adds to each of its pieces.
pub(super) const AROUND_BYTES: usize = 160;
/// A state that grew by no more than this is not measured anew.
pub(super) const GROWN_BYTES_MIN: usize = 1_024;

/// One entity, as far as the journal has been told of it.
pub(crate) struct Entity<A: Agent> {
    pub(crate) stream: Arc<str>,
    pub(crate) state: A::State,
    /// How many events it has had.
    pub(crate) version: u64,
    /// Its last append: what a reply about it depends on.
    pub(crate) position: Position,
    /// The state holds events that are not recorded. It is thrown away where they never are.
    pub(crate) is_ahead: bool,
    pub(super) snapshot_version: u64,
    pub(super) used_at: Timestamp,
    /// What its state took when it was last measured, encoded.
    measured_bytes: usize,
    /// What it was given since.
    grown_bytes: usize,
    /// What was counted for it.
    pub(super) counted_bytes: usize,
}

impl<A: Agent> Entity<A> {
    /// One to which nothing has happened.
    pub(super) fn new(stream: Arc<str>) -> Self {
        Self {
            stream,
            state: A::State::default(),
            version: 0,
            position: Position::START,
            is_ahead: false,
            snapshot_version: 0,
            used_at: Timestamp::default(),
            measured_bytes: 0,
            grown_bytes: 0,
            counted_bytes: 0,
        }
    }

    /// As its snapshot has it.
    pub(super) fn from_snapshot(stream: Arc<str>, snapshot: &Snapshot, state: A::State) -> Self {
        Self {
            state,
            version: snapshot.stream_version,
            position: snapshot.position,
            snapshot_version: snapshot.stream_version,
            measured_bytes: snapshot.state.len(),
            ..Self::new(stream)
        }
    }

    /// It was given events of so many bytes.
    pub(crate) fn grow(&mut self, bytes: usize) {
        self.grown_bytes += bytes;
    }

    /// What it takes in memory, more or less: its state as it would be stored, its key twice, and
    /// what stands around them. Between two measurements its events count in full, so a state is
    /// measured anew when they outgrow what it was: that costs no more than the events did.
    pub(super) fn bytes(&mut self) -> usize {
        if self.grown_bytes > self.measured_bytes.max(GROWN_BYTES_MIN) {
            self.measure();
        }
        let state = self.measured_bytes + self.grown_bytes;
        size_of::<Self>() + AROUND_BYTES + 2 * self.stream.len() + state
    }

    /// Measures its state, where that has a stored form.
    pub(super) fn measure(&mut self) {
        if let Ok(bytes) = codec::encoded_bytes(&self.state) {
            self.measured_bytes = bytes;
            self.grown_bytes = 0;
        }
    }

    /// Whether it was ever snapshot.
    #[cfg(feature = "planted-bugs")]
    pub(crate) fn has_snapshot(&self) -> bool {
        self.snapshot_version > 0
    }

    /// How many events it has had since its last snapshot.
    pub(super) fn since_snapshot(&self) -> u64 {
        self.version.saturating_sub(self.snapshot_version)
    }

    /// Its snapshot, where its state has a stored form.
    pub(super) fn snapshot(&mut self) -> Option<Snapshot> {
        // Also where it has none: trying again after each event would not give it one.
        self.snapshot_version = self.version;
        match codec::encode(&self.state) {
            Ok(state) => {
                self.measured_bytes = state.len();
                self.grown_bytes = 0;
                Some(Snapshot {
                    stream: (&*self.stream).into(),
                    state_version: A::STATE_VERSION,
                    stream_version: self.version,
                    position: self.position,
                    state,
                })
            }
            Err(error) => {
                tracing::warn!(agent = A::NAME, %error, "the state has no stored form");
                None
            }
        }
    }
}
