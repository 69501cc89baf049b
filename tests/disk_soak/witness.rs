//! What the outside saw: who was told what, and what ports were asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use mercato::CommandId;

/// Outlives everything that the runtime forgets. What it is told of, the runtime let out.
#[derive(Clone, Default)]
pub(crate) struct Witness(Arc<Mutex<Seen>>);

#[derive(Default)]
pub(crate) struct Seen {
    /// The reply to each command that was acknowledged, and the counter that it went to.
    pub(crate) acknowledged: BTreeMap<CommandId, (String, i64)>,
    /// The result of each flow that was acknowledged.
    pub(crate) flows: BTreeMap<String, i64>,
    /// The ticket that the port was given under each key.
    pub(crate) stamps: BTreeMap<String, (String, i64)>,
    /// The most that anybody was told of each counter. None of them ever falls.
    most: BTreeMap<String, i64>,
}

impl Witness {
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.0.lock().expect("no panic under it"))
    }

    /// The most that anybody was told of a counter so far.
    pub(crate) fn most(&self, counter: &str) -> i64 {
        self.with(|seen| seen.most.get(counter).copied().unwrap_or_default())
    }

    /// Somebody who asked when `before` was known is told that the counter stands at `value`.
    pub(crate) fn told(&self, counter: &str, value: i64, before: i64) {
        assert!(
            value >= before,
            "{counter} stands at {value}, and it was told before that it stood at {before}"
        );
        self.with(|seen| {
            let most = seen.most.entry(counter.to_owned()).or_default();
            *most = (*most).max(value);
        });
    }

    pub(crate) fn acknowledged(&self, id: CommandId, counter: &str, reply: i64) {
        self.with(|seen| seen.acknowledged.insert(id, (counter.to_owned(), reply)));
    }

    /// The port is asked to stamp a ticket. Asked again under the same key it is the same ticket, or
    /// what it was asked for before was lost after it had left.
    pub(crate) fn stamped(&self, key: &str, counter: &str, ticket: i64) {
        let stamp = (counter.to_owned(), ticket);
        let before = self.with(|seen| seen.stamps.insert(key.to_owned(), stamp.clone()));
        assert!(
            before.is_none() || before == Some(stamp.clone()),
            "the port was asked for {before:?} and now for {stamp:?} under {key}"
        );
    }
}
