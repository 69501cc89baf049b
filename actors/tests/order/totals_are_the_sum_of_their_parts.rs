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
    let quotes = vec![
        quote_of("tea", 1, 5, desk.now()),
        quote_of("coffee", 1, 5, desk.now()),
    ];
    desk.pass(Duration::from_secs(60));
    let late = desk.ask(&price_at(quotes));
    let tea = Sku::new("tea").unwrap();
    assert_eq!(late, Err(OrderRejection::QuoteExpired(tea)));
}

/// Catches: goods taxed at another category's rate, shipping taxed where it is exempt or at one rate
/// where its goods have two, and a total that changes when the same price is given with its tax.
#[test]
fn each_good_is_taxed_at_its_own_rate_where_it_goes() {
    let settings = || OrderSettings {
        tax_categories: [("drinks".into(), TaxCategory::Food)].into(),
        ..OrderSettings::default()
    };
    let price = |settings: OrderSettings, place: &str, unit: i64| {
        let mut desk = desk_with(settings);
        let details = OrderDetails {
            address: address(place),
            ..details(&[("tea", 1)])
        };
        let order = order();
        desk.ask(&ReceiveOrder { order, details }).unwrap();
        desk.price(&[("tea", unit)]).unwrap()
    };
    // Food is zero-rated in the United Kingdom, and so is its delivery.
    assert_eq!(price(settings(), "GB", 1_000).tax, gbp(0));
    // Germany: 7 % of 1 000 + 995.
    assert_eq!(price(settings(), "DE", 1_000).tax, gbp(140));
    // California: 7.25 % of what is no food, and nothing of the shipping.
    let in_california = price(OrderSettings::default(), "US-CA", 1_000);
    assert_eq!(
        (in_california.tax, in_california.shipping_tax),
        (gbp(72), gbp(0))
    );
    // A state without a row of its own is taxed as the country.
    assert_eq!(price(OrderSettings::default(), "US-OR", 1_000).tax, gbp(0));

    let with_tax = OrderSettings {
        price_terms: PriceTerms::TaxIncluded,
        ..OrderSettings::default()
    };
    // 1 200 + 495 hold a sixth of tax.
    let priced = price(with_tax, "GB", 1_200);
    assert_eq!((priced.total, priced.tax), (gbp(1_695), gbp(282)));
    assert_eq!(priced.lines[0].net, gbp(1_000));
}

fn terms() -> impl Strategy<Value = (PriceTerms, TaxRounding, &'static str, bool)> {
    (
        prop_oneof![Just(PriceTerms::BeforeTax), Just(PriceTerms::TaxIncluded)],
        prop_oneof![Just(TaxRounding::PerLine), Just(TaxRounding::PerOrder)],
        prop_oneof![
            Just("GB"),
            Just("DE"),
            Just("FR"),
            Just("FI"),
            Just("US-CA"),
            Just("US-NY")
        ],
        any::<bool>(),
    )
}

proptest! {
    #![proptest_config(cases(256))]

    /// Catches: a minor unit that is lost or made by discount, shipping, tax, parcels or returns, under
    /// any terms, for any prices and quantities.
    #[test]
    fn the_parts_of_an_order_sum_exactly(
        tea in 1i64..100_000, teas in 1u32..200, coffee in 1i64..100_000, coffees in 1u32..200,
        (price_terms, tax_rounding, place, food) in terms(),
        back in 0u32..200,
    ) {
        let category = if food { TaxCategory::Food } else { TaxCategory::Standard };
        let mut desk = desk_with(OrderSettings {
            price_terms,
            tax_rounding,
            tax_categories: [("drinks".into(), category)].into(),
            parcel_grams_max: 5_000,
            ..OrderSettings::default()
        });
        let lines = [("tea", teas), ("coffee", coffees)];
        let details = OrderDetails { address: address(place), ..details(&lines) };
        desk.ask(&ReceiveOrder { order: order(), details }).unwrap();
        let priced = desk.price(&[("tea", tea), ("coffee", coffee)]).unwrap();
        let sum = |part: fn(&PricedLine) -> Money| -> i64 {
            priced.lines.iter().map(|line| part(line).minor()).sum()
        };
        let (net, tax) = (sum(|line| line.net), sum(|line| line.tax));
        let goods = tea * i64::from(teas) + coffee * i64::from(coffees);
        let reckoned = match price_terms {
            PriceTerms::BeforeTax => net,
            PriceTerms::TaxIncluded => net + tax,
        };
        prop_assert_eq!(sum(|line| line.discount), priced.discount.minor());
        prop_assert_eq!(reckoned + priced.discount.minor(), goods);
        prop_assert_eq!(tax + priced.shipping_tax.minor(), priced.tax.minor());
        let total = net + priced.shipping.minor() + priced.tax.minor();
        prop_assert_eq!(total, priced.total.minor());
        prop_assert!(priced.lines.iter().all(|line| line.tax.minor() >= 0 && line.net.minor() > 0));

        // Taken parcel by parcel it is the total, and so is what comes back in two parts.
        desk.authorise(authorised(priced.total)).unwrap();
        let half = [("tea", teas / 2), ("tea", teas - teas / 2), ("coffee", coffees)];
        let mut held = Vec::new();
        for (place, (sku, units)) in half.into_iter().enumerate() {
            if units > 0 {
                held.extend(holds(&format!("h{place}"), &[(sku, units)]));
            }
        }
        desk.ask(&PlaceOrder { order: order(), holds: held }).unwrap();
        desk.ask(&BeginFulfilment { order: order() }).unwrap();
        desk.send_planned();
        prop_assert_eq!(desk.view().captured, Some(priced.total));
        let first = back % (teas + 1);
        let mut returned = 0;
        for lines in [vec![("tea", first)], vec![("tea", teas - first), ("coffee", coffees)]] {
            let lines: Vec<_> = lines.into_iter().filter(|(_, units)| *units > 0).collect();
            if !lines.is_empty() {
                returned += desk.give_back(&lines).unwrap().minor();
            }
        }
        prop_assert_eq!(returned, priced.total.minor());
        prop_assert_eq!(desk.view().phase, OrderPhase::Refunded);
    }
}

/// Catches: a basket discount that sells below the floor that Pricing holds, one that a line at its
/// floor takes from the shopper though another has room, and one that a later change takes below it.
#[test]
fn the_basket_discount_takes_nothing_below_its_floor() {
    let lines = [("tea", 100), ("coffee", 100)];
    let price = |desk: &mut Given<OrderAgent>, tea_lowest: i64, coffee_lowest: i64| {
        let at = |sku, unit, lowest| LineQuote {
            lowest: gbp(lowest),
            ..quote_of(sku, 100, unit, desk.now())
        };
        let quotes = vec![at("tea", 150, tea_lowest), at("coffee", 100, coffee_lowest)];
        desk.ask(&price_at(quotes)).unwrap()
    };
    let taken = |priced: &PricedOrder| {
        let each = priced.lines.iter().map(|line| line.discount.minor());
        each.collect::<Vec<_>>()
    };
    // 2 % of 25 000 is 500, of which tea would bear 300.
    let free = price(&mut received(&lines), 0, 0);
    assert_eq!(taken(&free), [300, 200]);
    let one_floored = price(&mut received(&lines), 149, 0);
    assert_eq!(taken(&one_floored), [100, 400]);
    assert_eq!(one_floored.discount, gbp(500));
    let both_floored = price(&mut received(&lines), 149, 100);
    assert_eq!(taken(&both_floored), [100, 0]);
    assert_eq!(both_floored.discount, gbp(100));
}

/// Catches: rates of a configuration that are not those of the order, and a part of a country that has
/// not its country's.
#[test]
fn rates_come_from_the_configuration() {
    let text = "
        [shop.order.tax]
        GB = 2_000
        [shop.order.tax_reduced.books]
        GB = 500
        [shop.order.tax_reduced.food]
        GB-SCT = 100
        [shop.order.tax_shipping]
        GB = 'exempt'
        [shop.order.tax_categories]
        drinks = 'books'
    ";
    let price = |text: &str, place: &str| {
        let loaded = config::load::<ShopConfig>(&config::Sources::text("shop.toml", text));
        let mut desk = desk_with(loaded.unwrap().config.shop.order);
        let details = OrderDetails {
            address: address(place),
            ..details(&[("tea", 1)])
        };
        let order = order();
        desk.ask(&ReceiveOrder { order, details }).unwrap();
        desk.price(&[("tea", 1_000)]).unwrap()
    };
    let priced = price(text, "GB");
    assert_eq!((priced.tax, priced.shipping_tax), (gbp(50), gbp(0)));
    let food = text.replace("drinks = 'books'", "drinks = 'food'");
    assert_eq!(price(&food, "GB").tax, gbp(200));
    assert_eq!(price(&food, "GB-SCT").tax, gbp(10));
    let wrong = "shop.order.tax_reduced.food.GB = 10_001";
    let refused = config::load::<ShopConfig>(&config::Sources::text("shop.toml", wrong));
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("shop.order.tax_reduced.food.GB"),
        "{refused}"
    );
}
