//! What the outside saw, over all lives.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mercato_actors::runtime::Timestamp;
use xxhash_rust::xxh3::Xxh3;

use super::fault::FaultKind;
use super::power::Power;
use super::scene::Law;
use super::tally::Tally;
use crate::law::Verdict;

/// The longest text of an answer in the timeline.
const ANSWER_CHARS_MAX: usize = 160;

/// The outside's memory. No part of the shop reads or writes it. Clones are the same.
#[derive(Clone)]
pub struct Witness(Arc<Mutex<Memory>>);

struct Memory {
    life: u32,
    /// What the clock read when each of them began.
    began: Vec<Timestamp>,
    hash: Xxh3,
    lines: VecDeque<String>,
    lines_max: usize,
    answers: BTreeMap<Box<str>, Box<dyn Any + Send>>,
    /// Requests that were made and have no answer.
    open: BTreeSet<Box<str>>,
    laws: Vec<Box<dyn Law>>,
    verdicts: BTreeMap<&'static str, Verdict>,
    broken: bool,
    /// Stops the world where a law is broken.
    power: Power,
    tally: Tally,
}

/// Something that the outside saw.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Seen<'a> {
    /// When, counted from the beginning of the world.
    pub at: Duration,
    /// In which life, counted from 1.
    pub life: u32,
    /// What.
    pub what: What<'a>,
}

/// What the outside can see.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum What<'a> {
    /// The shop opened, over so many records.
    Opened(u64),
    /// The power went.
    Cut(&'a str),
    /// Somebody asked for something.
    Asked(&'a str),
    /// It was answered.
    Answered(&'a str, &'a dyn fmt::Debug),
    /// It was not served, and will be asked for again.
    Unserved(&'a str, &'a str),
    /// Somebody outside did something.
    Did(&'a str, &'a str),
    /// Something went wrong on purpose.
    Fault(FaultKind, &'a str),
    /// What went wrong on purpose is over.
    Mended(&'a str),
    /// Everybody has what they wanted, and every flow has ended.
    Settled,
}

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened(records) => write!(f, "OPEN    over {records} records"),
            Self::Cut(why) => write!(f, "CUT     {why}"),
            Self::Asked(key) => write!(f, "ask     {key}"),
            Self::Answered(key, answer) => write!(f, "answer  {key}: {}", Short(*answer)),
            Self::Unserved(key, why) => write!(f, "nothing {key}: {why}"),
            Self::Did(who, what) => write!(f, "{who:<7} {what}"),
            Self::Fault(_, what) => write!(f, "FAULT   {what}"),
            Self::Mended(what) => write!(f, "MENDED  {what}"),
            Self::Settled => f.write_str("SETTLED"),
        }
    }
}

/// The first characters of a debug form.
struct Short<'a>(&'a dyn fmt::Debug);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Limited<'a, 'b>(&'a mut fmt::Formatter<'b>, usize);
        impl fmt::Write for Limited<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                for c in text.chars() {
                    if self.1 == 0 {
                        self.0.write_str("...")?;
                        return Err(fmt::Error);
                    }
                    self.1 -= 1;
                    self.0.write_char(c)?;
                }
                Ok(())
            }
        }
        // The error only says that it is long enough.
        let _ = fmt::Write::write_fmt(
            &mut Limited(f, ANSWER_CHARS_MAX),
            format_args!("{:?}", self.0),
        );
        Ok(())
    }
}

impl Witness {
    pub(super) fn new(laws: Vec<Box<dyn Law>>, lines_max: usize) -> Self {
        Self(Arc::new(Mutex::new(Memory {
            life: 0,
            began: Vec::new(),
            hash: Xxh3::new(),
            lines: VecDeque::new(),
            lines_max,
            answers: BTreeMap::new(),
            open: BTreeSet::new(),
            laws,
            verdicts: BTreeMap::new(),
            broken: false,
            power: Power::default(),
            tally: Tally::default(),
        })))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin_life(&self, power: &Power, now: Timestamp) -> u32 {
        let mut memory = self.memory();
        memory.life += 1;
        memory.began.push(now);
        memory.tally.lives += 1;
        memory.power = power.clone();
        memory.life
    }

    /// Notes what was seen, and shows it to every law.
    pub fn see(&self, at: Duration, what: What<'_>) {
        let mut memory = self.memory();
        let memory = &mut *memory;
        let line = format!("{:>10.3}s life {} {what}", at.as_secs_f64(), memory.life);
        memory.hash.update(line.as_bytes());
        if memory.lines_max > 0 {
            if memory.lines.len() == memory.lines_max {
                memory.lines.pop_front();
            }
            memory.lines.push_back(line);
        }
        match what {
            What::Asked(_) => memory.tally.asked += 1,
            What::Answered(..) => memory.tally.answered += 1,
            What::Unserved(..) => memory.tally.unserved += 1,
            What::Cut(_) => memory.tally.cuts += 1,
            _ => {}
        }
        let seen = Seen {
            at,
            life: memory.life,
            what,
        };
        for law in &mut memory.laws {
            if let Err(case) = law.see(&seen) {
                let name = law.name();
                let verdict = memory.verdicts.entry(name);
                let verdict = verdict.or_insert_with(|| Verdict::new(name));
                verdict.check(false, || case);
                memory.broken = true;
            }
        }
        if memory.broken {
            memory.power.cut("a law was broken");
        }
    }

    /// The earliest that the clock read since a moment in this life, by what it read then: it may have
    /// been set back for a later one.
    pub(crate) fn earliest_since(&self, life: u32, at: Timestamp) -> Timestamp {
        let memory = self.memory();
        let later = memory.began.iter().skip(life as usize).copied();
        later.fold(at, Timestamp::min)
    }

    /// Counts a fault that took effect.
    pub(crate) fn struck(&self, kind: FaultKind) {
        self.memory().tally.strikes.count(kind);
    }

    /// Holds a law against one case. Where it is broken the world ends.
    pub fn must<T: fmt::Display>(&self, law: &'static str, held: bool, case: impl FnOnce() -> T) {
        let mut memory = self.memory();
        let verdict = memory.verdicts.entry(law);
        let verdict = verdict.or_insert_with(|| Verdict::new(law));
        verdict.check(held, case);
        if !held {
            memory.broken = true;
            memory.power.cut("a law was broken");
        }
    }

    /// What was answered to a request.
    pub(super) fn answer<T: Clone + 'static>(&self, key: &str) -> Option<T> {
        let memory = self.memory();
        memory.answers.get(key)?.downcast_ref().cloned()
    }

    pub(super) fn ask(&self, at: Duration, key: &str) {
        self.see(at, What::Asked(key));
        self.memory().open.insert(key.into());
    }

    pub(super) fn remember<T: fmt::Debug + Send + 'static>(
        &self,
        at: Duration,
        key: &str,
        answer: T,
    ) {
        self.see(at, What::Answered(key, &answer));
        let mut memory = self.memory();
        memory.open.remove(key);
        memory.answers.insert(key.into(), Box::new(answer));
    }

    pub(super) fn note<T: Send + 'static>(&self, key: &str, value: T) {
        self.memory().answers.insert(key.into(), Box::new(value));
    }

    /// Requests that were made and have no answer.
    pub(super) fn open(&self) -> Vec<Box<str>> {
        self.memory().open.iter().cloned().collect()
    }

    pub(super) fn is_broken(&self) -> bool {
        self.memory().broken
    }

    pub(super) fn take_laws(&self) -> Vec<Box<dyn Law>> {
        std::mem::take(&mut self.memory().laws)
    }

    pub(super) fn verdicts(&self) -> Vec<Verdict> {
        self.memory().verdicts.values().cloned().collect()
    }

    pub(super) fn hash(&self) -> u64 {
        self.memory().hash.digest()
    }

    pub(super) fn tally(&self) -> Tally {
        self.memory().tally
    }

    pub(super) fn timeline(&self) -> Vec<String> {
        self.memory().lines.iter().cloned().collect()
    }
}

impl fmt::Debug for Witness {
    // Never what was said to it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a moment of before the clock was set back that is held against one of after it.
    #[test]
    fn the_earliest_reading_since_a_moment_is_that_of_a_later_life_where_the_clock_was_set_back() {
        let at = Timestamp::from_millis;
        let witness = Witness::new(Vec::new(), 0);
        for began in [100, 50, 900] {
            witness.begin_life(&Power::default(), at(began));
        }
        let earliest = |life, moment| witness.earliest_since(life, at(moment));
        assert_eq!(earliest(1, 800), at(50));
        assert_eq!((earliest(1, 40), earliest(2, 800)), (at(40), at(800)));
        assert_eq!(earliest(3, 950), at(950));
    }
}
