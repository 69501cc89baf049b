//! What belongs to a person: sealed where it comes in, opened where it leaves.
//!
//! Between those two edges everything carries [`Personal`] values: commands, events, states,
//! snapshots, replies, and what flows note. Nothing in the runtime keeps opened text, so when a
//! person is erased there is no cache to empty.

use std::fmt;
use std::sync::Arc;

use mercato_persistence::{EraseError, Erased, PersonId, Personal, SealError, Unreadable, Vault};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::agent::Agent;
use crate::core::Core;
use crate::error::AskFailure;
use crate::flow::{ActivityCall, ActivityError, ActivityErrorKind};
use crate::handle::Handle;
use crate::runtime::Runtime;
use crate::scope::Scope;

/// Seals for persons: what an edge needs to hand personal data in. Cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    core: Arc<Core>,
}

impl Sealer {
    /// Seals a value for a person. The first one draws the person's key.
    ///
    /// # Errors
    /// When the person was erased, the value is too large, or the keys cannot be reached.
    pub fn seal<T: Serialize>(
        &self,
        person: &PersonId,
        value: &T,
    ) -> Result<Personal<T>, SealError> {
        let core = &self.core;
        core.journal
            .vault()
            .seal(person, value, &mut core.entropy.keys())
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

impl Handle {
    /// The keys of persons, to open what is for the eyes of the one who asks.
    #[must_use]
    pub fn vault(&self) -> &Arc<Vault> {
        self.core.journal.vault()
    }

    /// Seals what comes in for this runtime.
    #[must_use]
    pub fn sealer(&self) -> Sealer {
        let core = self.core.clone();
        Sealer { core }
    }

    /// Seals a value for a person: see [`Sealer::seal`].
    ///
    /// # Errors
    /// As there.
    pub fn seal<T: Serialize>(
        &self,
        person: &PersonId,
        value: &T,
    ) -> Result<Personal<T>, SealError> {
        self.sealer().seal(person, value)
    }
}

impl Scope {
    /// The keys of persons, to open what is for the eyes of the one who asks.
    #[must_use]
    pub fn vault(&self) -> &Arc<Vault> {
        self.core().journal.vault()
    }

    /// Seals a value for a person: see [`Sealer::seal`].
    ///
    /// # Errors
    /// As there.
    pub fn seal<T: Serialize>(
        &self,
        person: &PersonId,
        value: &T,
    ) -> Result<Personal<T>, SealError> {
        let core = self.core().clone();
        Sealer { core }.seal(person, value)
    }

    /// The settings of an agent. A workflow reads what somebody wrote while it is still open, and
    /// hands the agent what it found in it; the agent itself sees the text sealed only.
    ///
    /// # Errors
    /// Where the runtime has no such agent.
    pub fn agent<A: Agent>(&self) -> Result<Arc<A>, AskFailure> {
        Ok(self.core().services.of::<A>()?.agent())
    }
}

impl ActivityCall {
    /// The keys of persons.
    #[must_use]
    pub fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    /// Opens a value for the port that needs it. Do not put it into the activity's answer, which
    /// is kept.
    ///
    /// # Errors
    /// Final where the person was erased (code `erased`) or nothing can be opened (`unreadable`);
    /// transient where the keys cannot be reached just now (`keys_unavailable`).
    pub fn unseal<T: DeserializeOwned>(&self, personal: &Personal<T>) -> Result<T, ActivityError> {
        self.vault.unseal(personal).map_err(ActivityError::from)
    }
}

impl ActivityError {
    /// The code of a call that needed what belonged to an erased person.
    pub const ERASED: &'static str = "erased";

    /// Whether the call needed what belonged to an erased person. It never succeeds.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.code == Self::ERASED
    }
}

impl From<Unreadable> for ActivityError {
    fn from(unreadable: Unreadable) -> Self {
        let (kind, code) = match &unreadable {
            Unreadable::Erased { .. } => (ActivityErrorKind::Permanent, Self::ERASED),
            Unreadable::Store(_) => (ActivityErrorKind::Transient, "keys_unavailable"),
            _ => (ActivityErrorKind::Permanent, "unreadable"),
        };
        Self::new(kind, code, unreadable.to_string())
    }
}

impl Runtime {
    /// Erases persons: destroys their keys, so that nothing that was sealed for them can be opened
    /// by anybody, wherever it is stored. Everything else stays and replays.
    ///
    /// It blocks while the file of keys is rewritten; in a service, call it through
    /// `tokio::task::spawn_blocking` on [`Handle::vault`]. Flows on their way that need what is
    /// gone fail with a final error, and are seen on the work list.
    ///
    /// # Errors
    /// See [`EraseError`].
    pub fn erase(&self, persons: &[PersonId]) -> Result<Erased, EraseError> {
        self.core.journal.vault().erase(persons)
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// Catches: keys that cannot be reached just now and for which a call is given up, and an erased person
    /// of whom that is not said, or of others too.
    #[test]
    fn a_call_knows_whether_what_it_needs_is_gone_or_away() {
        let person = PersonId::new("ada").expect("a name");
        let erased = ActivityError::from(Unreadable::Erased {
            person: person.clone(),
        });
        let never = ActivityError::from(Unreadable::NoKey { person });
        let away = ActivityError::from(Unreadable::Store("the file of keys is away".into()));
        let codes = [&erased, &never, &away].map(|it| (it.kind, &*it.code, it.is_erased()));
        let permanent = ActivityErrorKind::Permanent;
        assert_eq!(
            codes,
            [
                (permanent, "erased", true),
                (permanent, "unreadable", false),
                (ActivityErrorKind::Transient, "keys_unavailable", false)
            ]
        );
    }
}
