//! Alarms as data: checked as a whole, raised once, over once, and told to the monitor.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Counters, add, memory, virtual_runtime};
use crate::telemetry::seen::Seen;
use mercato::{
    Across, Alarm, AlarmChange, AlarmNotice, Alarms, Caller, Measure, Monitor, Notice, Runtime,
    RuntimeError, Selector, Severity, Timestamp, Unit,
};

/// What monitoring was told.
#[derive(Default)]
struct Told(Mutex<Vec<AlarmNotice>>);

impl Monitor for Told {
    fn notify(&self, _: &Notice) {}

    fn alarm(&self, notice: &AlarmNotice) {
        self.0.lock().expect("a lock").push(notice.clone());
    }
}

impl Told {
    /// Each notice: the alarm, whether it was raised, and the second in which it was told.
    fn all(&self) -> Vec<(String, bool, u64)> {
        let told = self.0.lock().expect("a lock");
        let short = |it: &AlarmNotice| {
            let second = (it.at.as_millis() - 1_000_000) / 1_000;
            (
                it.alarm.to_string(),
                it.change == AlarmChange::Raised,
                second,
            )
        };
        told.iter().map(short).collect()
    }
}

fn raised(alarm: &str, second: u64) -> (String, bool, u64) {
    (alarm.into(), true, second)
}

fn over(alarm: &str, second: u64) -> (String, bool, u64) {
    (alarm.into(), false, second)
}

async fn start(alarms: Alarms) -> (Runtime, Arc<Told>) {
    let told = Arc::new(Told::default());
    let builder = virtual_runtime(memory()).agent(Counters::default());
    let builder = builder.alarms(alarms).monitor(told.clone());
    (builder.start().await.expect("it starts"), told)
}

fn errors() -> Measure {
    Measure::Ratio {
        part: Selector::all("mercato_commands_total").with("outcome", &["failed", "refused"]),
        whole: Selector::all("mercato_commands_total"),
    }
}

/// One look a second, at a window of ten.
fn every_second(alarm: Alarm) -> Alarms {
    Alarms {
        every_ms: 1_000,
        alarms: vec![Alarm {
            window_ms: 10_000,
            for_ms: 3_000,
            clear_for_ms: 5_000,
            values_min: 10,
            ..alarm
        }],
    }
}

/// Asks ten times in each of so many seconds; so many of the ten are refused.
async fn ask(runtime: &Runtime, seconds: u64, refused: u32) {
    let clock = runtime.handle().clock();
    for _ in 0..seconds {
        // Looks are made at whole seconds.
        let half = (clock.now().as_millis() + 500) / 1_000 * 1_000 + 500;
        clock.sleep_until(Timestamp::from_millis(half)).await;
        for nth in 0..10 {
            let amount = if nth < refused { -1_000_000 } else { 1 };
            let asked = runtime
                .handle()
                .ask(&Caller::system(), add("a", amount))
                .await;
            assert_eq!(asked.is_err(), nth < refused);
        }
    }
}

/// Catches: a notice at every look, one too soon or too late, a window that never forgets, and an
/// alarm that is over as soon as it dips.
#[tokio::test(start_paused = true)]
async fn an_alarm_is_told_once_when_it_is_raised_and_once_when_it_is_over() {
    let alarm = Alarm::above("refusals", errors(), 0.1, Unit::Ratio);
    let (runtime, told) = start(every_second(alarm)).await;
    ask(&runtime, 20, 1).await;
    assert_eq!(told.all(), [], "one in ten is not more than one in ten");
    ask(&runtime, 20, 5).await;
    // The first look after second 20 finds 5 more of 100: more than one in ten from second 21 on.
    assert_eq!(told.all(), [raised("refusals", 24)]);
    let metrics = runtime.metrics();
    assert_eq!(
        metrics.gauge("mercato_alarm_raised", &["refusals"]),
        Some(1.0)
    );
    ask(&runtime, 30, 0).await;
    assert_eq!(told.all()[1..], [over("refusals", 53)]);
    let metrics = runtime.metrics();
    assert_eq!(
        metrics.gauge("mercato_alarm_raised", &["refusals"]),
        Some(0.0)
    );
    assert_eq!(
        metrics.counter("mercato_alarms_raised_total", &["refusals"]),
        1
    );
    runtime.stop().await.expect("it stops");
}

/// Catches: an alarm that few values raise, or that stays raised when nothing happens any more.
#[tokio::test(start_paused = true)]
async fn few_values_tell_nothing() {
    let alarm = Alarm::above("refusals", errors(), 0.1, Unit::Ratio);
    let (runtime, told) = start(every_second(alarm)).await;
    for _ in 0..9 {
        let refused = runtime.handle().ask(&Caller::system(), add("a", -1)).await;
        refused.expect_err("below zero");
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(told.all(), [], "nine are too few");
    ask(&runtime, 10, 10).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let told = told.all();
    assert_eq!(
        (told.len(), told[0].1, told[1].1),
        (2, true, false),
        "{told:?}"
    );
    runtime.stop().await.expect("it stops");
}

/// Catches: a run of one seed in which alarms come at other times, and notices without their values.
#[tokio::test(start_paused = true)]
async fn a_notice_says_what_was_measured_and_repeats_with_the_run() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let alarm = Alarm::above("refusals", errors(), 0.25, Unit::Ratio);
        let alarm = alarm.of_severity(Severity::Critical);
        let (runtime, told) = start(every_second(alarm)).await;
        ask(&runtime, 8, 5).await;
        runtime.stop().await.expect("it stops");
        let told = told.0.lock().expect("a lock").clone();
        runs.push(told);
    }
    assert_eq!(runs[0], runs[1]);
    let notice = &runs[0][0];
    assert_eq!((notice.value, notice.threshold), (Some(0.5), 0.25));
    assert_eq!(
        (notice.severity, notice.unit),
        (Severity::Critical, Unit::Ratio)
    );
    let lasted = notice.at.since(notice.since);
    assert_eq!(lasted, Duration::from_secs(3));
}

/// Catches: a gauge, a rate, an increase or a percentile that is measured as something else.
#[tokio::test(start_paused = true)]
async fn each_measure_measures_what_it_says() {
    let commands = || Selector::all("mercato_commands_total").with("outcome", &["handled"]);
    let latency = Selector::all("mercato_durable_wait_seconds");
    let lag = |across| Measure::Level {
        of: Selector::all("mercato_mailbox_depth"),
        across,
    };
    let active = || Measure::Level {
        of: Selector::all("mercato_entities_active"),
        across: Across::Sum,
    };
    let slow = Measure::Percentile {
        of: latency,
        percent: 99.0,
    };
    let (increase, rate) = (
        Measure::Increase { of: commands() },
        Measure::Rate { of: commands() },
    );
    let table = [
        // A hundred in ten seconds.
        Alarm::above("busy", increase.clone(), 99.0, Unit::Count),
        Alarm::above("too-busy", increase, 101.0, Unit::Count),
        Alarm::above("fast", rate.clone(), 9.5, Unit::PerSecond),
        Alarm::above("too-fast", rate, 10.5, Unit::PerSecond),
        // Each answer waits 2 ms for the disk: between two bounds.
        Alarm::above("slow", slow.clone(), 0.001, Unit::Seconds),
        Alarm::above("too-slow", slow, 0.0025, Unit::Seconds),
        Alarm::below("idle", lag(Across::Sum), 1.0, Unit::Count),
        Alarm::above("deep", lag(Across::Max), 0.0, Unit::Count),
        // One entity, in one of the four shards: their sum, and neither their product nor a difference.
        Alarm::above("held", active(), 0.5, Unit::Count),
        Alarm::above("not-held", active(), 1.5, Unit::Count),
    ];
    let alarms = Alarms {
        every_ms: 1_000,
        alarms: table
            .map(|alarm| Alarm {
                window_ms: 10_000,
                for_ms: 0,
                values_min: 1,
                ..alarm
            })
            .into(),
    };
    let (runtime, told) = start(alarms).await;
    ask(&runtime, 20, 0).await;
    runtime.stop().await.expect("it stops");
    let mut names: Vec<_> = told.all().into_iter().map(|(name, ..)| name).collect();
    names.sort();
    assert_eq!(names, ["busy", "fast", "held", "idle", "slow"]);
}

/// Catches: a check that ends at the first mistake, forgets a field, or does not say where it
/// stands.
#[tokio::test(start_paused = true)]
async fn all_mistakes_are_told_at_once_each_with_its_place() {
    let text = r#"{
        "every_ms": 10,
        "alarms": [
            { "name": "Bad name", "measure": { "kind": "increase", "of": { "metric": "mercato_nothing" } },
              "comparison": "above", "threshold": -1, "unit": "count", "window_ms": 10 },
            { "name": "a", "measure": { "kind": "percentile", "percent": 0,
                "of": { "metric": "mercato_commands_total", "labels": { "person": ["x"], "agent": [] } } },
              "comparison": "below", "threshold": 1, "unit": "seconds", "clear_at": 0.5,
              "for_ms": 86400001, "clear_for_ms": 86400001, "values_min": 0 },
            { "name": "a", "measure": { "kind": "ratio",
                "part": { "metric": "mercato_mailbox_depth" }, "whole": { "metric": "mercato_commands_total" } },
              "comparison": "above", "threshold": 1.5, "unit": "bytes", "window_ms": 60000 }
        ]
    }"#;
    let alarms: Alarms = serde_json::from_str(text).expect("it reads");
    let problems = alarms.problems();
    let paths: Vec<_> = problems.iter().map(|problem| &*problem.path).collect();
    let expected = [
        "every_ms",
        "alarms[0].name",
        "alarms[0].measure.of.metric",
        "alarms[0].threshold",
        "alarms[0].window_ms",
        "alarms[1].measure.percent",
        "alarms[1].measure.of.metric",
        "alarms[1].measure.of.labels",
        "alarms[1].measure.of.labels",
        "alarms[1].unit",
        "alarms[1].clear_at",
        "alarms[1].window_ms",
        "alarms[1].for_ms",
        "alarms[1].clear_for_ms",
        "alarms[1].values_min",
        "alarms[2].measure.part.metric",
        "alarms[2].unit",
        "alarms[2].threshold",
        "alarms[2].window_ms",
        "alarms[2].name",
    ];
    assert_eq!(paths, expected, "{problems:#?}");
    let builder = virtual_runtime(memory()).agent(Counters::default());
    let started = builder.alarms(alarms).start().await;
    let Err(RuntimeError::Alarms(invalid)) = started else {
        panic!("it started");
    };
    let text = invalid.to_string();
    let first = "the alarms have 20 mistakes\n  every_ms is 10: choose 100 to 3600000\n";
    assert!(text.starts_with(first), "{text}");
}

/// Catches: a bound that is off by one, and one that is none.
#[test]
fn what_is_just_within_the_bounds_is_right() {
    let bounded = |threshold: f64, clear_at: f64, name: &str, window_ms: u64| {
        let alarm = Alarm {
            clear_at: Some(clear_at),
            window_ms,
            ..Alarm::above(name, errors(), threshold, Unit::Ratio)
        };
        let alarms = Alarms {
            every_ms: 1_000,
            alarms: vec![alarm],
        };
        alarms.problems().len()
    };
    let (longest, too_long) = ("a".repeat(64), "a".repeat(65));
    assert_eq!(bounded(1.0, 0.0, &longest, 4_096_000), 0);
    assert_eq!(bounded(1.0, 0.0, &too_long, 60_000), 1);
    assert_eq!(bounded(1.0, 0.0, "", 60_000), 1);
    assert_eq!(bounded(1.0, 0.0, &longest, 4_097_000), 1, "too many looks");
    assert_eq!(bounded(1.01, 0.0, &longest, 60_000), 1);
    let many = |count: usize| {
        let alarm = |nth| Alarm::above(&format!("a{nth}"), errors(), 0.5, Unit::Ratio);
        let alarms = Alarms {
            every_ms: 1_000,
            alarms: (0..count).map(alarm).collect(),
        };
        alarms.problems().len()
    };
    assert_eq!((many(256), many(257)), (0, 1));
}

/// Catches: an alarm of which the log knows nothing, or is not told that it is over.
#[tokio::test(start_paused = true)]
async fn an_alarm_is_in_the_log_when_it_is_raised_and_when_it_is_over() {
    let (seen, _guard) = Seen::watch();
    let alarm = Alarm::above("refusals", errors(), 0.1, Unit::Ratio);
    let (runtime, _) = start(every_second(alarm)).await;
    ask(&runtime, 20, 5).await;
    ask(&runtime, 30, 0).await;
    runtime.stop().await.expect("it stops");
    let lines = seen.lines();
    let lines = lines.iter().filter(|line| line.contains("refusals"));
    let told = lines.map(|line| line.contains("an alarm was raised"));
    assert_eq!(told.collect::<Vec<_>>(), [true, false]);
}

/// Catches: a key with a typing error that is passed over in silence, and a default that does not
/// read back as it was written.
#[test]
fn alarms_read_back_and_an_unknown_key_is_an_error() {
    let alarms = Alarms::default();
    let text = serde_json::to_string(&alarms).expect("it writes");
    let read: Alarms = serde_json::from_str(&text).expect("it reads");
    assert_eq!(read, alarms);
    for typo in [
        text.replace("every_ms", "each_ms"),
        text.replace("threshold", "treshold"),
        text.replace("\"labels\"", "\"label\""),
        text.replace("\"percent\"", "\"per_cent\""),
    ] {
        assert!(serde_json::from_str::<Alarms>(&typo).is_err(), "{typo}");
    }
}

/// Catches: a default that is not a row of the performance targets.
#[test]
fn the_defaults_are_the_performance_targets() {
    let alarms = Alarms::default();
    assert_eq!(alarms.problems(), []);
    let rows: Vec<_> = alarms
        .alarms
        .iter()
        .map(|alarm| (&*alarm.name, alarm.threshold, alarm.unit))
        .collect();
    let targets = [
        ("agent_response_time", 1.0, Unit::Seconds),
        ("knowledge_base_query_time", 0.5, Unit::Seconds),
        ("store_query_time", 0.1, Unit::Seconds),
        ("cache_hit_ratio", 0.9, Unit::Ratio),
        ("error_rate", 0.01, Unit::Ratio),
    ];
    assert_eq!(rows, targets);
}
