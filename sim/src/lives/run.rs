//! A world from its first life to the judgement.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use mercato_actors::runtime::persistence::simulated_disk::SimulatedDisk;
use mercato_actors::runtime::persistence::{
    Journal, OpenError, RedbJournal, StorageBackend, Vault,
};
use mercato_actors::runtime::{Entropy, Runtime, Timestamp};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use xxhash_rust::xxh3::Xxh3;

use super::disk::PoweredDisk;
use super::draw::spread;
use super::fault::FaultKind;
use super::life::{Ended, Ground, Left, STOPS};
use super::outcome::{WorldHash, WorldOutcome};
use super::plan::{Cut, CutLeaves, WorldPlan};
use super::power::Power;
use super::records::record_hashes;
use super::rot::Rot;
use super::scene::{End, Scene};
use super::witness::{What, Witness};
use crate::error::SimulationError;
use crate::law::Verdict;
use crate::options::Mode;

/// A world begins on the morning of Thursday, 1 December 2011: 2011-12-01T08:00:00Z.
const BEGAN_MS: u64 = 1_322_726_400_000;
/// A journal that is refused as damaged is given back as it was, and opened again, so often.
const REPAIRS_MAX: u32 = 3;
/// How far the clock is set wrong at most, in ms.
const CLOCK_WRONG_MS_MAX: f64 = 600_000.0;
/// What breaks where a journal does not open after a power cut or an orderly end, or is damaged by one.
pub(super) const OPENS: &str =
    "after every power cut the journal opens, and nothing of it is damaged";
/// What breaks where a journal that opened cannot be read.
pub(crate) const READS: &str = "the journal can be read";

/// Lives a world through, from its first life to the judgement. The same plan and scene come to the
/// same outcome, to the byte.
///
/// # Errors
/// When it could not be run. A broken law is a finding: see [`WorldOutcome::laws_hold`].
pub fn run_world(plan: &WorldPlan, scene: &dyn Scene) -> Result<WorldOutcome, SimulationError> {
    let mut world = World::new(plan, scene)?;
    world.found()?;
    let settled = world.lives()?;
    world.judge(settled)
}

pub(super) struct World<'a> {
    pub(super) plan: &'a WorldPlan,
    scene: &'a dyn Scene,
    pub(super) witness: Witness,
    vault: Arc<Vault>,
    pub(super) disk: SimulatedDisk,
    now: Timestamp,
    pub(super) rot: Rot,
    /// Draws how wrong the clock is set.
    clock: ChaCha8Rng,
}

impl World<'_> {
    pub(super) fn new<'a>(
        plan: &'a WorldPlan,
        scene: &'a dyn Scene,
    ) -> Result<World<'a>, SimulationError> {
        Ok(World {
            plan,
            scene,
            witness: Witness::new(scene.laws(), plan.timeline_lines),
            vault: Arc::new(Vault::in_memory().map_err(OpenError::from)?),
            disk: SimulatedDisk::new(plan.seed),
            now: Timestamp::from_millis(BEGAN_MS),
            rot: Rot::new(Entropy::seeded(plan.seed).fork("damage")),
            clock: Entropy::seeded(plan.seed).fork("clock"),
        })
    }

    pub(super) fn ground(&self) -> Ground<'_> {
        Ground {
            plan: self.plan,
            scene: self.scene,
            witness: &self.witness,
            vault: &self.vault,
            began: Timestamp::from_millis(BEGAN_MS),
        }
    }

    /// The time, counted from the beginning of the world.
    pub(super) fn at(&self) -> Duration {
        self.now.since(Timestamp::from_millis(BEGAN_MS))
    }

    /// Lays the journal out. Only a file is created atomically, since only a file can be renamed, so
    /// the power holds until there is one.
    pub(super) fn found(&mut self) -> Result<(), SimulationError> {
        let disk = PoweredDisk::new(self.disk.clone(), Power::default());
        let tokio = paused()?;
        tokio.block_on(async {
            let journal = self.ground().journal(&disk, 0)??;
            journal.close().await?;
            Ok(())
        })
    }

    /// All lives. Gives whether everything had settled; `None` where a law was broken on the way.
    fn lives(&mut self) -> Result<Option<bool>, SimulationError> {
        let mut cuts = self.plan.cuts.iter();
        let mut repairs = 0;
        let mut cut = cuts.next();
        loop {
            let ended = self.live(cut)?;
            if self.witness.is_broken() {
                return Ok(None);
            }
            match ended {
                Ended::Cut => {
                    cut = cuts.next();
                    repairs = 0;
                }
                Ended::Done { settled } => return Ok(Some(settled)),
                Ended::Damaged(problem) if repairs < REPAIRS_MAX => {
                    repairs += 1;
                    self.repaired(&problem);
                    if self.witness.is_broken() {
                        return Ok(None);
                    }
                }
                Ended::Damaged(problem) | Ended::Closed(problem) => {
                    self.witness.must(OPENS, false, || problem);
                    return Ok(None);
                }
            }
        }
    }

    fn live(&mut self, cut: Option<&Cut>) -> Result<Ended, SimulationError> {
        let power = Power::default();
        let disk = PoweredDisk::new(self.disk.clone(), power.clone()).seen_by(&self.witness);
        let leaves = cut.map_or(CutLeaves::Everything, |cut| cut.leaves);
        let tokio = match self.plan.mode {
            Mode::Virtual => paused()?,
            Mode::Live => on_the_machines_clock()?,
        };
        let lived = tokio.block_on(async {
            let left = self.ground().live(self.now, &disk, &power, cut).await;
            // The disk is taken away before the journal is let go of, which would close it properly.
            let found = match &left {
                Ok(Left {
                    ended: Ended::Cut, ..
                }) => {
                    power.cut("the life is over");
                    disk.inner().power_cycle(leaves.mode())
                }
                _ => {
                    // A cut at an operation that this life did not come to is nobody else's.
                    disk.inner().heal();
                    disk.inner().clone()
                }
            };
            left.map(|left| (left, found))
        });
        drop(tokio);
        let (left, found) = lived?;
        self.disk = found;
        self.now = left.at;
        if left.opened {
            self.opened();
        }
        if let Ended::Cut = left.ended {
            self.now = self
                .now
                .plus(cut.map_or_else(Default::default, |cut| cut.dark_for));
            self.rot()?;
            self.set_clock();
        }
        Ok(left.ended)
    }

    /// While the power is away the clock may be set back or ahead. Within a life it cannot go back: it
    /// is read once, and counted on from there.
    fn set_clock(&mut self) {
        let share = self.plan.faults.share(FaultKind::ClockSet, self.at());
        if share <= 0.0 || !self.clock.random_bool(share) {
            return;
        }
        let wrong = Duration::from_millis(spread(&mut self.clock, 50.0, CLOCK_WRONG_MS_MAX));
        let (how, set) = match self.clock.random_bool(0.7) {
            true => ("back", self.now.minus(wrong)),
            false => ("ahead", self.now.plus(wrong)),
        };
        let what = format!("the clock is set {wrong:?} {how}");
        let fault = What::Fault(FaultKind::ClockSet, &what);
        self.witness.see(self.at(), fault);
        self.witness.struck(FaultKind::ClockSet);
        // Nothing that the world draws by the clock lies before its beginning.
        self.now = set.max(Timestamp::from_millis(BEGAN_MS));
    }

    /// Opens the shop once more, and holds every law against what is there.
    fn judge(self, settled: Option<bool>) -> Result<WorldOutcome, SimulationError> {
        let mut events = Xxh3::new();
        events.update(&self.witness.hash().to_le_bytes());
        let judged = match settled {
            Some(settled) => paused()?.block_on(self.judged(settled))?,
            None => Judged::default(),
        };
        for record in &judged.records {
            events.update(&record.to_le_bytes());
        }
        // What the shop owes while it is judged is among what the witness held against it.
        let mut verdicts = self.witness.verdicts();
        verdicts.extend(judged.verdicts);
        let mut tally = self.witness.tally();
        tally.damage_found = self.rot.found;
        tally.taken_for_torn = self.rot.taken_for_torn;
        tally.records = judged.records.len() as u64;
        let mut store = Xxh3::new();
        let mut bytes = vec![0; usize::try_from(self.disk.len()?).map_err(std::io::Error::other)?];
        self.disk.read(0, &mut bytes)?;
        store.update(&bytes);
        let mut report = Xxh3::new();
        report.update(format!("{verdicts:?} {tally:?}").as_bytes());
        Ok(WorldOutcome {
            verdicts,
            tally,
            hash: WorldHash {
                events: events.digest(),
                report: report.digest(),
                store: store.digest(),
            },
            lasted: self.at(),
            timeline: self.witness.timeline(),
        })
    }

    /// What the laws say over a runtime that was opened anew. A shop that cannot be opened or read
    /// after an orderly end has broken a law: it is no trouble of the simulator's.
    async fn judged(&self, settled: bool) -> Result<Judged, SimulationError> {
        let power = Power::default();
        let disk = PoweredDisk::new(self.disk.clone(), power.clone());
        let ground = self.ground();
        let life = self.witness.begin_life(&power, self.now);
        let site = ground.site(self.now, &power, life);
        let journal = match ground.journal(&disk, life)? {
            Ok(journal) => journal,
            Err(error) => return Ok(self.breaks(OPENS, &error)),
        };
        let builder = ground.builder(journal.clone(), &site);
        let builder = self.scene.open_for_questions(builder, &site);
        let runtime = match builder.map_err(SimulationError::Scene)?.start().await {
            Ok(runtime) => runtime,
            Err(error) => return Ok(self.breaks(OPENS, &error)),
        };
        let judged = match self.hold_laws(settled, &journal, &runtime).await {
            Ok(judged) => judged,
            Err(error) => self.breaks(READS, &error),
        };
        // Nothing strikes while the shop is judged.
        self.ground().nothing_panicked(&runtime, false);
        let stopped = runtime.stop().await;
        self.witness.must(STOPS, stopped.is_ok(), || {
            stopped
                .err()
                .map_or_else(String::new, |error| error.to_string())
        });
        Ok(judged)
    }

    async fn hold_laws(
        &self,
        settled: bool,
        journal: &Arc<RedbJournal>,
        runtime: &Runtime,
    ) -> Result<Judged, SimulationError> {
        let end = End {
            handle: runtime.handle(),
            journal: &**journal,
            plan: self.plan,
            settled,
            must_settle: self.plan.mode == Mode::Virtual,
            unfinished_flows: runtime.unfinished_flows()?,
            work_list: runtime.work_list()?,
        };
        let mut verdicts = Vec::new();
        for law in &mut self.witness.take_laws() {
            verdicts.extend(law.judge(&end).await);
        }
        let records = record_hashes(&**journal)?;
        Ok(Judged { verdicts, records })
    }

    fn breaks(&self, law: &'static str, problem: &dyn Display) -> Judged {
        self.witness.must(law, false, || problem);
        Judged::default()
    }
}

/// What a judgement came to.
#[derive(Default)]
struct Judged {
    verdicts: Vec<Verdict>,
    /// The hashes of all records.
    records: Vec<u64>,
}

pub(super) fn paused() -> Result<tokio::runtime::Runtime, SimulationError> {
    let mut tokio = tokio::runtime::Builder::new_current_thread();
    Ok(tokio.enable_time().start_paused(true).build()?)
}

fn on_the_machines_clock() -> Result<tokio::runtime::Runtime, SimulationError> {
    let mut tokio = tokio::runtime::Builder::new_multi_thread();
    Ok(tokio.enable_time().build()?)
}

#[cfg(test)]
mod tests {
    use super::super::fault::FaultPlan;
    use super::super::scenery::Scenery;
    use super::super::stage::Stage;
    use super::*;

    /// Catches: a store that cannot be opened after an orderly end, told as trouble of the simulator: no
    /// law would be broken, and the seed forgotten.
    #[test]
    fn a_store_that_does_not_open_for_the_judgement_breaks_a_law() {
        let day = Duration::from_secs(1);
        let plan = WorldPlan {
            cuts: Vec::new(),
            faults: FaultPlan::default(),
            ..WorldPlan::draw(1, day)
        };
        let scene = Scenery::new(|builder| builder, async |_: &Stage| {});
        let judged = |damaged: bool| {
            let mut world = World::new(&plan, &scene).expect("a world");
            world.found().expect("a journal");
            let settled = world.lives().expect("its lives");
            assert_eq!(settled, Some(true));
            let bytes = world.disk.len().expect("a length");
            for byte in (0..bytes).filter(|_| damaged) {
                world.disk.flip(byte * 8);
            }
            let outcome = world.judge(settled).expect("a judgement");
            let broken: Vec<_> = outcome.broken().map(|verdict| verdict.name).collect();
            broken
        };
        assert_eq!(judged(false), Vec::<&str>::new());
        assert_eq!(judged(true), [OPENS]);
    }
}
