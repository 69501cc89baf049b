//! Everything that is measured, at one moment, as values.

use std::borrow::Cow;

use mercato_persistence::Distribution;

use super::family::{Family, MetricKind, Unit};
use crate::clock::Timestamp;

/// The metrics of a runtime as they were at one moment. Exporters and alarms read this and nothing
/// else.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// When they were read, on the runtime's clock.
    pub at: Timestamp,
    /// How long the runtime has run: counters began then.
    pub since: Timestamp,
    /// The metrics that have samples, in the order of [`FAMILIES`](crate::FAMILIES), and those of the
    /// host behind them.
    pub families: Vec<FamilySamples>,
}

/// The samples of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct FamilySamples {
    /// The metric.
    pub family: &'static Family,
    /// Its samples, one for each combination of its labels' values.
    pub samples: Vec<Sample>,
}

/// The value of a metric under these labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The values of the metric's labels, in their order.
    pub labels: Vec<Cow<'static, str>>,
    /// The value.
    pub value: SampleValue,
}

/// A value, as its metric's kind demands.
#[derive(Debug, Clone, PartialEq)]
pub enum SampleValue {
    /// Of a counter.
    Counter(u64),
    /// Of a gauge.
    Gauge(f64),
    /// Of a histogram: durations in nanoseconds, other things as they are.
    Histogram(Distribution),
}

impl FamilySamples {
    /// What the numbers inside a histogram are divided by to be in the metric's unit.
    #[must_use]
    pub fn scale(&self) -> f64 {
        scale_of(self.family)
    }
}

/// What the numbers inside a metric's histograms are divided by to be in its unit.
pub(crate) fn scale_of(family: &Family) -> f64 {
    match (family.kind, family.unit) {
        (MetricKind::Histogram, Unit::Seconds) => 1e9,
        _ => 1.0,
    }
}

impl Metrics {
    /// The samples of a metric; empty where it has none.
    #[must_use]
    pub fn samples(&self, name: &str) -> &[Sample] {
        let found = self.families.iter().find(|it| it.family.name == name);
        found.map_or(&[], |it| &it.samples)
    }

    /// The sample of a metric under these values of its labels.
    fn sample(&self, name: &str, labels: &[&str]) -> Option<&SampleValue> {
        let mut samples = self.samples(name).iter();
        samples
            .find(|sample| {
                let values = sample.labels.iter().map(|value| &**value);
                values.eq(labels.iter().copied())
            })
            .map(|sample| &sample.value)
    }

    /// The value of a counter under these values of its labels; 0 where it has not counted yet.
    #[must_use]
    pub fn counter(&self, name: &str, labels: &[&str]) -> u64 {
        match self.sample(name, labels) {
            Some(SampleValue::Counter(count)) => *count,
            _ => 0,
        }
    }

    /// The value of a gauge under these values of its labels.
    #[must_use]
    pub fn gauge(&self, name: &str, labels: &[&str]) -> Option<f64> {
        match self.sample(name, labels) {
            Some(SampleValue::Gauge(value)) => Some(*value),
            _ => None,
        }
    }

    /// The histogram under these values of its labels.
    #[must_use]
    pub fn histogram(&self, name: &str, labels: &[&str]) -> Option<&Distribution> {
        match self.sample(name, labels) {
            Some(SampleValue::Histogram(distribution)) => Some(distribution),
            _ => None,
        }
    }
}
