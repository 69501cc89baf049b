//! What an agent has recorded, answered and not yet handled.

use std::fmt::Write;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use mercato_persistence::{Journal, Position, Recorded};
use mercato_supervisor::Depth;

use crate::agent::{Agent, Command, Rejection};
use crate::bus::EventPlace;
use crate::clock::Timestamp;
use crate::codec;
use crate::core::Caller;
use crate::entities::stream_of;
use crate::error::AskError;
use crate::event::Event;
use crate::handle::Handle;
use crate::ids::CommandId;
use crate::runtime::Runtime;
use crate::service::AnyService;
use crate::stats::AgentStats;
use crate::trigger::Occurred;

/// How many records are looked through at a time.
const READ_MAX: usize = 256;
/// How many events a failure lists.
const LISTED_MAX: usize = 16;

/// Looks at one agent of a runtime from outside. It changes nothing and holds nothing up.
pub struct Probe<A> {
    handle: Handle,
    journal: Arc<dyn Journal>,
    service: Arc<dyn AnyService>,
    /// Events up to here were given out by [`next`](Self::next).
    seen: EventPlace,
    agent: PhantomData<fn() -> A>,
}

impl<A: Agent> Probe<A> {
    /// A probe that sees the agent's events from now on.
    ///
    /// # Panics
    /// Where the runtime has no such agent.
    #[must_use]
    #[track_caller]
    pub fn of(runtime: &Runtime) -> Self {
        let Some(service) = runtime.core.services.named(A::NAME) else {
            panic!("this runtime has no agent `{}`", A::NAME);
        };
        let journal = runtime.core.journal.clone();
        Self {
            handle: runtime.handle(),
            seen: EventPlace {
                position: journal.durable(),
                index: u32::MAX,
            },
            journal,
            service: service.clone(),
            agent: PhantomData,
        }
    }

    /// Everything that happened to one entity, in its order, durable or not.
    ///
    /// # Panics
    /// Where the journal or an event cannot be read.
    #[must_use]
    #[track_caller]
    pub fn events(&self, entity: &str) -> Vec<A::Event> {
        let stream = stream_of(A::NAME, entity);
        let records = self.journal.read_stream(&stream, 0);
        let records = records.unwrap_or_else(|error| panic!("{stream} cannot be read: {error}"));
        let events = records.iter().flat_map(|it| occurred::<A>(it));
        events.map(|(_, occurred)| occurred.event).collect()
    }

    /// The agent's next durable event that `is_it` says yes to; those before it are passed over.
    /// Waits for it, and no longer than `within` of the runtime's time.
    ///
    /// # Panics
    /// Where there is none by then, with `what` was awaited and what came in its place.
    #[track_caller]
    pub fn next(
        &mut self,
        what: &str,
        within: Duration,
        is_it: impl Fn(&Occurred<A::Event>) -> bool,
    ) -> impl Future<Output = Occurred<A::Event>> {
        let asked_at = Location::caller();
        async move {
            let until = self.handle.clock().now().plus(within);
            let mut others = Vec::new();
            loop {
                if let Some(found) = self.look(&is_it, &mut others) {
                    return found;
                }
                if !self.more_by(until).await {
                    let others = list(&others);
                    panic!(
                        "{asked_at}: no event of `{}` was {what} within {within:?}; {others}",
                        A::NAME
                    );
                }
            }
        }
    }

    /// Sees no event of the agent that `is_it` says yes to for so long.
    ///
    /// # Panics
    /// Where there is one.
    #[track_caller]
    pub fn none(
        &mut self,
        what: &str,
        within: Duration,
        is_it: impl Fn(&Occurred<A::Event>) -> bool,
    ) -> impl Future<Output = ()> {
        let asked_at = Location::caller();
        async move {
            let until = self.handle.clock().now().plus(within);
            loop {
                if let Some(found) = self.look(&is_it, &mut Vec::new()) {
                    panic!(
                        "{asked_at}: an event of `{}` was {what}: {:?} of `{}`",
                        A::NAME,
                        found.event,
                        found.entity
                    );
                }
                if !self.more_by(until).await {
                    return;
                }
            }
        }
    }

    /// Asks the agent, on behalf of the system.
    ///
    /// # Errors
    /// As [`Handle::ask`].
    pub async fn ask<C: Command<Agent = A>>(
        &self,
        command: C,
    ) -> Result<C::Reply, AskError<Rejection<C>>> {
        self.handle.ask(&Caller::system(), command).await
    }

    /// What the agent replied to a command that it recorded, whoever asked.
    ///
    /// # Panics
    /// Where the journal or the reply cannot be read.
    #[must_use]
    #[track_caller]
    pub fn first_reply<C: Command<Agent = A>>(&self, id: CommandId) -> Option<C::Reply> {
        let first = self.journal.first_reply(id.as_uuid());
        let first = first.unwrap_or_else(|error| panic!("no reply can be read: {error}"))?;
        let reply = codec::decode(&first.reply);
        Some(reply.unwrap_or_else(|error| panic!("`{}` replied otherwise: {error}", C::NAME)))
    }

    /// What waits in the mailbox of each shard.
    #[must_use]
    pub fn mailboxes(&self) -> Vec<Depth> {
        self.service.depths()
    }

    /// What the agent has done.
    #[must_use]
    pub fn stats(&self) -> AgentStats {
        self.service.stats()
    }

    /// The first event after those seen that it is, among what is durable.
    fn look(
        &mut self,
        is_it: &impl Fn(&Occurred<A::Event>) -> bool,
        others: &mut Vec<Occurred<A::Event>>,
    ) -> Option<Occurred<A::Event>> {
        loop {
            // The last record may hold further events.
            let before = Position::new(self.seen.position.get().saturating_sub(1));
            let records = self.journal.read(before, READ_MAX);
            let records = records.unwrap_or_else(|error| panic!("no event can be read: {error}"));
            let last = records.last()?.position;
            for (place, occurred) in records.iter().flat_map(|it| occurred::<A>(it)) {
                if place <= self.seen {
                    continue;
                }
                self.seen = place;
                if is_it(&occurred) {
                    return Some(occurred);
                }
                others.push(occurred);
            }
            let all = EventPlace {
                position: last,
                index: u32::MAX,
            };
            if all <= self.seen {
                return None;
            }
            self.seen = all;
        }
    }

    /// Waits until more is durable. `false` where that takes too long.
    async fn more_by(&self, until: Timestamp) -> bool {
        let clock = self.handle.clock();
        let more = self.journal.until_durable(self.seen.position.next());
        match tokio::time::timeout_at(clock.instant_of(until), more).await {
            Ok(Ok(())) => true,
            Ok(Err(failed)) => panic!("the journal failed while an event was awaited: {failed}"),
            Err(_) => false,
        }
    }
}

impl<A: Agent> std::fmt::Debug for Probe<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Probe({} after {})", A::NAME, self.seen)
    }
}

/// The agent's events in one record, where it is of that agent.
#[track_caller]
fn occurred<A: Agent>(
    recorded: &Recorded,
) -> impl Iterator<Item = (EventPlace, Occurred<A::Event>)> + use<'_, A> {
    let append = &recorded.append;
    let prefix = stream_of(A::NAME, "");
    let entity = append.stream.strip_prefix(&*prefix);
    let events = append.events.iter().zip(0..);
    entity.into_iter().flat_map(move |entity| {
        events.clone().map(move |(event, index)| {
            let place = EventPlace {
                position: recorded.position,
                index,
            };
            let read = A::Event::decode(&event.name, event.version, &event.payload);
            let event = read.unwrap_or_else(|error| panic!("{place} cannot be read: {error}"));
            let occurred = Occurred {
                event,
                entity: entity.into(),
                recorded_at: Timestamp::from_millis(append.recorded_at_ms),
                id: place.id(),
            };
            (place, occurred)
        })
    })
}

fn list<E: Event>(others: &[Occurred<E>]) -> String {
    if others.is_empty() {
        return "there was none at all".to_owned();
    }
    let mut text = format!("there were {} others:", others.len());
    for other in others.iter().take(LISTED_MAX) {
        let _ = write!(text, "\n  {:?} of `{}`", other.event, other.entity);
    }
    if others.len() > LISTED_MAX {
        text.push_str("\n  ...");
    }
    text
}
