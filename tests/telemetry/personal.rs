//! Nobody's name is in any trace, metric or line of the log.

use std::time::Duration;

use mercato::actors::*;
use mercato::{CrashPoint, OtlpExporter, OtlpOptions, OtlpSpans, Runtime};
use tracing_subscriber::layer::SubscriberExt;

use crate::erasure::customers::{ADA, BOB, Customer, ask, check_out, enquire, order_of};
use crate::telemetry::otlp::Collector;
use crate::telemetry::seen::Seen;
use crate::telemetry::town::{shop, sku};

/// What two customers do in a day: orders, one of them twice the stock; questions; contacts; and
/// shards crash over it.
async fn a_day(runtime: &Runtime) {
    let handle = runtime.handle();
    let quantity = Quantity::new(3).expect("a quantity");
    ask(
        &handle,
        ReceiveStock {
            sku: sku(),
            quantity,
        },
    )
    .await;
    for (customer, order) in [(&ADA, "a-1"), (&BOB, "b-1")] {
        let id = CustomerId::new(customer.id).expect("a customer");
        let email = EmailAddress::new(customer.email).expect("an address");
        let email = handle.seal(&customer.person(), &email).expect("it seals");
        let record = RecordContact {
            customer: id,
            email,
        };
        ask(&handle, record).await;
        for agent in AGENTS {
            runtime.crash_shard(agent, 0, CrashPoint::NextCommand);
        }
        let request = order_of(&handle, customer, order);
        if customer.id == ADA.id {
            check_out(&handle, customer, request).await;
        } else {
            let id = mercato::FlowId::new(order);
            let refused = handle.run(&customer.caller(), CHECKOUT, id, request).await;
            refused.expect_err("one is left, and two are wanted");
        }
        // An answer or a ticket: whatever comes of it, it was said.
        let _ = enquire(&handle, customer).await;
    }
    tokio::time::sleep(Duration::from_secs(24 * 60 * 60)).await;
}

/// Catches: a body, a key, a name, an address or the text of an error in a span, a metric, a line
/// of the log, or what a collector is sent.
#[tokio::test(start_paused = true)]
async fn nobodys_name_is_in_what_is_seen_of_a_day() {
    let (seen, guard) = Seen::watch();
    let desk = DeskWatch::new(&SupportSettings::default());
    let runtime = shop(&desk).start().await.expect("it starts");
    a_day(&runtime).await;
    desk.refresh(&runtime.bus()).await.expect("it is read");
    let metrics = runtime.metrics();
    let reader = runtime.metrics_reader();
    runtime.stop().await.expect("it stops");
    drop(guard);
    let spans = seen.spans();
    let ours = seen.of_traces();
    let names: std::collections::BTreeSet<_> = ours.iter().map(|span| span.name).collect();
    let all = [
        "ask", "command", "flow", "port", "request", "step", "trigger", "undo",
    ];
    let missing: Vec<_> = all.iter().filter(|it| !names.contains(*it)).collect();
    assert!(missing.is_empty(), "nothing was seen of {missing:?}");
    let lines = seen.lines();
    assert!(lines.iter().any(|line| line.contains("restarted")));
    let page = metrics.to_prometheus();
    assert!(page.contains("mercato_alarm_raised"), "{page}");
    assert!(page.contains("mercato_support_questions_total 2"), "{page}");
    let written = format!("{spans:?}{lines:?}{page}{metrics:?}{reader:?}{desk:?}");
    for text in [ADA, BOB].iter().flat_map(Customer::plain_texts) {
        assert!(!written.contains(text), "{text} can be read");
    }
    // Spans and metrics do not even say whose: neither pseudonyms nor what is stored under them.
    let counted = format!("{spans:?}{page}");
    for key in ["c-1", "c-2", "a-1", "b-1", "chat-", "tea"] {
        assert!(!counted.contains(&format!("{key}\"")), "{key} can be read");
        assert!(!counted.contains(&format!("/{key}")), "{key} can be read");
    }
}

/// Catches: the same, in the bytes that a collector is sent.
#[tokio::test]
async fn nobodys_name_is_in_what_a_collector_is_sent() {
    let mut collector = Collector::start(0).await;
    let desk = DeskWatch::new(&SupportSettings::default());
    let runtime = shop(&desk).start().await.expect("it starts");
    let spans = OtlpSpans::new(runtime.handle().clock(), 10_000);
    let subscriber = tracing_subscriber::registry().with(spans.layer());
    let _guard = tracing::subscriber::set_default(subscriber);
    let handle = runtime.handle();
    let quantity = Quantity::new(100).expect("a quantity");
    ask(
        &handle,
        ReceiveStock {
            sku: sku(),
            quantity,
        },
    )
    .await;
    let request = order_of(&handle, &ADA, "a-1");
    check_out(&handle, &ADA, request).await;
    let _ = enquire(&handle, &ADA).await;
    desk.refresh(&runtime.bus()).await.expect("it is read");
    let options = OtlpOptions {
        endpoint: collector.endpoint.clone(),
        every_ms: 100,
        spans_per_request_max: 65_536,
        ..OtlpOptions::default()
    };
    let exporter = OtlpExporter::start(&runtime, options, Some(spans)).expect("valid");
    let sent = collector.next("/v1/traces").await;
    assert!(crate::telemetry::otlp::spans_of(&sent).len() > 20);
    let metrics = collector.next("/v1/metrics").await;
    exporter.stop().await;
    runtime.stop().await.expect("it stops");
    let bytes = [sent, metrics].concat();
    let holds = |text: &str| bytes.windows(text.len()).any(|it| it == text.as_bytes());
    assert!(holds("mercato.agent") && holds("mercato_commands_total"));
    assert!(holds("mercato_support_answer_seconds"));
    for text in ADA.plain_texts() {
        assert!(!holds(text), "{text} is sent");
    }
}
