//! The journal as its users see it.

use std::sync::Arc;

use futures::future::BoxFuture;
use uuid::Uuid;

use crate::error::{AppendError, JournalFailed, ReadError, WrongEpoch};
use crate::meter::JournalMeters;
use crate::record::{Append, FirstReply, Position, Recorded, Snapshot, Timer};
use crate::vault::Vault;

/// The most bytes of records that one [`Journal::read`] gives, one record excepted: a reader is
/// given copies, a chunk at a time, and holds nothing of the store while it works on them.
pub const READ_BYTES_MAX: usize = 4 << 20;

/// Where an append stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Its place in the total order.
    pub position: Position,
    /// The stream's version after it.
    pub version: u64,
    /// The epoch that it was made in, see [`Journal::epoch`].
    pub epoch: u64,
}

/// Some of a stream's appends that stand next to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPart {
    /// The appends, in order.
    pub records: Vec<Arc<Recorded>>,
    /// The one before them, where it was asked for too: the next part ends there.
    pub earlier: Option<Position>,
}

/// The durable, totally ordered log.
///
/// An append takes its place in the order at once and becomes durable a little later, together
/// with its neighbours. Everything up to [`durable`](Self::durable) survives a crash, and because
/// the order is total, that prefix holds the cause of everything in it. So: go on at once with
/// what stays inside, and pass [`until_durable`](Self::until_durable) with what goes out.
///
/// # When the disk fails
///
/// What was not durable is taken back, and the journal is read-only until its disk takes writes again.
/// Then it goes on, and the positions of what was taken back are given to other appends. So whoever
/// acts on what they learnt from the journal, and may have learnt it before a failure, takes the
/// [`epoch`](Self::epoch) *before* they read, and hands it in with what follows: with
/// [`append_in`](Self::append_in), [`until_durable_in`](Self::until_durable_in),
/// [`set_cursor_in`](Self::set_cursor_in) and [`offer_snapshot_in`](Self::offer_snapshot_in) the
/// journal itself refuses what follows from an epoch that is over. The short forms are for whoever
/// holds nothing from before.
///
/// ```
/// use mercato_persistence::{Append, Journal, JournalOptions, RedbJournal, WriterPlace};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let journal = RedbJournal::in_memory(JournalOptions::default(), WriterPlace::Thread)?;
/// let epoch = journal.epoch();
/// let version = journal.version("counter/1")?;
/// let appended = journal.append_in(epoch, Append::to("counter/1", version, 0))?;
/// journal.until_durable_in(epoch, appended.position).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Journal: Send + Sync + std::fmt::Debug + 'static {
    /// Takes its place in the order for `append`. Never waits.
    ///
    /// # Errors
    /// See [`AppendError`]; nothing was recorded.
    fn append(&self, append: Append) -> Result<Appended, AppendError>;

    /// As [`append`](Self::append), where the journal is still in `epoch`.
    ///
    /// # Errors
    /// [`AppendError::WrongEpoch`] where it is not, and see [`AppendError`].
    fn append_in(&self, epoch: u64, append: Append) -> Result<Appended, AppendError>;

    /// Whether an append is welcome now, or should wait for [`room`](Self::room).
    fn has_room(&self) -> bool;

    /// Waits until the queue of appends has room, or the journal has failed.
    fn room(&self) -> BoxFuture<'_, ()>;

    /// Everything up to here survives a crash.
    fn durable(&self) -> Position;

    /// How it does: for metrics.
    fn meters(&self) -> JournalMeters;

    /// Waits until everything up to `position` survives a crash.
    fn until_durable(&self, position: Position) -> BoxFuture<'_, Result<(), JournalFailed>> {
        self.until_durable_in(self.epoch(), position)
    }

    /// Waits until everything up to `position`, as it stood in `epoch`, survives a crash. A position
    /// that was lost never does, whatever stands there later. Where the epoch is over by two
    /// failures, positions that were durable are refused too.
    fn until_durable_in(
        &self,
        epoch: u64,
        position: Position,
    ) -> BoxFuture<'_, Result<(), JournalFailed>>;

    /// Grows each time that appends were taken back because the disk failed, and when the journal
    /// goes on with what it found there. State built under an earlier epoch may hold what never
    /// happened: load it again.
    fn epoch(&self) -> u64;

    /// Why the journal takes nothing at present, where that is so.
    fn failure(&self) -> Option<JournalFailed>;

    /// Waits until the journal takes appends: at once, unless its disk failed; then until it is
    /// back.
    ///
    /// # Errors
    /// When it never will again: it was closed, or it cannot be opened anew.
    fn until_writable(&self) -> BoxFuture<'_, Result<(), JournalFailed>>;

    /// Waits until the journal takes appends in a later epoch than `epoch`. Whoever did something
    /// that was not durable yet looks then whether it was taken back.
    ///
    /// # Errors
    /// As [`until_writable`](Self::until_writable).
    fn until_writable_after(&self, epoch: u64) -> BoxFuture<'_, Result<(), JournalFailed>>;

    /// Whether a command was recorded before, and its first reply is still kept.
    fn knows(&self, command: Uuid) -> bool;

    /// The first reply to a command that was recorded before, as long as it is kept.
    ///
    /// # Errors
    /// When the store cannot be read, or is damaged.
    fn first_reply(&self, command: Uuid) -> Result<Option<FirstReply>, ReadError>;

    /// How many events a stream has.
    ///
    /// # Errors
    /// When the store cannot be read, or is damaged.
    fn version(&self, stream: &str) -> Result<u64, ReadError>;

    /// The stream's latest durable snapshot.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn snapshot(&self, stream: &str) -> Result<Option<Snapshot>, ReadError>;

    /// Hands in a snapshot, to be written with one of the next commits. It only saves time, so it
    /// is let go where too many wait already, or the disk fails.
    fn offer_snapshot(&self, snapshot: Snapshot) {
        self.offer_snapshot_in(self.epoch(), snapshot);
    }

    /// As [`offer_snapshot`](Self::offer_snapshot); a state that was built in an epoch that is over
    /// is let go, since it may hold what never happened.
    fn offer_snapshot_in(&self, epoch: u64, snapshot: Snapshot);

    /// A stream's appends beyond its first `after` events, those not yet durable included, and
    /// those that hold no events but a reply.
    ///
    /// # Errors
    /// When the store cannot be read, or is damaged.
    fn read_stream(&self, stream: &str, after: u64) -> Result<Vec<Arc<Recorded>>, ReadError>;

    /// As [`read_stream`](Self::read_stream), a part at a time, from the end backwards: the stream's
    /// appends beyond its first `after` events that end with the one at `until`, or with its last.
    /// The part begins with the append that makes its events `events_max` or more. A stream is linked
    /// backwards, so this is how a long one is read without holding all of it.
    ///
    /// # Errors
    /// When the store cannot be read, or is damaged, or no append of the stream stands at `until`.
    fn read_stream_part(
        &self,
        stream: &str,
        until: Option<Position>,
        after: u64,
        events_max: usize,
    ) -> Result<StreamPart, ReadError>;

    /// Up to `records_max` durable appends after `after`, in the total order, and no more of them
    /// than [`READ_BYTES_MAX`] allows; fewer do not mean that there are no more.
    ///
    /// # Errors
    /// When the store cannot be read, or is damaged.
    fn read(&self, after: Position, records_max: usize) -> Result<Vec<Arc<Recorded>>, ReadError>;

    /// The streams under `prefix` whose last mark is [`Mark::Open`](crate::Mark::Open), in order.
    fn open_streams(&self, prefix: &str) -> Vec<Arc<str>>;

    /// Up to `most` streams under `prefix`, those first that were appended to last: what is likely to
    /// be asked for next.
    ///
    /// # Errors
    /// When the store cannot be read, or is damaged.
    fn recent_streams(&self, prefix: &str, most: usize) -> Result<Vec<Arc<str>>, ReadError>;

    /// Up to `most` timers that are due at `now_ms`, in milliseconds since the Unix epoch, the
    /// earliest first; those of appends that are not yet durable included.
    fn timers_due(&self, now_ms: u64, most: usize) -> Vec<Timer>;

    /// The timer `name` of `stream`, where it is set.
    fn timer(&self, stream: &str, name: &str) -> Option<Timer>;

    /// When the next timer is due, in milliseconds since the Unix epoch.
    fn next_timer_ms(&self) -> Option<u64>;

    /// When the next timer is due of those that are due later than `now_ms`, both in milliseconds since
    /// the Unix epoch.
    fn next_timer_after_ms(&self, now_ms: u64) -> Option<u64>;

    /// How far the subscriber `name` has come.
    fn cursor(&self, name: &str) -> Position;

    /// Notes how far the subscriber has come: written with one of the next commits, but never
    /// before `after`, the last append that it made of what it read, is durable. After a crash a
    /// subscriber may see again what it saw since the last commit.
    fn set_cursor(&self, name: &str, position: Position, after: Position) {
        // Refused only where the disk failed this very moment; then the subscriber reads again.
        let _ = self.set_cursor_in(self.epoch(), name, position, after);
    }

    /// Notes that nothing up to `position` concerned the subscriber, where the journal is still in
    /// `epoch`. Written when it has passed by some hundred records, since a second look at those costs
    /// less than a row in every commit.
    ///
    /// # Errors
    /// As [`set_cursor_in`](Self::set_cursor_in).
    fn pass_cursor_in(&self, epoch: u64, name: &str, position: Position) -> Result<(), WrongEpoch>;

    /// As [`set_cursor`](Self::set_cursor), where the journal is still in `epoch`: the one that the
    /// subscriber took before it read its cursor.
    ///
    /// # Errors
    /// Where it is not. Then what the subscriber made may be lost, and its cursor stands where all
    /// that came of it is durable: it goes on from there.
    fn set_cursor_in(
        &self,
        epoch: u64,
        name: &str,
        position: Position,
        after: Position,
    ) -> Result<(), WrongEpoch>;

    /// The keys of the persons of whom the journal holds something. A key is durable before any
    /// append that was made after something was sealed with it.
    fn vault(&self) -> &Arc<Vault>;

    /// Writes what waits and stops. Later appends fail.
    fn close(&self) -> BoxFuture<'_, Result<(), JournalFailed>>;
}
