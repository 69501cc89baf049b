//! How demand answers to price, learnt from what is sold, with an interval.
//!
//! For each SKU a line is laid through the logarithms: `ln(units + ½) = a + e · ln(price)`, one
//! point for each period (a day, by default), where `e` is the price elasticity of demand. Half a
//! unit is added so that periods without a sale count too.
//!
//! - **Quantity discounts** would bias `e`: who buys a crate pays less for each and takes many, and
//!   it looks as if the low price had sold them. So the price of a point is what the *shelf* asked
//!   for one unit, never what was paid, and one sale counts for at most
//!   [`sale_units_max`](super::PricingSettings::sale_units_max) units.
//! - **A SKU alone** has few prices and much noise. Its slope is shrunk towards what meta-analyses
//!   find, the more the less it has shown: a Bayesian linear regression under the conjugate
//!   normal-inverse-gamma prior (Gelman et al., "Bayesian Data Analysis", 3rd ed., section 14.8).
//!   The default prior has the mean of Bijmolt, van Heerde and Pieters, "New Empirical
//!   Generalizations on the Determinants of Price Elasticity", Journal of Marketing Research 42
//!   (2005): -2.62. The slope's posterior is Student's t, and its interval is that distribution's.
//! - **Old periods fade**, by a hundredth with each new one.
//!
//! What is kept is six sums: the memory does not grow.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::settings::ElasticityPrior;

/// What is left of a point's weight when another one is added.
const FADING: f64 = 0.99;
/// The prior says next to nothing of how much is sold, only of how that answers to the price.
const LEVEL_PRECISION: f64 = 1e-6;
/// The prior knowledge of the noise is worth so many points, halved.
const NOISE_SHAPE: f64 = 2.0;
/// The interval leaves a twentieth on either side.
const UPPER_QUANTILE: f64 = 0.95;

/// What one SKU's sales have shown: weighted sums over its points.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct DemandSums {
    /// Prices are held against the first one that was seen, so that the sums stay small.
    reference_minor: i64,
    /// How many periods there were, without fading.
    periods: u64,
    weight: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

/// An elasticity and the interval that holds it with a probability of nine in ten, all in
/// thousandths: -2620 is -2.62.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elasticity {
    /// The most likely value.
    pub mean_milli: i32,
    /// The lower end.
    pub low_milli: i32,
    /// The upper end.
    pub high_milli: i32,
    /// From how many periods it was learnt.
    pub periods: u64,
}

impl DemandSums {
    pub(super) const fn none() -> Self {
        Self {
            reference_minor: 0,
            periods: 0,
            weight: 0.0,
            x: 0.0,
            y: 0.0,
            xx: 0.0,
            xy: 0.0,
            yy: 0.0,
        }
    }

    /// Adds `periods` periods in each of which so many units were sold at this price.
    #[allow(clippy::cast_precision_loss)] // counts and prices far below 2^52
    pub(super) fn add(&mut self, price_minor: i64, units: u64, periods: u32) {
        if price_minor <= 0 {
            return;
        }
        if self.reference_minor == 0 {
            self.reference_minor = price_minor;
        }
        let x = (price_minor as f64 / self.reference_minor as f64).ln();
        let y = (units as f64 + 0.5).ln();
        for _ in 0..periods {
            self.fade();
            self.weight += 1.0;
            self.x += x;
            self.y += y;
            self.xx += x * x;
            self.xy += x * y;
            self.yy += y * y;
        }
        self.periods = self.periods.saturating_add(u64::from(periods));
    }

    fn fade(&mut self) {
        let sums = [
            &mut self.weight,
            &mut self.x,
            &mut self.y,
            &mut self.xx,
            &mut self.xy,
            &mut self.yy,
        ];
        for sum in sums {
            *sum *= FADING;
        }
    }

    /// What is known of the elasticity: before any sale, what the prior says.
    ///
    /// `None` where the numbers have no answer, which no sequence of sales leads to.
    pub(super) fn elasticity(&self, prior: &ElasticityPrior) -> Option<Elasticity> {
        let (mean, deviation, noise) = prior.as_floats();
        let slope_precision = (noise / deviation).powi(2);
        // Precisions and moments of the two unknowns, the line's height and its slope: the prior's
        // and the data's added up. Their matrix is two by two, and is inverted by its determinant.
        let (height, cross, slope) = (
            LEVEL_PRECISION + self.weight,
            self.x,
            slope_precision + self.xx,
        );
        let (sum, product) = (self.y, slope_precision * mean + self.xy);
        let determinant = height * slope - cross * cross;
        let learnt_height = (slope * sum - cross * product) / determinant;
        let learnt = (height * product - cross * sum) / determinant;
        let shape = NOISE_SHAPE + self.weight / 2.0;
        let explained = learnt_height * sum + learnt * product;
        let misfit = self.yy + slope_precision * mean * mean - explained;
        let scale = NOISE_SHAPE * noise.powi(2) + misfit.max(0.0) / 2.0;
        let spread = (scale / shape * height / determinant).max(0.0).sqrt();
        let reach = StudentsT::new(0.0, 1.0, 2.0 * shape).ok()?;
        let half = reach.inverse_cdf(UPPER_QUANTILE) * spread;
        Some(Elasticity {
            mean_milli: milli(learnt)?,
            low_milli: milli(learnt - half)?,
            high_milli: milli(learnt + half)?,
            periods: self.periods,
        })
    }
}

/// Beyond a hundred an elasticity means nothing.
fn milli(elasticity: f64) -> Option<i32> {
    let bounded = (elasticity * 1_000.0).round().clamp(-100_000.0, 100_000.0);
    #[allow(clippy::cast_possible_truncation)] // bounded in the line above
    (!bounded.is_nan()).then_some(bounded as i32)
}
