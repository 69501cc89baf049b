//! "Why this price?" has an answer for every price that was quoted.

use super::*;

/// Catches: an explanation of another price, without the rules and inputs that it was made by, or
/// whose steps do not lead to it.
#[test]
fn a_price_from_before_a_change_is_still_explained() {
    let mut shelf = shelf_of(1_000, 500);
    shelf.promote("spring", 1_000).unwrap();
    let before = shelf.quote(None);
    shelf.change("dearer", 1_100, 500).unwrap();
    shelf.pass(HOUR);
    let why = shelf.why(&before).unwrap();
    assert_eq!(
        (why.unit, why.regular, why.lowest),
        (gbp(900), gbp(1_000), gbp(525))
    );
    assert_eq!(why.trace, before.trace);
    assert_eq!((why.rules, why.inputs.version), (1, 0));
    let applied = TraceNote::PromotionApplied {
        promotion: promotion("spring"),
        off: gbp(100),
    };
    let notes: Vec<_> = why.notes.into_iter().map(|(_, note)| note).collect();
    assert_eq!(notes, [TraceNote::FromVersion(0), applied]);
}

/// Catches: rules that apply and are not named.
#[test]
fn rules_are_named() {
    let mut shelf = shelf_of(1_000, 500);
    let ask = QuotePrice {
        sku: sku(),
        segment: Segment::Trade,
        held: None,
    };
    let quote = shelf.ask(&ask).unwrap();
    let terms = PricingTerms::shelf(Currency::GBP).of(Segment::Trade);
    let why = shelf
        .ask(&WhyThisPrice {
            sku: sku(),
            terms,
            price: quote.hold(),
        })
        .unwrap();
    let rule = RuleId::new("segment-trade").unwrap();
    let effect = RuleEffect::Adjust(BasisPoints::new(-500));
    assert!(
        why.notes
            .contains(&(PriceStep::BusinessRules, TraceNote::Rule { rule, effect }))
    );
}

/// Catches: an explanation that is made up for a price that nobody quoted, and one of inputs that
/// are not remembered any more.
#[test]
fn what_was_not_quoted_is_not_explained() {
    let mut shelf = shelf_of(1_000, 500);
    let mut quote = shelf.quote(None);
    quote.unit = gbp(1);
    assert_eq!(shelf.why(&quote), Err(PricingRejection::NeverQuoted));
    let quote = shelf.quote(None);
    for step in 1..=16 {
        shelf.ask(&adjust(step)).unwrap();
        shelf.why(&quote).unwrap();
    }
    shelf.ask(&adjust(17)).unwrap();
    assert_eq!(
        shelf.why(&quote),
        Err(PricingRejection::RevisionForgotten { oldest: 1 })
    );
}
