//! A price is resolved by channel, currency, segment, quantity and time, and by the shop's rules.

use super::*;

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is written where it is asked"
)]
fn line(shelf: &mut Given<PricingAgent>, ask: QuoteLine) -> i64 {
    shelf.ask(&ask).unwrap().quote.unit.minor()
}

fn asked(n: u32, segment: Segment) -> QuoteLine {
    QuoteLine::new(sku(), units(n), segment)
}

fn listed(unit: i64) -> ListPrice {
    ListPrice {
        channel: None,
        segment: None,
        quantity_from: Quantity::ONE,
        from: Timestamp::from_millis(0),
        until: None,
        unit: gbp(unit),
        cost: None,
    }
}

fn set(shelf: &mut Given<PricingAgent>, entries: Vec<ListPrice>) -> Result<(), PricingRejection> {
    shelf.ask(&SetPriceList {
        sku: sku(),
        entries,
        reason: PriceReason::Merchant,
    })
}

/// Catches: an entry that is taken for terms that it is not for, and a broad one taken before a
/// narrow one.
#[test]
fn the_narrowest_price_that_fits_is_taken() {
    let mut shelf = shelf_of(1_000, 500);
    let now = shelf.now();
    let entries = vec![
        ListPrice {
            quantity_from: units(12),
            ..listed(900)
        },
        ListPrice {
            quantity_from: units(144),
            ..listed(850)
        },
        ListPrice {
            channel: Some(SalesChannel::Store),
            ..listed(980)
        },
        ListPrice {
            segment: Some(Segment::Trade),
            ..listed(800)
        },
        ListPrice {
            from: now.plus(HOUR),
            ..listed(820)
        },
    ];
    set(&mut shelf, entries).unwrap();
    let of = |n, segment| asked(n, segment);
    assert_eq!(line(&mut shelf, of(1, Segment::Standard)), 1_000);
    assert_eq!(line(&mut shelf, of(12, Segment::Standard)), 900);
    assert_eq!(line(&mut shelf, of(500, Segment::Standard)), 850);
    let counter = QuoteLine {
        channel: SalesChannel::Store,
        ..of(12, Segment::Standard)
    };
    assert_eq!(
        line(&mut shelf, counter),
        980,
        "the channel says more than the quantity"
    );
    // The list's price for the segment, and no rule for it on top.
    assert_eq!(line(&mut shelf, of(12, Segment::Trade)), 800);
    shelf.pass(HOUR);
    assert_eq!(line(&mut shelf, of(1, Segment::Standard)), 820);
}

/// Catches: a price in pounds that is handed out as one in euros, and a floor held in pounds there.
#[test]
fn another_currency_has_its_own_price_and_cost() {
    let mut shelf = shelf_of(1_000, 500);
    let euros = QuoteLine {
        currency: Some(Currency::EUR),
        ..asked(1, Segment::Standard)
    };
    let none = PricingRejection::NoPriceIn {
        sku: sku(),
        currency: Currency::EUR,
    };
    assert_eq!(shelf.ask(&euros), Err(none));
    let eur = |minor| Money::new(minor, Currency::EUR);
    let price = ListPrice {
        unit: eur(1_150),
        cost: Some(eur(600)),
        ..listed(1)
    };
    set(&mut shelf, vec![price]).unwrap();
    let quote = shelf.ask(&euros).unwrap();
    assert_eq!((quote.quote.unit, quote.lowest), (eur(1_150), eur(630)));
    let trade = QuoteLine {
        segment: Segment::Trade,
        ..euros
    };
    assert_eq!(shelf.ask(&trade).unwrap().quote.unit, eur(1_092));
}

/// Catches: problems that are told one after the other, and overlapping times that are let in.
#[test]
fn everything_that_is_wrong_with_a_list_is_told_at_once() {
    let mut shelf = shelf_of(1_000, 500);
    let now = shelf.now();
    let entries = vec![
        ListPrice {
            until: Some(now.plus(HOUR * 2)),
            ..listed(0)
        },
        ListPrice {
            from: now.plus(HOUR),
            ..listed(900)
        },
        ListPrice {
            from: now,
            until: Some(now),
            segment: Some(Segment::Loyal),
            ..listed(900)
        },
        ListPrice {
            unit: Money::new(1, Currency::EUR),
            ..listed(1)
        },
        ListPrice {
            quantity_from: units(5),
            ..listed(520)
        },
    ];
    use PriceListProblem as P;
    let problems = vec![
        P::Amount(1),
        P::BelowFloor {
            index: 1,
            floor: gbp(525),
        },
        P::Overlap(1, 2),
        P::Times(3),
        P::Cost(4),
        P::BelowFloor {
            index: 5,
            floor: gbp(525),
        },
    ];
    assert_eq!(
        set(&mut shelf, entries),
        Err(PricingRejection::PriceList(problems))
    );
    assert!(shelf.events().is_empty());
}

/// Catches: rules that compound in the order in which they stand, and one that applies elsewhere.
#[test]
fn rules_apply_where_they_say_and_add_up() {
    let rule = |id: &str, when, then| Rule {
        id: RuleId::new(id).unwrap(),
        when,
        then,
    };
    let off = |share| RuleEffect::Adjust(BasisPoints::new(share));
    let anywhere = RuleCondition::default;
    let crates = RuleCondition {
        quantity_from: Some(units(24)),
        ..anywhere()
    };
    let counter = RuleCondition {
        channels: [SalesChannel::Store].into(),
        ..anywhere()
    };
    let drinks = RuleCondition {
        categories: ["drinks".into()].into(),
        ..anywhere()
    };
    let rules = vec![
        rule("crates", crates, off(-1_000)),
        rule("drinks", drinks, off(-1_000)),
        rule(
            "counter",
            counter,
            RuleEffect::MarginAtLeast(BasisPoints::new(9_000)),
        ),
    ];
    let turned: Vec<Rule> = rules.iter().rev().cloned().collect();
    for rules in [rules, turned] {
        let rules = RuleBook::new(2, rules).unwrap();
        let settings = PricingSettings {
            rules,
            ..PricingSettings::default()
        };
        let mut shelf = shelf_with(settings, 1_000, 500);
        assert_eq!(shelf.unit(), 900);
        assert_eq!(line(&mut shelf, asked(24, Segment::Standard)), 800);
        let counter = QuoteLine {
            channel: SalesChannel::Store,
            ..asked(24, Segment::Standard)
        };
        assert_eq!(line(&mut shelf, counter), 950, "cost and 90 %");
    }
}

/// Catches: a rule that counts before or after its time.
#[test]
fn a_rule_holds_between_its_times() {
    let start = shelf_of(1, 0).now();
    let when = RuleCondition {
        from: Some(start.plus(HOUR)),
        until: Some(start.plus(HOUR * 2)),
        ..RuleCondition::default()
    };
    let then = RuleEffect::Adjust(BasisPoints::new(500));
    let rules = RuleBook::new(
        3,
        vec![Rule {
            id: RuleId::new("noon").unwrap(),
            when,
            then,
        }],
    );
    let settings = PricingSettings {
        rules: rules.unwrap(),
        ..PricingSettings::default()
    };
    let mut shelf = shelf_with(settings, 1_000, 500);
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(shelf.unit());
        shelf.pass(HOUR);
    }
    assert_eq!(seen, [1_000, 1_050, 1_000]);
}
