//! The head with a hidden layer: n-grams are summed into a few hundred hidden numbers, from which
//! the classes are weighed. It learns which n-grams mean the same, what a linear model cannot.
//!
//! It is what fastText does (Joulin et al., "Bag of Tricks for Efficient Text Classification", 2016)
//! with a rectifier, steps of AdaGrad (Duchi et al., 2011), and dropout of most of the n-grams of
//! each example (Iyyer et al., "Deep Unordered Composition Rivals Syntactic Methods", 2015), without
//! which it learns the examples by heart.

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
}

/// The spread of what the hidden numbers begin with.
const INNER_SPREAD: f32 = 0.2;
/// Below this a class is as good as ruled out, and is not moved.
const CHANCE_MIN: f32 = 1e-4;
/// What AdaGrad divides by at first.
const SQUARES_MIN: f32 = 1e-6;

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
    let (mut hidden, mut back) = (vec![0.0; width], vec![0.0; width]);
    let mut chances = vec![0.0; examples.classes];
    let mut vector = Sparse::new();
    for _ in 0..rounds {
        order.shuffle(&mut rng);
        for &example in &order {
            let rate = rates.next().unwrap_or(0.0);
            drop_features(&examples.vectors[example], dropout, &mut rng, &mut vector);
            hidden.copy_from_slice(&model.inner_bias);
            for (row, value) in &vector {
                add_scaled(*value, model.inner.row(*row as usize), &mut hidden);
            }
            for number in &mut hidden {
                let stays = *number > 0.0 && rng.random::<f32>() < keep;
                *number = if stays { *number / keep } else { 0.0 };
            }
            for (class, chance) in chances.iter_mut().enumerate() {
                *chance = model.outer_bias[class] + dot(&hidden, model.outer.row(class));
            }
            softmax(&mut chances);
            chances[examples.labels[example]] -= 1.0;

            back.fill(0.0);
            for (class, error) in chances.iter().enumerate() {
                if error.abs() < CHANCE_MIN {
                    continue;
                }
                add_scaled(*error, model.outer.row(class), &mut back);
                let outer = model.outer.row_mut(class).iter_mut();
                let squares = outer_squares.row_mut(class).iter_mut();
                for ((weight, squares), number) in outer.zip(squares).zip(&hidden) {
                    let gradient = error * number;
                    *squares += gradient * gradient;
                    *weight -= rate * gradient / squares.sqrt();
                }
                model.outer_bias[class] -= rate * BIAS_RATE * error;
            }
            for (back, number) in back.iter_mut().zip(&hidden) {
                *back = if *number > 0.0 { *back / keep } else { 0.0 };
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

/// A layer's width, far below 2^24.
#[allow(clippy::cast_precision_loss)]
fn to_f32(width: usize) -> f32 {
    width as f32
}
