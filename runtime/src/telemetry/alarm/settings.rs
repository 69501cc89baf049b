//! Alarms as they are written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::telemetry::family::{
    AGENT_RESPONSE, CACHE_LOAD, CACHE_LOOKUPS, COMMANDS, STORE_READ, Unit,
};

/// The alarms of one runtime.
///
/// The defaults are the performance targets: an answer of an agent within a second, a query of the
/// knowledge base within half a second and one of the store within 100 ms (each of 99 in 100), nine
/// cache hits in ten look-ups, and fewer errors than one in a hundred commands.
///
/// ```
/// use mercato_runtime::Alarms;
///
/// let alarms = Alarms::default();
/// assert!(alarms.problems().is_empty());
/// let names: Vec<_> = alarms.alarms.iter().map(|alarm| &*alarm.name).collect();
/// let rows = [
///     "agent_response_time",
///     "knowledge_base_query_time",
///     "store_query_time",
///     "cache_hit_ratio",
///     "error_rate",
/// ];
/// assert_eq!(names, rows);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Alarms {
    /// How often all of them are looked at, in milliseconds. 100 to 3,600,000; default 10,000.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub every_ms: u64,
    /// The alarms, at most 256. Default: the performance targets.
    #[schemars(length(max = 256))]
    pub alarms: Vec<Alarm>,
}

/// One alarm: something that is measured, and from where on it is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// Its name: 1 to 64 lower-case letters, digits, `_` and `-`. No two have the same.
    pub name: Box<str>,
    /// What is measured.
    pub measure: Measure,
    /// On which side of the threshold it is wrong.
    pub comparison: Comparison,
    /// From where on it is wrong, in `unit`.
    pub threshold: f64,
    /// The unit of the threshold: that of the metric; `ratio` and `per_second` where the measure
    /// says so.
    pub unit: Unit,
    /// A raised alarm is over on the good side of this value. Default: the threshold itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clear_at: Option<f64>,
    /// Over what time it is measured, in milliseconds. 1,000 to 86,400,000, and no more than 4,096
    /// times as long as the alarms' `every_ms`; default 300,000 (five minutes).
    #[serde(default = "window_ms")]
    #[schemars(range(min = 1_000, max = 86_400_000))]
    pub window_ms: u64,
    /// For how long it must be wrong before it is raised, in milliseconds. 0 to 86,400,000; default
    /// 60,000.
    #[serde(default = "lasting_ms")]
    #[schemars(range(min = 0, max = 86_400_000))]
    pub for_ms: u64,
    /// For how long it must be well again before it is over, in milliseconds. 0 to 86,400,000;
    /// default 60,000.
    #[serde(default = "lasting_ms")]
    #[schemars(range(min = 0, max = 86_400_000))]
    pub clear_for_ms: u64,
    /// Of how many values in the window a percentile or a ratio must be made to count at all. 1 to
    /// 1,000,000,000; default 20. Where there are fewer, the alarm is well.
    #[serde(default = "values_min")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub values_min: u64,
    /// How bad it is. Default `warning`.
    #[serde(default)]
    pub severity: Severity,
}

fn window_ms() -> u64 {
    300_000
}

fn lasting_ms() -> u64 {
    60_000
}

fn values_min() -> u64 {
    20
}

/// What an alarm measures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Measure {
    /// What so many percent of a histogram's values in the window do not exceed.
    Percentile {
        /// A histogram.
        of: Selector,
        /// How many percent. Above 0 and up to 100.
        percent: f64,
    },
    /// Which part of a counter's growth in the window another one has: 0 to 1.
    Ratio {
        /// A counter.
        part: Selector,
        /// The counter that it is a part of.
        whole: Selector,
    },
    /// By how much a counter grew in the window.
    Increase {
        /// A counter.
        of: Selector,
    },
    /// How fast a counter grew in the window, in a second.
    Rate {
        /// A counter.
        of: Selector,
    },
    /// Where a gauge stands now; the window does not matter.
    Level {
        /// A gauge.
        of: Selector,
        /// What counts where several samples match.
        #[serde(default)]
        across: Across,
    },
}

/// Which samples of a metric count. All that match are taken together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// The metric's name.
    pub metric: Box<str>,
    /// The values that a label may have, by its name. A label that is not named may have any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<Box<str>, Vec<Box<str>>>,
}

/// What counts where several gauges match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Across {
    /// The greatest.
    #[default]
    Max,
    /// The least.
    Min,
    /// All together.
    Sum,
}

/// On which side of the threshold something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Above it.
    Above,
    /// Below it.
    Below,
}

/// How bad it is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look.
    #[default]
    Warning,
    /// Somebody must act.
    Critical,
}

impl Severity {
    /// The name in logs and notices.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl Selector {
    /// All samples of a metric.
    #[must_use]
    pub fn all(metric: &str) -> Self {
        Self {
            metric: metric.into(),
            labels: BTreeMap::new(),
        }
    }

    /// The same, where a label has one of these values.
    #[must_use]
    pub fn with(mut self, label: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|value| Box::from(*value)).collect();
        self.labels.insert(label.into(), values);
        self
    }
}

impl Alarm {
    /// An alarm that is wrong above the threshold, with the default times.
    #[must_use]
    pub fn above(name: &str, measure: Measure, threshold: f64, unit: Unit) -> Self {
        Self {
            name: name.into(),
            measure,
            comparison: Comparison::Above,
            threshold,
            unit,
            clear_at: None,
            window_ms: window_ms(),
            for_ms: lasting_ms(),
            clear_for_ms: lasting_ms(),
            values_min: values_min(),
            severity: Severity::default(),
        }
    }

    /// An alarm that is wrong below the threshold, with the default times.
    #[must_use]
    pub fn below(name: &str, measure: Measure, threshold: f64, unit: Unit) -> Self {
        Self {
            comparison: Comparison::Below,
            ..Self::above(name, measure, threshold, unit)
        }
    }

    /// The same, as bad as this.
    #[must_use]
    pub fn of_severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }
}

impl Default for Alarms {
    fn default() -> Self {
        let most_of = |of| Measure::Percentile { of, percent: 99.0 };
        let seconds = Unit::Seconds;
        let knowledge = Selector::all(CACHE_LOAD.name).with("cache", &[crate::KNOWLEDGE_BASE]);
        let hits = Measure::Ratio {
            part: Selector::all(CACHE_LOOKUPS.name).with("outcome", &["hit"]),
            whole: Selector::all(CACHE_LOOKUPS.name),
        };
        let wrong = ["failed", "shed", "quarantined"];
        let errors = Measure::Ratio {
            part: Selector::all(COMMANDS.name).with("outcome", &wrong),
            whole: Selector::all(COMMANDS.name),
        };
        let answers = most_of(Selector::all(AGENT_RESPONSE.name));
        let queries = most_of(Selector::all(STORE_READ.name));
        Self {
            every_ms: 10_000,
            alarms: vec![
                Alarm::above("agent_response_time", answers, 1.0, seconds),
                Alarm::above(
                    "knowledge_base_query_time",
                    most_of(knowledge),
                    0.5,
                    seconds,
                ),
                Alarm::above("store_query_time", queries, 0.1, seconds),
                Alarm::below("cache_hit_ratio", hits, 0.9, Unit::Ratio),
                Alarm::above("error_rate", errors, 0.01, Unit::Ratio)
                    .of_severity(Severity::Critical),
            ],
        }
    }
}
