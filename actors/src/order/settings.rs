//! The shop's terms.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{BasisPoints, Jurisdiction, Money, MoneyError};

/// What orders may hold and what they cost beside the goods. Amounts are in minor units of the
/// catalogue's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OrderSettings {
    /// The tax on goods and shipping in each country that the shop delivers to. Default: the
    /// standard rates of the United Kingdom and of the countries it mostly sells to.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub tax: BTreeMap<Jurisdiction, BasisPoints>,
    /// Shipping of one order. Default: 495.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub shipping_minor: u32,
    /// From this net amount on shipping is free. Default: 5 000.
    #[schemars(range(min = 0, max = 4_000_000_000_u32))]
    pub free_shipping_from_minor: u32,
    /// From this amount of goods on the basket discount applies. Default: 20 000.
    #[schemars(range(min = 0, max = 4_000_000_000_u32))]
    pub basket_discount_from_minor: u32,
    /// The basket discount. Default: 2 %.
    #[schemars(extend("minimum" = 0, "maximum" = 10_000))]
    pub basket_discount: BasisPoints,
    /// The most units on one line. Default: 10 000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub line_units_max: u32,
}

impl Default for OrderSettings {
    fn default() -> Self {
        const RATES: [(&str, i32); 21] = [
            ("AT", 2_000),
            ("AU", 1_000),
            ("BE", 2_100),
            ("CH", 810),
            ("CY", 1_900),
            ("DE", 1_900),
            ("DK", 2_500),
            ("ES", 2_100),
            ("FI", 2_550),
            ("FR", 2_000),
            ("GB", 2_000),
            ("GR", 2_400),
            ("IE", 2_300),
            ("IT", 2_200),
            ("JP", 1_000),
            ("NL", 2_100),
            ("NO", 2_500),
            ("PL", 2_300),
            ("PT", 2_300),
            ("SE", 2_500),
            ("US", 0),
        ];
        Self {
            tax: RATES
                .into_iter()
                .filter_map(|(code, rate)| {
                    Some((Jurisdiction::new(code).ok()?, BasisPoints::new(rate)))
                })
                .collect(),
            shipping_minor: 495,
            free_shipping_from_minor: 5_000,
            basket_discount_from_minor: 20_000,
            basket_discount: BasisPoints::new(200),
            line_units_max: 10_000,
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

    pub(super) fn shipping_for(&self, net: Money) -> Money {
        let free = net.minor() >= i64::from(self.free_shipping_from_minor);
        let minor = if free { 0 } else { self.shipping_minor };
        Money::new(i64::from(minor), net.currency())
    }
}
