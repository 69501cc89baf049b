//! Looks at all alarms again and again, on the runtime's clock, and tells what has changed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::measure::Window;
use super::settings::{Alarm, Alarms, Comparison, Measure, Severity};
use super::state::{State, Turn};
use crate::clock::{Clock, Timestamp};
use crate::policy::Monitor;
use crate::telemetry::family::{Unit, family};
use crate::telemetry::reader::MetricsReader;
use crate::telemetry::snapshot::Metrics;

/// What monitoring is told of an alarm: once when it is raised, and once when it is over.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AlarmNotice {
    /// The alarm's name.
    pub alarm: Arc<str>,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it begins or ends.
    pub change: AlarmChange,
    /// What was measured; `None` where there was too little to tell, which is well.
    pub value: Option<f64>,
    /// On which side of the threshold it is wrong.
    pub comparison: Comparison,
    /// From where on it is wrong.
    pub threshold: f64,
    /// The unit of both.
    pub unit: Unit,
    /// When this was found.
    pub at: Timestamp,
    /// Since when it was wrong.
    pub since: Timestamp,
}

/// Whether an alarm begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmChange {
    /// It was wrong for as long as it may be.
    Raised,
    /// It has been well again for long enough.
    Over,
}

/// Where the alarms stand, for metrics.
#[derive(Debug, Default)]
pub(crate) struct AlarmBoard {
    rows: Mutex<Vec<(Arc<str>, bool, u64)>>,
}

impl AlarmBoard {
    /// Each alarm, whether it is raised, and how often it was.
    pub(crate) fn read(&self) -> Vec<(Arc<str>, bool, u64)> {
        self.rows.lock().clone()
    }
}

struct Watched {
    alarm: Alarm,
    name: Arc<str>,
    window: Window,
    state: State,
}

/// Watches the alarms until the runtime stops.
pub(crate) async fn watch_alarms(
    alarms: Alarms,
    reader: MetricsReader,
    clock: Clock,
    monitor: Arc<dyn Monitor>,
    mut stopping: watch::Receiver<bool>,
) {
    let every = Duration::from_millis(alarms.every_ms);
    let wanted = wanted(&alarms);
    let mut watched: Vec<_> = alarms.alarms.into_iter().map(Watched::new).collect();
    let board = reader.sources.alarms.clone();
    *board.rows.lock() = watched
        .iter()
        .map(|it| (it.name.clone(), false, 0))
        .collect();
    let mut next = clock.now();
    loop {
        let metrics = reader.read_only(&wanted);
        for (nth, it) in watched.iter_mut().enumerate() {
            let Some(notice) = it.look(&metrics) else {
                continue;
            };
            if let Some((_, is_raised, raised)) = board.rows.lock().get_mut(nth) {
                *is_raised = notice.change == AlarmChange::Raised;
                *raised += u64::from(*is_raised);
            }
            log(&notice);
            monitor.alarm(&notice);
        }
        next = next.plus(every);
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => return,
            () = clock.sleep_until(next) => {}
        }
    }
}

/// The metrics that the alarms need: no others are read.
fn wanted(alarms: &Alarms) -> BTreeSet<&'static str> {
    let selectors = alarms.alarms.iter().flat_map(|alarm| match &alarm.measure {
        Measure::Ratio { part, whole } => vec![part, whole],
        Measure::Percentile { of, .. }
        | Measure::Increase { of }
        | Measure::Rate { of }
        | Measure::Level { of, .. } => vec![of],
    });
    let families = selectors.filter_map(|selector| family(&selector.metric));
    families.map(|family| family.name).collect()
}

impl Watched {
    fn new(alarm: Alarm) -> Self {
        Self {
            name: (&*alarm.name).into(),
            alarm,
            window: Window::default(),
            state: State::default(),
        }
    }

    fn look(&mut self, metrics: &Metrics) -> Option<AlarmNotice> {
        let alarm = &self.alarm;
        let value = self.window.look(alarm, metrics);
        let (change, since) = match self.state.go_on(alarm, metrics.at, value)? {
            Turn::Raised(since) => (AlarmChange::Raised, since),
            Turn::Over(since) => (AlarmChange::Over, since),
        };
        Some(AlarmNotice {
            alarm: self.name.clone(),
            severity: alarm.severity,
            change,
            value,
            comparison: alarm.comparison,
            threshold: alarm.threshold,
            unit: alarm.unit,
            at: metrics.at,
            since,
        })
    }
}

fn log(notice: &AlarmNotice) {
    let AlarmNotice {
        alarm,
        severity,
        value,
        threshold,
        unit,
        since,
        ..
    } = notice;
    let (severity, unit) = (severity.name(), unit.name());
    match notice.change {
        AlarmChange::Raised => {
            tracing::warn!(%alarm, severity, value, threshold, unit, %since, "an alarm was raised");
        }
        AlarmChange::Over => {
            tracing::info!(%alarm, severity, value, threshold, unit, %since, "an alarm is over");
        }
    }
}
