//! Trains on one part of a set, and is asked the other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mercato_actors::intents::{
    IntentModel, Labelled, OUT_OF_SCOPE, Prediction, TrainOptions, area_under_roc, score, train,
};

use super::sets::Set;
use super::{IntentEvaluation, IntentsError, OutOfScope};

pub(super) fn evaluate(
    set: &Set,
    elapsed: &dyn Fn() -> Duration,
) -> Result<IntentEvaluation, IntentsError> {
    let training = |source| IntentsError::Training {
        set: set.name,
        source,
    };
    let begun = elapsed();
    let model = train(&set.train, TrainOptions::default()).map_err(training)?;
    let took = elapsed().saturating_sub(begun);
    let file = model.to_bytes();
    // What is measured is what a program reads, and not what training left behind.
    let model = IntentModel::from_bytes(&file).unwrap_or(model);

    let places: BTreeMap<&str, usize> = model
        .labels()
        .enumerate()
        .map(|(place, label)| (label, place))
        .collect();
    // A label that training never saw is never right.
    let place = |question: &Labelled| places.get(&*question.label).copied();
    let labels: Vec<usize> = set
        .test
        .iter()
        .map(|q| place(q).unwrap_or(places.len()))
        .collect();
    let mut latencies = Vec::with_capacity(set.test.len());
    let known = ask(&model, &set.test, elapsed, &mut latencies);
    let strange = ask(&model, &set.strange, elapsed, &mut Vec::new());
    latencies.sort_unstable();
    let quantile = |per_mille: usize| {
        let place = latencies.len() * per_mille / 1_000;
        latencies
            .get(place.min(latencies.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    };
    let scored = score(&known, &labels).ok_or_else(|| {
        training(mercato_actors::intents::LabelledError::TooFew {
            examples: 0,
            labels: 0,
        })
    })?;
    let classes: BTreeSet<&str> = set.train.iter().map(|question| &*question.label).collect();
    Ok(IntentEvaluation {
        name: set.name,
        classes: classes
            .iter()
            .filter(|label| **label != OUT_OF_SCOPE)
            .count(),
        trained_with: set.train.len(),
        scored,
        out_of_scope: out_of_scope(&known, &strange),
        latency: (quantile(500), quantile(990)),
        model_bytes: file.len(),
        took,
    })
}

fn ask(
    model: &IntentModel,
    questions: &[Labelled],
    elapsed: &dyn Fn() -> Duration,
    latencies: &mut Vec<Duration>,
) -> Vec<Prediction> {
    let asked = questions.iter().map(|question| {
        let begun = elapsed();
        let prediction = model.predict(&question.text);
        latencies.push(elapsed().saturating_sub(begun));
        prediction
    });
    asked.collect()
}

fn out_of_scope(known: &[Prediction], strange: &[Prediction]) -> Option<OutOfScope> {
    let familiarity = |of: &[Prediction]| -> Vec<f64> {
        of.iter().map(|prediction| prediction.familiarity).collect()
    };
    // Counts of questions, far below 2^52.
    #[allow(clippy::cast_precision_loss)]
    let refused = |of: &[Prediction]| {
        let refused = of
            .iter()
            .filter(|prediction| prediction.out_of_scope)
            .count();
        refused as f64 / of.len().max(1) as f64
    };
    Some(OutOfScope {
        area_under_roc: area_under_roc(&familiarity(known), &familiarity(strange))?,
        refused: refused(strange),
        refused_in_scope: refused(known),
    })
}
