//! Metrics say what was done, and have few labels.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mercato::{CachesSettings, FAMILIES, FlowId, Metrics, Runtime};

use crate::support::{COMMIT, Counters, add, memory, read, virtual_runtime};
use crate::telemetry::desk::{MOVE, Outside, fund, patient, run, subscribe, with_desk};

async fn desk() -> (Runtime, Outside) {
    let outside = Outside::default();
    let builder = with_desk(virtual_runtime(memory()), &outside);
    let runtime = builder.caches(CachesSettings::default()).start().await;
    let runtime = runtime.expect("it starts");
    subscribe(&runtime, &outside).await;
    (runtime, outside)
}

/// Catches: a count that is read from the wrong place or under another's label, a latency in the
/// wrong unit, and something that happens and no metric tells of.
#[tokio::test(start_paused = true)]
async fn metrics_say_what_was_done() {
    let (runtime, _) = desk().await;
    let handle = runtime.handle();
    fund(&runtime).await;
    run(&runtime, &patient(), "m-1", "to").await.expect("well");
    let failed = run(&runtime, &patient(), "m-2", "nowhere").await;
    failed.expect_err("there is no such counter");
    handle
        .ask(&patient(), add("a", -1))
        .await
        .expect_err("below zero");
    for _ in 0..3 {
        let cached = handle.ask_cached(&patient(), read("to")).await;
        assert_eq!(cached.expect("an answer").into_value(), 1);
    }
    let late = patient().within(Duration::ZERO);
    handle.ask(&late, add("a", 1)).await.expect_err("no time");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let metrics = runtime.metrics();
    let count = |name: &str, labels: &[&str]| metrics.counter(name, labels);

    // fund, take, give, take, undo and the rule's note are writes; look and what was cached, reads.
    let commands = |outcome| count("mercato_commands_total", &["counters", outcome]);
    assert_eq!(commands("handled"), 6 + 2);
    assert_eq!((commands("refused"), commands("failed")), (1, 0));
    let response = |command, outcome| {
        let labels = ["counters", command, outcome];
        let found = metrics.histogram("mercato_agent_response_seconds", &labels);
        found.map_or(0, mercato::persistence::Distribution::count)
    };
    assert_eq!(
        (response("Add", "answered"), response("Read", "answered")),
        (6, 2)
    );
    assert_eq!(
        (response("Add", "refused"), response("Add", "expired")),
        (1, 1)
    );

    let flows = |event| count("mercato_flows_total", &[event]);
    assert_eq!(
        (flows("started"), flows("completed"), flows("failed")),
        (2, 1, 1)
    );
    assert_eq!(count("mercato_flow_undos_total", &["undone"]), 1);
    assert_eq!(metrics.gauge("mercato_flows_running", &[]), Some(0.0));
    assert_eq!(
        metrics.gauge("mercato_flows_waiting_for_people", &[]),
        Some(0.0)
    );
    let paid = metrics.histogram("mercato_port_call_seconds", &["bank.pay", "answered"]);
    let paid = paid.expect("two calls");
    assert_eq!((paid.count(), paid.sum), (2, 1_000_000_000));
    let moved = metrics.histogram("mercato_flow_seconds", &["move", "answered"]);
    let moved = moved.expect("one flow");
    let half = Duration::from_millis(500)..Duration::from_millis(520);
    assert!(half.contains(&Duration::from_nanos(moved.sum)), "{moved:?}");

    let lookups = |outcome| count("mercato_cache_lookups_total", &["agent_responses", outcome]);
    assert_eq!((lookups("hit"), lookups("miss")), (2, 1));
    let loads = metrics.histogram(
        "mercato_cache_load_seconds",
        &["agent_responses", "answered"],
    );
    assert_eq!(loads.expect("one load").count(), 1);
    let calls = |dependency| count("mercato_calls_total", &[dependency]);
    // Four steps and three of the other flow, of which a read of the cache is one.
    assert_eq!((calls("agent/counters"), calls("port/bank")), (5, 2));

    let durable = count("mercato_journal_records_total", &[]);
    assert_eq!(
        durable,
        runtime
            .metrics()
            .counter("mercato_journal_records_total", &[])
    );
    let batches = metrics.histogram("mercato_journal_commit_records", &[]);
    assert_eq!(batches.expect("commits").sum, durable);
    let commits = metrics.histogram("mercato_journal_commit_seconds", &[]);
    let commits = commits.expect("commits");
    let commit_ns = u64::try_from(COMMIT.as_nanos()).expect("short");
    assert_eq!(commits.sum, commits.count() * commit_ns);
    assert_eq!(metrics.gauge("mercato_durable_lag_records", &[]), Some(0.0));
    let waited = metrics.histogram("mercato_durable_wait_seconds", &[]);
    assert!(waited.expect("answers that waited").count() >= 3);
    let deliveries = ["outside", "delivered"];
    assert_eq!(count("mercato_deliveries_total", &deliveries), 6);
    assert_eq!(
        metrics.gauge("mercato_subscriber_lag_records", &["outside"]),
        Some(0.0)
    );
    assert_eq!(
        metrics.gauge("mercato_trigger_lag_records", &["note"]),
        Some(0.0)
    );
    assert_eq!(metrics.gauge("mercato_tree_state", &["running"]), Some(1.0));
    let closed = metrics.gauge("mercato_breaker_state", &["port/bank", "closed"]);
    assert_eq!(closed, Some(1.0));
    runtime.stop().await.expect("it stops");
}

/// Catches: restarts, quarantine and set-aside reactions that nobody can see.
#[tokio::test(start_paused = true)]
async fn metrics_tell_of_what_goes_wrong() {
    let counters = Counters::default();
    let fuse = counters.fuse.clone();
    let runtime = virtual_runtime(memory()).agent(counters).start().await;
    let runtime = runtime.expect("it starts");
    fuse.store(3, Ordering::SeqCst);
    let poison = runtime.handle().ask(&patient(), add("a", 1)).await;
    poison.expect_err("it panics three times");
    tokio::time::sleep(Duration::from_secs(10)).await;
    let metrics = runtime.metrics();
    let quarantined = ["counters", "quarantined"];
    assert_eq!(metrics.counter("mercato_commands_total", &quarantined), 1);
    let aside = metrics.gauge("mercato_quarantine_size", &["counters"]);
    assert_eq!(aside, Some(1.0));
    assert_eq!(
        metrics.counter("mercato_shard_restarts_total", &["counters"]),
        3
    );
    let failed = metrics.histogram(
        "mercato_agent_response_seconds",
        &["counters", "Add", "failed"],
    );
    assert_eq!(failed.expect("one failure").count(), 1);
    runtime.stop().await.expect("it stops");
}

/// Catches: a row of the error table that is exported under another's name, or not at all.
#[tokio::test(start_paused = true)]
async fn each_row_of_the_error_table_is_counted_under_its_name() {
    use mercato::{ActivityError, ActivityErrorKind as Kind, Dependency, Repeat, Request};

    let (runtime, _) = desk().await;
    let handle = runtime.handle();
    let limited = Kind::RateLimited { retry_after_ms: 0 };
    // The port, what goes wrong there, the row, the attempts, and how many calls give nothing.
    let rows = [
        ("timeout", Kind::TimedOut, "network_timeout", 3, 1),
        ("stale", Kind::TimedOut, "network_timeout", 3, 0),
        ("down", Kind::Transient, "service_unavailable", 5, 1),
        ("wrong", Kind::Permanent, "invalid_input", 1, 1),
        // Three attempts, and one more turn in the queue.
        ("often", limited, "rate_limiting", 4, 1),
        ("locked", Kind::Unauthenticated, "authentication", 1, 1),
    ];
    for (port, kind, .., errors) in rows {
        let guard = handle.guard(Dependency::Port(port));
        let deadline = handle.clock().now().plus(Duration::from_secs(600));
        let mut request = Request::new(Repeat::Safe, deadline);
        if errors == 0 {
            request = request.cached(|| Some((1, Duration::from_secs(1))));
        }
        let failed = |_| async move { Err::<i32, _>(ActivityError::new(kind, "", "")) };
        assert_eq!(guard.call(request, failed).await.is_err(), errors == 1);
    }
    let metrics = runtime.metrics();
    for (port, _, name, attempts, errors) in rows {
        let port = format!("port/{port}");
        let of = |metric: &str, label: &str| metrics.counter(metric, &[&*port, label]);
        let counted = (
            metrics.counter("mercato_call_attempts_total", &[&port]),
            of("mercato_call_failures_total", name),
            of("mercato_call_errors_total", name),
        );
        assert_eq!(counted, (attempts, attempts, errors), "{port}");
    }
    let stale = ["port/stale", "cached_response"];
    assert_eq!(metrics.counter("mercato_call_fallbacks_total", &stale), 1);
    let open = metrics.gauge("mercato_breaker_state", &["port/down", "open"]);
    assert_eq!(open, Some(1.0));
    runtime.stop().await.expect("it stops");
}

/// What tells samples apart.
fn series(metrics: &Metrics) -> BTreeSet<String> {
    let families = metrics.families.iter();
    let of_all = families.flat_map(|of_one| {
        let samples = of_one.samples.iter();
        samples.map(|sample| format!("{} {:?}", of_one.family.name, sample.labels))
    });
    of_all.collect()
}

/// Catches: a label whose values are keys, persons or instances, and a sample that is there twice.
#[tokio::test(start_paused = true)]
async fn labels_do_not_grow_with_what_is_stored() {
    let (runtime, _) = desk().await;
    let mut seen = Vec::new();
    for round in 0..2 {
        let handle = runtime.handle();
        fund(&runtime).await;
        for nth in 0..20 {
            let user = mercato::Principal::user(format!("person-{round}-{nth}"));
            let caller = mercato::Caller::new(user).within(Duration::from_secs(60));
            let key = format!("key-{round}-{nth}");
            handle.ask(&caller, add(&key, 1)).await.expect("an answer");
            let cached = handle.ask_cached(&caller, read(&key)).await;
            cached.expect("an answer");
            let id = FlowId::new(format!("move-{round}-{nth}"));
            let moved = handle.run(&caller, MOVE, id, key).await;
            moved.expect("it ends well");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let metrics = runtime.metrics();
        let samples: usize = metrics.families.iter().map(|it| it.samples.len()).sum();
        let series = series(&metrics);
        assert_eq!(samples, series.len(), "no sample is there twice");
        seen.push(series);
    }
    runtime.stop().await.expect("it stops");
    assert_eq!(seen[0], seen[1]);
    let all = format!("{seen:?}");
    for personal in ["person-", "key-", "move-0"] {
        assert!(!all.contains(personal), "{personal} is a label");
    }
}

/// Catches: a registry that two runtimes share.
#[tokio::test(start_paused = true)]
async fn two_runtimes_do_not_mix() {
    let (one, _) = desk().await;
    let (other, _) = desk().await;
    fund(&one).await;
    let handled = |runtime: &Runtime| {
        let metrics = runtime.metrics();
        metrics.counter("mercato_commands_total", &["counters", "handled"])
    };
    assert_eq!((handled(&one), handled(&other)), (1, 0));
    one.stop().await.expect("it stops");
    other.stop().await.expect("it stops");
}

/// The rules of the text format that a parser forgives: each family is described once, before its
/// samples, which stand together; and histograms end with a bucket for all.
#[cfg(feature = "prometheus")]
fn check_format(page: &str) {
    let mut described = BTreeSet::new();
    let mut current = String::new();
    let mut samples = BTreeSet::new();
    for line in page.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, text) = help.split_once(' ').expect("a text");
            assert!(described.insert(name.to_owned()), "{name} is there twice");
            assert!(!text.is_empty());
            current = name.to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a type");
            assert_eq!(name, current);
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
        } else {
            let (sample, value) = line.rsplit_once(' ').expect("a value");
            assert!(
                sample.starts_with(&current),
                "{line} stands under {current}"
            );
            assert!(samples.insert(sample.to_owned()), "{sample} is there twice");
            value.parse::<f64>().expect("a number");
        }
    }
    assert!(page.ends_with('\n'));
}

/// Catches: a page that Prometheus does not read, or reads as something else.
#[cfg(feature = "prometheus")]
#[tokio::test(start_paused = true)]
async fn a_page_for_prometheus_reads_back() {
    use mercato::SampleValue;
    use prometheus_parse::{Scrape, Value};

    let (runtime, _) = desk().await;
    fund(&runtime).await;
    run(&runtime, &patient(), "m-1", "to").await.expect("well");
    let cached = runtime.handle().ask_cached(&patient(), read("to")).await;
    cached.expect("an answer");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let metrics = runtime.metrics();
    runtime.stop().await.expect("it stops");
    let page = metrics.to_prometheus();
    check_format(&page);
    let lines = page.lines().map(|line| Ok(line.to_owned()));
    let scrape = Scrape::parse(lines).expect("it parses");
    let mut compared = BTreeSet::new();
    for of_one in &metrics.families {
        for sample in &of_one.samples {
            let labels = of_one.family.labels.iter().zip(&sample.labels);
            let labels: Vec<_> = labels.map(|(label, value)| (*label, &**value)).collect();
            let found = scrape.samples.iter().filter(|it| {
                let same = |(label, value): &(&str, &str)| it.labels.get(label) == Some(*value);
                it.metric == of_one.family.name && labels.iter().all(same)
            });
            let found: Vec<_> = found.collect();
            assert_eq!(found.len(), 1, "{} {labels:?}", of_one.family.name);
            match (&sample.value, &found[0].value) {
                (SampleValue::Counter(count), Value::Counter(read)) => {
                    assert_eq!(*count as f64, *read);
                }
                (SampleValue::Gauge(level), Value::Gauge(read)) => assert_eq!(level, read),
                (SampleValue::Histogram(it), Value::Histogram(read)) => {
                    let mut below = 0;
                    assert_eq!(read.len(), it.counts.len());
                    for (inside, read) in it.counts.iter().zip(read) {
                        below += inside;
                        assert_eq!(below as f64, read.count);
                    }
                    let bound = it.bounds[0] as f64 / of_one.scale();
                    assert_eq!(read[0].less_than, bound);
                }
                (value, read) => panic!("{value:?} reads as {read:?}"),
            }
            compared.insert(of_one.family.name);
        }
        let sum = format!("{}_sum", of_one.family.name);
        let sums = page.lines().filter(|line| line.starts_with(&sum));
        let sums = sums.map(|line| line.rsplit(' ').next().expect("a value").parse::<f64>());
        let read: f64 = sums.map(|sum| sum.expect("a number")).sum();
        let kept = of_one.samples.iter().map(|sample| match &sample.value {
            SampleValue::Histogram(it) => it.sum as f64 / of_one.scale(),
            _ => 0.0,
        });
        assert!((read - kept.sum::<f64>()).abs() < 1e-6, "{sum}: {read}");
    }
    // Alarms are not watched, and agents but one and ports but one do not exist.
    let missing = FAMILIES.iter().map(|family| family.name);
    let missing: Vec<_> = missing.filter(|name| !compared.contains(name)).collect();
    let alarms = ["mercato_alarm_raised", "mercato_alarms_raised_total"];
    assert_eq!(missing, alarms);
}
