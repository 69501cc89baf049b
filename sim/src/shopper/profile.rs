//! What the transactions say about shoppers: what they buy, how much, and when.

use std::collections::{BTreeMap, BTreeSet};

use super::empirical::Empirical;
use super::error::ShopperError;
use crate::data::Dataset;

/// Caps on what is drawn from the transactions.
///
/// The UCI file is of a wholesaler (median basket 15 articles, some above 1,000). Clamping to these
/// caps makes a plausible retail day of it; [`Calibration::capped`] says how much they changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalibrationOptions {
    /// Most different products in a basket, at least 1. Default 20.
    pub basket_lines_max: u32,
    /// Most units in a line, at least 1. Default 100.
    pub line_quantity_max: u32,
}

impl Default for CalibrationOptions {
    fn default() -> Self {
        Self {
            basket_lines_max: 20,
            line_quantity_max: 100,
        }
    }
}

/// The figures that shoppers are drawn from.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// For each product of the dataset, in how many rows it was sold.
    pub popularity: Vec<u64>,
    /// Different products in a basket.
    pub basket_lines: Empirical,
    /// Units in a line of a basket.
    pub line_quantity: Empirical,
    /// When baskets are bought.
    pub hours: HourProfile,
    /// Each country with its number of baskets, in the order of the dataset.
    pub countries: Vec<(String, u64)>,
    /// The share of named customers with more than one basket, 0 to 1; 0 when none is named.
    pub returning_share: f64,
    /// What the caps changed.
    pub capped: CappedCounts,
}

/// How many observations were above a cap and set down to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CappedCounts {
    /// Baskets with more than `basket_lines_max` different products.
    pub baskets: u64,
    /// Lines with more than `line_quantity_max` units.
    pub lines: u64,
}

/// How many baskets fall into each hour of the day, from midnight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HourProfile(pub [u64; 24]);

impl HourProfile {
    /// The share of each hour, summing to 1 (or all 0 for an empty profile).
    pub fn shares(&self) -> [f64; 24] {
        let total = self.0.iter().sum::<u64>().max(1);
        self.0.map(|baskets| baskets as f64 / total as f64)
    }
}

impl Calibration {
    /// Reads the figures off a dataset.
    ///
    /// # Errors
    /// [`ShopperError::EmptyCatalogue`] when nothing was sold, [`ShopperError::BadOption`] when a
    /// cap is 0.
    pub fn new(dataset: &Dataset, options: CalibrationOptions) -> Result<Self, ShopperError> {
        check_cap("basket_lines_max", options.basket_lines_max)?;
        check_cap("line_quantity_max", options.line_quantity_max)?;

        let mut basket_lines = BTreeMap::new();
        let mut line_quantity = BTreeMap::new();
        let mut capped = CappedCounts::default();
        let mut hours = HourProfile::default();
        let mut country_baskets = vec![0; dataset.countries.len()];
        let mut customers = BTreeSet::new();
        let mut returning = BTreeSet::new();

        for basket in &dataset.baskets {
            let lines = dataset.lines(basket);
            let products: BTreeSet<u32> = lines.iter().map(|line| line.product).collect();
            let size = u32::try_from(products.len()).unwrap_or(u32::MAX);
            *basket_lines
                .entry(size.min(options.basket_lines_max))
                .or_default() += 1;
            capped.baskets += u64::from(size > options.basket_lines_max);
            for line in lines {
                *line_quantity
                    .entry(line.quantity.min(options.line_quantity_max))
                    .or_default() += 1;
                capped.lines += u64::from(line.quantity > options.line_quantity_max);
            }
            hours.0[usize::from(basket.at.hour().unsigned_abs())] += 1;
            country_baskets[basket.country as usize] += 1;
            if let Some(customer) = basket.customer
                && !customers.insert(customer)
            {
                returning.insert(customer);
            }
        }

        let named = customers.len().max(1);
        Ok(Self {
            popularity: dataset
                .products
                .iter()
                .map(|product| product.sale_lines)
                .collect(),
            basket_lines: Empirical::from_counts(&basket_lines)
                .ok_or(ShopperError::EmptyCatalogue)?,
            line_quantity: Empirical::from_counts(&line_quantity)
                .ok_or(ShopperError::EmptyCatalogue)?,
            hours,
            countries: dataset
                .countries
                .iter()
                .cloned()
                .zip(country_baskets)
                .collect(),
            returning_share: returning.len() as f64 / named as f64,
            capped,
        })
    }
}

fn check_cap(option: &'static str, cap: u32) -> Result<(), ShopperError> {
    match cap {
        0 => Err(ShopperError::BadOption {
            option,
            value: cap.to_string(),
            range: "at least 1",
        }),
        _ => Ok(()),
    }
}
