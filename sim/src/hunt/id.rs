//! What a world is called: its version, its seed, and what was taken away from it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::HuntOptions;
use super::draw::{Drawn, draw};

/// Grows whenever a seed no longer draws the world that it drew before.
pub const WORLD_VERSION: u32 = 4;

/// A world of the hunt: all that its seed draws, or less. Its text reads
/// `4/78/s12/o60000/c0.2/f1`: version 4, seed 78, at most 12 shoppers, open for 60,000 ms, with the
/// first and the third of its cuts and the second of its faults.
///
/// ```
/// use mercato_sim::hunt::WorldId;
///
/// let id: WorldId = "4/78/s12/c0.2".parse()?;
/// assert_eq!((id.seed, id.shoppers), (78, Some(12)));
/// assert_eq!(id.to_string(), "4/78/s12/c0.2");
/// let of_another_version = "0/78".parse::<WorldId>();
/// assert!(of_another_version.is_err_and(|error| error.to_string().contains("world has changed")));
/// # Ok::<_, mercato_sim::hunt::WorldIdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldId {
    /// Draws everything.
    pub seed: u64,
    /// At most so many shoppers.
    pub shoppers: Option<u32>,
    /// Open no longer than this, in ms.
    pub open_ms: Option<u64>,
    /// These of its cuts; all of them where nothing is said.
    pub cuts: Option<Vec<usize>>,
    /// These of its faults; all of them where nothing is said.
    pub faults: Option<Vec<usize>>,
}

/// Why a text names no world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorldIdError {
    /// Another version of the simulator drew other worlds.
    #[error(
        "this names a world of version {found}, and this mercato draws worlds of version \
         {WORLD_VERSION}: the world has changed, so the same seed would be another world; replay it \
         with the mercato that printed it, or hunt anew"
    )]
    OtherVersion {
        /// The version in the text.
        found: u32,
    },
    /// A part cannot be read.
    #[error("`{part}` is no part of a world's name; it reads like 4/78/s12/o60000/c0.2/f1")]
    Part {
        /// The part.
        part: String,
    },
    /// It asks for what its seed does not draw.
    #[error(
        "`{part}` asks for number {number}, and this seed draws {drawn} of them, counted from 0; \
         leave it out, or name the world as hunt printed it"
    )]
    NotDrawn {
        /// The part.
        part: String,
        /// What it asks for.
        number: usize,
        /// How many there are.
        drawn: usize,
    },
    /// It says the same in two parts.
    #[error("`{part}` says once more what another part of the name says; leave one of them out")]
    Repeated {
        /// The second of them.
        part: String,
    },
    /// It asks for something twice, or not in order.
    #[error("`{part}` must name each number once, the smaller ones first")]
    Order {
        /// The part.
        part: String,
    },
}

impl WorldId {
    /// All that a seed draws.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        Self {
            seed,
            shoppers: None,
            open_ms: None,
            cuts: None,
            faults: None,
        }
    }

    /// What it is the name of.
    #[must_use]
    pub fn draw(&self, options: &HuntOptions) -> Drawn {
        let mut drawn = draw(self.seed, options);
        if let Some(most) = self.shoppers {
            drawn.shop.shoppers = drawn.shop.shoppers.min(most);
        }
        if let Some(most) = self.open_ms {
            drawn.shop.open_for = drawn.shop.open_for.min(Duration::from_millis(most));
        }
        if let Some(kept) = &self.cuts {
            drawn.world.cuts = some_of(&drawn.world.cuts, kept);
        }
        if let Some(kept) = &self.faults {
            let faults = &mut drawn.world.faults.faults;
            *faults = some_of(faults, kept);
        }
        drawn
    }
}

fn some_of<T: Clone>(all: &[T], kept: &[usize]) -> Vec<T> {
    kept.iter().filter_map(|n| all.get(*n).cloned()).collect()
}

impl fmt::Display for WorldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{WORLD_VERSION}/{}", self.seed)?;
        if let Some(shoppers) = self.shoppers {
            write!(f, "/s{shoppers}")?;
        }
        if let Some(ms) = self.open_ms {
            write!(f, "/o{ms}")?;
        }
        for (letter, kept) in [('c', &self.cuts), ('f', &self.faults)] {
            if let Some(kept) = kept {
                write!(f, "/{}", part_of(letter, kept))?;
            }
        }
        Ok(())
    }
}

impl FromStr for WorldId {
    type Err = WorldIdError;

    fn from_str(text: &str) -> Result<Self, WorldIdError> {
        let bad = |part: &str| WorldIdError::Part { part: part.into() };
        let mut parts = text.trim().split('/');
        let version = parts.next().unwrap_or_default();
        let found: u32 = version.parse().map_err(|_| bad(version))?;
        if found != WORLD_VERSION {
            return Err(WorldIdError::OtherVersion { found });
        }
        let seed = parts.next().unwrap_or_default();
        let mut id = Self::of_seed(seed.parse().map_err(|_| bad(seed))?);
        let mut letters = BTreeSet::new();
        for part in parts {
            let mut chars = part.chars();
            let (letter, rest) = (chars.next(), chars.as_str());
            if !letters.insert(letter) {
                return Err(WorldIdError::Repeated { part: part.into() });
            }
            let numbers = || {
                let numbers = rest.split('.').filter(|number| !number.is_empty());
                let numbers = numbers.map(|number| number.parse().map_err(|_| bad(part)));
                numbers.collect::<Result<Vec<usize>, _>>()
            };
            match letter {
                Some('s') => id.shoppers = Some(rest.parse().map_err(|_| bad(part))?),
                Some('o') => id.open_ms = Some(rest.parse().map_err(|_| bad(part))?),
                Some('c') => id.cuts = Some(numbers()?),
                Some('f') => id.faults = Some(numbers()?),
                _ => return Err(bad(part)),
            }
        }
        // What all worlds of a hunt share changes neither cuts nor faults.
        let world = draw(id.seed, &HuntOptions::default()).world;
        are_drawn('c', id.cuts.as_deref(), world.cuts.len())?;
        are_drawn('f', id.faults.as_deref(), world.faults.faults.len())?;
        Ok(id)
    }
}

/// Refuses what a seed does not draw: passed over in silence it would be another world.
fn are_drawn(letter: char, kept: Option<&[usize]>, drawn: usize) -> Result<(), WorldIdError> {
    let kept = kept.unwrap_or_default();
    let part = || part_of(letter, kept);
    if let Some(number) = kept.iter().copied().find(|number| *number >= drawn) {
        let part = part();
        return Err(WorldIdError::NotDrawn {
            part,
            number,
            drawn,
        });
    }
    match kept.is_sorted_by(|a, b| a < b) {
        true => Ok(()),
        false => Err(WorldIdError::Order { part: part() }),
    }
}

fn part_of(letter: char, kept: &[usize]) -> String {
    let kept: Vec<String> = kept.iter().map(usize::to_string).collect();
    format!("{letter}{}", kept.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a name that does not lead back to its world, and nonsense that is taken for one.
    #[test]
    fn a_name_is_read_as_it_was_written() {
        // Its seed draws two cuts and a fault at least.
        for text in ["4/24", "4/24/s3/o900/c/f0", "4/24/c0.1"] {
            let id: WorldId = text.parse().expect("a name");
            assert_eq!(id.to_string(), text);
        }
        for nonsense in ["", "4", "x/7", "4/seven", "4/7/q3", "4/7/cx", "3/-7"] {
            assert!(nonsense.parse::<WorldId>().is_err(), "{nonsense}");
        }
    }

    /// Catches: a cut or a fault that is not there and is left out without a word, so that what is
    /// replayed is not what was asked for.
    #[test]
    fn a_name_that_asks_for_what_its_seed_does_not_draw_is_refused() {
        for (text, part) in [("4/24/c9", "`c9`"), ("4/24/c0/f77", "`f77`")] {
            let refused = text.parse::<WorldId>().expect_err(text);
            assert!(
                matches!(refused, WorldIdError::NotDrawn { .. }),
                "{refused}"
            );
            assert!(refused.to_string().contains(part), "{refused}");
        }
        for text in ["4/24/c0/c1", "4/24/s3/c0/s9"] {
            let refused = text.parse::<WorldId>().expect_err(text);
            assert!(
                matches!(refused, WorldIdError::Repeated { .. }),
                "{refused}"
            );
        }
        for text in ["4/24/c0.0", "4/24/c1.0"] {
            let refused = text.parse::<WorldId>().expect_err(text);
            assert!(matches!(refused, WorldIdError::Order { .. }), "{refused}");
        }
    }
}
