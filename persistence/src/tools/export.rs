//! A journal as JSON lines, for people and for other programs, and to be imported again.

use std::io::Write;
use std::path::Path;

use serde_json::Value;

use super::error::ToolError;
use super::line::{AppendLine, CursorLine, End, FORMAT, Header, Line, VERSION};
use crate::block::Block;
use crate::error::{OpenError, ReadError};
use crate::record::{EventData, Position};
use crate::store::{Store, guarded, read_record};

/// Events of larger appends are not shown decoded: a line keeps its bound.
const VIEWED_BYTES_MAX: usize = 1 << 20;
/// How much one read of the journal takes, more or less.
const PIECE_BYTES: usize = 1 << 20;

/// What was exported, or imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Appends, one line each.
    pub appends: u64,
    /// Cursors, one line each.
    pub cursors: u64,
}

/// Writes the journal at `path`, which nobody may have open, as JSON lines to `out`: a header, each
/// append, each cursor, and a last line that counts them. Nothing is lost but snapshots, which are
/// made of the events again. `view` may show an event of a stream decoded, beside its bytes.
///
/// # Errors
/// See [`ToolError`].
pub fn export(
    path: impl AsRef<Path>,
    out: &mut impl Write,
    mut view: impl FnMut(&str, &EventData) -> Option<Value>,
) -> Result<Exported, ToolError> {
    let path = path.as_ref();
    let store = Store::existing(path)?;
    let damaged = |source: ReadError| OpenError::Damaged {
        path: path.into(),
        source,
    };
    write_line(
        out,
        &Line::Header(Header {
            format: FORMAT.into(),
            version: VERSION,
        }),
    )?;
    let cut = guarded(|| Ok(store.cut())).map_err(ReadError::store);
    let cut = cut.flatten().map_err(damaged)?;
    let mut exported = Exported {
        appends: 0,
        cursors: cut.cursors.len() as u64,
    };
    let (mut last, mut replies_from) = (Position::START, Position::START.next());
    while last < cut.last {
        let piece = guarded(|| Ok(store.blocks_after(last, PIECE_BYTES))).map_err(ReadError::store);
        let piece = piece.flatten().map_err(damaged)?;
        for (first, bytes) in &piece {
            let block = Block::open(*first, bytes).map_err(|error| damaged(error.into()))?;
            if block.replies_from() != replies_from {
                replies_from = block.replies_from();
                write_line(out, &Line::RepliesFrom(replies_from))?;
            }
            for (position, record) in block.records_from(*first) {
                if position != last.next() {
                    let position = last.next();
                    return Err(damaged(ReadError::Missing { position }).into());
                }
                let (_, bytes) = record.map_err(|error| damaged(error.into()))?;
                let recorded = read_record(position, bytes).map_err(damaged)?;
                let stream = recorded.append.stream.clone();
                let is_small = bytes.len() <= VIEWED_BYTES_MAX;
                let line = AppendLine::new(recorded, |event| {
                    is_small.then(|| view(&stream, event)).flatten()
                });
                write_line(out, &Line::Append(line))?;
                exported.appends += 1;
                last = position;
            }
        }
        if piece.is_empty() {
            let position = last.next();
            return Err(damaged(ReadError::Missing { position }).into());
        }
    }
    for (name, position) in cut.cursors {
        write_line(out, &Line::Cursor(CursorLine { name, position }))?;
    }
    write_line(
        out,
        &Line::End(End {
            appends: exported.appends,
            cursors: exported.cursors,
        }),
    )?;
    out.flush().map_err(ToolError::Output)?;
    Ok(exported)
}

fn write_line(out: &mut impl Write, line: &Line) -> Result<(), ToolError> {
    serde_json::to_writer(&mut *out, line).map_err(|error| ToolError::Output(error.into()))?;
    out.write_all(b"\n").map_err(ToolError::Output)
}
