//! A shopper asks for prices and takes quotes, and makes none.

use mercato_runtime::Command;

use super::*;

/// Asks as a shopper. Nothing is recorded.
fn refuses<C>(shelf: &mut Given<PricingAgent>, command: &C, because: &PricingRejection)
where
    C: Command<Agent = PricingAgent>,
{
    let known = shelf.events().len();
    shelf.turn_to(Principal::user("eve"));
    let refused = shelf.ask(command).err();
    shelf.turn_to(Principal::System);
    assert_eq!(refused.as_ref(), Some(because), "{}", C::NAME);
    assert_eq!(shelf.events().len(), known, "{} records nothing", C::NAME);
}

fn quote_for(who: &str, unit: i64, at: Timestamp) -> IssueQuote {
    let quote = Quote {
        sku: sku(),
        unit: gbp(unit),
        revision: 0,
        quoted_at: at,
        valid_until: at.plus(HOUR / 4),
        trace: Vec::new(),
    };
    IssueQuote {
        quote: quote_id("o-1"),
        customer: customer(who),
        order: Some(OrderId::new("o-1").unwrap()),
        lines: vec![LineQuote {
            quote,
            quantity: units(1),
            lowest: gbp(1),
            shelf: gbp(unit),
            promoted: false,
        }],
        coupons: Vec::new(),
    }
}

/// Catches: goods for a penny, by a quote that the shopper issued to themselves before the checkout did.
#[test]
fn no_shopper_quotes_themselves() {
    let mut shelf = shelf_of(1_000, 500);
    let now = shelf.now();
    let no = PricingRejection::NotStaff;
    refuses(&mut shelf, &quote_for("eve", 1, now), &no);
    shelf.ask(&quote_for("ada", 1_000, now)).unwrap();
    let quote = quote_id("o-1");
    refuses(
        &mut shelf,
        &ConfirmQuote {
            quote: quote.clone(),
        },
        &no,
    );
    refuses(
        &mut shelf,
        &CancelQuote {
            quote: quote.clone(),
        },
        &no,
    );
    let order = OrderId::new("o-1").unwrap();
    refuses(&mut shelf, &ReleaseQuote { quote, order }, &no);
}

/// Catches: a price, a promotion or a strategy that whoever knows the command sets.
#[test]
fn no_shopper_moves_a_price() {
    let mut shelf = shelf_of(1_000, 500);
    let now = shelf.now();
    let no = PricingRejection::NotStaff;
    refuses(&mut shelf, &change("eve", 990, 500), &no);
    let promotion = StartPromotion {
        sku: sku(),
        promotion: promotion("eve"),
        terms: PromotionTerms::share(BasisPoints::new(2_000), now, now.plus(HOUR)),
    };
    refuses(&mut shelf, &promotion, &no);
    let observed = RecordCompetitorPrices {
        sku: sku(),
        observed: vec![observed_at("eve", 1, now)],
    };
    refuses(&mut shelf, &observed, &no);
    refuses(&mut shelf, &ShowElasticity { sku: sku() }, &no);
    refuses(&mut shelf, &ShowPriceVersions { sku: sku() }, &no);
    let why = WhyThisPrice {
        sku: sku(),
        terms: PricingTerms::shelf(Currency::GBP),
        price: shelf.quote(None).hold(),
    };
    refuses(&mut shelf, &why, &no);
    shelf.turn_to(Principal::user("eve"));
    assert_eq!(shelf.unit(), 1_000, "anybody may ask what it costs");
}

/// Catches: a coupon that is counted for somebody else, and one that is kept for good without an order.
#[test]
fn a_coupon_is_used_in_ones_own_name() {
    let mut shelf = shelf_of(1_000, 500);
    let code = coupon("TENTH");
    let issue = IssueCoupon {
        code: code.clone(),
        terms: coupon_of(1_000, 5, 5, shelf.now()),
    };
    refuses(&mut shelf, &issue, &PricingRejection::NotStaff);
    shelf.ask(&issue).unwrap();
    let claim = |who: &str, hold| ClaimCoupon {
        code: code.clone(),
        holder: quote_id("q1"),
        customer: customer(who),
        hold,
    };
    let look = |who: &str| CheckCoupon {
        code: code.clone(),
        customer: customer(who),
    };
    let theirs = PricingRejection::NotYours;
    refuses(&mut shelf, &look("ada"), &theirs);
    refuses(&mut shelf, &claim("ada", CouponHold::WhileQuoted), &theirs);
    let kept = claim("eve", CouponHold::ForGood);
    refuses(&mut shelf, &kept, &PricingRejection::NotStaff);
    let taken = ReleaseCoupon {
        code: code.clone(),
        holder: quote_id("q1"),
    };
    refuses(&mut shelf, &taken, &PricingRejection::NotStaff);
    shelf.turn_to(Principal::user("eve"));
    shelf.ask(&look("eve")).unwrap();
    shelf.ask(&claim("eve", CouponHold::WhileQuoted)).unwrap();
}
