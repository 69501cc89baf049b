//! Agents, durable flows and what runs them.
//!
//! This crate knows no shop. A person who writes an agent meets [`Agent`], [`Command`] and
//! [`Event`]; a person who writes a flow meets [`Flow`]; a person who embeds the runtime meets
//! [`Runtime`] and [`Handle`].

mod agent;
mod agent_options;
mod builder;
mod bus;
mod cache;
mod chain;
mod clock;
mod core;
mod entities;
mod entropy;
mod envelope;
mod error;
mod event;
mod fault;
mod flow;
mod folded;
mod handle;
mod ids;
mod json;
mod layout;
mod personal;
#[cfg(feature = "planted-bugs")]
mod planted;
mod policy;
mod principal;
mod quarantine;
mod readable;
mod recovery;
mod registry;
mod runtime;
mod schema;
mod scope;
mod service;
mod shard;
mod stats;
mod telemetry;
#[cfg(feature = "testkit")]
pub mod testkit;
mod timer;
mod trigger;
mod views;

pub use agent::{Agent, Command, Context, Decided, Decision, Kind, Rejection, State};
pub use agent_options::AgentOptions;
pub use builder::RuntimeBuilder;
pub use bus::{
    BlockedKey, Bus, BusError, DeadLetter, Delivery, DeliveryError, DeliveryOrder, EventPlace,
    Filter, LeaseLost, Leased, Letters, OnFailure, PullSubscriber, Redelivery, Replay, StartAt,
    SubscriberState, SubscriberStats, Subscription, SubscriptionOptions,
};
pub use cache::{
    AGENT_RESPONSES, Cache, CacheProblem, CacheSettings, CacheStats, Caches, CachesSettings,
    InvalidCaches, KNOWLEDGE_BASE, LoadError, STORE_READS, Tag,
};
pub use clock::{Clock, Timestamp};
pub use core::Caller;
pub use entropy::Entropy;
pub use envelope::CrashPoint;
pub use error::{AskError, AskFailure};
pub use event::{CodecError, Event, EventOf};
pub use fault::{DelayPoint, FaultPoint, Moment, StallPoint};
pub use flow::{
    Activity, ActivityCall, ActivityError, ActivityErrorKind, Counted, Flow, FlowError,
    FlowFailure, FlowOperation, FlowOperationError, FlowOptions, FlowPage, FlowProgress, FlowState,
    FlowStatus, FlowType, Flows, Parallel, ParallelError, RunError, StepKind, UndoState,
    UndoStatus, UnreadableFlow, WaitingStep, WorkItem, WorkKind, WorkPage,
};
pub use handle::Handle;
pub use ids::{CommandId, FlowId};
pub use json::view_of;
pub use layout::Layout;
pub use mercato_persistence as persistence;
pub use mercato_persistence::codec;
pub use mercato_persistence::{PersonId, Personal, SealError, Unreadable, Vault};
pub use mercato_supervisor as supervisor;
pub use personal::Sealer;
#[cfg(feature = "planted-bugs")]
pub use planted::PlantedBug;
pub use policy::{
    Answer, Attempt, Authentication, Backoff, Breaker, BreakerChange, BreakerRefusal,
    BreakerSettings, BreakerState, CallError, CallOutcome, CallRate, Class, Credentials,
    CredentialsError, Dependency, Failure, FailureKind, Fallback, Guard, Guarded, Guards,
    InvalidPolicies, Monitor, NetworkTimeout, Notice, Permit, Policies, Policy, PolicyBook,
    PolicyStats, Problem, RateLimiting, Repeat, Request, RetryBudgetSettings, Row,
    ServiceUnavailable, Token, TokenKeeper, WindowSize,
};
pub use principal::Principal;
pub use quarantine::{
    Inspected, Quarantine, QuarantineError, QuarantinePage, QuarantineQuery, QuarantineRecords,
    Replayed, SetAside, SetAsideWhat,
};
pub use recovery::{RecoveryOptions, RecoveryProgress};
pub use registry::Commands;
pub use runtime::{Health, Runtime, RuntimeError};
pub use schema::{EventForm, EventSchema};
pub use scope::Scope;
pub use serde_json;
pub use service::Admission;
pub use shard::InjectedCrash;
pub use stats::{AgentStats, FlowStats};
#[cfg(feature = "prometheus")]
pub use telemetry::PROMETHEUS_CONTENT_TYPE;
pub use telemetry::{
    Across, Alarm, AlarmChange, AlarmNotice, AlarmProblem, Alarms, Comparison, FAMILIES, Family,
    FamilySamples, InvalidAlarms, Measure, MetricKind, Metrics, MetricsReader, SPANS, Sample,
    SampleValue, Selector, Severity, TraceContext, TraceparentError, Unit,
};
#[cfg(feature = "otlp")]
pub use telemetry::{InvalidOtlp, OtlpExporter, OtlpOptions, OtlpSpans, OtlpStats};
pub use timer::TimerStats;
pub use trigger::{
    Occurred, Reaction, Redelivered, Trigger, TriggerError, TriggerState, TriggerStats, Triggers,
};
pub use views::{EventViews, Kinds, ViewError};
