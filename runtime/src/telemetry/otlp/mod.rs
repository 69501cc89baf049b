//! Traces and metrics for a collector, over OTLP (the OpenTelemetry protocol) as protobuf over HTTP.
//!
//! The messages are those of the OpenTelemetry project (`opentelemetry-proto`). Its SDK is not used:
//! that has ids, times and registries of its own, and ours are the runtime's. A request to the
//! collector goes through the policy of the port `otlp`, like any other call to the outside.
//!
//! | room | what |
//! |---|---|
//! | `spans` | gathers the spans that end, as a layer of `tracing-subscriber` |
//! | `encode` | spans and metrics as messages |
//! | `client` | one request |

mod client;
mod encode;
mod spans;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::client::Collector;
use super::reader::MetricsReader;
use crate::clock::Clock;
use crate::handle::Handle;
use crate::policy::{Dependency, Guard, Repeat, Request};
use crate::runtime::Runtime;
use crate::stats::Counter;

pub use spans::OtlpSpans;

/// The longest that one request may take, with all that the policy does about it.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);

/// Where traces and metrics go, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OtlpOptions {
    /// The collector, without a path: `/v1/traces` and `/v1/metrics` are put behind it. Plain HTTP
    /// alone: a collector stands beside the process, and takes what is sent over the network from
    /// there. Default `http://127.0.0.1:4318`.
    pub endpoint: String,
    /// The name under which the process is shown. 1 to 128 bytes; default `mercato`.
    pub service: String,
    /// How often both are sent, in milliseconds. 100 to 3,600,000; default 10,000.
    pub every_ms: u64,
    /// The most spans in one request. 1 to 65,536; default 512.
    pub spans_per_request_max: usize,
    /// How long what waits may take to be sent when the exporter stops, in milliseconds. 1 to
    /// 60,000; default 5,000.
    pub last_ms: u64,
}

impl Default for OtlpOptions {
    fn default() -> Self {
        Self {
            endpoint: "http://127.0.0.1:4318".into(),
            service: "mercato".into(),
            every_ms: 10_000,
            spans_per_request_max: 512,
            last_ms: 5_000,
        }
    }
}

/// Options that cannot be used, with everything that is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidOtlp {
    /// Never empty: what is wrong, and how to mend it.
    pub problems: Vec<String>,
}

impl fmt::Display for InvalidOtlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the OTLP options have {} mistakes", self.problems.len())?;
        let mut problems = self.problems.iter();
        problems.try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl OtlpOptions {
    /// Everything that is wrong with them; empty where nothing is.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Err(problem) = Collector::at(&self.endpoint) {
            problems.push(format!("endpoint is {:?}: {problem}", self.endpoint));
        }
        if !(1..=128).contains(&self.service.len()) {
            let bytes = self.service.len();
            problems.push(format!("service has {bytes} bytes: choose 1 to 128"));
        }
        for (name, found, min, max) in [
            ("every_ms", self.every_ms, 100, 3_600_000),
            (
                "spans_per_request_max",
                self.spans_per_request_max as u64,
                1,
                65_536,
            ),
            ("last_ms", self.last_ms, 1, 60_000),
        ] {
            if !(min..=max).contains(&found) {
                problems.push(format!("{name} is {found}: choose {min} to {max}"));
            }
        }
        problems
    }
}

#[derive(Debug, Default)]
struct Counters {
    spans_sent: Counter,
    spans_lost: Counter,
    metrics_sent: Counter,
    failed: Counter,
}

/// What an exporter has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtlpStats {
    /// Spans that the collector took.
    pub spans_sent: u64,
    /// Spans that it did not take, or that found no room to wait in.
    pub spans_lost: u64,
    /// Times that it took all metrics.
    pub metrics_sent: u64,
    /// Requests that failed, after all that the policy does about it.
    pub failed: u64,
}

/// Sends traces and metrics to a collector until it is stopped. Needs the feature `otlp`.
///
/// ```no_run
/// # async fn example(runtime: mercato_runtime::Runtime) -> Result<(), Box<dyn std::error::Error>> {
/// use mercato_runtime::{OtlpExporter, OtlpOptions, OtlpSpans};
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let spans = OtlpSpans::new(runtime.handle().clock(), 8_192);
/// let subscriber = tracing_subscriber::registry().with(spans.layer());
/// # let _ = subscriber;
/// // Made the subscriber of the process here, with whatever else it is to do.
/// let exporter = OtlpExporter::start(&runtime, OtlpOptions::default(), Some(spans))?;
/// // ...
/// exporter.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct OtlpExporter {
    stopping: watch::Sender<bool>,
    task: JoinHandle<()>,
    counters: Arc<Counters>,
    spans: Option<OtlpSpans>,
}

impl OtlpExporter {
    /// Begins to send. Without `spans` the metrics go alone.
    ///
    /// # Errors
    /// With everything that is wrong with the options.
    pub fn start(
        runtime: &Runtime,
        options: OtlpOptions,
        spans: Option<OtlpSpans>,
    ) -> Result<Self, InvalidOtlp> {
        let problems = options.problems();
        let collector = match Collector::at(&options.endpoint) {
            Ok(collector) if problems.is_empty() => collector,
            _ => return Err(InvalidOtlp { problems }),
        };
        let stopping = watch::Sender::new(false);
        let counters = Arc::new(Counters::default());
        let handle = runtime.handle();
        let work = Work {
            options,
            collector,
            spans: spans.clone(),
            reader: runtime.metrics_reader(),
            guard: guard(&handle),
            clock: handle.clock(),
            counters: counters.clone(),
        };
        let task = tokio::spawn(work.run(stopping.subscribe()));
        Ok(Self {
            stopping,
            task,
            counters,
            spans,
        })
    }

    /// What it has done.
    #[must_use]
    pub fn stats(&self) -> OtlpStats {
        let counters = &self.counters;
        let no_room = self.spans.as_ref().map_or(0, OtlpSpans::lost);
        OtlpStats {
            spans_sent: counters.spans_sent.get(),
            spans_lost: counters.spans_lost.get() + no_room,
            metrics_sent: counters.metrics_sent.get(),
            failed: counters.failed.get(),
        }
    }

    /// Sends what waits, and stops.
    pub async fn stop(self) {
        self.stopping.send_replace(true);
        // A task that panicked has nothing left to send.
        let _ = self.task.await;
    }
}

fn guard(handle: &Handle) -> Arc<Guard> {
    handle.guard(Dependency::Port("otlp"))
}

struct Work {
    options: OtlpOptions,
    collector: Collector,
    spans: Option<OtlpSpans>,
    reader: MetricsReader,
    guard: Arc<Guard>,
    clock: Clock,
    counters: Arc<Counters>,
}

impl Work {
    async fn run(self, mut stopping: watch::Receiver<bool>) {
        let every = Duration::from_millis(self.options.every_ms);
        loop {
            let next = self.clock.now().plus(every);
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => break,
                () = self.clock.sleep_until(next) => {}
            }
            let mut sending = std::pin::pin!(self.send_all());
            let stopped = tokio::select! {
                biased;
                () = &mut sending => false,
                _ = stopping.wait_for(|stopping| *stopping) => true,
            };
            if stopped {
                self.in_time(sending).await;
                return;
            }
        }
        self.in_time(self.send_all()).await;
    }

    /// Lets something go on for as long as the last requests may take: a collector that is away must
    /// not keep the exporter from stopping.
    async fn in_time(&self, sending: impl Future<Output = ()>) {
        let last = Duration::from_millis(self.options.last_ms);
        let until = self.clock.instant_of(self.clock.now().plus(last));
        if tokio::time::timeout_at(until, sending).await.is_err() {
            tracing::warn!("the collector did not take what was left in time");
        }
    }

    async fn send_all(&self) {
        if let Some(spans) = &self.spans {
            // No more rounds than it takes to send what waits now: others go on adding to it.
            let rounds = spans.waiting().div_ceil(self.options.spans_per_request_max);
            for _ in 0..rounds {
                let batch = spans.take(self.options.spans_per_request_max);
                let count = batch.len();
                let body = encode::traces(&self.options.service, batch);
                let counter = match self.send("/v1/traces", body).await {
                    true => &self.counters.spans_sent,
                    false => &self.counters.spans_lost,
                };
                (0..count).for_each(|_| counter.add());
            }
        }
        let body = encode::metrics(&self.options.service, &self.reader.read());
        if self.send("/v1/metrics", body).await {
            self.counters.metrics_sent.add();
        }
    }

    /// Whether the collector took it. What went wrong is logged and counted by the guard.
    async fn send(&self, path: &'static str, body: Vec<u8>) -> bool {
        let deadline = self.clock.now().plus(REQUEST_TIME_MAX);
        let body = Bytes::from(body);
        let request = Request::new(Repeat::Safe, deadline);
        let post = |_| self.collector.post(path, body.clone());
        let sent = self.guard.call(request, post);
        let took = sent.await.is_ok();
        if !took {
            self.counters.failed.add();
        }
        took
    }
}
