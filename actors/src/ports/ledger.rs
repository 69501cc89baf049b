//! What an in-process gateway remembers: an append-only list of entries, each under the key that
//! asked for it.

use std::collections::BTreeMap;
use std::fmt;

/// Something that a gateway did for an idempotency key.
pub trait LedgerEntry {
    /// The key that asked for it.
    fn key(&self) -> &str;
}

/// Is shown each entry before the gateway answers: writes it to a file, for instance.
pub type LedgerSink<E> = Box<dyn FnMut(&E) + Send>;

/// How an in-process gateway keeps its ledger.
pub struct LedgerOptions<E> {
    /// The most entries kept in memory; beyond them the gateway refuses to do anything new.
    /// Default: 10 000 000.
    pub entries_max: usize,
    /// Is shown each new entry. Default: none.
    pub sink: Option<LedgerSink<E>>,
}

impl<E> Default for LedgerOptions<E> {
    fn default() -> Self {
        Self {
            entries_max: 10_000_000,
            sink: None,
        }
    }
}

impl<E> fmt::Debug for LedgerOptions<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LedgerOptions")
            .field("entries_max", &self.entries_max)
            .field("sink", &self.sink.is_some())
            .finish()
    }
}

/// The ledger has as many entries as its options allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the gateway's ledger is full; raise entries_max")]
pub struct LedgerFull;

pub(super) struct Ledger<E> {
    entries: Vec<E>,
    by_key: BTreeMap<Box<str>, usize>,
    options: LedgerOptions<E>,
}

impl<E: LedgerEntry + Clone> Ledger<E> {
    pub(super) fn new(options: LedgerOptions<E>) -> Self {
        Self {
            entries: Vec::new(),
            by_key: BTreeMap::new(),
            options,
        }
    }

    /// What was done for `key`.
    pub(super) fn find(&self, key: &str) -> Option<&E> {
        self.by_key
            .get(key)
            .and_then(|place| self.entries.get(*place))
    }

    /// Shows the entry to the sink, then keeps it.
    pub(super) fn record(&mut self, entry: E) -> Result<(), LedgerFull> {
        self.check_room()?;
        if let Some(sink) = &mut self.options.sink {
            sink(&entry);
        }
        self.keep(entry);
        Ok(())
    }

    /// Keeps an entry of an earlier life without showing it again.
    pub(super) fn restore(&mut self, entry: E) -> Result<(), LedgerFull> {
        self.check_room()?;
        self.keep(entry);
        Ok(())
    }

    pub(super) fn entries(&self) -> &[E] {
        &self.entries
    }

    fn check_room(&self) -> Result<(), LedgerFull> {
        if self.entries.len() < self.options.entries_max {
            Ok(())
        } else {
            Err(LedgerFull)
        }
    }

    fn keep(&mut self, entry: E) {
        self.by_key.insert(entry.key().into(), self.entries.len());
        self.entries.push(entry);
    }
}
