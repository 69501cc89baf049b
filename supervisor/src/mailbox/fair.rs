//! Messages by turns: a row for each key that waits, and the rows in a ring.
//!
//! A row exists while messages of its key wait, so there are never more rows than messages, and
//! those have a bound. Each operation touches one row and one message, wherever it stands.

use hashbrown::HashTable;
use slab::Slab;

use super::expiry::Expiry;
use super::tag::{Entry, Instant, Key};

/// No message, or no row.
const NONE: usize = usize::MAX;

pub(super) struct Fair<M> {
    messages: Slab<Message<M>>,
    rows: Slab<Row>,
    /// Rows by their keys. Only ever asked, so its order does not matter.
    index: HashTable<usize>,
    /// The row whose turn it is.
    turn: usize,
    /// The row that grew last, since the next message is often for the same one.
    latest: usize,
    /// Tells a message from the one that had its place before.
    pushed: u64,
    expiry: Expiry,
}

struct Message<M> {
    entry: Entry<M>,
    number: u64,
    row: usize,
    before: usize,
    after: usize,
}

struct Row {
    key: Key,
    first: usize,
    last: usize,
    len: usize,
    /// Its neighbours in the ring.
    before: usize,
    after: usize,
}

impl<M> Fair<M> {
    pub(super) fn new() -> Self {
        Self {
            messages: Slab::new(),
            rows: Slab::new(),
            index: HashTable::new(),
            turn: NONE,
            latest: NONE,
            pushed: 0,
            expiry: Expiry::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn waiting_of(&self, key: Key) -> usize {
        self.find(key).map_or(0, |row| self.rows[row].len)
    }

    pub(super) fn push(&mut self, entry: Entry<M>) {
        let row = self.find(entry.key).unwrap_or_else(|| self.open(entry.key));
        let before = self.rows[row].last;
        let message = self.insert(entry, row, before, NONE);
        match self.messages.get_mut(before) {
            Some(before) => before.after = message,
            None => self.rows[row].first = message,
        }
        self.rows[row].last = message;
        self.latest = row;
    }

    /// Puts a message before all others of its row.
    pub(super) fn put_back(&mut self, entry: Entry<M>) {
        let row = self.find(entry.key).unwrap_or_else(|| self.open(entry.key));
        let after = self.rows[row].first;
        let message = self.insert(entry, row, NONE, after);
        match self.messages.get_mut(after) {
            Some(after) => after.before = message,
            None => self.rows[row].last = message,
        }
        self.rows[row].first = message;
    }

    /// Keeps a message in a row, between those two.
    fn insert(&mut self, entry: Entry<M>, row: usize, before: usize, after: usize) -> usize {
        self.pushed += 1;
        let (number, deadline) = (self.pushed, entry.deadline);
        let message = self.messages.insert(Message {
            entry,
            number,
            row,
            before,
            after,
        });
        self.rows[row].len += 1;
        if self.expiry.is_kept() {
            self.expiry.add(deadline, number, message);
            self.expiry.tidy(self.messages.len(), |number, message| {
                is_there(&self.messages, number, message)
            });
        }
        message
    }

    /// Takes the first message of the row whose turn it is.
    pub(super) fn pop(&mut self) -> Option<Entry<M>> {
        let row = self.rows.get(self.turn)?;
        let first = row.first;
        self.turn = row.after;
        Some(self.remove(first))
    }

    /// Takes the message with the earliest deadline, if that has passed.
    pub(super) fn pop_expired(&mut self, now: Instant) -> Option<Entry<M>> {
        // An empty one has none to keep, nor those that come after it.
        if !self.expiry.is_kept() && !self.is_empty() {
            self.expiry.keep();
            for (message, Message { entry, number, .. }) in &self.messages {
                self.expiry.add(entry.deadline, *number, message);
            }
        }
        while let Some((number, message)) = self.expiry.pop(now) {
            if is_there(&self.messages, number, message) {
                return Some(self.remove(message));
            }
        }
        None
    }

    #[cfg(test)]
    pub(super) fn deadlines_kept(&self) -> usize {
        self.expiry.len()
    }

    fn find(&self, key: Key) -> Option<usize> {
        if let Some(row) = self.rows.get(self.latest)
            && row.key == key
        {
            return Some(self.latest);
        }
        self.index
            .find(key.hash(), |row| self.rows[*row].key == key)
            .copied()
    }

    /// A new row, whose turn comes after that of all others.
    fn open(&mut self, key: Key) -> usize {
        let row = self.rows.vacant_key();
        let (before, after) = match self.rows.get(self.turn) {
            Some(turn) => (turn.before, self.turn),
            None => (row, row),
        };
        self.rows.insert(Row {
            key,
            first: NONE,
            last: NONE,
            len: 0,
            before,
            after,
        });
        self.rows[before].after = row;
        self.rows[after].before = row;
        if self.turn == NONE {
            self.turn = row;
        }
        self.index
            .insert_unique(key.hash(), row, |row| self.rows[*row].key.hash());
        row
    }

    fn remove(&mut self, message: usize) -> Entry<M> {
        let Message {
            entry,
            row,
            before,
            after,
            ..
        } = self.messages.remove(message);
        match self.messages.get_mut(before) {
            Some(before) => before.after = after,
            None => self.rows[row].first = after,
        }
        match self.messages.get_mut(after) {
            Some(after) => after.before = before,
            None => self.rows[row].last = before,
        }
        self.rows[row].len -= 1;
        if self.rows[row].len == 0 {
            self.close(row);
        }
        if self.messages.is_empty() {
            self.expiry.forget();
        }
        entry
    }

    fn close(&mut self, row: usize) {
        let Row {
            key, before, after, ..
        } = self.rows[row];
        self.rows[before].after = after;
        self.rows[after].before = before;
        if self.turn == row {
            self.turn = if after == row { NONE } else { after };
        }
        if let Ok(found) = self.index.find_entry(key.hash(), |found| *found == row) {
            found.remove();
        }
        self.rows.remove(row);
        if self.latest == row {
            self.latest = NONE;
        }
    }
}

fn is_there<M>(messages: &Slab<Message<M>>, number: u64, message: usize) -> bool {
    messages
        .get(message)
        .is_some_and(|found| found.number == number)
}
