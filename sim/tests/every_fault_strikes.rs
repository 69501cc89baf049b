//! A fault that never strikes tests nothing, however often it is drawn.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use mercato_sim::hunt::{Drawn, HuntOptions, draw, run_drawn};
use mercato_sim::lives::{
    Cut, CutAt, CutLeaves, Fault, FaultKind, FaultPlan, RateUnit, Tally, WorldOutcome,
};

const MINUTE: Duration = Duration::from_secs(60);

/// A small shop whose power goes three times, with these faults all day long.
fn world(seed: u64, kinds: &[FaultKind], options: &HuntOptions) -> Drawn {
    let mut drawn = draw(seed, options);
    drawn.shop.shoppers = 20;
    drawn.shop.open_for = MINUTE;
    drawn.world.cuts = [12, 24, 36].map(cut_after).to_vec();
    let fault = |(number, kind): (usize, &FaultKind)| Fault {
        kind: *kind,
        number,
        rate: match (kind, kind.unit()) {
            // Few cuts and few payments give these few chances.
            (FaultKind::CorruptPage | FaultKind::NoticeDoubled | FaultKind::ClockSet, _) => 1.0,
            (_, RateUnit::AMinute) => 12.0,
            (_, RateUnit::Share) => 0.15,
        },
        from: Duration::ZERO,
        until: MINUTE * 2,
    };
    let faults = kinds.iter().enumerate().map(fault).collect();
    drawn.world.faults = FaultPlan { faults };
    drawn
}

fn cut_after(seconds: u64) -> Cut {
    Cut {
        at: CutAt::Time(Duration::from_secs(seconds)),
        leaves: CutLeaves::Garbage,
        dark_for: Duration::from_secs(2),
    }
}

/// How many worlds share the kinds of fault.
const WORLDS: u8 = 4;

/// Worlds in which all kinds of fault strike. Those of one part of the shop strike in worlds of their
/// own, so that none is in another's way.
fn lived() -> &'static [WorldOutcome] {
    static LIVED: OnceLock<Vec<WorldOutcome>> = OnceLock::new();
    LIVED.get_or_init(|| {
        let options = HuntOptions::default();
        let lived = (0..WORLDS).map(|first| {
            let kinds = FaultKind::ALL.into_iter().skip(first.into());
            let kinds: Vec<_> = kinds.step_by(WORLDS.into()).collect();
            let world = world(first.into(), &kinds, &options);
            run_drawn(&world, &options.lessons).expect("a world")
        });
        lived.collect()
    })
}

/// Catches: a kind of fault that is drawn and never takes effect, or is not counted; a law that breaks
/// where it does.
#[test]
fn every_kind_of_fault_strikes() {
    let mut tally = Tally::default();
    for outcome in lived() {
        let broken: Vec<_> = outcome.broken().collect();
        assert!(broken.is_empty(), "{broken:#?}");
        tally.add(&outcome.tally);
    }
    let strikes = tally.strikes;
    let never = FaultKind::ALL.map(|kind| (strikes.of(kind) == 0).then_some(kind));
    let never: Vec<_> = never.into_iter().flatten().collect();
    assert!(never.is_empty(), "never: {never:?}; struck: {strikes}");
}

/// Catches: a law that held because nothing was held against it, as one about messages that nobody is
/// sent.
#[test]
fn every_law_is_held_against_something() {
    let mut checked: BTreeMap<&str, u64> = BTreeMap::new();
    for verdict in lived().iter().flat_map(|outcome| &outcome.verdicts) {
        *checked.entry(verdict.name).or_default() += verdict.checked;
    }
    let replaced = checked.get("a shard that hangs is replaced in time");
    assert!(replaced.is_some(), "nobody looked after those that hung");
    checked.retain(|_, checked| *checked == 0);
    let idle: Vec<_> = checked.into_keys().collect();
    // Shoppers of a hunt have no coupons.
    assert_eq!(idle, ["no coupon is used more often than it may be"]);
}
