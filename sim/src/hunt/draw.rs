//! From a seed to a world: its size, its terms, its cuts and its faults.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use mercato_actors::runtime::Entropy;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::HuntOptions;
use crate::lives::{Cut, CutAt, CutLeaves, Fault, FaultKind, FaultPlan, WorldPlan};
use crate::shop::{Rush, ShopPlan};

/// A world that was drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// The shop.
    pub shop: ShopPlan,
    /// What befalls it.
    pub world: WorldPlan,
}

/// How long whoever wants something may wait beyond the day: longer than every fault lasts.
const PATIENCE: Duration = Duration::from_secs(1_800);
/// How long flows may take to end: deliveries and returns take days.
const SETTLES_WITHIN: Duration = Duration::from_secs(60 * 86_400);

/// Draws the world of a seed.
#[must_use]
pub fn draw(seed: u64, options: &HuntOptions) -> Drawn {
    let entropy = Entropy::seeded(seed);
    let shop = draw_shop(seed, &mut entropy.fork("shop"), options);
    let day = shop.open_for;
    Drawn {
        world: WorldPlan {
            seed,
            cuts: draw_cuts(day, &mut entropy.fork("cuts")),
            faults: draw_faults(day, &mut entropy.fork("faults")),
            answered_within: day + PATIENCE,
            settles_within: SETTLES_WITHIN,
            timeline_lines: options.timeline_lines,
        },
        shop,
    }
}

fn seconds(rng: &mut ChaCha8Rng, from: u64, to: u64) -> Duration {
    Duration::from_millis(rng.random_range(from * 1_000..=to * 1_000))
}

/// A number between two, small ones as often as large ones.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it lies between two small positive numbers"
)]
fn spread(rng: &mut ChaCha8Rng, from: f64, to: f64) -> u64 {
    (from.ln() + (to / from).ln() * rng.random::<f64>()).exp() as u64
}

fn count(rng: &mut ChaCha8Rng, from: f64, to: f64) -> NonZeroUsize {
    let drawn = usize::try_from(spread(rng, from, to)).unwrap_or(1);
    NonZeroUsize::new(drawn).unwrap_or(NonZeroUsize::MIN)
}

fn draw_shop(seed: u64, rng: &mut ChaCha8Rng, options: &HuntOptions) -> ShopPlan {
    let _ = options;
    let open_for = seconds(rng, 60, 240);
    ShopPlan {
        seed,
        shoppers: rng.random_range(20..=120),
        open_for,
        rush: match rng.random_range(0..3) {
            0 => Rush::At(rng.random_range(0.0..0.9)),
            _ => Rush::Steady,
        },
        think_max: seconds(rng, 2, 60),
        products: rng.random_range(1..=6),
        hot_percent: [0, 0, 50, 90][rng.random_range(0..4)],
        stock_units: rng.random_range(3..=40),
        line_units_max: rng.random_range(1..=4),
        delivery_every: Some(seconds(rng, 5, 20)),
        price_change_every: rng.random_bool(0.5).then(|| seconds(rng, 5, 40)),
        quote_lifetime: seconds(rng, 15, 120),
        change_for: seconds(rng, 2, 90),
        follow_up_after: seconds(rng, 10, 600),
        lead_time: seconds(rng, 60, 600),
        snapshot_every: NonZeroU64::new(spread(rng, 2.0, 64.0)).unwrap_or(NonZeroU64::MIN),
        shards: count(rng, 1.0, 4.5),
        entities_max: count(rng, 2.0, 400.0),
        mailbox_max: count(rng, 16.0, 1_024.0),
        tail_records_max: spread(rng, 1.0, 20_000.0),
        #[cfg(feature = "planted-bugs")]
        planted: options.planted,
    }
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
    let fault = |_| {
        let kind = FaultKind::ALL[rng.random_range(0..FaultKind::ALL.len())];
        let from = day.mul_f64(rng.random_range(0.0..0.7));
        Fault {
            kind,
            rate: rng.random_range(0.1..1.0) * worst(kind),
            from,
            until: from + day.mul_f64(rng.random_range(0.1..1.0)),
        }
    };
    FaultPlan {
        faults: (0..kinds).map(fault).collect(),
    }
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
        K::PanicTimer => 0.2,
        K::CorruptPage => 0.8,
        K::MessageDelay => 0.5,
        K::GatewayBusy => 0.3,
        K::GatewaySilent => 0.1,
        K::GatewayUnknown => 0.2,
        K::NoticeDoubled => 0.5,
    }
}
