//! The least that could be called durable: one thread, and one commit for everything that waits.
//!
//! What a commit does is a [`Layout`]. With [`AppendOnly`] it is the bare log that everything is
//! held against.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

use mercato_runtime::persistence::JournalOptions;
use tokio::sync::oneshot;
use xxhash_rust::xxh3::xxh3_64;

use super::contest::Log;
use super::record::Record;
use super::workload::Entry;
use crate::error::AnyError;

/// How a group of records is put on the disk, and synced.
pub(crate) trait Layout: Send + 'static {
    /// Makes `records` durable, the first of which has the number `first` in the whole.
    fn commit(&mut self, first: u64, records: &[Record]) -> Result<(), AnyError>;
}

/// A log over some layout, with the group commit of the journal.
pub(crate) struct GroupLog {
    queue: mpsc::Sender<Message>,
    writer: JoinHandle<Result<(), AnyError>>,
}

enum Message {
    Append(Record, oneshot::Sender<()>),
    Close,
}

impl GroupLog {
    pub(crate) fn over(layout: impl Layout) -> std::io::Result<Self> {
        // Each writer waits for its acknowledgement, so as many messages wait as there are writers.
        let (queue, waiting) = mpsc::channel();
        let writer = std::thread::Builder::new()
            .name("group-log".into())
            .spawn(move || write_groups(layout, &waiting))?;
        Ok(Self { queue, writer })
    }
}

/// The bare log: what everything is held against.
pub(crate) fn open_bare(path: &Path) -> Result<GroupLog, AnyError> {
    Ok(GroupLog::over(AppendOnly::create(path)?)?)
}

impl Log for GroupLog {
    async fn append(&self, entry: Entry<'_>) -> Result<(), AnyError> {
        let (acknowledge, acknowledged) = oneshot::channel();
        let message = Message::Append(Record::of(&entry), acknowledge);
        self.queue.send(message).map_err(|_| "the log has ended")?;
        Ok(acknowledged.await?)
    }

    async fn close(self) -> Result<(), AnyError> {
        // Where it ended before, the thread says why.
        let _ = self.queue.send(Message::Close);
        let ended = self.writer.join();
        ended.map_err(|_| "the log's thread panicked")?
    }
}

/// The most records in a group: far more than writers wait.
const GROUP_RECORDS_MAX: usize = 8_192;

/// Commits one group after the other, each as large as the journal would make it.
fn write_groups(
    mut layout: impl Layout,
    waiting: &mpsc::Receiver<Message>,
) -> Result<(), AnyError> {
    let limits = JournalOptions::default();
    let (mut records, mut waiters, mut bytes) = (Vec::new(), Vec::new(), 0);
    let (mut first, mut closing) = (1, false);
    while !closing && let Ok(message) = waiting.recv() {
        let mut next = Some(message);
        while let Some(message) = next {
            let Message::Append(record, waiter) = message else {
                closing = true;
                break;
            };
            bytes += record.bytes().len();
            records.push(record);
            waiters.push(waiter);
            let full = records.len() >= GROUP_RECORDS_MAX || bytes >= limits.group_bytes_max;
            next = if full { None } else { waiting.try_recv().ok() };
        }
        if !records.is_empty() {
            layout.commit(first, &records)?;
            first += records.len() as u64;
        }
        (records, bytes) = (Vec::new(), 0);
        for waiter in waiters.drain(..) {
            // A writer that no longer waits need not be told.
            let _ = waiter.send(());
        }
    }
    Ok(())
}

/// One file that only grows: length, checksum and record, one write and one sync for a group.
pub(crate) struct AppendOnly {
    file: File,
    group: Vec<u8>,
    written: u64,
    size: u64,
    step: u64,
}

impl AppendOnly {
    /// A file whose size follows what is written, so that every sync writes the size, too.
    pub(crate) fn create(path: &Path) -> Result<Self, AnyError> {
        Self::sized_ahead(path, 0)
    }

    /// A file that is made longer by `step` when it is full: most syncs need not write its size.
    pub(crate) fn sized_ahead(path: &Path, step: u64) -> Result<Self, AnyError> {
        Ok(Self {
            file: File::create_new(path)?,
            group: Vec::new(),
            written: 0,
            size: 0,
            step,
        })
    }
}

impl Layout for AppendOnly {
    fn commit(&mut self, _: u64, records: &[Record]) -> Result<(), AnyError> {
        self.group.clear();
        for record in records {
            put_checked(&mut self.group, record.bytes());
        }
        self.written += self.group.len() as u64;
        if self.step > 0 && self.written > self.size {
            self.size = self.written + self.step;
            self.file.set_len(self.size)?;
        }
        self.file.write_all(&self.group)?;
        Ok(self.file.sync_data()?)
    }
}

/// A record behind its length and its checksum.
pub(crate) fn put_checked(into: &mut Vec<u8>, record: &[u8]) {
    into.extend_from_slice(&record.len().to_le_bytes());
    into.extend_from_slice(&xxh3_64(record).to_le_bytes());
    into.extend_from_slice(record);
}

/// How many bytes [`put_checked`] puts.
pub(crate) fn checked_len(record: &Record) -> usize {
    record.bytes().len() + 2 * size_of::<u64>()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::journal::workload::{Payloads, Writer};

    /// A layout that notes what it was given.
    struct Noting(Arc<std::sync::Mutex<Vec<(u64, usize)>>>);

    impl Layout for Noting {
        fn commit(&mut self, first: u64, records: &[Record]) -> Result<(), AnyError> {
            self.0
                .lock()
                .expect("unpoisoned")
                .push((first, records.len()));
            Ok(())
        }
    }

    /// Catches: a log that acknowledges what it did not commit, drops what waits when it closes, or
    /// takes more at a time than the journal does.
    #[test]
    fn every_append_is_in_one_group_of_bounded_size() {
        let noted = Arc::default();
        let (queue, waiting) = mpsc::channel();
        let mut writer = Writer::new(0, Payloads::new());
        let mut waiters = Vec::new();
        for _ in 0..=GROUP_RECORDS_MAX {
            let (acknowledge, acknowledged) = oneshot::channel();
            let record = Record::of(&writer.next());
            queue
                .send(Message::Append(record, acknowledge))
                .expect("the receiver is here");
            waiters.push(acknowledged);
        }
        queue.send(Message::Close).expect("the receiver is here");
        write_groups(Noting(Arc::clone(&noted)), &waiting).expect("it ends well");
        let most = GROUP_RECORDS_MAX;
        assert_eq!(
            *noted.lock().expect("unpoisoned"),
            [(1, most), (most as u64 + 1, 1)]
        );
        for mut waiter in waiters {
            assert_eq!(waiter.try_recv(), Ok(()));
        }
    }

    /// Catches: a size that is set behind what was written, which would cut it off.
    #[test]
    fn a_file_sized_ahead_holds_what_the_plain_one_holds() {
        let folder = tempfile::tempdir().expect("a folder");
        let (plain, ahead) = (folder.path().join("plain"), folder.path().join("ahead"));
        let layouts = [
            AppendOnly::create(&plain).expect("a file"),
            AppendOnly::sized_ahead(&ahead, 4_096).expect("a file"),
        ];
        for mut layout in layouts {
            let mut writer = Writer::new(0, Payloads::new());
            for first in 1..=40 {
                let records = [Record::of(&writer.next())];
                layout.commit(first, &records).expect("it is written");
            }
        }
        let plain = std::fs::read(plain).expect("a file");
        let ahead = std::fs::read(ahead).expect("a file");
        assert!(plain.len() > 40 * 200);
        assert!(ahead.starts_with(&plain));
    }
}
