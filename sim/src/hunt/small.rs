//! The worlds whose number in a second is a figure: all of one size.

use std::time::Duration;

use mercato_actors::runtime::Entropy;
use rand::Rng;

use super::HuntOptions;
use super::draw::{Drawn, draw};
use crate::lives::{Cut, CutAt, CutLeaves, FaultPlan};

const SHOPPERS: u32 = 100;
const OPEN_FOR: Duration = Duration::from_secs(180);

/// A hundred shoppers in three minutes, and one power cut; the rest as the seed draws it.
#[must_use]
pub fn small_world(seed: u64, options: &HuntOptions) -> Drawn {
    let mut drawn = draw(seed, options);
    let mut rng = Entropy::seeded(seed).fork("the cut of a small world");
    drawn.shop.shoppers = SHOPPERS;
    drawn.shop.open_for = OPEN_FOR;
    drawn.world.faults = FaultPlan::default();
    drawn.world.cuts = vec![Cut {
        at: CutAt::Time(OPEN_FOR.mul_f64(rng.random())),
        leaves: CutLeaves::ALL[rng.random_range(0..CutLeaves::ALL.len())],
        dark_for: Duration::from_secs(5),
    }];
    drawn
}

#[cfg(test)]
mod tests {
    use super::super::run_drawn;
    use super::*;

    /// Catches: a figure about worlds of another size, or without their power cut.
    #[test]
    fn a_small_world_is_cut_once_and_keeps_its_laws() {
        let options = HuntOptions::default();
        let world = small_world(1, &options);
        assert_eq!(
            (world.shop.shoppers, world.shop.open_for),
            (SHOPPERS, OPEN_FOR)
        );
        let outcome = run_drawn(&world, &options.lessons).expect("a world");
        let broken: Vec<_> = outcome.broken().collect();
        assert!(broken.is_empty(), "{broken:#?}");
        assert_eq!((outcome.tally.cuts, outcome.tally.strikes.all()), (1, 0));
    }
}
