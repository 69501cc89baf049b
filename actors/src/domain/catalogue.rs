//! What the shop sells.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::{Currency, Money, Sku};

/// A product of the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Its stock keeping unit.
    pub sku: Sku,
    /// What it is called.
    pub name: Box<str>,
    /// What it is.
    pub description: Box<str>,
    /// The shelf it stands on.
    pub category: Box<str>,
    /// The price of one unit, before tax, that all pricing starts from.
    pub base_price: Money,
    /// What one unit costs the shop.
    pub cost: Money,
}

/// Everything that the shop sells, in one currency, ordered by SKU. It does not change while a
/// shop runs; share it in an [`Arc`](std::sync::Arc).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Product>", into = "Vec<Product>")]
pub struct Catalogue {
    currency: Currency,
    products: BTreeMap<Sku, Product>,
}

/// Why a list of products is no catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// There is no product.
    #[error("catalogue is empty; give at least one product")]
    Empty,
    /// More products than a catalogue holds.
    #[error(
        "catalogue has more than {} products; split it",
        Catalogue::PRODUCTS_MAX
    )]
    TooMany,
    /// Two products have one SKU.
    #[error("sku {0} stands twice in the catalogue; keep one of them")]
    Duplicate(Sku),
    /// A product has no name.
    #[error("sku {0} has no name; give it one")]
    Unnamed(Sku),
    /// A price is not above zero, or a cost is below zero.
    #[error("sku {0} has a price that is not above zero or a negative cost; correct it")]
    Amount(Sku),
    /// Prices or costs are in more than one currency.
    #[error("sku {sku} is not in {expected}; a catalogue has one currency")]
    MixedCurrencies {
        /// The product at fault.
        sku: Sku,
        /// The currency of the first product.
        expected: Currency,
    },
}

impl Catalogue {
    /// The most products that a catalogue holds.
    pub const PRODUCTS_MAX: usize = 1_000_000;

    /// A catalogue of these products.
    ///
    /// # Errors
    /// When there is none or too many, a SKU stands twice, a name is missing, an amount is not
    /// positive, or currencies differ.
    pub fn new(products: impl IntoIterator<Item = Product>) -> Result<Self, CatalogueError> {
        let mut products = products.into_iter();
        let first = products.next().ok_or(CatalogueError::Empty)?;
        let mut catalogue = Self {
            currency: first.base_price.currency(),
            products: BTreeMap::new(),
        };
        catalogue.add(first)?;
        products.try_for_each(|product| catalogue.add(product))?;
        Ok(catalogue)
    }

    fn add(&mut self, product: Product) -> Result<(), CatalogueError> {
        let sku = product.sku.clone();
        if product.name.trim().is_empty() {
            return Err(CatalogueError::Unnamed(sku));
        }
        if !product.base_price.is_positive() || product.cost.minor() < 0 {
            return Err(CatalogueError::Amount(sku));
        }
        let expected = self.currency;
        if product.base_price.currency() != expected || product.cost.currency() != expected {
            return Err(CatalogueError::MixedCurrencies { sku, expected });
        }
        if self.products.len() == Self::PRODUCTS_MAX {
            return Err(CatalogueError::TooMany);
        }
        match self.products.insert(sku, product) {
            None => Ok(()),
            Some(first) => Err(CatalogueError::Duplicate(first.sku)),
        }
    }

    /// The product with this SKU.
    #[must_use]
    pub fn get(&self, sku: &Sku) -> Option<&Product> {
        self.products.get(sku)
    }

    /// All products, by SKU.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Product> {
        self.products.values()
    }

    /// The products after this SKU, and then those up to it: each once, whether there is such a
    /// product or not.
    pub fn iter_after<'a>(
        &'a self,
        sku: Option<&Sku>,
    ) -> impl Iterator<Item = &'a Product> + use<'a> {
        let after = sku.map_or(Bound::Unbounded, Bound::Excluded);
        let later = self.products.range((after, Bound::Unbounded));
        let earlier = sku.map(|sku| self.products.range(..=sku));
        later
            .chain(earlier.into_iter().flatten())
            .map(|(_, product)| product)
    }

    /// How many products there are: at least one.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // a catalogue is never empty
    pub fn len(&self) -> usize {
        self.products.len()
    }

    /// The currency of all prices and costs.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }
}

impl TryFrom<Vec<Product>> for Catalogue {
    type Error = CatalogueError;

    fn try_from(products: Vec<Product>) -> Result<Self, CatalogueError> {
        Self::new(products)
    }
}

impl From<Catalogue> for Vec<Product> {
    fn from(catalogue: Catalogue) -> Self {
        catalogue.products.into_values().collect()
    }
}
