//! One trace over everything that follows from one thing.

use std::collections::BTreeSet;
use std::time::Duration;

use mercato::persistence::Position;
use mercato::{SPANS, TraceContext};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{add, file, memory, read, virtual_runtime};
use crate::telemetry::desk::{Outside, fund, patient, run, subscribe, with_desk};
use crate::telemetry::seen::{Seen, Span};

const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn context() -> TraceContext {
    HEADER.parse().expect("a valid header")
}

/// The spans of the trace.
fn of_trace(seen: &Seen) -> Vec<Span> {
    let spans = seen.spans().into_iter();
    spans.filter(|span| span.get("trace_id") == TRACE).collect()
}

/// Every span but the first hangs on another one of the same trace.
fn hangs_together(spans: &[Span]) {
    let ids: BTreeSet<_> = spans.iter().map(|span| span.get("span_id")).collect();
    assert_eq!(ids.len(), spans.len(), "two spans have one id: {spans:#?}");
    for span in spans {
        let parent = span.get("parent_id");
        let known = parent == PARENT || ids.contains(parent);
        assert!(known, "nobody is the parent of {span:#?}");
    }
}

/// Catches: a trace that ends where a flow, a step, an undo, a port, a rule or a subscriber begins,
/// and a span that hangs on nothing.
#[tokio::test(start_paused = true)]
async fn one_trace_goes_through_agents_flows_ports_rules_and_subscribers() {
    let (seen, _guard) = Seen::watch();
    let outside = Outside::default();
    let runtime = with_desk(virtual_runtime(memory()), &outside);
    let runtime = runtime.start().await.expect("it starts");
    subscribe(&runtime, &outside).await;
    fund(&runtime).await;
    let caller = patient().traced(context());
    let moved = run(&runtime, &caller, "m-1", "to").await;
    assert_eq!(moved.expect("it ends well"), 1);
    let failed = run(&runtime, &caller, "m-2", "nowhere").await;
    failed.expect_err("there is no such counter");
    let served = runtime
        .handle()
        .serve(&caller, async |scope| scope.ask(read("to")).await)
        .await;
    assert_eq!(served.expect("an answer"), 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    runtime.stop().await.expect("it stops");

    let spans = of_trace(&seen);
    hangs_together(&spans);
    let names: BTreeSet<_> = spans.iter().map(|span| span.name).collect();
    let expected = [
        "ask", "command", "delivery", "flow", "port", "request", "step", "trigger", "undo",
    ];
    assert_eq!(names, expected.into());
    let steps = spans.iter().filter(|span| span.name == "step");
    let steps: BTreeSet<_> = steps.map(|span| span.get("step")).collect();
    assert_eq!(steps, ["give", "look", "pay", "take"].into());
    let rule = spans.iter().find(|span| span.name == "trigger");
    let rule = rule.expect("it was followed").get("span_id");
    let follows = |span: &Span| span.name == "ask" && span.get("parent_id") == rule;
    assert_eq!(spans.iter().filter(|it| follows(it)).count(), 1);
    // The rule's command is in it too, and what the rule's command did is told with it.
    let told = outside.told();
    for key in ["to", "log"] {
        let of_key: Vec<_> = told.iter().filter(|(it, _)| it == key).collect();
        assert_eq!(of_key.len(), 1, "{told:?}");
        assert_eq!(of_key[0].1.trace_id(), context().trace_id(), "{key}");
    }
    let sent = outside.paid();
    assert_eq!(sent.len(), 2);
    let ports = spans.iter().filter(|span| span.name == "port");
    let of_ports: Vec<_> = ports.map(|span| span.get("span_id")).collect();
    for (sent, id) in sent.iter().zip(of_ports) {
        assert_eq!(sent.to_string(), format!("00-{TRACE}-{id}-01"));
    }
    // What is another request's is another trace's.
    let funding = told
        .iter()
        .find(|(_, it)| it.trace_id() != context().trace_id());
    assert_eq!(funding.expect("the first one").0, "from");
}

/// Catches: a flow that goes on in another trace after a crash, and what follows from its events
/// then, with or without somebody to see its spans before.
#[tokio::test(start_paused = true)]
async fn a_trace_goes_on_after_the_process_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.redb");
    let outside = Outside::default();
    let runtime = with_desk(virtual_runtime(file(&path)), &outside);
    let runtime = runtime.start().await.expect("it starts");
    fund(&runtime).await;
    let caller = patient().traced(context());
    let left = run(&runtime, &caller, "m-1", "to");
    let left = tokio::time::timeout(Duration::from_millis(250), left).await;
    assert!(left.is_err(), "the port has not answered yet");
    runtime.stop().await.expect("it stops");
    assert_eq!(outside.paid(), []);

    let (seen, _guard) = Seen::watch();
    let runtime = with_desk(virtual_runtime(file(&path)), &outside);
    let runtime = runtime.start().await.expect("it starts");
    subscribe(&runtime, &outside).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    runtime.stop().await.expect("it stops");
    let sent = outside.paid();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].trace_id(), context().trace_id());
    let told = outside.told();
    let log = told.iter().find(|(key, _)| key == "log");
    let log = log.expect("the rule was followed").1;
    assert_eq!(log.trace_id(), context().trace_id());
    let spans = of_trace(&seen);
    let count = |name| spans.iter().filter(|span| span.name == name).count();
    assert_eq!((count("flow"), count("port"), count("trigger")), (1, 1, 1));
    // Repeating a step that was taken is a span too, and not the one that it was.
    let ids: BTreeSet<_> = spans.iter().map(|span| span.get("span_id")).collect();
    assert_eq!(ids.len(), spans.len());
}

/// Catches: spans of what its sender does not record, and a trace that is lost with them.
#[tokio::test(start_paused = true)]
async fn what_nobody_records_has_its_trace_and_no_spans() {
    let (seen, _guard) = Seen::watch();
    let outside = Outside::default();
    let runtime = with_desk(virtual_runtime(memory()), &outside);
    let runtime = runtime.start().await.expect("it starts");
    subscribe(&runtime, &outside).await;
    fund(&runtime).await;
    let unrecorded = HEADER.replace("-01", "-00").parse().expect("valid");
    let caller = patient().traced(unrecorded);
    let moved = run(&runtime, &caller, "m-1", "to").await;
    moved.expect("it ends well");
    tokio::time::sleep(Duration::from_secs(1)).await;
    runtime.stop().await.expect("it stops");
    assert_eq!(of_trace(&seen).len(), 0);
    let sent = outside.paid();
    assert_eq!(sent[0].trace_id(), unrecorded.trace_id());
    assert_ne!(sent[0].span_id(), 0, "it would be no valid header");
    let log = outside.told().into_iter().find(|(key, _)| key == "log");
    let log = log.expect("the rule was followed").1;
    assert_eq!(log.trace_id(), unrecorded.trace_id());
    assert!(!log.is_sampled());
}

/// Catches: a command that begins no trace of its own, and one whose id is not the command's.
#[tokio::test(start_paused = true)]
async fn a_command_begins_a_trace_that_its_callers_key_finds_again() {
    let (seen, _guard) = Seen::watch();
    let outside = Outside::default();
    let runtime = with_desk(virtual_runtime(memory()), &outside);
    let runtime = runtime.start().await.expect("it starts");
    subscribe(&runtime, &outside).await;
    let id = mercato::CommandId::from_key("cart-9");
    for _ in 0..2 {
        let caller = patient().keyed(id);
        let added = runtime.handle().ask(&caller, add("a", 5)).await;
        assert_eq!(added.expect("an answer"), 5);
    }
    let look = mercato::CommandId::from_key("look");
    for _ in 0..2 {
        let caller = patient().keyed(look);
        let seen = runtime.handle().ask(&caller, read("a")).await;
        assert_eq!(seen.expect("an answer"), 5);
    }
    let trace = runtime.handle().new_trace();
    let caller = patient().traced(trace);
    let added = runtime.handle().ask(&caller, add("b", 1)).await;
    added.expect("an answer");
    tokio::time::sleep(Duration::from_secs(1)).await;
    runtime.stop().await.expect("it stops");
    let told = outside.told();
    let traces: Vec<_> = told.iter().map(|(_, it)| it.trace_id()).collect();
    assert_eq!(traces, [id.as_uuid().as_u128(), trace.trace_id()]);
    // Two requests, two asks, two times that the shard had it in hand; and of the write one delivery.
    for (id, spans) in [(id, 7), (look, 6)] {
        let digits = format!("{:032x}", id.as_uuid().as_u128());
        let of_key = seen.spans().into_iter();
        let of_key: Vec<_> = of_key.filter(|it| it.get("trace_id") == digits).collect();
        let ids: BTreeSet<_> = of_key.iter().map(|span| span.get("span_id")).collect();
        assert_eq!((of_key.len(), ids.len()), (spans, spans));
    }
}

/// Catches: a run that goes otherwise because somebody looks.
#[tokio::test(start_paused = true)]
async fn looking_at_a_run_does_not_change_it() {
    let mut journals = Vec::new();
    for is_seen in [false, true] {
        let watching = is_seen.then(Seen::watch);
        let outside = Outside::default();
        let journal = memory();
        let runtime = with_desk(virtual_runtime(journal.clone()), &outside);
        let runtime = runtime.start().await.expect("it starts");
        fund(&runtime).await;
        for (id, to) in [("m-1", "to"), ("m-2", "nowhere")] {
            let caller = patient().traced(context());
            let _ = run(&runtime, &caller, id, to).await;
            let _ = run(&runtime, &patient(), &format!("{id}-other"), to).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        journals.push(journal.read(Position::START, usize::MAX).expect("it reads"));
        runtime.stop().await.expect("it stops");
        let spans = watching.map_or(0, |(seen, _guard)| seen.of_traces().len());
        assert_eq!(spans > 0, is_seen);
    }
    assert!(journals[0].len() > 10);
    assert_eq!(journals[0], journals[1]);
}

/// Catches: spans that whoever wants the log alone pays for.
#[tokio::test(start_paused = true)]
async fn who_wants_the_log_alone_gets_no_spans() {
    let seen = Seen::default();
    let log = seen.clone().with_filter(LevelFilter::INFO);
    let subscriber = tracing_subscriber::registry().with(log);
    let _guard = tracing::subscriber::set_default(subscriber);
    let outside = Outside::default();
    let runtime = with_desk(virtual_runtime(memory()), &outside);
    let runtime = runtime.start().await.expect("it starts");
    fund(&runtime).await;
    let moved = run(&runtime, &patient(), "m-1", "to").await;
    moved.expect("it ends well");
    runtime.stop().await.expect("it stops");
    assert_eq!(seen.of_traces().len(), 0);
    assert_eq!(
        SPANS, "mercato::trace",
        "the directive that the documents name"
    );
}
