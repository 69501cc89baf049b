//! Any history of an order, held against a model that knows nothing of the agent's state: it adds up
//! the events, and says after each command what must hold of the sums.
//!
//! `MERCATO_CASES=100000 cargo test -p mercato-actors order::` looks at so many histories.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{TestCaseError, TestRunner};

use super::model::Model;
use super::orders_keep_to_their_graph::TRANSITIONS;
use super::*;

/// Something that somebody does to an order, rightly or not.
#[derive(Debug, Clone)]
enum Act {
    Price,
    Told(PaymentAnswer, Told),
    Place { tea: u32, coffee: u32 },
    BeginChange(u8),
    Revise { tea: u32, coffee: u32, off: i64 },
    Abandon(u8),
    Begin,
    Label,
    Capture { parcel: u32, off: i64 },
    CaptureAgain,
    Dispatch(u32),
    Allocate { tea: u32 },
    CancelLine(&'static str),
    Expire(usize),
    Renew { off: i64 },
    Cancel,
    Return { tea: u32, coffee: u32 },
    ReturnAll,
    Inspect { tea: u32, damaged: u32 },
    Refuse,
    Lapse,
    Refund { off: i64 },
    Unpaid,
}

#[derive(Debug, Clone, Copy)]
enum PaymentAnswer {
    Good { off: i64 },
    Declined,
    Lost,
}

/// Who tells of a payment: the flow that asked, or the gateway by itself.
#[derive(Debug, Clone, Copy)]
enum Told {
    ByTheFlow,
    ByTheGateway,
}

/// Mostly right, sometimes off by a few.
fn off() -> impl Strategy<Value = i64> {
    prop_oneof![12 => Just(0i64), 1 => -3i64..4]
}

fn act() -> impl Strategy<Value = Act> {
    let answer = prop_oneof![
        8 => off().prop_map(|off| PaymentAnswer::Good { off }),
        1 => Just(PaymentAnswer::Declined),
        2 => Just(PaymentAnswer::Lost),
    ];
    let told = prop_oneof![3 => Just(Told::ByTheFlow), 2 => Just(Told::ByTheGateway)];
    prop_oneof![
        6 => Just(Act::Price),
        8 => (answer, told).prop_map(|(answer, told)| Act::Told(answer, told)),
        8 => (0u32..6, 0u32..4).prop_map(|(tea, coffee)| Act::Place { tea, coffee }),
        2 => (0u8..3).prop_map(Act::BeginChange),
        3 => (0u32..8, 0u32..5, off()).prop_map(|(tea, coffee, off)| Act::Revise { tea, coffee, off }),
        1 => (0u8..3).prop_map(Act::Abandon),
        5 => Just(Act::Begin),
        8 => Just(Act::Label),
        8 => (0u32..4, off()).prop_map(|(parcel, off)| Act::Capture { parcel, off }),
        2 => Just(Act::CaptureAgain),
        8 => (0u32..4).prop_map(Act::Dispatch),
        4 => (1u32..5).prop_map(|tea| Act::Allocate { tea }),
        2 => prop_oneof![Just("tea"), Just("coffee"), Just("cocoa")].prop_map(Act::CancelLine),
        1 => (0usize..3).prop_map(Act::Expire),
        2 => off().prop_map(|off| Act::Renew { off }),
        1 => Just(Act::Cancel),
        3 => (0u32..6, 0u32..4).prop_map(|(tea, coffee)| Act::Return { tea, coffee }),
        3 => Just(Act::ReturnAll),
        8 => (0u32..3, 0u32..2).prop_map(|(tea, damaged)| Act::Inspect { tea, damaged }),
        4 => Just(Act::Refuse),
        1 => Just(Act::Lapse),
        6 => off().prop_map(|off| Act::Refund { off }),
        1 => Just(Act::Unpaid),
    ]
}

fn lines(tea: u32, coffee: u32) -> Vec<OrderLine> {
    let lines = [("tea", tea), ("coffee", coffee)];
    order_lines(
        &lines
            .into_iter()
            .filter(|(_, n)| *n > 0)
            .collect::<Vec<_>>(),
    )
}

fn some_holds(name: &str, tea: u32, coffee: u32) -> Vec<StockHold> {
    let held = [("tea", tea), ("coffee", coffee)];
    holds(
        name,
        &held.into_iter().filter(|(_, n)| *n > 0).collect::<Vec<_>>(),
    )
}

/// A mistake that is put into the agent, to see that the laws see it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Planted {
    Nothing,
    /// It does not look whether the money of a parcel was taken already.
    CapturesTwice,
    /// It does not look whether money was given back already.
    RefundsTwice,
}

/// The desk, and what whoever works at it remembers.
struct Work {
    desk: Given<OrderAgent>,
    planted: Planted,
    holds_named: u32,
    /// The last capture that was recorded.
    last: Option<RecordCapture>,
}

impl Work {
    /// Whether it was done.
    fn carry_out(&mut self, act: &Act) -> bool {
        let desk = &mut self.desk;
        let shifted = |amount: Money, off: i64| gbp(amount.minor() + off);
        match act {
            Act::Price => desk.price(&[("tea", 333), ("coffee", 701)]).is_ok(),
            Act::Told(answer, told) => {
                let total = desk.state().priced().map_or(gbp(1), |priced| priced.total);
                let payment = PaymentId::from(&order());
                let outcome = match answer {
                    PaymentAnswer::Good { off } => authorised(shifted(total, *off)),
                    PaymentAnswer::Declined => PaymentOutcome::Declined(DeclineReason::Issuer),
                    PaymentAnswer::Lost => PaymentOutcome::Unknown,
                };
                let kind = match outcome {
                    PaymentOutcome::Authorised { amount, until } => {
                        PaymentNoticeKind::Authorised { amount, until }
                    }
                    _ => PaymentNoticeKind::Declined(DeclineReason::Issuer),
                };
                match told {
                    Told::ByTheFlow => desk.authorise(outcome).is_ok(),
                    Told::ByTheGateway => desk
                        .ask(&RecordPaymentNotice {
                            order: order(),
                            notice: PaymentNotice { payment, kind },
                        })
                        .is_ok(),
                }
            }
            Act::Place { tea, coffee } => desk
                .ask(&PlaceOrder {
                    order: order(),
                    holds: some_holds("o-1", *tea, *coffee),
                })
                .is_ok(),
            Act::BeginChange(change) => {
                let revision = desk.view().revision;
                desk.ask(&BeginChange {
                    order: order(),
                    revision,
                    change: change.to_string().into(),
                })
                .is_ok()
            }
            Act::Revise { tea, coffee, off } => {
                let at = |(sku, units, unit): (&str, u32, i64)| {
                    quote_of(sku, units.max(1), unit, desk.now())
                };
                let quotes: Vec<_> = [("tea", *tea, 350), ("coffee", *coffee, 650)]
                    .map(at)
                    .into();
                let price = desk.ask(&PriceOrderChange {
                    order: order(),
                    lines: lines(*tea, *coffee),
                    quotes: quotes.clone(),
                });
                let due = price.map_or(gbp(0), |price| shifted(price.supplement, *off));
                self.holds_named += 1;
                let name = format!("o-1.c{}", self.holds_named);
                let payment = PaymentId::new(name.as_str()).unwrap();
                (0..3u8).any(|change| {
                    desk.ask(&ReviseOrder {
                        order: order(),
                        change: change.to_string().into(),
                        lines: lines(*tea, *coffee),
                        quotes: quotes.clone(),
                        holds: some_holds(&name, *tea, *coffee / 2),
                        freed: Vec::new(),
                        supplement: (!due.is_zero()).then(|| MoneyPart {
                            payment: payment.clone(),
                            amount: due,
                        }),
                        until: None,
                    })
                    .is_ok()
                })
            }
            Act::Abandon(change) => desk
                .ask(&AbandonChange {
                    order: order(),
                    change: change.to_string().into(),
                })
                .is_ok(),
            Act::Begin => desk.ask(&BeginFulfilment { order: order() }).is_ok(),
            Act::Label => {
                let planned = desk.shown().planned;
                planned
                    .first()
                    .is_some_and(|parcel| desk.ask(&label_of(parcel)).is_ok())
            }
            Act::Capture { parcel, off } => {
                let show = ShowCapture {
                    order: order(),
                    parcel: *parcel,
                };
                let Ok(CapturePlan::Due(planned)) = desk.ask(&show) else {
                    return false;
                };
                let part = |movement: &PlannedMovement| MoneyPart {
                    payment: movement.payment.clone(),
                    amount: shifted(movement.amount, *off),
                };
                let capture = RecordCapture {
                    order: order(),
                    parcel: *parcel,
                    parts: planned.iter().map(part).collect(),
                };
                let done = desk.ask(&capture).is_ok();
                if done {
                    self.last = Some(capture);
                }
                done
            }
            Act::CaptureAgain => {
                let last = self.last.clone();
                let done = last.is_some_and(|capture| desk.ask(&capture).is_ok());
                done || self.repeats(Planted::CapturesTwice)
            }
            Act::Dispatch(parcel) => desk
                .ask(&RecordDispatch {
                    order: order(),
                    parcel: *parcel,
                })
                .is_ok(),
            Act::Allocate { tea } => {
                self.holds_named += 1;
                let name = format!("o-1.b{}", self.holds_named);
                desk.ask(&AllocateStock {
                    order: order(),
                    holds: some_holds(&name, *tea, 0),
                })
                .is_ok()
            }
            Act::CancelLine(sku) => desk
                .ask(&CancelLine {
                    order: order(),
                    sku: Sku::new(*sku).unwrap(),
                    reason: CancelReason::Customer,
                })
                .is_ok(),
            Act::Expire(which) => {
                let payments = desk.state().payments();
                let payment = payments.get(*which).map(|known| known.payment.clone());
                payment.is_some_and(|payment| {
                    desk.ask(&ExpireAuthorisation {
                        order: order(),
                        payment,
                    })
                    .is_ok()
                })
            }
            Act::Renew { off } => {
                let money = desk.ask(&ShowPayments { order: order() }).unwrap();
                let Some(lacking) = money.lacking else {
                    return false;
                };
                let name = format!("o-1.p{}", money.payments.len());
                desk.ask(&RecordRenewal {
                    order: order(),
                    payment: MoneyPart {
                        payment: PaymentId::new(name).unwrap(),
                        amount: shifted(lacking, *off),
                    },
                    until: None,
                })
                .is_ok()
            }
            Act::Cancel => desk.ask(&cancel()).is_ok(),
            Act::Return { tea, coffee } => desk
                .ask(&RequestReturn {
                    order: order(),
                    lines: lines(*tea, *coffee),
                })
                .is_ok(),
            Act::ReturnAll => {
                let units = desk.view().units;
                let sent = |sku: &str| {
                    let known = units.iter().find(|line| line.sku.as_str() == sku);
                    known.map_or(0, |line| line.sent)
                };
                let (tea, coffee) = (sent("tea"), sent("coffee"));
                desk.ask(&RequestReturn {
                    order: order(),
                    lines: lines(tea, coffee),
                })
                .is_ok()
            }
            Act::Inspect { tea, damaged } => desk
                .ask(&InspectReturn {
                    order: order(),
                    findings: vec![ReturnFinding {
                        sku: Sku::new("tea").unwrap(),
                        resaleable: *tea,
                        damaged: *damaged,
                    }],
                })
                .is_ok(),
            Act::Refuse => desk.ask(&RefuseReturn { order: order() }).is_ok(),
            Act::Lapse => desk.ask(&LapseReturn { order: order() }).is_ok(),
            Act::Refund { off } => {
                let planned = desk.ask(&ShowRefund { order: order() }).unwrap();
                let part = |movement: &PlannedMovement| MoneyPart {
                    payment: movement.payment.clone(),
                    amount: shifted(movement.amount, *off),
                };
                let refund = RecordRefund {
                    order: order(),
                    parts: planned.iter().map(part).collect(),
                };
                desk.ask(&refund).is_ok() || self.repeats(Planted::RefundsTwice)
            }
            Act::Unpaid => desk.ask(&ExpireUnpaid { order: order() }).is_ok(),
        }
    }

    /// Records once more what the agent refuses to do again, where that is its planted mistake.
    fn repeats(&mut self, mistake: Planted) -> bool {
        let of_mistake = |event: &&OrderEvent| match mistake {
            Planted::CapturesTwice => matches!(event, OrderEvent::PaymentCaptured(_)),
            Planted::RefundsTwice => matches!(event, OrderEvent::RefundRecorded(_)),
            Planted::Nothing => false,
        };
        let again = self.desk.events().iter().rfind(of_mistake).cloned();
        match again {
            Some(event) if self.planted == mistake => {
                let before = std::mem::replace(&mut self.desk, desk_with(OrderSettings::default()));
                self.desk = before.after([event]);
                true
            }
            _ => false,
        }
    }
}

/// A desk with an order that has come in, with parcels that hold two units or many.
fn work(small_parcels: bool, planted: Planted) -> Work {
    let desk = desk_with(OrderSettings {
        parcel_grams_max: if small_parcels { 400 } else { 30_000 },
        ..OrderSettings::default()
    });
    Work {
        desk: received_by(desk, &[("tea", 4), ("coffee", 2)]),
        planted,
        holds_named: 0,
        last: None,
    }
}

type Histories = (Vec<Act>, bool);

fn histories() -> impl Strategy<Value = Histories> {
    (proptest::collection::vec(act(), 0..160), any::<bool>())
}

fn keeps_the_laws((acts, small_parcels): Histories, planted: Planted) -> Result<(), TestCaseError> {
    let mut work = work(small_parcels, planted);
    for act in &acts {
        let before = work.desk.state().phase().unwrap();
        let known = work.desk.events().len();
        let done = work.carry_out(act);
        let after = work.desk.state().phase().unwrap();
        if !done {
            prop_assert_eq!(work.desk.events().len(), known, "{:?} was refused", act);
        }
        let followed = TRANSITIONS
            .iter()
            .any(|edge| before.after(*edge) == Some(after));
        prop_assert!(
            before == after || followed,
            "{:?} to {:?}: {:?}",
            before,
            after,
            act
        );
        let broken = Model::of(work.desk.events()).broken(after);
        prop_assert!(
            broken.is_none(),
            "{:?}: {}",
            act,
            broken.unwrap_or_default()
        );
    }
    Ok(())
}

/// Catches: money taken twice or given back twice, an edge that the graph does not have, a unit that is
/// packed twice, a parcel that leaves unpaid, a refusal that records something.
#[test]
fn any_history_keeps_the_laws_of_the_model() {
    let mut runner = TestRunner::new(cases(256));
    let outcome = runner.run(&histories(), |history| {
        keeps_the_laws(history, Planted::Nothing)
    });
    assert!(outcome.is_ok(), "{outcome:?}");
}

/// Catches: laws that hold of whatever an agent does. The two mistakes that the shop must never make
/// are put into the agent, and the same histories find each.
#[test]
fn a_planted_mistake_is_found() {
    // In a short history a second capture shows as a parcel that was paid and never packed.
    for (planted, laws) in [
        (Planted::CapturesTwice, ["taken", "paid"]),
        (Planted::RefundsTwice, ["given back of", "given back of"]),
    ] {
        let mut runner = TestRunner::new(cases(4_096));
        let outcome = runner.run(&histories(), |history| keeps_the_laws(history, planted));
        let found = outcome.err().map(|found| found.to_string());
        let found = found.unwrap_or_default();
        let is_of_law = laws.iter().any(|law| found.contains(law));
        assert!(is_of_law, "{planted:?} was not found: {found}");
    }
}

/// Catches: histories that are refused at the door, so that the property holds of nothing.
#[test]
fn the_histories_reach_every_phase_and_every_kind_of_event() {
    let mut runner = TestRunner::deterministic();
    let histories = proptest::collection::vec(act(), 160);
    let mut phases = std::collections::BTreeSet::new();
    let mut events = std::collections::BTreeSet::new();
    for case in 0..600 {
        let acts = histories.new_tree(&mut runner).unwrap().current();
        let mut work = work(case % 2 == 0, Planted::Nothing);
        for act in &acts {
            work.carry_out(act);
            phases.insert(work.desk.state().phase().unwrap());
        }
        let happened = work.desk.events().iter();
        events.extend(happened.map(mercato_runtime::Event::name));
    }
    assert_eq!(phases.len(), OrderPhase::ALL.len(), "{phases:?}");
    let schema = <OrderEvent as mercato_runtime::Event>::schema();
    let never: Vec<_> = schema
        .iter()
        .map(|event| event.current.name)
        .filter(|name| !events.contains(name))
        .collect();
    // The address, the carrier's news and the terms have tests of their own.
    assert_eq!(never, ["OrderChanged", "ParcelTracked", "TermsAgreed"]);
}
