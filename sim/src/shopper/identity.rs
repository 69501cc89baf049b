//! Who the shoppers are.

use std::sync::Arc;

use rand::distr::Distribution;
use rand_chacha::ChaCha8Rng;
use rand_distr::weighted::WeightedAliasIndex;

use super::error::ShopperError;
use super::persona::Persona;
use super::profile::Calibration;

/// Most shoppers in a population.
pub const SHOPPERS_MAX: u64 = 10_000_000;

/// Whose law a shopper lives under, as far as tax and consent care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Jurisdiction {
    /// The United Kingdom.
    Uk,
    /// The European Economic Area.
    Eea,
    /// The United States.
    Us,
    /// Anywhere else, or unknown.
    Other,
}

impl Jurisdiction {
    /// From a country as the transactions name it.
    pub fn of(country: &str) -> Self {
        match country {
            "United Kingdom" => Self::Uk,
            "USA" => Self::Us,
            "Austria" | "Belgium" | "Bulgaria" | "Croatia" | "Cyprus" | "Czech Republic"
            | "Denmark" | "EIRE" | "Estonia" | "European Community" | "Finland" | "France"
            | "Germany" | "Greece" | "Hungary" | "Iceland" | "Ireland" | "Italy" | "Latvia"
            | "Liechtenstein" | "Lithuania" | "Luxembourg" | "Malta" | "Netherlands" | "Norway"
            | "Poland" | "Portugal" | "Romania" | "Slovakia" | "Slovenia" | "Spain" | "Sweden" => {
                Self::Eea
            }
            _ => Self::Other,
        }
    }
}

/// One shopper.
#[derive(Clone, Debug)]
pub struct Shopper {
    /// The shopper's number, from 0.
    pub index: u64,
    /// What kind of shopper.
    pub persona: Arc<Persona>,
    /// An address in a domain that can never receive mail (RFC 2606).
    pub email: String,
    /// The country, as the transactions name it.
    pub country: Arc<str>,
    /// Whose law applies.
    pub jurisdiction: Jurisdiction,
}

/// All shoppers, none of them stored: each is drawn when asked for, always the same.
#[derive(Clone, Debug)]
pub struct Population {
    shoppers: u64,
    personas: Vec<Arc<Persona>>,
    by_share: WeightedAliasIndex<f64>,
    countries: Vec<Arc<str>>,
    by_baskets: WeightedAliasIndex<u64>,
    rng: ChaCha8Rng,
}

impl Population {
    /// A population of `shoppers`. Each shopper is drawn from a stream of `rng`, numbered like the
    /// shopper, so that shopper 17 stays the same in a larger population. Seed `rng` for this
    /// purpose alone: another use of its streams would repeat these draws.
    ///
    /// # Errors
    /// [`ShopperError::NoShoppers`], [`ShopperError::TooManyShoppers`], or
    /// [`ShopperError::BadOption`] without personas; [`ShopperError::EmptyCatalogue`] when the
    /// calibration knows no country.
    pub fn new(
        shoppers: u64,
        personas: Vec<Persona>,
        calibration: &Calibration,
        rng: ChaCha8Rng,
    ) -> Result<Self, ShopperError> {
        if shoppers == 0 {
            return Err(ShopperError::NoShoppers);
        }
        if shoppers > SHOPPERS_MAX {
            return Err(ShopperError::TooManyShoppers {
                asked: shoppers,
                shoppers_max: SHOPPERS_MAX,
            });
        }
        let shares: Vec<f64> = personas.iter().map(Persona::share).collect();
        let by_share = WeightedAliasIndex::new(shares).map_err(|_| ShopperError::BadOption {
            option: "personas",
            value: "an empty list".to_owned(),
            range: "at least one",
        })?;
        let (countries, baskets): (Vec<Arc<str>>, Vec<u64>) = calibration
            .countries
            .iter()
            .map(|(name, baskets)| (Arc::from(name.as_str()), *baskets))
            .unzip();
        let by_baskets =
            WeightedAliasIndex::new(baskets).map_err(|_| ShopperError::EmptyCatalogue)?;
        let personas = personas.into_iter().map(Arc::new).collect();
        Ok(Self {
            shoppers,
            personas,
            by_share,
            countries,
            by_baskets,
            rng,
        })
    }

    /// How many shoppers there are.
    pub fn shoppers(&self) -> u64 {
        self.shoppers
    }

    /// The shopper with this number, from 0 to below [`Population::shoppers`].
    pub fn shopper(&self, index: u64) -> Option<Shopper> {
        if index >= self.shoppers {
            return None;
        }
        let mut rng = self.rng.clone();
        rng.set_stream(index);
        rng.set_word_pos(0);
        let persona = Arc::clone(&self.personas[self.by_share.sample(&mut rng)]);
        let country = Arc::clone(&self.countries[self.by_baskets.sample(&mut rng)]);
        Some(Shopper {
            index,
            persona,
            email: format!("shopper-{index}@example.test"),
            jurisdiction: Jurisdiction::of(&country),
            country,
        })
    }
}
