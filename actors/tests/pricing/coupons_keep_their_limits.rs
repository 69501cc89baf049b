//! A coupon is used as often as it may be, in all and by each, and a use that comes to nothing goes
//! back.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn welcome(uses: u32, each: u32) -> Given<PricingAgent> {
    let mut given = shelf_of(1_000, 500);
    let terms = coupon_of(1_000, uses, each, given.now());
    given
        .ask(&IssueCoupon {
            code: coupon("WELCOME"),
            terms,
        })
        .unwrap();
    given
}

fn claim(
    given: &mut Given<PricingAgent>,
    quote: &str,
    who: &str,
    hold: CouponHold,
) -> Result<(), PricingRejection> {
    let claim = ClaimCoupon {
        code: coupon("WELCOME"),
        holder: quote_id(quote),
        customer: customer(who),
        hold,
    };
    given.ask(&claim).map(drop)
}

fn keep(given: &mut Given<PricingAgent>, quote: &str, who: &str) -> Result<(), PricingRejection> {
    claim(given, quote, who, CouponHold::ForGood)
}

fn take_over(
    given: &mut Given<PricingAgent>,
    from: &str,
    holder: &str,
    who: &str,
) -> Result<(), PricingRejection> {
    let take = TakeOverCoupon {
        code: coupon("WELCOME"),
        from: quote_id(from),
        holder: quote_id(holder),
        customer: customer(who),
    };
    given.ask(&take).map(drop)
}

fn release(given: &mut Given<PricingAgent>, quote: &str) {
    let release = ReleaseCoupon {
        code: coupon("WELCOME"),
        holder: quote_id(quote),
    };
    given.ask(&release).unwrap();
}

/// Catches: a limit that is off by one, one that is not held, and a repeated claim that counts twice.
#[test]
fn limits_hold_in_all_and_for_each() {
    let mut given = welcome(3, 2);
    keep(&mut given, "q1", "ann").unwrap();
    keep(&mut given, "q1", "ann").unwrap();
    keep(&mut given, "q2", "ann").unwrap();
    let code = || coupon("WELCOME");
    assert_eq!(
        keep(&mut given, "q3", "ann"),
        Err(PricingRejection::CouponUsedByCustomer(code()))
    );
    keep(&mut given, "q3", "bob").unwrap();
    assert_eq!(
        keep(&mut given, "q4", "cid"),
        Err(PricingRejection::CouponUsedUp(code()))
    );
    assert_eq!(given.state().coupon().uses(), 3);
    assert_eq!(
        keep(&mut given, "q3", "cid"),
        Err(PricingRejection::CouponHeld(code()))
    );
}

/// Catches: a use that is lost with a cancelled order, and one that is given back twice.
#[test]
fn a_use_is_given_back_once() {
    let mut given = welcome(1, 1);
    keep(&mut given, "q1", "ann").unwrap();
    release(&mut given, "q1");
    release(&mut given, "q1");
    assert_eq!(given.state().coupon().uses(), 0);
    keep(&mut given, "q2", "bob").unwrap();
    release(&mut given, "q1");
    assert_eq!(given.state().coupon().uses(), 1);
}

/// Catches: a quote that was never taken up and holds a use for good, and a use that lapses though
/// its order was placed.
#[test]
fn a_use_for_a_quote_lapses_unless_it_is_kept() {
    let mut given = welcome(1, 1);
    claim(&mut given, "q1", "ann", CouponHold::WhileQuoted).unwrap();
    assert!(keep(&mut given, "q2", "bob").is_err());
    given.pass(HOUR / 4);
    keep(&mut given, "q2", "bob").unwrap();
    let mut given = welcome(1, 1);
    claim(&mut given, "q1", "ann", CouponHold::WhileQuoted).unwrap();
    keep(&mut given, "q1", "ann").unwrap();
    given.pass(HOUR);
    given
        .ask(&LapseClaims {
            code: coupon("WELCOME"),
        })
        .unwrap();
    assert_eq!(given.state().coupon().uses(), 1);
}

/// Catches: a coupon that can be used before or after its time, or when it was withdrawn.
#[test]
fn a_coupon_has_its_time() {
    let mut given = welcome(9, 9);
    given.pass(DAY);
    let over = Err(PricingRejection::CouponNotNow(coupon("WELCOME")));
    assert_eq!(keep(&mut given, "q1", "ann"), over);
    let mut given = welcome(9, 9);
    given
        .ask(&WithdrawCoupon {
            code: coupon("WELCOME"),
        })
        .unwrap();
    let unknown = Err(PricingRejection::UnknownCoupon(coupon("WELCOME")));
    assert_eq!(keep(&mut given, "q1", "ann"), unknown);
}

/// Catches: an order that is refused the use that its quote holds, takes a second one beside it, loses
/// it when the quote would have lapsed, or takes a stranger's.
#[test]
fn an_order_takes_over_what_its_quote_holds() {
    let code = || coupon("WELCOME");
    let mut given = welcome(1, 1);
    claim(&mut given, "quote", "ann", CouponHold::WhileQuoted).unwrap();
    assert_eq!(
        take_over(&mut given, "quote", "o-1", "eve"),
        Err(PricingRejection::CouponHeld(code()))
    );
    take_over(&mut given, "quote", "o-1", "ann").unwrap();
    let recorded = given.events().len();
    take_over(&mut given, "quote", "o-1", "ann").unwrap();
    assert_eq!(given.events().len(), recorded, "again changes nothing");
    given.pass(HOUR);
    assert_eq!(given.state().coupon().uses(), 1);
    let used_up = Err(PricingRejection::CouponUsedUp(code()));
    assert_eq!(take_over(&mut given, "quote", "o-2", "ann"), used_up);
    release(&mut given, "quote");
    assert_eq!(given.state().coupon().uses(), 1, "that is not the order's");
    release(&mut given, "o-1");
    take_over(&mut given, "quote", "o-2", "ann").unwrap();
    release(&mut given, "o-1");
    assert_eq!(given.state().coupon().uses(), 1);
}

/// Catches: a use that is taken from an order that is on its way and holds it under the quote's name,
/// as orders did.
#[test]
fn what_a_quote_holds_for_good_is_not_taken_over() {
    let mut given = welcome(1, 1);
    keep(&mut given, "quote", "ann").unwrap();
    let used_up = Err(PricingRejection::CouponUsedUp(coupon("WELCOME")));
    assert_eq!(take_over(&mut given, "quote", "o-2", "ann"), used_up);
}

#[derive(Debug, Clone)]
enum Step {
    TakeOver { from: u8, holder: u8, who: u8 },
    Claim { quote: u8, who: u8, for_good: bool },
    Release { quote: u8 },
    Lapse,
    Pass { minutes: u64 },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0u8..12, 0u8..4, any::<bool>())
            .prop_map(|(quote, who, for_good)| Step::Claim { quote, who, for_good }),
        3 => (0u8..12, 0u8..12, 0u8..4)
            .prop_map(|(from, holder, who)| Step::TakeOver { from, holder, who }),
        3 => (0u8..12).prop_map(|quote| Step::Release { quote }),
        1 => Just(Step::Lapse),
        2 => (1u64..20).prop_map(|minutes| Step::Pass { minutes }),
    ]
}

/// What a coupon is, said plainly: who holds it for which quote, and until when.
#[derive(Default)]
struct Model {
    held: BTreeMap<u8, (u8, Option<Timestamp>)>,
}

impl Model {
    fn claim(
        &mut self,
        quote: u8,
        who: u8,
        until: Option<Timestamp>,
        now: Timestamp,
        limits: (usize, usize),
    ) -> bool {
        self.held
            .retain(|_, (_, until)| until.is_none_or(|until| until > now));
        if let Some((holder, held)) = self.held.get_mut(&quote) {
            if *holder == who && until.is_none() {
                *held = None;
            }
            return *holder == who;
        }
        let fits = self.fits(who, limits);
        if fits {
            self.held.insert(quote, (who, until));
        }
        fits
    }

    fn fits(&self, who: u8, limits: (usize, usize)) -> bool {
        let own = self.held.values().filter(|(holder, _)| *holder == who);
        self.held.len() < limits.0 && own.count() < limits.1
    }

    fn take_over(
        &mut self,
        (from, holder, who): (u8, u8, u8),
        now: Timestamp,
        limits: (usize, usize),
    ) -> bool {
        self.held
            .retain(|_, (_, until)| until.is_none_or(|until| until > now));
        let own = self.held.get(&holder).copied();
        let quoted = self.held.get(&from).copied();
        let quoted = quoted.filter(|(_, until)| until.is_some());
        if [own, quoted].iter().flatten().any(|held| held.0 != who) {
            return false;
        }
        if own.is_some_and(|(_, until)| until.is_none()) {
            return true;
        }
        if own.is_none() && quoted.is_none() && !self.fits(who, limits) {
            return false;
        }
        if quoted.is_some() {
            self.held.remove(&from);
        }
        self.held.insert(holder, (who, None));
        true
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    /// Catches: a use above a limit, one that is lost, and one that is counted twice, after any
    /// history of claims, releases and lapses.
    #[test]
    fn any_history_agrees_with_the_model(
        steps in proptest::collection::vec(any_step(), 1..60),
        uses in 1u32..6,
        each in 1u32..4,
    ) {
        let mut given = welcome(uses, each);
        let mut model = Model::default();
        let limits = (uses as usize, each as usize);
        for step in steps {
            let now = given.now();
            match step {
                Step::Claim { quote, who, for_good } => {
                    let until = (!for_good).then(|| now.plus(HOUR / 4));
                    let hold = if for_good { CouponHold::ForGood } else { CouponHold::WhileQuoted };
                    let taken = claim(&mut given, &format!("q{quote}"), &format!("c{who}"), hold);
                    let expected = model.claim(quote, who, until, now, limits);
                    prop_assert_eq!(taken.is_ok(), expected, "{:?}", taken);
                }
                Step::TakeOver { from, holder, who } => {
                    let (quote, order) = (format!("q{from}"), format!("q{holder}"));
                    let taken = take_over(&mut given, &quote, &order, &format!("c{who}"));
                    let expected = model.take_over((from, holder, who), now, limits);
                    prop_assert_eq!(taken.is_ok(), expected, "{:?}", taken);
                }
                Step::Release { quote } => {
                    release(&mut given, &format!("q{quote}"));
                    model.held.remove(&quote);
                }
                Step::Lapse => {
                    given.ask(&LapseClaims { code: coupon("WELCOME") }).unwrap();
                    model.held.retain(|_, (_, until)| until.is_none_or(|until| until > now));
                }
                Step::Pass { minutes } => given.pass(Duration::from_secs(60 * minutes)),
            }
            let held = given.state().coupon();
            prop_assert!(held.uses() <= uses);
            for who in 0..4 {
                let who = customer(&format!("c{who}"));
                prop_assert!(held.uses_of(&who) <= each);
            }
        }
        given.ask(&LapseClaims { code: coupon("WELCOME") }).unwrap();
        let now = given.now();
        model.held.retain(|_, (_, until)| until.is_none_or(|until| until > now));
        prop_assert_eq!(given.state().coupon().uses() as usize, model.held.len());
    }
}
