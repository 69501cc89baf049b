//! Bits that turn over while the power is away. The journal must refuse to open, and never serve what
//! they made of it.

use std::collections::BTreeSet;
use std::fmt::Display;

use mercato_actors::runtime::persistence::StorageBackend;
use mercato_actors::runtime::persistence::simulated_disk::{CutMode, SimulatedDisk};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::disk::PoweredDisk;
use super::fault::FaultKind;
use super::power::Power;
use super::records::record_hashes;
use super::run::{OPENS, World, paused};
use super::witness::What;
use crate::error::SimulationError;

/// What breaks where damage is not found out, or is served.
const FOUND_OUT: &str = "damage is found when the journal is opened";

/// No commit of a world holds more records: what a world's crowd asks for at once, and some. What lacks
/// more than that lacks more than a torn commit.
const COMMIT_RECORDS_MAX: usize = 200;

/// What rotted since the journal was opened last.
pub(super) struct Rot {
    draws: ChaCha8Rng,
    /// The bits that turned over.
    flipped: Vec<u64>,
    /// The disk before the first of them.
    backup: Option<SimulatedDisk>,
    /// Whether a journal that looks at everything refuses them.
    must_refuse: bool,
    /// How often damage was found out.
    pub(super) found: u64,
    /// How many bits would have been taken for a torn commit, and were turned back.
    pub(super) taken_for_torn: u64,
}

impl Rot {
    pub(super) fn new(draws: ChaCha8Rng) -> Self {
        Self {
            draws,
            flipped: Vec::new(),
            backup: None,
            must_refuse: false,
            found: 0,
            taken_for_torn: 0,
        }
    }
}

/// What a journal that looks at everything finds on a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// It refuses it.
    Refused,
    /// It opens, and cannot be read to its end.
    Unreadable(String),
    /// It holds records of these hashes.
    Holds(Vec<u64>),
}

/// What turned bits do to a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Effect {
    /// They are found out.
    Refused,
    /// They are part of nothing.
    Harmless,
    /// The last commit looks as if the cut had torn it.
    LooksTorn,
    /// What they made of it is served. In words, what that is.
    Served(String),
}

/// The effect of bits by what there is without them and with them. Records that differ are damage that
/// is served, however many they are; fewer that are the same are what a torn commit leaves.
fn effect(sound: &Found, rotten: &Found) -> Effect {
    match (sound, rotten) {
        (_, Found::Refused) => Effect::Refused,
        (_, Found::Unreadable(problem)) => Effect::Served(problem.clone()),
        (Found::Holds(sound), Found::Holds(rotten)) => {
            let same = sound.iter().zip(rotten).take_while(|(a, b)| a == b).count();
            if same < rotten.len() {
                let number = same + 1;
                Effect::Served(format!("the record {number} says something else"))
            } else if same + COMMIT_RECORDS_MAX < sound.len() {
                let lost = sound.len() - same;
                Effect::Served(format!("the last {lost} records are missing"))
            } else if same < sound.len() {
                Effect::LooksTorn
            } else {
                Effect::Harmless
            }
        }
        // What is refused though none of its bits turned over is told when it is opened.
        (Found::Refused | Found::Unreadable(_), Found::Holds(_)) => Effect::Harmless,
    }
}

/// Another disk with the same bytes. A disk that is cycled has no power any more, so the one that is
/// copied is made anew as well.
fn copied(disk: &mut SimulatedDisk) -> SimulatedDisk {
    let [same, copy] = [(); 2].map(|()| disk.power_cycle(CutMode::KeepAll));
    *disk = same;
    copy
}

impl World<'_> {
    /// While the power is away a bit may turn over.
    pub(super) fn rot(&mut self) -> Result<(), SimulationError> {
        let share = self.plan.faults.share(FaultKind::CorruptPage, self.at());
        if share <= 0.0 || !self.rot.draws.random_bool(share) {
            return Ok(());
        }
        let rotten = [1, 1, 4, 16][self.rot.draws.random_range(0..4)];
        let mut bits = BTreeSet::new();
        for _ in 0..rotten {
            bits.insert(self.bit_in_use()?);
        }
        let sound = self.sound()?;
        // Disks with the same bytes: opening one writes to it.
        let copy = |flips: bool| {
            let copy = self.disk.power_cycle(CutMode::KeepAll);
            for bit in bits.iter().filter(|_| flips) {
                copy.flip(*bit);
            }
            copy
        };
        let effect = effect(&sound, &self.found_on(copy(true))?);
        // One that rots in the last commit, while nobody closed the journal, cannot be told from a
        // commit that a power cut tore.
        if effect == Effect::LooksTorn {
            self.rot.taken_for_torn += 1;
            self.disk = copy(false);
            let what =
                format!("bits {bits:?} of the disk would be taken for a torn commit: turned back");
            self.witness.see(self.at(), What::Mended(&what));
            return Ok(());
        }
        // Nothing was acknowledged since what is rotten already turned over.
        let backup = self.rot.flipped.is_empty().then(|| copy(false));
        self.disk = copy(true);
        self.rot.backup = backup.or(self.rot.backup.take());
        self.rot.must_refuse = effect == Effect::Refused;
        self.rot.flipped.extend(&bits);
        let what = format!("bits {bits:?} of the disk turn over");
        let fault = What::Fault(FaultKind::CorruptPage, &what);
        self.witness.see(self.at(), fault);
        self.witness.struck(FaultKind::CorruptPage);
        if let Effect::Served(problem) = effect {
            self.found_out(false, || {
                format!("bits {bits:?} turned over, and damage is served: {problem}")
            });
        }
        Ok(())
    }

    /// What there is to be served: what the disk holds, as it was before the first of its bits turned
    /// over since the journal was opened last. Nothing was acknowledged after that.
    fn sound(&mut self) -> Result<Found, SimulationError> {
        let copy = copied(self.rot.backup.as_mut().unwrap_or(&mut self.disk));
        self.found_on(copy)
    }

    /// A bit of a byte that is not zero: most of a small file is room that nobody uses.
    fn bit_in_use(&mut self) -> Result<u64, SimulationError> {
        const LOOKS: usize = 200;
        let bits = self.disk.len()?.max(1) * 8;
        let mut bit = 0;
        for _ in 0..LOOKS {
            bit = self.rot.draws.random_range(0..bits);
            let mut byte = [0];
            self.disk.read(bit / 8, &mut byte)?;
            if byte != [0] {
                break;
            }
        }
        Ok(bit)
    }

    /// What a journal that looks at everything finds.
    fn found_on(&self, disk: SimulatedDisk) -> Result<Found, SimulationError> {
        let disk = PoweredDisk::new(disk, Power::default());
        paused()?.block_on(async {
            let Ok(journal) = self.ground().checked_journal(&disk)? else {
                return Ok(Found::Refused);
            };
            Ok(match record_hashes(&*journal) {
                Ok(hashes) => Found::Holds(hashes),
                Err(error) => Found::Unreadable(error.to_string()),
            })
        })
    }

    /// A journal was opened: nothing that rotted may have been in the way.
    pub(super) fn opened(&mut self) {
        let overlooked = std::mem::take(&mut self.rot.must_refuse);
        self.found_out(!overlooked, || {
            format!("bits {:?} of the disk were turned over", self.rot.flipped)
        });
        // Every page was checked, so what was turned over is part of nothing.
        self.rot.flipped.clear();
        self.rot.backup = None;
    }

    fn found_out<T: Display>(&self, held: bool, case: impl FnOnce() -> T) {
        self.witness.must(FOUND_OUT, held, case);
    }

    /// A journal was refused as damaged. That is right where a bit was turned over, which is then
    /// mended, as by a backup; and wrong anywhere else.
    pub(super) fn repaired(&mut self, problem: &str) {
        self.rot.must_refuse = false;
        let flipped = std::mem::take(&mut self.rot.flipped);
        self.witness
            .must(OPENS, !flipped.is_empty(), || problem.to_owned());
        if flipped.is_empty() {
            return;
        }
        self.rot.found += 1;
        // Not by turning the bits back: a store that was refused may have been tidied up before.
        if let Some(backup) = self.rot.backup.take() {
            self.disk = backup;
        }
        let mended = What::Mended("the damage is found, and a backup put in its place");
        self.witness.see(self.at(), mended);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::fault::{Fault, FaultPlan};
    use super::super::plan::WorldPlan;
    use super::super::scenery::Scenery;
    use super::super::stage::Stage;
    use super::*;

    fn holds(hashes: &[u64]) -> Found {
        Found::Holds(hashes.to_vec())
    }

    /// Catches: damage that is served in as many records as before, or in more; a torn commit that is
    /// taken for damage.
    #[test]
    fn what_rotted_is_known_by_what_is_served_and_not_by_how_much() {
        let sound = holds(&[1, 2, 3]);
        let effects = [
            (holds(&[1, 2, 3]), Effect::Harmless),
            (holds(&[1, 2]), Effect::LooksTorn),
            (Found::Refused, Effect::Refused),
        ];
        for (rotten, expected) in effects {
            assert_eq!(effect(&sound, &rotten), expected, "{rotten:?}");
        }
        let many: Vec<u64> = (0..=200).collect();
        let all_lost = effect(&holds(&many), &holds(&[]));
        assert!(matches!(all_lost, Effect::Served(_)), "{all_lost:?}");
        let one_commit = effect(&holds(&many), &holds(&[0]));
        assert_eq!(one_commit, Effect::LooksTorn);
        let served = [
            holds(&[1, 9, 3]),
            holds(&[9, 2]),
            holds(&[1, 2, 3, 4]),
            Found::Unreadable("a page".into()),
        ];
        for rotten in served {
            let effect = effect(&sound, &rotten);
            assert!(matches!(effect, Effect::Served(_)), "{rotten:?}");
        }
    }

    /// Catches: damage upon damage that was refused already, and that is held against nothing: whatever
    /// the two together made of the records could be served.
    #[test]
    fn damage_upon_damage_is_held_against_what_there_was_before_both() {
        let day = Duration::from_secs(1);
        let rot = |number, from| Fault {
            kind: FaultKind::CorruptPage,
            number,
            rate: 1.0,
            from,
            until: day * 2,
        };
        let plan = WorldPlan {
            cuts: Vec::new(),
            faults: FaultPlan {
                faults: vec![rot(0, Duration::ZERO)],
            },
            ..WorldPlan::draw(1, day)
        };
        let scene = Scenery::new(|builder| builder, async |_: &Stage| {});
        let mut world = World::new(&plan, &scene).expect("a world");
        world.found().expect("a journal");
        let before = world.sound().expect("it is read");
        assert!(matches!(before, Found::Holds(_)), "{before:?}");
        let damaged = |world: &mut World<'_>| {
            let copy = copied(&mut world.disk);
            world.found_on(copy).expect("it is read") == Found::Refused
        };
        for _ in 0..50 {
            world.rot().expect("it rots");
            if damaged(&mut world) {
                break;
            }
        }
        assert!(damaged(&mut world));
        assert_eq!(world.sound().expect("it is read"), before);
        let backup = world.rot.backup.expect("a backup");
        assert!(
            backup.len().is_ok(),
            "and that can still be put in its place"
        );
    }
}
