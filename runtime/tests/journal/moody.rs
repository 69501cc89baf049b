//! A journal that refuses when it is told to: what a real one does in a moment that no test can hold.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use mercato::persistence::{
    Append, AppendError, Appended, FirstReply, Journal, JournalFailed, JournalMeters, Position,
    ReadError, Recorded, Snapshot, StreamPart, Timer, Vault, WrongEpoch,
};
use uuid::Uuid;

type Refuses<T> = Mutex<Option<Box<dyn FnMut(&T) -> bool + Send>>>;
type Reads<T> = Mutex<Option<Box<dyn FnMut(&T) -> Option<ReadError> + Send>>>;

/// What a journal refuses at present. Clones are the same.
#[derive(Clone, Default)]
pub struct Mood(Arc<Refusals>);

#[derive(Default)]
struct Refusals {
    appends: Refuses<Append>,
    /// An append was refused, and nobody has waited for room since.
    is_behind: AtomicBool,
    streams: Reads<str>,
    log: Reads<Position>,
}

impl Mood {
    /// The queue is full for appends like this.
    pub fn is_full_for(&self, refuses: impl FnMut(&Append) -> bool + Send + 'static) {
        *self.0.appends.lock().expect("no panic") = Some(Box::new(refuses));
    }

    /// The disk gives no streams like this.
    pub fn is_away_for(&self, mut refuses: impl FnMut(&str) -> bool + Send + 'static) {
        let reading = move |stream: &str| refuses(stream).then_some(ReadError::Away);
        *self.0.streams.lock().expect("no panic") = Some(Box::new(reading));
    }

    /// What is stored of streams like this is damaged.
    pub fn is_damaged_for(&self, mut refuses: impl FnMut(&str) -> bool + Send + 'static) {
        let reading = move |stream: &str| refuses(stream).then_some(ReadError::Header);
        *self.0.streams.lock().expect("no panic") = Some(Box::new(reading));
    }

    /// The log in its order cannot be read after a position for this reason, where there is one.
    pub fn fails(&self, reading: impl FnMut(&Position) -> Option<ReadError> + Send + 'static) {
        *self.0.log.lock().expect("no panic") = Some(Box::new(reading));
    }

    /// Nothing is refused any more.
    pub fn is_well(&self) {
        *self.0.appends.lock().expect("no panic") = None;
        *self.0.streams.lock().expect("no panic") = None;
        *self.0.log.lock().expect("no panic") = None;
    }

    fn reads(&self, stream: &str) -> Result<(), ReadError> {
        let mut reading = self.0.streams.lock().expect("no panic");
        let error = reading.as_mut().and_then(|reading| reading(stream));
        error.map_or(Ok(()), Err)
    }

    fn takes(&self, append: &Append) -> Result<(), AppendError> {
        let mut refuses = self.0.appends.lock().expect("no panic");
        match refuses.as_mut().is_some_and(|refuses| refuses(append)) {
            true => {
                self.0.is_behind.store(true, Ordering::Relaxed);
                Err(AppendError::Full { bytes: 1 })
            }
            false => Ok(()),
        }
    }

    pub fn over(&self, journal: Arc<dyn Journal>) -> Arc<dyn Journal> {
        let mood = self.clone();
        Arc::new(Moody { journal, mood })
    }
}

struct Moody {
    journal: Arc<dyn Journal>,
    mood: Mood,
}

impl fmt::Debug for Moody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.journal.fmt(f)
    }
}

/// What is handed through as it is.
macro_rules! hand_through {
    ($($name:ident($($arg:ident: $type:ty),*) -> $reply:ty;)*) => {
        $(fn $name(&self, $($arg: $type),*) -> $reply { self.journal.$name($($arg),*) })*
    };
}

impl Journal for Moody {
    fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.mood.takes(&append)?;
        self.journal.append(append)
    }

    fn append_in(&self, epoch: u64, append: Append) -> Result<Appended, AppendError> {
        self.mood.takes(&append)?;
        self.journal.append_in(epoch, append)
    }

    fn read_stream(&self, stream: &str, after: u64) -> Result<Vec<Arc<Recorded>>, ReadError> {
        self.mood.reads(stream)?;
        self.journal.read_stream(stream, after)
    }

    fn read_stream_part(
        &self,
        stream: &str,
        until: Option<Position>,
        after: u64,
        events_max: usize,
    ) -> Result<StreamPart, ReadError> {
        self.mood.reads(stream)?;
        let journal = &self.journal;
        journal.read_stream_part(stream, until, after, events_max)
    }

    fn read(&self, after: Position, records_max: usize) -> Result<Vec<Arc<Recorded>>, ReadError> {
        let mut reading = self.mood.0.log.lock().expect("no panic");
        match reading.as_mut().and_then(|reading| reading(&after)) {
            Some(error) => Err(error),
            None => self.journal.read(after, records_max),
        }
    }

    fn room(&self) -> BoxFuture<'_, ()> {
        let room = async {
            if self.mood.0.is_behind.swap(false, Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            self.journal.room().await;
        };
        room.boxed()
    }

    fn until_durable_in(
        &self,
        epoch: u64,
        position: Position,
    ) -> BoxFuture<'_, Result<(), JournalFailed>> {
        self.journal.until_durable_in(epoch, position)
    }

    fn until_writable(&self) -> BoxFuture<'_, Result<(), JournalFailed>> {
        self.journal.until_writable()
    }

    fn until_writable_after(&self, epoch: u64) -> BoxFuture<'_, Result<(), JournalFailed>> {
        self.journal.until_writable_after(epoch)
    }

    fn vault(&self) -> &Arc<Vault> {
        self.journal.vault()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), JournalFailed>> {
        self.journal.close()
    }

    hand_through! {
        has_room() -> bool;
        durable() -> Position;
        meters() -> JournalMeters;
        epoch() -> u64;
        failure() -> Option<JournalFailed>;
        knows(command: Uuid) -> bool;
        first_reply(command: Uuid) -> Result<Option<FirstReply>, ReadError>;
        version(stream: &str) -> Result<u64, ReadError>;
        snapshot(stream: &str) -> Result<Option<Snapshot>, ReadError>;
        offer_snapshot_in(epoch: u64, snapshot: Snapshot) -> ();
        open_streams(prefix: &str) -> Vec<Arc<str>>;
        recent_streams(prefix: &str, most: usize) -> Result<Vec<Arc<str>>, ReadError>;
        timers_due(now_ms: u64, most: usize) -> Vec<Timer>;
        timer(stream: &str, name: &str) -> Option<Timer>;
        next_timer_ms() -> Option<u64>;
        next_timer_after_ms(now_ms: u64) -> Option<u64>;
        cursor(name: &str) -> Position;
        pass_cursor_in(epoch: u64, name: &str, position: Position) -> Result<(), WrongEpoch>;
        set_cursor_in(
            epoch: u64, name: &str, position: Position, after: Position
        ) -> Result<(), WrongEpoch>;
    }
}
