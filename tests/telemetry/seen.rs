//! Everything that a subscriber of `tracing` is told, on this thread.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// A span: its name and its fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct Span {
    pub(crate) name: &'static str,
    pub(crate) fields: BTreeMap<&'static str, String>,
}

impl Span {
    /// A field; empty where the span has none of that name.
    pub(crate) fn get(&self, field: &str) -> &str {
        self.fields.get(field).map_or("", |value| value)
    }
}

#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    spans: Vec<Span>,
    lines: Vec<String>,
}

impl Seen {
    /// Looks at everything from now on, until the guard is dropped.
    pub(crate) fn watch() -> (Self, DefaultGuard) {
        let seen = Self::default();
        let subscriber = tracing_subscriber::registry().with(seen.clone());
        (seen, tracing::subscriber::set_default(subscriber))
    }

    /// All spans so far, in the order in which they began.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.0.lock().expect("a lock").spans.clone()
    }

    /// Those of traces.
    pub(crate) fn of_traces(&self) -> Vec<Span> {
        let spans = self.spans().into_iter();
        spans
            .filter(|it| it.fields.contains_key("trace_id"))
            .collect()
    }

    /// All lines of the log, of every level.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().expect("a lock").lines.clone()
    }
}

/// Which of the spans it is.
struct Number(usize);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut span = Span {
            name: attributes.metadata().name(),
            ..Span::default()
        };
        attributes.record(&mut Fields(&mut span.fields));
        let mut told = self.0.lock().expect("a lock");
        let number = Number(told.spans.len());
        told.spans.push(span);
        let found = context.span(id).expect("a span");
        found.extensions_mut().insert(number);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let found = context.span(id).expect("a span");
        let number = found.extensions().get::<Number>().expect("its number").0;
        let mut told = self.0.lock().expect("a lock");
        values.record(&mut Fields(&mut told.spans[number].fields));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = BTreeMap::new();
        event.record(&mut Fields(&mut fields));
        let mut line = event.metadata().level().to_string();
        for (name, value) in fields {
            write!(line, " {name}={value}").expect("a string takes all");
        }
        self.0.lock().expect("a lock").lines.push(line);
    }
}

struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}
