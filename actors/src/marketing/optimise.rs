//! Thompson sampling over the variants of a campaign.
//!
//! Each variant's click rate has a Beta posterior with a uniform prior. A variant is chosen by
//! drawing one rate from each posterior: the better it looks, the more often it is sent, and what
//! is little known still gets its chance. Rewards may come late; until then a sent message counts
//! as not clicked, which only makes the choice more careful.

use rand::Rng;
use rand_distr::{Beta, Distribution};

/// What is known of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arm {
    /// How often it was sent.
    pub(super) sent: u32,
    /// How often it was clicked.
    pub(super) clicked: u32,
}

/// How many joint draws estimate the chance of each variant to be the best.
const DRAWS: u32 = 1_000;
/// How often each variant must have been sent before one is preferred.
const SENT_MIN: u32 = 100;
/// The chance to be best from which on a variant is preferred.
const CERTAIN: f64 = 0.95;

impl Arm {
    fn draw(self, rng: &mut impl Rng) -> f64 {
        let clicked = f64::from(self.clicked.min(self.sent));
        let ignored = f64::from(self.sent) - clicked;
        // Both parameters are at least 1, for which a Beta distribution always exists.
        Beta::new(1.0 + clicked, 1.0 + ignored).map_or(0.0, |beta| beta.sample(rng))
    }
}

/// Chooses a variant: with the chance of `exploration_floor` any, otherwise the preferred one, or
/// by Thompson sampling where none is preferred. The first, where there is nothing to choose from.
pub(super) fn choose(
    arms: &[Arm],
    preferred: Option<usize>,
    exploration_floor: f64,
    rng: &mut impl Rng,
) -> usize {
    if arms.len() > 1 && rng.random::<f64>() < exploration_floor {
        return rng.random_range(0..arms.len());
    }
    preferred.or_else(|| best_draw(arms, rng)).unwrap_or(0)
}

/// The variant that is best beyond reasonable doubt: every variant was sent often enough to speak
/// of it, and one is the best in [`CERTAIN`] of the draws.
pub(super) fn winner(arms: &[Arm], chances: &[f64]) -> Option<usize> {
    if arms.len() < 2 || arms.iter().any(|arm| arm.sent < SENT_MIN) {
        return None;
    }
    chances.iter().position(|chance| *chance >= CERTAIN)
}

/// The chance of each variant to have the highest click rate.
pub(super) fn chances_to_be_best(arms: &[Arm], rng: &mut impl Rng) -> Vec<f64> {
    let mut wins = vec![0u32; arms.len()];
    for _ in 0..DRAWS {
        if let Some(best) = best_draw(arms, rng) {
            wins[best] += 1;
        }
    }
    wins.into_iter()
        .map(|wins| f64::from(wins) / f64::from(DRAWS))
        .collect()
}

fn best_draw(arms: &[Arm], rng: &mut impl Rng) -> Option<usize> {
    let draws = arms.iter().map(|arm| arm.draw(rng));
    draws
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const GOOD: Arm = Arm {
        sent: 500,
        clicked: 60,
    };
    const BAD: Arm = Arm {
        sent: 500,
        clicked: 20,
    };

    #[test]
    fn the_better_variant_is_sent_and_the_other_keeps_its_floor() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let good = (0..1_000)
            .filter(|_| choose(&[BAD, GOOD], None, 0.1, &mut rng) == 1)
            .count();
        assert!((900..990).contains(&good), "{good}");
    }

    #[test]
    fn the_unknown_are_tried_alike() {
        let unknown = Arm {
            sent: 0,
            clicked: 0,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let chances = chances_to_be_best(&[unknown; 4], &mut rng);
        assert!(chances.iter().all(|chance| (0.2..0.3).contains(chance)));
    }

    #[test]
    fn the_chance_to_be_best_follows_the_evidence() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let chances = chances_to_be_best(&[BAD, GOOD], &mut rng);
        assert_eq!(winner(&[BAD, GOOD], &chances), Some(1));
        let young = Arm {
            sent: 10,
            clicked: 9,
        };
        let chances = chances_to_be_best(&[BAD, young], &mut rng);
        assert!(chances[1] > 0.99);
        assert_eq!(winner(&[BAD, young], &chances), None);
    }

    #[test]
    fn regret_stays_small_over_a_campaign() {
        let rates = [0.02, 0.08, 0.04];
        let mut arms = [Arm {
            sent: 0,
            clicked: 0,
        }; 3];
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        for _ in 0..5_000 {
            let chosen = choose(&arms, None, 0.05, &mut rng);
            arms[chosen].sent += 1;
            arms[chosen].clicked += u32::from(rng.random::<f64>() < rates[chosen]);
        }
        assert!(arms[1].sent > 3_500, "{arms:?}");
    }
}
