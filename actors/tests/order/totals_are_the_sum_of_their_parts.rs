//! Prices, tax, shipping and discounts.

use proptest::prelude::*;

use super::*;

#[test]
fn tax_discount_and_shipping_sum_to_the_total() {
    let mut desk = received(&[("tea", 3), ("coffee", 2)]);
    let priced = desk.price(&[("tea", 333), ("coffee", 701)]).unwrap();
    // 999 + 1402 = 2401 of goods, 495 shipping; a fifth of 2896 is 579.2.
    assert_eq!(priced.shipping, gbp(495));
    assert_eq!(priced.tax, gbp(579));
    assert_eq!(priced.total, gbp(3_475));
}

#[test]
fn quotes_must_match_and_be_valid() {
    let mut desk = received(&[("tea", 1), ("coffee", 1)]);
    assert_eq!(
        desk.price(&[("coffee", 5), ("tea", 5)]),
        Err(OrderRejection::QuotesDiffer)
    );
    let quotes = vec![quote("tea", 5, desk.now()), quote("coffee", 5, desk.now())];
    desk.pass(Duration::from_secs(60));
    let late = desk.ask(&PriceOrder {
        order: order(),
        quotes,
        discounts: Vec::new(),
    });
    let tea = Sku::new("tea").unwrap();
    assert_eq!(late, Err(OrderRejection::QuoteExpired(tea)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_parts_of_an_order_sum_exactly(
        tea in 1i64..100_000, teas in 1u32..200, coffee in 1i64..100_000, coffees in 1u32..200,
    ) {
        let mut desk = received(&[("tea", teas), ("coffee", coffees)]);
        let priced = desk.price(&[("tea", tea), ("coffee", coffee)]).unwrap();
        let sum = |part: fn(&PricedLine) -> Money| -> i64 {
            priced.lines.iter().map(|line| part(line).minor()).sum()
        };
        let (net, tax) = (sum(|line| line.net), sum(|line| line.tax));
        let goods = tea * i64::from(teas) + coffee * i64::from(coffees);
        prop_assert_eq!(sum(|line| line.discount), priced.discount.minor());
        prop_assert_eq!(net + priced.discount.minor(), goods);
        prop_assert_eq!(tax + priced.shipping_tax.minor(), priced.tax.minor());
        let total = net + priced.shipping.minor() + priced.tax.minor();
        prop_assert_eq!(total, priced.total.minor());
    }
}
