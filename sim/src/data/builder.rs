//! Sales, one by one, into products and baskets.

use std::collections::BTreeMap;

use indexmap::{IndexMap, IndexSet};

use super::dataset::{Basket, Dataset, Line, ProductFacts, Span};
use super::row::{Row, Sale};
use super::rows::RowReport;

/// Collects what the dataset keeps. Everything is held in the order of first appearance, so the
/// same file gives the same indexes on every machine.
#[derive(Default)]
pub(super) struct DatasetBuilder {
    products: IndexMap<String, ProductTally>,
    baskets: IndexMap<String, Basket>,
    customers: IndexSet<String>,
    countries: IndexSet<String>,
    /// (basket, line): invoices may be interleaved in a file, so lines find their basket at the end.
    sold: Vec<(usize, Line)>,
    span: Option<Span>,
}

#[derive(Default)]
struct ProductTally {
    descriptions: IndexMap<String, u64>,
    prices_minor: BTreeMap<i64, u64>,
    sale_lines: u64,
    units_sold: u64,
}

impl DatasetBuilder {
    pub(super) fn add(&mut self, row: &Row<'_>, sale: &Sale) {
        let product = self.tally(row, sale);
        let basket = match self.baskets.get_index_of(row.invoice) {
            Some(known) => known,
            None => self.open_basket(row),
        };
        self.sold.push((
            basket,
            Line {
                product,
                quantity: sale.quantity,
            },
        ));
        let span = self.span.get_or_insert(Span {
            first: row.at,
            last: row.at,
        });
        span.first = span.first.min(row.at);
        span.last = span.last.max(row.at);
    }

    fn tally(&mut self, row: &Row<'_>, sale: &Sale) -> u32 {
        let product = match self.products.get_index_of(row.stock_code) {
            Some(known) => known,
            None => {
                self.products
                    .insert_full(row.stock_code.to_owned(), ProductTally::default())
                    .0
            }
        };
        let tally = &mut self.products[product];
        match tally.descriptions.get_mut(row.description) {
            Some(times) => *times += 1,
            None => {
                tally.descriptions.insert(row.description.to_owned(), 1);
            }
        }
        *tally.prices_minor.entry(sale.price_minor).or_default() += 1;
        tally.sale_lines += 1;
        tally.units_sold += u64::from(sale.quantity);
        narrow(product)
    }

    /// An invoice takes the time of its first line; a few in the UCI file run over a minute.
    fn open_basket(&mut self, row: &Row<'_>) -> usize {
        let customer =
            (!row.customer.is_empty()).then(|| intern(&mut self.customers, row.customer));
        let country = intern(&mut self.countries, row.country);
        let basket = Basket {
            at: row.at,
            customer,
            country,
            lines: 0..0,
        };
        self.baskets.insert_full(row.invoice.to_owned(), basket).0
    }

    pub(super) fn finish(mut self, rows: RowReport) -> Dataset {
        // Stable: within a basket the lines keep the order of the file.
        self.sold.sort_by_key(|(basket, _)| *basket);
        let mut start = 0;
        for of_basket in self.sold.chunk_by(|a, b| a.0 == b.0) {
            let end = start + of_basket.len();
            self.baskets[of_basket[0].0].lines = start..end;
            start = end;
        }
        Dataset {
            products: self
                .products
                .into_iter()
                .map(ProductTally::into_facts)
                .collect(),
            baskets: self.baskets.into_values().collect(),
            lines: self.sold.into_iter().map(|(_, line)| line).collect(),
            countries: self.countries.into_iter().collect(),
            customers: self.customers.len(),
            rows,
            span: self.span,
        }
    }
}

impl ProductTally {
    fn into_facts((stock_code, tally): (String, Self)) -> ProductFacts {
        ProductFacts {
            stock_code,
            description: most_common(tally.descriptions).unwrap_or_default(),
            price_minor: most_common(tally.prices_minor).unwrap_or_default(),
            sale_lines: tally.sale_lines,
            units_sold: tally.units_sold,
        }
    }
}

/// The first of the values that occur most often.
fn most_common<T>(counts: impl IntoIterator<Item = (T, u64)>) -> Option<T> {
    counts
        .into_iter()
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .map(|(value, _)| value)
}

fn intern(names: &mut IndexSet<String>, name: &str) -> u32 {
    narrow(match names.get_index_of(name) {
        Some(known) => known,
        None => names.insert_full(name.to_owned()).0,
    })
}

/// An index as it is stored. `ReadLimits::rows_max` is a `u32`, so no index can be larger.
fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
