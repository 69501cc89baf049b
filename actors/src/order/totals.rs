//! What an order costs. All amounts are whole minor units; parts always sum to their whole.

use std::iter::repeat;

use serde::{Deserialize, Serialize};

use super::settings::OrderSettings;
use crate::domain::{BasisPoints, Currency, Money, MoneyError, Quantity, Sku};
use crate::pricing::Quote;

/// One line with its frozen price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    /// The quote of one unit, with the steps that led to it.
    pub quote: Quote,
    /// How many.
    pub quantity: Quantity,
    /// What coupons take off this line, and its part of the basket discount.
    pub discount: Money,
    /// Units times price, less the discount, before tax.
    pub net: Money,
    /// This line's part of the tax.
    pub tax: Money,
}

/// What an order costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedOrder {
    /// Line by line, in the order of the order.
    pub lines: Vec<PricedLine>,
    /// What coupons take off and the basket discount; the lines' discounts sum to it.
    pub discount: Money,
    /// Shipping, before tax.
    pub shipping: Money,
    /// Shipping's part of the tax.
    pub shipping_tax: Money,
    /// All tax; the lines' tax and shipping's sum to it.
    pub tax: Money,
    /// What is to be paid: net of all lines, shipping and tax.
    pub total: Money,
}

impl PricedOrder {
    /// The line of a product.
    #[must_use]
    pub fn line(&self, sku: &Sku) -> Option<&PricedLine> {
        self.lines.iter().find(|line| line.quote.sku == *sku)
    }
}

/// Discount, then shipping, then tax: each is calculated once for the whole order and divided over
/// the lines by largest remainder, so that no minor unit is lost or made.
pub(super) fn price_lines(
    settings: &OrderSettings,
    rate: BasisPoints,
    currency: Currency,
    quoted: Vec<(Quote, Quantity)>,
    coupons: &[Money],
) -> Result<PricedOrder, MoneyError> {
    let goods = quoted
        .iter()
        .map(|(quote, quantity)| quote.unit.times(quantity.get()))
        .collect::<Result<Vec<_>, _>>()?;
    let coupons = coupons.iter().copied().chain(repeat(Money::zero(currency)));
    let coupons: Vec<Money> = coupons.take(goods.len()).collect();
    let left = goods
        .iter()
        .zip(&coupons)
        .map(|(goods, coupon)| goods.minus(*coupon))
        .collect::<Result<Vec<_>, _>>()?;
    let subtotal = Money::sum(currency, left.iter().copied())?;
    let basket = settings.basket_discount_on(subtotal)?;
    let discounts = basket
        .allocate(&weights(&left))?
        .into_iter()
        .zip(&coupons)
        .map(|(basket, coupon)| basket.plus(*coupon))
        .collect::<Result<Vec<_>, _>>()?;
    let discount = Money::sum(currency, discounts.iter().copied())?;
    let nets = goods
        .iter()
        .zip(&discounts)
        .map(|(goods, discount)| goods.minus(*discount))
        .collect::<Result<Vec<_>, _>>()?;
    let net = Money::sum(currency, nets.iter().copied())?;
    let shipping = settings.shipping_for(net);
    let taxed = net.plus(shipping)?;
    let tax = taxed.portion(rate)?;
    let mut shares = weights(&nets);
    shares.extend(weights(&[shipping]));
    let mut taxes = tax.allocate(&shares)?;
    let shipping_tax = taxes.pop().unwrap_or(Money::zero(currency));
    let lines = quoted
        .into_iter()
        .zip(discounts)
        .zip(nets.into_iter().zip(taxes))
        .map(|(((quote, quantity), discount), (net, tax))| PricedLine {
            quote,
            quantity,
            discount,
            net,
            tax,
        })
        .collect();
    Ok(PricedOrder {
        lines,
        discount,
        shipping,
        shipping_tax,
        tax,
        total: taxed.plus(tax)?,
    })
}

fn weights(amounts: &[Money]) -> Vec<u64> {
    amounts
        .iter()
        .map(|amount| amount.minor().unsigned_abs())
        .collect()
}

/// What is due for units of a line that come back after `before` others did. The shares of all
/// units sum to what the line cost, tax included, in whatever portions they come back.
pub(super) fn refund_share(
    line: &PricedLine,
    before: u32,
    more: Quantity,
) -> Result<Money, MoneyError> {
    let paid = line.net.plus(line.tax)?;
    let units = line.quantity.get();
    let share_of = |returned: u32| {
        let returned = returned.min(units);
        let parts = paid.allocate(&[u64::from(returned), u64::from(units - returned)])?;
        Ok(parts
            .first()
            .copied()
            .unwrap_or(Money::zero(paid.currency())))
    };
    share_of(before.saturating_add(more.get()))?.minus(share_of(before)?)
}
