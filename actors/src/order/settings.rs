//! The shop's terms.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shipping::{ShippingTariff, Weights};
use super::tax::{PriceTerms, ShippingTax, TaxCategory, TaxRates, TaxRounding, TaxTable};
use crate::domain::{BasisPoints, Jurisdiction, Money, MoneyError, Product, Sku};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// What orders may hold, what they cost beside the goods, and how long things may take. Amounts are
/// in minor units of the catalogue's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OrderSettings {
    /// The standard rate of tax in each place that the shop delivers to. Default: those of
    /// [`TaxTable`].
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub tax: BTreeMap<Jurisdiction, BasisPoints>,
    /// The rates of kinds of goods that have one of their own, by kind and place: `food`, `books`,
    /// `childrens_clothing`. Default: those of [`TaxTable`].
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub tax_reduced: BTreeMap<TaxCategory, BTreeMap<Jurisdiction, BasisPoints>>,
    /// How shipping is taxed, by place; where a place and its country are not named, as the goods in the
    /// parcel. Default: that of [`TaxTable`].
    pub tax_shipping: BTreeMap<Jurisdiction, ShippingTax>,
    /// What kind of goods the products on a shelf ([`Product::category`]) are to the tax office. What is
    /// not named is standard. Default: none is named.
    pub tax_categories: BTreeMap<Box<str>, TaxCategory>,
    /// Whether prices hold their tax. Default: `before_tax`.
    pub price_terms: PriceTerms,
    /// Where tax is rounded. Default: `per_order`.
    pub tax_rounding: TaxRounding,
    /// Shipping of a light order at home; the tariff adds to it. Default: 495.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub shipping_minor: u32,
    /// From this amount of goods on shipping is free, where the tariff asks for no more. Default:
    /// 5 000.
    #[schemars(range(min = 0, max = 4_000_000_000_u32))]
    pub free_shipping_from_minor: u32,
    /// What shipping costs more by weight and zone. A program sets it. Default: see
    /// [`ShippingTariff`].
    #[serde(skip)]
    pub shipping: ShippingTariff,
    /// What products weigh. A program sets it.
    #[serde(skip)]
    pub weights: Weights,
    /// The heaviest parcel, in grams; what a single hold makes heavier goes as one consignment.
    /// Default: 30 000.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub parcel_grams_max: u32,
    /// From this amount of goods on the basket discount applies. Default: 20 000.
    #[schemars(range(min = 0, max = 4_000_000_000_u32))]
    pub basket_discount_from_minor: u32,
    /// The basket discount; it takes no unit below its floor. Default: 2 %.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub basket_discount: BasisPoints,
    /// The most units on one line. Default: 10 000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub line_units_max: u32,
    /// How long an order may wait for its payment; longer than a checkout may take. Default: 30
    /// minutes.
    #[schemars(extend("minimum" = "1m", "maximum" = "3650d"))]
    pub unpaid_for: Duration,
    /// How long after it is placed an order is left alone, so that it can be changed or cancelled.
    /// Default: 10 minutes.
    #[schemars(extend("minimum" = "0s", "maximum" = "3650d"))]
    pub change_for: Duration,
    /// How long after its last parcel left some of an order may be sent back. Default: 30 days.
    #[schemars(extend("minimum" = "0s", "maximum" = "3650d"))]
    pub return_for: Duration,
    /// How long goods may take to come back once that is agreed. Default: 14 days.
    #[schemars(extend("minimum" = "1s", "maximum" = "3650d"))]
    pub return_within: Duration,
}

impl Default for OrderSettings {
    fn default() -> Self {
        let table = TaxTable::default();
        Self {
            tax: table.standard(),
            tax_reduced: table.reduced(),
            tax_shipping: table.shipping(),
            tax_categories: BTreeMap::new(),
            price_terms: PriceTerms::default(),
            tax_rounding: TaxRounding::default(),
            shipping_minor: 495,
            free_shipping_from_minor: 5_000,
            shipping: ShippingTariff::default(),
            weights: Weights::default(),
            parcel_grams_max: 30_000,
            basket_discount_from_minor: 20_000,
            basket_discount: BasisPoints::new(200),
            line_units_max: 10_000,
            unpaid_for: MINUTE * 30,
            change_for: MINUTE * 10,
            return_for: DAY * 30,
            return_within: DAY * 14,
        }
    }
}

impl OrderSettings {
    pub(super) fn basket_discount_on(&self, goods: Money) -> Result<Money, MoneyError> {
        if goods.minor() < i64::from(self.basket_discount_from_minor) {
            return Ok(Money::zero(goods.currency()));
        }
        goods.portion(self.basket_discount)
    }

    /// The highest rate of tax that a price may hold; zero where prices are before tax. A price is the
    /// same wherever the parcel goes, and must leave enough in the place that takes most of it.
    pub(crate) fn tax_in_prices_max(&self) -> BasisPoints {
        if self.price_terms == PriceTerms::BeforeTax {
            return BasisPoints::ZERO;
        }
        let reduced = self.tax_reduced.values().flat_map(BTreeMap::values);
        let rates = self.tax.values().chain(reduced);
        rates.copied().max().unwrap_or(BasisPoints::ZERO)
    }

    /// The rates that hold in a place: its own, or its country's. `None` where the shop does not
    /// deliver.
    pub(super) fn rates_in(&self, place: Jurisdiction) -> Option<TaxRates> {
        let standard = in_place(&self.tax, place)?;
        let reduced = self.tax_reduced.iter();
        let reduced = reduced.filter_map(|(kind, rates)| Some((*kind, in_place(rates, place)?)));
        Some(TaxRates {
            standard,
            reduced: reduced.collect(),
            shipping: in_place(&self.tax_shipping, place).unwrap_or(ShippingTax::AsGoods),
        })
    }

    /// What shipping of goods of this weight costs; `None` where nothing is delivered.
    pub(super) fn shipping_for(
        &self,
        place: Jurisdiction,
        grams: u64,
        goods: Money,
    ) -> Result<Option<Money>, MoneyError> {
        let Some(surcharge) = self.shipping.surcharge(place, grams, goods.currency())? else {
            return Ok(None);
        };
        let free_from = surcharge
            .free_from_minor
            .map(|zone| zone.max(self.free_shipping_from_minor));
        if free_from.is_some_and(|from| goods.minor() >= i64::from(from)) {
            return Ok(Some(Money::zero(goods.currency())));
        }
        let base = Money::new(i64::from(self.shipping_minor), goods.currency());
        base.plus(surcharge.amount).map(Some)
    }

    pub(super) fn tax_category(&self, product: Option<&Product>) -> TaxCategory {
        let shelf = product.and_then(|product| self.tax_categories.get(&product.category));
        shelf.copied().unwrap_or_default()
    }

    pub(super) fn grams(&self, sku: &Sku, product: Option<&Product>, units: u32) -> u64 {
        self.weights
            .of(sku, product)
            .saturating_mul(u64::from(units))
    }
}

/// What is said of a place, or of its country.
fn in_place<T: Copy>(said: &BTreeMap<Jurisdiction, T>, place: Jurisdiction) -> Option<T> {
    let own = said.get(&place);
    own.or_else(|| said.get(&place.country())).copied()
}
