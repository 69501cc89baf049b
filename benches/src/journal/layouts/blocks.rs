//! Layouts that write many events as one value.

use std::collections::BTreeMap;
use std::path::Path;

use redb::{Database, TableDefinition};

use crate::error::AnyError;
use crate::journal::group_log::{Layout, put_checked};
use crate::journal::record::Record;

const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
const STATES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("states");

/// The records of a commit in one value, under the position of the first.
pub(super) struct Blocks(Database);

impl Blocks {
    pub(super) fn create(path: &Path) -> Result<Self, AnyError> {
        super::database(path).map(Self)
    }
}

impl Layout for Blocks {
    fn commit(&mut self, first: u64, records: &[Record]) -> Result<(), AnyError> {
        let txn = self.0.begin_write()?;
        txn.open_table(BLOCKS)?
            .insert(first, block(records).as_slice())?;
        Ok(txn.commit()?)
    }
}

/// The same in values of 64 KiB or a little more.
pub(super) struct SplitBlocks(Database);

impl SplitBlocks {
    pub(super) fn create(path: &Path) -> Result<Self, AnyError> {
        super::database(path).map(Self)
    }
}

impl Layout for SplitBlocks {
    fn commit(&mut self, first: u64, records: &[Record]) -> Result<(), AnyError> {
        const BLOCK_BYTES: usize = 64 << 10;
        let txn = self.0.begin_write()?;
        {
            let mut blocks = txn.open_table(BLOCKS)?;
            let (mut piece, mut begins) = (Vec::new(), first);
            for (position, record) in (first..).zip(records) {
                if piece.is_empty() {
                    begins = position;
                }
                put_checked(&mut piece, record.bytes());
                if piece.len() >= BLOCK_BYTES {
                    blocks.insert(begins, piece.as_slice())?;
                    piece.clear();
                }
            }
            if !piece.is_empty() {
                blocks.insert(begins, piece.as_slice())?;
            }
        }
        Ok(txn.commit()?)
    }
}

/// One block for each commit; the state of what changed is written behind, with every fourth.
pub(super) struct Behind {
    database: Database,
    commits: u64,
    changed: BTreeMap<Box<str>, Box<[u8]>>,
}

impl Behind {
    pub(super) fn create(path: &Path) -> Result<Self, AnyError> {
        Ok(Self {
            database: super::database(path)?,
            commits: 0,
            changed: BTreeMap::new(),
        })
    }
}

impl Layout for Behind {
    fn commit(&mut self, first: u64, records: &[Record]) -> Result<(), AnyError> {
        const COMMITS_BETWEEN: u64 = 4;
        for record in records {
            let state = record.payload().into();
            self.changed.insert(record.stream().into(), state);
        }
        self.commits += 1;
        let txn = self.database.begin_write()?;
        txn.open_table(BLOCKS)?
            .insert(first, block(records).as_slice())?;
        if self.commits.is_multiple_of(COMMITS_BETWEEN) {
            let mut states = txn.open_table(STATES)?;
            for (stream, state) in std::mem::take(&mut self.changed) {
                states.insert(&*stream, &*state)?;
            }
        }
        Ok(txn.commit()?)
    }
}

fn block(records: &[Record]) -> Vec<u8> {
    let mut block = Vec::new();
    for record in records {
        put_checked(&mut block, record.bytes());
    }
    block
}

#[cfg(test)]
mod tests {
    use redb::{ReadableDatabase, ReadableTable};

    use super::*;
    use crate::journal::workload::{Payloads, Writer};

    fn records(count: usize) -> Vec<Record> {
        let mut writer = Writer::new(0, Payloads::new());
        (0..count).map(|_| Record::of(&writer.next())).collect()
    }

    fn stored(database: &Database) -> (Vec<u64>, Vec<u8>) {
        let txn = database.begin_read().expect("a read");
        let table = txn.open_table(BLOCKS).expect("a table");
        let (mut positions, mut bytes) = (Vec::new(), Vec::new());
        for entry in table.iter().expect("it reads") {
            let (position, block) = entry.expect("it reads");
            positions.push(position.value());
            bytes.extend_from_slice(block.value());
        }
        (positions, bytes)
    }

    /// Catches: records that are lost or doubled at the edges of blocks, which would make a layout
    /// look better than it is.
    #[test]
    fn every_layout_of_blocks_holds_every_record_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let records = records(1_000);
        let mut one = Blocks::create(&folder.path().join("one")).expect("a file");
        let mut split = SplitBlocks::create(&folder.path().join("split")).expect("a file");
        let mut behind = Behind::create(&folder.path().join("behind")).expect("a file");
        let layouts: [&mut dyn Layout; 3] = [&mut one, &mut split, &mut behind];
        for layout in layouts {
            layout.commit(1, &records[..600]).expect("it is written");
            layout.commit(601, &records[600..]).expect("it is written");
        }
        let expected = block(&records);
        assert_eq!(stored(&one.0), (vec![1, 601], expected.clone()));
        assert_eq!(stored(&behind.database), (vec![1, 601], expected.clone()));
        let (positions, bytes) = stored(&split.0);
        assert_eq!(bytes, expected);
        assert!(
            positions.len() > 4 && positions.contains(&601),
            "{positions:?}"
        );
    }

    /// Catches: a state that is never written behind, or written with every commit.
    #[test]
    fn state_follows_with_every_fourth_commit() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut behind = Behind::create(&folder.path().join("behind")).expect("a file");
        let states = |behind: &Behind| {
            let txn = behind.database.begin_read().expect("a read");
            let table = txn.open_table(STATES).ok();
            table.map(|table| table.iter().expect("it reads").count())
        };
        for (first, record) in (1..).zip(records(4).chunks(1)) {
            assert_eq!(states(&behind), None);
            behind.commit(first, record).expect("it is written");
        }
        assert_eq!(states(&behind), Some(1));
    }
}
