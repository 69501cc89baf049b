//! The rates that a shop begins with. They are facts of a day, and a shop that trades keeps its own:
//! `docs/TAX.md` says where each comes from and what it leaves out.

use super::tax::{ShippingTax, TaxCategory, TaxRates, TaxTable};
use crate::domain::{BasisPoints, Jurisdiction};

use ShippingTax::{AsGoods, Exempt};
use TaxCategory::{Books, ChildrensClothing, Food};

type Row = (
    &'static str,
    i32,
    &'static [(TaxCategory, i32)],
    ShippingTax,
);

/// In basis points. Where a country has several rates for a category, none is given, and the
/// category is taxed at the standard rate.
const ROWS: [Row; 23] = [
    ("AT", 2_000, &[(Food, 1_000), (Books, 1_000)], AsGoods),
    ("AU", 1_000, &[], AsGoods),
    ("BE", 2_100, &[(Food, 600), (Books, 600)], AsGoods),
    ("CH", 810, &[(Food, 260), (Books, 260)], AsGoods),
    ("CY", 1_900, &[], AsGoods),
    ("DE", 1_900, &[(Food, 700), (Books, 700)], AsGoods),
    ("DK", 2_500, &[], AsGoods),
    ("ES", 2_100, &[(Books, 400)], AsGoods),
    ("FI", 2_550, &[], AsGoods),
    ("FR", 2_000, &[(Food, 550), (Books, 550)], AsGoods),
    (
        "GB",
        2_000,
        &[(Food, 0), (Books, 0), (ChildrensClothing, 0)],
        AsGoods,
    ),
    ("GR", 2_400, &[(Food, 1_300), (Books, 600)], AsGoods),
    (
        "IE",
        2_300,
        &[(Food, 0), (Books, 0), (ChildrensClothing, 0)],
        AsGoods,
    ),
    ("IT", 2_200, &[(Books, 400)], AsGoods),
    ("JP", 1_000, &[(Food, 800)], AsGoods),
    ("NL", 2_100, &[(Food, 900), (Books, 900)], AsGoods),
    ("NO", 2_500, &[(Food, 1_500), (Books, 0)], AsGoods),
    ("PL", 2_300, &[(Food, 500), (Books, 500)], AsGoods),
    ("PT", 2_300, &[(Books, 600)], AsGoods),
    ("SE", 2_500, &[(Books, 600)], AsGoods),
    // Without a presence in a state a shop owes it nothing up to the state's threshold.
    ("US", 0, &[], Exempt),
    // The statewide base; districts add to it. Shipping by a carrier, stated apart, is not taxed.
    ("US-CA", 725, &[(Food, 0)], Exempt),
    // The state's part; counties and cities add to it. Shipping is taxed as the goods are.
    ("US-NY", 400, &[(Food, 0)], AsGoods),
];

impl Default for TaxTable {
    /// The United Kingdom, the European countries and others that such a shop mostly sells to, and
    /// two states of the United States as an example of parts of a country.
    fn default() -> Self {
        let rows = ROWS
            .into_iter()
            .filter_map(|(code, standard, reduced, shipping)| {
                let reduced = reduced.iter();
                let rates = TaxRates {
                    standard: BasisPoints::new(standard),
                    reduced: reduced
                        .map(|(category, rate)| (*category, BasisPoints::new(*rate)))
                        .collect(),
                    shipping,
                };
                Some((Jurisdiction::new(code).ok()?, rates))
            });
        // Every row has a valid code and valid rates; a test counts them.
        Self::new(rows).unwrap_or_else(|_| Self::none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a row of the table that was dropped because its code or its rate is wrong.
    #[test]
    fn every_row_of_the_default_table_is_in_it() {
        assert_eq!(TaxTable::default().iter().count(), ROWS.len());
    }
}
