//! A command on its way: what it carries beside itself, and its type put away.

use std::borrow::Cow;
use std::sync::Arc;

use mercato_persistence::{Position, Timer};
use tokio::sync::oneshot;

use crate::agent::{Agent, Command, Context, Decision, Kind, Rejection};
use crate::clock::Timestamp;
use crate::codec;
use crate::error::{AskError, AskFailure};
use crate::event::CodecError;
use crate::ids::CommandId;
use crate::principal::Principal;
use crate::telemetry::TraceContext;
use crate::timer::TimerOrder;

/// What every command carries, whoever sent it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The idempotency key.
    pub(crate) id: CommandId,
    /// What its sender has learnt from the journal was learnt in this epoch of it, and counts for
    /// nothing in a later one.
    pub(crate) epoch: u64,
    /// What has not run by then is dropped.
    pub(crate) deadline: Timestamp,
    /// On whose behalf.
    pub(crate) principal: Principal,
    /// The command or event that led to this one.
    pub(crate) causation: Option<CommandId>,
    /// The trace of the whole chain, and the span that led here.
    pub(crate) trace: TraceContext,
    /// The timer whose command this is: it is cleared with what comes of it.
    pub(crate) timer: Option<Arc<Timer>>,
}

/// What a shard's mailbox holds.
pub(crate) enum Envelope<A: Agent> {
    /// A command for one entity.
    Command { call: Call, task: Box<dyn Task<A>> },
    /// Entities to bring into memory ahead of being asked for.
    Load {
        keys: Vec<Box<str>>,
        /// On whose behalf those are tried again that could not be loaded.
        again: Option<Principal>,
        done: Option<oneshot::Sender<LoadReport>>,
    },
    /// Time has passed: entities may have been idle for long enough.
    PassivateIdle,
    /// A timer whose command can never be served.
    DropTimer {
        /// That of whoever found it so: why it cannot be served may have been taken back since.
        epoch: u64,
        key: Box<str>,
        timer: Timer,
        done: Option<oneshot::Sender<Result<(), AskFailure>>>,
    },
    /// A fault, injected to show that nothing is lost by it.
    Crash(CrashPoint),
}

/// How far a shard came with entities that it was to bring into memory.
#[derive(Debug, Default)]
pub(crate) struct LoadReport {
    /// What it has not come to, or not finished.
    pub(crate) rest: Vec<Box<str>>,
    /// Why one of the others cannot be loaded.
    pub(crate) failure: Option<AskFailure>,
}

/// Where an injected crash strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashPoint {
    /// Between two commands.
    Idle,
    /// In the middle of the next command, which is in hand and must come again.
    NextCommand,
}

/// An answer, or a refusal, and the position that it depends on.
pub(crate) type Answered<C> = (
    Result<<C as Command>::Reply, AskError<Rejection<C>>>,
    Position,
);

/// A decision with its types put away: what remains to be recorded.
pub(crate) struct Staged<E> {
    pub(crate) events: Vec<E>,
    pub(crate) timers: Vec<TimerOrder>,
    /// The encoded reply, for the dedupe record; a read has none.
    pub(crate) reply: Option<Vec<u8>>,
}

/// A command of some type for the agent `A`, together with the way back to who asked.
pub(crate) trait Task<A: Agent>: Send {
    fn name(&self) -> &'static str;
    fn version(&self) -> u16;
    fn kind(&self) -> Kind;
    fn entity(&self) -> Cow<'_, str>;
    fn body(&self) -> Result<Vec<u8>, CodecError>;

    /// Decides. The reply is kept until [`answer`](Self::answer) releases it; a refusal is
    /// answered at once and gives `None`.
    fn decide(
        &mut self,
        agent: &A,
        state: &A::State,
        context: &Context<'_>,
        seen: Position,
    ) -> Result<Option<Staged<A::Event>>, CodecError>;

    /// Releases the reply of the last [`decide`](Self::decide).
    fn answer(&mut self, depends_on: Position);

    /// Answers with the first reply, given to an earlier copy of this command.
    fn answer_first(&mut self, reply: &[u8], depends_on: Position);

    /// Answers that it cannot be served.
    fn fail(&mut self, failure: AskFailure, depends_on: Position);

    /// Whether whoever asked has gone away. A refusal, or nothing, is then as good an answer.
    fn is_abandoned(&self) -> bool;

    /// Whether an answer was given. A command that a crash struck after that is done with.
    fn is_answered(&self) -> bool;
}

/// The way back to who asked.
enum Reply<C: Command> {
    /// They know the command's type.
    Typed(oneshot::Sender<Answered<C>>),
    /// They hold the command as bytes and only need to know how it went.
    Outcome(oneshot::Sender<(Result<(), AskError<Refusal>>, Position)>),
    /// Answered already.
    Given,
}

pub(crate) struct TypedTask<C: Command> {
    command: C,
    reply: Reply<C>,
    decided: Option<C::Reply>,
}

impl<C: Command> TypedTask<C> {
    pub(crate) fn new(command: C, reply: oneshot::Sender<Answered<C>>) -> Self {
        Self {
            command,
            reply: Reply::Typed(reply),
            decided: None,
        }
    }

    fn give(&mut self, outcome: Result<C::Reply, AskError<Rejection<C>>>, depends_on: Position) {
        // Where nobody waits any more the answer is dropped; a write has its record all the same.
        match std::mem::replace(&mut self.reply, Reply::Given) {
            Reply::Typed(sender) => drop(sender.send((outcome, depends_on))),
            Reply::Outcome(sender) => {
                let outcome = outcome.map(drop).map_err(|error| match error {
                    AskError::Rejected(rejection) => {
                        AskError::Rejected(Refusal(rejection.to_string()))
                    }
                    AskError::Failed(failure) => AskError::Failed(failure),
                });
                drop(sender.send((outcome, depends_on)));
            }
            Reply::Given => {}
        }
    }
}

/// A rejection whose type is not known where the command is only bytes: its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refusal(pub(crate) String);

/// How a command that arrived as bytes went.
pub(crate) type Outcome = oneshot::Receiver<(Result<(), AskError<Refusal>>, Position)>;

/// A command that was only bytes, and the way to learn how it went.
pub(crate) type Stored<A> = (Box<dyn Task<A>>, Outcome);

/// Reads a command that was stored under its name.
pub(crate) fn typed_from_bytes<C: Command>(
    version: u16,
    bytes: &[u8],
) -> Result<Stored<C::Agent>, CodecError> {
    if version != C::VERSION {
        return Err(CodecError::unknown(C::NAME, version));
    }
    let command: C = codec::decode(bytes)?;
    let (sender, receiver) = oneshot::channel();
    let task = TypedTask {
        command,
        reply: Reply::Outcome(sender),
        decided: None,
    };
    Ok((Box::new(task), receiver))
}

impl<C: Command> Task<C::Agent> for TypedTask<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn version(&self) -> u16 {
        C::VERSION
    }

    fn kind(&self) -> Kind {
        C::KIND
    }

    fn entity(&self) -> Cow<'_, str> {
        self.command.entity()
    }

    fn body(&self) -> Result<Vec<u8>, CodecError> {
        codec::encode(&(C::NAME, C::VERSION, &self.command))
    }

    fn decide(
        &mut self,
        agent: &C::Agent,
        state: &<C::Agent as Agent>::State,
        context: &Context<'_>,
        seen: Position,
    ) -> Result<Option<Staged<<C::Agent as Agent>::Event>>, CodecError> {
        match self.command.decide(agent, state, context) {
            Ok(decision) => {
                let Decision {
                    events,
                    timers,
                    reply,
                } = decision;
                let encoded = match C::KIND {
                    Kind::Write => Some(codec::encode(&reply)?),
                    Kind::Read => None,
                };
                self.decided = Some(reply);
                Ok(Some(Staged {
                    events,
                    timers,
                    reply: encoded,
                }))
            }
            Err(rejection) => {
                self.give(Err(AskError::Rejected(rejection)), seen);
                Ok(None)
            }
        }
    }

    fn answer(&mut self, depends_on: Position) {
        if let Some(reply) = self.decided.take() {
            self.give(Ok(reply), depends_on);
        }
    }

    fn answer_first(&mut self, reply: &[u8], depends_on: Position) {
        let reply =
            codec::decode(reply).map_err(|error| AskError::Failed(AskFailure::storage(error)));
        self.give(reply, depends_on);
    }

    fn fail(&mut self, failure: AskFailure, depends_on: Position) {
        self.give(Err(failure.into()), depends_on);
    }

    fn is_abandoned(&self) -> bool {
        match &self.reply {
            Reply::Typed(sender) => sender.is_closed(),
            Reply::Outcome(sender) => sender.is_closed(),
            Reply::Given => false,
        }
    }

    fn is_answered(&self) -> bool {
        matches!(self.reply, Reply::Given)
    }
}
