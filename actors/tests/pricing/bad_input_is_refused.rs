//! What makes no sense gets an answer that says what to do, and nothing is recorded.

use super::*;

/// Asks, and sees it refused for this reason, in words that help, with nothing recorded.
fn refused<C>(shelf: &mut Given<PricingAgent>, ask: &C, expected: &PricingRejection)
where
    C: mercato_runtime::Command<Agent = PricingAgent>,
{
    let before = shelf.events().len();
    match shelf.ask(ask) {
        Ok(_) => panic!("{} was not refused; {expected} was expected", C::NAME),
        Err(rejection) => {
            assert_eq!(&rejection, expected);
            let told = rejection.to_string();
            let helps = told.contains(';')
                || told.contains("approval")
                || told.contains("cannot be calculated");
            assert!(helps, "says what is wrong and not what to do: {told}");
        }
    }
    assert_eq!(
        shelf.events().len(),
        before,
        "{expected} recorded something"
    );
}

/// Catches: amounts that make no price.
#[test]
fn amounts_must_make_a_price() {
    let mut shelf = shelf_of(1_000, 500);
    use PricingRejection as R;
    for (price, cost) in [(0, 0), (-5, 0), (5, -1), (i64::MIN, 0)] {
        refused(&mut shelf, &change("a", price, cost), &R::Amount);
    }
    let mut euros = change("a", 5, 0);
    euros.terms.base = Money::new(5, Currency::EUR);
    refused(
        &mut shelf,
        &euros,
        &R::Currency {
            expected: Currency::GBP,
        },
    );
    let overflow = R::Money(MoneyError::Overflow);
    refused(&mut shelf, &change("a", i64::MAX, i64::MAX), &overflow);
    refused(
        &mut shelf,
        &change("a", 500, 500),
        &R::BelowFloor { floor: gbp(525) },
    );
    refused(
        &mut shelf,
        &adjust(2_501),
        &R::AdjustmentTooLarge {
            max: BasisPoints::new(2_500),
        },
    );
    let sale = ObserveSale {
        sku: sku(),
        units: Quantity::ONE,
        shelf: gbp(0),
    };
    refused(&mut shelf, &sale, &R::Amount);
}

/// Catches: a price of the largest amount that wraps around where it is raised by a share.
#[test]
fn a_price_that_cannot_be_calculated_is_not_recorded() {
    let mut shelf = shelf_with(
        PricingSettings {
            approval_from: BasisPoints::new(i32::MAX),
            ..PricingSettings::default()
        },
        i64::MAX / 4,
        0,
    );
    let huge = change("a", i64::MAX - 1, 0);
    refused(
        &mut shelf,
        &huge,
        &PricingRejection::Money(MoneyError::Overflow),
    );
}

/// Catches: names that nobody knows and that are taken for something.
#[test]
fn unknown_names_are_told() {
    let mut shelf = shelf_of(1_000, 500);
    use PricingRejection as R;
    let coffee = Sku::new("coffee").unwrap();
    let unknown = R::UnknownProduct(coffee.clone());
    let quote = QuotePrice {
        sku: coffee.clone(),
        segment: Segment::Standard,
        held: None,
    };
    refused(&mut shelf, &quote, &unknown);
    let line = QuoteLine::new(coffee.clone(), Quantity::ONE, Segment::Standard);
    refused(&mut shelf, &line, &unknown);
    refused(
        &mut shelf,
        &AdjustStrategy {
            sku: coffee.clone(),
            ..adjust(5)
        },
        &unknown,
    );
    refused(
        &mut shelf,
        &Reprice {
            sku: coffee.clone(),
        },
        &unknown,
    );
    refused(
        &mut shelf,
        &LookAtShelf {
            sku: coffee.clone(),
        },
        &unknown,
    );
    let seen = RecordCompetitorPrices {
        sku: coffee,
        observed: Vec::new(),
    };
    refused(&mut shelf, &seen, &unknown);
    let reason = PriceReason::Merchant;
    let pause = PausePromotion {
        sku: sku(),
        promotion: promotion("x"),
        reason,
    };
    refused(&mut shelf, &pause, &R::UnknownPromotion(promotion("x")));
    let change = PriceChangeId::new("x").unwrap();
    let unknown = R::UnknownChange(change.clone());
    refused(
        &mut shelf,
        &DropPriceChange {
            sku: sku(),
            change: change.clone(),
        },
        &unknown,
    );
    refused(
        &mut shelf,
        &ActivatePriceChange { sku: sku(), change },
        &unknown,
    );
    let show = ShowQuote {
        quote: quote_id("x"),
    };
    refused(&mut shelf, &show, &R::UnknownQuote(quote_id("x")));
    let check = CheckCoupon {
        code: coupon("x"),
        customer: customer("ann"),
    };
    refused(&mut shelf, &check, &R::UnknownCoupon(coupon("x")));
}

/// Catches: a first price of a product that is in no catalogue and is refused as unknown.
#[test]
fn a_product_outside_the_catalogue_can_be_given_a_price() {
    let mut shelf = shelf_of(1_000, 500);
    let coffee = Sku::new("coffee").unwrap();
    let first = ChangePrice {
        sku: coffee.clone(),
        ..change("first", 700, 300)
    };
    assert_eq!(
        shelf.ask(&first),
        Ok(PriceChangeStage::Activated { version: 1 })
    );
    let quote = QuotePrice {
        sku: coffee,
        segment: Segment::Standard,
        held: None,
    };
    assert_eq!(shelf.ask(&quote).unwrap().unit, gbp(700));
}

/// Catches: promotions that make no sense, or stand twice.
#[test]
fn promotions_must_make_sense() {
    let mut shelf = shelf_of(1_000, 100);
    use PricingRejection as R;
    let now = shelf.now();
    let start = |off, from: Timestamp, until: Timestamp| StartPromotion {
        sku: sku(),
        promotion: promotion("a"),
        terms: PromotionTerms::share(BasisPoints::new(off), from, until),
    };
    let max = BasisPoints::new(7_000);
    for off in [0, -1, 7_001, i32::MAX] {
        refused(
            &mut shelf,
            &start(off, now, now.plus(HOUR)),
            &R::PromotionShare { max },
        );
    }
    refused(
        &mut shelf,
        &start(5, now.plus(HOUR), now.plus(HOUR)),
        &R::PromotionTimes,
    );
    refused(
        &mut shelf,
        &start(5, now.minus(DAY), now),
        &R::PromotionTimes,
    );
    shelf.ask(&start(5, now, now.plus(HOUR))).unwrap();
    shelf.ask(&start(5, now, now.plus(HOUR))).unwrap();
    let differs = R::PromotionDiffers(promotion("a"));
    refused(&mut shelf, &start(6, now, now.plus(HOUR)), &differs);
    for name in 1..8 {
        shelf.promote(&format!("p{name}"), 100).unwrap();
    }
    let over = StartPromotion {
        promotion: promotion("over"),
        ..start(5, now, now.plus(HOUR))
    };
    refused(&mut shelf, &over, &R::TooManyPromotions { max: 8 });
}

/// Catches: coupons that make no sense, or stand twice with other terms.
#[test]
fn coupons_must_make_sense() {
    let mut given = shelf_of(1_000, 500);
    use PricingRejection as R;
    let now = given.now();
    let issue = |terms| IssueCoupon {
        code: coupon("C"),
        terms,
    };
    let max = 100_000;
    for (uses, each) in [(0, 1), (1, 0), (100_001, 1)] {
        refused(
            &mut given,
            &issue(coupon_of(10, uses, each, now)),
            &R::CouponUses { max },
        );
    }
    let none = CouponTerms {
        off: Reduction::Amount(gbp(0)),
        ..coupon_of(10, 1, 1, now)
    };
    refused(&mut given, &issue(none), &R::Amount);
    let over = CouponTerms {
        ends: now,
        ..coupon_of(10, 1, 1, now)
    };
    refused(&mut given, &issue(over), &R::PromotionTimes);
    given.ask(&issue(coupon_of(10, 1, 1, now))).unwrap();
    refused(
        &mut given,
        &issue(coupon_of(11, 1, 1, now)),
        &R::CouponDiffers(coupon("C")),
    );
}

/// Catches: coupons that do not go together and do, and one for a small basket.
#[test]
fn coupons_that_do_not_fit_the_cart_are_refused() {
    let now = Timestamp::from_millis(0);
    let (a, b) = (coupon("a"), coupon("b"));
    let alone = CouponTerms {
        stacking: Stacking::Exclusive,
        ..coupon_of(10, 1, 1, now)
    };
    let other = coupon_of(10, 1, 1, now);
    let together = price_basket(Currency::GBP, Vec::new(), &[(&a, &other), (&b, &alone)]);
    assert_eq!(together, Err(PricingRejection::CouponStandsAlone(b)));
    let dear = CouponTerms {
        goods_min: Some(gbp(5_000)),
        ..other
    };
    let small = price_basket(Currency::GBP, Vec::new(), &[(&a, &dear)]);
    assert_eq!(small, Err(PricingRejection::CouponGoods(a)));
}

/// Catches: a change that is taken for another one of the same name, and too many that wait.
#[test]
fn changes_must_make_sense() {
    let mut shelf = shelf_of(1_000, 500);
    use PricingRejection as R;
    shelf.change("large", 9_000, 500).unwrap();
    let id = PriceChangeId::new("large").unwrap();
    refused(
        &mut shelf,
        &change("large", 9_001, 500),
        &R::ChangeDiffers(id),
    );
    for name in 1..16 {
        shelf.change(&format!("l{name}"), 9_000, 500).unwrap();
    }
    refused(
        &mut shelf,
        &change("more", 9_000, 500),
        &R::TooManyChanges { max: 16 },
    );
}
