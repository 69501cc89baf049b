//! Cancelling, another address, and other contents: until the order is packed.

use super::*;

#[test]
fn cancelling_is_idempotent_and_ends_when_the_order_is_packed() {
    let mut desk = received(&[("tea", 1)]);
    assert_eq!(desk.ask(&cancel()), Ok(Cancelled::Cancelled));
    assert_eq!(desk.ask(&cancel()), Ok(Cancelled::Cancelled));
    let (mut packed, _) = placed(&[("tea", 1)], &[("tea", 1)]);
    packed.ask(&BeginFulfilment { order: order() }).unwrap();
    // The label is not made yet, and it is too late all the same.
    packed
        .when(&cancel())
        .then_rejection(&OrderRejection::IllegalTransition {
            phase: OrderPhase::Fulfilling,
            attempted: Transition::Cancel,
        });
}

#[test]
fn an_address_changes_within_its_country_until_the_order_is_packed() {
    let (mut desk, _) = placed(&[("tea", 1)], &[("tea", 1)]);
    let change = |country| ChangeOrder {
        order: order(),
        address: address(country),
    };
    assert_eq!(
        desk.ask(&change("FR")),
        Err(OrderRejection::OtherJurisdiction)
    );
    let eligible = CheckModificationEligibility { order: order() };
    assert!(matches!(
        desk.ask(&eligible),
        Ok(Eligibility::Eligible { revision: 1, .. })
    ));
    desk.ask(&change("GB")).unwrap();
    desk.ask(&BeginFulfilment { order: order() }).unwrap();
    assert!(desk.ask(&change("GB")).is_err());
    assert!(matches!(
        desk.ask(&eligible),
        Ok(Eligibility::NotEligible { .. })
    ));
}

fn begin(change: &str, revision: u32) -> BeginChange {
    BeginChange {
        order: order(),
        revision,
        change: change.into(),
    }
}

/// Catches: a change that is made under an order that is being packed, or under another change, and
/// one that somebody else's undo takes away.
#[test]
fn a_change_has_the_order_for_itself_until_it_ends() {
    let (mut desk, _) = placed(&[("tea", 1)], &[("tea", 1)]);
    desk.when(&begin("a", 2))
        .then_rejection(&OrderRejection::RevisionDiffers { revision: 1 });
    assert_eq!(desk.ask(&begin("a", 1)), Ok(1));
    assert_eq!(desk.ask(&begin("a", 1)), Ok(1));
    assert!(desk.ask(&begin("b", 1)).is_err());
    assert!(desk.ask(&cancel()).is_err());
    assert_eq!(
        desk.ask(&BeginFulfilment { order: order() }),
        Ok(Begun::WhenChanged)
    );
    let abandon = |change: &str| AbandonChange {
        order: order(),
        change: change.into(),
    };
    desk.when(&abandon("b"))
        .then_events(Vec::<OrderEvent>::new());
    desk.ask(&abandon("a")).unwrap();
    desk.when(&abandon("a"))
        .then_events(Vec::<OrderEvent>::new());
    assert_eq!(desk.view().phase, OrderPhase::Placed);
    assert_eq!(desk.ask(&begin("b", 1)), Ok(2));
}

fn revise(desk: &Given<OrderAgent>, lines: &[(&str, u32)], supplement: Option<i64>) -> ReviseOrder {
    ReviseOrder {
        order: order(),
        change: "a".into(),
        lines: order_lines(lines),
        quotes: lines
            .iter()
            .map(|(sku, units)| {
                let unit = if *sku == "tea" { 400 } else { 800 };
                quote_of(sku, *units, unit, desk.now())
            })
            .collect(),
        holds: holds("o-1", lines),
        freed: Vec::new(),
        supplement: supplement.map(|minor| MoneyPart {
            payment: PaymentId::new("o-1.c1").unwrap(),
            amount: gbp(minor),
        }),
        until: None,
    }
}

/// Catches: a raised line at its old price or at that of a larger quantity, a kept or smaller one at
/// today's, and a difference that is not paid, or not exactly.
#[test]
fn what_is_kept_keeps_its_price_and_what_is_raised_has_todays() {
    // 3 x 333 + 2 x 701 + 495 of shipping, and a fifth of all that.
    let lines = [("tea", 3), ("coffee", 2)];
    let (mut desk, priced) = placed(&lines, &lines);
    assert_eq!(priced.total, gbp(3_475));
    desk.ask(&begin("a", 1)).unwrap();
    let price = PriceOrderChange {
        order: order(),
        lines: order_lines(&[("tea", 4), ("coffee", 1)]),
        quotes: vec![quote_of("tea", 4, 400, desk.now())],
    };
    let tiered = PriceOrderChange {
        quotes: vec![quote_of("tea", 40, 400, desk.now())],
        ..price.clone()
    };
    assert_eq!(desk.ask(&tiered), Err(OrderRejection::QuotesDiffer));
    let changed = desk.ask(&price).unwrap();
    // 4 x 400 + 701 + 495 and a fifth: 3 355.2.
    assert_eq!(changed.priced.total, gbp(3_355));
    assert_eq!(
        (changed.difference, changed.supplement),
        (gbp(-120), gbp(0))
    );

    let more = [("tea", 5), ("coffee", 2)];
    // 2 000 + 1 402 + 495 and a fifth: 4 676.4.
    for wrong in [None, Some(1_200), Some(1_202)] {
        let refused = desk.ask(&revise(&desk, &more, wrong));
        let total = gbp(1_201);
        assert_eq!(refused, Err(OrderRejection::AmountDiffers { total }));
    }
    let revised = desk.ask(&revise(&desk, &more, Some(1_201))).unwrap();
    assert_eq!((revised.revision, revised.priced.total), (2, gbp(4_676)));
    let view = desk.view();
    assert_eq!((view.phase, view.revision), (OrderPhase::Placed, 2));
    assert_eq!(view.lines, order_lines(&more));
    // Both payments together are taken.
    desk.ask(&BeginFulfilment { order: order() }).unwrap();
    desk.send_planned();
    assert_eq!(desk.view().captured, Some(gbp(4_676)));
    let taken: Vec<_> = desk.state().payments().iter().map(|p| p.captured).collect();
    assert_eq!(taken, [gbp(3_475), gbp(1_201)]);
}

/// Catches: terms that an order forgets, so that its customer is told everybody's prices.
#[test]
fn an_order_knows_the_terms_that_it_was_priced_on() {
    for segment in [Segment::Standard, Segment::Loyal, Segment::Trade] {
        let mut desk = received(&[("tea", 1)]);
        let price = price_at(vec![quote_of("tea", 1, 333, desk.now())]);
        let total = desk.ask(&price).unwrap().total;
        let terms = AgreeTerms {
            order: order(),
            segment,
        };
        desk.ask(&terms).unwrap();
        desk.authorise(authorised(total)).unwrap();
        desk.ask(&PlaceOrder {
            order: order(),
            holds: Vec::new(),
        })
        .unwrap();
        let eligible = desk.ask(&CheckModificationEligibility { order: order() });
        let Ok(Eligibility::Eligible { segment: known, .. }) = eligible else {
            panic!("it can be changed: {eligible:?}");
        };
        assert_eq!(known, segment);
    }
}
