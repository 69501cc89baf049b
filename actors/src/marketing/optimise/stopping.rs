//! When the search for the best variant may end.
//!
//! Not when one of them is *surely* best, which two equal ones never are, but when little can be won
//! by searching on: the potential value remaining (Scott 2010, "A modern Bayesian look at the
//! multi-armed bandit"). Of joint draws from all posteriors, by how much does the best rate of the
//! draw exceed that of the variant that is taken for best? Where 95 of 100 draws say "by no more than
//! a hundredth", the search ends. The floor goes on, so that a preference can be lost again.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::thompson::{Arm, Posteriors};

/// How many joint draws are looked at.
const DRAWS: u16 = 1_000;
/// The share of draws that must agree.
const CERTAIN: f64 = 0.95;
/// The most that may be left to win, as a share of the best variant's rate.
const REMAINING_MAX: f64 = 0.01;
/// The outcomes that must be known of each variant before one is preferred.
const KNOWN_MIN: u32 = 100;

/// How the search stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    /// The chance of each variant to have the highest rate, 0 to 1.
    pub chances: Vec<f64>,
    /// What searching on could win in 95 of 100 cases at most, as a share of the rate of the variant
    /// with the highest chance.
    pub remaining: f64,
    /// The variant to prefer from here on, if the search may end.
    pub winner: Option<usize>,
}

/// Looks at what is known of each variant.
pub fn outlook(arms: &[Arm], rng: &mut impl Rng) -> Outlook {
    let posteriors = Posteriors::of(arms);
    let mut draws: Vec<f64> = Vec::with_capacity(arms.len() * usize::from(DRAWS));
    let mut wins = vec![0u16; arms.len()];
    for _ in 0..DRAWS {
        let begin = draws.len();
        draws.extend(posteriors.draw(rng));
        if let Some(won) = highest(draws.get(begin..).unwrap_or_default()) {
            wins[won] += 1;
        }
    }
    let chances: Vec<f64> = wins
        .iter()
        .map(|wins| f64::from(*wins) / f64::from(DRAWS))
        .collect();
    let Some(leader) = highest(&chances) else {
        return Outlook {
            chances,
            remaining: 0.0,
            winner: None,
        };
    };
    let mut lost: Vec<f64> = draws
        .chunks(arms.len())
        .map(|draw| {
            let best = draw.iter().copied().fold(0.0, f64::max);
            best / draw[leader].max(f64::MIN_POSITIVE) - 1.0
        })
        .collect();
    lost.sort_unstable_by(f64::total_cmp);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within the draws
    let place = (f64::from(DRAWS) * CERTAIN) as usize;
    let remaining = lost.get(place).copied().unwrap_or(f64::INFINITY);
    let known = arms.len() > 1 && arms.iter().all(|arm| arm.known() >= KNOWN_MIN);
    Outlook {
        chances,
        remaining,
        winner: (known && remaining <= REMAINING_MAX).then_some(leader),
    }
}

fn highest(values: &[f64]) -> Option<usize> {
    let numbered = values.iter().enumerate();
    // Of equal ones the first.
    let best = numbered.rev().max_by(|a, b| a.1.total_cmp(b.1));
    best.map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn arm(rewarded: u32, known: u32) -> Arm {
        Arm {
            rewarded,
            ignored: known - rewarded,
        }
    }

    fn look(arms: &[Arm]) -> Outlook {
        outlook(arms, &mut ChaCha8Rng::seed_from_u64(3))
    }

    #[test]
    fn the_unknown_have_equal_chances_and_everything_remains() {
        let unknown = look(&[Arm::default(); 4]);
        assert!(
            unknown
                .chances
                .iter()
                .all(|chance| (0.2..0.3).contains(chance))
        );
        assert!(unknown.remaining > 1.0);
        assert_eq!(unknown.winner, None);
    }

    /// Catches: a winner by luck in a handful of messages, and a search that ends too soon.
    #[test]
    fn the_search_ends_when_little_is_left_to_win() {
        let clear = look(&[arm(20, 500), arm(60, 500)]);
        assert_eq!(clear.winner, Some(1));
        let young = look(&[arm(20, 500), arm(9, 10)]);
        assert!(young.chances[1] > 0.99);
        assert_eq!(young.winner, None);
        let close = look(&[arm(50, 500), arm(55, 500)]);
        assert!(close.remaining > REMAINING_MAX);
        assert_eq!(close.winner, None);
    }

    /// Catches: a search for the better of two equal variants that never ends.
    #[test]
    fn between_equal_variants_the_search_ends_too() {
        let equal = look(&[arm(50_000, 100_000), arm(50_000, 100_000)]);
        assert!(equal.chances[0] < 0.95 && equal.chances[1] < 0.95);
        assert!(equal.winner.is_some(), "{equal:?}");
    }

    #[test]
    fn nothing_has_no_winner() {
        assert_eq!(look(&[]).winner, None);
        assert_eq!(look(&[arm(500, 1_000)]).winner, None);
    }
}
