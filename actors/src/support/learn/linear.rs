//! The linear head. Two linear models are trained on the same features, and what is kept is their
//! sum, which is a linear model again: one is sure where classes lie far apart, the other one is
//! honest about where they do not.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::chances::softmax;
use super::rows::{Rows, add_scaled};
use super::space::Sparse;

/// Texts as vectors, and what each was labelled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Examples<'a> {
    pub(super) vectors: &'a [Sparse],
    pub(super) labels: &'a [usize],
    pub(super) classes: usize,
    pub(super) features: usize,
}

impl Examples<'_> {
    pub(super) fn order(&self) -> Vec<usize> {
        (0..self.vectors.len()).collect()
    }
}

/// A linear model: the weights of each feature for all classes, and what speaks for a class before
/// anything is said.
#[derive(Debug, Clone)]
pub(super) struct Linear {
    pub(super) weights: Rows,
    pub(super) bias: Vec<f32>,
}

impl Linear {
    fn zeros(examples: Examples<'_>) -> Self {
        Self {
            weights: Rows::zeros(examples.features, examples.classes),
            bias: vec![0.0; examples.classes],
        }
    }

    pub(super) fn scores(&self, vector: &[(u32, f32)], scores: &mut [f32]) {
        scores.copy_from_slice(&self.bias);
        for (row, value) in vector {
            add_scaled(*value, self.weights.row(*row as usize), scores);
        }
    }

    fn step(&mut self, vector: &[(u32, f32)], by: f32, delta: &[f32]) {
        for (row, value) in vector {
            add_scaled(by * value, delta, self.weights.row_mut(*row as usize));
        }
    }

    /// Adds another one, scaled.
    pub(super) fn add(&mut self, by: f32, other: &Self) {
        self.weights.add(by, &other.weights);
        add_scaled(by, &other.bias, &mut self.bias);
    }

    pub(super) fn scale(&mut self, by: f32) {
        self.weights.scale(by);
        self.bias.iter_mut().for_each(|bias| *bias *= by);
    }
}

/// What the separating model is trained with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Margin {
    /// How often all examples are gone through.
    pub(super) rounds: u32,
    /// What an example beyond its margin costs.
    pub(super) cost: f32,
}

/// Each class against the rest with a squared hinge loss, by coordinate descent in the dual (Hsieh
/// et al., "A Dual Coordinate Descent Method for Large-scale Linear SVM", 2008), all classes side by
/// side: what LinearSVC does class by class.
pub(super) fn separate(examples: Examples<'_>, terms: Margin, seed: u64) -> Linear {
    let classes = examples.classes;
    let mut model = Linear::zeros(examples);
    let mut alphas = Rows::zeros(examples.vectors.len(), classes);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut order = examples.order();
    let ridge = 0.5 / terms.cost;
    let mut scores = vec![0.0; classes];
    for _ in 0..terms.rounds {
        order.shuffle(&mut rng);
        for &example in &order {
            let vector = &examples.vectors[example];
            let squares: f32 = vector.iter().map(|(_, value)| value * value).sum();
            let curvature = squares + 1.0 + ridge;
            model.scores(vector, &mut scores);
            let mut moved = false;
            let alphas = alphas.row_mut(example).iter_mut();
            for (class, (alpha, score)) in alphas.zip(&mut scores).enumerate() {
                let sign = if examples.labels[example] == class {
                    1.0
                } else {
                    -1.0
                };
                let gradient = sign * *score - 1.0 + ridge * *alpha;
                let next = (*alpha - gradient / curvature).max(0.0);
                // From here on the scores are what is added to the weights.
                *score = (next - *alpha) * sign;
                moved |= *score != 0.0;
                *alpha = next;
            }
            if moved {
                model.step(vector, 1.0, &scores);
                add_scaled(1.0, &scores, &mut model.bias);
            }
        }
    }
    model
}

/// What a model of chances is trained with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Descent {
    /// How often all examples are gone through.
    pub(super) rounds: u32,
    /// The length of the first step; it falls to nothing in a straight line.
    pub(super) rate: f32,
    /// The share of an example's features that is left out each time.
    pub(super) dropout: f32,
}

/// An example without some of its features, the others so much larger: what is learnt must not hang
/// on one word (Wager et al., "Dropout Training as Adaptive Regularization", 2013).
pub(super) fn drop_features(
    vector: &[(u32, f32)],
    dropout: f32,
    rng: &mut ChaCha8Rng,
    into: &mut Sparse,
) {
    into.clear();
    let keep = 1.0 - dropout;
    let kept = vector.iter().filter(|_| rng.random::<f32>() < keep);
    into.extend(kept.map(|(row, value)| (*row, value / keep)));
}

/// Softmax regression by stochastic gradient descent with dropout of features.
pub(super) fn weigh(examples: Examples<'_>, terms: Descent, seed: u64) -> Linear {
    let mut model = Linear::zeros(examples);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut order = examples.order();
    let mut chances = vec![0.0; examples.classes];
    let mut vector = Sparse::new();
    let mut rates = falling(terms.rate, terms.rounds, order.len());
    for _ in 0..terms.rounds {
        order.shuffle(&mut rng);
        for &example in &order {
            let rate = rates.next().unwrap_or(0.0);
            drop_features(
                &examples.vectors[example],
                terms.dropout,
                &mut rng,
                &mut vector,
            );
            model.scores(&vector, &mut chances);
            softmax(&mut chances);
            chances[examples.labels[example]] -= 1.0;
            model.step(&vector, -rate, &chances);
            add_scaled(-rate * BIAS_RATE, &chances, &mut model.bias);
        }
    }
    model
}

/// The bias is in every example, and so learns faster than any feature.
pub(super) const BIAS_RATE: f32 = 0.1;

/// Steps that fall in a straight line.
#[allow(clippy::cast_precision_loss)] // counts of examples, far below 2^24
pub(super) fn falling(first: f32, rounds: u32, examples: usize) -> impl Iterator<Item = f32> {
    let steps = rounds as usize * examples;
    (0..steps).map(move |step| first * (1.0 - step as f32 / steps as f32))
}
