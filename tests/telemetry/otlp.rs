//! What a collector is sent. On the machine's clock, since sockets know no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mercato::persistence::{JournalOptions, RedbJournal, WriterPlace};
use mercato::{Entropy, FAMILIES, OtlpExporter, OtlpOptions, OtlpSpans, Runtime, TraceContext};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{Counters, add};

/// The longest request that the collector takes.
const REQUEST_BYTES_MAX: usize = 4 << 20;
/// No test waits longer.
const LONG: Duration = Duration::from_secs(30);

/// A collector on loopback: what it is sent, as paths and bodies.
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    pub(crate) requests: mpsc::Receiver<(String, Vec<u8>)>,
}

impl Collector {
    /// A collector that answers the first `refusals` requests with status 503.
    pub(crate) async fn start(refusals: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (sender, requests) = mpsc::channel(1_024);
        let refusals = Arc::new(AtomicU32::new(refusals));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, sender.clone(), refusals.clone()));
            }
        });
        Self {
            endpoint: format!("http://{address}"),
            requests,
        }
    }

    /// The next body that is sent to this path.
    pub(crate) async fn next(&mut self, path: &str) -> Vec<u8> {
        let found = async {
            loop {
                let (to, body) = self.requests.recv().await.expect("the collector listens");
                if to == path {
                    return body;
                }
            }
        };
        tokio::time::timeout(LONG, found).await.expect("a request")
    }
}

async fn serve(
    stream: TcpStream,
    sender: mpsc::Sender<(String, Vec<u8>)>,
    refusals: Arc<AtomicU32>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut first = String::new();
        stream.read_line(&mut first).await.ok()?;
        let path = first.split(' ').nth(1)?.to_owned();
        let mut length = 0;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.ok()?;
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(found) = line.strip_prefix("content-length:") {
                length = found.trim().parse().ok()?;
            }
            if let Some(found) = line.strip_prefix("content-type:") {
                assert_eq!(found.trim(), "application/x-protobuf");
            }
        }
        assert!(length <= REQUEST_BYTES_MAX);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        let left =
            refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |it| it.checked_sub(1));
        let status = match left {
            Ok(_) => "503 Service Unavailable",
            Err(_) => {
                sender.send((path, body)).await.ok()?;
                "200 OK"
            }
        };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

async fn start() -> Runtime {
    let journal = RedbJournal::in_memory(JournalOptions::default(), WriterPlace::Thread);
    let builder = Runtime::builder(Arc::new(journal.expect("a journal")));
    let builder = builder
        .entropy(Entropy::seeded(7))
        .agent(Counters::default());
    builder.start().await.expect("it starts")
}

fn options(endpoint: &str) -> OtlpOptions {
    OtlpOptions {
        endpoint: endpoint.into(),
        service: "the shop".into(),
        every_ms: 100,
        ..OtlpOptions::default()
    }
}

fn caller() -> mercato::Caller {
    mercato::Caller::system().within(LONG)
}

pub(crate) fn spans_of(body: &[u8]) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(body).expect("a message");
    let of_resources = request.resource_spans.into_iter();
    let of_scopes = of_resources.flat_map(|it| it.scope_spans);
    of_scopes.flat_map(|it| it.spans).collect()
}

fn metrics_of(body: &[u8]) -> Vec<Metric> {
    let request = ExportMetricsServiceRequest::decode(body).expect("a message");
    let resource = request.resource_metrics[0].resource.as_ref();
    let service = &resource.expect("a resource").attributes[0];
    assert_eq!(service.key, "service.name");
    assert!(format!("{:?}", service.value).contains("the shop"));
    let of_resources = request.resource_metrics.into_iter();
    let of_scopes = of_resources.flat_map(|it| it.scope_metrics);
    of_scopes.flat_map(|it| it.metrics).collect()
}

/// The scopes of a request, which say who measured, and in which version.
fn scopes_of(spans: &[u8], metrics: &[u8]) -> Vec<(String, String)> {
    let spans = ExportTraceServiceRequest::decode(spans).expect("a message");
    let metrics = ExportMetricsServiceRequest::decode(metrics).expect("a message");
    let of_spans = spans.resource_spans.into_iter();
    let of_spans = of_spans.flat_map(|it| it.scope_spans).map(|it| it.scope);
    let of_metrics = metrics.resource_metrics.into_iter();
    let of_metrics = of_metrics
        .flat_map(|it| it.scope_metrics)
        .map(|it| it.scope);
    let scopes = of_spans.chain(of_metrics).flatten();
    scopes.map(|it| (it.name, it.version)).collect()
}

/// Catches: ids in the wrong order of bytes, a parent that is lost, spans of others or of another kind or
/// status, times that are no times, and metrics under another name, unit, type, label or description.
#[tokio::test]
async fn a_collector_gets_the_trace_and_the_metrics() {
    let mut collector = Collector::start(0).await;
    let runtime = start().await;
    let spans = OtlpSpans::new(runtime.handle().clock(), 1_000);
    let subscriber = tracing_subscriber::registry().with(spans.layer());
    let _guard = tracing::subscriber::set_default(subscriber);
    let trace: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        .parse()
        .expect("valid");
    let foreign = tracing::info_span!("somebody else's");
    let added = foreign.in_scope(|| async {
        runtime
            .handle()
            .ask(&caller().traced(trace), add("a", 1))
            .await
    });
    added.await.expect("an answer");
    drop(foreign);
    let late = caller().traced(trace).within(Duration::ZERO);
    let late = runtime.handle().ask(&late, add("a", 1)).await;
    late.expect_err("there is no time");
    let exporter = OtlpExporter::start(&runtime, options(&collector.endpoint), Some(spans));
    let exporter = exporter.expect("valid options");

    let traces = collector.next("/v1/traces").await;
    let sent = spans_of(&traces);
    let names: Vec<_> = sent.iter().map(|span| &*span.name).collect();
    assert_eq!(names[..3], ["command", "ask", "request"]);
    let kinds: Vec<_> = sent[..3].iter().map(|span| span.kind()).collect();
    assert_eq!(
        kinds,
        [SpanKind::Server, SpanKind::Client, SpanKind::Server]
    );
    let code = |span: &Span| span.status.as_ref().expect("a status").code();
    assert_eq!(code(&sent[1]), StatusCode::Unset);
    let expired = sent[3..]
        .iter()
        .filter(|span| code(span) == StatusCode::Error);
    assert!(expired.count() > 0, "{sent:?}");
    let parents = [
        &sent[1].span_id[..],
        &sent[2].span_id[..],
        &0x00f0_67aa_0ba9_02b7_u64.to_be_bytes()[..],
    ];
    for (span, parent) in sent.iter().zip(parents) {
        assert_eq!(span.flags, 1, "sampled");
        assert_eq!(span.trace_id, trace.trace_id().to_be_bytes());
        assert_eq!(span.parent_span_id, parent);
        assert!(span.start_time_unix_nano > 1_500_000_000_000_000_000);
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
    }
    let attributes = format!("{:?}", sent[1].attributes);
    for value in [
        "mercato.agent",
        "counters",
        "mercato.command",
        "Add",
        "answered",
    ] {
        assert!(attributes.contains(value), "{attributes}");
    }

    let attempt = sent[0]
        .attributes
        .iter()
        .find(|it| it.key == "mercato.attempt");
    let attempt = attempt.and_then(|it| it.value.as_ref()?.value.clone());
    assert_eq!(attempt, Some(any_value::Value::IntValue(1)));

    let measured = collector.next("/v1/metrics").await;
    let ours = ("mercato".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    assert_eq!(scopes_of(&traces, &measured), [ours.clone(), ours]);
    let metrics = metrics_of(&measured);
    let of = |name: &str| {
        metrics
            .iter()
            .find(|it| it.name == name)
            .expect("the metric")
    };
    let Some(Data::Sum(commands)) = &of("mercato_commands_total").data else {
        panic!("a counter is a sum");
    };
    assert!(commands.is_monotonic);
    let handled = commands
        .data_points
        .iter()
        .find(|it| format!("{:?}", it.attributes).contains("handled"));
    let handled = handled.expect("a point");
    assert_eq!(handled.value, Some(Value::AsInt(1)));
    let (since, at) = (handled.start_time_unix_nano, handled.time_unix_nano);
    assert!(
        1_500_000_000_000_000_000 < since && since < at,
        "{since} {at}"
    );
    let described = FAMILIES
        .iter()
        .find(|it| it.name == "mercato_commands_total");
    let described = described.expect("a family").help;
    assert_eq!(of("mercato_commands_total").description, described);
    let Some(Data::Gauge(active)) = &of("mercato_entities_active").data else {
        panic!("a gauge is one");
    };
    assert_eq!(active.data_points[0].value, Some(Value::AsDouble(1.0)));
    let response = of("mercato_agent_response_seconds");
    let Some(Data::Histogram(times)) = &response.data else {
        panic!("a histogram is one");
    };
    let point = &times.data_points[0];
    assert_eq!((&*response.unit, point.count), ("s", 1));
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    assert!(point.sum.expect("a sum") < 10.0, "seconds, not nanoseconds");
    assert!(
        point.explicit_bounds[0] < 0.01,
        "{:?}",
        point.explicit_bounds
    );
    assert!(point.explicit_bounds.last().is_some_and(|last| *last < 1e6));
    assert!(format!("{:?}", point.attributes).contains("counters"));
    let times = (point.start_time_unix_nano, point.time_unix_nano);
    assert_eq!(times, (since, at));
    let stats = exporter.stats();
    assert_eq!((stats.spans_lost, stats.failed), (0, 0));
    exporter.stop().await;
    runtime.stop().await.expect("it stops");
}

/// Catches: a request that is given up though the collector would have taken it again.
#[tokio::test]
async fn what_a_busy_collector_does_not_take_is_sent_again() {
    let mut collector = Collector::start(2).await;
    let runtime = start().await;
    let exporter = OtlpExporter::start(&runtime, options(&collector.endpoint), None);
    let exporter = exporter.expect("valid options");
    metrics_of(&collector.next("/v1/metrics").await);
    exporter.stop().await;
    let stats = runtime.handle().policy_stats();
    let otlp = stats
        .iter()
        .find(|it| it.dependency.to_string() == "port/otlp");
    assert!(otlp.expect("its calls are counted").retries >= 2);
    runtime.stop().await.expect("it stops");
}

/// Catches: an exporter that cannot be stopped while its collector is away, and spans without end.
#[tokio::test]
async fn a_collector_that_is_away_costs_its_spans_and_nothing_else() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", nobody.local_addr().expect("its address"));
    drop(nobody);
    let runtime = start().await;
    let spans = OtlpSpans::new(runtime.handle().clock(), 5);
    let subscriber = tracing_subscriber::registry().with(spans.layer());
    let _guard = tracing::subscriber::set_default(subscriber);
    for _ in 0..10 {
        let added = runtime.handle().ask(&caller(), add("a", 1)).await;
        added.expect("an answer");
    }
    assert_eq!(spans.waiting(), 5);
    let options = OtlpOptions {
        last_ms: 300,
        ..options(&endpoint)
    };
    let exporter = OtlpExporter::start(&runtime, options, Some(spans));
    let exporter = exporter.expect("valid options");
    // Those for which there was no room, and those that nobody took: three for each ask.
    let lost = async {
        while exporter.stats().spans_lost < 30 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        exporter.stats().spans_lost
    };
    assert_eq!(tokio::time::timeout(LONG, lost).await, Ok(30));
    let stopped = tokio::time::timeout(LONG, exporter.stop()).await;
    stopped.expect("it stops");
    runtime.stop().await.expect("it stops");
}

/// Catches: an exporter that stops without what still waits, or does not wait until that is sent.
#[tokio::test]
async fn whoever_stops_it_has_what_waits_sent_first() {
    let mut collector = Collector::start(0).await;
    let runtime = start().await;
    let spans = OtlpSpans::new(runtime.handle().clock(), 1_000);
    let subscriber = tracing_subscriber::registry().with(spans.layer());
    let _guard = tracing::subscriber::set_default(subscriber);
    let options = OtlpOptions {
        every_ms: 60_000,
        ..options(&collector.endpoint)
    };
    let exporter = OtlpExporter::start(&runtime, options, Some(spans)).expect("valid");
    let added = runtime.handle().ask(&caller(), add("a", 1)).await;
    added.expect("an answer");
    exporter.stop().await;
    let mut sent = Vec::new();
    while let Ok((path, _)) = collector.requests.try_recv() {
        sent.push(path);
    }
    assert_eq!(sent, ["/v1/traces", "/v1/metrics"]);
    runtime.stop().await.expect("it stops");
}

/// Catches: options that are taken though they cannot be used, and a check that ends at the first.
#[tokio::test]
async fn all_mistakes_in_the_options_are_told_at_once() {
    let runtime = start().await;
    let options = OtlpOptions {
        endpoint: "https://collector.example/v1".into(),
        service: String::new(),
        every_ms: 0,
        spans_per_request_max: 0,
        last_ms: 0,
    };
    let invalid = OtlpExporter::start(&runtime, options, None).expect_err("all wrong");
    assert_eq!(invalid.problems.len(), 5, "{invalid}");
    assert!(
        invalid.to_string().contains("it must begin with `http://`"),
        "{invalid}"
    );
    for endpoint in ["", "127.0.0.1:4318", "http://", "http://a/b", "http://a?b"] {
        let options = OtlpOptions {
            endpoint: endpoint.into(),
            ..OtlpOptions::default()
        };
        assert_eq!(options.problems().len(), 1, "{endpoint}");
    }
    let often = OtlpOptions {
        every_ms: 0,
        ..OtlpOptions::default()
    };
    let invalid = OtlpExporter::start(&runtime, often, None).expect_err("too often");
    assert_eq!(invalid.problems.len(), 1, "{invalid}");
    assert!(OtlpOptions::default().problems().is_empty());
    runtime.stop().await.expect("it stops");
}
