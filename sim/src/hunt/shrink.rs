//! From a world that breaks a law to the smallest one that still does.

use super::id::WorldId;
use super::{HuntOptions, TIMELINE_LINES, run_id};
use crate::error::SimulationError;
use crate::lives::WorldOutcome;

/// How many worlds are tried at most.
const TRIES_MAX: u32 = 80;

/// A world that breaks a law, and what it came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The world.
    pub id: WorldId,
    /// What it came to, with its timeline.
    pub outcome: WorldOutcome,
    /// How many worlds were tried to make it smaller.
    pub tries: u32,
}

/// Makes a world smaller for as long as the same law breaks in it: fewer shoppers, fewer cuts and
/// faults, a shorter day.
///
/// # Errors
/// When the world itself cannot be run.
pub fn shrink(
    id: &WorldId,
    options: &HuntOptions,
    mut told: impl FnMut(u32, &WorldId),
) -> Result<Found, SimulationError> {
    let options = HuntOptions {
        timeline_lines: TIMELINE_LINES,
        ..options.clone()
    };
    let mut best = id.clone();
    let mut outcome = run_id(&best, &options)?;
    let Some(law) = outcome.broken().next().map(|verdict| verdict.name) else {
        return Ok(Found {
            id: best,
            outcome,
            tries: 1,
        });
    };
    let mut tries = 1;
    let mut better = true;
    while better && tries < TRIES_MAX {
        better = false;
        for smaller in smaller_than(&best, &options) {
            if tries == TRIES_MAX {
                break;
            }
            tries += 1;
            told(tries, &best);
            // A world that cannot be run shows nothing, and what was found is not to be lost over it.
            let Ok(tried) = run_id(&smaller, &options) else {
                continue;
            };
            if tried.broken().any(|verdict| verdict.name == law) {
                (best, outcome, better) = (smaller, tried, true);
                break;
            }
        }
    }
    Ok(Found {
        id: best,
        outcome,
        tries,
    })
}

/// Worlds that are smaller by one step, the boldest steps first.
fn smaller_than(id: &WorldId, options: &HuntOptions) -> Vec<WorldId> {
    let drawn = id.draw(options);
    let mut smaller = Vec::new();
    let shoppers = drawn.shop.shoppers;
    for fewer in [
        shoppers / 8,
        shoppers / 2,
        shoppers * 3 / 4,
        shoppers.saturating_sub(1),
    ] {
        if fewer > 0 && fewer < shoppers {
            let shoppers = Some(fewer);
            smaller.push(WorldId {
                shoppers,
                ..id.clone()
            });
        }
    }
    for without in without_one(id.faults.as_ref(), drawn.world.faults.faults.len()) {
        let faults = Some(without);
        smaller.push(WorldId {
            faults,
            ..id.clone()
        });
    }
    for without in without_one(id.cuts.as_ref(), drawn.world.cuts.len()) {
        let cuts = Some(without);
        smaller.push(WorldId { cuts, ..id.clone() });
    }
    let open_ms = u64::try_from(drawn.shop.open_for.as_millis()).unwrap_or(u64::MAX);
    for shorter in [open_ms / 4, open_ms / 2, open_ms * 3 / 4] {
        if shorter >= 1_000 {
            let open_ms = Some(shorter);
            smaller.push(WorldId {
                open_ms,
                ..id.clone()
            });
        }
    }
    smaller
}

/// Each way to leave one out, and first of all, all of them.
fn without_one(kept: Option<&Vec<usize>>, drawn: usize) -> Vec<Vec<usize>> {
    let kept = kept.cloned().unwrap_or_else(|| (0..drawn).collect());
    let none = (kept.len() > 1).then(Vec::new);
    let without = |gone: usize| {
        let others = kept.iter().enumerate().filter(|(n, _)| *n != gone);
        others.map(|(_, number)| *number).collect()
    };
    none.into_iter()
        .chain((0..kept.len()).map(without))
        .collect()
}
