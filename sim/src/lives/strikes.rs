//! Lets the faults of a plan strike in one life.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mercato_actors::runtime::persistence::StorageBackend;
use mercato_actors::runtime::persistence::simulated_disk::Fault as DiskFault;
use mercato_actors::runtime::{CrashPoint, Entropy, FaultPoint, InjectedCrash, Moment, Runtime};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::disk::PoweredDisk;
use super::fault::{FaultKind, FaultPlan};
use super::plan::{Cut, CutAt};
use super::scene::{Scene, Site};
use super::stage::Stage;
use super::witness::What;

/// A fault by the clock strikes at most so often in a world.
const STRIKES_MAX: usize = 10_000;
/// A fault strikes a command on one entity at one moment at most so often in a life.
const STRUCK_MAX: u32 = 1;
/// How many times as long a slow disk takes.
const SLOW: u64 = 50;

/// What is to happen at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Strike(FaultKind),
    HealDisk,
    HurryDisk,
}

/// When the faults by the clock strike, by the plan and the seed alone.
fn schedule(plan: &FaultPlan, seed: u64) -> BTreeMap<(Duration, usize), Act> {
    let mut acts = BTreeMap::new();
    let entropy = Entropy::seeded(seed);
    for (number, fault) in plan.faults.iter().enumerate() {
        if fault.kind.unit() != super::fault::RateUnit::AMinute || fault.rate <= 0.0 {
            continue;
        }
        let mut rng = entropy.fork(&format!("strikes of {} {number}", fault.kind.name()));
        let mut at = fault.from;
        while acts.len() < STRIKES_MAX {
            let gap: f64 = -rng.random_range(f64::EPSILON..1.0_f64).ln() * 60.0 / fault.rate;
            at += Duration::from_secs_f64(gap.min(1e7));
            if at >= fault.until {
                break;
            }
            acts.insert((at, acts.len()), Act::Strike(fault.kind));
        }
    }
    acts
}

/// Lets faults by the clock strike until it is dropped.
pub(super) async fn by_the_clock(
    scene: &dyn Scene,
    stage: &Stage,
    runtime: &Runtime,
    disk: &PoweredDisk,
) {
    let site = &stage.site;
    let mut acts = schedule(&site.faults, site.seed);
    let mut rng = stage.rng(&format!("targets in life {}", site.life));
    let mut more = STRIKES_MAX;
    // What fell into an earlier life.
    acts = acts.split_off(&(site.now(), 0));
    while let Some(((at, _), act)) = acts.pop_first() {
        stage.until(at).await;
        let mut later = |seconds: u64, act| {
            more += 1;
            acts.insert((at + Duration::from_secs(seconds), more), act);
        };
        let saw = |what: &str| site.witness.see(site.now(), What::Fault(what));
        let seconds = rng.random_range(1..=8);
        let device = disk.inner();
        let next = device.operations() + 1;
        match act {
            Act::HealDisk => {
                saw("the disk is well again");
                heal(site, disk);
            }
            Act::HurryDisk => disk.slow_down(1),
            Act::Strike(FaultKind::CrashIdle) => {
                crash(scene, runtime, CrashPoint::Idle, &mut rng, &saw);
            }
            Act::Strike(FaultKind::CrashBusy) => {
                crash(scene, runtime, CrashPoint::NextCommand, &mut rng, &saw);
            }
            Act::Strike(FaultKind::CrashFlows) => {
                let flows = runtime.crash_flows();
                saw(&format!("{flows} flows crash"));
            }
            Act::Strike(FaultKind::MailboxPressure) => {
                saw("many ask for one thing");
                scene.press(stage).await;
            }
            Act::Strike(FaultKind::DiskWriteError) => {
                saw("the disk takes no writes");
                device.inject(DiskFault::WriteErrorAt { operation: next });
                later(seconds, Act::HealDisk);
            }
            Act::Strike(FaultKind::DiskFull) => {
                saw("the disk is full");
                let bytes = device.len().unwrap_or_default() / 2;
                device.inject(DiskFault::FullAt { bytes });
                later(seconds, Act::HealDisk);
            }
            Act::Strike(FaultKind::DiskSyncError) => {
                saw("the next sync fails");
                device.inject(DiskFault::SyncErrorAt { operation: next });
            }
            Act::Strike(FaultKind::DiskSlow) => {
                saw("the disk is slow");
                disk.slow_down(SLOW);
                later(seconds, Act::HurryDisk);
            }
            Act::Strike(FaultKind::ClockJump) => {
                saw(&format!("the clock jumps {} s ahead", seconds * 5));
                tokio::time::advance(Duration::from_secs(seconds * 5)).await;
            }
            Act::Strike(_) => {}
        }
    }
    std::future::pending::<()>().await;
}

/// Takes the disk's faults away, and puts the power cut back that is still to come.
pub(super) fn heal(site: &Site, disk: &PoweredDisk) {
    disk.inner().heal();
    if let Some(operation) = site.cut_operation {
        disk.inner().inject(DiskFault::PowerCutAt { operation });
    }
}

fn crash(
    scene: &dyn Scene,
    runtime: &Runtime,
    point: CrashPoint,
    rng: &mut ChaCha8Rng,
    saw: &dyn Fn(&str),
) {
    let agents = scene.agents();
    if agents.is_empty() {
        return;
    }
    let agent = agents[rng.random_range(0..agents.len())];
    let shards = runtime.shards(agent);
    if shards > 0 {
        let shard = rng.random_range(0..shards);
        runtime.crash_shard(agent, shard, point);
        saw(&format!("{agent}/{shard} crashes ({point:?})"));
    }
}

/// What a runtime asks at each moment of each command: the cut at a moment, and panics by chance.
pub(super) fn at_moments(
    site: &Site,
    cut: Option<&Cut>,
) -> impl Fn(&FaultPoint<'_>) + Send + Sync + 'static {
    struct State {
        rng: ChaCha8Rng,
        moments: u64,
        /// How often each command was struck already.
        struck: BTreeMap<String, u32>,
    }
    let cut_at = match cut.map(|cut| cut.at) {
        Some(CutAt::Moment(moment)) => Some(moment),
        _ => None,
    };
    let panics = [
        FaultKind::PanicDecide,
        FaultKind::PanicReplay,
        FaultKind::PanicEvolve,
        FaultKind::PanicAnswer,
        FaultKind::PanicTimer,
    ];
    let panics = panics.iter().any(|kind| site.faults.has(*kind));
    let state = Mutex::new(State {
        rng: Entropy::seeded(site.seed).fork(&format!("panics in life {}", site.life)),
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
        if !panics || site.power.is_cut() {
            return;
        }
        let kind = match point.moment {
            Moment::Decide => FaultKind::PanicDecide,
            Moment::Load => FaultKind::PanicReplay,
            Moment::Evolve => FaultKind::PanicEvolve,
            _ => FaultKind::PanicAnswer,
        };
        let mut share = site.faults.share(kind, site.now());
        if point.is_timer && point.moment == Moment::Decide {
            share = share.max(site.faults.share(FaultKind::PanicTimer, site.now()));
        }
        if share > 0.0 && state.rng.random_bool(share) {
            let what = format!("panic at {}", told(point));
            // One that panics time and again is set aside, and that is another matter.
            let struck = state.struck.entry(what.clone()).or_default();
            *struck += 1;
            if *struck > STRUCK_MAX {
                return;
            }
            drop(state);
            site.witness.see(site.now(), What::Fault(&what));
            strike();
        }
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
