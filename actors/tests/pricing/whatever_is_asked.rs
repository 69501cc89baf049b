//! Whatever is asked of a price, in whatever order: its laws hold, and a plain model agrees.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Change {
        base: i64,
        cost: i64,
        in_hours: u64,
    },
    Approve,
    Activate,
    RollBack {
        to: u32,
    },
    Strategy {
        points: i32,
    },
    Promote {
        off: i32,
        stackable: bool,
        hours: u64,
    },
    See {
        prices: Vec<(u8, i64)>,
    },
    Sell {
        n: u32,
    },
    List {
        unit: i64,
        from: u32,
        hours: u64,
    },
    Reprice,
    Pass {
        minutes: u64,
    },
    Quote {
        segment: Segment,
        n: u32,
    },
}

fn any_step() -> impl Strategy<Value = Step> {
    let segment = || {
        prop_oneof![
            Just(Segment::Standard),
            Just(Segment::Loyal),
            Just(Segment::Trade)
        ]
    };
    prop_oneof![
        2 => (1i64..10_000, -5i64..9_000, 0u64..48).prop_map(|(base, cost, in_hours)| Step::Change { base, cost, in_hours }),
        1 => Just(Step::Approve),
        1 => Just(Step::Activate),
        1 => (0u32..6).prop_map(|to| Step::RollBack { to }),
        2 => (-3_000i32..3_000).prop_map(|points| Step::Strategy { points }),
        2 => (-10i32..8_000, any::<bool>(), 0u64..72).prop_map(|(off, stackable, hours)| Step::Promote { off, stackable, hours }),
        2 => proptest::collection::vec((0u8..6, -5i64..20_000), 0..6).prop_map(|prices| Step::See { prices }),
        2 => (1u32..10_000).prop_map(|n| Step::Sell { n }),
        1 => (1i64..10_000, 1u32..50, 0u64..72).prop_map(|(unit, from, hours)| Step::List { unit, from, hours }),
        1 => Just(Step::Reprice),
        3 => (1u64..3_000).prop_map(|minutes| Step::Pass { minutes }),
        4 => (segment(), 1u32..60).prop_map(|(segment, n)| Step::Quote { segment, n }),
    ]
}

/// What holds of a price, said plainly: base and cost, and until when which quote must be honoured.
struct Model {
    base: i64,
    cost: i64,
    versions: Vec<(u32, i64, i64)>,
    waiting: Vec<(String, i64, i64, Timestamp, bool)>,
    quotes: Vec<(Quote, PricingTerms)>,
    revision: u64,
}

impl Model {
    fn floor(&self) -> i64 {
        // Cost and 5 %, halves to even, and at least a penny.
        gbp(self.cost)
            .adjusted(BasisPoints::new(500))
            .unwrap()
            .minor()
            .max(1)
    }

    fn activated(&mut self, version: u32, base: i64, cost: i64) {
        (self.base, self.cost) = (base, cost);
        self.versions.push((version, base, cost));
    }
}

fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut shelf = shelf_of(1_000, 500).by(operator("ann"));
    let mut model = Model {
        base: 1_000,
        cost: 500,
        versions: vec![(1, 1_000, 500)],
        waiting: Vec::new(),
        quotes: Vec::new(),
        revision: 0,
    };
    let mut listed: Option<(i64, u32, Timestamp)> = None;
    for (step, number) in steps.into_iter().zip(0u32..) {
        let (now, before) = (shelf.now(), shelf.events().len());
        let refused = take(&mut shelf, &mut model, &mut listed, step, number)?;
        if refused {
            prop_assert_eq!(shelf.events().len(), before, "a refusal records nothing");
        }
        prop_assert_eq!(shelf.now() >= now, true);
        // Every quote that was ever given, while its inputs are remembered, has its reasons.
        for (quote, terms) in &model.quotes {
            let ask = WhyThisPrice {
                sku: sku(),
                terms: *terms,
                price: quote.hold(),
            };
            match shelf.ask(&ask) {
                Ok(why) => prop_assert_eq!((why.unit, &why.trace), (quote.unit, &quote.trace)),
                Err(PricingRejection::RevisionForgotten { oldest }) => {
                    prop_assert!(quote.revision < oldest);
                }
                Err(other) => prop_assert!(false, "{:?}", other),
            }
        }
        let revision = shelf.state().price().revision();
        prop_assert!(revision >= model.revision);
        model.revision = revision;
    }
    Ok(())
}

/// Takes a step, and says whether it was refused.
#[allow(clippy::too_many_lines)]
fn take(
    shelf: &mut Given<PricingAgent>,
    model: &mut Model,
    listed: &mut Option<(i64, u32, Timestamp)>,
    step: Step,
    number: u32,
) -> Result<bool, TestCaseError> {
    let now = shelf.now();
    let hours = |n: u64| HOUR * u32::try_from(n).unwrap();
    Ok(match step {
        Step::Change {
            base,
            cost,
            in_hours,
        } => {
            let name = format!("c{number}");
            let mut ask = change(&name, base, cost);
            let at = now.plus(hours(in_hours));
            ask.terms.at = Some(at);
            match shelf.ask(&ask) {
                Ok(PriceChangeStage::Activated { version }) => {
                    prop_assert!(in_hours == 0);
                    prop_assert!((base - model.base).abs() * 5 <= model.base + 5);
                    let floor = model.floor();
                    model.activated(version, base, cost);
                    prop_assert!((model.floor() - floor).abs() * 5 <= floor + 5);
                    false
                }
                Ok(stage) => {
                    let proposed = stage == PriceChangeStage::Proposed;
                    model.waiting.push((name, base, cost, at, proposed));
                    false
                }
                Err(PricingRejection::BelowFloor { floor }) => {
                    prop_assert!(base < floor.minor());
                    true
                }
                Err(_) => true,
            }
        }
        Step::Approve => {
            let Some(place) = model.waiting.iter().position(|it| it.4) else {
                return Ok(false);
            };
            let (name, base, cost, at, _) = model.waiting[place].clone();
            let change = PriceChangeId::new(name).unwrap();
            let approve = ApprovePriceChange { sku: sku(), change };
            prop_assert_eq!(shelf.ask(&approve), Err(PricingRejection::ApproverNeeded));
            shelf.turn_to(operator("bob"));
            let approved = shelf.ask(&approve);
            shelf.turn_to(operator("ann"));
            match approved.unwrap() {
                PriceChangeStage::Activated { version } => {
                    prop_assert!(at <= now);
                    model.waiting.remove(place);
                    model.activated(version, base, cost);
                }
                _ => model.waiting[place].4 = false,
            }
            false
        }
        Step::Activate => {
            let Some((name, base, cost, at, proposed)) = model.waiting.first().cloned() else {
                return Ok(false);
            };
            let change = PriceChangeId::new(name).unwrap();
            match shelf.ask(&ActivatePriceChange { sku: sku(), change }) {
                Ok(PriceChangeStage::Activated { version }) => {
                    prop_assert!(!proposed && at <= now);
                    model.waiting.remove(0);
                    model.activated(version, base, cost);
                    false
                }
                other => {
                    prop_assert!(proposed || at > now, "{:?}", other);
                    true
                }
            }
        }
        Step::RollBack { to } => match shelf.ask(&RollBackPrice { sku: sku(), to }) {
            Ok(PriceChangeStage::Activated { version }) => {
                let earlier = model.versions.iter().find(|it| it.0 == to).copied();
                let (_, base, _) = earlier.unwrap();
                if version != to {
                    model.activated(version, base, model.cost);
                }
                false
            }
            Err(PricingRejection::BelowFloor { floor }) => {
                prop_assert_eq!(floor.minor(), model.floor());
                true
            }
            _ => true,
        },
        Step::Strategy { points } => shelf.ask(&adjust(points)).is_err(),
        Step::Promote {
            off,
            stackable,
            hours: n,
        } => {
            let terms = PromotionTerms::share(BasisPoints::new(off), now, now.plus(hours(n)));
            let terms = if stackable { terms.stackable() } else { terms };
            shelf.plan(&format!("p{number}"), terms).is_err()
        }
        Step::See { prices } => {
            let names: Vec<_> = prices
                .iter()
                .map(|(who, unit)| (format!("s{who}"), *unit))
                .collect();
            let prices: Vec<_> = names
                .iter()
                .map(|(who, unit)| (who.as_str(), *unit))
                .collect();
            shelf.see(&prices);
            false
        }
        Step::Sell { n } => {
            let price = shelf.quote(None).unit;
            shelf
                .ask(&ObserveSale {
                    sku: sku(),
                    units: units(n),
                    shelf: price,
                })
                .is_err()
        }
        Step::List {
            unit,
            from,
            hours: n,
        } => {
            let until = now.plus(hours(n));
            let entry = ListPrice {
                channel: None,
                segment: None,
                quantity_from: units(from),
                from: now,
                until: Some(until),
                unit: gbp(unit),
                cost: None,
            };
            let reason = PriceReason::Merchant;
            let set = shelf.ask(&SetPriceList {
                sku: sku(),
                entries: vec![entry],
                reason,
            });
            if set.is_ok() {
                *listed = Some((unit, from, until));
            }
            set.is_err()
        }
        Step::Reprice => shelf.ask(&Reprice { sku: sku() }).is_err(),
        Step::Pass { minutes } => {
            shelf.pass(Duration::from_secs(60 * minutes));
            false
        }
        Step::Quote { segment, n } => {
            let line = shelf
                .ask(&QuoteLine::new(sku(), units(n), segment))
                .unwrap();
            let unit = line.quote.unit.minor();
            prop_assert!(
                unit >= model.floor(),
                "{} under the floor of {}",
                unit,
                model.floor()
            );
            prop_assert_eq!(line.lowest.minor(), model.floor());
            let from = match listed {
                Some((price, from, until)) if *from <= n && now < *until => *price,
                _ => model.base,
            };
            let ceiling = gbp(from).adjusted(BasisPoints::new(3_000)).unwrap().minor();
            prop_assert!(unit <= ceiling.max(model.floor()));
            let terms = PricingTerms::shelf(Currency::GBP)
                .of(segment)
                .units(units(n));
            for (held, held_terms) in &model.quotes {
                if *held_terms == terms && now < held.valid_until {
                    let ask = QuoteLine::new(sku(), units(n), segment).holding(Some(held.hold()));
                    let again = shelf.ask(&ask).unwrap().quote;
                    let forgotten =
                        held.revision < shelf.state().price().revision().saturating_sub(16);
                    prop_assert!(
                        forgotten || again.unit.minor() <= held.unit.minor(),
                        "{:?} {:?}",
                        held,
                        again
                    );
                }
            }
            model.quotes.push((line.quote, terms));
            false
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    /// Catches: a price under its floor or over its ceiling, a change without its approval or before
    /// its time, a quote that is not honoured or not explained, and a refusal that records.
    #[test]
    fn the_laws_of_prices_hold(steps in proptest::collection::vec(any_step(), 1..40)) {
        run(steps)?;
    }
}
