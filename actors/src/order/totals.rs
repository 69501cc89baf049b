//! What an order costs. All amounts are whole minor units; parts always sum to their whole.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::tax::{PriceTerms, ShippingTax, TaxRates, Taxable, Taxed, spread, tax_parts};
use super::{OrderAgent, OrderRejection};
use crate::domain::{BasisPoints, Jurisdiction, Money, MoneyError, Quantity, Sku};
use crate::pricing::{LineQuote, divide_within};

/// One line with everything that was frozen for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// The price of one unit, promotions included; see [`PricedOrder::terms`].
    pub unit: Money,
    /// The revision of the price's inputs, by which Pricing says why it was so.
    pub price_revision: u64,
    /// The moment that the price was calculated for.
    pub quoted_at: Timestamp,
    /// What coupons take off this line.
    pub coupon: Money,
    /// That, and this line's part of the basket discount.
    pub discount: Money,
    /// What the line costs, before tax.
    pub net: Money,
    /// The rate of its tax.
    pub tax_rate: BasisPoints,
    /// This line's part of the tax.
    pub tax: Money,
}

/// What an order costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedOrder {
    /// Line by line, in the order of the order.
    pub lines: Vec<PricedLine>,
    /// Whether units, discount and free-shipping limit were reckoned with or without tax.
    pub terms: PriceTerms,
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

impl PricedLine {
    /// What the line costs, tax included.
    ///
    /// # Errors
    /// None for a line of a [`PricedOrder`], whose total is larger.
    pub fn gross(&self) -> Result<Money, MoneyError> {
        self.net.plus(self.tax)
    }

    /// The share of `more` units after `before` others. The shares of all units sum to what the line
    /// costs, tax included, in whatever portions they are taken.
    pub(super) fn share(&self, before: u32, more: u32) -> Result<Money, MoneyError> {
        let gross = self.gross()?;
        let units = self.quantity.get();
        let up_to = |taken: u32| {
            let taken = taken.min(units);
            let parts = gross.allocate(&[u64::from(taken), u64::from(units - taken)])?;
            Ok(parts.first().copied().unwrap_or(gross))
        };
        up_to(before.saturating_add(more))?.minus(up_to(before)?)
    }
}

impl PricedOrder {
    /// The line of a product.
    #[must_use]
    pub fn line(&self, sku: &Sku) -> Option<&PricedLine> {
        self.lines.iter().find(|line| line.sku == *sku)
    }

    /// Shipping with its tax.
    ///
    /// # Errors
    /// None for an order that was priced, whose total is larger.
    pub fn shipping_gross(&self) -> Result<Money, MoneyError> {
        self.shipping.plus(self.shipping_tax)
    }
}

/// So many units at a price that is to be frozen, or was before.
#[derive(Debug, Clone)]
pub(super) struct PricedUnits {
    pub(super) sku: Sku,
    pub(super) quantity: Quantity,
    pub(super) unit: Money,
    pub(super) price_revision: u64,
    pub(super) quoted_at: Timestamp,
    /// What coupons take off these units.
    pub(super) coupon: Money,
    /// What the basket discount may take off them at most, in minor units.
    pub(super) room_minor: i64,
}

impl PricedUnits {
    /// Units at a fresh price. What coupons leave above their lowest price is room for the basket
    /// discount.
    pub(super) fn quoted(
        line: &LineQuote,
        quantity: Quantity,
        coupon: Money,
    ) -> Result<Self, MoneyError> {
        let quote = &line.quote;
        let above = quote.unit.minus(line.lowest)?.times(quantity.get())?;
        Ok(Self {
            room_minor: above.minus(coupon)?.minor().max(0),
            sku: quote.sku.clone(),
            quantity,
            unit: quote.unit,
            price_revision: quote.revision,
            quoted_at: quote.quoted_at,
            coupon,
        })
    }

    /// Fewer units keep their part of what coupons took off, and have room for their part of the basket
    /// discount that they had: their floor of then is not known any more.
    pub(super) fn frozen(line: &PricedLine, quantity: Quantity) -> Result<Self, MoneyError> {
        let rest = line.quantity.get().saturating_sub(quantity.get());
        let weights = [u64::from(quantity.get()), u64::from(rest)];
        let kept = |whole: Money| {
            let parts = whole.allocate(&weights)?;
            Ok::<_, MoneyError>(parts.first().copied().unwrap_or(whole))
        };
        Ok(Self {
            room_minor: kept(line.discount.minus(line.coupon)?)?.minor(),
            coupon: kept(line.coupon)?,
            sku: line.sku.clone(),
            quantity,
            unit: line.unit,
            price_revision: line.price_revision,
            quoted_at: line.quoted_at,
        })
    }
}

/// Calculates pricing: discount, then shipping, then tax. What is calculated for the whole order is
/// divided over its lines by largest remainder, so that no minor unit is lost or made. The discount
/// takes no unit below its lowest price.
pub(super) fn price_lines(
    agent: &OrderAgent,
    place: Jurisdiction,
    units: Vec<PricedUnits>,
) -> Result<PricedOrder, OrderRejection> {
    let settings = &agent.settings;
    let currency = agent.catalogue.currency();
    let not_delivered = || OrderRejection::NotDelivered(place);
    let rates = settings.rates_in(place).ok_or_else(not_delivered)?;
    let goods = units
        .iter()
        .map(|line| line.unit.times(line.quantity.get()))
        .collect::<Result<Vec<_>, _>>()?;
    let coupons: Vec<Money> = units.iter().map(|line| line.coupon).collect();
    let left = goods
        .iter()
        .zip(&coupons)
        .map(|(goods, coupon)| goods.minus(*coupon))
        .collect::<Result<Vec<_>, _>>()?;
    let subtotal = Money::sum(currency, left.iter().copied())?;
    let weights: Vec<i64> = left.iter().map(|left| left.minor().max(0)).collect();
    let mut room: Vec<i64> = units.iter().map(|line| line.room_minor).collect();
    let asked = settings.basket_discount_on(subtotal)?;
    let given = divide_within(asked, &weights, &mut room)?;
    let basket = Money::sum(currency, given.iter().copied())?;
    let discounts = given
        .into_iter()
        .zip(&coupons)
        .map(|(basket, coupon)| basket.plus(*coupon))
        .collect::<Result<Vec<_>, _>>()?;
    let discount = Money::sum(currency, discounts.iter().copied())?;
    let lines = goods
        .iter()
        .zip(&discounts)
        .zip(&units)
        .map(|((goods, discount), line)| {
            let category = settings.tax_category(agent.catalogue.get(&line.sku));
            Ok(Taxable {
                amount: goods.minus(*discount)?,
                rate: rates.rate(category),
            })
        })
        .collect::<Result<Vec<_>, MoneyError>>()?;
    let grams = units.iter().map(|line| {
        let product = agent.catalogue.get(&line.sku);
        settings.grams(&line.sku, product, line.quantity.get())
    });
    let grams = grams.fold(0, u64::saturating_add);
    let discounted = subtotal.minus(basket)?;
    let shipping = settings.shipping_for(place, grams, discounted)?;
    let shipping = shipping.ok_or_else(not_delivered)?;

    let mut parts = lines.clone();
    parts.extend(taxed_shipping(shipping, &rates, &lines)?);
    let taxed = tax_parts(
        &parts,
        currency,
        settings.price_terms,
        settings.tax_rounding,
    )?;
    let (of_lines, of_shipping) = taxed.split_at(lines.len());
    let sum =
        |parts: &[Taxed], part: fn(&Taxed) -> Money| Money::sum(currency, parts.iter().map(part));
    let tax = sum(&taxed, |part| part.tax)?;
    Ok(PricedOrder {
        terms: settings.price_terms,
        discount,
        shipping: sum(of_shipping, |part| part.net)?,
        shipping_tax: sum(of_shipping, |part| part.tax)?,
        total: sum(&taxed, |part| part.net)?.plus(tax)?,
        tax,
        lines: units
            .into_iter()
            .zip(discounts)
            .zip(lines.iter().zip(of_lines))
            .map(|((line, discount), (taxable, taxed))| PricedLine {
                sku: line.sku,
                quantity: line.quantity,
                unit: line.unit,
                price_revision: line.price_revision,
                quoted_at: line.quoted_at,
                coupon: line.coupon,
                discount,
                net: taxed.net,
                tax_rate: taxable.rate,
                tax: taxed.tax,
            })
            .collect(),
    })
}

/// Shipping in the parts in which it is taxed.
fn taxed_shipping(
    shipping: Money,
    rates: &TaxRates,
    lines: &[Taxable],
) -> Result<Vec<Taxable>, MoneyError> {
    let whole = |rate| {
        vec![Taxable {
            amount: shipping,
            rate,
        }]
    };
    Ok(match rates.shipping {
        ShippingTax::Exempt => whole(BasisPoints::ZERO),
        ShippingTax::Standard => whole(rates.standard),
        ShippingTax::AsGoods => {
            let amounts: Vec<_> = lines.iter().map(|line| line.amount).collect();
            let shares = spread(shipping, &amounts)?.into_iter().zip(lines);
            shares
                .map(|(amount, line)| Taxable {
                    amount,
                    rate: line.rate,
                })
                .collect()
        }
    })
}
