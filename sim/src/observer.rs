//! What the outside saw: acknowledgements, answers and how long they took. The laws hold the
//! shop's own books against this, never against themselves.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hdrhistogram::Histogram;
use mercato_actors::{OrderId, Quantity, Sku};
use serde::{Deserialize, Serialize};

use crate::error::SimulationError;

/// An order as it was acknowledged to its shopper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Which order.
    pub order: OrderId,
    /// Who it was acknowledged to: the index of a shopper.
    pub shopper: u64,
    /// What it cost, in minor units.
    pub total_minor: i64,
    /// What was bought.
    pub lines: Vec<(Sku, Quantity)>,
    /// Which version of the order it was.
    #[serde(default = "first_revision")]
    pub revision: u32,
}

fn first_revision() -> u32 {
    1
}

/// What shoppers ask of the shop, for the table of latencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    /// Recommendations.
    Recommend,
    /// A product's stock and price.
    Product,
    /// The total of a cart.
    Cart,
    /// An order.
    Checkout,
    /// A question.
    Support,
    /// A change of an order.
    Change,
    /// A return.
    Return,
}

impl Request {
    /// All of them, in the order of a visit.
    pub const ALL: [Self; 7] = [
        Self::Recommend,
        Self::Product,
        Self::Cart,
        Self::Checkout,
        Self::Support,
        Self::Change,
        Self::Return,
    ];

    /// Its name in the report.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Recommend => "recommend",
            Self::Product => "product",
            Self::Cart => "cart",
            Self::Checkout => "checkout",
            Self::Support => "support",
            Self::Change => "order change",
            Self::Return => "return",
        }
    }
}

/// How a request came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Served.
    Served,
    /// Refused by the shop's rules: out of stock, declined. An answer, not a failure.
    Refused,
    /// Not served: overload, deadline, an error.
    Failed,
}

/// The requests of one kind.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Latencies in microseconds, from when the shopper wanted the answer.
    pub latency_us: Histogram<u64>,
    /// Requests that were refused.
    pub refused: u64,
    /// Requests that were not served.
    pub failed: u64,
    /// The reason of the first failure.
    pub first_failure: Option<String>,
}

/// Latencies above this are counted as this: one minute.
const LATENCY_US_MAX: u64 = 60_000_000;

impl Seen {
    fn new() -> Result<Self, SimulationError> {
        let latency_us = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Self {
            latency_us,
            refused: 0,
            failed: 0,
            first_failure: None,
        })
    }
}

/// Everything that the outside saw.
#[derive(Debug)]
pub struct Observer {
    /// Visits begun.
    pub visits: u64,
    /// Shoppers who found the shop full, and did not come in.
    pub turned_away: u64,
    /// Visits that ended in at least one order.
    pub buyers: u64,
    /// Visits that put something in a cart.
    pub carts: u64,
    /// By kind of request.
    pub requests: BTreeMap<Request, Seen>,
    /// This run's orders, and those of the runs before on the same store.
    pub acknowledged: BTreeMap<OrderId, Acknowledgement>,
    /// How many of them this run acknowledged.
    pub acknowledged_now: u64,
    /// Promotions that the shop's people tried to start and its limits did not let them.
    pub promotions_refused: u64,
    /// Coupons that shoppers typed in and could not use.
    pub coupons_refused: u64,
    latest_of_shopper: BTreeMap<u64, OrderId>,
    log: Option<AcknowledgementLog>,
}

/// The clients' own log of what was acknowledged to them, one JSON object a line. It lies beside
/// the store, and no part of the shop reads or writes it.
#[derive(Debug)]
struct AcknowledgementLog {
    path: PathBuf,
    file: File,
}

impl Observer {
    /// An observer that keeps its log at `log`, and knows what is in it already.
    ///
    /// # Errors
    /// When the log cannot be read or written.
    pub fn new(log: Option<&Path>) -> Result<Self, SimulationError> {
        let mut observer = Self {
            visits: 0,
            turned_away: 0,
            buyers: 0,
            carts: 0,
            requests: Request::ALL
                .into_iter()
                .map(|request| Ok((request, Seen::new()?)))
                .collect::<Result<_, SimulationError>>()?,
            acknowledged: BTreeMap::new(),
            acknowledged_now: 0,
            promotions_refused: 0,
            coupons_refused: 0,
            latest_of_shopper: BTreeMap::new(),
            log: None,
        };
        if let Some(path) = log {
            for acknowledgement in read_json_lines::<Acknowledgement>(path)? {
                observer.keep(acknowledgement);
            }
            observer.log = Some(AcknowledgementLog {
                path: path.into(),
                file: append_to(path)?,
            });
        }
        Ok(observer)
    }

    /// Notes how a request came out.
    pub fn answered(&mut self, request: Request, latency: Duration, outcome: Outcome) {
        let Some(seen) = self.requests.get_mut(&request) else {
            return;
        };
        let us = u64::try_from(latency.as_micros()).unwrap_or(LATENCY_US_MAX);
        seen.latency_us
            .saturating_record(us.clamp(1, LATENCY_US_MAX));
        match outcome {
            Outcome::Served => {}
            Outcome::Refused => seen.refused += 1,
            Outcome::Failed => seen.failed += 1,
        }
    }

    /// Notes why a request was not served; the first reason of each kind is kept.
    pub fn failed_because(&mut self, request: Request, reason: &dyn std::fmt::Display) {
        if let Some(seen) = self.requests.get_mut(&request) {
            seen.first_failure.get_or_insert_with(|| reason.to_string());
        }
    }

    /// Notes an acknowledged order, in the log first.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn acknowledge(&mut self, order: Acknowledgement) -> Result<(), SimulationError> {
        if let Some(log) = &mut self.log {
            write_json_line(&mut log.file, &order).map_err(|problem| SimulationError::Beside {
                path: log.path.clone(),
                problem,
            })?;
        }
        self.acknowledged_now += u64::from(!self.acknowledged.contains_key(&order.order));
        self.keep(order);
        Ok(())
    }

    /// The latest order that was acknowledged to a shopper.
    #[must_use]
    pub fn latest_order_of(&self, shopper: u64) -> Option<&Acknowledgement> {
        let order = self.latest_of_shopper.get(&shopper)?;
        self.acknowledged.get(order)
    }

    fn keep(&mut self, order: Acknowledgement) {
        self.latest_of_shopper
            .insert(order.shopper, order.order.clone());
        self.acknowledged.insert(order.order.clone(), order);
    }
}

/// Opens a file for lines to be added.
pub(crate) fn append_to(path: &Path) -> Result<File, SimulationError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| beside(path, &error))
}

/// Adds one line in one write, so that a killed process leaves whole lines.
pub(crate) fn write_json_line<T: Serialize>(file: &mut File, value: &T) -> Result<(), String> {
    let mut line = serde_json::to_vec(value).map_err(|error| error.to_string())?;
    line.push(b'\n');
    file.write_all(&line).map_err(|error| error.to_string())
}

/// Reads what was added; nothing where there is no file. A last line without its end was cut off by
/// a crash before anybody relied on it, and is taken away.
pub(crate) fn read_json_lines<T: for<'de> Deserialize<'de>>(
    path: &Path,
) -> Result<Vec<T>, SimulationError> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(beside(path, &error)),
    };
    let mut reader = BufReader::new(&file);
    let (mut values, mut line, mut end) = (Vec::new(), Vec::new(), 0u64);
    loop {
        line.clear();
        let read = reader
            .read_until(b'\n', &mut line)
            .map_err(|error| beside(path, &error))?;
        if read == 0 {
            return Ok(values);
        }
        if line.last() != Some(&b'\n') {
            file.set_len(end).map_err(|error| beside(path, &error))?;
            return Ok(values);
        }
        let value = serde_json::from_slice(&line).map_err(|error| SimulationError::Beside {
            path: path.into(),
            problem: format!("line {}: {error}", values.len() + 1),
        })?;
        values.push(value);
        end += read as u64;
    }
}

fn beside(path: &Path, error: &std::io::Error) -> SimulationError {
    SimulationError::Beside {
        path: path.into(),
        problem: error.to_string(),
    }
}
