//! The performance targets, and how near a run came to them.

use mercato_actors::runtime::persistence::Distribution;
use mercato_actors::runtime::{KNOWLEDGE_BASE, Metrics, Sample, SampleValue};

/// One row of the performance targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// What is measured.
    pub name: &'static str,
    /// The target, for people.
    pub target: &'static str,
    /// What was measured, for people; `None` where nothing was there to measure.
    pub measured: Option<String>,
    /// Whether the target was met, where something was measured.
    pub met: Option<bool>,
    /// Of how many values.
    pub values: u64,
}

/// The five rows, from the metrics of a runtime at the end of its day.
///
/// Times are those of 99 in 100, as the alarms of the runtime take them. In virtual time the
/// processor takes none, and neither does a read of the store; with a real clock they are real.
#[must_use]
pub fn targets(metrics: &Metrics) -> [Target; 5] {
    let answers = times(metrics, "mercato_agent_response_seconds", |_| true);
    let of_knowledge = |sample: &Sample| sample.labels[0] == KNOWLEDGE_BASE;
    let knowledge = times(metrics, "mercato_cache_load_seconds", of_knowledge);
    let reads = times(metrics, "mercato_store_read_seconds", |_| true);
    let lookups = "mercato_cache_lookups_total";
    let hits = counted(metrics, lookups, |it| it.labels[1] == "hit");
    let asked = counted(metrics, lookups, |_| true);
    let commands = "mercato_commands_total";
    let wrong = ["failed", "shed", "quarantined"];
    let errors = counted(metrics, commands, |it| wrong.contains(&&*it.labels[1]));
    let all = counted(metrics, commands, |_| true);
    [
        within("agent response time", "< 1 s", 1_000.0, &answers),
        within("knowledge base query time", "< 500 ms", 500.0, &knowledge),
        within("store query time", "< 100 ms", 100.0, &reads),
        share("cache hit ratio", "> 90 %", hits, asked, |it| it > 0.9),
        share("error rate", "< 1 %", errors, all, |it| it < 0.01),
    ]
}

fn within(name: &'static str, target: &'static str, limit_ms: f64, of: &Distribution) -> Target {
    let ms = of.percentile(99.0).map(|ns| ns / 1e6);
    Target {
        name,
        target,
        measured: ms.map(|ms| format!("{ms:.1} ms")),
        met: ms.map(|ms| ms < limit_ms),
        values: of.count(),
    }
}

// Counts far below 2^52: exact as floats.
#[allow(clippy::cast_precision_loss)]
fn share(
    name: &'static str,
    target: &'static str,
    part: u64,
    whole: u64,
    is_met: fn(f64) -> bool,
) -> Target {
    let share = (whole > 0).then(|| part as f64 / whole as f64);
    Target {
        name,
        target,
        measured: share.map(|share| format!("{:.2} %", share * 100.0)),
        met: share.map(is_met),
        values: whole,
    }
}

fn times(metrics: &Metrics, name: &str, wanted: impl Fn(&Sample) -> bool) -> Distribution {
    let mut all = Distribution::empty(mercato_actors::runtime::persistence::DURATION_BOUNDS_NS);
    for sample in metrics.samples(name).iter().filter(|it| wanted(it)) {
        if let SampleValue::Histogram(times) = &sample.value {
            all.add(times);
        }
    }
    all
}

fn counted(metrics: &Metrics, name: &str, wanted: impl Fn(&Sample) -> bool) -> u64 {
    let samples = metrics.samples(name).iter().filter(|it| wanted(it));
    let counts = samples.map(|sample| match sample.value {
        SampleValue::Counter(count) => count,
        _ => 0,
    });
    counts.sum()
}
