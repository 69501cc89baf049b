//! What coupons take off a cart, divided over its lines so that nothing is lost or made.

use serde::{Deserialize, Serialize};

use super::PricingRejection;
use super::coupon::CouponTerms;
use super::promotions::Stacking;
use super::quote::LineQuote;
use crate::domain::{CouponCode, Currency, Money, MoneyError, QuoteId};

/// A line of a quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotedLine {
    /// The price, and how many.
    pub line: LineQuote,
    /// What coupons take off the line.
    pub discount: Money,
    /// Units times price, less the discount.
    pub net: Money,
}

/// Lines with their total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedBasket {
    /// Line by line, in their order.
    pub lines: Vec<QuotedLine>,
    /// What coupons take off; the lines' discounts sum to it.
    pub discount: Money,
    /// What is to be paid for the goods; the lines' nets sum to it.
    pub total: Money,
}

/// A coupon with what it is worth, as whoever claimed it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldCoupon {
    /// The coupon.
    pub code: CouponCode,
    /// Its terms.
    pub terms: CouponTerms,
    /// The quote that the use was claimed for.
    pub holder: QuoteId,
}

/// Prices lines and takes the coupons off.
///
/// Each coupon takes its share or amount off the goods that it is for, as they cost before any
/// coupon. What it takes is divided over their lines by what they cost, by largest remainder, and no
/// line goes below the lowest price of its units: what a line cannot give the others do, while they
/// can. So the result does not depend on the order of the coupons but for who is cut short where not
/// all has room, and there the codes' own order counts.
///
/// # Errors
/// When coupons do not go together or the goods cost too little for one, when lines are in several
/// currencies, or when an amount overflows.
pub fn price_basket(
    currency: Currency,
    quotes: Vec<LineQuote>,
    coupons: &[(&CouponCode, &CouponTerms)],
) -> Result<PricedBasket, PricingRejection> {
    let goods = quotes
        .iter()
        .map(|line| line.quote.unit.times(line.quantity.get()))
        .collect::<Result<Vec<_>, _>>()?;
    let subtotal = Money::sum(currency, goods.iter().copied())?;
    check_together(coupons)?;
    let mut sorted = coupons.to_vec();
    sorted.sort_by_key(|(code, _)| *code);
    let mut room = quotes
        .iter()
        .zip(&goods)
        .map(|(line, goods)| {
            let least = line.lowest.times(line.quantity.get())?;
            Ok(goods.minus(least)?.minor().max(0))
        })
        .collect::<Result<Vec<i64>, MoneyError>>()?;
    let mut discounts = vec![0i64; quotes.len()];
    for (code, terms) in sorted {
        if terms
            .goods_min
            .is_some_and(|least| subtotal.minor() < least.minor())
        {
            return Err(PricingRejection::CouponGoods(code.clone()));
        }
        let for_it = |line: &LineQuote| terms.on_promoted || !line.promoted;
        let weights: Vec<i64> = quotes
            .iter()
            .zip(&goods)
            .map(|(line, goods)| if for_it(line) { goods.minor() } else { 0 })
            .collect();
        let base = weights
            .iter()
            .try_fold(0i64, |sum, weight| sum.checked_add(*weight));
        let base = Money::new(base.ok_or(MoneyError::Overflow)?, currency);
        let off = terms.off.of(base, terms.cap)?;
        let off = off.ok_or(PricingRejection::Currency { expected: currency })?;
        let given = divide_within(off, &weights, &mut room)?;
        for (discount, given) in discounts.iter_mut().zip(given) {
            *discount += given.minor();
        }
    }
    let lines = quotes
        .into_iter()
        .zip(goods.into_iter().zip(discounts))
        .map(|(line, (goods, discount))| {
            let discount = Money::new(discount, currency);
            let net = goods.minus(discount)?;
            Ok(QuotedLine {
                line,
                discount,
                net,
            })
        })
        .collect::<Result<Vec<_>, MoneyError>>()?;
    let discount = Money::sum(currency, lines.iter().map(|line| line.discount))?;
    Ok(PricedBasket {
        discount,
        total: subtotal.minus(discount)?,
        lines,
    })
}

fn check_together(coupons: &[(&CouponCode, &CouponTerms)]) -> Result<(), PricingRejection> {
    let alone = (coupons.iter()).find(|(_, terms)| terms.stacking == Stacking::Exclusive);
    match alone {
        Some((code, _)) if coupons.len() > 1 => {
            Err(PricingRejection::CouponStandsAlone((*code).clone()))
        }
        _ => Ok(()),
    }
}

/// Divides an amount over lines by weight; what a line has no room for goes to those that have, and
/// what none has room for is not given. Takes from the room what it gives.
///
/// The variant of the loop is the number of lines with weight and room. Each turn either places all
/// that is left, or fills a line to the brim, which leaves it out of the next turn.
pub(crate) fn divide_within(
    off: Money,
    weights: &[i64],
    room: &mut [i64],
) -> Result<Vec<Money>, MoneyError> {
    let mut given = vec![Money::zero(off.currency()); room.len()];
    let mut left = off;
    while left.is_positive() {
        let open: Vec<u64> = weights
            .iter()
            .zip(room.iter())
            .map(|(weight, room)| if *room > 0 { weight.unsigned_abs() } else { 0 })
            .collect();
        if open.iter().all(|weight| *weight == 0) {
            break;
        }
        let mut over = 0i64;
        for (place, part) in left.allocate(&open)?.into_iter().enumerate() {
            if let (Some(room), Some(given)) = (room.get_mut(place), given.get_mut(place)) {
                let fits = part.minor().min(*room);
                *room -= fits;
                *given = given.plus(Money::new(fits, off.currency()))?;
                over += part.minor() - fits;
            }
        }
        left = Money::new(over, left.currency());
    }
    Ok(given)
}
