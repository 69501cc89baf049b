//! A journal in a second file, taken from a running one or from one at rest.
//!
//! What a backup holds is a prefix of the log. It begins with one commit: cursors and the last
//! position are read together, so that no cursor is ahead of what its subscriber made. The records
//! up to there never change, so they are copied in pieces, each in a read of its own, and the index
//! is made of them anew. A snapshot is taken along where it sums up nothing beyond the prefix.

use std::path::Path;

use super::error::ToolError;
use super::new_file::NewFile;
use super::verify::verify;
use crate::block::Block;
use crate::error::{OpenError, ReadError};
use crate::record::Position;
use crate::shared::Shared;
use crate::store::{Cut, Store, guarded, read_record};

/// How much one read of the source takes, more or less.
const PIECE_BYTES: usize = 1 << 20;

/// A copy of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backup {
    /// Appends that it holds.
    pub records: u64,
    /// Events that it holds.
    pub events: u64,
    /// The last of its positions.
    pub last: Position,
    /// The size of its file.
    pub bytes: u64,
}

/// Copies the journal at `path`, which nobody may have open, into a new file at `to`.
///
/// The copy holds the records, the cursors, the timers and the snapshots, and none of the room that
/// the file has come to waste. The keys of persons lie in a file of their own and are *not* in it:
/// whoever is forgotten later stays forgotten in every backup, and a backup without that file does
/// not tell anybody's data. Keep the two apart, and keep both.
///
/// ```
/// use mercato_persistence::{Append, Journal, JournalOptions, RedbJournal, WriterPlace};
///
/// # let folder = tempfile::tempdir()?;
/// # let (path, to) = (folder.path().join("shop.redb"), folder.path().join("shop.backup"));
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let journal = RedbJournal::open(&path, JournalOptions::default(), WriterPlace::Thread)?;
/// journal.until_durable(journal.append(Append::to("counter/1", 0, 0))?.position).await?;
/// journal.close().await?;
/// # drop(journal);
/// let backup = mercato_persistence::backup(&path, &to)?;
/// assert_eq!(backup.records, 1);
/// // A file that is there is never overwritten.
/// assert!(mercato_persistence::backup(&path, &to).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// See [`ToolError`]; there is no file at `to` then that was not there before.
pub fn backup(path: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<Backup, ToolError> {
    let path = path.as_ref();
    let store = Store::existing(path)?;
    copy(&store, to.as_ref())
}

/// Makes a journal at `to` of a backup, which is verified from end to end first.
///
/// # Errors
/// See [`ToolError`]. There must be no file at `to`: what a restored journal replaces is moved
/// away by whoever decides that it may be replaced.
pub fn restore(backup: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<Backup, ToolError> {
    let path = backup.as_ref();
    sound(path, "restore another backup")?;
    let store = Store::existing(path)?;
    copy(&store, to.as_ref())
}

/// Takes a backup of a journal that is open and goes on taking appends.
pub(crate) fn backup_of(shared: &Shared, to: &Path) -> Result<Backup, ToolError> {
    let epoch = shared.gate.epoch();
    let failed = shared.front.lock().failed.clone();
    if let Some(failed) = failed {
        return Err(failed.into());
    }
    let source = Running { shared, epoch };
    copy(&source, to)
}

/// Refuses a journal that is damaged.
pub(crate) fn sound(path: &Path, remedy: &'static str) -> Result<(), ToolError> {
    let report = match verify(path, |_| {}) {
        Ok(report) => report,
        Err(OpenError::Damaged { path, source }) => {
            let first = source.to_string();
            return Err(ToolError::Unsound {
                path,
                first,
                count: 1,
                remedy,
            });
        }
        Err(error) => return Err(error.into()),
    };
    match report.problems.first() {
        None => Ok(()),
        Some(first) => Err(ToolError::Unsound {
            path: path.into(),
            first: first.clone(),
            count: report.problems.len(),
            remedy,
        }),
    }
}

/// Where a copy is made from.
trait Source {
    fn read<T>(&self, read: impl FnOnce(&Store) -> Result<T, ReadError>) -> Result<T, ReadError>;

    /// Whether what was read so far still stands.
    fn stands(&self) -> Result<(), ToolError>;
}

impl Source for Store {
    fn read<T>(&self, read: impl FnOnce(&Store) -> Result<T, ReadError>) -> Result<T, ReadError> {
        guarded(|| Ok(read(self))).map_err(ReadError::store)?
    }

    fn stands(&self) -> Result<(), ToolError> {
        Ok(())
    }
}

struct Running<'a> {
    shared: &'a Shared,
    epoch: u64,
}

impl Source for Running<'_> {
    fn read<T>(&self, read: impl FnOnce(&Store) -> Result<T, ReadError>) -> Result<T, ReadError> {
        self.shared.read(read)
    }

    // After a commit that failed, other records may come to stand where those of the failed commit
    // were seen.
    fn stands(&self) -> Result<(), ToolError> {
        // The writer may not have told yet that the disk refused the commit which the store shows.
        let whole = self.shared.read(|store| Ok(store.is_whole()));
        if whole.unwrap_or(false) && self.shared.gate.epoch() == self.epoch {
            Ok(())
        } else {
            Err(ToolError::Interrupted)
        }
    }
}

fn copy(source: &impl Source, to: &Path) -> Result<Backup, ToolError> {
    let mut file = NewFile::begin(to)?;
    let copied = copy_log(source, &mut file).and_then(|cut| {
        copy_snapshots(source, &mut file, cut.last)?;
        Ok(cut)
    });
    // What failed because the disk went away is told as that.
    source.stands()?;
    let report = file.finish(copied?.cursors)?;
    let bytes = std::fs::metadata(to).map_err(|error| ToolError::write(to, error))?;
    Ok(Backup {
        records: report.records,
        events: report.events,
        last: report.last,
        bytes: bytes.len(),
    })
}

fn copy_log(source: &impl Source, file: &mut NewFile) -> Result<Cut, ToolError> {
    let cut = source.read(Store::cut)?;
    while file.last() < cut.last {
        let after = file.last();
        let blocks = source.read(|store| store.blocks_after(after, PIECE_BYTES))?;
        if blocks.is_empty() {
            let position = after.next();
            return Err(ReadError::Missing { position }.into());
        }
        for (first, bytes) in blocks {
            let block = Block::open(first, &bytes).map_err(ReadError::from)?;
            for (position, record) in block.records_from(first) {
                if position > cut.last {
                    return Ok(cut);
                }
                let (link, bytes) = record.map_err(ReadError::from)?;
                let recorded = read_record(position, bytes)?;
                file.record(&recorded, bytes.to_vec(), link, block.replies_from())?;
            }
        }
    }
    Ok(cut)
}

fn copy_snapshots(
    source: &impl Source,
    file: &mut NewFile,
    last: Position,
) -> Result<(), ToolError> {
    let mut after: Option<Box<str>> = None;
    loop {
        let piece = source.read(|store| store.snapshots_after(after.as_deref(), PIECE_BYTES))?;
        let Some((stream, _)) = piece.last() else {
            return Ok(());
        };
        after = Some(stream.clone());
        // One that is damaged, or ahead of the prefix, is no loss: the events are there.
        let sound = piece.into_iter().filter_map(|(_, snapshot)| snapshot.ok());
        file.snapshots(sound.filter(|snapshot| snapshot.position <= last).collect())?;
    }
}
