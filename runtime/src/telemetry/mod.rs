//! What people see of a runtime: traces, metrics and alarms.
//!
//! | room | what |
//! |---|---|
//! | `trace` | the trace that something belongs to, and its way through the journal |
//! | `span` | the spans of a trace, as `tracing` spans |
//! | `timings` | durations by name and outcome, without a lock |
//! | `store` | a journal that measures its reads |
//! | `family` | the table of metrics |
//! | `snapshot`, `reader` | all metrics as values, read from where they are counted |
//! | `alarm` | alarms as data |
//! | `prometheus`, `otlp` | exporters, by feature |
//!
//! Nothing here is global: each runtime has its own. No key of an entity, no body and no text of an
//! error is in any of it, so that nobody's name can be.

mod alarm;
mod family;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(feature = "prometheus")]
mod prometheus;
mod reader;
mod snapshot;
mod span;
mod store;
mod timings;
mod trace;

use std::sync::Arc;

use mercato_persistence::Histogram;
use rand::RngCore;

use crate::entropy::Entropy;

pub use alarm::{
    Across, Alarm, AlarmChange, AlarmNotice, AlarmProblem, Alarms, Comparison, InvalidAlarms,
    Measure, Selector, Severity,
};
pub use family::{FAMILIES, Family, MetricKind, Unit};
#[cfg(feature = "otlp")]
pub use otlp::{InvalidOtlp, OtlpExporter, OtlpOptions, OtlpSpans, OtlpStats};
#[cfg(feature = "prometheus")]
pub use prometheus::PROMETHEUS_CONTENT_TYPE;
pub use reader::MetricsReader;
pub use snapshot::{FamilySamples, Metrics, Sample, SampleValue};
pub use span::SPANS;
pub use trace::{TraceContext, TraceparentError};

pub(crate) use alarm::{AlarmBoard, watch_alarms};
pub(crate) use reader::{OwnMetrics, Sources};
pub(crate) use span::Traced;
pub(crate) use store::{StoreReads, TimedJournal};
pub(crate) use timings::{Outcome, Timings};
pub(crate) use trace::port_span_of;

/// What one runtime measures beside what its parts count.
pub(crate) struct Telemetry {
    pub(crate) spans: span::Spans,
    /// How long answers waited until they were durable, where they had to.
    pub(crate) durable_wait: Histogram,
    pub(crate) store_reads: Arc<StoreReads>,
    /// Flows from start to end, by their names.
    pub(crate) flows: Timings,
    /// Calls to ports, by their activities.
    pub(crate) ports: Timings,
}

impl Telemetry {
    pub(crate) fn new(entropy: &Entropy, store_reads: Arc<StoreReads>) -> Self {
        Self {
            spans: span::Spans::new(entropy.fork("telemetry/spans").next_u64()),
            durable_wait: Histogram::of_durations(),
            store_reads,
            flows: Timings::default(),
            ports: Timings::default(),
        }
    }
}
