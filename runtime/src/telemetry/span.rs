//! The spans of a trace, as `tracing` spans.
//!
//! All have the target [`SPANS`] and the level `DEBUG`, so that one directive switches them on
//! (`mercato::trace=debug`) and a subscriber that wants the log alone does not pay for them. Their
//! fields are names that the code has, and numbers: no key of an entity, no body, nobody's name.
//!
//! A span has its ids as fields, in hexadecimal digits as in the header `traceparent`: `trace_id`,
//! `span_id` and `parent_id` (empty where it has none). `otel.kind` and `outcome` are what exporters
//! look at.

use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field::Empty;
use tracing::{Level, Span};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::trace::{TraceContext, run_span_of, span_of};
use crate::ids::CommandId;

/// The target of all spans.
pub const SPANS: &str = "mercato::trace";

/// A span, and the trace as it is seen from within.
pub(crate) struct Traced {
    pub(crate) span: Span,
    pub(crate) context: TraceContext,
}

impl Traced {
    /// Says how it went.
    pub(crate) fn ended(&self, outcome: &'static str) {
        self.span.record("outcome", outcome);
    }
}

/// Opens a span under `$parent`, where somebody is there to see it. `$id` is asked for only then.
macro_rules! open {
    ($parent:expr, $id:expr, $name:literal, $kind:literal $(, $field:ident = $value:expr)*) => {{
        let parent: TraceContext = $parent;
        if parent.is_sampled() && tracing::span_enabled!(target: SPANS, Level::DEBUG) {
            let id: u64 = $id;
            let span = tracing::debug_span!(
                target: SPANS,
                $name,
                trace_id = %format_args!("{:032x}", parent.trace_id()),
                span_id = %format_args!("{id:016x}"),
                parent_id = Empty,
                otel.kind = $kind,
                outcome = Empty
                $(, $field = $value)*
            );
            if parent.span_id() != 0 {
                let parent_id = format_args!("{:016x}", parent.span_id());
                span.record("parent_id", tracing::field::display(parent_id));
            }
            Traced { span, context: parent.within(id) }
        } else {
            Traced { span: Span::none(), context: parent }
        }
    }};
}

/// Opens the spans of one runtime, and draws their ids.
#[derive(Debug)]
pub(crate) struct Spans {
    seed: u64,
    drawn: AtomicU64,
}

impl Spans {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            drawn: AtomicU64::new(0),
        }
    }

    /// The next id. Only spans that somebody sees draw one, and nothing else depends on it.
    fn draw(&self) -> u64 {
        let nth = self.drawn.fetch_add(1, Ordering::Relaxed);
        xxh3_64_with_seed(&nth.to_le_bytes(), self.seed).max(1)
    }

    /// A request from outside: `ask` or `serve`.
    pub(crate) fn request(&self, parent: TraceContext, kind: &'static str) -> Traced {
        open!(parent, self.draw(), "request", "server", kind = kind)
    }

    /// A caller from outside that waits for a flow. The flow knows it after a crash too.
    pub(crate) fn run(&self, parent: TraceContext, call: CommandId, flow: &str) -> Traced {
        let traced = open!(
            parent,
            run_span_of(call),
            "request",
            "server",
            kind = "run",
            flow = flow
        );
        let context = traced.context.within(run_span_of(call));
        Traced { context, ..traced }
    }

    /// Whoever asks an agent, until the answer is there.
    pub(crate) fn ask(&self, parent: TraceContext, agent: &str, command: &str) -> Traced {
        open!(
            parent,
            self.draw(),
            "ask",
            "client",
            agent = agent,
            command = command
        )
    }

    /// A shard that handles a command. `is_first` where nothing was done under its id before.
    pub(crate) fn command(
        &self,
        parent: TraceContext,
        id: CommandId,
        is_first: impl FnOnce() -> bool,
        (agent, command, attempt): (&str, &str, u32),
    ) -> Traced {
        let span_id = || {
            if is_first() { span_of(id) } else { self.draw() }
        };
        open!(
            parent,
            span_id(),
            "command",
            "server",
            agent = agent,
            command = command,
            attempt = attempt
        )
    }

    /// One run of a flow's function, from what the journal knows to its end or the next obstacle.
    pub(crate) fn flow(&self, parent: TraceContext, flow: &str) -> Traced {
        open!(parent, self.draw(), "flow", "internal", flow = flow)
    }

    /// A step of a flow.
    pub(crate) fn step(&self, parent: TraceContext, step: &str) -> Traced {
        let step = of_code(step);
        open!(parent, self.draw(), "step", "internal", step = step)
    }

    /// What undoes a step.
    pub(crate) fn undo(&self, parent: TraceContext, step: &str) -> Traced {
        let step = of_code(step);
        open!(parent, self.draw(), "undo", "internal", step = step)
    }

    /// A call to a port, with all its attempts. Its id is sent along, also where nobody sees the
    /// span: then it is `id`.
    pub(crate) fn port(&self, parent: TraceContext, id: u64, activity: &str) -> Traced {
        let traced = open!(parent, self.draw(), "port", "client", activity = activity);
        if traced.span.is_disabled() {
            let context = parent.within(id);
            return Traced { context, ..traced };
        }
        traced
    }

    /// What an event starts by a rule.
    pub(crate) fn trigger(&self, parent: TraceContext, trigger: &str) -> Traced {
        open!(
            parent,
            self.draw(),
            "trigger",
            "consumer",
            trigger = trigger
        )
    }

    /// The command of a timer that is due.
    pub(crate) fn timer(&self, parent: TraceContext, agent: &str) -> Traced {
        open!(parent, self.draw(), "timer", "consumer", agent = agent)
    }

    /// An event that is handed to a subscriber.
    pub(crate) fn delivery(
        &self,
        parent: TraceContext,
        (subscriber, event, attempt): (&str, &str, u32),
    ) -> Traced {
        open!(
            parent,
            self.draw(),
            "delivery",
            "consumer",
            subscriber = subscriber,
            event = event,
            attempt = attempt
        )
    }
}

/// What the code says of a step's name: what stands before the first `/`. Behind it flows put what a
/// step is about, such as a SKU.
fn of_code(step: &str) -> &str {
    step.split(['/', '#']).next().unwrap_or(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a span that says what a step is about, or nothing of what it is.
    #[test]
    fn a_step_is_called_what_the_code_calls_it() {
        for step in ["hold", "hold/tea-7", "hold#failed", "hold/tea#7/x"] {
            assert_eq!(of_code(step), "hold");
        }
    }
}
