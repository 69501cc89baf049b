//! What a journal's callers and its writer share.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, watch};

use crate::block::Hashed;
use crate::disk::fuse::Unwell;
use crate::error::{AppendError, JournalFailed, OpenError, ReadError};
use crate::front::{Front, Group, Refused, Restored};
use crate::gate::Gate;
use crate::journal::Appended;
use crate::meter::CommitMeters;
use crate::options::JournalOptions;
use crate::record::{Append, Position};
use crate::store::{Store, guarded, load_error};
use crate::tail::Tail;
use crate::vault::{Vault, WriteAhead};

/// Opens the journal's disk anew.
pub(crate) type Opener = Box<dyn Fn() -> Result<Store, OpenError> + Send + Sync>;

pub(crate) struct Shared {
    /// What errors call the journal.
    pub(crate) name: PathBuf,
    pub(crate) options: JournalOptions,
    /// Gone while a disk that failed is opened anew.
    pub(crate) store: RwLock<Option<Store>>,
    opener: Option<Opener>,
    /// Written ahead of every group.
    pub(crate) vault: Arc<Vault>,
    pub(crate) front: Mutex<Front>,
    /// What was written last.
    pub(crate) tail: Mutex<Tail>,
    pub(crate) gate: Gate,
    pub(crate) meters: CommitMeters,
    // Read before every command of every shard; the lock would be the one thing they all meet at.
    pub(crate) has_room: AtomicBool,
    /// Wakes the writer.
    pub(crate) work: Notify,
    /// Wakes appenders that wait for room.
    pub(crate) room: Notify,
    /// Wakes whoever waits for the disk to come back, or for the journal to give up.
    pub(crate) changed: Notify,
    pub(crate) given_up: AtomicBool,
    pub(crate) stopped: watch::Sender<bool>,
}

impl Shared {
    pub(crate) fn new(
        name: PathBuf,
        store: Store,
        opener: Option<Opener>,
        vault: Arc<Vault>,
        options: JournalOptions,
        woken_in_place: bool,
    ) -> Result<Self, OpenError> {
        let restored = load(&name, &store, &options)?;
        let durable = last(&restored);
        Ok(Self {
            name,
            front: Mutex::new(Front::new(options.clone(), restored)),
            tail: Mutex::default(),
            options,
            store: RwLock::new(Some(store)),
            opener,
            vault,
            gate: Gate::starting_at(durable, woken_in_place),
            meters: CommitMeters::default(),
            has_room: AtomicBool::new(true),
            work: Notify::new(),
            room: Notify::new(),
            changed: Notify::new(),
            given_up: AtomicBool::new(false),
            stopped: watch::Sender::new(false),
        })
    }

    pub(crate) fn append(
        &self,
        mut append: Append,
        epoch: Option<u64>,
    ) -> Result<Appended, AppendError> {
        if !append.timers.is_empty() && append.stream.contains('\0') {
            let stream = append.stream;
            return Err(AppendError::ZeroByte { stream });
        }
        // Encoded and hashed before the lock is taken, so that writers do it side by side.
        let record = Hashed::new(crate::stored::encode_append(&append)?);
        let limit = self.options.record_bytes_max;
        if record.len() > limit {
            let bytes = record.len();
            return Err(AppendError::TooLarge { bytes, limit });
        }
        loop {
            let refused = {
                let mut front = self.front.lock();
                match front.append(&mut append, &record, epoch) {
                    Ok(appended) => {
                        if !front.has_room() {
                            self.has_room.store(false, Ordering::Release);
                        }
                        let wake = std::mem::take(&mut front.writer_rests);
                        drop(front);
                        if wake {
                            self.work.notify_one();
                        }
                        return Ok(appended);
                    }
                    Err(refused) => refused,
                }
            };
            match refused {
                Refused::Error(error) => return Err(error),
                Refused::AskStore(asked) => match self.stored_head(&append.stream) {
                    Ok(stored) => {
                        let evicted = self.front.lock().adopt(&append.stream, stored, asked);
                        drop(evicted);
                    }
                    // The front knows by now that the disk failed, or that it is back.
                    Err(error) if error.is_away() => {}
                    Err(error) => {
                        return Err(AppendError::Unreadable {
                            stream: append.stream,
                            reason: error.to_string().into(),
                        });
                    }
                },
            }
        }
    }

    pub(crate) fn commit(&self, group: &Group) -> Result<(), JournalFailed> {
        // A panic in a store must not leave callers waiting for a writer that is gone.
        let commit = || {
            // Before the events that need them: a crash between the two leaves keys too many.
            self.vault.flush()?;
            match &*self.store.read() {
                Some(store) => store.commit(group),
                None => Err(io::Error::other("its disk is away").into()),
            }
        };
        guarded(commit).map_err(JournalFailed::because)
    }

    pub(crate) fn publish(&self, group: &Group) {
        let evicted = {
            let mut front = self.front.lock();
            let evicted = front.committed(group);
            self.has_room.store(front.has_room(), Ordering::Release);
            evicted
        };
        drop(evicted);
        if !group.blocks.is_empty() {
            self.tail.lock().written(&group.blocks);
            self.gate.open_to(group.last);
        }
        self.room.notify_waiters();
    }

    pub(crate) fn begin_closing(&self) {
        self.front.lock().closing = true;
        self.work.notify_one();
        self.changed.notify_waiters();
    }

    /// Waits until the journal begins to close.
    pub(crate) async fn closing(&self) {
        loop {
            let changed = self.changed.notified();
            if self.front.lock().closing {
                return;
            }
            changed.await;
        }
    }

    /// Waits until appends are taken, in this epoch or a later one.
    pub(crate) async fn until_writable_from(&self, epoch: u64) -> Result<(), JournalFailed> {
        loop {
            let changed = self.changed.notified();
            let (failed, closing, reached) = {
                let front = self.front.lock();
                let reached = self.gate.epoch() >= epoch;
                (front.failed.clone(), front.closing, reached)
            };
            match failed {
                _ if closing => return Err(JournalFailed::closed()),
                None if reached => return Ok(()),
                Some(failed) if self.given_up.load(Ordering::Acquire) => return Err(failed),
                _ => changed.await,
            }
        }
    }

    /// Where a read failed because the disk did: takes nothing more from now on, and has the writer
    /// see to it.
    pub(crate) fn stop_if_away(&self, error: &ReadError) {
        if !error.is_away() {
            return;
        }
        let wake = {
            let mut front = self.front.lock();
            if front.failed.is_some() {
                return;
            }
            front.failed = Some(JournalFailed::because(error));
            std::mem::take(&mut front.writer_rests)
        };
        if wake {
            self.work.notify_one();
        }
    }

    /// Fail-stop: what is not durable is taken back, and nothing more is taken until the disk is
    /// back.
    pub(crate) fn fail(&self, failed: &JournalFailed) {
        tracing::error!(reason = %failed, "the journal stopped: its disk failed");
        let turned_away = {
            // Gate and front change together: whoever sees the new epoch finds the front in it.
            let mut front = self.front.lock();
            let (epoch, turned_away) = self.gate.fail(failed);
            front.roll_back(epoch, failed.clone());
            self.has_room.store(true, Ordering::Release);
            turned_away
        };
        drop(turned_away);
        self.room.notify_waiters();
    }

    /// Opens the disk anew, and goes on with what is found there: all that was acknowledged, and
    /// perhaps some of what was not.
    pub(crate) fn reopen(&self) -> Result<(), OpenError> {
        let opener = self
            .opener
            .as_ref()
            .ok_or_else(|| OpenError::NotResumable {
                path: self.name.clone(),
            })?;
        let probed = self.store.read().as_ref().map_or(Ok(()), Store::probe);
        match probed {
            // What is durable can be read for as long as it stays open.
            Err(Unwell::Unwritable(source)) => {
                return Err(OpenError::Io {
                    path: self.name.clone(),
                    source,
                });
            }
            // A disk that was away and is back may answer to those alone who open it anew.
            Err(Unwell::Unreadable(error)) => {
                tracing::debug!(%error, "the journal's disk does not answer, and is opened anew");
            }
            Ok(()) => {}
        }
        // The file is locked for as long as it is open, so the old one goes before the new comes.
        self.store.write().take();
        let store = opener()?;
        let restored = load(&self.name, &store, &self.options)?;
        let (found, acknowledged) = (last(&restored), self.gate.durable());
        if found < acknowledged {
            return Err(OpenError::Damaged {
                path: self.name.clone(),
                source: ReadError::Missing {
                    position: found.next(),
                },
            });
        }
        // Nor must one here leave them waiting.
        let said = |error: redb::Error| OpenError::Store {
            path: self.name.clone(),
            reason: error.to_string(),
        };
        guarded(|| Ok(self.vault.reopen())).map_err(said)??;
        guarded(|| store.prove()).map_err(said)?;
        *self.store.write() = Some(store);
        self.tail.lock().clear();
        let before = {
            let mut front = self.front.lock();
            front.go_on(restored, self.gate.reopen(found))
        };
        drop(before);
        tracing::info!(position = %found, "the journal goes on: its disk is back");
        self.changed.notify_waiters();
        Ok(())
    }

    /// The disk will not come back.
    pub(crate) fn give_up(&self, because: Option<JournalFailed>) {
        if let Some(because) = because {
            tracing::error!(reason = %because, "the journal cannot go on: open another one");
            self.front.lock().failed = Some(because);
        }
        self.given_up.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("name", &self.name)
            .field("durable", &self.gate.durable())
            .finish_non_exhaustive()
    }
}

fn load(
    name: &std::path::Path,
    store: &Store,
    options: &JournalOptions,
) -> Result<Restored, OpenError> {
    let loaded = guarded(|| Ok(store.load(options))).map_err(ReadError::store);
    loaded.flatten().map_err(|error| load_error(name, error))
}

fn last(restored: &Restored) -> Position {
    Position::new(restored.next.get() - 1)
}
