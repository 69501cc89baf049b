//! Random histories against a plain model, and against the laws.
//!
//! `MERCATO_PROPERTY_CASES=100000` runs so many.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

use super::*;

fn cases() -> ProptestConfig {
    let wish = std::env::var("MERCATO_PROPERTY_CASES").ok();
    let cases = wish.and_then(|wish| wish.parse().ok()).unwrap_or(128);
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Act {
    Receive(u32),
    Reserve(u8, u32),
    Backorder(u8, u32),
    Confirm(u8),
    Commit(u8),
    Release(u8),
    HandOver(u8, u8, u32),
    Ship(u8),
    Return(u32),
    Pass(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let name = 0u8..6;
    let act = prop_oneof![
        (1u32..20).prop_map(Act::Receive),
        (name.clone(), 1u32..8).prop_map(|(name, units)| Act::Reserve(name, units)),
        (name.clone(), 1u32..8).prop_map(|(name, units)| Act::Backorder(name, units)),
        name.clone().prop_map(Act::Confirm),
        name.clone().prop_map(Act::Commit),
        name.clone().prop_map(Act::Release),
        (name.clone(), name.clone(), 1u32..8)
            .prop_map(|(from, to, units)| Act::HandOver(from, to, units)),
        name.prop_map(Act::Ship),
        (1u32..4).prop_map(Act::Return),
        (0u64..90).prop_map(Act::Pass),
    ];
    proptest::collection::vec(act, 0..60)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Held(Timestamp),
    Confirmed,
    Committed,
    Shipped,
    Released,
    Expired,
    Waiting,
}

/// What the agent is held against: written from the promises alone, with sums made anew each time.
#[derive(Debug, Default)]
struct Model {
    on_hand: u32,
    out: u32,
    holds: BTreeMap<u8, (u32, Stage)>,
    waiting: Vec<u8>,
}

impl Model {
    fn stage(&self, name: u8, now: Timestamp) -> Option<(u32, Stage)> {
        let (units, stage) = *self.holds.get(&name)?;
        let lapsed = matches!(stage, Stage::Held(until) if until <= now);
        Some((units, if lapsed { Stage::Expired } else { stage }))
    }

    fn free(&self, now: Timestamp) -> u32 {
        let held = self.holds.keys().filter_map(|name| self.stage(*name, now));
        let held = held.filter(|(_, stage)| {
            matches!(stage, Stage::Held(_) | Stage::Confirmed | Stage::Committed)
        });
        self.on_hand - held.map(|(units, _)| units).sum::<u32>()
    }

    fn available(&self, now: Timestamp) -> u32 {
        if self.waiting.is_empty() {
            self.free(now)
        } else {
            0
        }
    }

    /// Whether an act is allowed; where it is, what it does is done.
    fn carry_out(&mut self, act: &Act, now: Timestamp) -> bool {
        let allowed = self.decide(act, now);
        // Time alone writes nothing: what has lapsed is seen as gone, and swept by the next write.
        if allowed && !matches!(act, Act::Pass(_)) {
            for (_, stage) in self.holds.values_mut() {
                if matches!(stage, Stage::Held(until) if *until <= now) {
                    *stage = Stage::Expired;
                }
            }
            while let Some(first) = self.waiting.first().copied() {
                let units = self.holds[&first].0;
                if units > self.free(now) {
                    break;
                }
                self.waiting.remove(0);
                self.holds
                    .insert(first, (units, Stage::Held(now.plus(DAY * 2))));
            }
        }
        allowed
    }

    fn decide(&mut self, act: &Act, now: Timestamp) -> bool {
        use Stage as S;
        match *act {
            Act::Receive(units) => self.on_hand += units,
            Act::Return(units) if units <= self.out => {
                self.out -= units;
                self.on_hand += units;
            }
            Act::Return(_) => return false,
            Act::Reserve(name, units) => match self.stage(name, now) {
                None | Some((_, S::Expired)) => {
                    if units > self.available(now) {
                        return false;
                    }
                    self.holds.insert(name, (units, S::Held(now.plus(TTL))));
                }
                Some((held, S::Held(until))) if held == units => {
                    let until = until.max(now.plus(TTL));
                    self.holds.insert(name, (units, S::Held(until)));
                }
                Some((held, S::Confirmed | S::Committed | S::Shipped)) => return held == units,
                Some(_) => return false,
            },
            Act::Backorder(name, units) => match self.stage(name, now) {
                None | Some((_, S::Expired)) => {
                    let waiting = self.waiting.iter().map(|name| self.holds[name].0);
                    if waiting.sum::<u32>() + units > 50 {
                        return false;
                    }
                    self.holds.insert(name, (units, S::Waiting));
                    self.waiting.push(name);
                }
                Some((_, S::Shipped | S::Released)) => return false,
                Some((held, _)) => return held == units,
            },
            Act::Confirm(name) => match self.stage(name, now) {
                Some((units, S::Held(_))) => {
                    self.holds.insert(name, (units, S::Confirmed));
                }
                Some((_, S::Confirmed | S::Committed | S::Shipped)) => {}
                _ => return false,
            },
            Act::Commit(name) => match self.stage(name, now) {
                Some((units, S::Held(_) | S::Confirmed)) => {
                    self.holds.insert(name, (units, S::Committed));
                }
                Some((_, S::Committed | S::Shipped)) => {}
                _ => return false,
            },
            Act::Release(name) => match self.stage(name, now) {
                Some((_, S::Shipped)) => return false,
                Some((units, S::Held(_) | S::Confirmed | S::Committed | S::Waiting)) => {
                    self.waiting.retain(|waiting| *waiting != name);
                    self.holds.insert(name, (units, S::Released));
                }
                _ => {}
            },
            Act::HandOver(from, to, units) => match self.stage(to, now) {
                None | Some((_, S::Expired)) => match self.stage(from, now) {
                    Some((held, S::Held(_))) if held == units => {
                        self.holds.insert(from, (units, S::Released));
                        self.holds.insert(to, (units, S::Confirmed));
                    }
                    _ => return false,
                },
                Some((held, S::Held(_))) if held == units => {
                    self.holds.insert(to, (units, S::Confirmed));
                }
                Some((held, S::Confirmed | S::Committed | S::Shipped)) => return held == units,
                Some(_) => return false,
            },
            Act::Ship(name) => match self.stage(name, now) {
                Some((units, S::Committed)) => {
                    self.holds.insert(name, (units, S::Shipped));
                    self.on_hand -= units;
                    self.out += units;
                }
                Some((_, S::Shipped)) => {}
                _ => return false,
            },
            Act::Pass(_) => {}
        }
        true
    }
}

/// A mistake that is put into the agent, to see that the test sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Planted {
    Nothing,
    /// It reserves without looking whether there is anything.
    ReservesUnchecked,
    /// It forgets that a hold lapses.
    HoldsForEver,
}

fn ask(shop: &mut Shop, act: &Act, planted: Planted) -> bool {
    let name = |name: &u8| name.to_string();
    match act {
        Act::Receive(n) => shop.ask(&receive(*n)).is_ok(),
        Act::Reserve(hold, n) => {
            let ttl = match planted {
                Planted::HoldsForEver => DAY,
                _ => TTL,
            };
            let command = ReserveStock {
                ttl,
                ..reserve(&name(hold), *n)
            };
            let refused = match shop.ask(&command) {
                Err(InventoryRejection::OutOfStock { .. }) => true,
                Err(_) => return false,
                Ok(_) => return true,
            };
            if refused && planted == Planted::ReservesUnchecked {
                let reserved = StockReserved {
                    reservation: self::hold(&name(hold)),
                    quantity: units(*n),
                    expires_at: shop.now().plus(TTL),
                };
                let before = std::mem::replace(shop, empty());
                *shop = before.after([reserved]);
                return true;
            }
            false
        }
        Act::Backorder(hold, n) => shop.ask(&backorder(&name(hold), *n)).is_ok(),
        Act::Confirm(hold) => shop.ask(&confirm(&name(hold))).is_ok(),
        Act::Commit(hold) => shop.ask(&commit(&name(hold))).is_ok(),
        Act::Release(hold) => shop.ask(&release(&name(hold))).is_ok(),
        Act::HandOver(from, to, n) => shop.ask(&hand_over(&name(from), &name(to), *n)).is_ok(),
        Act::Ship(hold) => shop.ask(&ship(&name(hold))).is_ok(),
        Act::Return(n) => shop.ask(&give_back(*n, Condition::Resaleable)).is_ok(),
        Act::Pass(secs) => {
            shop.pass(Duration::from_secs(*secs));
            true
        }
    }
}

fn agrees(acts: &[Act], planted: Planted) -> Result<(), TestCaseError> {
    let mut shop = empty();
    let mut model = Model::default();
    for act in acts {
        let answered = ask(&mut shop, act, planted);
        let expected = model.carry_out(act, shop.now());
        prop_assert_eq!(answered, expected, "{:?}", act);
        let available = levels(&mut shop).available;
        prop_assert_eq!(
            available,
            u64::from(model.available(shop.now())),
            "after {:?}",
            act
        );
    }
    laws_hold(&mut shop).map_err(TestCaseError::fail)
}

/// Catches: any answer that the promises do not give, and any balance that is not its ledger's sum.
#[test]
fn every_history_goes_as_the_model_says() {
    let mut runner = TestRunner::new(cases());
    let outcome = runner.run(&acts(), |acts| agrees(&acts, Planted::Nothing));
    assert_eq!(outcome, Ok(()));
}

/// Catches: a model that agrees with whatever an agent does.
#[test]
fn a_planted_mistake_is_found() {
    for planted in [Planted::ReservesUnchecked, Planted::HoldsForEver] {
        let mut runner = TestRunner::new(cases());
        let outcome = runner.run(&acts(), |acts| agrees(&acts, planted));
        assert!(outcome.is_err(), "{planted:?} was not found");
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Work {
    Shop(Act),
    Dispatch(u8, u32),
    Arrive(u8, u32),
    Count(u64),
    Adjust(u8, u32),
    Consider(u64),
    Answer(u8),
    Deliver(u32),
    Close,
    Source(u8),
    Revise,
}

fn works() -> impl Strategy<Value = Vec<Work>> {
    let name = 0u8..6;
    let work = prop_oneof![
        4 => acts().prop_map(|acts| {
            let act = acts.into_iter().next();
            act.map_or(Work::Revise, Work::Shop)
        }),
        1 => (name.clone(), 1u32..9).prop_map(|(name, units)| Work::Dispatch(name, units)),
        1 => (name.clone(), 0u32..9).prop_map(|(name, units)| Work::Arrive(name, units)),
        1 => (0u64..30).prop_map(Work::Count),
        1 => (0u8..4, 1u32..9).prop_map(|(kind, units)| Work::Adjust(kind, units)),
        1 => (0u64..9).prop_map(Work::Consider),
        1 => (0u8..3).prop_map(Work::Answer),
        1 => (1u32..40).prop_map(Work::Deliver),
        1 => Just(Work::Close),
        1 => name.prop_map(Work::Source),
        1 => Just(Work::Revise),
    ];
    proptest::collection::vec(work, 0..60)
}

/// Whether it is refused does not matter here; the laws hold either way.
fn work(shop: &mut Shop, work: &Work, purchase: &mut Option<(PurchaseOrderId, u32)>) {
    let sku = sku();
    let transfer = |name: &u8| TransferId::new(name.to_string()).unwrap();
    match work {
        Work::Shop(act) => drop(ask(shop, act, Planted::Nothing)),
        Work::Dispatch(name, n) => drop(shop.ask(&DispatchTransfer {
            sku,
            transfer: transfer(name),
            from: warehouse("main"),
            to: warehouse("second"),
            quantity: units(*n),
        })),
        Work::Arrive(name, arrived) => drop(shop.ask(&ReceiveTransfer {
            sku,
            transfer: transfer(name),
            arrived: *arrived,
        })),
        Work::Count(counted) => drop(shop.ask(&count("main", *counted))),
        Work::Adjust(kind, n) => {
            let (adjustment, reason) = match kind {
                0 => (Adjustment::Found(units(*n)), AdjustmentReason::Misplacement),
                1 => (Adjustment::Lost(units(*n)), AdjustmentReason::Theft),
                2 => (Adjustment::Damaged(units(*n)), AdjustmentReason::Damage),
                _ => (Adjustment::Disposed(units(*n)), AdjustmentReason::Disposal),
            };
            drop(shop.ask(&AdjustStock {
                sku,
                warehouse: warehouse("second"),
                adjustment,
                reason,
            }));
        }
        Work::Consider(waiting) => {
            let waiting = *waiting;
            if let Ok(ReorderStatus::Raised { order, .. }) =
                shop.ask(&ConsiderReorder { sku, waiting })
            {
                *purchase = Some((order, 0));
            }
        }
        Work::Answer(kind) => {
            if let Some((order, _)) = purchase.clone() {
                let promised_at = shop.now().plus(DAY);
                let outcome = match kind {
                    0 => ProcurementOutcome::Accepted { promised_at },
                    1 => ProcurementOutcome::Refused {
                        reason: "none".into(),
                    },
                    _ => ProcurementOutcome::Unknown,
                };
                drop(shop.ask(&RecordProcurement {
                    sku,
                    order,
                    outcome,
                }));
            }
        }
        Work::Deliver(n) => {
            if let Some((order, delivered)) = purchase.as_mut() {
                let receive = ReceivePurchaseOrder {
                    sku,
                    order: order.clone(),
                    delivery: *delivered + 1,
                    quantity: units(*n),
                    arrived_at: NOW,
                };
                *delivered += u32::from(shop.ask(&receive).is_ok());
            }
        }
        Work::Close => {
            if let Some((order, _)) = purchase.clone() {
                drop(shop.ask(&ClosePurchaseOrder { sku, order }));
            }
        }
        Work::Source(name) => drop(shop.ask(&SourceReservation {
            sku,
            reservation: hold(&name.to_string()),
            ship_to: Jurisdiction::GB,
        })),
        Work::Revise => drop(shop.ask(&ReviseForecast { sku })),
    }
}

/// Catches: a balance below zero, stock from nowhere, and shelves that hold other than the books
/// say, whatever is asked in whatever order.
#[test]
fn the_laws_hold_after_every_command() {
    let two = ["main", "second"].map(|id| Warehouse::plain(warehouse(id)));
    let settings = InventorySettings {
        warehouses: Warehouses::new(two).unwrap(),
        ..InventorySettings::default()
    };
    let agent = InventoryAgent::new(settings);
    let mut runner = TestRunner::new(cases());
    let outcome = runner.run(&works(), |works| {
        let mut shop = given(agent.clone());
        let mut purchase = None;
        for one in &works {
            work(&mut shop, one, &mut purchase);
            let held = laws_hold(&mut shop);
            prop_assert!(held.is_ok(), "{:?} after {:?}", held, one);
        }
        Ok(())
    });
    assert_eq!(outcome, Ok(()));
}

/// Catches: the last unit sold to two people, in whatever order their steps fall.
#[test]
fn the_last_unit_is_sold_once() {
    // Whose step comes next, and whether time passes that lets holds lapse.
    let turns = proptest::collection::vec((any::<bool>(), 0u64..40), 8..24);
    let mut runner = TestRunner::new(cases());
    let outcome = runner.run(&turns, |turns| {
        let mut shop = stocked(1);
        let mut steps = [0, 0];
        for (second, seconds) in &turns {
            let who = usize::from(*second);
            let name = ["ada", "bob"][who];
            let went = match steps[who] {
                0 => shop.ask(&reserve(name, 1)).is_ok(),
                1 => shop.ask(&confirm(name)).is_ok(),
                2 => shop.ask(&commit(name)).is_ok(),
                3 => shop.ask(&ship(name)).is_ok(),
                _ => continue,
            };
            steps[who] = if went { steps[who] + 1 } else { 0 };
            prop_assert!(
                steps.iter().filter(|step| **step >= 2).count() <= 1,
                "sold twice after {:?}",
                turns
            );
            shop.pass(Duration::from_secs(*seconds));
        }
        laws_hold(&mut shop).map_err(TestCaseError::fail)
    });
    assert_eq!(outcome, Ok(()));
}
