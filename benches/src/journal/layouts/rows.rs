//! Layouts that write a row for each event.

use std::path::Path;

use redb::{Database, TableDefinition};

use crate::error::AnyError;
use crate::journal::group_log::Layout;
use crate::journal::record::Record;

const BY_POSITION: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("by_position");
const BY_STREAM: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("by_stream");
const STATES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("states");
const REPLIES: TableDefinition<'_, u128, &[u8]> = TableDefinition::new("replies");

/// A row for each event under its position in the whole: the tree only grows at its end.
pub(super) struct RowsByPosition(Database);

impl RowsByPosition {
    pub(super) fn create(path: &Path) -> Result<Self, AnyError> {
        super::database(path).map(Self)
    }
}

impl Layout for RowsByPosition {
    fn commit(&mut self, first: u64, records: &[Record]) -> Result<(), AnyError> {
        let txn = self.0.begin_write()?;
        {
            let mut rows = txn.open_table(BY_POSITION)?;
            for (position, record) in (first..).zip(records) {
                rows.insert(position, record.bytes())?;
            }
        }
        Ok(txn.commit()?)
    }
}

/// What a relational habit suggests: each event under its stream and version, and beside it the
/// stream's state and the command's first reply.
pub(super) struct RowsByStream(Database);

impl RowsByStream {
    pub(super) fn create(path: &Path) -> Result<Self, AnyError> {
        super::database(path).map(Self)
    }
}

impl Layout for RowsByStream {
    fn commit(&mut self, _: u64, records: &[Record]) -> Result<(), AnyError> {
        let txn = self.0.begin_write()?;
        {
            let mut rows = txn.open_table(BY_STREAM)?;
            let mut states = txn.open_table(STATES)?;
            let mut replies = txn.open_table(REPLIES)?;
            for record in records {
                rows.insert((record.stream(), record.version()), record.payload())?;
                states.insert(record.stream(), record.payload())?;
                replies.insert(record.command(), record.first_reply())?;
            }
        }
        Ok(txn.commit()?)
    }
}

#[cfg(test)]
mod tests {
    use redb::{ReadableDatabase, ReadableTableMetadata};

    use super::*;
    use crate::journal::workload::{Payloads, Writer};

    /// Catches: rows that overwrite each other, which would make a layout look better than it is.
    #[test]
    fn every_record_has_its_rows() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut by_position = RowsByPosition::create(&folder.path().join("a")).expect("a file");
        let mut by_stream = RowsByStream::create(&folder.path().join("b")).expect("a file");
        for number in 0..3 {
            let mut writer = Writer::new(number, Payloads::new());
            let records: Vec<Record> = (0..50).map(|_| Record::of(&writer.next())).collect();
            let first = u64::from(number) * 50 + 1;
            let layouts: [&mut dyn Layout; 2] = [&mut by_position, &mut by_stream];
            for layout in layouts {
                layout.commit(first, &records).expect("it is written");
            }
        }
        let txn = by_position.0.begin_read().expect("a read");
        let rows = txn.open_table(BY_POSITION).expect("a table");
        assert_eq!(rows.len().expect("it reads"), 150);
        let txn = by_stream.0.begin_read().expect("a read");
        let rows = txn.open_table(BY_STREAM).expect("a table");
        assert_eq!(rows.len().expect("it reads"), 150);
        let states = txn.open_table(STATES).expect("a table");
        assert_eq!(states.len().expect("it reads"), 3);
        let replies = txn.open_table(REPLIES).expect("a table");
        assert_eq!(replies.len().expect("it reads"), 150);
    }
}
