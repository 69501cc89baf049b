//! The journal on one machine: redb behind one writer with group commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::error::{AppendError, JournalFailed, OpenError, ReadError};
use crate::front::{Front, Group};
use crate::gate::Gate;
use crate::journal::{Appended, Journal};
use crate::options::{DiskPace, JournalOptions, WriterPlace};
use crate::record::{Append, FirstReply, Position, Recorded, Snapshot, encode_append};
use crate::store::{Store, read_record};
use crate::vault::{Vault, WriteAhead};

/// A [`Journal`] in one redb file. Dropping it lets the writer write what waits, and end;
/// [`close`](Journal::close) waits for that.
///
/// ```
/// use mercato_persistence::{Append, Journal, JournalOptions, RedbJournal, WriterPlace};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let journal = RedbJournal::in_memory(JournalOptions::default(), WriterPlace::Thread)?;
/// let appended = journal.append(Append {
///     stream: "counter/1".into(),
///     expected_version: 0,
///     recorded_at_ms: 0,
///     events: Vec::new(),
///     command: None,
///     mark: None,
/// })?;
/// journal.until_durable(appended.position).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RedbJournal {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    /// Written ahead of every group.
    vault: Arc<Vault>,
    front: Mutex<Front>,
    gate: Gate,
    // Read before every command of every shard; the lock would be the one thing they all meet at.
    has_room: AtomicBool,
    epoch: AtomicU64,
    /// Wakes the writer.
    work: Notify,
    /// Wakes appenders that wait for room.
    room: Notify,
    stopped: watch::Sender<bool>,
    record_bytes_max: usize,
}

impl RedbJournal {
    /// Opens the journal at `path`, or creates it, and starts its writer. The keys of persons are
    /// beside it, in `<path>.keys`: in a file of their own, so that a copy of the journal holds
    /// none.
    ///
    /// # Errors
    /// See [`OpenError`]. A file that is refused is left as it was, save that redb mends one of its
    /// own whose last writer crashed.
    pub fn open(
        path: impl AsRef<Path>,
        options: JournalOptions,
        writer: WriterPlace,
    ) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let options = options.within_range();
        let store = Store::at(path, &options)?;
        let mut keys = path.as_os_str().to_owned();
        keys.push(".keys");
        let vault = Arc::new(Vault::open(Path::new(&keys))?);
        Self::start(path, store, vault, options, writer)
    }

    /// A journal that is gone with the process, and so are the keys of its persons.
    ///
    /// # Errors
    /// When the memory for it cannot be had.
    pub fn in_memory(options: JournalOptions, writer: WriterPlace) -> Result<Self, OpenError> {
        Self::with_backend(InMemoryBackend::new(), options, writer)
    }

    /// Opens the journal on a disk of the caller's making, such as one that fails on purpose, or
    /// creates it where the disk is empty.
    ///
    /// Only [`open`](Self::open) creates atomically, since only a file can be renamed: a disk that
    /// loses its power while it is first written may hold something that is not a journal.
    ///
    /// The keys of persons are in memory, and gone with the process; a disk that outlives it needs
    /// [`with_vault`](Self::with_vault).
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn with_backend(
        backend: impl StorageBackend,
        options: JournalOptions,
        writer: WriterPlace,
    ) -> Result<Self, OpenError> {
        let vault = Arc::new(Vault::in_memory()?);
        Self::with_vault(backend, vault, options, writer)
    }

    /// As [`with_backend`](Self::with_backend), with these keys of persons.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn with_vault(
        backend: impl StorageBackend,
        vault: Arc<Vault>,
        options: JournalOptions,
        writer: WriterPlace,
    ) -> Result<Self, OpenError> {
        let options = options.within_range();
        let path = Path::new("(backend)");
        let store = Store::on(path, backend, &options)?;
        Self::start(path, store, vault, options, writer)
    }

    fn start(
        path: &Path,
        store: Store,
        vault: Arc<Vault>,
        options: JournalOptions,
        writer: WriterPlace,
    ) -> Result<Self, OpenError> {
        let damaged = |source| OpenError::Damaged {
            path: path.into(),
            source,
        };
        let record_bytes_max = options.record_bytes_max;
        let mut front = Front::new(options, store.cursors().map_err(damaged)?);
        let mut durable = Position::START;
        store
            .scan(Position::START, |recorded| {
                durable = recorded.position;
                front.restore(recorded);
                true
            })
            .map_err(damaged)?;
        let shared = Arc::new(Shared {
            store,
            vault,
            front: Mutex::new(front),
            gate: Gate::starting_at(durable),
            has_room: AtomicBool::new(true),
            epoch: AtomicU64::new(0),
            work: Notify::new(),
            room: Notify::new(),
            stopped: watch::Sender::new(false),
            record_bytes_max,
        });
        spawn_writer(&shared, writer).map_err(|source| OpenError::Io {
            path: path.into(),
            source,
        })?;
        Ok(Self { shared })
    }
}

/// Starts the writer's loop: the same one on a thread and as a task.
fn spawn_writer(shared: &Arc<Shared>, place: WriterPlace) -> std::io::Result<()> {
    let shared = shared.clone();
    match place {
        WriterPlace::Task(pace) => {
            tokio::spawn(write_groups(shared, Some(pace)));
        }
        WriterPlace::Thread => {
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            std::thread::Builder::new()
                .name("mercato-journal".into())
                .spawn(move || runtime.block_on(write_groups(shared, None)))?;
        }
    }
    Ok(())
}

/// Commits one group after the other. There is no linger: while one group is being synced the
/// next one gathers, so an idle journal answers after one sync and a busy one fills its groups.
async fn write_groups(shared: Arc<Shared>, mut pace: Option<Box<dyn DiskPace>>) {
    loop {
        let Some(group) = shared.next_group().await else {
            break;
        };
        // A panic in the store must not leave callers waiting for a writer that is gone.
        let written = catch_unwind(AssertUnwindSafe(|| {
            // Before the events that need them: a crash between the two leaves keys too many.
            shared.vault.flush()?;
            shared.store.commit(&group)
        }))
        .unwrap_or_else(|_| Err(redb::Error::Corrupted("the store panicked".into())));
        if let Some(pace) = &mut pace {
            tokio::time::sleep(pace.commit_time(group.bytes)).await;
        }
        match written {
            Ok(()) => shared.publish(&group),
            Err(error) => {
                shared.fail(&JournalFailed::because(error));
                break;
            }
        }
    }
    // Whoever waits for the end may open the file again at once: let go of it first.
    let stopped = shared.stopped.clone();
    drop(shared);
    stopped.send_replace(true);
}

impl Shared {
    /// Waits for work. `None` when the journal is closing and all is written.
    async fn next_group(&self) -> Option<Group> {
        loop {
            {
                let mut front = self.front.lock();
                if front.has_pending() || front.closing {
                    let group = front.next_group();
                    return (!group.is_empty()).then_some(group);
                }
            }
            self.work.notified().await;
        }
    }

    fn publish(&self, group: &Group) {
        {
            let mut front = self.front.lock();
            front.committed(group);
            self.has_room.store(front.has_room(), Ordering::Release);
        }
        if !group.records.is_empty() {
            self.gate.open_to(group.last());
        }
        self.room.notify_waiters();
    }

    fn begin_closing(&self) {
        self.front.lock().closing = true;
        self.work.notify_one();
    }

    /// Fail-stop: what is not durable is taken back, and nothing more is taken.
    fn fail(&self, failed: &JournalFailed) {
        tracing::error!(reason = %failed, "the journal stopped: the disk refused a commit");
        {
            let mut front = self.front.lock();
            front.roll_back(failed.clone());
            self.epoch.store(front.epoch, Ordering::Release);
            self.has_room.store(true, Ordering::Release);
        }
        self.gate.fail(failed);
        self.room.notify_waiters();
    }
}

impl Drop for RedbJournal {
    fn drop(&mut self) {
        self.shared.begin_closing();
    }
}

impl Journal for RedbJournal {
    fn append(&self, append: Append) -> Result<Appended, AppendError> {
        // Encoded before the lock is taken, so that writers do it side by side.
        let bytes = encode_append(&append)?;
        if bytes.len() > self.shared.record_bytes_max {
            return Err(AppendError::TooLarge {
                bytes: bytes.len(),
                limit: self.shared.record_bytes_max,
            });
        }
        let appended = {
            let mut front = self.shared.front.lock();
            let appended = front.append(append, bytes)?;
            self.shared
                .has_room
                .store(front.has_room(), Ordering::Release);
            appended
        };
        self.shared.work.notify_one();
        Ok(appended)
    }

    fn has_room(&self) -> bool {
        self.shared.has_room.load(Ordering::Acquire)
    }

    fn room(&self) -> BoxFuture<'_, ()> {
        async {
            loop {
                let freed = self.shared.room.notified();
                if self.has_room() {
                    return;
                }
                freed.await;
            }
        }
        .boxed()
    }

    fn durable(&self) -> Position {
        self.shared.gate.durable()
    }

    fn until_durable(&self, position: Position) -> BoxFuture<'_, Result<(), JournalFailed>> {
        self.shared.gate.pass(position).boxed()
    }

    fn epoch(&self) -> u64 {
        self.shared.epoch.load(Ordering::Acquire)
    }

    fn failure(&self) -> Option<JournalFailed> {
        self.shared.front.lock().failed.clone()
    }

    fn first_reply(&self, command: Uuid) -> Option<FirstReply> {
        self.shared.front.lock().first_reply(command)
    }

    fn version(&self, stream: &str) -> u64 {
        self.shared.front.lock().version(stream)
    }

    fn snapshot(&self, stream: &str) -> Result<Option<Snapshot>, ReadError> {
        let stored = self.shared.store.snapshot(stream)?;
        // On a disk that failed, the store shows what it could not write.
        Ok(stored.filter(|snapshot| snapshot.position <= self.durable()))
    }

    fn offer_snapshot(&self, snapshot: Snapshot) {
        self.shared.front.lock().offer_snapshot(snapshot);
    }

    fn read_stream(&self, stream: &str, after: u64) -> Result<Vec<Recorded>, ReadError> {
        // The lock is let go before the store is read: what waited under it may be stored by
        // then, but it is in hand already, so nothing is missed and nothing is read twice.
        let places = self.shared.front.lock().positions(stream);
        let mut records = self.shared.store.records(&places.stored)?;
        for (position, bytes) in places.waiting {
            records.push(read_record(position, &bytes)?);
        }
        records.retain(|record| {
            // An append without events still counts: a reply may depend on it.
            let version = record.version_before + record.append.events.len() as u64;
            version > after || record.append.events.is_empty() && version == after
        });
        Ok(records)
    }

    fn read(&self, after: Position, records_max: usize) -> Result<Vec<Recorded>, ReadError> {
        let durable = self.durable();
        let mut records = Vec::new();
        if after >= durable || records_max == 0 {
            return Ok(records);
        }
        self.shared.store.scan(after.next(), |recorded| {
            if recorded.position <= durable {
                records.push(recorded);
            }
            records.len() < records_max
        })?;
        Ok(records)
    }

    fn open_streams(&self, prefix: &str) -> Vec<Box<str>> {
        self.shared.front.lock().open_streams(prefix)
    }

    fn cursor(&self, name: &str) -> Position {
        self.shared.front.lock().cursor(name)
    }

    fn set_cursor(&self, name: &str, position: Position, after: Position) {
        let mut front = self.shared.front.lock();
        front.set_cursor(name, position, after);
    }

    fn vault(&self) -> &Arc<Vault> {
        &self.shared.vault
    }

    fn close(&self) -> BoxFuture<'_, Result<(), JournalFailed>> {
        async {
            self.shared.begin_closing();
            let mut stopped = self.shared.stopped.subscribe();
            // The sender lives in `shared`, which this journal keeps alive.
            let _ = stopped.wait_for(|stopped| *stopped).await;
            let failure = self.failure();
            failure.map_or(Ok(()), Err)
        }
        .boxed()
    }
}
