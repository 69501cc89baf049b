//! The layouts of the file that the journal's was chosen from, straight on redb.
//!
//! All of them run behind the writer and the group commit of the bare log, so that nothing differs
//! but what a commit writes. What came of it is `docs/decisions/0006-journal-layout.md`.

mod blocks;
mod rows;

use std::path::Path;

use self::blocks::{Behind, Blocks, FittedBlocks, SplitBlocks};
use self::rows::{RowsByPosition, RowsByStream};
use super::contest::{Contender, Turn, closed_loop, open_journal, section};
use super::group_log::{GroupLog, Layout, open_bare};
use crate::error::AnyError;
use crate::options::{Part, Plan};
use crate::report::Section;

pub(crate) fn measure(plan: &Plan) -> Result<Section, AnyError> {
    let contenders = [
        Contender {
            name: "bare append-only log",
            turn: |plan| closed_loop(plan, plan.writers, open_bare),
        },
        Contender {
            name: "one block for each commit",
            turn: |plan| turn(plan, Blocks::create),
        },
        Contender {
            name: "blocks of 64 KiB",
            turn: |plan| turn(plan, SplitBlocks::create),
        },
        Contender {
            name: "blocks cut to fill their pages",
            turn: |plan| turn(plan, FittedBlocks::create),
        },
        Contender {
            name: "one block, and state behind every 4 commits",
            turn: |plan| turn(plan, Behind::create),
        },
        Contender {
            name: "a row for each event, by position",
            turn: |plan| turn(plan, RowsByPosition::create),
        },
        Contender {
            name: "rows by stream, state rows, dedupe rows",
            turn: |plan| turn(plan, RowsByStream::create),
        },
        Contender {
            name: "journal",
            turn: |plan| closed_loop(plan, plan.writers, open_journal),
        },
    ];
    section(
        plan,
        Part::Layouts,
        "Layouts on redb behind the bare log's writer and group commit",
        "Ratios are to the bare append-only log. The layouts keep no index, no versions and no first \
         replies in memory, as the journal does.",
        &contenders,
    )
}

fn turn<L: Layout>(
    plan: &Plan,
    create: impl FnOnce(&Path) -> Result<L, AnyError>,
) -> Result<Turn, AnyError> {
    closed_loop(plan, plan.writers, |path| {
        Ok(GroupLog::over(create(path)?)?)
    })
}

/// A database with the journal's page cache.
fn database(path: &Path) -> Result<redb::Database, AnyError> {
    let cache_bytes = mercato_runtime::persistence::JournalOptions::default().cache_bytes;
    let mut builder = redb::Database::builder();
    builder.set_cache_size(cache_bytes);
    Ok(builder.create(path)?)
}
