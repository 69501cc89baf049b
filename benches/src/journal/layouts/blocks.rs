//! Layouts that write many events as one value.

use std::collections::BTreeMap;
use std::path::Path;

use redb::{Database, TableDefinition};

use crate::error::AnyError;
use crate::journal::group_log::{Layout, checked_len, put_checked};
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

/// Blocks that are cut so that each fills its page.
///
/// redb gives a value that is larger than 4 KiB a page of its own, whose size is the next power of
/// two: a block of 600 KiB takes, and writes, a mebibyte. Cut into 512, 64 and 24 KiB it takes 608.
pub(super) struct FittedBlocks(Database);

impl FittedBlocks {
    pub(super) fn create(path: &Path) -> Result<Self, AnyError> {
        super::database(path).map(Self)
    }
}

/// How much of `rest` bytes goes into one block.
fn fitting(rest: usize) -> usize {
    const PAGE_BYTES: usize = 4 << 10;
    /// What redb keeps beside a value in its page, and more.
    const BESIDE_BYTES: usize = 64;
    /// Below this a page of its own is small, and more blocks would cost more than they save.
    const PAGES_MIN: usize = 8;
    let pages = rest / PAGE_BYTES;
    if pages < PAGES_MIN {
        return rest;
    }
    (PAGE_BYTES << pages.ilog2()) - BESIDE_BYTES
}

impl Layout for FittedBlocks {
    fn commit(&mut self, first: u64, records: &[Record]) -> Result<(), AnyError> {
        let txn = self.0.begin_write()?;
        {
            let mut blocks = txn.open_table(BLOCKS)?;
            let mut rest: usize = records.iter().map(checked_len).sum();
            let (mut piece, mut begins) = (Vec::new(), first);
            for (position, record) in (first..).zip(records) {
                if !piece.is_empty() && piece.len() + checked_len(record) > fitting(rest) {
                    blocks.insert(begins, piece.as_slice())?;
                    rest -= piece.len();
                    piece.clear();
                    begins = position;
                }
                put_checked(&mut piece, record.bytes());
            }
            blocks.insert(begins, piece.as_slice())?;
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
    use redb::{ReadableDatabase, ReadableTable, ReadableTableMetadata};

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
        let mut fitted = FittedBlocks::create(&folder.path().join("fitted")).expect("a file");
        let mut behind = Behind::create(&folder.path().join("behind")).expect("a file");
        let layouts: [&mut dyn Layout; 4] = [&mut one, &mut split, &mut fitted, &mut behind];
        for layout in layouts {
            layout.commit(1, &records[..600]).expect("it is written");
            layout.commit(601, &records[600..]).expect("it is written");
        }
        let expected = block(&records);
        assert_eq!(stored(&one.0), (vec![1, 601], expected.clone()));
        assert_eq!(stored(&behind.database), (vec![1, 601], expected.clone()));
        for cut in [&split.0, &fitted.0] {
            let (positions, bytes) = stored(cut);
            assert_eq!(bytes, expected);
            assert!(
                positions.len() > 4 && positions.contains(&601),
                "{positions:?}"
            );
        }
    }

    /// Catches: blocks that are a little too large for the page that they were cut for, which
    /// doubles it.
    #[test]
    fn fitted_blocks_fill_their_pages() {
        let folder = tempfile::tempdir().expect("a folder");
        let records = records(2_000);
        let bytes = block(&records).len() as u64;
        let mut one = Blocks::create(&folder.path().join("one")).expect("a file");
        let mut fitted = FittedBlocks::create(&folder.path().join("fitted")).expect("a file");
        let layouts: [&mut dyn Layout; 2] = [&mut one, &mut fitted];
        for layout in layouts {
            layout.commit(1, &records).expect("it is written");
        }
        let wasted = |database: &Database| {
            let txn = database.begin_write().expect("a write");
            let table = txn.open_table(BLOCKS).expect("a table");
            table.stats().expect("its figures").fragmented_bytes()
        };
        assert!(wasted(&fitted.0) < bytes / 20, "{}", wasted(&fitted.0));
        // A cut falls between two records, so few groups come to the very edge of a page.
        for pages in [8_usize, 16, 100, 150] {
            let page = (4 << 10) << pages.ilog2();
            assert!(page - fitting(pages * (4 << 10)) >= 16, "{pages} pages");
        }
        // Otherwise this test would not see the difference.
        assert!(wasted(&one.0) > bytes / 2, "{}", wasted(&one.0));
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
