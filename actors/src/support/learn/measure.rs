//! How good answers are: the figures by which classifiers are compared.

use super::model::Prediction;

/// What a classifier made of examples whose labels are known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// How many there were.
    pub examples: usize,
    /// The share that was labelled right, 0 to 1.
    pub accuracy: f64,
    /// The mean over the classes of the harmonic mean of precision and recall, 0 to 1.
    pub macro_f1: f64,
    /// By how much confidence and accuracy differ, 0 to 1: see [`calibration_error`].
    pub calibration_error: f64,
}

/// Holds predictions against labels. `None` where there are none, or not as many.
#[must_use]
pub fn score(predictions: &[Prediction], labels: &[usize]) -> Option<Scored> {
    if predictions.is_empty() || predictions.len() != labels.len() {
        return None;
    }
    let pairs = predictions.iter().zip(labels);
    let right = pairs
        .clone()
        .map(|(prediction, label)| (prediction.confidence, prediction.class == *label));
    let right: Vec<(f64, bool)> = right.collect();
    Some(Scored {
        examples: labels.len(),
        accuracy: share(
            right.iter().filter(|(_, right)| *right).count(),
            right.len(),
        ),
        macro_f1: macro_f1(pairs.map(|(prediction, label)| (prediction.class, *label))),
        calibration_error: calibration_error(&right),
    })
}

/// The mean over the classes that were labelled or predicted of F1.
fn macro_f1(pairs: impl Iterator<Item = (usize, usize)>) -> f64 {
    let mut counts: Vec<[usize; 3]> = Vec::new();
    for (predicted, label) in pairs {
        let needed = predicted.max(label) + 1;
        if counts.len() < needed {
            counts.resize(needed, [0; 3]);
        }
        counts[predicted][1] += 1;
        counts[label][2] += 1;
        if predicted == label {
            counts[label][0] += 1;
        }
    }
    let seen = counts
        .iter()
        .filter(|[_, predicted, labelled]| predicted + labelled > 0);
    let f1: Vec<f64> = seen
        .map(|[right, predicted, labelled]| 2.0 * share(*right, predicted + labelled))
        .collect();
    f1.iter().sum::<f64>() / to_f64(f1.len().max(1))
}

/// The expected calibration error (Naeini et al., 2015; as in Guo et al., 2017): predictions are
/// sorted into fifteen bins by their confidence, and the differences between the mean confidence
/// and the accuracy of each are averaged, weighed by how many are in it.
#[must_use]
pub fn calibration_error(predictions: &[(f64, bool)]) -> f64 {
    const BINS: usize = 15;
    let mut bins = [(0usize, 0.0f64, 0usize); BINS];
    for (confidence, right) in predictions {
        // Between 0 and 14 by the clamp.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let bin = (confidence.clamp(0.0, 1.0) * to_f64(BINS)).ceil() as usize;
        let (count, sum, rights) = &mut bins[bin.clamp(1, BINS) - 1];
        *count += 1;
        *sum += confidence;
        *rights += usize::from(*right);
    }
    let gaps = bins
        .iter()
        .map(|(_, sum, rights)| (sum - to_f64(*rights)).abs());
    gaps.sum::<f64>() / to_f64(predictions.len().max(1))
}

/// The chance that what belongs scores higher than what does not: the area under the receiver
/// operating characteristic, with ties counted half (Hanley and McNeil, 1982). `None` where one of
/// both is missing.
#[must_use]
pub fn area_under_roc(belonging: &[f64], strange: &[f64]) -> Option<f64> {
    if belonging.is_empty() || strange.is_empty() {
        return None;
    }
    let all = belonging.iter().map(|score| (*score, true));
    let mut all: Vec<_> = all
        .chain(strange.iter().map(|score| (*score, false)))
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut won) = (0.0, 0.0);
    for ties in all.chunk_by(|a, b| a.0 == b.0) {
        let strange = to_f64(ties.iter().filter(|(_, belongs)| !belongs).count());
        let belonging = to_f64(ties.len()) - strange;
        won += belonging * (below + strange / 2.0);
        below += strange;
    }
    Some(won / (to_f64(belonging.len()) * to_f64(strange.len())))
}

fn share(part: usize, whole: usize) -> f64 {
    to_f64(part) / to_f64(whole.max(1))
}

/// Counts of examples, far below 2^52.
#[allow(clippy::cast_precision_loss)]
fn to_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    /// Catches: an area that counts ties for one side. The value is scikit-learn's `roc_auc_score`
    /// of the same scores.
    #[test]
    fn the_area_is_the_share_of_pairs_in_order() {
        let area = area_under_roc(&[0.9, 0.8, 0.4], &[0.4, 0.1]);
        assert!(near(area.expect("both"), 5.5 / 6.0), "{area:?}");
        assert_eq!(area_under_roc(&[1.0], &[]), None);
    }

    /// Catches: a bin that is weighed by something else than its size.
    #[test]
    fn who_is_right_as_often_as_they_say_has_no_error() {
        let honest: Vec<_> = (0..100).map(|n| (0.7, n < 70)).collect();
        assert!(near(calibration_error(&honest), 0.0));
        let boasting: Vec<_> = (0..100).map(|n| (1.0, n < 70)).collect();
        assert!(near(calibration_error(&boasting), 0.3));
        assert!(near(calibration_error(&[]), 0.0));
    }

    /// Catches: a class that nobody was taken for and that is left out of the mean.
    #[test]
    fn a_class_that_is_never_found_counts_as_nothing() {
        let pairs = [(0, 0), (0, 0), (0, 1)];
        assert!(near(macro_f1(pairs.into_iter()), 0.4));
    }
}
