//! A trained classifier.

use super::chances::{best, softmax};
use super::hidden::Hidden;
use super::labelled::OUT_OF_SCOPE;
use super::linear::Linear;
use super::rows::{Bytes, add_scaled, dot};
use super::space::{Space, Sparse};

/// What a text was taken for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// The best class beside the one of what is out of scope, by its place among
    /// [`IntentModel::labels`].
    pub class: usize,
    /// How likely that is, 0 to 1: of those with 0.8, four in five are right.
    pub confidence: f64,
    /// How much the text is like what was learnt: the higher, the more. Minus infinity for a text of
    /// which nothing is known.
    pub familiarity: f64,
    /// Whether the text is taken for something that no class is for.
    pub out_of_scope: bool,
}

/// A classifier of short texts: a linear head, and heads with a hidden layer, whose scores are
/// summed.
#[derive(Debug, Clone)]
pub struct IntentModel {
    pub(super) labels: Vec<Box<str>>,
    pub(super) space: Space,
    pub(super) linear: LinearHead,
    pub(super) hidden: Vec<HiddenHead>,
    /// A text that is less familiar is out of scope.
    pub(super) familiar_from: f32,
}

/// A linear head as it is kept. Its scores are scaled already.
#[derive(Debug, Clone)]
pub(super) struct LinearHead {
    pub(super) weights: Bytes,
    pub(super) bias: Vec<f32>,
}

/// A head with a hidden layer as it is kept. Its scores are scaled already.
#[derive(Debug, Clone)]
pub(super) struct HiddenHead {
    pub(super) inner: Bytes,
    pub(super) inner_bias: Vec<f32>,
    /// Class by class, each with its bias behind.
    pub(super) outer: Vec<Vec<f32>>,
}

impl From<&Linear> for LinearHead {
    fn from(trained: &Linear) -> Self {
        Self {
            weights: Bytes::from(&trained.weights),
            bias: trained.bias.clone(),
        }
    }
}

impl LinearHead {
    pub(super) fn scores(&self, vector: &[(u32, f32)]) -> Vec<f32> {
        let mut scores = self.bias.clone();
        for (row, value) in vector {
            self.weights.add_row(*row as usize, *value, &mut scores);
        }
        scores
    }
}

impl HiddenHead {
    /// A trained head whose scores are multiplied with `by`.
    pub(super) fn scaled(trained: &Hidden, by: f32) -> Self {
        let outer = trained.outer_bias.iter().enumerate().map(|(class, bias)| {
            let row = trained.outer.row(class).iter().chain([bias]);
            row.map(|weight| weight * by).collect()
        });
        Self {
            inner: Bytes::from(&trained.inner),
            inner_bias: trained.inner_bias.clone(),
            outer: outer.collect(),
        }
    }

    pub(super) fn scores(&self, vector: &[(u32, f32)]) -> Vec<f32> {
        let mut hidden = self.inner_bias.clone();
        for (row, value) in vector {
            self.inner.add_row(*row as usize, *value, &mut hidden);
        }
        hidden
            .iter_mut()
            .for_each(|number| *number = number.max(0.0));
        // What stands behind the weights is the bias.
        hidden.push(1.0);
        self.outer.iter().map(|row| dot(&hidden, row)).collect()
    }
}

impl IntentModel {
    /// The classes, by their places; the one of what is out of scope among them, where the model was
    /// taught one.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = &str> {
        self.labels.iter().map(|label| &**label)
    }

    /// A class by its place.
    #[must_use]
    pub fn label(&self, class: usize) -> Option<&str> {
        self.labels.get(class).map(|label| &**label)
    }

    /// How many features it knows.
    #[must_use]
    pub fn features(&self) -> usize {
        self.space.len()
    }

    /// What a text is taken for. The work is bounded, however long the text is.
    #[must_use]
    pub fn predict(&self, text: &str) -> Prediction {
        let vector = self.space.vector(text);
        let linear = self.linear.scores(&vector);
        let familiarity = self.familiarity(&vector, &linear);
        let mut chances = linear;
        for head in &self.hidden {
            add_scaled(1.0, &head.scores(&vector), &mut chances);
        }
        softmax(&mut chances);
        let strange = self.strange();
        let likelier = strange.is_some_and(|strange| best(&chances) == Some(strange));
        let confidence = |class: usize| chances.get(class).copied().map_or(0.0, f64::from);
        let class = best_beside(&chances, strange);
        Prediction {
            class,
            confidence: if vector.is_empty() {
                0.0
            } else {
                confidence(class)
            },
            familiarity: f64::from(familiarity),
            out_of_scope: likelier || familiarity < self.familiar_from,
        }
    }

    /// The place of the class of what is out of scope.
    pub(super) fn strange(&self) -> Option<usize> {
        self.labels
            .iter()
            .position(|label| **label == *OUT_OF_SCOPE)
    }

    /// How much a text is like what was learnt: the highest linear score of a class (Hendrycks et
    /// al., "Scaling Out-of-Distribution Detection for Real-World Settings", 2022, call it the
    /// maximum logit), less that of what is out of scope. The hidden layers know no better: of what
    /// they never saw they say what they like.
    fn familiarity(&self, vector: &Sparse, linear: &[f32]) -> f32 {
        familiarity(vector, linear, self.strange())
    }
}

pub(super) fn familiarity(vector: &Sparse, linear: &[f32], strange: Option<usize>) -> f32 {
    if vector.is_empty() {
        return f32::NEG_INFINITY;
    }
    let known = linear.get(best_beside(linear, strange)).copied();
    let strange = strange.and_then(|class| linear.get(class)).copied();
    known.unwrap_or(f32::NEG_INFINITY) - strange.unwrap_or(0.0)
}

fn best_beside(scores: &[f32], strange: Option<usize>) -> usize {
    let mut scores = scores.to_vec();
    if let Some(score) = strange.and_then(|class| scores.get_mut(class)) {
        *score = f32::NEG_INFINITY;
    }
    best(&scores).unwrap_or(0)
}
