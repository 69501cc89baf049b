//! From a seed to a world of the shop: its size and its terms, its cuts and its faults.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use mercato_actors::runtime::Entropy;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::HuntOptions;
use crate::lives::{WorldPlan, spread};
use crate::shop::{Rush, ShopPlan};

/// A world that was drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// The shop.
    pub shop: ShopPlan,
    /// What befalls it.
    pub world: WorldPlan,
}

/// Draws the world of a seed.
#[must_use]
pub fn draw(seed: u64, options: &HuntOptions) -> Drawn {
    let entropy = Entropy::seeded(seed);
    let shop = draw_shop(seed, &mut entropy.fork("shop"), options);
    let day = shop.open_for;
    Drawn {
        world: WorldPlan {
            timeline_lines: options.timeline_lines,
            ..WorldPlan::draw(seed, day)
        },
        shop,
    }
}

fn seconds(rng: &mut ChaCha8Rng, from: u64, to: u64) -> Duration {
    Duration::from_millis(rng.random_range(from * 1_000..=to * 1_000))
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
        fills_percent: [100, 100, 100, 25][rng.random_range(0..4)],
        abandons_percent: [0, 0, 20, 70][rng.random_range(0..4)],
        #[cfg(feature = "planted-bugs")]
        planted: options.planted,
    }
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    /// Catches: a change of what a seed draws without a new [`WORLD_VERSION`](super::super::WORLD_VERSION), so
    /// that a name which somebody noted down means another world.
    #[test]
    fn the_worlds_of_this_version_are_these() {
        let options = HuntOptions::default();
        let drawn: Vec<String> = (1..=200)
            .map(|seed| format!("{:?}", draw(seed, &options)))
            .collect();
        // A build that can make mistakes says that it makes none.
        let drawn = drawn.join("\n").replace(", planted: None", "");
        assert_eq!(
            (super::super::WORLD_VERSION, xxh3_64(drawn.as_bytes())),
            (4, 5_431_572_971_819_911_593),
            "give the worlds a new version, and note their hash here"
        );
    }
}
