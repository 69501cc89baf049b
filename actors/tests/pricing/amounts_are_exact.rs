//! Money is counted in whole minor units, and parts sum to their whole.

use proptest::prelude::*;

use super::*;

/// Catches: a sum over two currencies, and one that wraps around.
#[test]
fn money_of_two_currencies_does_not_mix() {
    let mixed = gbp(1).plus(Money::new(1, Currency::USD));
    assert!(matches!(mixed, Err(MoneyError::CurrencyMismatch { .. })));
    assert_eq!(gbp(i64::MAX).plus(gbp(1)), Err(MoneyError::Overflow));
    assert_eq!(gbp(5).allocate(&[0, 0]), Err(MoneyError::NoWeights));
}

/// Catches: halves that are always rounded up, which over many lines is money made.
#[test]
fn halves_are_rounded_to_even() {
    let half = BasisPoints::new(5_000);
    let rounded = |minor| gbp(minor).portion(half).unwrap().minor();
    assert_eq!([1, 3, 5, -1, -3].map(rounded), [0, 2, 2, 0, -2]);
}

/// Catches: minor units that are taken for hundredths whatever the currency.
#[test]
fn minor_units_are_those_of_the_currency() {
    let yen: Currency = "JPY".parse().unwrap();
    let dinar: Currency = "KWD".parse().unwrap();
    assert_eq!(Money::new(1_234, yen).to_string(), "1234 JPY");
    assert_eq!(Money::new(1_234, dinar).to_string(), "1.234 KWD");
    assert_eq!(gbp(-5).to_string(), "-0.05 GBP");
}

/// What each line gets, where `rounded` rounds each share by itself.
fn shares(off: i64, goods: &[i64], rounded: impl Fn(Money, &[u64]) -> Vec<i64>) -> Vec<i64> {
    let weights: Vec<u64> = goods.iter().map(|minor| minor.unsigned_abs()).collect();
    rounded(gbp(off), &weights)
}

/// The planted mistake: each line's share of a discount rounded by itself.
fn each_by_itself(off: Money, weights: &[u64]) -> Vec<i64> {
    let total: u64 = weights.iter().sum();
    let share = |weight: &u64| {
        let share = i64::try_from(weight * 10_000 / total).unwrap();
        off.minor() * share / 10_000
    };
    weights.iter().map(share).collect()
}

fn by_largest_remainder(off: Money, weights: &[u64]) -> Vec<i64> {
    let parts = off.allocate(weights).unwrap();
    parts.into_iter().map(Money::minor).collect()
}

/// Shows that the law below can fail: rounding line by line loses a penny of ten.
#[test]
fn rounding_each_share_by_itself_is_caught() {
    let goods = [1, 1, 1];
    assert_ne!(shares(10, &goods, each_by_itself).iter().sum::<i64>(), 10);
    assert_eq!(shares(10, &goods, by_largest_remainder), [4, 3, 3]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    /// Catches: a unit lost or made in an allocation, and a part that is further than a unit from
    /// its share.
    #[test]
    fn an_allocation_sums_exactly_and_is_fair(
        minor in any::<i64>(),
        weights in proptest::collection::vec(0u64..1_000_000, 1..20),
    ) {
        prop_assume!(weights.iter().any(|weight| *weight > 0));
        let parts = gbp(minor).allocate(&weights).unwrap();
        let sum: i128 = parts.iter().map(|part| i128::from(part.minor())).sum();
        prop_assert_eq!(sum, i128::from(minor));
        let total: i128 = weights.iter().copied().map(i128::from).sum();
        for (part, weight) in parts.iter().zip(&weights) {
            let off = i128::from(part.minor()) * total - i128::from(minor) * i128::from(*weight);
            prop_assert!(off.abs() < total, "{:?} of {} over {:?}", part, minor, weights);
        }
    }

    /// Catches: weights that overflow where they are summed up, and a part beyond its whole.
    #[test]
    fn an_allocation_takes_any_weights(
        minor in any::<i64>(),
        weights in proptest::collection::vec(any::<u64>(), 1..12),
    ) {
        prop_assume!(weights.iter().any(|weight| *weight > 0));
        let parts = gbp(minor).allocate(&weights).unwrap();
        let sum: i128 = parts.iter().map(|part| i128::from(part.minor())).sum();
        prop_assert_eq!(sum, i128::from(minor));
        prop_assert!(parts.iter().all(|part| part.minor().unsigned_abs() <= minor.unsigned_abs()));
    }

    /// Catches: a coupon that takes a line below the lowest price of its units, a discount whose
    /// parts do not sum to it, and a total that is not the sum of its lines.
    #[test]
    fn a_basket_sums_exactly_and_stays_above_its_floors(
        lines in proptest::collection::vec((1i64..100_000, 0i64..100_000, 1u32..1_000, any::<bool>()), 1..30),
        share in 1i32..=7_000,
        amount in 1i64..10_000_000,
    ) {
        let now = Timestamp::from_millis(1_000);
        let quotes: Vec<LineQuote> = lines.iter().zip(0..).map(|(line, place)| line_quote(place, *line)).collect();
        let (one, other) = (coupon("a"), coupon("b"));
        let by_share = CouponTerms { on_promoted: false, ..coupon_of(share, 1, 1, now) };
        let by_amount = CouponTerms { off: Reduction::Amount(gbp(amount)), ..coupon_of(1, 1, 1, now) };
        let coupons = [(&one, &by_share), (&other, &by_amount)];
        let basket = price_basket(Currency::GBP, quotes.clone(), &coupons).unwrap();
        let sum = |of: fn(&QuotedLine) -> Money| basket.lines.iter().map(|line| of(line).minor()).sum::<i64>();
        prop_assert_eq!(sum(|line| line.discount), basket.discount.minor());
        prop_assert_eq!(sum(|line| line.net), basket.total.minor());
        let mut room = 0;
        for line in &basket.lines {
            let n = i64::from(line.line.quantity.get());
            let least = n * line.line.lowest.minor().min(line.line.quote.unit.minor());
            prop_assert!(line.net.minor() >= least);
            prop_assert_eq!(line.net.minor() + line.discount.minor(), n * line.line.quote.unit.minor());
            room += line.net.minor() - least;
        }
        // What a coupon could not take off has no line to be taken off.
        prop_assert!(basket.discount.minor() >= amount || room == 0, "{} of {}, room {}", basket.discount, amount, room);
        let turned: Vec<_> = coupons.iter().rev().copied().collect();
        prop_assert_eq!(price_basket(Currency::GBP, quotes, &turned).unwrap(), basket);
    }
}

fn line_quote(place: i64, (unit, lowest, quantity, promoted): (i64, i64, u32, bool)) -> LineQuote {
    LineQuote {
        quote: Quote {
            sku: Sku::new(format!("s{place}")).unwrap(),
            unit: gbp(unit),
            revision: 0,
            quoted_at: Timestamp::from_millis(0),
            valid_until: Timestamp::from_millis(5_000),
            trace: Vec::new(),
        },
        quantity: units(quantity),
        lowest: gbp(lowest),
        shelf: gbp(unit),
        promoted,
    }
}
