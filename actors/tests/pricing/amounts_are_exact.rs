//! Money is counted in whole minor units, and parts sum to their whole.

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

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
}

/// Lines of a basket, the share that one coupon takes off and the amount that another does.
type Basket = (Vec<(i64, i64, u32, bool)>, i32, i64);

fn baskets() -> impl Strategy<Value = Basket> {
    let line = (1i64..100_000, 0i64..100_000, 1u32..1_000, any::<bool>());
    (
        proptest::collection::vec(line, 1..30),
        1i32..=7_000,
        1i64..10_000_000,
    )
}

type Priced = Result<PricedBasket, PricingRejection>;

/// The laws of a basket that `price` has priced.
fn sums_exactly(
    (lines, share, amount): &Basket,
    price: impl Fn(Vec<LineQuote>, &[(&CouponCode, &CouponTerms)]) -> Priced,
) -> Result<(), TestCaseError> {
    let now = Timestamp::from_millis(1_000);
    let quotes: Vec<LineQuote> = lines
        .iter()
        .zip(0..)
        .map(|(line, place)| line_quote(place, *line))
        .collect();
    let (one, other) = (coupon("a"), coupon("b"));
    let by_share = CouponTerms {
        on_promoted: false,
        ..coupon_of(*share, 1, 1, now)
    };
    let by_amount = CouponTerms {
        off: Reduction::Amount(gbp(*amount)),
        ..coupon_of(1, 1, 1, now)
    };
    let coupons = [(&one, &by_share), (&other, &by_amount)];
    let basket = price(quotes.clone(), &coupons).unwrap();
    let sum = |of: fn(&QuotedLine) -> Money| {
        let amounts = basket.lines.iter().map(|line| of(line).minor());
        amounts.sum::<i64>()
    };
    prop_assert_eq!(sum(|line| line.discount), basket.discount.minor());
    prop_assert_eq!(sum(|line| line.net), basket.total.minor());
    let mut room = 0;
    for line in &basket.lines {
        let n = i64::from(line.line.quantity.get());
        let unit = line.line.quote.unit.minor();
        let least = n * line.line.lowest.minor().min(unit);
        prop_assert!(line.net.minor() >= least);
        prop_assert_eq!(line.net.minor() + line.discount.minor(), n * unit);
        room += line.net.minor() - least;
    }
    // What a coupon could not take off has no line to be taken off.
    prop_assert!(
        basket.discount.minor() >= *amount || room == 0,
        "{} of {}, room {}",
        basket.discount,
        amount,
        room
    );
    let turned: Vec<_> = coupons.iter().rev().copied().collect();
    prop_assert_eq!(price(quotes, &turned).unwrap(), basket);
    Ok(())
}

/// Catches: a coupon that takes a line below the lowest price of its units, a discount whose parts do
/// not sum to it, and a total that is not the sum of its lines.
#[test]
fn a_basket_sums_exactly_and_stays_above_its_floors() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(cases()));
    let outcome = runner.run(&baskets(), |basket| {
        sums_exactly(&basket, |quotes, coupons| {
            price_basket(Currency::GBP, quotes, coupons)
        })
    });
    assert_eq!(outcome, Ok(()));
}

/// The planted mistake: the discount of the basket is spread over its lines with each share rounded by
/// itself, as a percentage, and the lines follow.
fn each_rounded_by_itself(
    quotes: Vec<LineQuote>,
    coupons: &[(&CouponCode, &CouponTerms)],
) -> Priced {
    let mut basket = price_basket(Currency::GBP, quotes, coupons)?;
    let off = i128::from(basket.discount.minor());
    for line in &mut basket.lines {
        let whole = line.net.plus(line.discount).unwrap();
        let share = i128::from(line.discount.minor()) * 10_000 / off.max(1);
        line.discount = gbp(i64::try_from(off * share / 10_000).unwrap());
        line.net = whole.minus(line.discount).unwrap();
    }
    Ok(basket)
}

/// Catches: laws that hold of whatever Pricing does.
#[test]
fn a_discount_that_is_rounded_line_by_line_is_found() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(cases()));
    let outcome = runner.run(&baskets(), |basket| {
        sums_exactly(&basket, each_rounded_by_itself)
    });
    assert!(outcome.is_err());
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
