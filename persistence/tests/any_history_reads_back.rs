//! Whatever is appended, and however often the process ends, what is read back is what was
//! appended: all of it after a good end, a prefix with everything acknowledged after a crash.

use std::sync::Arc;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::common::{Disk, boot, commanded, first_reply, incarnation, log, version};
use mercato_persistence::{
    Append, Journal, JournalOptions, Mark, Position, RedbJournal, TimerChange,
};
use proptest::prelude::*;
use uuid::Uuid;

const STREAMS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

#[derive(Debug, Clone)]
enum Act {
    Append {
        stream: &'static str,
        /// How far the writer's idea of the version is off.
        stale: u64,
        events: usize,
        command: Option<u8>,
        mark: Option<Mark>,
        /// Sets the timer of this number, or clears it.
        timer: Option<(u8, bool)>,
    },
    /// Lets the disk work for so many milliseconds.
    Pass(u64),
    /// Waits until everything is durable.
    Settle,
    /// Ends the process, after closing the journal or in the middle of everything.
    End { closed: bool },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let mark = prop::option::of(prop_oneof![Just(Mark::Open), Just(Mark::Closed)]);
    let command = prop::option::of(0..20u8);
    let stream = prop::sample::select(&STREAMS);
    let stale = prop_oneof![9 => Just(0), 1 => 1..3u64];
    let timer = prop::option::weighted(0.3, (0..3u8, any::<bool>()));
    let append = (stream, stale, 0..3usize, command, mark, timer).prop_map(
        |(stream, stale, events, command, mark, timer)| Act::Append {
            stream,
            stale,
            events,
            command,
            mark,
            timer,
        },
    );
    let act = prop_oneof![
        10 => append,
        2 => (0..10u64).prop_map(Act::Pass),
        2 => Just(Act::Settle),
        1 => any::<bool>().prop_map(|closed| Act::End { closed }),
    ];
    prop::collection::vec(act, 1..60)
}

fn timer_change((number, set): (u8, bool)) -> TimerChange {
    let name = number.to_string().into();
    if set {
        TimerChange::Set {
            name,
            due_at_ms: number.into(),
            payload: vec![number],
        }
    } else {
        TimerChange::Clear { name }
    }
}

/// The log as a plain list.
#[derive(Debug, Default)]
struct Model {
    log: Vec<Append>,
    acknowledged: usize,
}

impl Model {
    fn version(&self, stream: &str) -> u64 {
        let own = self.log.iter().filter(|append| &*append.stream == stream);
        own.map(|append| append.events.len() as u64).sum()
    }

    fn knows(&self, command: Uuid) -> bool {
        let mut commands = self.log.iter().filter_map(|append| append.command.as_ref());
        commands.any(|reply| reply.command == command)
    }

    fn open_streams(&self) -> Vec<Arc<str>> {
        let mut open = BTreeSet::new();
        for append in &self.log {
            match append.mark {
                Some(Mark::Open) => drop(open.insert(append.stream.clone())),
                Some(Mark::Closed) => drop(open.remove(&append.stream)),
                None => {}
            }
        }
        open.into_iter().collect()
    }

    /// The timers that are set, as streams and names.
    fn timers(&self) -> BTreeSet<(Arc<str>, Box<str>)> {
        let mut set = BTreeSet::new();
        for append in &self.log {
            for change in &append.timers {
                match change {
                    TimerChange::Set { name, .. } => {
                        set.insert((append.stream.clone(), name.clone()))
                    }
                    TimerChange::Clear { name } => {
                        set.remove(&(append.stream.clone(), name.clone()))
                    }
                };
            }
        }
        set
    }

    fn append(&mut self, journal: &RedbJournal, act: &Act, nth: usize) {
        let Act::Append {
            stream,
            stale,
            events,
            command,
            mark,
            timer,
        } = act
        else {
            return;
        };
        let version = self.version(stream);
        let mut append = commanded(stream, version + stale, u128::from(command.unwrap_or(0)));
        append.recorded_at_ms = nth as u64;
        append.events = vec![append.events[0].clone(); *events];
        append.command = append.command.filter(|_| command.is_some());
        append.mark = *mark;
        append.timers = timer.map(timer_change).into_iter().collect();
        let repeated = append
            .command
            .as_ref()
            .is_some_and(|reply| self.knows(reply.command));
        let appended = journal.append(append.clone());
        if *stale > 0 || repeated {
            appended.expect_err("it must be refused");
            return;
        }
        self.log.push(append);
        let appended = appended.expect("a good append");
        assert_eq!(appended.position.get(), self.log.len() as u64);
        assert_eq!(appended.version, self.version(stream));
    }

    /// Sees the journal, just opened, hold a prefix of the model with everything acknowledged,
    /// and forgets the rest.
    fn check(&mut self, journal: &RedbJournal) {
        let found: Vec<_> = log(journal)
            .into_iter()
            .map(|recorded| recorded.append.clone())
            .collect();
        assert!(
            found.len() >= self.acknowledged,
            "acknowledged appends are gone"
        );
        assert_eq!(found, self.log[..found.len()]);
        self.log = found;
        self.acknowledged = self.log.len();
        assert_eq!(journal.open_streams(""), self.open_streams());
        let timers = journal.timers_due(u64::MAX, usize::MAX).into_iter();
        let timers: BTreeSet<_> = timers.map(|timer| (timer.stream, timer.name)).collect();
        assert_eq!(timers, self.timers());
        self.check_streams(journal);
    }

    /// Sees the journal know each stream and each reply, whether they wait, were written a short time
    /// ago, or are found on the disk.
    fn check_streams(&self, journal: &RedbJournal) {
        let mut streams: BTreeMap<&str, Vec<&Append>> = BTreeMap::new();
        for append in &self.log {
            streams.entry(&append.stream).or_default().push(append);
            if let Some(reply) = &append.command {
                assert_eq!(first_reply(journal, reply.command).as_ref(), Some(reply));
            }
        }
        for stream in STREAMS {
            assert_eq!(version(journal, stream), self.version(stream));
            let appended = streams.remove(stream).unwrap_or_default();
            let read = journal.read_stream(stream, 0).expect("a sound journal");
            let read: Vec<_> = read.iter().map(|recorded| &recorded.append).collect();
            assert_eq!(read, appended);
        }
    }

    async fn settle(&mut self, journal: &RedbJournal) {
        let last = Position::new(self.log.len() as u64);
        self.check_streams(journal);
        journal.until_durable(last).await.expect("a good disk");
        self.acknowledged = self.log.len();
        self.check_streams(journal);
    }
}

/// Lives from the `next`-th act to the end of one process, and gives the disk as it is then.
fn live_once(
    disk: Disk,
    limits: &JournalOptions,
    acts: &[Act],
    next: &mut usize,
    model: &mut Model,
) -> Disk {
    incarnation(async {
        let journal = boot(disk.clone(), limits.clone());
        model.check(&journal);
        while let Some(act) = acts.get(*next) {
            *next += 1;
            match act {
                Act::Append { .. } => model.append(&journal, act, *next),
                Act::Pass(ms) => tokio::time::sleep(Duration::from_millis(*ms)).await,
                Act::Settle => model.settle(&journal).await,
                Act::End { closed: true } => {
                    journal.close().await.expect("a good disk");
                    model.acknowledged = model.log.len();
                    return disk;
                }
                Act::End { closed: false } => return disk.after_power_cut(),
            }
        }
        disk.after_power_cut()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Catches: an index that is written too late, too early, or read from the wrong place; small
    /// limits make a few records do what millions do to the defaults.
    #[test]
    fn what_is_read_back_is_what_was_appended(
        acts in acts(),
        tail_records_max in 0..8u64,
        streams_in_memory_max in prop_oneof![Just(2), Just(5), Just(1_000)],
        group_bytes_max in prop_oneof![Just(1), Just(400), Just(1 << 20)],
    ) {
        let limits = JournalOptions {
            tail_records_max,
            streams_in_memory_max,
            group_bytes_max,
            ..JournalOptions::default()
        };
        let (mut disk, mut next, mut model) = (Disk::default(), 0, Model::default());
        while next < acts.len() {
            disk = live_once(disk, &limits, &acts, &mut next, &mut model);
        }
        incarnation(async { model.check(&boot(disk, JournalOptions::default())) });
    }
}
