//! Where each stream stands, as far as memory holds it.
//!
//! Every append changes the head of its stream, and writing each change to the store would cost as
//! much as the append itself. So heads are written behind, in the order in which streams were last
//! touched. The invariant that recovery leans on: of every stream whose last append stands at or
//! before the *checkpoint*, the stored head is right. Streams touched later are found by reading
//! the records after the checkpoint, each of which tells its stream's whole head.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::EntryRef;

use crate::record::Position;

/// So many heads from the store are kept however small the bound is: two appenders must not push
/// each other's heads out for ever.
const ADOPTED_MIN: usize = 1_024;

/// Where a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Head {
    /// How many events it has.
    pub(crate) version: u64,
    /// Its last append.
    pub(crate) last: Position,
    /// Whether it has work left to do.
    pub(crate) open: bool,
}

#[derive(Debug, Default)]
struct Slot {
    head: Head,
    dirty: bool,
}

/// The heads in memory: all that were touched lately, and those that the store does not hold yet.
#[derive(Debug)]
pub(crate) struct Heads {
    recent: HashMap<Arc<str>, Slot>,
    /// Not touched since the generations last changed. What is found here moves to `recent`.
    older: HashMap<Arc<str>, Slot>,
    /// Each stream whose stored head is behind, under the place of one of its appends.
    dirty: BTreeMap<Position, Arc<str>>,
    /// Every touch before this was made before the generations last changed.
    generation_from: Position,
    in_memory_max: usize,
    /// Whether every stream that exists is in memory, so that a miss means a new one.
    complete: bool,
    /// Grows when heads leave memory: what was read from the store before may be out of date.
    evictions: u64,
}

/// What the next commit writes of the heads.
#[derive(Debug, Default)]
pub(crate) struct HeadsToWrite {
    pub(crate) rows: Vec<(Arc<str>, Head)>,
    /// After the commit the stored heads are right up to here.
    pub(crate) checkpoint: Position,
}

/// Where a stream's head is to be had.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// In memory; a new stream's is made on the spot.
    Here(Place<'a>),
    /// Only the store can tell. The number is for [`Heads::adopt`].
    InStore(u64),
}

/// A head in memory.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    slot: &'a mut Slot,
    dirty: &'a mut BTreeMap<Position, Arc<str>>,
}

impl Place<'_> {
    pub(crate) fn head(&self) -> Head {
        self.slot.head
    }

    /// Moves the stream on. The first touch since its head was written puts it down to be written.
    pub(crate) fn touch(self, stream: &Arc<str>, head: Head) {
        self.slot.head = head;
        if !self.slot.dirty {
            self.slot.dirty = true;
            self.dirty.insert(head.last, stream.clone());
        }
    }
}

impl Heads {
    /// No heads. `complete` where the store holds none either.
    pub(crate) fn new(in_memory_max: usize, complete: bool) -> Self {
        Self {
            recent: HashMap::new(),
            older: HashMap::new(),
            dirty: BTreeMap::new(),
            generation_from: Position::START,
            in_memory_max,
            complete,
            evictions: 0,
        }
    }

    /// The stream's head.
    pub(crate) fn find(&mut self, stream: &Arc<str>) -> Found<'_> {
        let dirty = &mut self.dirty;
        let slot = match self.recent.entry_ref(stream) {
            EntryRef::Occupied(entry) => entry.into_mut(),
            EntryRef::Vacant(entry) => match self.older.remove(stream) {
                Some(slot) => entry.insert(slot),
                None if self.complete => entry.insert(Slot::default()),
                None => return Found::InStore(self.evictions),
            },
        };
        Found::Here(Place { slot, dirty })
    }

    /// The stream's head, or the number to ask the store under. What is only looked up is not kept:
    /// heads leave memory with commits, and look-ups alone would make it grow without end.
    pub(crate) fn peek(&self, stream: &str) -> Result<Head, u64> {
        let slot = self.recent.get(stream).or_else(|| self.older.get(stream));
        match slot {
            Some(slot) => Ok(slot.head),
            None if self.complete => Ok(Head::default()),
            None => Err(self.evictions),
        }
    }

    /// Lets go of a stream that was made in memory for an append that was refused.
    pub(crate) fn let_go_of_new(&mut self, stream: &str) {
        let slot = self.recent.get(stream);
        if slot.is_some_and(|slot| !slot.dirty && slot.head == Head::default()) {
            self.recent.remove(stream);
        }
    }

    /// Every head in memory.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, Head)> {
        let slots = self.recent.iter().chain(&self.older);
        slots.map(|(stream, slot)| (stream, slot.head))
    }

    /// Takes in a head as the store has it, `None` where it has none. `asked` is what
    /// [`find`](Self::find) gave: where heads left memory since then, the stored head may be older
    /// than the one that left, and the caller must ask again.
    pub(crate) fn adopt(&mut self, stream: &Arc<str>, stored: Option<Head>, asked: u64) {
        if asked == self.evictions {
            self.recent.entry_ref(stream).or_insert_with(|| Slot {
                head: stored.unwrap_or_default(),
                dirty: false,
            });
        }
    }

    /// Puts a stream back to where it stood before what is lost. One that did not exist stays known
    /// as that: the store may show it.
    pub(crate) fn roll_back(&mut self, stream: &str, head: Head) {
        match self.older.get_mut(stream) {
            Some(slot) => slot.head = head,
            None => self.recent.entry(stream.into()).or_default().head = head,
        }
    }

    /// What was read from the store before may be out of date, as if heads had left memory.
    pub(crate) fn evictions_go_on(&mut self) {
        self.evictions += 1;
    }

    /// Goes on after `before`, so that no number that was asked under then is taken for one of now.
    pub(crate) fn evictions_follow(&mut self, before: &Self) {
        self.evictions = before.evictions + 1;
    }

    /// Moves a stream on to what one of its records tells, whatever was known of it before.
    pub(crate) fn restore(&mut self, stream: &Arc<str>, head: Head) {
        let slot = self.recent.entry_ref(stream).or_default();
        let dirty = &mut self.dirty;
        Place { slot, dirty }.touch(stream, head);
    }

    /// Up to `rows_max` heads to write with a commit, so that the stored ones become right up to
    /// `target`. `committed_touch` gives the last append of a stream that the commit makes durable,
    /// where the stream's last append of all stands at the given place.
    pub(crate) fn take_due(
        &mut self,
        target: Position,
        rows_max: usize,
        committed_touch: impl Fn(Position) -> Position,
    ) -> HeadsToWrite {
        let mut rows = Vec::new();
        let mut checkpoint = target;
        // What is put back stands beyond the target, or ends the loop.
        while let Some(entry) = self.dirty.first_entry() {
            let at = *entry.key();
            if at > target {
                break;
            }
            if rows.len() >= rows_max {
                checkpoint = Position::new(at.get() - 1);
                break;
            }
            let stream = entry.remove();
            // A dirty head never leaves memory (see `change_generations`), but it may be older.
            let slot = match self.recent.get_mut(&stream) {
                Some(slot) => Some(slot),
                None => self.older.get_mut(&stream),
            };
            let Some(slot) = slot else { continue };
            if slot.head.last <= target {
                slot.dirty = false;
                rows.push((stream, slot.head));
                continue;
            }
            let touched = committed_touch(slot.head.last);
            if touched > target {
                // Whoever reads the records after the checkpoint learns its head there.
                self.dirty.insert(touched, stream);
            } else {
                // Its next append is not durable yet, so its head must not be written and its last
                // one must not fall before the checkpoint. One of the next commits mends that.
                self.dirty.insert(at, stream);
                checkpoint = Position::new(at.get() - 1);
                break;
            }
        }
        HeadsToWrite { rows, checkpoint }
    }

    /// As [`change_generations`](Self::change_generations), where heads came from the store and no
    /// commit follows: appends that are refused must not fill memory either.
    pub(crate) fn relieve(&mut self, next: Position) -> Option<impl Sized + use<>> {
        let crowded = self.recent.len() > self.in_memory_max.max(ADOPTED_MIN);
        crowded.then(|| self.change_generations(next)).flatten()
    }

    /// Where too many heads are in memory, lets go of those that were not touched for long, all at
    /// once. They are given back so that they can be dropped where nobody waits for it.
    pub(crate) fn change_generations(&mut self, next: Position) -> Option<impl Sized + use<>> {
        let oldest_dirty = self.dirty.first_key_value().map_or(next, |(at, _)| *at);
        // A dirty head that was not touched since the last change may still be among the older.
        if self.recent.len() < self.in_memory_max / 2 || oldest_dirty < self.generation_from {
            return None;
        }
        let recent = std::mem::take(&mut self.recent);
        let gone = std::mem::replace(&mut self.older, recent);
        self.generation_from = next;
        self.complete &= gone.is_empty();
        self.evictions += 1;
        Some(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(last: u64) -> Head {
        Head {
            version: last,
            last: Position::new(last),
            open: false,
        }
    }

    fn touch(heads: &mut Heads, stream: &Arc<str>, head: Head) {
        match heads.find(stream) {
            Found::Here(place) => place.touch(stream, head),
            Found::InStore(_) => panic!("{stream} is not in memory"),
        }
    }

    /// Where the stream stands, or the number to ask the store under.
    fn known(heads: &mut Heads, stream: &Arc<str>) -> Result<Head, u64> {
        match heads.find(stream) {
            Found::Here(place) => Ok(place.head()),
            Found::InStore(asked) => Err(asked),
        }
    }

    fn written(heads: &mut Heads, target: u64) -> (Vec<(String, u64)>, u64) {
        let written = heads.take_due(Position::new(target), 100, |last| last);
        let rows = written.rows.iter();
        let rows = rows.map(|(stream, head)| (stream.to_string(), head.last.get()));
        (rows.collect(), written.checkpoint.get())
    }

    #[test]
    fn a_stream_is_written_once_it_rests_before_the_checkpoint() {
        let mut heads = Heads::new(100, true);
        let (hot, cold): (Arc<str>, Arc<str>) = ("hot".into(), "cold".into());
        touch(&mut heads, &hot, head(1));
        touch(&mut heads, &cold, head(2));
        touch(&mut heads, &hot, head(3));
        // `hot` stands after the checkpoint, where the records tell its head.
        assert_eq!(written(&mut heads, 2), (vec![("cold".into(), 2)], 2));
        assert_eq!(written(&mut heads, 2), (vec![], 2));
        assert_eq!(written(&mut heads, 5), (vec![("hot".into(), 3)], 5));
    }

    /// Catches: a stream that is left out because of an append that a crash takes back.
    #[test]
    fn an_append_that_may_be_lost_holds_the_checkpoint_back() {
        let mut heads = Heads::new(100, true);
        let stream: Arc<str> = "s".into();
        touch(&mut heads, &stream, head(1));
        touch(&mut heads, &stream, head(3));
        // A commit up to 2: of the stream's appends only the first is durable after it.
        let held = heads.take_due(Position::new(1), 100, |_| Position::new(1));
        assert_eq!((held.rows.len(), held.checkpoint), (0, Position::START));
        // A commit up to 3, while the stream's next append waits already.
        touch(&mut heads, &stream, head(4));
        let freed = heads.take_due(Position::new(2), 100, |_| Position::new(3));
        assert_eq!((freed.rows.len(), freed.checkpoint), (0, Position::new(2)));
    }

    /// Catches: a checkpoint that promises heads which the bound kept from being written.
    #[test]
    fn the_checkpoint_stays_behind_what_is_not_written_yet() {
        let mut heads = Heads::new(100, true);
        for at in 1..=10 {
            touch(&mut heads, &format!("s{at}").into(), head(at));
        }
        let first = heads.take_due(Position::new(10), 4, |last| last);
        assert_eq!((first.rows.len(), first.checkpoint), (4, Position::new(4)));
        let rest = heads.take_due(Position::new(10), 100, |last| last);
        assert_eq!((rest.rows.len(), rest.checkpoint), (6, Position::new(10)));
    }

    /// Catches: look-ups, and appends that are refused, that fill memory without end.
    #[test]
    fn what_is_only_looked_up_is_not_kept() {
        let mut heads = Heads::new(0, true);
        for n in 0..10_000 {
            let stream: Arc<str> = format!("s{n}").into();
            assert_eq!(heads.peek(&stream), Ok(Head::default()));
            assert_eq!(known(&mut heads, &stream), Ok(Head::default()));
            heads.let_go_of_new(&stream);
        }
        assert_eq!(heads.iter().count(), 0);

        let mut heads = Heads::new(0, false);
        for n in 0..10_000 {
            let stream: Arc<str> = format!("s{n}").into();
            let asked = heads.peek(&stream).expect_err("the store has it");
            heads.adopt(&stream, Some(head(1)), asked);
            let _ = heads.relieve(Position::new(9));
        }
        let kept = heads.iter().count();
        assert!(kept <= 2 * (ADOPTED_MIN + 1), "{kept}");
    }

    /// Catches: a head that was read before the disk failed, and is believed after it is back.
    #[test]
    fn what_was_asked_before_the_disk_failed_is_asked_again() {
        let stream: Arc<str> = "s".into();
        let before = Heads::new(100, false);
        let asked = before.peek(&stream).expect_err("the store has it");
        let mut after = Heads::new(100, false);
        after.evictions_follow(&before);
        after.adopt(&stream, Some(head(7)), asked);
        assert!(after.peek(&stream).is_err(), "it must be asked for again");
    }

    /// Catches: a dirty head that leaves memory, and a stale one that comes back from the store.
    #[test]
    fn only_written_heads_leave_memory() {
        let mut heads = Heads::new(4, true);
        let streams: Vec<Arc<str>> = (1..=6).map(|n| format!("s{n}").into()).collect();
        for (at, stream) in (1..).zip(&streams[..3]) {
            touch(&mut heads, stream, head(at));
        }
        assert!(heads.change_generations(Position::new(4)).is_some());
        for (at, stream) in (4..).zip(&streams[3..]) {
            touch(&mut heads, stream, head(at));
        }
        // s1 to s3 are older and dirty: nothing may leave.
        assert!(heads.change_generations(Position::new(7)).is_none());
        assert_eq!(known(&mut heads, &streams[0]), Ok(head(1)));
        let _ = written(&mut heads, 3);
        assert!(heads.change_generations(Position::new(7)).is_some());
        let asked = known(&mut heads, &streams[1]).expect_err("s2 left memory");
        heads.adopt(&streams[1], Some(head(2)), asked);
        assert_eq!(known(&mut heads, &streams[1]), Ok(head(2)));

        let asked = known(&mut heads, &streams[2]).expect_err("s3 left memory");
        let _ = written(&mut heads, 7);
        for (at, stream) in (8..).zip(&streams[4..]) {
            touch(&mut heads, stream, head(at));
        }
        let _ = written(&mut heads, 9);
        assert!(heads.change_generations(Position::new(10)).is_some());
        heads.adopt(&streams[2], Some(head(3)), asked);
        let again = known(&mut heads, &streams[2]);
        assert!(again.is_err(), "it must be asked for again");
    }
}
