//! Which commands were recorded, and where: what a repeated command is known by.
//!
//! First replies themselves stay in the journal. They are forgotten by age, oldest first, and
//! sooner where there are too many; each block says from where on they were still known when it
//! was written, so that a command recorded twice can be told from one recorded anew.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};
use uuid::Uuid;

use crate::options::JournalOptions;
use crate::record::Position;

/// How many commands one stored chunk lists: as many as fit a store page of 64 KiB.
pub(crate) const CHUNK_COMMANDS: usize = 2_700;

/// Room for so many commands is made at once: it is not touched before it is used, while making
/// more of it later would hold up every append until all that is known is moved.
const ROOM_MAX: usize = 1 << 20;

/// A recorded command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) id: Uuid,
    pub(crate) at: Position,
    pub(crate) recorded_at_ms: u64,
}

/// Commands to be written behind, in one value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) commands: Vec<Command>,
}

impl Chunk {
    pub(crate) fn first(&self) -> Position {
        self.commands.first().map_or(Position::START, |c| c.at)
    }

    pub(crate) fn last(&self) -> Position {
        self.commands.last().map_or(Position::START, |c| c.at)
    }
}

/// The commands whose first replies are still known.
#[derive(Debug)]
pub(crate) struct Replies {
    in_order: VecDeque<Command>,
    /// How many commands were forgotten: the number of the first that is known.
    forgotten: u64,
    /// The numbers of the known commands, found by their ids. Every command goes in here and out
    /// again, so it is kept small enough for the processor's caches.
    numbers: HashTable<u64>,
    hasher: DefaultHashBuilder,
    /// How many of `in_order`, from its front, stored chunks list.
    listed: usize,
    /// Stored chunks: the first and the last place that each lists.
    chunks: VecDeque<(Position, Position)>,
    max: usize,
    keep_ms: u64,
    chunk_commands: usize,
}

impl Replies {
    pub(crate) fn new(options: &JournalOptions) -> Self {
        // At least a few chunks lie in the tail, so that it does not grow by those that wait.
        let room = options.replies_max.min(ROOM_MAX) + 1;
        let by_tail = usize::try_from(options.tail_records_max / 4).unwrap_or(usize::MAX);
        Self {
            in_order: VecDeque::with_capacity(room),
            forgotten: 0,
            numbers: HashTable::with_capacity(room),
            hasher: DefaultHashBuilder::default(),
            listed: 0,
            chunks: VecDeque::new(),
            max: options.replies_max,
            keep_ms: u64::try_from(options.replies_keep.as_millis()).unwrap_or(u64::MAX),
            chunk_commands: by_tail.clamp(1, CHUNK_COMMANDS),
        }
    }

    /// Where a command was recorded.
    pub(crate) fn place(&self, id: Uuid) -> Option<Position> {
        let hash = self.hasher.hash_one(id);
        let is_it = |number: &u64| self.numbered(*number).is_some_and(|known| known.id == id);
        let number = self.numbers.find(hash, is_it)?;
        self.numbered(*number).map(|command| command.at)
    }

    /// Notes a command that is recorded now, and forgets what is too old by then. `false` where it
    /// is known already.
    pub(crate) fn insert(&mut self, command: Command) -> bool {
        self.put(command, false)
    }

    /// Takes in a command that was read back. One that was forgotten and recorded anew is read
    /// twice, and the later one counts.
    pub(crate) fn restore_one(&mut self, command: Command) {
        self.put(command, true);
    }

    fn put(&mut self, command: Command, replace: bool) -> bool {
        let number = self.forgotten + self.in_order.len() as u64;
        let (in_order, forgotten, hasher) = (&self.in_order, self.forgotten, &self.hasher);
        let known = |number: &u64| numbered(in_order, forgotten, *number);
        let is_it = |number: &u64| known(number).is_some_and(|known| known.id == command.id);
        let hash_of = |number: &u64| known(number).map_or(0, |known| hasher.hash_one(known.id));
        match self
            .numbers
            .entry(hasher.hash_one(command.id), is_it, hash_of)
        {
            Entry::Occupied(mut entry) if replace => *entry.get_mut() = number,
            Entry::Occupied(_) => return false,
            Entry::Vacant(entry) => drop(entry.insert(number)),
        }
        self.in_order.push_back(command);

        let too_old_ms = command.recorded_at_ms.saturating_sub(self.keep_ms);
        while let Some(oldest) = self.in_order.front() {
            if oldest.recorded_at_ms >= too_old_ms && self.in_order.len() <= self.max {
                break;
            }
            let (hash, first) = (self.hasher.hash_one(oldest.id), self.forgotten);
            if let Ok(entry) = self.numbers.find_entry(hash, |number| *number == first) {
                entry.remove();
            }
            self.in_order.pop_front();
            self.forgotten += 1;
            self.listed = self.listed.saturating_sub(1);
        }
        true
    }

    /// Forgets the commands that were recorded after `durable`, which are lost.
    pub(crate) fn roll_back(&mut self, durable: Position) {
        while let Some(lost) = self.in_order.pop_back_if(|command| command.at > durable) {
            let number = self.forgotten + self.in_order.len() as u64;
            let hash = self.hasher.hash_one(lost.id);
            if let Ok(entry) = self.numbers.find_entry(hash, |known| *known == number) {
                entry.remove();
            }
        }
        self.listed = self.listed.min(self.in_order.len());
    }

    fn numbered(&self, number: u64) -> Option<&Command> {
        numbered(&self.in_order, self.forgotten, number)
    }

    /// First replies recorded before this are forgotten; `next` where none is known.
    pub(crate) fn known_from(&self, next: Position) -> Position {
        self.in_order.front().map_or(next, |oldest| oldest.at)
    }

    /// Takes in a chunk as it is stored.
    pub(crate) fn restore(&mut self, chunk: &Chunk) {
        self.chunks.push_back((chunk.first(), chunk.last()));
        for command in &chunk.commands {
            self.restore_one(*command);
        }
        self.listed = self.in_order.len();
    }

    /// A chunk to write, where enough commands up to `last` are not listed yet.
    pub(crate) fn take_chunk(&mut self, last: Position) -> Option<Chunk> {
        let end = self.listed + self.chunk_commands;
        let newest = self.in_order.get(end - 1)?;
        if newest.at > last {
            return None;
        }
        let commands = self.in_order.range(self.listed..end).copied().collect();
        self.listed = end;
        let chunk = Chunk { commands };
        self.chunks.push_back((chunk.first(), chunk.last()));
        Some(chunk)
    }

    /// Everything before this is listed in stored chunks or forgotten; `next` where that is all.
    pub(crate) fn unlisted_from(&self, next: Position) -> Position {
        self.in_order
            .get(self.listed)
            .map_or(next, |command| command.at)
    }

    /// The key of a stored chunk of which everything was recorded before `known_from`: where that is
    /// what a durable block says, nobody misses it.
    pub(crate) fn take_forgotten(&mut self, known_from: Position) -> Option<Position> {
        let (first, _) = self.chunks.pop_front_if(|(_, last)| *last < known_from)?;
        Some(first)
    }
}

fn numbered(in_order: &VecDeque<Command>, forgotten: u64, number: u64) -> Option<&Command> {
    in_order.get(usize::try_from(number.checked_sub(forgotten)?).ok()?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn command(n: u64, recorded_at_ms: u64) -> Command {
        Command {
            id: Uuid::from_u128(n.into()),
            at: Position::new(n),
            recorded_at_ms,
        }
    }

    fn keeping(replies_max: usize, keep_ms: u64) -> Replies {
        Replies::new(&JournalOptions {
            replies_max,
            replies_keep: Duration::from_millis(keep_ms),
            ..JournalOptions::default()
        })
    }

    #[test]
    fn commands_are_forgotten_by_age_and_by_number() {
        let mut replies = keeping(3, 100);
        replies.insert(command(1, 1_000));
        replies.insert(command(2, 1_090));
        replies.insert(command(3, 1_100));
        assert_eq!(replies.known_from(Position::new(4)), Position::new(1));
        replies.insert(command(4, 1_101));
        assert_eq!(replies.place(Uuid::from_u128(1)), None, "older than 100 ms");
        assert!(replies.place(Uuid::from_u128(2)).is_some());
        replies.insert(command(5, 1_102));
        assert_eq!(replies.place(Uuid::from_u128(2)), None, "three are enough");
        assert_eq!(replies.known_from(Position::new(6)), Position::new(3));
    }

    /// Catches: a first reply from before it was forgotten that answers a command recorded since.
    #[test]
    fn of_a_command_that_is_read_twice_the_later_one_counts() {
        let mut replies = keeping(10, u64::MAX);
        replies.restore_one(command(1, 0));
        let anew = Command {
            at: Position::new(9),
            ..command(1, 0)
        };
        replies.restore_one(anew);
        assert_eq!(replies.place(anew.id), Some(Position::new(9)));
        assert!(!replies.insert(anew), "it is known");
    }

    /// Catches: a chunk that lists what may be lost, is written twice, or outlives its commands.
    #[test]
    fn chunks_list_every_command_once_and_go_when_all_is_forgotten() {
        let many = CHUNK_COMMANDS as u64;
        let mut replies = keeping(CHUNK_COMMANDS, u64::MAX);
        for n in 1..=many {
            replies.insert(command(n, 0));
        }
        assert_eq!(replies.take_chunk(Position::new(many - 1)), None);
        let chunk = replies.take_chunk(Position::new(many)).expect("enough");
        assert_eq!((chunk.first().get(), chunk.last().get()), (1, many));
        assert_eq!(replies.take_chunk(Position::new(many)), None);
        assert_eq!(
            replies.unlisted_from(Position::new(many + 1)).get(),
            many + 1
        );
        assert_eq!(replies.take_forgotten(Position::new(many)), None);
        for n in many + 1..=2 * many {
            replies.insert(command(n, 0));
        }
        assert_eq!(replies.unlisted_from(Position::new(0)).get(), many + 1);
        let known_from = replies.known_from(Position::new(2 * many + 1));
        assert_eq!(replies.take_forgotten(known_from), Some(Position::new(1)));

        let mut restored = keeping(CHUNK_COMMANDS, u64::MAX);
        restored.restore(&chunk);
        assert_eq!(restored.place(Uuid::from_u128(9)), Some(Position::new(9)));
        assert_eq!(
            restored.take_chunk(Position::new(many)),
            None,
            "listed already"
        );
    }
}
