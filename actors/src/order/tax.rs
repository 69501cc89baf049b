//! Tax: the rates of each jurisdiction as data, and how an order is taxed so that its parts sum to
//! the whole.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{BasisPoints, Currency, Jurisdiction, Money, MoneyError};

/// What kind of goods something is to the tax office.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaxCategory {
    /// Whatever has no rate of its own.
    #[default]
    Standard,
    /// Food that is not served.
    Food,
    /// Printed books.
    Books,
    /// Clothes and shoes of children.
    ChildrensClothing,
}

/// How shipping is taxed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShippingTax {
    /// Not at all, where it is charged apart from the goods.
    Exempt,
    /// At the standard rate.
    Standard,
    /// As the goods in the parcel, each part at the rate of the goods that it carries.
    AsGoods,
}

/// The rates of one jurisdiction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxRates {
    /// The rate of everything that has none of its own.
    pub standard: BasisPoints,
    /// The rates of categories that have one.
    pub reduced: BTreeMap<TaxCategory, BasisPoints>,
    /// How shipping is taxed.
    pub shipping: ShippingTax,
}

impl TaxRates {
    /// One rate for everything, shipping included.
    #[must_use]
    pub fn flat(standard: BasisPoints) -> Self {
        Self {
            standard,
            reduced: BTreeMap::new(),
            shipping: ShippingTax::AsGoods,
        }
    }

    /// The rate of a category.
    #[must_use]
    pub fn rate(&self, category: TaxCategory) -> BasisPoints {
        let own = self.reduced.get(&category).copied();
        own.unwrap_or(self.standard)
    }
}

/// The rates of every jurisdiction, with what differs in it from the standard rate.
///
/// ```
/// use mercato_actors::{BasisPoints, Jurisdiction, TaxCategory, TaxTable};
///
/// let table = TaxTable::default();
/// let britain = table.rates_in(Jurisdiction::GB).expect("it delivers there");
/// assert_eq!(britain.rate(TaxCategory::Standard), BasisPoints::new(2_000));
/// assert_eq!(britain.rate(TaxCategory::Books), BasisPoints::ZERO);
/// // A part of a country that has no row of its own is taxed as the country is.
/// let scotland = Jurisdiction::new("GB-SCT")?;
/// assert_eq!(table.rates_in(scotland), Some(britain));
/// # Ok::<(), mercato_actors::PersonError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    try_from = "BTreeMap<Jurisdiction, TaxRates>",
    into = "BTreeMap<Jurisdiction, TaxRates>"
)]
pub struct TaxTable {
    rates: BTreeMap<Jurisdiction, TaxRates>,
}

/// What is wrong with a table of rates: every row at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a tax rate lies between 0 and 10 000 basis points; correct {}", list(.0))]
pub struct TaxTableError(pub Vec<Jurisdiction>);

fn list(places: &[Jurisdiction]) -> String {
    let places: Vec<_> = places.iter().map(Jurisdiction::as_str).collect();
    places.join(", ")
}

impl TaxTable {
    /// A table of these rows.
    ///
    /// # Errors
    /// When a rate is below nothing or above the whole.
    pub fn new(
        rates: impl IntoIterator<Item = (Jurisdiction, TaxRates)>,
    ) -> Result<Self, TaxTableError> {
        let rates: BTreeMap<_, _> = rates.into_iter().collect();
        let fits = |rate: &BasisPoints| (BasisPoints::ZERO..=BasisPoints::WHOLE).contains(rate);
        let wrong: Vec<_> = rates
            .iter()
            .filter(|(_, rates)| {
                let mut all = rates.reduced.values().chain([&rates.standard]);
                !all.all(fits)
            })
            .map(|(place, _)| *place)
            .collect();
        if wrong.is_empty() {
            Ok(Self { rates })
        } else {
            Err(TaxTableError(wrong))
        }
    }

    /// A table without rows: a shop that delivers nowhere.
    pub(super) fn none() -> Self {
        Self {
            rates: BTreeMap::new(),
        }
    }

    /// The rates that hold in a place: its own, or its country's.
    #[must_use]
    pub fn rates_in(&self, place: Jurisdiction) -> Option<&TaxRates> {
        let own = self.rates.get(&place);
        own.or_else(|| self.rates.get(&place.country()))
    }

    /// Every row.
    pub fn iter(&self) -> impl Iterator<Item = (&Jurisdiction, &TaxRates)> {
        self.rates.iter()
    }

    /// The standard rate of each place.
    #[must_use]
    pub fn standard(&self) -> BTreeMap<Jurisdiction, BasisPoints> {
        let standard = self.iter().map(|(place, rates)| (*place, rates.standard));
        standard.collect()
    }

    /// The rates of kinds of goods that have one of their own, by kind and place.
    #[must_use]
    pub fn reduced(&self) -> BTreeMap<TaxCategory, BTreeMap<Jurisdiction, BasisPoints>> {
        let mut reduced: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (place, rates) in self.iter() {
            for (kind, rate) in &rates.reduced {
                reduced.entry(*kind).or_default().insert(*place, *rate);
            }
        }
        reduced
    }

    /// How shipping is taxed in each place where that is neither as in its country nor, for a country,
    /// as the goods.
    #[must_use]
    pub fn shipping(&self) -> BTreeMap<Jurisdiction, ShippingTax> {
        let differs = |(place, rates): &(&Jurisdiction, &TaxRates)| {
            let country = Some(place.country()).filter(|country| country != *place);
            let of_country = country.and_then(|it| self.rates.get(&it));
            rates.shipping != of_country.map_or(ShippingTax::AsGoods, |it| it.shipping)
        };
        let rows = self.iter().filter(differs);
        rows.map(|(place, rates)| (*place, rates.shipping))
            .collect()
    }
}

impl TryFrom<BTreeMap<Jurisdiction, TaxRates>> for TaxTable {
    type Error = TaxTableError;

    fn try_from(rates: BTreeMap<Jurisdiction, TaxRates>) -> Result<Self, TaxTableError> {
        Self::new(rates)
    }
}

impl From<TaxTable> for BTreeMap<Jurisdiction, TaxRates> {
    fn from(table: TaxTable) -> Self {
        table.rates
    }
}

/// What the shop's prices are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriceTerms {
    /// Prices and shipping are before tax; tax comes on top.
    #[default]
    BeforeTax,
    /// Prices and shipping hold their tax, whatever its rate is where the parcel goes.
    TaxIncluded,
}

impl PriceTerms {
    /// The tax on an amount, rounded to the nearest minor unit.
    fn tax_in(self, amount: Money, rate: BasisPoints) -> Result<Money, MoneyError> {
        match self {
            Self::BeforeTax => amount.portion(rate),
            Self::TaxIncluded => {
                let whole = BasisPoints::WHOLE.get().unsigned_abs();
                let weights = [u64::from(whole), u64::from(rate.get().unsigned_abs())];
                let parts = amount.allocate(&weights)?;
                Ok(parts.last().copied().unwrap_or(amount))
            }
        }
    }
}

/// Where tax is rounded to whole minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaxRounding {
    /// On each line.
    PerLine,
    /// Once for everything that has the same rate, and divided over its lines by largest remainder.
    #[default]
    PerOrder,
}

/// A part of an order that is taxed at one rate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taxable {
    pub(super) amount: Money,
    pub(super) rate: BasisPoints,
}

/// The same, taxed: what is paid for it is the sum of both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taxed {
    pub(super) net: Money,
    pub(super) tax: Money,
}

/// Taxes every part. In whatever way it is rounded, the parts' taxes sum to the order's.
pub(super) fn tax_parts(
    parts: &[Taxable],
    currency: Currency,
    terms: PriceTerms,
    rounding: TaxRounding,
) -> Result<Vec<Taxed>, MoneyError> {
    let mut groups: BTreeMap<(BasisPoints, usize), Vec<usize>> = BTreeMap::new();
    for (place, part) in parts.iter().enumerate() {
        let alone = match rounding {
            TaxRounding::PerLine => place,
            TaxRounding::PerOrder => 0,
        };
        groups.entry((part.rate, alone)).or_default().push(place);
    }
    let mut taxes = vec![Money::zero(currency); parts.len()];
    for ((rate, _), places) in groups {
        let amounts: Vec<_> = places.iter().map(|place| parts[*place].amount).collect();
        let tax = terms.tax_in(Money::sum(currency, amounts.iter().copied())?, rate)?;
        for (place, share) in places.into_iter().zip(spread(tax, &amounts)?) {
            taxes[place] = share;
        }
    }
    parts
        .iter()
        .zip(taxes)
        .map(|(part, tax)| {
            let net = match terms {
                PriceTerms::BeforeTax => part.amount,
                PriceTerms::TaxIncluded => part.amount.minus(tax)?,
            };
            Ok(Taxed { net, tax })
        })
        .collect()
}

/// Divides an amount over others in proportion to them; nothing is divided over anything.
pub(super) fn spread(amount: Money, over: &[Money]) -> Result<Vec<Money>, MoneyError> {
    if amount.is_zero() {
        return Ok(vec![amount; over.len()]);
    }
    let weights: Vec<u64> = over
        .iter()
        .map(|part| part.minor().unsigned_abs())
        .collect();
    amount.allocate(&weights)
}

impl fmt::Display for TaxCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Standard => "standard",
            Self::Food => "food",
            Self::Books => "books",
            Self::ChildrensClothing => "children's clothing",
        })
    }
}
