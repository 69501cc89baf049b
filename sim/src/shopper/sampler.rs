//! Draws from the catalogue: a product, a quantity, a whole basket.

use std::collections::BTreeSet;

use rand::Rng;
use rand::distr::Distribution;
use rand_distr::weighted::WeightedAliasIndex;

use super::empirical::Empirical;
use super::error::ShopperError;
use super::profile::Calibration;
use crate::data::Line;

/// Draws of a product that a basket may spend on each of its lines before it stays smaller.
const DRAWS_PER_LINE_MAX: usize = 16;

/// Draws what shoppers look at and buy.
#[derive(Clone, Debug)]
pub struct CatalogueSampler {
    products: WeightedAliasIndex<u64>,
    basket_lines: Empirical,
    line_quantity: Empirical,
}

impl CatalogueSampler {
    /// From the figures of a dataset; product indexes are those of the dataset.
    ///
    /// # Errors
    /// [`ShopperError::EmptyCatalogue`] when no product has any weight.
    pub fn new(calibration: &Calibration) -> Result<Self, ShopperError> {
        Ok(Self {
            products: WeightedAliasIndex::new(calibration.popularity.clone())
                .map_err(|_| ShopperError::EmptyCatalogue)?,
            basket_lines: calibration.basket_lines.clone(),
            line_quantity: calibration.line_quantity.clone(),
        })
    }

    /// A product's index, drawn by popularity.
    pub fn product(&self, rng: &mut impl Rng) -> u32 {
        // Product indexes are `u32` in the dataset, and the alias table holds no more than that.
        u32::try_from(self.products.sample(rng)).unwrap_or(u32::MAX)
    }

    /// The units of one line.
    pub fn quantity(&self, rng: &mut impl Rng) -> u32 {
        self.line_quantity.sample(rng)
    }

    /// What one shopper wants to buy: different products, in the order in which they come to mind.
    ///
    /// In a catalogue hardly larger than the basket it may have fewer lines than were drawn, since
    /// the search for another product is bounded; it has at least one.
    pub fn basket(&self, rng: &mut impl Rng) -> Vec<Line> {
        let size = self.basket_lines.sample(rng) as usize;
        let mut chosen = BTreeSet::new();
        let mut basket = Vec::with_capacity(size);
        for _ in 0..size * DRAWS_PER_LINE_MAX {
            let product = self.product(rng);
            if chosen.insert(product) {
                basket.push(Line {
                    product,
                    quantity: self.quantity(rng),
                });
            }
            if basket.len() == size {
                break;
            }
        }
        basket
    }
}
