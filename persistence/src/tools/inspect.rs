//! Finds records in a journal, for people.

use std::path::Path;

use super::error::ToolError;
use crate::error::{OpenError, ReadError};
use crate::record::{Position, Recorded};
use crate::store::{Next, Store, guarded, read_record};
use crate::stored::outline;

/// Which records are wanted.
///
/// ```
/// use mercato_persistence::{Position, RecordFilter};
///
/// let filter = RecordFilter { under: vec!["order/1".into()], ..RecordFilter::default() };
/// assert!(filter.wants_stream("order/1"));
/// assert!(filter.wants_stream("order/1/returns"));
/// assert!(!filter.wants_stream("order/1001"));
/// assert!(RecordFilter::default().wants_stream("order/1001"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFilter {
    /// Streams of one of these names, or below one of them: `order`, `order/1001`,
    /// `flow/checkout`. None of them: every stream.
    pub under: Vec<String>,
    /// The first position.
    pub from: Position,
    /// The last position.
    pub to: Position,
}

impl Default for RecordFilter {
    /// Every record.
    fn default() -> Self {
        Self {
            under: Vec::new(),
            from: Position::START,
            to: Position::new(u64::MAX),
        }
    }
}

impl RecordFilter {
    /// Whether records of this stream are wanted.
    #[must_use]
    pub fn wants_stream(&self, stream: &str) -> bool {
        let is_under = |name: &String| {
            let rest = stream.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.under.is_empty() || self.under.iter().any(is_under)
    }
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspected {
    /// Records that were shown.
    pub shown: usize,
    /// Whether there may be more after the last one that was shown.
    pub more: bool,
}

/// Shows the records of the journal at `path`, which nobody may have open, that `filter` wants, in
/// their order, until `limit` of them were shown. `show` gives whether it took the record: a search
/// for a person looks into the decoded events there, which only the owner of the events can read.
///
/// # Errors
/// See [`ToolError`].
pub fn inspect(
    path: impl AsRef<Path>,
    filter: &RecordFilter,
    limit: usize,
    mut show: impl FnMut(&Recorded) -> bool,
) -> Result<Inspected, ToolError> {
    let path = path.as_ref();
    let store = Store::existing(path)?;
    let mut found = Inspected {
        shown: 0,
        more: false,
    };
    let mut look = |position, bytes: &[u8]| -> Result<Next, ReadError> {
        if position > filter.to {
            return Ok(Next::Stop);
        }
        let name = outline(bytes).map_err(|source| ReadError::Record { position, source })?;
        if !filter.wants_stream(name.stream) {
            return Ok(Next::Go);
        }
        if found.shown >= limit {
            found.more = true;
            return Ok(Next::Stop);
        }
        if show(&read_record(position, bytes)?) {
            found.shown += 1;
        }
        Ok(Next::Go)
    };
    let scanned =
        guarded(|| Ok(store.scan(filter.from, |position, _, bytes| look(position, bytes))));
    let scanned = scanned.map_err(ReadError::store).flatten();
    scanned.map_err(|source| OpenError::Damaged {
        path: path.into(),
        source,
    })?;
    Ok(found)
}
