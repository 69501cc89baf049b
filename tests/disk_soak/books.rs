//! What the journal holds in the end, against what the outside saw.

use std::collections::{BTreeMap, BTreeSet};

use mercato::persistence::{Journal, Position, Recorded, codec};
use mercato::{CommandId, Event};

use crate::disk_soak::witness::{Seen, Witness};
use crate::disk_soak::work::KEYS;
use crate::support::CounterEvent;

/// What the log adds up to.
#[derive(Default)]
struct Books {
    counters: BTreeMap<String, i64>,
    /// The reply to each command.
    replies: BTreeMap<CommandId, i64>,
}

pub(crate) fn check(journal: &dyn Journal, witness: &Witness) {
    let mut books = Books::default();
    let mut at = Position::START;
    loop {
        let records = journal.read(at, 1_000).expect("it can be read");
        let Some(last) = records.last() else { break };
        at = last.position;
        for recorded in &records {
            books.enter(recorded);
        }
    }
    witness.with(|seen| books.hold_against(seen));
}

impl Books {
    fn of(&self, counter: &str) -> i64 {
        self.counters.get(counter).copied().unwrap_or_default()
    }

    fn enter(&mut self, recorded: &Recorded) {
        let append = &recorded.append;
        if let Some(first) = &append.command {
            let id = CommandId::from_uuid(first.command);
            let reply = codec::decode(&first.reply).expect("a reply of a counter");
            let before = self.replies.insert(id, reply);
            assert_eq!(before, None, "command {id} is recorded twice");
        }
        let Some(counter) = append.stream.strip_prefix("counters/") else {
            return;
        };
        for event in &append.events {
            let event = CounterEvent::decode(&event.name, event.version, &event.payload);
            let CounterEvent::Added(added) = event.expect("an event of a counter");
            if let Some(key) = counter.strip_prefix("copy-") {
                let copied = self.of(&format!("src-{key}"));
                assert!(
                    added.amount <= copied,
                    "at {} a copy of {} is made of src-{key}, which stood at {copied}: it follows \
                     from what never was",
                    recorded.position,
                    added.amount
                );
            }
            *self.counters.entry(counter.to_owned()).or_default() += added.amount;
        }
    }

    fn hold_against(&self, seen: &Seen) {
        let mut acknowledged = BTreeMap::<&str, i64>::new();
        for (id, (counter, reply)) in &seen.acknowledged {
            let found = self.replies.get(id);
            assert_eq!(found, Some(reply), "what {counter} acknowledged as {id}");
            *acknowledged.entry(counter).or_default() += 1;
        }
        let mut tours = BTreeMap::<&str, i64>::new();
        let mut tickets = BTreeSet::new();
        for (id, ticket) in &seen.flows {
            let stamp = seen.stamps.get(&format!("tour/{id}/stamp"));
            let (counter, stamped) = stamp.expect("each tour is stamped");
            assert_eq!(stamped, ticket, "the ticket of tour {id}");
            assert!(tickets.insert(stamp), "{stamp:?} was given to two tours");
            *tours.entry(counter).or_default() += 1;
        }
        assert_eq!(
            seen.stamps.len(),
            seen.flows.len(),
            "a stamp is of a tour that ended"
        );
        for key in 0..KEYS {
            for (cause, effect) in [("src", "echo"), ("seed", "harvest")] {
                let cause = format!("{cause}-{key}");
                let asked = acknowledged.get(&*cause).copied().unwrap_or_default();
                assert_eq!(self.of(&cause), asked, "{cause} counts each command once");
                let effect = format!("{effect}-{key}");
                assert_eq!(self.of(&effect), asked, "{effect} follows {cause}");
            }
            let take = format!("take-{key}");
            let toured = tours.get(&*take).copied().unwrap_or_default();
            assert_eq!(self.of(&take), toured, "{take}");
            assert_eq!(self.of(&format!("give-{key}")), toured, "give-{key}");
        }
        // A shop that is never open would keep all of this.
        let sum = |counts: &BTreeMap<&str, i64>| counts.values().sum::<i64>();
        assert!(sum(&acknowledged) > 30, "only {acknowledged:?}");
        assert!(sum(&tours) > 5, "only {tours:?}");
    }
}
