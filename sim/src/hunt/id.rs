//! What a world is called: its version, its seed, and what was taken away from it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::HuntOptions;
use super::draw::{Drawn, draw};

/// Grows whenever a seed no longer draws the world that it drew before.
pub const WORLD_VERSION: u32 = 1;

/// A world of the hunt: all that its seed draws, or less. Its text reads
/// `1/77/s12/o60000/c0.2/f1`: version 1, seed 77, at most 12 shoppers, open for 60,000 ms, with the
/// first and the third of its cuts and the second of its faults.
///
/// ```
/// use mercato_sim::hunt::WorldId;
///
/// let id: WorldId = "1/77/s12/c0.2".parse()?;
/// assert_eq!((id.seed, id.shoppers), (77, Some(12)));
/// assert_eq!(id.to_string(), "1/77/s12/c0.2");
/// let of_another_version = "0/77".parse::<WorldId>();
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
    #[error("`{part}` is no part of a world's name; it reads like 1/77/s12/o60000/c0.2/f1")]
    Part {
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
                let kept: Vec<String> = kept.iter().map(usize::to_string).collect();
                write!(f, "/{letter}{}", kept.join("."))?;
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
        for part in parts {
            let mut chars = part.chars();
            let (letter, rest) = (chars.next(), chars.as_str());
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
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a name that does not lead back to its world, and nonsense that is taken for one.
    #[test]
    fn a_name_is_read_as_it_was_written() {
        for text in ["1/7", "1/7/s3/o900/c/f0.2", "1/18446744073709551615/c1"] {
            let id: WorldId = text.parse().expect("a name");
            assert_eq!(id.to_string(), text);
        }
        for nonsense in ["", "1", "x/7", "1/seven", "1/7/q3", "1/7/cx", "1/-7"] {
            assert!(nonsense.parse::<WorldId>().is_err(), "{nonsense}");
        }
    }
}
