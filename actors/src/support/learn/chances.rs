//! Scores as chances, and how honest they are.

use std::ops::Range;

/// Turns scores into chances that sum to one.
pub(super) fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - most).exp();
        sum += *score;
    }
    for score in scores {
        *score /= sum;
    }
}

/// The class with the highest score; of equals the first.
pub(super) fn best(scores: &[f32]) -> Option<usize> {
    let mut best: Option<(usize, f32)> = None;
    for (class, score) in scores.iter().enumerate() {
        if best.is_none_or(|(_, most)| *score > most) {
            best = Some((class, *score));
        }
    }
    best.map(|(class, _)| class)
}

/// Scores of several heads for held-out examples, with what each example was labelled.
#[derive(Debug, Clone)]
pub(super) struct HeldOut {
    /// By head, then by example.
    pub(super) scores: Vec<Vec<Vec<f32>>>,
    pub(super) labels: Vec<usize>,
}

/// How often the temperatures are gone through.
const ROUNDS: u8 = 5;
/// The factors of which the best one is taken, round by round.
const FACTORS: [f32; 9] = [0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4, 2.0];

impl HeldOut {
    /// What each head's scores are multiplied with before they are summed, so that the chances are
    /// as often right as they say (temperature scaling: Guo et al., "On Calibration of Modern Neural
    /// Networks", 2017; one temperature a head, which weighs the heads against each other, too).
    /// They are those under which what was labelled was least surprising.
    pub(super) fn temperatures(&self) -> Vec<f32> {
        let heads = self.scores.len();
        let mut temperatures = vec![1.0f32; heads];
        for round in 0..ROUNDS {
            // Wide steps first, then ever finer ones.
            let fine = 1.0 / f32::from(round + 1);
            let factors = FACTORS.map(|factor| factor.powf(fine));
            // All of them together, then each by itself.
            self.scale_best(&mut temperatures, 0..heads, factors);
            for head in 0..heads {
                self.scale_best(&mut temperatures, head..head + 1, factors);
            }
        }
        temperatures
    }

    /// Multiplies some of the temperatures with the factor that fits best.
    fn scale_best(&self, temperatures: &mut [f32], some: Range<usize>, factors: [f32; 9]) {
        let scaled = |factor: f32| {
            let mut scaled = temperatures.to_vec();
            scaled[some.clone()].iter_mut().for_each(|t| *t *= factor);
            scaled
        };
        let tried = factors.map(|factor| (factor, self.surprise(&scaled(factor))));
        let best = tried.into_iter().min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((factor, _)) = best {
            temperatures.copy_from_slice(&scaled(factor));
        }
    }

    /// The mean negative logarithm of the chance of what was labelled.
    fn surprise(&self, temperatures: &[f32]) -> f64 {
        let mut sum = 0.0;
        for (example, label) in self.labels.iter().enumerate() {
            let chances = self.chances(example, temperatures);
            let chance = chances.get(*label).copied().unwrap_or(0.0);
            sum -= f64::from(chance.max(1e-9)).ln();
        }
        sum
    }

    pub(super) fn chances(&self, example: usize, temperatures: &[f32]) -> Vec<f32> {
        let mut whole: Vec<f32> = Vec::new();
        for (head, temperature) in self.scores.iter().zip(temperatures) {
            whole.resize(head[example].len(), 0.0);
            super::rows::add_scaled(*temperature, &head[example], &mut whole);
        }
        softmax(&mut whole);
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: temperatures that make scores more certain than they are right.
    #[test]
    fn a_head_that_boasts_is_cooled_and_one_that_guesses_is_ignored() {
        // The first head is right in three of four and says so with certainty; the second one
        // says the same of everything.
        let labels = [0, 0, 0, 1].repeat(25);
        let boasts = vec![vec![20.0, 0.0]; 100];
        let guesses = vec![vec![1.0, 1.0]; 100];
        let held_out = HeldOut {
            scores: vec![boasts, guesses],
            labels,
        };
        let temperatures = held_out.temperatures();
        let chances = held_out.chances(0, &temperatures);
        assert!((chances[0] - 0.75).abs() < 0.03, "{chances:?}");
    }

    #[test]
    fn of_equals_the_first_is_best_and_of_none_none() {
        assert_eq!(best(&[1.0, 3.0, 3.0]), Some(1));
        assert_eq!(best(&[]), None);
        let mut chances = [1_000.0, 0.0];
        softmax(&mut chances);
        assert_eq!(chances, [1.0, 0.0]);
    }
}
