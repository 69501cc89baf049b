//! The limits of one agent.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use mercato_supervisor::{Intensity, MailboxOptions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits of one agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AgentOptions {
    /// How many shards serve it. A key stays with its shard, so changing the number is safe only
    /// between runs, which it is: shards hold nothing that the journal does not. Default 4.
    #[schemars(range(min = 1, max = 4_096))]
    pub shards: NonZeroUsize,
    /// The bound and the batch of each shard's mailbox.
    pub mailbox: MailboxOptions,
    /// How often one command may make its shard panic before it is quarantined. Default 3.
    #[schemars(range(min = 1, max = 100))]
    pub attempts_max: NonZeroU32,
    /// The longest that a shard may be in one command, its entity's loading included, before it
    /// counts as hung and another takes its place; see
    /// [`WorkerOptions::handle_max`](mercato_supervisor::WorkerOptions::handle_max). `None`: for as
    /// long as it likes. Default 30 seconds.
    #[schemars(extend("minimum" = "10ms", "maximum" = "1h"))]
    pub command_max: Option<Duration>,
    /// The longest that a shard may wait before a command without being ready for it before it counts
    /// as hung and another takes its place, which goes on with all that the first one held; see
    /// [`WorkerOptions::ready_max`](mercato_supervisor::WorkerOptions::ready_max). A shard waits where
    /// the journal has no room, so a bound that a slow disk passes costs restarts. `None`, the default:
    /// for as long as it takes.
    #[schemars(extend("minimum" = "10ms", "maximum" = "1h"))]
    pub ready_max: Option<Duration>,
    /// The most entities that one shard keeps in memory. Default 65,536.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub active_entities_max: NonZeroUsize,
    /// What the entities in memory may take, in bytes, shared out evenly among the shards: of each,
    /// its state as it would be stored, its key twice, and some 300 bytes around them. What a state
    /// takes in memory can be several times that where it is made of many small pieces. Between two
    /// measurements the events that an entity was given count in full. One entity is kept however
    /// large it is. Default 256 MiB.
    #[schemars(range(min = 1, max = 1_u64 << 44))]
    pub active_bytes_max: NonZeroUsize,
    /// How long an entity is kept in memory that nobody asks for, on the runtime's clock; up to an
    /// eighth longer, because they leave in groups. `None`: for as long as there is room. 1 second to
    /// 30 days; default 10 minutes.
    #[schemars(extend("minimum" = "1s", "maximum" = "30d"))]
    pub passivate_after: Option<Duration>,
    /// How many commands and entities of the agent may stand aside: see
    /// [`Quarantine`](crate::Quarantine). A command more is answered
    /// [`QuarantineFull`](crate::AskFailure::QuarantineFull), and not kept. Default 1,000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub quarantine_max: NonZeroUsize,
    /// A snapshot of an entity is taken after so many events. `None`, the default, is as often as
    /// the runtime's [`RecoveryOptions::time_max`](crate::RecoveryOptions::time_max) demands. For
    /// entities whose state is much larger than their events, fewer are better.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub snapshot_every_events: Option<NonZeroU64>,
    /// How many restarts of its shards, in what time, are too many. Default 64 in 10 seconds.
    pub intensity: Intensity,
}

impl Default for AgentOptions {
    fn default() -> Self {
        const SHARDS: NonZeroUsize = NonZeroUsize::new(4).unwrap();
        const ATTEMPTS_MAX: NonZeroU32 = NonZeroU32::new(3).unwrap();
        const ACTIVE_MAX: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();
        const ACTIVE_BYTES_MAX: NonZeroUsize = NonZeroUsize::new(256 << 20).unwrap();
        const QUARANTINE_MAX: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();
        Self {
            shards: SHARDS,
            mailbox: MailboxOptions::default(),
            attempts_max: ATTEMPTS_MAX,
            command_max: Some(Duration::from_secs(30)),
            ready_max: None,
            active_entities_max: ACTIVE_MAX,
            active_bytes_max: ACTIVE_BYTES_MAX,
            passivate_after: Some(Duration::from_secs(600)),
            quarantine_max: QUARANTINE_MAX,
            snapshot_every_events: None,
            intensity: Intensity {
                restarts_max: 64,
                period: Duration::from_secs(10),
            },
        }
    }
}
