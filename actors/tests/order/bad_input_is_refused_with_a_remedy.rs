//! What a shop must not be talked into: each is refused, says what to do, and records nothing.

use super::*;

/// Asks, and sees that nothing was recorded. Gives the refusal in words.
fn refused<C>(desk: &mut Given<OrderAgent>, command: &C) -> String
where
    C: mercato_runtime::Command<Agent = OrderAgent>,
{
    let known = desk.events().len();
    let refused = desk.ask(command).err();
    assert_eq!(desk.events().len(), known, "a refusal records nothing");
    let words = refused.unwrap().to_string();
    // What is wrong, and then what to do about it.
    assert!(words.contains("; "), "no remedy: {words}");
    words
}

/// Catches: a quantity that is nothing, below nothing, or beyond what anybody means.
#[test]
fn quantities_are_valid_before_they_reach_an_order() {
    assert_eq!(Quantity::new(0), Err(QuantityError::Zero));
    assert_eq!(Quantity::try_from(-1i64), Err(QuantityError::Negative));
    assert_eq!(Quantity::try_from(i64::MAX), Err(QuantityError::TooLarge));
    // And not by way of bytes either.
    let bytes = mercato_runtime::codec::encode(&0u32).unwrap();
    assert!(mercato_runtime::codec::decode::<Quantity>(&bytes).is_err());
}

/// Catches: a quote that is old, in another currency, of another product, or too large to be summed.
#[test]
fn quotes_that_cannot_be_frozen_are_refused() {
    let mut desk = received(&[("tea", 10_000)]);
    let quote = |sku, unit, now| quote_of(sku, 10_000, unit, now);
    let price = |quote| price_at(vec![quote]);
    let stale = quote("tea", 5, desk.now());
    desk.pass(Duration::from_secs(61));
    assert!(refused(&mut desk, &price(stale)).contains("expired"));
    let now = desk.now();
    let mut foreign = quote("tea", 5, now);
    foreign.quote.unit = Money::new(5, Currency::EUR);
    let floored_abroad = LineQuote {
        lowest: Money::new(5, Currency::EUR),
        ..quote("tea", 5, now)
    };
    assert!(refused(&mut desk, &price(foreign)).contains("GBP"));
    assert!(refused(&mut desk, &price(floored_abroad)).contains("GBP"));
    assert!(refused(&mut desk, &price(quote("coffee", 5, now))).contains("do not match"));
    let huge = quote("tea", i64::MAX / 2, now);
    assert!(refused(&mut desk, &price(huge)).contains("too large"));
    let never = PriceOrder {
        order: OrderId::new("o-2").unwrap(),
        ..price_at(Vec::new())
    };
    assert!(refused(&mut super::desk(), &never).contains("not found"));
}

/// Catches: the price of fifty apiece for one unit, and that of one for fifty.
#[test]
fn a_quote_is_for_as_many_units_as_its_line_has() {
    for (ordered, quoted) in [(1, 50), (50, 1), (50, 49)] {
        let mut desk = received(&[("coffee", 2), ("tea", ordered)]);
        let at = |units| {
            let now = desk.now();
            price_at(vec![
                quote_of("coffee", 2, 701, now),
                quote_of("tea", units, 300, now),
            ])
        };
        let (other, own) = (at(quoted), at(ordered));
        assert!(refused(&mut desk, &other).contains("as many units"));
        assert_eq!(desk.ask(&other), Err(OrderRejection::QuotesDiffer));
        desk.ask(&own).unwrap();
    }
}

/// Catches: an amount that is not what is due, a payment that is none of this order's.
#[test]
fn amounts_that_are_not_due_are_refused() {
    let (mut desk, priced) = placed(&[("tea", 2)], &[("tea", 2)]);
    desk.ask(&BeginFulfilment { order: order() }).unwrap();
    let parcel = desk.shown().planned.remove(0);
    desk.ask(&label_of(&parcel)).unwrap();
    let capture = |payment: &str, amounts: &[i64]| RecordCapture {
        order: order(),
        parcel: 1,
        parts: amounts
            .iter()
            .map(|minor| MoneyPart {
                payment: PaymentId::new(payment).unwrap(),
                amount: gbp(*minor),
            })
            .collect(),
    };
    let due = priced.total.minor();
    for wrong in [
        capture("o-1", &[]),
        capture("o-1", &[due - 1]),
        capture("o-1", &[due + 1]),
        capture("o-1", &[due + 1, -1]),
        capture("o-1", &[due - 1, 1]),
        capture("o-2", &[due]),
    ] {
        assert!(refused(&mut desk, &wrong).contains("what is due"));
    }
    let euros = RecordCapture {
        parts: vec![MoneyPart {
            payment: PaymentId::new("o-1").unwrap(),
            amount: Money::new(due, Currency::EUR),
        }],
        ..capture("o-1", &[])
    };
    assert!(refused(&mut desk, &euros).contains("what is due"));
    desk.ask(&capture("o-1", &[due])).unwrap();
}

/// Catches: a hold of what was not ordered, of more than was, or under a name that is taken.
#[test]
fn holds_that_are_not_the_orders_are_refused() {
    let priced = |lines| {
        let mut desk = received(lines);
        let priced = desk.price(&[("tea", 333)]).unwrap();
        desk.authorise(authorised(priced.total)).unwrap();
        desk
    };
    let mut desk = priced(&[("tea", 2)]);
    let mut twice = holds("o-1", &[("tea", 1)]);
    twice.extend(twice.clone());
    for wrong in [
        holds("o-1", &[("coffee", 1)]),
        holds("o-1", &[("tea", 3)]),
        twice,
    ] {
        let place = PlaceOrder {
            order: order(),
            holds: wrong,
        };
        assert!(refused(&mut desk, &place).contains("wait for stock"));
    }
}

/// Catches: a transition from where the graph has no edge, asked for in the right words.
#[test]
fn what_the_graph_has_no_edge_for_is_refused() {
    let (mut desk, _) = captured();
    let again = PlaceOrder {
        order: order(),
        holds: Vec::new(),
    };
    assert!(refused(&mut desk, &again).contains("shipped and paid"));
    assert!(refused(&mut desk, &cancel()).contains("cannot be cancelled"));
    assert!(refused(&mut desk, &RefuseReturn { order: order() }).contains("as a return"));
}
