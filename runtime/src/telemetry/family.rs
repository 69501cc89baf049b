//! The metrics of a runtime: their names, units and labels.
//!
//! The table is fixed, so that alarms can be checked against it before anything runs. Names follow
//! the conventions of Prometheus: base units, and `_total` for what only grows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a metric is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Things.
    Count,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A part of a whole, 0 to 1. No metric has it, but ratios of two do.
    Ratio,
    /// Things in a second. No metric has it, but rates do.
    PerSecond,
}

impl Unit {
    /// The name in settings and notices.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Ratio => "ratio",
            Self::PerSecond => "per_second",
        }
    }
}

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows, and begins at 0 with the runtime.
    Counter,
    /// It is what it is.
    Gauge,
    /// Values counted by bounds.
    Histogram,
}

impl MetricKind {
    /// The name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric, whatever the values of its labels.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name: `mercato_commands_total`.
    pub name: &'static str,
    /// What it says.
    pub help: &'static str,
    /// How it behaves.
    pub kind: MetricKind,
    /// What it is counted in.
    pub unit: Unit,
    /// Its labels. Their values are names that the code has, so that they stay few.
    pub labels: &'static [&'static str],
}

/// The metric of this name.
pub(crate) fn family(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().copied().find(|family| family.name == name)
}

macro_rules! families {
    ($($(#[$of_one:meta])* $constant:ident: $kind:ident in $unit:ident, $name:literal, [$($label:literal),*], $help:literal;)*) => {
        $($(#[$of_one])* pub(crate) const $constant: &Family = &Family {
            name: $name,
            help: $help,
            kind: MetricKind::$kind,
            unit: Unit::$unit,
            labels: &[$($label),*],
        };)*

        /// All metrics of a runtime, in the order in which they are read.
        pub const FAMILIES: &[&Family] = &[$($constant),*];
    };
}

families! {
    AGENT_RESPONSE: Histogram in Seconds, "mercato_agent_response_seconds",
        ["agent", "command", "outcome"],
        "Time from an ask to the agent's answer, its wait in the mailbox included, and not its wait for the disk";
    COMMANDS: Counter in Count, "mercato_commands_total", ["agent", "outcome"],
        "Commands that agents are done with";
    SHARD_RESTARTS: Counter in Count, "mercato_shard_restarts_total", ["agent"],
        "Restarts of an agent's shards";
    ENTITIES_ACTIVE: Gauge in Count, "mercato_entities_active", ["agent"],
        "Entities in memory";
    ENTITIES_BYTES: Gauge in Bytes, "mercato_entities_active_bytes", ["agent"],
        "What the entities in memory take, their states as they would be stored";
    ENTITIES_PASSIVATED: Counter in Count, "mercato_entities_passivated_total", ["agent"],
        "Entities that left memory because they were idle or others needed the room";
    ENTITIES_REACTIVATED: Counter in Count, "mercato_entities_reactivated_total", ["agent"],
        "Entities that came back into memory from the journal";
    QUARANTINE_SIZE: Gauge in Count, "mercato_quarantine_size", ["agent"],
        "Commands and entities that stand aside";
    MAILBOX_DEPTH: Gauge in Count, "mercato_mailbox_depth", ["agent", "shard"],
        "Messages that wait in a shard's mailbox or are in its hand";
    MAILBOX_SENDERS: Gauge in Count, "mercato_mailbox_waiting_senders", ["agent", "shard"],
        "Senders that wait for room in a shard's mailbox";
    DEAD_LETTERS: Counter in Count, "mercato_dead_letters_total", ["agent", "reason"],
        "Messages that a mailbox had taken and nobody handled";
    REACTIONS_SET_ASIDE: Counter in Count, "mercato_reactions_set_aside_total", [],
        "Events that triggers could not deal with and set aside";
    TRIGGER_LAG: Gauge in Count, "mercato_trigger_lag_records", ["trigger"],
        "Durable records that a trigger has not followed yet";
    TRIGGER_LETTERS: Gauge in Count, "mercato_trigger_dead_letters", ["trigger"],
        "Events that a trigger set aside and that stand aside";
    TREE_STATE: Gauge in Count, "mercato_tree_state", ["state"],
        "1 for the state that the supervision tree is in";
    DURABLE_WAIT: Histogram in Seconds, "mercato_durable_wait_seconds", [],
        "Time that answers waited until what they depend on was durable, where they had to";
    DURABLE_LAG: Gauge in Count, "mercato_durable_lag_records", [],
        "Records that are appended and not yet durable";
    JOURNAL_RECORDS: Counter in Count, "mercato_journal_records_total", [],
        "Records that are durable, over the life of the journal";
    JOURNAL_COMMIT: Histogram in Seconds, "mercato_journal_commit_seconds", [],
        "Time of the journal's commits, their sync included";
    JOURNAL_BATCH: Histogram in Count, "mercato_journal_commit_records", [],
        "Records that one commit made durable";
    JOURNAL_BYTES: Counter in Bytes, "mercato_journal_committed_bytes_total", [],
        "Bytes of records that were made durable";
    JOURNAL_FAILURES: Counter in Count, "mercato_journal_commits_failed_total", [],
        "Commits in which the disk failed";
    JOURNAL_READ_ONLY: Gauge in Count, "mercato_journal_read_only", [],
        "1 while the journal takes nothing because its disk failed";
    STORE_READ: Histogram in Seconds, "mercato_store_read_seconds", ["read"],
        "Time of reads of the journal: a stream, a snapshot, or the log in order";
    FLOWS: Counter in Count, "mercato_flows_total", ["event"],
        "What happened to flows";
    FLOW_UNDOS: Counter in Count, "mercato_flow_undos_total", ["outcome"],
        "Undos that ran, and that were left to people";
    FLOWS_RUNNING: Gauge in Count, "mercato_flows_running", [],
        "Flows on their way";
    FLOWS_WAITING: Gauge in Count, "mercato_flows_waiting_for_people", [],
        "Flows that stand on the work list";
    FLOW_TIME: Histogram in Seconds, "mercato_flow_seconds", ["flow", "outcome"],
        "Time from a flow's start to its end";
    PORT_CALL: Histogram in Seconds, "mercato_port_call_seconds", ["activity", "outcome"],
        "Time of calls to ports, all attempts and waits included";
    CALLS: Counter in Count, "mercato_calls_total", ["dependency"],
        "Calls that went through a policy";
    CALL_ATTEMPTS: Counter in Count, "mercato_call_attempts_total", ["dependency"],
        "Attempts of such calls";
    CALL_FAILURES: Counter in Count, "mercato_call_failures_total", ["dependency", "kind"],
        "Attempts that failed";
    CALL_ERRORS: Counter in Count, "mercato_call_errors_total", ["dependency", "kind"],
        "Calls that gave neither an answer nor a fallback";
    TOKENS_REFRESHED: Counter in Count, "mercato_tokens_refreshed_total", ["dependency"],
        "Tokens that were refreshed";
    CALL_FALLBACKS: Counter in Count, "mercato_call_fallbacks_total", ["dependency", "fallback"],
        "Calls that were answered by a fallback";
    CALL_RETRIES: Counter in Count, "mercato_call_retries_total", ["dependency", "allowed"],
        "Retries, and those that the budget did not allow";
    CALL_QUEUE: Gauge in Count, "mercato_call_queue_depth", ["dependency"],
        "Calls that wait for the rate limit";
    BREAKER_STATE: Gauge in Count, "mercato_breaker_state", ["dependency", "state"],
        "1 for the state that the circuit breaker is in";
    BREAKER_OPENED: Counter in Count, "mercato_breaker_opened_total", ["dependency"],
        "Times that the circuit breaker opened";
    BREAKER_REFUSED: Counter in Count, "mercato_breaker_refused_total", ["dependency"],
        "Calls that the circuit breaker refused";
    CACHE_LOOKUPS: Counter in Count, "mercato_cache_lookups_total", ["cache", "outcome"],
        "Look-ups in a cache: hits found a fresh answer";
    CACHE_LOADS: Counter in Count, "mercato_cache_loads_total", ["cache", "outcome"],
        "Answers that were loaded into a cache";
    CACHE_LOAD: Histogram in Seconds, "mercato_cache_load_seconds", ["cache", "outcome"],
        "Time of loading an answer into a cache: a query of what is behind it";
    CACHE_FORGOTTEN: Counter in Count, "mercato_cache_forgotten_total", ["cache", "reason"],
        "Answers that a cache let go of";
    CACHE_STALE: Counter in Count, "mercato_cache_stale_total", ["cache"],
        "Stale answers that stood in for better ones";
    CACHE_ENTRIES: Gauge in Count, "mercato_cache_entries", ["cache"],
        "Answers in a cache";
    CACHE_BYTES: Gauge in Bytes, "mercato_cache_bytes", ["cache"],
        "What a cache takes";
    TIMERS: Counter in Count, "mercato_timers_total", ["outcome"],
        "Timers that were due";
    SUBSCRIBER_LAG: Gauge in Count, "mercato_subscriber_lag_records", ["subscriber"],
        "Durable records behind a subscriber's cursor";
    SUBSCRIBER_LAG_AGE: Gauge in Seconds, "mercato_subscriber_lag_seconds", ["subscriber"],
        "How long the first of them has been there";
    DELIVERIES: Counter in Count, "mercato_deliveries_total", ["subscriber", "outcome"],
        "Events that were handed to subscribers";
    SUBSCRIBER_LETTERS: Gauge in Count, "mercato_subscriber_dead_letters", ["subscriber"],
        "Events that stand aside for a subscriber";
    SUBSCRIBERS_STOPPED: Gauge in Count, "mercato_subscribers_stopped", [],
        "Subscribers that cannot go on until they are attached again";
    TRIGGERS_STOPPED: Gauge in Count, "mercato_triggers_stopped", [],
        "Triggers that cannot go on until the next start";
    ALARM_RAISED: Gauge in Count, "mercato_alarm_raised", ["alarm"],
        "1 while the alarm is raised";
    ALARMS_RAISED: Counter in Count, "mercato_alarms_raised_total", ["alarm"],
        "Times that the alarm was raised";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a unit in a message that cannot be written into the settings so, and kinds that a message
    /// does not name.
    #[test]
    fn units_are_named_as_settings_name_them() {
        let (count, ratio, rate) = (Unit::Count, Unit::Ratio, Unit::PerSecond);
        for unit in [count, Unit::Seconds, Unit::Bytes, ratio, rate] {
            assert_eq!(serde_json::to_value(unit).expect("a word"), unit.name());
        }
        let kinds = [
            MetricKind::Counter,
            MetricKind::Gauge,
            MetricKind::Histogram,
        ];
        assert_eq!(
            kinds.map(MetricKind::name),
            ["counter", "gauge", "histogram"]
        );
    }

    /// Catches: two metrics of one name, a name against the conventions, a unit that its name does
    /// not tell, and a label that may not be one.
    #[test]
    fn names_follow_the_conventions() {
        let mut names = std::collections::BTreeSet::new();
        for metric in FAMILIES {
            assert!(names.insert(metric.name), "{} is there twice", metric.name);
            let plain = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            assert!(plain(metric.name) && metric.name.starts_with("mercato_"));
            assert!(
                metric
                    .labels
                    .iter()
                    .all(|label| plain(label) && *label != "le")
            );
            let counts = metric.kind == MetricKind::Counter;
            assert_eq!(metric.name.ends_with("_total"), counts, "{}", metric.name);
            let seconds = metric.name.ends_with("_seconds");
            assert_eq!(seconds, metric.unit == Unit::Seconds, "{}", metric.name);
            assert_eq!(metric.name.contains("bytes"), metric.unit == Unit::Bytes);
            assert!(!metric.help.ends_with('.'), "{}", metric.name);
            assert_eq!(family(metric.name), Some(*metric));
        }
    }
}
