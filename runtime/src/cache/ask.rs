//! Agents asked through a cache.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;

use crate::agent::{Agent, Command, Kind, Rejection};
use crate::clock::Timestamp;
use crate::codec;
use crate::core::Caller;
use crate::error::{AskError, AskFailure};
use crate::handle::Handle;
use crate::policy::{
    Answer, CallError, Dependency, Failure, FailureKind, Guarded, Repeat, Request,
};

use super::caches::Caches;
use super::flight::LoadError;
use super::store::Cache;
use super::tag::Tag;

/// What agents answered: encoded, because a reply need not be one that can be copied.
pub(super) type Responses = Cache<Arc<[u8]>, Arc<[u8]>, Untyped>;

/// When to try again where too many answers are being loaded.
const TOO_MANY_RETRY: Duration = Duration::from_millis(20);

impl Handle {
    /// The caches, where they are switched on.
    #[must_use]
    pub fn caches(&self) -> Option<&Arc<Caches>> {
        self.core.caches.as_ref()
    }

    /// Asks an agent for something to read, under its policy and through the cache of answers. A
    /// fresh answer is one that no durable event has made wrong, of those that it
    /// [depends on](Command::depends_on); where the agent cannot
    /// be asked, what it answered before is given, labelled stale, as the policy says.
    ///
    /// The cache is of use where an answer depends on its entity and on who asks alone. One that
    /// depends on the time is as old as `fresh` allows; one that [does not](Command::AGES) is fresh
    /// until an event concerns it. A [`Kind::Write`] goes past the cache, and
    /// so does everything where [`RuntimeBuilder::caches`](crate::RuntimeBuilder::caches) did not
    /// switch it on.
    ///
    /// # Errors
    /// As [`ask_guarded`](Self::ask_guarded).
    pub async fn ask_cached<C: Command>(&self, caller: &Caller, command: C) -> Guarded<C> {
        let deadline = self.core.deadline_of(caller);
        let (Some(caches), Kind::Read) = (self.caches(), C::KIND) else {
            return self.ask_guarded(caller, command).boxed().await;
        };
        let name = (<C::Agent as Agent>::NAME, C::NAME, C::VERSION);
        // Who asks is part of what is asked: an agent may answer persons differently.
        let Ok(key) = codec::encode(&(name, &caller.principal, &command)) else {
            return self.ask_guarded(caller, command).boxed().await;
        };
        let key: Arc<[u8]> = key.into();
        // What is kept is given at once, and most of what is asked is kept: a page asks for a hundred
        // things. So all that takes longer is put away, and whoever asks for many holds little for each.
        if caches.has_caught_up()
            && let Some(kept) = caches.responses.kept(&key, C::AGES)
        {
            return decoded::<C>(&Answer::Fresh(kept));
        }
        let behind = self.ask_behind(caches, caller, deadline, key, command);
        behind.boxed().await
    }

    /// The same where the answer is not there: waits for what the cache has yet to hear of, and for the
    /// answer.
    async fn ask_behind<C: Command>(
        &self,
        caches: &Arc<Caches>,
        caller: &Caller,
        deadline: Timestamp,
        key: Arc<[u8]>,
        command: C,
    ) -> Guarded<C> {
        if caches.caught_up(deadline).await.is_err() {
            return self.ask_guarded(caller, command).await;
        }
        let tags = command.depends_on();
        let until = self.core.clock.instant_of(deadline);
        let answered = self.load_or_join(caches, caller, &key, &tags, command);
        match tokio::time::timeout_at(until, answered).await {
            Ok(answered) => decoded::<C>(&answered?),
            // The load goes on where somebody else waits for it.
            Err(_) => Err(failed::<C>(AskFailure::DeadlineExceeded)),
        }
    }

    /// What is kept, or is on its way for somebody else, or comes now. Whoever joins a load has more
    /// time than the one it began for, perhaps, and more patience: where that one ran out, it is asked
    /// once more, as this caller would have it.
    async fn load_or_join<C: Command>(
        &self,
        caches: &Arc<Caches>,
        caller: &Caller,
        key: &Arc<[u8]>,
        tags: &[Tag],
        command: C,
    ) -> Loaded<C> {
        let first = command.clone();
        let (answered, is_ours) = self.load_once(caches, caller, key, tags, first).await;
        if is_ours || !is_anothers_haste(&answered) {
            return answered;
        }
        // Whatever it is, it counts this time.
        self.load_once(caches, caller, key, tags, command).await.0
    }

    /// The same, and whether it was loaded for this caller.
    async fn load_once<C: Command>(
        &self,
        caches: &Arc<Caches>,
        caller: &Caller,
        key: &Arc<[u8]>,
        tags: &[Tag],
        command: C,
    ) -> (Loaded<C>, bool) {
        let is_ours = Arc::new(AtomicBool::new(false));
        let begun = is_ours.clone();
        let (handle, caller) = (self.clone(), caller.clone());
        let loading = load(handle, caches.clone(), key.clone(), caller, command);
        let begin = move || {
            begun.store(true, Ordering::Relaxed);
            loading
        };
        let answers = &caches.responses;
        let answered = answers.get_or_load_aging(key.clone(), tags, C::AGES, begin);
        let answered = answered.await.map_err(told::<C>);
        (answered, is_ours.load(Ordering::Relaxed))
    }
}

/// Whether an answer may be what it is because somebody else had no more time.
fn is_anothers_haste<E: std::error::Error>(
    answered: &Result<Answer<Arc<[u8]>>, CallError<AskError<E>>>,
) -> bool {
    match answered {
        Ok(Answer::Fresh(_) | Answer::Alternative(_)) => false,
        Ok(Answer::Stale { .. })
        | Err(CallError::TimedOut { .. } | CallError::Overloaded { .. }) => true,
        Err(CallError::Failed { kind, .. }) => {
            matches!(
                kind,
                FailureKind::NetworkTimeout | FailureKind::RateLimiting
            )
        }
        Err(_) => false,
    }
}

type Failed<C> = CallError<AskError<Rejection<C>>>;
/// An answer that is still encoded.
type Loaded<C> = Result<Answer<Arc<[u8]>>, Failed<C>>;
type Untyped = Arc<dyn Any + Send + Sync>;

/// Asks the agent for what is to be kept.
async fn load<C: Command>(
    handle: Handle,
    caches: Arc<Caches>,
    key: Arc<[u8]>,
    caller: Caller,
    command: C,
) -> Result<Answer<Arc<[u8]>>, Untyped> {
    let before = move || {
        let (reply, age) = caches.responses.stale(&key)?;
        Some((codec::decode(&reply).ok()?, age))
    };
    let deadline = handle.core.deadline_of(&caller);
    let request = Request::new(Repeat::Safe, deadline).cached(before);
    let answered = handle.ask_request(request, &caller, command).await;
    let encoded = answered.and_then(|answer| {
        let reply = codec::encode(answer.value());
        let reply = reply.map_err(|error| failed::<C>(AskFailure::invalid(error)))?;
        Ok(answer.map(|_| reply.into()))
    });
    encoded.map_err(|error| Arc::new(error) as Untyped)
}

fn decoded<C: Command>(answer: &Answer<Arc<[u8]>>) -> Guarded<C> {
    let reply = codec::decode(answer.value());
    let reply = reply.map_err(|error| failed::<C>(AskFailure::storage(error)))?;
    Ok(answer.clone().map(|_| reply))
}

/// The error of a load, with its type again: a key names one command, so it has no other.
fn told<C: Command>(error: LoadError<Untyped>) -> Failed<C> {
    match error {
        LoadError::Failed(error) => match error.downcast_ref::<Failed<C>>() {
            Some(error) => error.clone(),
            None => failed::<C>(AskFailure::storage("an answer of another command")),
        },
        LoadError::TooMany { .. } => CallError::Overloaded {
            dependency: Dependency::Agent(<C::Agent as Agent>::NAME),
            retry_after: TOO_MANY_RETRY,
        },
        LoadError::Circular { .. } => {
            failed::<C>(AskFailure::storage("an agent's answer waits for itself"))
        }
        LoadError::Panicked => failed::<C>(AskFailure::storage("the load of an answer panicked")),
    }
}

fn failed<C: Command>(failure: AskFailure) -> Failed<C> {
    CallError::Failed {
        dependency: Dependency::Agent(<C::Agent as Agent>::NAME),
        attempts: 0,
        kind: failure.kind(),
        error: AskError::Failed(failure),
    }
}
