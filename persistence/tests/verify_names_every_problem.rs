//! `verify` counts what a journal holds, and finds each kind of damage.

use std::path::{Path, PathBuf};

use crate::common::{commanded, incarnation, one_event, open, settle};
use mercato_persistence::{
    Append, Journal, JournalOptions, Mark, PROBLEMS_MAX, Position, RedbJournal, VerifyReport,
    WriterPlace, verify,
};
use redb::{Database, Key, Table, TableDefinition};
use tempfile::TempDir;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
const COMMANDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("commands");
const OPEN: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("open");
/// What stands behind the record in a block of one: its end, its link and its checksum, and then
/// the count, what replies are known, and the checksum of all that.
const LINK: usize = 8 + 8 + 8 + 4 + 8;
const RECORD_END: usize = 4 + LINK;

const PAGE: usize = 4096;
/// Where a frame holds the store's header.
const HEADER: std::ops::Range<usize> = 20..504;

type Blocks<'txn> = Table<'txn, u64, &'static [u8]>;
type Rows<'txn, K> = Table<'txn, K, &'static [u8]>;

/// A journal of six blocks, one record each, three events of stream `a` and three of `b`.
fn six_blocks() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.journal");
    incarnation(async {
        let journal = open(&path).expect("a journal");
        for n in 0..6u64 {
            let stream = if n % 2 == 0 { "a" } else { "b" };
            let append = Append {
                mark: Some(if n == 5 { Mark::Closed } else { Mark::Open }),
                timers: Vec::new(),
                ..commanded(stream, n / 2, n.into())
            };
            settle(&journal, append).await;
        }
        journal.close().await.expect("a good disk");
    });
    (folder, path)
}

/// Changes the stored blocks behind the journal's back.
fn meddle(path: &Path, change: impl FnOnce(&mut Blocks<'_>)) {
    meddle_in(path, BLOCKS, change);
}

/// Changes a table of the store behind the journal's back.
fn meddle_in<K: Key + 'static>(
    path: &Path,
    table: TableDefinition<'_, K, &'static [u8]>,
    change: impl FnOnce(&mut Rows<'_, K>),
) {
    let mut bytes = std::fs::read(path).expect("a file");
    // The store's own file begins with its header page; ours keeps that twice, in frames.
    let newest = [0, PAGE]
        .into_iter()
        .max_by_key(|slot| sequence(&bytes, *slot));
    let newest = newest.expect("two slots");
    let mut plain = bytes[newest + HEADER.start..newest + HEADER.end].to_vec();
    plain.resize(PAGE, 0);
    plain.extend_from_slice(&bytes[2 * PAGE..]);
    let store = path.with_extension("plain");
    std::fs::write(&store, plain).expect("a file");
    {
        let db = Database::open(&store).expect("a database");
        let txn = db.begin_write().expect("a transaction");
        change(&mut txn.open_table(table).expect("a table"));
        txn.commit().expect("a good disk");
    }
    let plain = std::fs::read(&store).expect("a file");
    for frame in [newest, newest + PAGE / 2] {
        bytes[frame + HEADER.start..frame + HEADER.end].copy_from_slice(&plain[..HEADER.len()]);
        let checksum = xxh3_64(&bytes[frame..frame + HEADER.end]);
        bytes[frame + HEADER.end..frame + HEADER.end + 8].copy_from_slice(&checksum.to_le_bytes());
    }
    bytes.truncate(2 * PAGE);
    bytes.extend_from_slice(&plain[PAGE..]);
    std::fs::write(path, bytes).expect("a file");
}

fn sequence(bytes: &[u8], slot: usize) -> u64 {
    let number = bytes[slot + 12..].first_chunk().expect("a frame");
    u64::from_le_bytes(*number)
}

fn take(blocks: &mut Blocks<'_>, position: u64) -> Vec<u8> {
    let block = blocks.remove(position).expect("a good disk");
    block.expect("a block").value().to_vec()
}

fn put(blocks: &mut Blocks<'_>, position: u64, block: &[u8]) {
    blocks.insert(position, block).expect("a good disk");
}

/// The block of one record, made to fit at another position.
fn moved(mut block: Vec<u8>, position: u64) -> Vec<u8> {
    let (record_end, link, end) = (block.len() - RECORD_END, block.len() - LINK, block.len());
    let place = xxh3_64_with_seed(&block[link..link + 8], position);
    let checksum = xxh3_64(&block[1..record_end]) ^ place;
    block[link + 8..link + 16].copy_from_slice(&checksum.to_le_bytes());
    let frame = xxh3_64_with_seed(&block[record_end..end - 8], position);
    block[end - 8..].copy_from_slice(&frame.to_le_bytes());
    block
}

fn report(path: &Path) -> VerifyReport {
    verify(path, |_| {}).expect("a journal")
}

/// Plants damage in six sound blocks, and finds it among the problems.
fn check_found(change: impl FnOnce(&mut Blocks<'_>), problem: &str) {
    let (_folder, path) = six_blocks();
    meddle(&path, change);
    let report = report(&path);
    assert!(!report.is_sound());
    let found = report.problems.iter().any(|found| found.contains(problem));
    assert!(found, "{:#?}", report.problems);
}

#[test]
fn a_sound_journal_is_counted() {
    let (_folder, path) = six_blocks();
    let mut visited = Vec::new();
    let report = verify(&path, |record| visited.push(record.position.get()));
    let report = report.expect("a journal");
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!((report.blocks, report.records, report.events), (6, 6, 6));
    assert_eq!(
        (report.streams, report.open_streams, report.commands),
        (2, 1, 6)
    );
    assert_eq!(report.last, Position::new(6));
    assert!(report.bytes > 6 * 20);
    assert_eq!(visited, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_lost_block() {
    check_found(
        |blocks| drop(take(blocks, 3)),
        "positions 3 to 3 are missing",
    );
}

#[test]
fn a_lost_beginning() {
    let lose = |blocks: &mut Blocks<'_>| {
        take(blocks, 1);
        take(blocks, 2);
    };
    check_found(lose, "positions 1 to 2 are missing");
}

#[test]
fn a_changed_record() {
    let change = |blocks: &mut Blocks<'_>| {
        let mut block = take(blocks, 4);
        block[1] ^= 1;
        put(blocks, 4, &block);
    };
    check_found(
        change,
        "the record at position 4 does not match its checksum",
    );
}

#[test]
fn a_block_in_a_wrong_place() {
    let swap = |blocks: &mut Blocks<'_>| {
        let (second, fourth) = (take(blocks, 2), take(blocks, 4));
        put(blocks, 2, &fourth);
        put(blocks, 4, &second);
    };
    check_found(swap, "the block at position 2 is damaged");
}

#[test]
fn a_cut_block() {
    let cut = |blocks: &mut Blocks<'_>| {
        let block = take(blocks, 5);
        put(blocks, 5, &block[..block.len() - 1]);
    };
    check_found(cut, "the block at position 5 is damaged");
}

#[test]
fn a_block_of_an_unknown_format() {
    let change = |blocks: &mut Blocks<'_>| {
        let mut block = take(blocks, 6);
        block[0] = 9;
        put(blocks, 6, &block);
    };
    check_found(change, "its format byte is unknown");
}

#[test]
fn a_record_of_an_unknown_format() {
    let change = |blocks: &mut Blocks<'_>| {
        let mut block = take(blocks, 6);
        block[1] = 9;
        put(blocks, 6, &moved(block, 6));
    };
    check_found(change, "the record at position 6 cannot be read");
}

#[test]
fn a_gap_in_a_stream() {
    let skip = |blocks: &mut Blocks<'_>| {
        // `a` has its versions 0, 1 and 2 at 1, 3 and 5.
        let last = take(blocks, 5);
        put(blocks, 3, &moved(last, 3));
        put(blocks, 5, &[]);
    };
    check_found(skip, "stream `a` goes on from version 2, but it was at 1");
}

#[test]
fn a_command_recorded_twice() {
    let again = |blocks: &mut Blocks<'_>| {
        let first = take(blocks, 1);
        put(blocks, 1, &first);
        put(blocks, 7, &moved(first, 7));
    };
    check_found(
        again,
        "position 7: command 00000000-0000-0000-0000-000000000000",
    );
}

/// An append to `b`, which is unfinished, and twenty commands. The checkpoint stands before the last
/// few of them, and the others are listed in chunks of two.
fn chunked() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.journal");
    incarnation(async {
        let options = JournalOptions {
            tail_records_max: 8,
            ..JournalOptions::default()
        };
        let journal = RedbJournal::open(&path, options, crate::common::Pace::default().writer());
        let journal = journal.expect("a journal");
        let unfinished = Append {
            mark: Some(Mark::Open),
            ..one_event("b", 0)
        };
        settle(&journal, unfinished).await;
        for n in 0..20 {
            settle(&journal, commanded("a", n, n.into())).await;
        }
        journal.close().await.expect("a good disk");
    });
    assert_eq!(report(&path).problems, Vec::<String>::new());
    (folder, path)
}

/// Catches: a command whose chunk is gone, and which would be carried out again.
#[test]
fn a_lost_chunk_of_commands() {
    let (_folder, path) = chunked();
    meddle_in(&path, COMMANDS, |chunks| {
        let second = chunks.remove(4).expect("a good disk");
        assert!(second.is_some(), "a chunk begins at position 4");
    });
    let expected = "2 known commands are in no stored chunk, the first of them \
                    00000000-0000-0000-0000-000000000002, recorded at position 4";
    assert_eq!(report(&path).problems, [expected]);
}

#[test]
fn a_changed_chunk_of_commands() {
    let (_folder, path) = chunked();
    meddle_in(&path, COMMANDS, |chunks| {
        let mut chunk = take(chunks, 4);
        let middle = chunk.len() / 2;
        chunk[middle] ^= 1;
        put(chunks, 4, &chunk);
    });
    let problems = report(&path).problems;
    assert_eq!(
        problems[0],
        "the row of `4` in table `commands` does not match its checksum"
    );
    let opened = incarnation(async { open(&path).expect_err("it is damaged") });
    assert!(opened.to_string().contains(&problems[0]), "{opened}");
}

#[test]
fn a_stream_that_the_list_of_unfinished_ones_lacks() {
    let (_folder, path) = chunked();
    meddle_in(&path, OPEN, |open| {
        let row = open.remove("b").expect("a good disk");
        assert!(row.is_some(), "it is unfinished");
    });
    assert_eq!(
        report(&path).problems,
        ["the index has stream `b` as unfinished, its list of unfinished streams says otherwise"]
    );
}

#[test]
fn a_journal_with_a_gap_is_not_opened() {
    let (_folder, path) = six_blocks();
    meddle(&path, |blocks| drop(take(blocks, 3)));
    let error = incarnation(async { open(&path).expect_err("it has a gap") });
    assert!(
        error.to_string().contains("no block holds position 3"),
        "{error}"
    );
}

#[test]
fn the_list_of_problems_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.journal");
    incarnation(async {
        let one_by_one = JournalOptions {
            group_bytes_max: 1,
            ..JournalOptions::default()
        };
        let journal = RedbJournal::open(&path, one_by_one, WriterPlace::Thread);
        let journal = journal.expect("a journal");
        for version in 0..2 * PROBLEMS_MAX as u64 {
            journal
                .append(one_event("a", version))
                .expect("a good append");
        }
        journal.close().await.expect("a good disk");
    });
    meddle(&path, |blocks| {
        for position in 1..=2 * PROBLEMS_MAX as u64 {
            put(blocks, position, &[]);
        }
    });
    assert_eq!(report(&path).problems.len(), PROBLEMS_MAX);
}
