//! Shared by the unit tests of this module.

use super::candidates::{Candidate, Rung};
use super::rules::ShelfItem;
use crate::domain::{Catalogue, Currency, Money, Product, Sku};

pub(super) fn sku(number: u16) -> Sku {
    Sku::new(format!("S{number:05}")).unwrap()
}

/// So many products, two in each category.
pub(super) fn catalogue(products: u16) -> Catalogue {
    Catalogue::new((1..=products).map(|number| Product {
        sku: sku(number),
        name: format!("product {number}").into(),
        description: "".into(),
        category: format!("shelf {}", number / 2).into(),
        base_price: Money::new(500, Currency::GBP),
        cost: Money::new(200, Currency::GBP),
    }))
    .unwrap()
}

/// A product in stock that came from the session.
pub(super) fn item(number: u16, category: &str, relevance: f64) -> ShelfItem {
    ShelfItem {
        candidate: Candidate {
            sku: sku(number),
            category: category.into(),
            rung: Rung::Session,
            relevance,
        },
        available: 5,
        price: Money::new(500, Currency::GBP),
    }
}
