//! Alarms are checked as a whole, and everything that is wrong is told at once.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use super::settings::{Alarm, Alarms, Measure, Selector};
use crate::telemetry::family::{Family, MetricKind, Unit, family};

/// How many alarms there may be.
const ALARMS_MAX: usize = 256;
/// The longest name of an alarm, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// How many readings an alarm keeps of its window.
pub(super) const READINGS_MAX: u64 = 4_096;
/// A day, in milliseconds.
const DAY_MS: u64 = 86_400_000;

/// One mistake in the settings of alarms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmProblem {
    /// Where: `alarms[2].measure.of.metric`.
    pub path: String,
    /// What stands there.
    pub found: String,
    /// How to mend it.
    pub mend: String,
}

impl fmt::Display for AlarmProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}: {}", self.path, self.found, self.mend)
    }
}

/// Alarms that cannot be watched, with everything that is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidAlarms {
    /// Never empty.
    pub problems: Vec<AlarmProblem>,
}

impl fmt::Display for InvalidAlarms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the alarms have {} mistakes", self.problems.len())?;
        self.problems
            .iter()
            .try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl Alarms {
    /// Everything that is wrong with them, in their order; empty where nothing is.
    #[must_use]
    pub fn problems(&self) -> Vec<AlarmProblem> {
        let mut checks = Checks::default();
        checks.range("every_ms", self.every_ms, 100..=3_600_000);
        if self.alarms.len() > ALARMS_MAX {
            let found = format!("{} alarms", self.alarms.len());
            checks.add("alarms", found, format!("have at most {ALARMS_MAX}"));
        }
        let mut names = BTreeSet::new();
        for (nth, alarm) in self.alarms.iter().enumerate() {
            checks.path = format!("alarms[{nth}]");
            checks.alarm(alarm, self.every_ms);
            if !names.insert(&alarm.name) {
                let mend = "another alarm has that name; give each its own";
                checks.add("name", format!("{:?}", alarm.name), mend);
            }
        }
        checks.problems
    }

    /// The same, as a result.
    ///
    /// # Errors
    /// With everything that is wrong with them.
    pub fn check(&self) -> Result<(), InvalidAlarms> {
        let problems = self.problems();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(InvalidAlarms { problems })
        }
    }
}

#[derive(Default)]
struct Checks {
    path: String,
    problems: Vec<AlarmProblem>,
}

impl Checks {
    fn add(&mut self, field: &str, found: impl Into<String>, mend: impl Into<String>) {
        let path = match &*self.path {
            "" => field.to_owned(),
            path => format!("{path}.{field}"),
        };
        self.problems.push(AlarmProblem {
            path,
            found: found.into(),
            mend: mend.into(),
        });
    }

    fn range(&mut self, field: &str, found: u64, range: RangeInclusive<u64>) {
        if !range.contains(&found) {
            let (min, max) = range.into_inner();
            self.add(field, found.to_string(), format!("choose {min} to {max}"));
        }
    }

    fn alarm(&mut self, alarm: &Alarm, every_ms: u64) {
        let name = &*alarm.name;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(plain) {
            let mend = format!("use 1 to {NAME_BYTES_MAX} lower-case letters, digits, `-` and `_`");
            self.add("name", format!("{name:?}"), mend);
        }
        let unit = self.measure(&alarm.measure);
        if let Some(unit) = unit.filter(|unit| *unit != alarm.unit) {
            let mend = format!("what is measured is in {}", unit.name());
            self.add("unit", alarm.unit.name(), mend);
        }
        let ratio = unit == Some(Unit::Ratio);
        for (field, value) in [
            ("threshold", Some(alarm.threshold)),
            ("clear_at", alarm.clear_at),
        ] {
            let Some(value) = value else { continue };
            if !value.is_finite() || value < 0.0 {
                self.add(field, value.to_string(), "choose 0 or more");
            } else if ratio && value > 1.0 {
                self.add(field, value.to_string(), "a ratio is 0 to 1");
            }
        }
        if let Some(clear_at) = alarm.clear_at
            && alarm.comparison.is_wrong(clear_at, alarm.threshold)
        {
            let mend = format!(
                "choose a value that is not {} the threshold of {}",
                alarm.comparison.name(),
                alarm.threshold
            );
            self.add("clear_at", clear_at.to_string(), mend);
        }
        self.range("window_ms", alarm.window_ms, 1_000..=DAY_MS);
        if alarm.window_ms / every_ms.max(1) > READINGS_MAX {
            let mend =
                format!("choose at most {READINGS_MAX} times `every_ms`, which is {every_ms}");
            self.add("window_ms", alarm.window_ms.to_string(), mend);
        }
        self.range("for_ms", alarm.for_ms, 0..=DAY_MS);
        self.range("clear_for_ms", alarm.clear_for_ms, 0..=DAY_MS);
        self.range("values_min", alarm.values_min, 1..=1_000_000_000);
    }

    /// Checks what is measured, and gives its unit where that is known.
    fn measure(&mut self, measure: &Measure) -> Option<Unit> {
        match measure {
            Measure::Percentile { of, percent } => {
                if !(*percent > 0.0 && *percent <= 100.0) {
                    let mend = "choose more than 0, up to 100";
                    self.add("measure.percent", percent.to_string(), mend);
                }
                self.selector("measure.of", of, MetricKind::Histogram)
            }
            Measure::Ratio { part, whole } => {
                self.selector("measure.part", part, MetricKind::Counter);
                self.selector("measure.whole", whole, MetricKind::Counter);
                Some(Unit::Ratio)
            }
            Measure::Increase { of } => self.selector("measure.of", of, MetricKind::Counter),
            Measure::Rate { of } => {
                self.selector("measure.of", of, MetricKind::Counter);
                Some(Unit::PerSecond)
            }
            Measure::Level { of, .. } => self.selector("measure.of", of, MetricKind::Gauge),
        }
    }

    fn selector(&mut self, field: &str, selector: &Selector, kind: MetricKind) -> Option<Unit> {
        let Some(found) = family(&selector.metric) else {
            let mend = "there is no such metric; `mercato_runtime::FAMILIES` lists them";
            let at = format!("{field}.metric");
            self.add(&at, format!("{:?}", selector.metric), mend);
            return None;
        };
        if found.kind != kind {
            let mend = format!("a {} is needed here", kind.name());
            let at = format!("{field}.metric");
            self.add(&at, format!("a {}", found.kind.name()), mend);
        }
        self.labels(field, selector, found);
        Some(found.unit)
    }

    fn labels(&mut self, field: &str, selector: &Selector, found: &Family) {
        for (label, values) in &selector.labels {
            let at = format!("{field}.labels");
            if !found.labels.contains(&&**label) {
                let mend = format!("{} has the labels {:?}", found.name, found.labels);
                self.add(&at, format!("{label:?}"), mend);
            } else if values.is_empty() {
                let mend = "name one value at least, or leave the label out";
                self.add(&at, format!("no value of {label:?}"), mend);
            }
        }
    }
}
