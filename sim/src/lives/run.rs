//! A world from its first life to the judgement.

use std::sync::Arc;

use mercato_actors::runtime::persistence::simulated_disk::{CutMode, SimulatedDisk};
use mercato_actors::runtime::persistence::{Journal, OpenError, Position, StorageBackend, Vault};
use mercato_actors::runtime::{Entropy, Timestamp};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use xxhash_rust::xxh3::Xxh3;

use super::disk::PoweredDisk;
use super::fault::FaultKind;
use super::life::{Ended, Ground, Left};
use super::outcome::{WorldHash, WorldOutcome};
use super::plan::{Cut, CutLeaves, WorldPlan};
use super::power::Power;
use super::scene::{End, Scene};
use super::witness::{What, Witness};
use crate::error::SimulationError;
use crate::law::Verdict;

/// A world begins on the morning of Thursday, 1 December 2011: 2011-12-01T08:00:00Z.
const BEGAN_MS: u64 = 1_322_726_400_000;
/// A journal that is refused as damaged is given back as it was, and opened again, so often.
const REPAIRS_MAX: u32 = 3;
/// How many records are read at a time.
const CHUNK: usize = 4_096;

/// Lives a world through, from its first life to the judgement. The same plan and scene come to the
/// same outcome, to the byte.
///
/// # Errors
/// When it could not be run. A broken law is a finding: see [`WorldOutcome::laws_hold`].
pub fn run_world(plan: &WorldPlan, scene: &dyn Scene) -> Result<WorldOutcome, SimulationError> {
    let mut world = World {
        plan,
        scene,
        witness: Witness::new(scene.laws(), plan.timeline_lines),
        vault: Arc::new(Vault::in_memory().map_err(OpenError::from)?),
        disk: SimulatedDisk::new(plan.seed),
        now: Timestamp::from_millis(BEGAN_MS),
        damage: Entropy::seeded(plan.seed).fork("damage"),
        damage_found: 0,
        taken_for_torn: 0,
        flipped: Vec::new(),
        backup: None,
        must_refuse: false,
    };
    world.found()?;
    let settled = world.lives()?;
    world.judge(settled)
}

struct World<'a> {
    plan: &'a WorldPlan,
    scene: &'a dyn Scene,
    witness: Witness,
    vault: Arc<Vault>,
    disk: SimulatedDisk,
    now: Timestamp,
    damage: ChaCha8Rng,
    damage_found: u64,
    taken_for_torn: u64,
    /// The bits that were turned over since the journal was opened last.
    flipped: Vec<u64>,
    /// The disk before the first of them.
    backup: Option<SimulatedDisk>,
    /// Whether a journal that looks at everything refuses them.
    must_refuse: bool,
}

impl World<'_> {
    fn ground(&self) -> Ground<'_> {
        Ground {
            plan: self.plan,
            scene: self.scene,
            witness: &self.witness,
            vault: &self.vault,
            began: Timestamp::from_millis(BEGAN_MS),
        }
    }

    /// Lays the journal out. Only a file is created atomically, since only a file can be renamed, so
    /// the power holds until there is one.
    fn found(&mut self) -> Result<(), SimulationError> {
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

    /// A journal was refused as damaged. That is right where a bit was turned over, which is then
    /// mended, as by a backup; and wrong anywhere else.
    fn repaired(&mut self, problem: &str) {
        self.must_refuse = false;
        let flipped = std::mem::take(&mut self.flipped);
        self.witness
            .must(OPENS, !flipped.is_empty(), || problem.to_owned());
        if !flipped.is_empty() {
            self.damage_found += 1;
            // Not by turning the bits back: a store that was refused may have been tidied up before.
            if let Some(backup) = self.backup.take() {
                self.disk = backup;
            }
            let at = self.now.since(Timestamp::from_millis(BEGAN_MS));
            self.witness
                .see(at, What::Fault("the damage is found, and mended"));
        }
    }

    fn live(&mut self, cut: Option<&Cut>) -> Result<Ended, SimulationError> {
        let power = Power::default();
        let disk = PoweredDisk::new(self.disk.clone(), power.clone());
        let leaves = cut.map_or(CutLeaves::Everything, |cut| cut.leaves);
        let tokio = paused()?;
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
            let overlooked = std::mem::take(&mut self.must_refuse);
            self.witness.must(FOUND_OUT, !overlooked, || {
                format!("bits {:?} of the disk were turned over", self.flipped)
            });
            // Every page was checked, so what was turned over is part of nothing.
            self.flipped.clear();
            self.backup = None;
        }
        if let Ended::Cut = left.ended {
            self.now = self
                .now
                .plus(cut.map_or_else(Default::default, |cut| cut.dark_for));
            self.rot()?;
        }
        Ok(left.ended)
    }

    /// A bit of a byte that is not zero: most of a small file is room that nobody uses.
    fn bit_in_use(&mut self) -> Result<u64, SimulationError> {
        const LOOKS: usize = 200;
        let bits = self.disk.len()?.max(1) * 8;
        let mut bit = 0;
        for _ in 0..LOOKS {
            bit = self.damage.random_range(0..bits);
            let mut byte = [0];
            self.disk.read(bit / 8, &mut byte)?;
            if byte != [0] {
                break;
            }
        }
        Ok(bit)
    }

    /// How many records a journal that looks at everything finds on a disk; `None` where it is refused.
    fn records_on(&self, disk: SimulatedDisk) -> Result<Option<u64>, SimulationError> {
        let disk = PoweredDisk::new(disk, Power::default());
        paused()?.block_on(async {
            let journal = self.ground().checked_journal(&disk)?;
            Ok(journal.ok().map(|journal| journal.durable().get()))
        })
    }

    /// While the power is away a bit may turn over.
    fn rot(&mut self) -> Result<(), SimulationError> {
        let at = self.now.since(Timestamp::from_millis(BEGAN_MS));
        let share = self.plan.faults.share(FaultKind::CorruptPage, at);
        if share > 0.0 && self.damage.random_bool(share) {
            let rotten = [1, 1, 4, 16][self.damage.random_range(0..4)];
            let mut bits = std::collections::BTreeSet::new();
            for _ in 0..rotten {
                bits.insert(self.bit_in_use()?);
            }
            // Disks with the same bytes: opening one writes to it.
            let copy = |flips: bool| {
                let copy = self.disk.power_cycle(CutMode::KeepAll);
                for bit in bits.iter().filter(|_| flips) {
                    copy.flip(*bit);
                }
                copy
            };
            let (sound, rotten) = (self.records_on(copy(false))?, self.records_on(copy(true))?);
            // One that rots in the last commit, while nobody closed the journal, cannot be told from a
            // commit that a power cut tore.
            let is_torn = rotten.is_some() && rotten < sound;
            let what = if is_torn {
                self.taken_for_torn += 1;
                self.disk = copy(false);
                format!("bits {bits:?} of the disk would be taken for a torn commit")
            } else {
                // Nothing was acknowledged since what is rotten already turned over.
                if self.flipped.is_empty() {
                    self.backup = Some(copy(false));
                }
                self.disk = copy(true);
                self.must_refuse = rotten.is_none();
                self.flipped.extend(&bits);
                format!("bits {bits:?} of the disk turn over")
            };
            self.witness.see(at, What::Fault(&what));
        }
        Ok(())
    }

    /// Opens the shop once more, and holds every law against what is there.
    fn judge(self, settled: Option<bool>) -> Result<WorldOutcome, SimulationError> {
        let began = Timestamp::from_millis(BEGAN_MS);
        let mut verdicts = self.witness.verdicts();
        let mut events = Xxh3::new();
        events.update(&self.witness.hash().to_le_bytes());
        let mut records = 0;
        if let Some(settled) = settled {
            let tokio = paused()?;
            let judged = tokio.block_on(self.judged(settled, &mut events))?;
            records = judged.1;
            verdicts.extend(judged.0);
        }
        let mut tally = self.witness.tally();
        tally.damage_found = self.damage_found;
        tally.taken_for_torn = self.taken_for_torn;
        tally.records = records;
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
            lasted: self.now.since(began),
            timeline: self.witness.timeline(),
        })
    }

    async fn judged(
        &self,
        settled: bool,
        events: &mut Xxh3,
    ) -> Result<(Vec<Verdict>, u64), SimulationError> {
        let power = Power::default();
        let disk = PoweredDisk::new(self.disk.clone(), power.clone());
        let ground = self.ground();
        let life = self.witness.begin_life(&power);
        let site = ground.site(self.now, &power, life);
        let journal = ground.journal(&disk, life)??;
        let builder = ground.builder(journal.clone(), &site);
        let builder = self.scene.open_for_questions(builder, &site);
        let runtime = builder.map_err(SimulationError::Scene)?.start().await?;
        let end = End {
            handle: runtime.handle(),
            journal: &*journal,
            settled,
            unfinished_flows: runtime.unfinished_flows()?,
            work_list: runtime.work_list()?,
        };
        let mut verdicts = Vec::new();
        let mut laws = self.witness.take_laws();
        for law in &mut laws {
            verdicts.extend(law.judge(&end).await);
        }
        drop(end);
        let records = hash_records(&*journal, events)?;
        runtime.stop().await?;
        Ok((verdicts, records))
    }
}

/// What breaks where a journal is opened that a look at all of it would refuse.
const FOUND_OUT: &str = "damage is found when the journal is opened";
/// What breaks where a journal does not open after a power cut, or is damaged by one.
const OPENS: &str = "after every power cut the journal opens, and nothing of it is damaged";

fn paused() -> Result<tokio::runtime::Runtime, SimulationError> {
    let mut tokio = tokio::runtime::Builder::new_current_thread();
    Ok(tokio.enable_time().start_paused(true).build()?)
}

/// Hashes every durable record, and gives how many they are.
fn hash_records(journal: &dyn Journal, hash: &mut Xxh3) -> Result<u64, SimulationError> {
    let mut at = Position::START;
    loop {
        let records = journal.read(at, CHUNK)?;
        let Some(last) = records.last() else {
            return Ok(at.get());
        };
        at = last.position;
        for recorded in &records {
            let append = &recorded.append;
            hash.update(append.stream.as_bytes());
            hash.update(&append.expected_version.to_le_bytes());
            hash.update(&append.recorded_at_ms.to_le_bytes());
            if let Some(command) = &append.command {
                hash.update(command.command.as_bytes());
                hash.update(&command.reply);
            }
            for event in &append.events {
                hash.update(event.name.as_bytes());
                hash.update(&event.payload);
            }
        }
    }
}
