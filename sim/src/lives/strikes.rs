//! Lets the faults of a plan strike in one life.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mercato_actors::runtime::persistence::simulated_disk::Fault as DiskFault;
use mercato_actors::runtime::{CrashPoint, Entropy, FaultPoint, InjectedCrash, Moment, Runtime};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::disk::PoweredDisk;
use super::fault::{FaultKind, FaultPlan, RateUnit};
use super::hang::Hangs;
use super::plan::{Cut, CutAt};
use super::scene::{Scene, Site};
use super::stage::Stage;
use super::witness::What;

/// A fault by the clock strikes at most so often in a world.
const STRIKES_MAX: u64 = 10_000;
/// A fault strikes a command on one entity at one moment at most so often in a life.
const STRUCK_MAX: u32 = 1;
/// How many times as long a slow disk takes.
const SLOW: u64 = 50;

/// What makes commands panic.
pub(super) const PANICS: [FaultKind; 6] = [
    FaultKind::PanicDecide,
    FaultKind::PanicReplay,
    FaultKind::PanicEvolve,
    FaultKind::PanicAnswer,
    FaultKind::PanicTimer,
    FaultKind::PanicFold,
];

/// What is to happen at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Act {
    /// Something strikes, and draws what it draws from the generator of this label.
    Strike(FaultKind, String),
    HealDisk,
    HurryDisk,
}

/// Acts by their time; at one time by the number of their fault, and their own.
type Schedule = BTreeMap<(Duration, usize, u64), Act>;

/// When the faults by the clock strike, by the plan and the seed alone. Each is drawn by its own number,
/// so that the others strike as before where one is left out.
fn schedule(plan: &FaultPlan, seed: u64) -> Schedule {
    let mut acts = BTreeMap::new();
    let entropy = Entropy::seeded(seed);
    for fault in &plan.faults {
        if fault.kind.unit() != RateUnit::AMinute || fault.rate <= 0.0 {
            continue;
        }
        let (kind, number) = (fault.kind, fault.number);
        let label = format!("strikes of {} {number}", kind.name());
        let mut rng = entropy.fork(&label);
        let mut at = fault.from;
        for nth in 0..STRIKES_MAX {
            let gap: f64 = -rng.random_range(f64::EPSILON..1.0_f64).ln() * 60.0 / fault.rate;
            at += Duration::from_secs_f64(gap.min(1e7));
            if at >= fault.until {
                break;
            }
            let strike = Act::Strike(kind, format!("{label}: {nth}"));
            acts.insert((at, number, nth), strike);
        }
    }
    acts
}

/// What faults by the clock strike at, in one life.
pub(super) struct Target<'a> {
    pub(super) scene: &'a dyn Scene,
    pub(super) stage: &'a Stage,
    pub(super) runtime: &'a Runtime,
    pub(super) disk: &'a PoweredDisk,
    pub(super) hangs: &'a Hangs,
}

impl Target<'_> {
    /// Lets faults by the clock strike until it is dropped.
    pub(super) async fn struck_by_the_clock(self) {
        let site = &self.stage.site;
        // What fell into an earlier life is over.
        let mut acts = schedule(&site.faults, site.seed).split_off(&(site.now(), 0, 0));
        let mut amends = 0;
        while let Some(((at, ..), act)) = acts.pop_first() {
            self.stage.until(at).await;
            match act {
                Act::HealDisk => {
                    let mended = What::Mended("the disk is well again");
                    site.witness.see(site.now(), mended);
                    heal(site, self.disk);
                }
                Act::HurryDisk => self.disk.slow_down(1),
                Act::Strike(kind, label) => {
                    let mut rng = self.stage.rng(&label);
                    let seconds = rng.random_range(1..=8);
                    if let Some(amend) = self.strike(kind, seconds, &mut rng).await {
                        amends += 1;
                        let over = at + Duration::from_secs(seconds);
                        acts.insert((over, usize::MAX, amends), amend);
                    }
                }
            }
        }
        std::future::pending::<()>().await;
    }

    /// Strikes once. Gives what makes amends for it some seconds later, where something must.
    async fn strike(&self, kind: FaultKind, seconds: u64, rng: &mut ChaCha8Rng) -> Option<Act> {
        match kind {
            FaultKind::CrashIdle => self.crash(kind, CrashPoint::Idle, rng),
            FaultKind::CrashBusy => self.crash(kind, CrashPoint::NextCommand, rng),
            FaultKind::HangShard => {
                // One that is bound to nothing would hang for ever, as it was told to.
                if self.scene.hung_after().is_some()
                    && let Some((agent, shard)) = self.shard(rng)
                {
                    self.hangs.arm(agent, shard);
                }
            }
            FaultKind::CrashFlows => {
                let flows = self.runtime.crash_flows();
                self.struck(kind, &format!("{flows} flows crash"));
            }
            FaultKind::MailboxPressure => {
                self.struck(kind, "many ask for one thing");
                self.scene.press(self.stage).await;
            }
            FaultKind::DiskWriteError => {
                self.saw(kind, "the disk takes no writes");
                self.disk.fail(kind);
                return Some(Act::HealDisk);
            }
            FaultKind::DiskFull => {
                self.saw(kind, "the disk is full");
                self.disk.fail(kind);
                return Some(Act::HealDisk);
            }
            FaultKind::DiskSyncError => {
                self.saw(kind, "the next sync fails");
                self.disk.fail(kind);
            }
            FaultKind::DiskSlow => {
                self.struck(kind, "the disk is slow");
                self.disk.slow_down(SLOW);
                return Some(Act::HurryDisk);
            }
            FaultKind::ClockJump => {
                let over = Duration::from_secs(seconds * 5);
                self.struck(kind, &format!("the clock jumps {} s ahead", over.as_secs()));
                self.hangs.jump(over);
                tokio::time::advance(over).await;
            }
            // These strike by share.
            _ => {}
        }
        None
    }

    fn saw(&self, kind: FaultKind, what: &str) {
        let site = &self.stage.site;
        site.witness.see(site.now(), What::Fault(kind, what));
    }

    fn struck(&self, kind: FaultKind, what: &str) {
        self.saw(kind, what);
        self.stage.site.witness.struck(kind);
    }

    fn crash(&self, kind: FaultKind, point: CrashPoint, rng: &mut ChaCha8Rng) {
        if let Some((agent, shard)) = self.shard(rng) {
            self.runtime.crash_shard(agent, shard, point);
            self.struck(kind, &format!("{agent}/{shard} crashes ({point:?})"));
        }
    }

    /// Some shard of some agent, where there is one.
    fn shard(&self, rng: &mut ChaCha8Rng) -> Option<(&'static str, usize)> {
        let agents = self.scene.agents();
        let agent = *agents.get(rng.random_range(0..agents.len().max(1)))?;
        let shards = self.runtime.shards(agent);
        (shards > 0).then(|| (agent, rng.random_range(0..shards)))
    }
}

/// Takes the disk's faults away, and puts the power cut back that is still to come.
pub(super) fn heal(site: &Site, disk: &PoweredDisk) {
    disk.heal();
    if let Some(operation) = site.cut_operation {
        disk.inner().inject(DiskFault::PowerCutAt { operation });
    }
}

/// The panics that strike a command at this moment.
fn panics_at(point: &FaultPoint<'_>) -> &'static [FaultKind] {
    match point.moment {
        Moment::Decide if point.is_timer => &[FaultKind::PanicTimer, FaultKind::PanicDecide],
        Moment::Decide => &[FaultKind::PanicDecide],
        Moment::Load => &[FaultKind::PanicReplay],
        Moment::Replay => &[FaultKind::PanicFold],
        Moment::Evolve => &[FaultKind::PanicEvolve],
        _ => &[FaultKind::PanicAnswer],
    }
}

/// What a runtime asks at each moment of each command: the cut at a moment, and panics by chance.
pub(super) fn at_moments(
    site: &Site,
    cut: Option<&Cut>,
) -> impl Fn(&FaultPoint<'_>) + Send + Sync + 'static {
    struct State {
        /// One generator to a kind, so that each strikes whatever others there are.
        draws: BTreeMap<FaultKind, ChaCha8Rng>,
        moments: u64,
        /// How often each command was struck already.
        struck: BTreeMap<String, u32>,
    }
    let cut_at = match cut.map(|cut| cut.at) {
        Some(CutAt::Moment(moment)) => Some(moment),
        _ => None,
    };
    let entropy = Entropy::seeded(site.seed);
    let draws = PANICS.into_iter().filter(|kind| site.faults.has(*kind));
    let draws = draws.map(|kind| {
        let label = format!("{} in life {}", kind.name(), site.life);
        (kind, entropy.fork(&label))
    });
    let state = Mutex::new(State {
        draws: draws.collect(),
        moments: 0,
        struck: BTreeMap::new(),
    });
    let site = site.clone();
    move |point| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.moments += 1;
        let moment = state.moments;
        if cut_at == Some(moment) {
            site.power
                .cut(format_args!("at moment {moment}: {}", told(point)));
        }
        if state.draws.is_empty() || site.power.is_cut() {
            return;
        }
        let now = site.now();
        let strikes = |kind: &FaultKind| {
            let share = site.faults.share(*kind, now);
            let draws = state.draws.get_mut(kind);
            share > 0.0 && draws.is_some_and(|draws| draws.random_bool(share))
        };
        let Some(kind) = panics_at(point).iter().copied().find(strikes) else {
            return;
        };
        let what = format!("panic at {}", told(point));
        // One that panics time and again is set aside, and that is another matter.
        let struck = state.struck.entry(what.clone()).or_default();
        *struck += 1;
        if *struck > STRUCK_MAX {
            return;
        }
        drop(state);
        site.witness.see(now, What::Fault(kind, &what));
        site.witness.struck(kind);
        strike();
    }
}

#[expect(clippy::panic, reason = "this is the fault that is injected")]
fn strike() {
    std::panic::panic_any(InjectedCrash);
}

fn told(point: &FaultPoint<'_>) -> String {
    format!(
        "{:?} of {} on {}/{}",
        point.moment, point.command, point.agent, point.entity
    )
}

#[cfg(test)]
mod tests {
    use super::super::fault::Fault;
    use super::*;

    /// Catches: a fault that strikes elsewhere because another one was left out: then no world that is
    /// made smaller is the world that it was made of.
    #[test]
    fn a_fault_strikes_as_before_where_another_is_left_out() {
        let fault = |number, kind| Fault {
            kind,
            number,
            rate: 6.0,
            from: Duration::ZERO,
            until: Duration::from_secs(600),
        };
        let kinds = [
            FaultKind::CrashIdle,
            FaultKind::DiskFull,
            FaultKind::CrashIdle,
        ];
        let faults: Vec<_> = kinds.into_iter().enumerate().collect();
        let all: Vec<_> = faults.iter().map(|(n, kind)| fault(*n, *kind)).collect();
        let acts = |faults: &[Fault]| {
            let faults = faults.to_vec();
            schedule(&FaultPlan { faults }, 7)
        };
        let (mut expected, without) = (acts(&all), acts(&all[1..]));
        expected.retain(|(_, number, _), _| *number != 0);
        assert!(without.len() > 50, "{without:?}");
        assert_eq!(without, expected);
    }
}
