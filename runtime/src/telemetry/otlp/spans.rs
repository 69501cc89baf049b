//! Gathers the spans that end until they are sent.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;
use crate::stats::Counter;
use crate::telemetry::span::SPANS;

/// Spans that have ended and wait to be sent. Cheap to clone: its [`layer`](Self::layer) fills it,
/// and an [`OtlpExporter`](crate::OtlpExporter) empties it.
#[derive(Clone)]
pub struct OtlpSpans {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    waiting_max: usize,
    waiting: Mutex<VecDeque<Finished>>,
    lost: Counter,
}

/// A span that has ended, or is about to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Finished {
    pub(super) name: &'static str,
    pub(super) trace_id: u128,
    pub(super) span_id: u64,
    pub(super) parent_id: u64,
    pub(super) kind: String,
    pub(super) outcome: String,
    pub(super) fields: Vec<(&'static str, Value)>,
    pub(super) began_ns: u64,
    pub(super) ended_ns: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
}

impl OtlpSpans {
    /// Nothing yet. Times are read from the clock, which is the runtime's; no more than
    /// `waiting_max` spans wait to be sent, and those beyond are lost, and counted.
    #[must_use]
    pub fn new(clock: Clock, waiting_max: usize) -> Self {
        Self {
            inner: Arc::new(Inner {
                clock,
                waiting_max,
                waiting: Mutex::default(),
                lost: Counter::default(),
            }),
        }
    }

    /// What puts the spans of traces here: a layer that sees nothing else, whatever the other layers
    /// beside it see.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let ours = |metadata: &Metadata<'_>| metadata.is_span() && metadata.target() == SPANS;
        let filter = filter_fn(ours).with_max_level_hint(Level::DEBUG);
        Gathering(self.clone()).with_filter(filter)
    }

    /// How many wait to be sent.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inner.waiting.lock().len()
    }

    pub(super) fn lost(&self) -> u64 {
        self.inner.lost.get()
    }

    /// Up to `most` of those that wait, the oldest first.
    pub(super) fn take(&self, most: usize) -> Vec<Finished> {
        let mut waiting = self.inner.waiting.lock();
        let count = waiting.len().min(most);
        waiting.drain(..count).collect()
    }

    fn put(&self, finished: Finished) {
        let mut waiting = self.inner.waiting.lock();
        if waiting.len() < self.inner.waiting_max {
            waiting.push_back(finished);
        } else {
            self.inner.lost.add();
        }
    }
}

impl fmt::Debug for OtlpSpans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpSpans")
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

struct Gathering(OtlpSpans);

impl<S> Layer<S> for Gathering
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut begun = Finished {
            name: attributes.metadata().name(),
            began_ns: self.0.inner.clock.unix_nanos(),
            ..Finished::default()
        };
        attributes.record(&mut begun);
        span.extensions_mut().insert(begun);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(begun) = span.extensions_mut().get_mut::<Finished>() {
            values.record(begun);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else {
            return;
        };
        let begun = span.extensions_mut().remove::<Finished>();
        if let Some(begun) = begun {
            self.0.put(Finished {
                ended_ns: self.0.inner.clock.unix_nanos(),
                ..begun
            });
        }
    }
}

impl Visit for Finished {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field.name(), &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        let number = i64::try_from(value).unwrap_or(i64::MAX);
        self.fields.push((field.name(), Value::Number(number)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.fields.push((field.name(), Value::Number(value)));
    }
}

impl Finished {
    fn text(&mut self, name: &'static str, value: &str) {
        let short = || u64::from_str_radix(value, 16).unwrap_or(0);
        match name {
            "trace_id" => self.trace_id = u128::from_str_radix(value, 16).unwrap_or(0),
            "span_id" => self.span_id = short(),
            "parent_id" => self.parent_id = short(),
            "otel.kind" => self.kind = value.to_owned(),
            "outcome" => self.outcome = value.to_owned(),
            name => self.fields.push((name, Value::Text(value.to_owned()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::clock::Timestamp;

    /// Catches: spans of others among those that are sent, and a number that is lost because it may be below
    /// zero.
    #[test]
    fn spans_of_traces_are_gathered_with_their_numbers_and_no_others() {
        let spans = OtlpSpans::new(Clock::starting_at(Timestamp::from_millis(0)), 8);
        let subscriber = tracing_subscriber::registry().with(spans.layer());
        tracing::subscriber::with_default(subscriber, || {
            drop(tracing::debug_span!(target: "elsewhere", "request"));
            let span = tracing::debug_span!(target: SPANS, "ask", below = -5_i64, above = 5_u64);
            drop(span);
        });
        let gathered = spans.take(8);
        assert_eq!(gathered.len(), 1, "{gathered:?}");
        let numbers = [("below", -5), ("above", 5)];
        let numbers = numbers.map(|(name, number)| (name, Value::Number(number)));
        assert_eq!(
            (gathered[0].name, &gathered[0].fields[..]),
            ("ask", &numbers[..])
        );
    }
}
