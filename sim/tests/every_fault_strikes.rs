//! A fault that never strikes tests nothing, however often it is drawn.

use std::time::Duration;

use mercato_sim::hunt::{Drawn, HuntOptions, draw, run_drawn};
use mercato_sim::lives::{Cut, CutAt, CutLeaves, Fault, FaultKind, FaultPlan, RateUnit, Tally};

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
            (FaultKind::CorruptPage | FaultKind::NoticeDoubled, _) => 1.0,
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

/// Catches: a kind of fault that is drawn and never takes effect, or is not counted; a law that breaks
/// where it does.
#[test]
fn every_kind_of_fault_strikes() {
    let options = HuntOptions::default();
    let mut tally = Tally::default();
    for (seed, kinds) in (1..).zip(FaultKind::ALL.chunks(5)) {
        let outcome = run_drawn(&world(seed, kinds, &options), &options.lessons).expect("a world");
        let broken: Vec<_> = outcome.broken().collect();
        assert!(broken.is_empty(), "{kinds:?}: {broken:#?}");
        tally.add(&outcome.tally);
    }
    let idle = FaultKind::ALL.map(|kind| (kind, tally.strikes.of(kind)));
    let idle: Vec<_> = idle.iter().filter(|(_, strikes)| *strikes == 0).collect();
    assert!(
        idle.is_empty(),
        "never: {idle:?}; struck: {}",
        tally.strikes
    );
}
