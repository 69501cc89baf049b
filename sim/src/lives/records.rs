//! What a journal holds, as one hash to a record.

use mercato_actors::runtime::persistence::{Journal, Position, ReadError, Recorded};
use xxhash_rust::xxh3::Xxh3;

/// How many records are read at a time.
const CHUNK: usize = 4_096;

/// The hashes of all durable records, in their order.
pub(super) fn record_hashes(journal: &dyn Journal) -> Result<Vec<u64>, ReadError> {
    let mut hashes = Vec::new();
    let mut at = Position::START;
    loop {
        let records = journal.read(at, CHUNK)?;
        let Some(last) = records.last() else {
            return Ok(hashes);
        };
        at = last.position;
        hashes.extend(records.iter().map(|recorded| record_hash(recorded)));
    }
}

/// Of everything that a record says.
fn record_hash(recorded: &Recorded) -> u64 {
    let mut hash = Xxh3::new();
    let append = &recorded.append;
    hash.update(&recorded.position.get().to_le_bytes());
    hash.update(append.stream.as_bytes());
    hash.update(&append.expected_version.to_le_bytes());
    hash.update(&append.recorded_at_ms.to_le_bytes());
    if let Some(command) = &append.command {
        hash.update(command.command.as_bytes());
        hash.update(&command.body_hash.to_le_bytes());
        hash.update(&command.reply);
    }
    for event in &append.events {
        hash.update(event.name.as_bytes());
        hash.update(&event.version.to_le_bytes());
        hash.update(&event.payload);
    }
    let others = (&append.mark, &append.timers, &append.trace);
    hash.update(format!("{others:?}").as_bytes());
    hash.digest()
}

#[cfg(test)]
mod tests {
    use mercato_actors::runtime::persistence::{Append, EventData};

    use super::*;

    /// Catches: a part of a record that may be damaged unseen.
    #[test]
    fn a_record_that_says_something_else_has_another_hash() {
        let recorded = |change: fn(&mut Append)| {
            let mut append = Append::to("order/o1", 3, 77);
            append.events.push(EventData {
                name: "OrderPlaced".into(),
                version: 1,
                payload: vec![1, 2, 3],
            });
            change(&mut append);
            record_hash(&Recorded {
                position: Position::START,
                version_before: 3,
                append,
            })
        };
        let sound = recorded(|_| {});
        assert_eq!(sound, recorded(|_| {}));
        let damaged: [fn(&mut Append); 5] = [
            |append| append.stream = "order/o2".into(),
            |append| append.recorded_at_ms = 78,
            |append| append.events[0].payload[1] = 3,
            |append| append.events[0].version = 2,
            |append| append.events.clear(),
        ];
        for (nth, damage) in damaged.into_iter().enumerate() {
            assert!(recorded(damage) != sound, "the {nth}th");
        }
    }
}
