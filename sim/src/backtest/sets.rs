//! The series that forecasts are held against.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use mercato_actors::forecast::Series;

use super::BacktestError;
use crate::data::{Dataset, ReadLimits, read_transactions};

pub(super) const RETAIL: &str = "retail weeks";
pub(super) const FILES: [&str; 3] = [
    "retail/online_retail.csv",
    "forecast/m3.tsv",
    "forecast/carparts.csv",
];

type Load = fn(&Path) -> Result<Vec<Set>, BacktestError>;
pub(super) const LOADERS: [(&str, Load); 3] =
    [(FILES[0], retail), (FILES[1], m3), (FILES[2], car_parts)];

/// The largest file of series that is read, uncompressed.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// A product of the retail weeks had demand in so many weeks before the first origin.
const DEMANDS_MIN: usize = 10;

pub(super) struct TestSeries {
    pub(super) values: Vec<f64>,
    pub(super) season: usize,
}

/// Where a series is cut into what is shown and what is not.
pub(super) enum Origins {
    /// After so many periods, each time.
    Places { origins: Vec<usize>, horizon: usize },
    /// Each series has its own.
    Own(Vec<usize>),
}

pub(super) struct Set {
    pub(super) name: &'static str,
    pub(super) series: Vec<TestSeries>,
    pub(super) origins: Origins,
}

impl Set {
    /// Every training series, and what came after it.
    pub(super) fn trials(&self) -> impl Iterator<Item = (Series, &[f64])> {
        let numbered = self.series.iter().enumerate();
        numbered.flat_map(|(number, series)| {
            let cuts: Vec<(usize, usize)> = match &self.origins {
                Origins::Places { origins, horizon } => {
                    origins.iter().map(|origin| (*origin, *horizon)).collect()
                }
                Origins::Own(origins) => {
                    let origin = origins.get(number).copied().unwrap_or_default();
                    vec![(origin, series.values.len() - origin)]
                }
            };
            cuts.into_iter()
                .filter_map(|(origin, horizon)| series.cut(origin, horizon))
        })
    }

    /// The same, of one origin.
    pub(super) fn trials_at(&self, origin: usize) -> impl Iterator<Item = (Series, &[f64])> {
        let horizon = match &self.origins {
            Origins::Places { horizon, .. } => *horizon,
            Origins::Own(_) => 1,
        };
        let series = self.series.iter();
        series.filter_map(move |series| series.cut(origin, horizon))
    }
}

impl TestSeries {
    /// What is shown, from its first demand on, and what is not; `None` where nothing was ever
    /// asked for.
    fn cut(&self, origin: usize, horizon: usize) -> Option<(Series, &[f64])> {
        let shown = self.values.get(..origin)?;
        let first = shown.iter().position(|value| *value > 0.0)?;
        let actual = self.values.get(origin..origin + horizon)?;
        let series = Series::new(shown.get(first..)?, self.season).ok()?;
        Some((series, actual))
    }
}

/// A file of the folder, plain or compressed.
pub(super) fn find(folder: &Path, file: &str) -> Option<PathBuf> {
    let compressed = folder.join(format!("{file}.zst"));
    [folder.join(file), compressed]
        .into_iter()
        .find(|path| path.is_file())
}

/// Units a week of each product. Weeks begin on Mondays; those that the file does not hold in
/// whole, and those in which the shop was closed, are left out. Stock codes that differ in case are
/// one product.
fn retail(path: &Path) -> Result<Vec<Set>, BacktestError> {
    let limits = ReadLimits {
        line_quantity_max: 9_999,
        ..ReadLimits::default()
    };
    let dataset = read_transactions(path, limits)?;
    let series = weeks(&dataset).into_values();
    let known = |values: &Vec<f64>| {
        let before = values.iter().take(39);
        before.filter(|units| **units > 0.0).count() >= DEMANDS_MIN
    };
    Ok(vec![Set {
        name: RETAIL,
        series: series
            .filter(known)
            .map(|values| TestSeries { values, season: 1 })
            .collect(),
        origins: Origins::Places {
            origins: vec![39, 43, 47],
            horizon: 4,
        },
    }])
}

fn weeks(dataset: &Dataset) -> BTreeMap<String, Vec<f64>> {
    let mut sold: BTreeMap<Date, BTreeMap<String, f64>> = BTreeMap::new();
    for basket in &dataset.baskets {
        let week = sold.entry(monday(basket.at.date())).or_default();
        for line in dataset.lines(basket) {
            let product = usize::try_from(line.product).ok();
            if let Some(facts) = product.and_then(|product| dataset.products.get(product)) {
                let code = facts.stock_code.to_uppercase();
                *week.entry(code).or_default() += f64::from(line.quantity);
            }
        }
    }
    // The first and the last week are cut by the file.
    let whole: Vec<_> = sold.into_values().collect();
    let whole = whole
        .get(1..whole.len().saturating_sub(1))
        .unwrap_or_default();
    let mut series: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (number, week) in whole.iter().enumerate() {
        for (code, units) in week {
            let values = series.entry(code.clone());
            let values = values.or_insert_with(|| vec![0.0; whole.len()]);
            if let Some(value) = values.get_mut(number) {
                *value = *units;
            }
        }
    }
    series
}

fn monday(day: Date) -> Date {
    let since = day.weekday().since(Weekday::Monday);
    day.saturating_sub(i64::from(since).days())
}

/// Tab-separated, with columns `period`, `train` and `test`; the latter of numbers between spaces.
fn m3(path: &Path) -> Result<Vec<Set>, BacktestError> {
    let (mut all, mut all_at) = (Vec::new(), Vec::new());
    let (mut monthly, mut monthly_at) = (Vec::new(), Vec::new());
    for (row, line) in (2..).zip(text(path)?.lines().skip(1)) {
        let wrong = |what: &str| BacktestError::Series {
            file: path.to_owned(),
            problem: format!("row {row} has no {what}"),
        };
        let fields: Vec<&str> = line.split('\t').collect();
        let period = *fields.get(1).ok_or_else(|| wrong("period"))?;
        let numbers = |field: usize, what| {
            let text = fields.get(field).ok_or_else(|| wrong(what))?;
            let numbers: Result<Vec<f64>, _> = text.split_whitespace().map(str::parse).collect();
            numbers.map_err(|_| wrong(what))
        };
        let mut values = numbers(6, "training values")?;
        let origin = values.len();
        values.extend(numbers(7, "test values")?);
        let season = match period {
            "MONTHLY" => 12,
            "QUARTERLY" => 4,
            _ => 1,
        };
        if season == 12 {
            monthly_at.push(origin);
            monthly.push(TestSeries {
                values: values.clone(),
                season,
            });
        }
        all_at.push(origin);
        all.push(TestSeries { values, season });
    }
    let set = |name, series, origins| Set {
        name,
        series,
        origins: Origins::Own(origins),
    };
    Ok(vec![
        set("M3 monthly", monthly, monthly_at),
        set("M3", all, all_at),
    ])
}

/// A series a row, in months; a field that is empty was not measured, and its series is left out.
fn car_parts(path: &Path) -> Result<Vec<Set>, BacktestError> {
    let mut series = Vec::new();
    for line in text(path)?.lines() {
        let values: Result<Vec<f64>, _> = line.split(',').map(str::parse).collect();
        if let Ok(values) = values {
            series.push(TestSeries { values, season: 1 });
        }
    }
    if series.is_empty() {
        return Err(BacktestError::Series {
            file: path.to_owned(),
            problem: "no row has a number in every month".into(),
        });
    }
    Ok(vec![Set {
        name: "car parts",
        series,
        origins: Origins::Places {
            origins: vec![33, 39, 45],
            horizon: 6,
        },
    }])
}

/// The content of a file, plain or compressed.
fn text(path: &Path) -> Result<String, BacktestError> {
    let read = || -> std::io::Result<String> {
        let file = std::fs::File::open(path)?;
        let mut text = String::new();
        if path.extension().is_some_and(|extension| extension == "zst") {
            let plain = zstd::Decoder::new(file)?;
            plain.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
        } else {
            file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
        }
        Ok(text)
    };
    read().map_err(|error| BacktestError::Series {
        file: path.to_owned(),
        problem: error.to_string(),
    })
}
