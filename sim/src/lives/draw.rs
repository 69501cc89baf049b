//! From a seed to power cuts and faults.

use std::time::Duration;

use mercato_actors::runtime::Entropy;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::fault::{Fault, FaultKind, FaultPlan};
use super::plan::{Cut, CutAt, CutLeaves, WorldPlan};
use crate::options::Mode;

/// How long whoever wants something may wait beyond the day: longer than every fault lasts, and than
/// the shop looks for money whose whereabouts nobody knows.
const PATIENCE: Duration = Duration::from_secs(12 * 3_600);
/// How long flows may take to end: deliveries and returns take days.
const SETTLES_WITHIN: Duration = Duration::from_secs(60 * 86_400);

/// Lines of a timeline that are kept where nobody says.
const TIMELINE_LINES: usize = 60;

impl WorldPlan {
    /// Draws up to five power cuts and up to four kinds of fault, and sometimes rot or a gateway that is
    /// away besides, in a day of this length. A third of the cuts come by the clock, a third at an
    /// operation of the disk, and a third at a moment of a command; small numbers are drawn as often as
    /// large ones, so that some fall into a recovery.
    #[must_use]
    pub fn draw(seed: u64, day: Duration) -> Self {
        let entropy = Entropy::seeded(seed);
        Self {
            seed,
            cuts: draw_cuts(day, &mut entropy.fork("cuts")),
            faults: draw_faults(day, &mut entropy.fork("faults")),
            day,
            answered_within: day + PATIENCE,
            mode: Mode::Virtual,
            settles_within: SETTLES_WITHIN,
            timeline_lines: TIMELINE_LINES,
        }
    }
}

/// A number between two, small ones as often as large ones.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it lies between two small positive numbers"
)]
pub(crate) fn spread(rng: &mut ChaCha8Rng, from: f64, to: f64) -> u64 {
    (from.ln() + (to / from).ln() * rng.random::<f64>()).exp() as u64
}

fn draw_cuts(day: Duration, rng: &mut ChaCha8Rng) -> Vec<Cut> {
    let cuts = [0, 1, 1, 2, 2, 3, 4, 5][rng.random_range(0..8)];
    let cut = |_| Cut {
        at: match rng.random_range(0..3) {
            0 => CutAt::Time(day.mul_f64(rng.random::<f64>())),
            1 => CutAt::DiskOperation(spread(rng, 1.0, 4_000.0)),
            _ => CutAt::Moment(spread(rng, 1.0, 4_000.0)),
        },
        leaves: CutLeaves::ALL[rng.random_range(0..CutLeaves::ALL.len())],
        dark_for: Duration::from_millis(spread(rng, 100.0, 60_000.0)),
    };
    (0..cuts).map(cut).collect()
}

fn draw_faults(day: Duration, rng: &mut ChaCha8Rng) -> FaultPlan {
    let kinds = rng.random_range(0..=4);
    let fault = |rng: &mut ChaCha8Rng| {
        let kind = FaultKind::ALL[rng.random_range(0..FaultKind::ALL.len())];
        let from = day.mul_f64(rng.random_range(0.0..0.7));
        Fault {
            kind,
            number: 0,
            rate: rng.random_range(0.1..1.0) * worst(kind),
            from,
            until: from + day.mul_f64(rng.random_range(0.1..1.0)),
        }
    };
    let mut faults: Vec<Fault> = (0..kinds).map(|_| fault(rng)).collect();
    if rng.random_ratio(1, 8) {
        faults.push(Fault {
            kind: FaultKind::CorruptPage,
            number: 0,
            rate: rng.random_range(0.3..1.0),
            from: Duration::ZERO,
            until: day * 2,
        });
    }
    if rng.random_ratio(1, 8) {
        // For a while no gateway answers at all.
        let from = day.mul_f64(rng.random_range(0.0..0.8));
        faults.push(Fault {
            kind: FaultKind::GatewaySilent,
            number: 0,
            rate: 1.0,
            from,
            until: from + Duration::from_secs(rng.random_range(10..=300)),
        });
    }
    for (number, fault) in faults.iter_mut().enumerate() {
        fault.number = number;
    }
    FaultPlan { faults }
}

/// The highest rate of a kind with which a shop can still do business.
fn worst(kind: FaultKind) -> f64 {
    use FaultKind as K;
    match kind {
        K::CrashIdle | K::CrashBusy => 30.0,
        K::CrashFlows => 6.0,
        K::MailboxPressure => 4.0,
        K::DiskWriteError | K::DiskFull | K::DiskSyncError => 3.0,
        K::DiskSlow | K::ClockJump => 4.0,
        K::PanicDecide | K::PanicReplay | K::PanicEvolve | K::PanicAnswer => 0.02,
        K::PanicFold => 0.1,
        K::HangShard => 6.0,
        K::AgentDelay => 0.3,
        K::ClockSet => 1.0,
        K::PanicTimer => 0.2,
        K::CorruptPage => 0.8,
        K::MessageDelay => 0.5,
        K::GatewayBusy => 0.3,
        K::GatewaySilent => 0.1,
        K::GatewayUnknown => 0.2,
        K::NoticeDoubled => 0.5,
    }
}
