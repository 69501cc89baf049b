//! What the scripts of the outside act on, in one life.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use mercato_actors::runtime::{
    AskError, AskFailure, Caller, Command, CommandId, Entropy, Handle, Rejection,
};
use rand_chacha::ChaCha8Rng;

use super::blame::{SERVED, is_own_fault};
use super::scene::Site;
use super::witness::What;

/// How long somebody waits who got no answer, before they ask again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Why a request has no answer yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unserved(pub String);

impl Unserved {
    /// From whatever says why.
    pub fn because(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

/// One life, as the outside sees it.
///
/// Scripts are run from their beginning in each life. What they draw must come from
/// [`rng`](Self::rng), and what they ask must go through [`ask`](Self::ask) or
/// [`recall`](Self::recall), so that they take the same way each time up to where the last life ended.
#[derive(Debug, Clone)]
pub struct Stage {
    /// What the life was put together with.
    pub site: Site,
    /// The way into its runtime.
    pub handle: Handle,
}

impl Stage {
    /// The time, counted from the beginning of the world.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.site.now()
    }

    /// Waits until a moment, counted from the beginning of the world.
    pub async fn until(&self, at: Duration) {
        self.site.clock.sleep_until(self.site.began.plus(at)).await;
    }

    /// A generator that draws the same in every life.
    #[must_use]
    pub fn rng(&self, label: &str) -> ChaCha8Rng {
        Entropy::seeded(self.site.seed).fork(label)
    }

    /// Asks an agent, in this life and the next ones, until there is an answer; in later lives that
    /// answer is remembered. `key` is the idempotency key.
    ///
    /// # Errors
    /// The agent's refusal, or a failure that asking again would not mend.
    pub async fn ask<C>(
        &self,
        key: &str,
        caller: &Caller,
        command: C,
    ) -> Result<C::Reply, AskError<Rejection<C>>>
    where
        C: Command + Clone,
        C::Reply: Clone + fmt::Debug + Send + 'static,
        Rejection<C>: Clone + Send + 'static,
    {
        let caller = caller.clone().keyed(CommandId::from_key(key));
        let ask = async || match self.handle.ask(&caller, command.clone()).await {
            Err(AskError::Failed(failure)) if is_worth_asking_again(&failure) => {
                Err(Unserved::because(failure))
            }
            answer => {
                if let Err(AskError::Failed(failure)) = &answer {
                    self.refused(key, failure);
                }
                Ok(answer)
            }
        };
        self.recall(key, ask).await
    }

    /// Does something in this life and the next ones until it gives an answer; in later lives that
    /// answer is remembered.
    pub async fn recall<T>(&self, key: &str, ask: impl AsyncFn() -> Result<T, Unserved>) -> T
    where
        T: Clone + fmt::Debug + Send + 'static,
    {
        let witness = &self.site.witness;
        if let Some(answer) = witness.answer(key) {
            return answer;
        }
        witness.ask(self.now(), key);
        loop {
            let answer = ask().await;
            // An answer that comes when the power is gone never came.
            self.site.power.through().await;
            match answer {
                Ok(answer) => {
                    witness.remember(self.now(), key, answer.clone());
                    return answer;
                }
                Err(Unserved(why)) => witness.see(self.now(), What::Unserved(key, &why)),
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    /// Notes a value in the life that comes here first; later ones find that.
    pub fn note<T: Clone + Send + 'static>(&self, key: &str, make: impl FnOnce() -> T) -> T {
        let witness = &self.site.witness;
        witness.answer(key).unwrap_or_else(|| {
            let value = make();
            witness.note(key, value.clone());
            value
        })
    }

    /// Somebody is refused for good what they asked for under this key. A law breaks where that is a
    /// fault of the runtime's own, however deep it lies among the causes of the error: a command that
    /// nobody could serve, a step that is broken, a quarantine though nothing was made to panic.
    /// [`ask`](Self::ask) sees to that itself.
    pub fn refused(&self, key: &str, error: &(dyn Error + 'static)) {
        let is_own = is_own_fault(error, &self.site.faults);
        self.must(SERVED, !is_own, || format!("{key}: {error}"));
    }

    /// Holds a law against one case, as it is seen. Where it is broken the world ends.
    pub fn must<T: fmt::Display>(&self, law: &'static str, held: bool, case: impl FnOnce() -> T) {
        if !self.site.power.is_cut() {
            self.site.witness.must(law, held, case);
        }
    }
}

/// Whether a request may be answered when it is asked again under its key.
#[must_use]
pub fn is_worth_asking_again(failure: &AskFailure) -> bool {
    matches!(
        failure,
        AskFailure::Overloaded { .. }
            | AskFailure::DeadlineExceeded
            | AskFailure::ReadOnly { .. }
            | AskFailure::Stopped
    )
}
