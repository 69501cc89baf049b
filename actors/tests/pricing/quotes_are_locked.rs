//! A quote is honoured for its lifetime, for the one it was made for, and nothing else is.

use super::*;

/// Catches: a held price that is dropped when the price rises, or honoured for ever.
#[test]
fn a_held_price_is_honoured_for_its_lifetime_only() {
    let mut shelf = shelf_of(1_000, 500);
    let shown = shelf.quote(None);
    shelf.ask(&adjust(500)).unwrap();
    let honoured = shelf.quote(Some(shown.hold()));
    assert_eq!(honoured, shown);
    assert!(honoured.honours(&shown.hold()));
    shelf.pass(shown.valid_until.since(shelf.now()));
    let anew = shelf.quote(Some(shown.hold()));
    assert_eq!(anew.unit, gbp(1_050));
    assert!(!anew.honours(&shown.hold()));
}

/// Catches: a price that a shopper makes up and gets.
#[test]
fn a_forged_price_is_not_honoured() {
    let mut shelf = shelf_of(1_000, 500);
    let shown = shelf.quote(None).hold();
    let forged = [
        HeldPrice {
            unit: gbp(1),
            ..shown
        },
        HeldPrice {
            revision: 7,
            ..shown
        },
        HeldPrice {
            quoted_at: shelf.now().plus(HOUR),
            ..shown
        },
    ];
    for held in forged {
        let quote = shelf.quote(Some(held));
        assert_eq!((quote.unit, quote.quoted_at), (gbp(1_000), shelf.now()));
    }
}

/// Catches: who was shown the price of one and buys a crate, and pays more for each than the crate
/// costs; and who was shown the price of a crate and buys one.
#[test]
fn a_held_price_never_costs_more_than_so_many_units_do() {
    let mut shelf = shelf_of(1_000, 500);
    let entry = ListPrice {
        channel: None,
        segment: None,
        quantity_from: units(12),
        from: Timestamp::from_millis(0),
        until: None,
        unit: gbp(900),
        cost: None,
    };
    let reason = PriceReason::Merchant;
    shelf
        .ask(&SetPriceList {
            sku: sku(),
            entries: vec![entry],
            reason,
        })
        .unwrap();
    let line = |n| QuoteLine::new(sku(), units(n), Segment::Standard);
    let (one, twelve) = (shelf.ask(&line(1)).unwrap(), shelf.ask(&line(12)).unwrap());
    shelf.ask(&adjust(500)).unwrap();
    let hold = |quote: &LineQuote| Some(quote.quote.hold());
    let crates = shelf.ask(&line(12).holding(hold(&one))).unwrap();
    assert_eq!(crates.quote.unit, gbp(900));
    let single = shelf.ask(&line(1).holding(hold(&twelve))).unwrap();
    assert_eq!(
        single.quote.unit,
        gbp(1_050),
        "not a price that was offered for one"
    );
}

fn line_of(unit: i64, n: u32, at: Timestamp) -> LineQuote {
    LineQuote {
        quote: Quote {
            sku: sku(),
            unit: gbp(unit),
            revision: 0,
            quoted_at: at,
            valid_until: at.plus(HOUR / 4),
            trace: Vec::new(),
        },
        quantity: units(n),
        lowest: gbp(1),
        shelf: gbp(unit),
        promoted: false,
    }
}

fn issued() -> Given<PricingAgent> {
    let mut given = shelf_of(1_000, 500);
    let issue = IssueQuote {
        quote: quote_id("q1"),
        customer: customer("ann"),
        order: None,
        lines: vec![line_of(333, 3, given.now())],
        coupons: vec![HeldCoupon {
            code: coupon("TENTH"),
            terms: coupon_of(1_000, 1, 1, given.now()),
            holder: quote_id("q1"),
        }],
    };
    let quote = given.ask(&issue).unwrap();
    assert_eq!((quote.discount, quote.total), (gbp(100), gbp(899)));
    assert_eq!(given.ask(&issue).unwrap(), quote, "issued once");
    given
}

fn accept(
    given: &mut Given<PricingAgent>,
    who: &str,
    order: &str,
    n: u32,
) -> Result<CartQuote, PricingRejection> {
    given.ask(&AcceptQuote {
        quote: quote_id("q1"),
        customer: customer(who),
        order: OrderId::new(order).unwrap(),
        lines: vec![(sku(), units(n))],
    })
}

/// Catches: a quote that a stranger, another cart, another order, or a late one takes. Each answer
/// says which it is, but a stranger's says no more than that of a missing quote.
#[test]
fn a_quote_is_taken_by_its_order_alone() {
    let id = || quote_id("q1");
    let mut given = issued();
    assert_eq!(
        accept(&mut given, "eve", "o1", 3),
        Err(PricingRejection::UnknownQuote(id()))
    );
    assert_eq!(
        accept(&mut given, "ann", "o1", 4),
        Err(PricingRejection::QuoteDiffers(id()))
    );
    let accepted = accept(&mut given, "ann", "o1", 3).unwrap();
    assert_eq!(accept(&mut given, "ann", "o1", 3), Ok(accepted));
    assert_eq!(
        accept(&mut given, "ann", "o2", 3),
        Err(PricingRejection::QuoteTaken(id()))
    );
    let release = |order| ReleaseQuote {
        quote: quote_id("q1"),
        order: OrderId::new(order).unwrap(),
    };
    given.ask(&release("o2")).unwrap();
    assert!(
        accept(&mut given, "ann", "o2", 3).is_err(),
        "not its own to give back"
    );
    given.ask(&release("o1")).unwrap();
    accept(&mut given, "ann", "o2", 3).unwrap();
    let mut given = issued();
    given.pass(HOUR / 4);
    assert_eq!(
        accept(&mut given, "ann", "o1", 3),
        Err(PricingRejection::QuoteExpired(id()))
    );
    given.turn_to(Principal::user("eve"));
    let look = given.ask(&ShowQuote { quote: id() });
    assert_eq!(look, Err(PricingRejection::UnknownQuote(id())));
}

/// Catches: what was sold that teaches nothing, coupons that stay taken, and either told twice.
#[test]
fn a_quote_ends_once() {
    let mut given = issued();
    accept(&mut given, "ann", "q1", 3).unwrap();
    let (confirm, cancel) = (
        ConfirmQuote {
            quote: quote_id("q1"),
        },
        CancelQuote {
            quote: quote_id("q1"),
        },
    );
    given.when(&confirm).then_events([QuoteSold {
        lines: vec![(sku(), 3, gbp(333))],
    }]);
    given.when(&confirm).then_events(Vec::<PricingEvent>::new());
    let coupons = vec![CouponUse {
        code: coupon("TENTH"),
        holder: quote_id("q1"),
    }];
    given
        .when(&cancel)
        .then_events([QuoteCancelled { coupons }]);
    given.when(&cancel).then_events(Vec::<PricingEvent>::new());
    assert!(accept(&mut given, "ann", "q1", 3).is_err());
}

/// Catches: a discounted quote that a cart locked under an order's name, taken for the order's own: its
/// coupons lapse by themselves, so that nobody counts them.
#[test]
fn an_order_has_the_quote_that_was_made_for_it() {
    let mut given = issued();
    let of_order = IssueQuote {
        quote: quote_id("q1"),
        customer: customer("ann"),
        order: Some(OrderId::new("q1").unwrap()),
        lines: vec![line_of(333, 3, given.now())],
        coupons: Vec::new(),
    };
    let taken = Err(PricingRejection::QuoteTaken(quote_id("q1")));
    assert_eq!(given.ask(&of_order), taken);
    accept(&mut given, "ann", "q1", 3).unwrap();
    assert!(given.ask(&of_order).is_ok(), "it was taken for the order");
}

/// Catches: news of an order that ends a quote which a cart of somebody else's locked under its name.
#[test]
fn a_cancelled_order_ends_its_own_quote_alone() {
    let mut given = issued();
    let cancel = CancelQuote {
        quote: quote_id("q1"),
    };
    given.ask(&cancel).unwrap();
    assert!(accept(&mut given, "ann", "q1", 3).is_ok());
    given.ask(&cancel).unwrap();
    assert!(accept(&mut given, "ann", "q1", 3).is_err());
}
