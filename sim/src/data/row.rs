//! One row: its fields as values, and the class in which it ends.

use jiff::civil::DateTime;

use super::columns::NAMES;
use super::limits::ReadLimits;
use super::price::{Price, parse_price};
use super::rows::RowClass;

/// The layout of dates in spreadsheet exports of the same data.
const SPREADSHEET_DATE: &str = "%m/%d/%Y %H:%M";

/// The fields of a well-formed row.
pub(super) struct Row<'r> {
    pub(super) invoice: &'r str,
    pub(super) stock_code: &'r str,
    pub(super) description: &'r str,
    pub(super) quantity: i64,
    pub(super) at: DateTime,
    pub(super) price: Price,
    /// Empty for a shopper without an account.
    pub(super) customer: &'r str,
    pub(super) country: &'r str,
}

/// A sold line, with the two numbers in the types of the dataset.
pub(super) struct Sale {
    pub(super) quantity: u32,
    pub(super) price_minor: i64,
}

impl<'r> Row<'r> {
    /// Reads fields in the order of [`NAMES`], or says what is wrong with them.
    pub(super) fn parse(fields: [&'r str; NAMES.len()]) -> Result<Self, String> {
        let [
            invoice,
            stock_code,
            description,
            quantity,
            at,
            price,
            customer,
            country,
        ] = fields.map(str::trim);
        if invoice.is_empty() || stock_code.is_empty() {
            return Err("InvoiceNo or StockCode is empty".to_owned());
        }
        Ok(Self {
            invoice,
            stock_code,
            description,
            quantity: parse_quantity(quantity)?,
            at: parse_date(at)?,
            price: parse_price(price).map_err(|why| format!("UnitPrice {price:?} {why}"))?,
            customer,
            country,
        })
    }

    /// The class of the row, and what was sold when it is a sale.
    pub(super) fn classify(&self, limits: &ReadLimits) -> Result<Sale, RowClass> {
        if self.invoice.starts_with('C') {
            return Err(RowClass::Cancelled);
        }
        if !is_product_code(self.stock_code) {
            return Err(RowClass::NonProduct);
        }
        if self.quantity < 0 {
            return Err(RowClass::Returned);
        }
        if self.description.is_empty() {
            return Err(RowClass::EmptyDescription);
        }
        let price_minor = match self.price {
            Price::Minor(0) => return Err(RowClass::PriceZero),
            Price::Minor(minor) if minor < 0 => return Err(RowClass::PriceNegative),
            Price::FractionOfMinor => return Err(RowClass::PriceFraction),
            Price::Minor(minor) => minor,
        };
        match u32::try_from(self.quantity) {
            Ok(quantity) if quantity <= limits.line_quantity_max => Ok(Sale {
                quantity,
                price_minor,
            }),
            _ => Err(RowClass::QuantityAbsurd),
        }
    }
}

/// The rule is read off the UCI file: see [`RowClass::NonProduct`].
fn is_product_code(code: &str) -> bool {
    code.bytes().take_while(u8::is_ascii_digit).count() >= 5
}

fn parse_quantity(text: &str) -> Result<i64, String> {
    match text.parse() {
        Ok(0) => Err("Quantity is zero".to_owned()),
        Ok(quantity) => Ok(quantity),
        Err(_) => Err(format!("Quantity {text:?} is not a whole number")),
    }
}

fn parse_date(text: &str) -> Result<DateTime, String> {
    text.parse()
        .or_else(|_| DateTime::strptime(SPREADSHEET_DATE, text))
        .map_err(|_| {
            format!("InvoiceDate {text:?} is not a date like 2011-05-31 09:30:00 or 5/31/2011 9:30")
        })
}
