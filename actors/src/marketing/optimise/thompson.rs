//! Thompson sampling with a floor.
//!
//! Each variant's rate has a Beta posterior with a uniform prior. A variant is chosen by drawing one
//! rate from each posterior: the better it looks, the more often it is sent, and what is little known
//! still gets its chance (Thompson 1933, "On the likelihood that one unknown probability exceeds
//! another"; Chapelle and Li 2011, "An empirical evaluation of Thompson sampling").

use rand::Rng;
use rand_distr::{Distribution, Gamma};
use serde::{Deserialize, Serialize};

/// What is known of a variant: messages whose outcome is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    /// How many were rewarded.
    pub rewarded: u32,
    /// How many were not, in their time.
    pub ignored: u32,
}

impl Arm {
    /// How many outcomes are known.
    #[must_use]
    pub fn known(self) -> u32 {
        self.rewarded.saturating_add(self.ignored)
    }

    /// The share that was rewarded, 0 to 1.
    #[must_use]
    pub fn rate(self) -> f64 {
        match self.known() {
            0 => 0.0,
            known => f64::from(self.rewarded) / f64::from(known),
        }
    }
}

/// A Beta posterior as the two Gamma variables that it is made of: X / (X + Y) is Beta(a, b) where X
/// is Gamma(a) and Y is Gamma(b). To change one count costs one of them.
#[derive(Debug, Clone, Copy)]
struct Posterior {
    arm: Arm,
    /// `None` never occurs: both shapes are at least 1, for which a Gamma distribution always exists.
    of: Option<(Gamma<f64>, Gamma<f64>)>,
}

impl Posterior {
    fn of(arm: Arm) -> Self {
        let rewarded = Gamma::new(1.0 + f64::from(arm.rewarded), 1.0);
        let ignored = Gamma::new(1.0 + f64::from(arm.ignored), 1.0);
        Self {
            arm,
            of: rewarded.ok().zip(ignored.ok()),
        }
    }

    fn draw(&self, rng: &mut impl Rng) -> f64 {
        self.of.map_or(0.0, |(rewarded, ignored)| {
            let rewarded = rewarded.sample(rng);
            rewarded / (rewarded + ignored.sample(rng))
        })
    }
}

/// The posteriors of all variants, kept ready for many draws.
#[derive(Debug, Clone, Default)]
pub struct Posteriors(Vec<Posterior>);

impl Posteriors {
    /// Those of these variants.
    #[must_use]
    pub fn of(arms: &[Arm]) -> Self {
        Self(arms.iter().copied().map(Posterior::of).collect())
    }

    /// Takes in what became known since.
    pub fn update(&mut self, arms: &[Arm]) {
        self.0.truncate(arms.len());
        for (posterior, arm) in self.0.iter_mut().zip(arms) {
            if posterior.arm != *arm {
                *posterior = Posterior::of(*arm);
            }
        }
        let new = arms.get(self.0.len()..).unwrap_or_default();
        self.0.extend(new.iter().copied().map(Posterior::of));
    }

    /// How many variants there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One rate of each.
    pub(super) fn draw<'a, R: Rng>(&'a self, rng: &'a mut R) -> impl Iterator<Item = f64> + 'a {
        self.0.iter().map(|posterior| posterior.draw(rng))
    }

    /// The variant with the highest of one draw each; `None` where there is none.
    pub fn best_draw(&self, rng: &mut impl Rng) -> Option<usize> {
        let mut best = None;
        for (index, drawn) in self.draw(rng).enumerate() {
            if best.is_none_or(|(_, highest)| drawn > highest) {
                best = Some((index, drawn));
            }
        }
        best.map(|(index, _)| index)
    }
}

/// The variant that a message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Which, by number.
    pub variant: usize,
    /// Whether it was drawn evenly from all: such messages are a fair sample of each variant.
    pub explored: bool,
}

/// Chooses a variant: with the chance of `exploration_floor` any, otherwise the preferred one, or by
/// Thompson sampling where none is preferred. `None` where there is nothing to choose from.
///
/// So no variant's chance is ever below the floor divided by their number, and one that was bad luck
/// or the season is found out.
pub fn choose(
    posteriors: &Posteriors,
    preferred: Option<usize>,
    exploration_floor: f64,
    rng: &mut impl Rng,
) -> Option<Choice> {
    if posteriors.len() > 1 && exploration_floor > 0.0 && rng.random::<f64>() < exploration_floor {
        return Some(Choice {
            variant: rng.random_range(0..posteriors.len()),
            explored: true,
        });
    }
    let preferred = preferred.filter(|preferred| *preferred < posteriors.len());
    let variant = preferred.or_else(|| posteriors.best_draw(rng))?;
    Some(Choice {
        variant,
        explored: false,
    })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const GOOD: Arm = Arm {
        rewarded: 60,
        ignored: 440,
    };
    const BAD: Arm = Arm {
        rewarded: 20,
        ignored: 480,
    };

    /// Catches: a floor that is forgotten once a variant looks good.
    #[test]
    fn the_better_variant_is_sent_and_the_other_keeps_its_floor() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let posteriors = Posteriors::of(&[BAD, GOOD]);
        for preferred in [None, Some(1)] {
            let good = (0..1_000)
                .filter_map(|_| choose(&posteriors, preferred, 0.1, &mut rng))
                .filter(|choice| choice.variant == 1)
                .count();
            assert!((900..990).contains(&good), "{good}");
        }
    }

    #[test]
    fn there_is_nothing_to_choose_from_nothing() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(choose(&Posteriors::of(&[]), Some(3), 1.0, &mut rng), None);
    }

    /// The mean and the variance of a posterior are those of the Beta distribution. Catches: two counts
    /// exchanged, or a prior that is not uniform.
    #[test]
    fn draws_are_of_the_beta_distribution() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for (rewarded, ignored) in [(0, 0), (3, 1), (60, 440)] {
            let posterior = Posterior::of(Arm { rewarded, ignored });
            let draws: Vec<f64> = (0..40_000).map(|_| posterior.draw(&mut rng)).collect();
            let mean = draws.iter().sum::<f64>() / 40_000.0;
            let squares: f64 = draws.iter().map(|draw| (draw - mean).powi(2)).sum();
            let (a, b) = (1.0 + f64::from(rewarded), 1.0 + f64::from(ignored));
            let variance = a * b / ((a + b).powi(2) * (a + b + 1.0));
            assert!((mean - a / (a + b)).abs() < 4.0 * (variance / 40_000.0).sqrt());
            assert!((squares / 40_000.0 / variance - 1.0).abs() < 0.05);
        }
    }

    /// Catches: posteriors that keep what was known before.
    #[test]
    fn updated_posteriors_are_those_of_the_new_counts() {
        let mut updated = Posteriors::of(&[GOOD, BAD, GOOD]);
        updated.update(&[BAD, GOOD]);
        let fresh = Posteriors::of(&[BAD, GOOD]);
        assert_eq!(updated.len(), 2);
        let drawn = |posteriors: &Posteriors| -> Vec<f64> {
            let mut rng = ChaCha8Rng::seed_from_u64(5);
            posteriors.draw(&mut rng).collect()
        };
        assert_eq!(drawn(&updated), drawn(&fresh));
    }

    #[test]
    fn regret_stays_small_over_a_campaign() {
        let rates = [0.02, 0.08, 0.04];
        let mut arms = [Arm::default(); 3];
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        for _ in 0..5_000 {
            let choice = choose(&Posteriors::of(&arms), None, 0.05, &mut rng).unwrap();
            if rng.random::<f64>() < rates[choice.variant] {
                arms[choice.variant].rewarded += 1;
            } else {
                arms[choice.variant].ignored += 1;
            }
        }
        assert!(arms[1].known() > 3_500, "{arms:?}");
    }
}
