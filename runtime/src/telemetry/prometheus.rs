//! The metrics as a page for Prometheus to scrape.
//!
//! `prometheus-client`, the client library of the Prometheus project itself, writes the text. Its
//! registry lives for as long as a page is written and holds one collector: the metrics as values.

use std::borrow::Cow;
use std::fmt;

use mercato_persistence::Distribution;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::family::{Family, MetricKind};
use super::snapshot::{Metrics, SampleValue, scale_of};

/// The content type of [`Metrics::to_prometheus`].
pub const PROMETHEUS_CONTENT_TYPE: &str =
    prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

impl Metrics {
    /// The page in Prometheus' text format, version 0.0.4. Serve it under
    /// [`PROMETHEUS_CONTENT_TYPE`].
    #[must_use]
    pub fn to_prometheus(&self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Page(self.clone())));
        let mut page = String::new();
        // A string takes all that is written to it.
        let written = prometheus_client::encoding::prometheus_text::encode(&mut page, &registry);
        debug_assert!(written.is_ok());
        page
    }
}

#[derive(Debug)]
struct Page(Metrics);

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for of_one in &self.0.families {
            let family = of_one.family;
            // The library puts the suffix of counters there by itself.
            let name = family.name.strip_suffix("_total").unwrap_or(family.name);
            let kind = match family.kind {
                MetricKind::Counter => MetricType::Counter,
                MetricKind::Gauge => MetricType::Gauge,
                MetricKind::Histogram => MetricType::Histogram,
            };
            let help = format!("{}.", family.help);
            let mut of_family = encoder.encode_descriptor(name, &help, None, kind)?;
            for sample in &of_one.samples {
                let labels: Vec<_> = labels(family, &sample.labels).collect();
                let value = Value {
                    value: &sample.value,
                    scale: scale_of(family),
                };
                if labels.is_empty() {
                    value.encode_into(&mut of_family)?;
                } else {
                    value.encode(of_family.encode_family(&labels)?)?;
                }
            }
        }
        Ok(())
    }
}

fn labels<'a>(
    family: &'a Family,
    values: &'a [Cow<'static, str>],
) -> impl Iterator<Item = (&'static str, &'a str)> {
    let values = values.iter().map(|value| &**value);
    family.labels.iter().copied().zip(values)
}

struct Value<'a> {
    value: &'a SampleValue,
    scale: f64,
}

impl Value<'_> {
    fn encode_into(&self, encoder: &mut MetricEncoder<'_>) -> Result<(), fmt::Error> {
        match self.value {
            SampleValue::Counter(count) => {
                encoder.encode_counter::<NoLabelSet, u64, f64>(count, None)
            }
            SampleValue::Gauge(level) => encoder.encode_gauge(level),
            SampleValue::Histogram(it) => {
                let buckets: Vec<_> = buckets(it, self.scale).collect();
                #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
                let sum = it.sum as f64 / self.scale;
                encoder.encode_histogram::<NoLabelSet>(sum, it.count(), &buckets, None)
            }
        }
    }
}

impl EncodeMetric for Value<'_> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        self.encode_into(&mut encoder)
    }

    fn metric_type(&self) -> MetricType {
        match self.value {
            SampleValue::Counter(_) => MetricType::Counter,
            SampleValue::Gauge(_) => MetricType::Gauge,
            SampleValue::Histogram(_) => MetricType::Histogram,
        }
    }
}

/// The buckets with their upper bounds; the last one has none.
#[allow(clippy::cast_precision_loss, reason = "bounds far below 2^52")]
fn buckets(of: &Distribution, scale: f64) -> impl Iterator<Item = (f64, u64)> {
    let bounds = of.bounds.iter().map(move |bound| *bound as f64 / scale);
    bounds.chain([f64::INFINITY]).zip(of.counts.iter().copied())
}
