//! The head with a hidden layer: n-grams are summed into a few hundred hidden numbers, from which
//! the classes are weighed. It learns which n-grams mean the same, what a linear model cannot.
//!
//! It is what fastText does (Joulin et al., "Bag of Tricks for Efficient Text Classification", 2016)
//! with a rectifier, steps of AdaGrad (Duchi et al., 2011), and dropout of most of the n-grams of
//! each example (Iyyer et al., "Deep Unordered Composition Rivals Syntactic Methods", 2015), without
//! which it learns the examples by heart. Each example is learnt twice in a row: as it is, and moved a
//! little in the direction in which it is taken for something else (Miyato et al., "Adversarial
//! Training Methods for Semi-Supervised Text Classification", 2017), so that classes come to lie
//! further apart.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::chances::softmax;
use super::linear::{BIAS_RATE, Descent, Examples, drop_features, falling};
use super::rows::{Rows, add_scaled, dot};
use super::space::Sparse;

/// The head as it is trained.
#[derive(Debug, Clone)]
pub(super) struct Hidden {
    /// What each feature adds to the hidden numbers.
    pub(super) inner: Rows,
    pub(super) inner_bias: Vec<f32>,
    /// What the hidden numbers say for each class.
    pub(super) outer: Rows,
    pub(super) outer_bias: Vec<f32>,
}

/// What it is trained with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Depth {
    /// How many hidden numbers there are.
    pub(super) width: usize,
    /// How it goes down.
    pub(super) descent: Descent,
    /// The share of the hidden numbers that is left out each time.
    pub(super) dropout: f32,
    /// How far an example is moved for its second look, as a share of the length of its sums.
    pub(super) adversity: f32,
}

/// The spread of what the hidden numbers begin with.
const INNER_SPREAD: f32 = 0.2;
/// Below this a class is as good as ruled out, and is not moved.
const CHANCE_MIN: f32 = 1e-4;
/// What AdaGrad divides by at first.
const SQUARES_MIN: f32 = 1e-6;
/// An example that is as good as certain has no direction in which it is harder.
const LENGTH_MIN: f32 = 1e-9;

impl Hidden {
    fn drawn(examples: Examples<'_>, width: usize, rng: &mut ChaCha8Rng) -> Self {
        // By the number of inputs of a neuron, after Glorot and Bengio, 2010.
        let spread = (3.0 / to_f32(width)).sqrt();
        Self {
            inner: Rows::filled(examples.features, width, || {
                rng.random_range(-1.0..1.0f32) * INNER_SPREAD
            }),
            inner_bias: vec![0.0; width],
            outer: Rows::filled(examples.classes, width, || {
                rng.random_range(-1.0..1.0f32) * spread
            }),
            outer_bias: vec![0.0; examples.classes],
        }
    }
}

/// Trains one.
pub(super) fn deepen(examples: Examples<'_>, terms: Depth, seed: u64) -> Hidden {
    let width = terms.width;
    let Descent {
        rounds,
        rate,
        dropout,
    } = terms.descent;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut model = Hidden::drawn(examples, width, &mut rng);
    let mut inner_squares = vec![SQUARES_MIN; examples.features];
    let mut outer_squares = Rows::filled(examples.classes, width, || SQUARES_MIN);
    let mut order = examples.order();
    let mut rates = falling(rate, rounds, order.len());
    let keep = 1.0 - terms.dropout;
    let (mut sums, mut hidden) = (vec![0.0; width], vec![0.0; width]);
    let (mut stays, mut back) = (vec![0.0; width], vec![0.0; width]);
    let mut vector = Sparse::new();
    for _ in 0..rounds {
        order.shuffle(&mut rng);
        for &example in &order {
            let rate = rates.next().unwrap_or(0.0);
            drop_features(&examples.vectors[example], dropout, &mut rng, &mut vector);
            sums.copy_from_slice(&model.inner_bias);
            for (row, value) in &vector {
                add_scaled(*value, model.inner.row(*row as usize), &mut sums);
            }
            for (stays, sum) in stays.iter_mut().zip(&sums) {
                let is_kept = *sum > 0.0 && rng.random::<f32>() < keep;
                *stays = if is_kept { 1.0 / keep } else { 0.0 };
            }
            rectify(&sums, &stays, &mut hidden);
            let label = examples.labels[example];
            back.fill(0.0);
            model.weigh(&hidden, label, rate, &mut outer_squares, &mut back);
            drop_numbers(&hidden, &stays, &mut back);
            // The same example once more, where it is hardest.
            let length = dot(&back, &back).sqrt();
            if length > LENGTH_MIN {
                let by = terms.adversity * dot(&sums, &sums).sqrt() / length;
                add_scaled(by, &back, &mut sums);
                rectify(&sums, &stays, &mut hidden);
                let mut again = vec![0.0; width];
                model.weigh(&hidden, label, rate, &mut outer_squares, &mut again);
                drop_numbers(&hidden, &stays, &mut again);
                add_scaled(1.0, &again, &mut back);
            }
            // One sum of squares a feature, and not one a weight: a third of the memory, and as good.
            let mean = dot(&back, &back) / to_f32(width);
            for (row, value) in &vector {
                let row = *row as usize;
                inner_squares[row] += mean * value * value;
                let step = -rate * value / inner_squares[row].sqrt();
                add_scaled(step, &back, model.inner.row_mut(row));
            }
            add_scaled(-rate * BIAS_RATE, &back, &mut model.inner_bias);
        }
    }
    model
}

impl Hidden {
    /// Learns what these hidden numbers say for the classes. What would make the example less
    /// likely is added to `back`.
    fn weigh(
        &mut self,
        hidden: &[f32],
        label: usize,
        rate: f32,
        squares: &mut Rows,
        back: &mut [f32],
    ) {
        let outer = self.outer_bias.iter().enumerate();
        let mut errors: Vec<f32> = outer
            .map(|(class, bias)| bias + dot(hidden, self.outer.row(class)))
            .collect();
        softmax(&mut errors);
        errors[label] -= 1.0;
        for (class, error) in errors.into_iter().enumerate() {
            if error.abs() < CHANCE_MIN {
                continue;
            }
            add_scaled(error, self.outer.row(class), back);
            let outer = self.outer.row_mut(class).iter_mut();
            let squares = squares.row_mut(class).iter_mut();
            for ((weight, squares), number) in outer.zip(squares).zip(hidden) {
                let gradient = error * number;
                *squares += gradient * gradient;
                *weight -= rate * gradient / squares.sqrt();
            }
            self.outer_bias[class] -= rate * BIAS_RATE * error;
        }
    }
}

/// The hidden numbers of these sums: those that are left out, and those below zero, are zero.
fn rectify(sums: &[f32], stays: &[f32], hidden: &mut [f32]) {
    for ((number, sum), stays) in hidden.iter_mut().zip(sums).zip(stays) {
        *number = sum.max(0.0) * stays;
    }
}

/// What is zero learns nothing.
fn drop_numbers(hidden: &[f32], stays: &[f32], back: &mut [f32]) {
    for ((back, number), stays) in back.iter_mut().zip(hidden).zip(stays) {
        *back = if *number > 0.0 { *back * stays } else { 0.0 };
    }
}

/// A layer's width, far below 2^24.
#[allow(clippy::cast_precision_loss)]
fn to_f32(width: usize) -> f32 {
    width as f32
}
