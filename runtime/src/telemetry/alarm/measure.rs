//! What an alarm looks at: a reading of the metrics now, and what came of it since the window began.

use std::collections::VecDeque;
use std::time::Duration;

use mercato_persistence::Distribution;

use super::settings::{Across, Alarm, Measure, Selector};
use crate::clock::Timestamp;
use crate::telemetry::family::family;
use crate::telemetry::snapshot::{Metrics, Sample, SampleValue, scale_of};

/// What is read of the metrics for one alarm.
#[derive(Debug, Clone, PartialEq)]
enum Reading {
    /// Values counted by bounds; `None` before the first.
    Times(Option<Distribution>),
    /// Two counters.
    Parts { part: u64, whole: u64 },
    /// A counter.
    Count(u64),
    /// A gauge; `None` where nothing matches.
    Level(Option<f64>),
}

/// The readings of one alarm's window.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// The oldest one stands at the beginning of the window, or before it.
    readings: VecDeque<(Timestamp, Reading)>,
}

impl Window {
    /// Takes a reading, and gives what the alarm measures, in its unit; `None` where there is too
    /// little to tell.
    pub(super) fn look(&mut self, alarm: &Alarm, metrics: &Metrics) -> Option<f64> {
        let now = metrics.at;
        let reading = read(&alarm.measure, metrics);
        let begin = now.minus(Duration::from_millis(alarm.window_ms));
        // One that is as old as the window, or older, is all that is needed of what was before.
        while self.readings.get(1).is_some_and(|(at, _)| *at <= begin) {
            self.readings.pop_front();
        }
        self.readings.push_back((now, reading));
        let ((from, earliest), (_, latest)) = (self.readings.front()?, self.readings.back()?);
        value(alarm, earliest, latest, now.since(*from))
    }
}

fn read(measure: &Measure, metrics: &Metrics) -> Reading {
    match measure {
        Measure::Percentile { of, .. } => Reading::Times(times(of, metrics)),
        Measure::Ratio { part, whole } => Reading::Parts {
            part: count(part, metrics),
            whole: count(whole, metrics),
        },
        Measure::Increase { of } | Measure::Rate { of } => Reading::Count(count(of, metrics)),
        Measure::Level { of, across } => Reading::Level(level(of, *across, metrics)),
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts far below 2^52, and a ratio of them"
)]
fn value(alarm: &Alarm, earliest: &Reading, latest: &Reading, over: Duration) -> Option<f64> {
    match (&alarm.measure, earliest, latest) {
        (Measure::Percentile { of, percent }, Reading::Times(then), Reading::Times(now)) => {
            let now = now.as_ref()?;
            let inside = then
                .as_ref()
                .map_or_else(|| now.clone(), |it| now.since(it));
            let enough = inside.count() >= alarm.values_min;
            let scale = family(&of.metric).map_or(1.0, scale_of);
            let value = inside.percentile(*percent).filter(|_| enough)?;
            Some(value / scale)
        }
        (
            Measure::Ratio { .. },
            Reading::Parts { part, whole },
            Reading::Parts {
                part: parts,
                whole: wholes,
            },
        ) => {
            let whole = wholes.saturating_sub(*whole);
            let part = parts.saturating_sub(*part);
            (whole >= alarm.values_min).then(|| part as f64 / whole as f64)
        }
        (Measure::Increase { .. }, Reading::Count(then), Reading::Count(now)) => {
            Some(now.saturating_sub(*then) as f64)
        }
        (Measure::Rate { .. }, Reading::Count(then), Reading::Count(now)) => {
            let seconds = over.as_secs_f64();
            (seconds > 0.0).then(|| now.saturating_sub(*then) as f64 / seconds)
        }
        (Measure::Level { .. }, _, Reading::Level(level)) => *level,
        _ => None,
    }
}

/// The samples that a selector chooses.
fn chosen<'a>(selector: &'a Selector, metrics: &'a Metrics) -> impl Iterator<Item = &'a Sample> {
    let names = family(&selector.metric).map_or(&[][..], |family| family.labels);
    let samples = metrics.samples(&selector.metric).iter();
    samples.filter(move |sample| {
        selector.labels.iter().all(|(label, values)| {
            let place = names.iter().position(|name| **name == **label);
            let value = place.and_then(|place| sample.labels.get(place));
            value.is_some_and(|value| values.iter().any(|wanted| **wanted == **value))
        })
    })
}

fn count(selector: &Selector, metrics: &Metrics) -> u64 {
    chosen(selector, metrics)
        .map(|sample| match sample.value {
            SampleValue::Counter(count) => count,
            _ => 0,
        })
        .sum()
}

fn times(selector: &Selector, metrics: &Metrics) -> Option<Distribution> {
    let mut all: Option<Distribution> = None;
    for sample in chosen(selector, metrics) {
        let SampleValue::Histogram(times) = &sample.value else {
            continue;
        };
        match &mut all {
            Some(all) => all.add(times),
            None => all = Some(times.clone()),
        }
    }
    all
}

fn level(selector: &Selector, across: Across, metrics: &Metrics) -> Option<f64> {
    let levels = chosen(selector, metrics).filter_map(|sample| match sample.value {
        SampleValue::Gauge(level) => Some(level),
        _ => None,
    });
    levels.reduce(|one, other| match across {
        Across::Max => one.max(other),
        Across::Min => one.min(other),
        Across::Sum => one + other,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::telemetry::family::MAILBOX_DEPTH;
    use crate::telemetry::snapshot::FamilySamples;

    /// Catches: levels of several shards that are brought together in another way than the alarm says, or of
    /// shards that it does not look at.
    #[test]
    fn levels_are_brought_together_as_the_alarm_says() {
        let sample = |agent: &'static str, level| Sample {
            labels: vec![agent.into(), "0".into()],
            value: SampleValue::Gauge(level),
        };
        let samples = [("cart", 2.0), ("order", 3.0), ("order", 5.0)];
        let metrics = Metrics {
            at: Timestamp::from_millis(0),
            since: Timestamp::from_millis(0),
            families: vec![FamilySamples {
                family: MAILBOX_DEPTH,
                samples: samples.map(|(agent, level)| sample(agent, level)).into(),
            }],
        };
        let of = |labels: &[(&str, &str)]| Selector {
            metric: MAILBOX_DEPTH.name.into(),
            labels: labels
                .iter()
                .map(|(label, value)| ((*label).into(), vec![(*value).into()]))
                .collect::<BTreeMap<_, _>>(),
        };
        let across = [Across::Max, Across::Min, Across::Sum];
        let all = across.map(|across| level(&of(&[]), across, &metrics));
        assert_eq!(all, [Some(5.0), Some(2.0), Some(10.0)]);
        let orders = across.map(|across| level(&of(&[("agent", "order")]), across, &metrics));
        assert_eq!(orders, [Some(5.0), Some(3.0), Some(8.0)]);
        let none = across.map(|across| level(&of(&[("agent", "flow")]), across, &metrics));
        assert_eq!(none, [None; 3]);
    }
}
