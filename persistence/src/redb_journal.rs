//! The journal on one machine: redb behind one writer with group commit.

use std::cmp::Reverse;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::FutureExt;
use futures::future::BoxFuture;
use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use uuid::Uuid;

use crate::error::{AppendError, JournalFailed, OpenError, ReadError, WrongEpoch};
use crate::journal::{Appended, Journal, READ_BYTES_MAX, StreamPart};
use crate::meter::JournalMeters;
use crate::options::{JournalOptions, WriterPlace};
use crate::record::{Append, FirstReply, Position, Recorded, Snapshot, Timer};
use crate::shared::{Opener, Shared};
use crate::store::{Next, Store, read_record};
use crate::tools::{Backup, ToolError, backup_of};
use crate::vault::Vault;
use crate::writer;

/// A [`Journal`] in one redb file. Dropping it lets the writer write what waits, and end;
/// [`close`](Journal::close) waits for that.
///
/// ```
/// use mercato_persistence::{Append, Journal, JournalOptions, RedbJournal, WriterPlace};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let journal = RedbJournal::in_memory(JournalOptions::default(), WriterPlace::Thread)?;
/// let appended = journal.append(Append::to("counter/1", 0, 0))?;
/// journal.until_durable(appended.position).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RedbJournal {
    shared: Arc<Shared>,
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
        let existed = path.exists();
        let store = Store::at(path, &options)?;
        let keys = Vault::path_beside(path);
        if existed && !keys.exists() {
            tracing::warn!(
                keys = %keys.display(),
                "the journal is there and its file of keys is not: what was sealed for persons cannot \
                 be read, until a backup of the keys is put there",
            );
        }
        let vault = Vault::open(keys)?;
        Self::at(path, store, vault, options, writer)
    }

    /// Opens the journal at `path`, which must be there, and leaves the keys of its persons where they
    /// are: for whoever looks after what is nobody's. What is sealed can not be read, and nothing must
    /// be sealed, since its key would be gone with the process.
    ///
    /// # Errors
    /// See [`OpenError`]. A file that is refused is left as it was, save that redb mends one of its
    /// own whose last writer crashed.
    pub fn without_keys(
        path: impl AsRef<Path>,
        options: JournalOptions,
        writer: WriterPlace,
    ) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let options = options.within_range();
        let store = Store::there(path, &options)?;
        let vault = Vault::in_memory()?;
        Self::at(path, store, vault, options, writer)
    }

    /// A journal that is gone with the process, and so are the keys of its persons.
    ///
    /// # Errors
    /// When the memory for it cannot be had.
    pub fn in_memory(options: JournalOptions, writer: WriterPlace) -> Result<Self, OpenError> {
        Self::with_backend(InMemoryBackend::new(), options, writer)
    }

    /// Opens the journal on a disk of the caller's making, or creates it where the disk is empty.
    /// Where that disk fails the journal is read-only for good;
    /// [`with_disk`](Self::with_disk) can go on.
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
        Self::start(path, store, None, vault, options, writer)
    }

    /// Opens the journal on a disk of the caller's making, such as one that fails on purpose, or
    /// creates it where the disk is empty. `disk` is asked for the disk at once, and again each
    /// time that it has failed.
    ///
    /// Only [`open`](Self::open) creates atomically, since only a file can be renamed: a disk that
    /// loses its power while it is first written may hold something that is not a journal.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn with_disk<B: StorageBackend>(
        disk: impl Fn() -> io::Result<B> + Send + Sync + 'static,
        vault: Arc<Vault>,
        options: JournalOptions,
        writer: WriterPlace,
    ) -> Result<Self, OpenError> {
        let options = options.within_range();
        let path = Path::new("(disk)");
        let again = options.clone();
        let opener: Opener = Box::new(move || {
            let disk = disk().map_err(|source| OpenError::Io {
                path: path.into(),
                source,
            })?;
            Store::on(path, disk, &again)
        });
        let store = opener()?;
        Self::start(path, store, Some(opener), vault, options, writer)
    }

    /// Takes a backup into a new file at `to`, while appends go on. It is a prefix of the log that
    /// holds at least everything that was durable when it began, with the cursors, timers and
    /// snapshots that belong to it; and it is verified before it gets its name. Blocks while it
    /// works: call it where a thread may wait. The keys of persons are not in it, see
    /// [`backup`](crate::backup).
    ///
    /// # Errors
    /// See [`ToolError`]; there is no file at `to` then that was not there before.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<Backup, ToolError> {
        backup_of(&self.shared, to.as_ref())
    }

    /// Starts it over the file at `path`, which is opened anew each time that its disk has failed.
    fn at(
        path: &Path,
        store: Store,
        vault: Vault,
        options: JournalOptions,
        writer: WriterPlace,
    ) -> Result<Self, OpenError> {
        let again = (path.to_owned(), options.clone());
        let opener: Opener = Box::new(move || Store::again(&again.0, &again.1));
        Self::start(path, store, Some(opener), Arc::new(vault), options, writer)
    }

    fn start(
        path: &Path,
        store: Store,
        opener: Option<Opener>,
        vault: Arc<Vault>,
        options: JournalOptions,
        writer: WriterPlace,
    ) -> Result<Self, OpenError> {
        let in_place = matches!(writer, WriterPlace::Task(_));
        let shared = Shared::new(path.into(), store, opener, vault, options, in_place)?;
        let shared = Arc::new(shared);
        writer::spawn(&shared, writer).map_err(|source| OpenError::Io {
            path: path.into(),
            source,
        })?;
        Ok(Self { shared })
    }
}

impl Drop for RedbJournal {
    fn drop(&mut self) {
        self.shared.begin_closing();
    }
}

impl Journal for RedbJournal {
    fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.shared.append(append, None)
    }

    fn append_in(&self, epoch: u64, append: Append) -> Result<Appended, AppendError> {
        self.shared.append(append, Some(epoch))
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

    fn meters(&self) -> JournalMeters {
        let appended = self.shared.front.lock().appended();
        self.shared.meters.read(appended, self.durable())
    }

    fn until_durable_in(
        &self,
        epoch: u64,
        position: Position,
    ) -> BoxFuture<'_, Result<(), JournalFailed>> {
        Box::pin(self.shared.gate.pass(epoch, position))
    }

    fn epoch(&self) -> u64 {
        self.shared.gate.epoch()
    }

    fn failure(&self) -> Option<JournalFailed> {
        self.shared.front.lock().failed.clone()
    }

    fn until_writable(&self) -> BoxFuture<'_, Result<(), JournalFailed>> {
        self.shared.until_writable_from(0).boxed()
    }

    fn until_writable_after(&self, epoch: u64) -> BoxFuture<'_, Result<(), JournalFailed>> {
        self.shared
            .until_writable_from(epoch.saturating_add(1))
            .boxed()
    }

    fn knows(&self, command: Uuid) -> bool {
        self.shared.front.lock().place_of(command).is_some()
    }

    fn first_reply(&self, command: Uuid) -> Result<Option<FirstReply>, ReadError> {
        self.shared.first_reply(command)
    }

    fn version(&self, stream: &str) -> Result<u64, ReadError> {
        self.shared.head(stream).map(|head| head.version)
    }

    fn snapshot(&self, stream: &str) -> Result<Option<Snapshot>, ReadError> {
        // Asked first: on a disk that failed the store shows what it could not write, and that must
        // not pass by what is durable once the disk is back.
        let durable = self.durable();
        let stored = self.shared.read(|store| store.snapshot(stream))?;
        Ok(stored.filter(|snapshot| snapshot.position <= durable))
    }

    fn offer_snapshot_in(&self, epoch: u64, snapshot: Snapshot) {
        self.shared.front.lock().offer_snapshot(epoch, snapshot);
    }

    fn read_stream(&self, stream: &str, after: u64) -> Result<Vec<Arc<Recorded>>, ReadError> {
        self.shared.read_stream(stream, after)
    }

    fn read_stream_part(
        &self,
        stream: &str,
        until: Option<Position>,
        after: u64,
        events_max: usize,
    ) -> Result<StreamPart, ReadError> {
        self.shared
            .read_stream_part(stream, until, after, events_max)
    }

    fn read(&self, after: Position, records_max: usize) -> Result<Vec<Arc<Recorded>>, ReadError> {
        let durable = self.durable();
        let mut records = Vec::new();
        if after >= durable || records_max == 0 {
            return Ok(records);
        }
        let from = after.next();
        let kept = self.shared.tail.lock().piece(from, records_max);
        if let Some(kept) = kept {
            return kept.records(from, durable, records_max);
        }
        let mut bytes = 0;
        self.shared.read(|store| {
            store.scan(from, |position, _, record| {
                if position > durable {
                    return Ok(Next::Stop);
                }
                records.push(Arc::new(read_record(position, record)?));
                bytes += record.len();
                let full = records.len() >= records_max || bytes >= READ_BYTES_MAX;
                Ok(if full { Next::Stop } else { Next::Go })
            })
        })?;
        Ok(records)
    }

    fn open_streams(&self, prefix: &str) -> Vec<Arc<str>> {
        self.shared.front.lock().open_streams(prefix)
    }

    fn recent_streams(&self, prefix: &str, most: usize) -> Result<Vec<Arc<str>>, ReadError> {
        // What memory knows is newer than what is stored, so it is asked first.
        let durable = self.durable();
        let mut streams = self.shared.front.lock().heads_under(prefix);
        self.shared.read(|store| {
            store.each_head(prefix, |stream, head| {
                let last = head?.last;
                // A commit that failed may show streams that never were.
                if last <= durable && !streams.contains_key(stream) {
                    streams.insert(stream.into(), last);
                }
                Ok(())
            })
        })?;
        let mut streams: Vec<_> = streams.into_iter().collect();
        streams.sort_unstable_by_key(|(_, last)| Reverse(*last));
        streams.truncate(most);
        Ok(streams.into_iter().map(|(stream, _)| stream).collect())
    }

    fn timers_due(&self, now_ms: u64, most: usize) -> Vec<Timer> {
        let front = self.shared.front.lock();
        // While the disk is away nobody could record what they made of a timer.
        match front.failed {
            None => front.timers().due(now_ms, most),
            Some(_) => Vec::new(),
        }
    }

    fn timer(&self, stream: &str, name: &str) -> Option<Timer> {
        let front = self.shared.front.lock();
        match front.failed {
            None => front.timers().get(stream, name),
            Some(_) => None,
        }
    }

    fn next_timer_ms(&self) -> Option<u64> {
        self.shared.front.lock().timers().next_due_ms()
    }

    fn next_timer_after_ms(&self, now_ms: u64) -> Option<u64> {
        let front = self.shared.front.lock();
        front.timers().next_due_after_ms(now_ms)
    }

    fn cursor(&self, name: &str) -> Position {
        self.shared.front.lock().cursor(name)
    }

    fn set_cursor_in(
        &self,
        epoch: u64,
        name: &str,
        position: Position,
        after: Position,
    ) -> Result<(), WrongEpoch> {
        let mut front = self.shared.front.lock();
        front.set_cursor(epoch, name, position, after)
    }

    fn pass_cursor_in(&self, epoch: u64, name: &str, position: Position) -> Result<(), WrongEpoch> {
        self.shared.front.lock().pass_cursor(epoch, name, position)
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
