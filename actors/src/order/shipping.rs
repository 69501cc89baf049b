//! What shipping costs more than at home and light: by weight and zone. All of it is data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{Currency, Jurisdiction, Money, MoneyError, Product, Sku};

const GRAMS_PER_KG: u64 = 1_000;

/// What products weigh, in grams, packing included. What is named by its SKU counts first, then its
/// shelf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weights {
    /// A unit of what has no row. Default: 200.
    pub default_grams: u32,
    /// By shelf: [`Product::category`].
    pub by_shelf_grams: BTreeMap<Box<str>, u32>,
    /// By product.
    pub by_sku_grams: BTreeMap<Sku, u32>,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            default_grams: 200,
            by_shelf_grams: BTreeMap::new(),
            by_sku_grams: BTreeMap::new(),
        }
    }
}

impl Weights {
    /// What a unit of a product weighs, in grams.
    #[must_use]
    pub fn of(&self, sku: &Sku, product: Option<&Product>) -> u64 {
        let own = self.by_sku_grams.get(sku);
        let shelf = || self.by_shelf_grams.get(&product?.category);
        u64::from(own.or_else(shelf).copied().unwrap_or(self.default_grams))
    }
}

/// A group of places with one tariff: `domestic`.
pub type Zone = Box<str>;

/// The surcharge on orders up to a weight. Amounts are in minor units of the catalogue's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightBand {
    /// The heaviest order of this band.
    pub up_to_grams: u32,
    /// What its shipping costs more.
    pub minor: u32,
}

/// What shipping to a zone costs more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneTariff {
    /// The bands, from light to heavy.
    pub bands: Vec<WeightBand>,
    /// What each kilogram begun costs beyond the heaviest band.
    pub per_further_kg_minor: u32,
    /// Below this amount of goods shipping is not free, whatever the shop's terms say otherwise; it
    /// never is where this is `None`.
    pub free_from_minor: Option<u32>,
}

/// What shipping costs more, wherever the shop delivers.
///
/// ```
/// use mercato_actors::{Currency, Jurisdiction, Money, ShippingTariff};
///
/// let tariff = ShippingTariff::default();
/// let more = |place, grams| tariff.surcharge(place, grams, Currency::GBP);
/// let pounds = |minor| Money::new(minor, Currency::GBP);
/// let light = more(Jurisdiction::GB, 1_500)?.expect("it delivers there");
/// assert_eq!(light.amount, pounds(0));
/// let heavy = more(Jurisdiction::GB, 31_200)?.expect("it delivers there");
/// assert_eq!(heavy.amount, pounds(1_000 + 2 * 60));
/// # Ok::<(), mercato_actors::MoneyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawTariff", into = "RawTariff")]
pub struct ShippingTariff {
    parts: RawTariff,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RawTariff {
    zones: BTreeMap<Zone, ZoneTariff>,
    zone_of: BTreeMap<Jurisdiction, Zone>,
    elsewhere: Option<Zone>,
}

/// Something that is wrong with a tariff.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TariffProblem {
    /// A zone has no band.
    #[error("zone {0} has no weight band; give it one")]
    NoBands(Zone),
    /// Bands are not in the order of their weights.
    #[error("the weight bands of zone {0} do not grow; sort them")]
    BandsNotSorted(Zone),
    /// A place lies in a zone that has no tariff.
    #[error("zone {0} has no tariff; give it one, or name another zone")]
    UnknownZone(Zone),
}

/// Everything that is wrong with a tariff.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct TariffError(pub Vec<TariffProblem>);

impl ShippingTariff {
    /// A tariff of these zones. Where a place has no zone of its own its country's counts, and then
    /// `elsewhere`; a place without any zone is not delivered to.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn new(
        zones: impl IntoIterator<Item = (Zone, ZoneTariff)>,
        zone_of: impl IntoIterator<Item = (Jurisdiction, Zone)>,
        elsewhere: Option<Zone>,
    ) -> Result<Self, TariffError> {
        let parts = RawTariff {
            zones: zones.into_iter().collect(),
            zone_of: zone_of.into_iter().collect(),
            elsewhere,
        };
        let mut problems = Vec::new();
        for (zone, tariff) in &parts.zones {
            if tariff.bands.is_empty() {
                problems.push(TariffProblem::NoBands(zone.clone()));
            }
            let weights = tariff.bands.iter().map(|band| band.up_to_grams);
            if !weights.is_sorted_by(|light, heavy| light < heavy) {
                problems.push(TariffProblem::BandsNotSorted(zone.clone()));
            }
        }
        let named = parts.zone_of.values().chain(&parts.elsewhere);
        let unknown = named.filter(|zone| !parts.zones.contains_key(*zone));
        problems.extend(unknown.map(|zone| TariffProblem::UnknownZone(zone.clone())));
        if problems.is_empty() {
            Ok(Self { parts })
        } else {
            Err(TariffError(problems))
        }
    }

    /// What shipping of goods of this weight costs more; `None` where nothing is delivered.
    ///
    /// # Errors
    /// When the cost cannot be represented.
    pub fn surcharge(
        &self,
        place: Jurisdiction,
        grams: u64,
        currency: Currency,
    ) -> Result<Option<Surcharge>, MoneyError> {
        let parts = &self.parts;
        let own = parts.zone_of.get(&place);
        let country = || parts.zone_of.get(&place.country());
        let zone = own.or_else(country).or(parts.elsewhere.as_ref());
        let Some(tariff) = zone.and_then(|zone| parts.zones.get(zone)) else {
            return Ok(None);
        };
        Ok(Some(Surcharge {
            amount: tariff.of_weight(grams, currency)?,
            free_from_minor: tariff.free_from_minor,
        }))
    }
}

/// What shipping of some goods costs more than at home and light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surcharge {
    /// So much.
    pub amount: Money,
    /// Below this amount of goods shipping is not free; it never is where this is `None`.
    pub free_from_minor: Option<u32>,
}

impl ZoneTariff {
    fn of_weight(&self, grams: u64, currency: Currency) -> Result<Money, MoneyError> {
        let fits = |band: &&WeightBand| grams <= u64::from(band.up_to_grams);
        if let Some(band) = self.bands.iter().find(fits) {
            return Ok(Money::new(i64::from(band.minor), currency));
        }
        let (heaviest, minor) = self
            .bands
            .last()
            .map_or((0, 0), |band| (u64::from(band.up_to_grams), band.minor));
        let further_kg = (grams - heaviest).div_ceil(GRAMS_PER_KG);
        let further_kg = u32::try_from(further_kg).map_err(|_| MoneyError::Overflow)?;
        let per_kg = Money::new(i64::from(self.per_further_kg_minor), currency);
        Money::new(i64::from(minor), currency).plus(per_kg.times(further_kg)?)
    }
}

impl TryFrom<RawTariff> for ShippingTariff {
    type Error = TariffError;

    fn try_from(raw: RawTariff) -> Result<Self, TariffError> {
        Self::new(raw.zones, raw.zone_of, raw.elsewhere)
    }
}

impl From<ShippingTariff> for RawTariff {
    fn from(tariff: ShippingTariff) -> Self {
        tariff.parts
    }
}

impl Default for ShippingTariff {
    /// The United Kingdom, Europe, and everywhere else.
    fn default() -> Self {
        const EUROPE: [&str; 17] = [
            "AT", "BE", "CH", "CY", "DE", "DK", "ES", "FI", "FR", "GR", "IE", "IT", "NL", "NO",
            "PL", "PT", "SE",
        ];
        let tariff = |small, medium, large, per_further_kg_minor, free_from_minor| ZoneTariff {
            bands: [(2_000, small), (10_000, medium), (30_000, large)]
                .map(|(up_to_grams, minor)| WeightBand { up_to_grams, minor })
                .into(),
            per_further_kg_minor,
            free_from_minor: Some(free_from_minor),
        };
        let europe = EUROPE
            .into_iter()
            .filter_map(|code| Jurisdiction::new(code).ok());
        Self {
            parts: RawTariff {
                zones: BTreeMap::from([
                    ("domestic".into(), tariff(0, 300, 1_000, 60, 0)),
                    ("europe".into(), tariff(500, 1_300, 2_500, 120, 10_000)),
                    ("world".into(), tariff(1_000, 3_000, 6_500, 300, 20_000)),
                ]),
                zone_of: europe
                    .map(|place| (place, "europe".into()))
                    .chain([(Jurisdiction::GB, "domestic".into())])
                    .collect(),
                elsewhere: Some("world".into()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a default that its own constructor would refuse.
    #[test]
    fn the_default_tariff_is_valid() {
        let parts = ShippingTariff::default().parts;
        assert!(ShippingTariff::try_from(parts).is_ok());
    }

    /// Catches: a tariff from a file that is believed, and a refusal that names one problem only.
    #[test]
    fn everything_wrong_with_a_tariff_is_said_at_once() {
        let band = |up_to_grams| WeightBand {
            up_to_grams,
            minor: 1,
        };
        let zone = |bands| ZoneTariff {
            bands,
            per_further_kg_minor: 1,
            free_from_minor: None,
        };
        let refused = ShippingTariff::new(
            [
                ("a".into(), zone(vec![])),
                ("b".into(), zone(vec![band(2), band(2)])),
            ],
            [(Jurisdiction::GB, "c".into())],
            None,
        );
        assert_eq!(
            refused,
            Err(TariffError(vec![
                TariffProblem::NoBands("a".into()),
                TariffProblem::BandsNotSorted("b".into()),
                TariffProblem::UnknownZone("c".into()),
            ]))
        );
    }
}
