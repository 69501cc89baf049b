//! Spans and metrics as the messages of the protocol.

use std::borrow::Cow;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

use super::spans::{Finished, Value};
use crate::clock::Timestamp;
use crate::telemetry::family::{Family, MetricKind, Unit};
use crate::telemetry::snapshot::{FamilySamples, Metrics, Sample, SampleValue, scale_of};

/// The flag of a span that is recorded.
const SAMPLED: u32 = 1;

/// The body of a request with these spans.
pub(super) fn traces(service: &str, spans: Vec<Finished>) -> Vec<u8> {
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource(service)),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope()),
                spans: spans.into_iter().map(span).collect(),
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    };
    request.encode_to_vec()
}

/// The body of a request with these metrics.
pub(super) fn metrics(service: &str, metrics: &Metrics) -> Vec<u8> {
    let families = metrics.families.iter();
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource(service)),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope()),
                metrics: families.map(|it| metric(it, metrics)).collect(),
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    };
    request.encode_to_vec()
}

fn resource(service: &str) -> Resource {
    Resource {
        attributes: vec![text("service.name", service)],
        ..Resource::default()
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "mercato".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        ..InstrumentationScope::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Any::StringValue(value.into()))
}

fn attribute(key: &str, value: Any) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn span(finished: Finished) -> Span {
    let kind = match &*finished.kind {
        "server" => SpanKind::Server,
        "client" => SpanKind::Client,
        "consumer" => SpanKind::Consumer,
        _ => SpanKind::Internal,
    };
    let fields = finished.fields.into_iter().map(|(name, value)| {
        let value = match value {
            Value::Text(text) => Any::StringValue(text),
            Value::Number(number) => Any::IntValue(number),
        };
        attribute(&format!("mercato.{name}"), value)
    });
    let outcome = Some(&*finished.outcome).filter(|outcome| !outcome.is_empty());
    let outcome = outcome.map(|outcome| text("mercato.outcome", outcome));
    let parent = finished.parent_id;
    Span {
        trace_id: finished.trace_id.to_be_bytes().to_vec(),
        span_id: finished.span_id.to_be_bytes().to_vec(),
        parent_span_id: match parent {
            0 => Vec::new(),
            parent => parent.to_be_bytes().to_vec(),
        },
        flags: SAMPLED,
        name: finished.name.into(),
        kind: kind.into(),
        start_time_unix_nano: finished.began_ns,
        end_time_unix_nano: finished.ended_ns,
        attributes: fields.chain(outcome).collect(),
        status: Some(status(&finished.outcome)),
        ..Span::default()
    }
}

/// A refusal is an answer, and no error.
fn status(outcome: &str) -> Status {
    let code = match outcome {
        "failed" | "expired" | "overloaded" | "unknown" | "given_up" => StatusCode::Error,
        _ => StatusCode::Unset,
    };
    Status {
        message: String::new(),
        code: code.into(),
    }
}

fn nanos(at: Timestamp) -> u64 {
    at.as_millis().saturating_mul(1_000_000)
}

fn metric(of: &FamilySamples, metrics: &Metrics) -> Metric {
    let family = of.family;
    let temporality = AggregationTemporality::Cumulative.into();
    let points = |point: fn(&Sample) -> Option<Number>| {
        let point = move |sample: &Sample| NumberDataPoint {
            attributes: attributes(family, &sample.labels),
            start_time_unix_nano: nanos(metrics.since),
            time_unix_nano: nanos(metrics.at),
            value: point(sample),
            ..NumberDataPoint::default()
        };
        of.samples.iter().map(point).collect()
    };
    let data = match family.kind {
        MetricKind::Counter => Data::Sum(Sum {
            data_points: points(counted),
            aggregation_temporality: temporality,
            is_monotonic: true,
        }),
        MetricKind::Gauge => Data::Gauge(Gauge {
            data_points: points(stands),
        }),
        MetricKind::Histogram => Data::Histogram(Histogram {
            data_points: of
                .samples
                .iter()
                .filter_map(|sample| distribution(family, sample, metrics))
                .collect(),
            aggregation_temporality: temporality,
        }),
    };
    Metric {
        name: family.name.into(),
        description: family.help.into(),
        // As UCUM has it.
        unit: match family.unit {
            Unit::Seconds => "s",
            Unit::Bytes => "By",
            Unit::Count | Unit::Ratio | Unit::PerSecond => "1",
        }
        .into(),
        data: Some(data),
        ..Metric::default()
    }
}

fn attributes(family: &Family, values: &[Cow<'static, str>]) -> Vec<KeyValue> {
    let labels = family.labels.iter().zip(values);
    labels.map(|(label, value)| text(label, value)).collect()
}

fn counted(sample: &Sample) -> Option<Number> {
    match sample.value {
        SampleValue::Counter(count) => {
            Some(Number::AsInt(i64::try_from(count).unwrap_or(i64::MAX)))
        }
        _ => None,
    }
}

fn stands(sample: &Sample) -> Option<Number> {
    match sample.value {
        SampleValue::Gauge(level) => Some(Number::AsDouble(level)),
        _ => None,
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "sums and bounds far below 2^52 of their unit"
)]
fn distribution(family: &Family, sample: &Sample, metrics: &Metrics) -> Option<HistogramDataPoint> {
    let SampleValue::Histogram(it) = &sample.value else {
        return None;
    };
    let scale = scale_of(family);
    Some(HistogramDataPoint {
        attributes: attributes(family, &sample.labels),
        start_time_unix_nano: nanos(metrics.since),
        time_unix_nano: nanos(metrics.at),
        count: it.count(),
        sum: Some(it.sum as f64 / scale),
        bucket_counts: it.counts.clone(),
        explicit_bounds: it
            .bounds
            .iter()
            .map(|bound| *bound as f64 / scale)
            .collect(),
        ..HistogramDataPoint::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a span of one kind that a collector takes for another.
    #[test]
    fn each_kind_of_span_is_told() {
        for (kind, told) in [
            ("server", SpanKind::Server),
            ("client", SpanKind::Client),
            ("consumer", SpanKind::Consumer),
            ("internal", SpanKind::Internal),
        ] {
            let finished = Finished {
                kind: kind.into(),
                ..Finished::default()
            };
            assert_eq!(span(finished).kind(), told);
        }
    }
}
