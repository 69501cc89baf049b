//! Trains a classifier from labelled texts.
//!
//! Everything is chosen on the training data alone: a fifth of it is held out, the heads are trained
//! on the rest, and temperatures and the threshold of familiarity are those that fit what was held
//! out. Then the heads are trained once more on all of it.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::chances::HeldOut;
use super::hidden::{Depth, Hidden, deepen};
use super::labelled::{Labelled, LabelledError, OUT_OF_SCOPE};
use super::linear::{Descent, Examples, Linear, Margin, separate, weigh};
use super::model::{HiddenHead, IntentModel, LinearHead, familiarity};
use super::space::{Space, Sparse};

/// How a classifier is trained. The defaults were chosen on held-out fifths of the training data of
/// BANKING77 and on the validation set of CLINC150.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainOptions {
    /// Draws the order of examples, what is dropped, and what the hidden numbers begin with.
    pub seed: u64,
    /// A feature that is in fewer texts is left out.
    pub texts_min: u32,
    /// How many heads with a hidden layer there are.
    pub hidden_heads: u32,
    /// How wide a hidden layer is.
    pub width: usize,
    /// How often the linear heads go through all texts.
    pub linear_rounds: u32,
    /// How often the heads with a hidden layer do.
    pub hidden_rounds: u32,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            texts_min: 2,
            hidden_heads: 2,
            width: 208,
            linear_rounds: 20,
            hidden_rounds: 30,
        }
    }
}

impl TrainOptions {
    /// For a few hundred texts, of which each n-gram counts: linear heads alone, in milliseconds.
    pub const SMALL: Self = Self {
        seed: 1,
        texts_min: 1,
        hidden_heads: 0,
        width: 0,
        linear_rounds: 12,
        hidden_rounds: 0,
    };
}

/// One text in so many is held out.
const HELD_OUT_ONE_IN: u64 = 5;
/// Of what was held out and belongs, this share may be taken for out of scope, where the training
/// data has no such texts, and where it has some.
const REFUSED_SHARE: (f32, f32) = (0.02, 0.05);

/// Trains a classifier. Texts with the label [`OUT_OF_SCOPE`] teach it what it is not for.
///
/// # Errors
/// When there are not two labels with two texts each.
pub fn train(examples: &[Labelled], options: TrainOptions) -> Result<IntentModel, LabelledError> {
    let labels = labels_of(examples)?;
    let place: BTreeMap<&str, usize> = (labels.iter().enumerate())
        .map(|(place, label)| (&**label, place))
        .collect();
    let place_of = |example: &Labelled| place.get(&*example.label).copied().unwrap_or(0);
    let strange = place.get(OUT_OF_SCOPE).copied();

    let (held_out, rest): (Vec<_>, Vec<_>) = examples.iter().partition(|e| is_held_out(e));
    let (held_out, rest) = match held_out.is_empty() || rest.is_empty() {
        // With a handful of texts nothing can be spared.
        true => (examples.iter().collect(), examples.iter().collect()),
        false => (held_out, rest),
    };
    let (space, heads) = train_heads(&rest, place_of, labels.len(), options);
    let vectors: Vec<Sparse> = held_out.iter().map(|e| space.vector(&e.text)).collect();
    let held_out = HeldOut {
        scores: heads.scores(&vectors),
        labels: held_out.into_iter().map(place_of).collect(),
    };
    let temperatures = held_out.temperatures();
    let linear_temperature = temperatures.first().copied().unwrap_or(1.0);
    let familiar_from = threshold(&vectors, &held_out, strange) * linear_temperature;

    let all: Vec<&Labelled> = examples.iter().collect();
    let (space, mut heads) = train_heads(&all, place_of, labels.len(), options);
    heads.linear.scale(linear_temperature);
    let hidden = heads.hidden.iter().zip(temperatures.iter().skip(1));
    Ok(IntentModel {
        space,
        linear: LinearHead::from(&heads.linear),
        hidden: hidden
            .map(|(head, by)| HiddenHead::scaled(head, *by))
            .collect(),
        labels,
        familiar_from,
    })
}

/// The labels in order; at least two beside the one of what is out of scope, with two texts each.
fn labels_of(examples: &[Labelled]) -> Result<Vec<Box<str>>, LabelledError> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for example in examples {
        *counts.entry(&example.label).or_default() += 1;
    }
    let known = counts.iter().filter(|(label, _)| **label != OUT_OF_SCOPE);
    let enough = known.clone().filter(|(_, texts)| **texts >= 2).count();
    if enough < 2 {
        return Err(LabelledError::TooFew {
            examples: examples.len(),
            labels: known.count(),
        });
    }
    Ok(counts.into_keys().map(Box::from).collect())
}

/// By the text itself, so that a text that is there twice is on one side.
fn is_held_out(example: &Labelled) -> bool {
    const SEED: u64 = 5;
    xxh3_64_with_seed(example.text.as_bytes(), SEED).is_multiple_of(HELD_OUT_ONE_IN)
}

struct Heads {
    linear: Linear,
    hidden: Vec<Hidden>,
}

impl Heads {
    /// By head, then by text, as they are kept.
    fn scores(&self, vectors: &[Sparse]) -> Vec<Vec<Vec<f32>>> {
        let linear = LinearHead::from(&self.linear);
        let of_linear = vectors.iter().map(|vector| linear.scores(vector)).collect();
        let of_hidden = self.hidden.iter().map(|head| {
            let head = HiddenHead::scaled(head, 1.0);
            vectors.iter().map(|vector| head.scores(vector)).collect()
        });
        std::iter::once(of_linear).chain(of_hidden).collect()
    }
}

fn train_heads(
    examples: &[&Labelled],
    place_of: impl Fn(&Labelled) -> usize,
    classes: usize,
    options: TrainOptions,
) -> (Space, Heads) {
    const MARGIN_COST: f32 = 1.0;
    /// About what squared hinge and chances differ by in the size of their scores.
    const MARGIN_SHARE: f32 = 5.0;
    let space = Space::of(examples.iter().map(|e| &*e.text), options.texts_min);
    let vectors: Vec<Sparse> = examples.iter().map(|e| space.vector(&e.text)).collect();
    let labels: Vec<usize> = examples.iter().map(|e| place_of(e)).collect();
    let examples = Examples {
        vectors: &vectors,
        labels: &labels,
        classes,
        features: space.len(),
    };
    let margin = Margin {
        rounds: options.linear_rounds,
        cost: MARGIN_COST,
    };
    let descent = Descent {
        rounds: options.linear_rounds,
        rate: 2.0,
        dropout: 0.5,
    };
    let mut linear = weigh(examples, descent, options.seed);
    linear.add(MARGIN_SHARE, &separate(examples, margin, options.seed));
    let depth = Depth {
        width: options.width,
        descent: Descent {
            rounds: options.hidden_rounds,
            rate: 0.05,
            dropout: 0.7,
        },
        dropout: 0.3,
        adversity: 0.1,
    };
    let hidden = (1..=u64::from(options.hidden_heads))
        .map(|head| deepen(examples, depth, options.seed.wrapping_add(head)));
    let hidden = hidden.collect();
    (space, Heads { linear, hidden })
}

/// Below which familiarity a text is out of scope. Where texts that are were held out, the sum of
/// mistakes on both sides is least there (Youden's index), as long as not too many of those that
/// belong are below it; otherwise so few of them are.
fn threshold(vectors: &[Sparse], held_out: &HeldOut, strange: Option<usize>) -> f32 {
    let Some(linear) = held_out.scores.first() else {
        return f32::NEG_INFINITY;
    };
    let scored = vectors.iter().zip(linear).zip(&held_out.labels);
    let scored = scored.map(|((vector, scores), label)| {
        (
            familiarity(vector, scores, strange),
            Some(*label) == strange,
        )
    });
    let mut scored: Vec<(f32, bool)> = scored.filter(|(score, _)| score.is_finite()).collect();
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let strangers = scored.iter().filter(|(_, strange)| *strange).count();
    let belonging = to_f32(scored.len() - strangers);
    let (without, with) = REFUSED_SHARE;
    let (mut refused, mut found) = (0.0, 0.0);
    let mut best = (0.0, f32::NEG_INFINITY);
    for pair in scored.windows(2) {
        let share = if pair[0].1 { &mut found } else { &mut refused };
        *share += 1.0;
        let (refused, found) = (refused / belonging, found / to_f32(strangers));
        let between = f32::midpoint(pair[0].0, pair[1].0);
        match strangers {
            0 if refused <= without => best = (0.0, between),
            0 => break,
            _ if refused > with => break,
            _ if found - refused > best.0 => best = (found - refused, between),
            _ => {}
        }
    }
    best.1
}

/// Counts of texts, far below 2^24.
#[allow(clippy::cast_precision_loss)]
fn to_f32(count: usize) -> f32 {
    count as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(text: String, label: &str) -> Labelled {
        Labelled {
            text,
            label: label.to_owned(),
        }
    }

    /// Questions about three things, and about nothing that belongs.
    fn questions() -> Vec<Labelled> {
        let words = [
            "please", "now", "today", "again", "quickly", "for me", "then", "soon",
        ];
        let mut examples = Vec::new();
        for word in words {
            for (text, label) in [
                ("where is my order", "status"),
                ("track my parcel", "status"),
                ("I want a refund", "refund"),
                ("give my money back", "refund"),
                ("is the red mug in stock", "product"),
                ("what colour is the lamp", "product"),
                ("sing a song", OUT_OF_SCOPE),
                ("tell me a joke", OUT_OF_SCOPE),
            ] {
                examples.push(example(format!("{text} {word}"), label));
            }
        }
        examples
    }

    fn small() -> TrainOptions {
        TrainOptions {
            texts_min: 1,
            hidden_heads: 1,
            width: 16,
            linear_rounds: 8,
            hidden_rounds: 8,
            ..TrainOptions::default()
        }
    }

    /// Catches: heads that learn nothing, and classes that are mixed up.
    #[test]
    fn what_was_learnt_is_recognised_in_other_words() {
        for options in [small(), TrainOptions::SMALL] {
            let model = train(&questions(), options).expect("it learns");
            let label = |text: &str| model.label(model.predict(text).class).map(str::to_owned);
            assert_eq!(label("is my parcel tracked").as_deref(), Some("status"));
            assert_eq!(label("refund the money").as_deref(), Some("refund"));
            assert_eq!(label("a lamp and mugs").as_deref(), Some("product"));
            let strange = model.predict("sing me a joke song");
            assert!(strange.out_of_scope, "{strange:?}");
            let known = model.predict("where is my parcel");
            assert!(!known.out_of_scope && known.familiarity > strange.familiarity);
        }
    }

    /// Catches: chance that is drawn elsewhere than from the seed.
    #[test]
    fn the_same_texts_and_seed_give_the_same_model() {
        let bytes = |options| train(&questions(), options).expect("it learns").to_bytes();
        assert_eq!(bytes(small()), bytes(small()));
        let other = TrainOptions { seed: 2, ..small() };
        assert_ne!(bytes(small()), bytes(other));
    }

    /// Catches: an answer about a text that holds nothing known.
    #[test]
    fn of_nothing_nothing_is_known() {
        let model = train(&questions(), small()).expect("it learns");
        for text in ["", "?!", "注文はどこですか", "\0\0"] {
            let prediction = model.predict(text);
            assert!(prediction.out_of_scope, "{text}: {prediction:?}");
            assert_eq!(prediction.confidence, 0.0);
        }
    }

    /// Catches: a file of one label that is learnt from, and answers everything with certainty.
    #[test]
    fn one_label_is_nothing_to_tell_apart() {
        let one: Vec<_> = (0..9)
            .map(|n| example(format!("order {n}"), "status"))
            .collect();
        let refused = train(&one, small()).expect_err("one label").to_string();
        assert!(refused.contains("9 texts of 1 labels"), "{refused}");
        let beside = [&one[..], &[example("sing".into(), OUT_OF_SCOPE)]].concat();
        assert!(train(&beside, small()).is_err());
        assert!(train(&[], small()).is_err());
        // Two labels with two texts each are enough.
        let two = [
            example("where is it".into(), "a"),
            example("where was it".into(), "a"),
            example("sing".into(), "b"),
            example("sing more".into(), "b"),
        ];
        assert!(train(&two, small()).is_ok());
    }
}
