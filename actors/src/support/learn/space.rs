//! Turns texts into sparse vectors: term frequency times inverse document frequency, both damped.

use std::collections::BTreeMap;

use super::grams::{BUCKETS, Grams, grams};

/// A feature's row, and its value. Ascending, each row once.
pub(super) type Sparse = Vec<(u32, f32)>;

/// How much of the inverse document frequency counts: rare n-grams are mostly accidents of a few
/// texts, and what is learnt finds out by itself which ones are not.
const RARITY_SHARE: f32 = 0.25;

/// A bucket that nothing in the training data fell into.
const NO_ROW: u32 = u32::MAX;

/// The features that count, and their weights.
#[derive(Debug, Clone)]
pub(super) struct Space {
    /// The rows by bucket; [`NO_ROW`] where a bucket is not used.
    rows: Vec<u32>,
    /// The buckets in use, ascending: a row's place is its number.
    buckets: Vec<u32>,
    /// The inverse document frequencies, by row.
    weights: Vec<f32>,
}

impl Space {
    /// The features of `texts` that are in at least `texts_min` of them.
    pub(super) fn of<'a>(texts: impl IntoIterator<Item = &'a str>, texts_min: u32) -> Self {
        let mut with: BTreeMap<u32, u32> = BTreeMap::new();
        let mut all = 0u32;
        for text in texts {
            let Grams { words, characters } = grams(text);
            let mut of_text = [words, characters].concat();
            of_text.sort_unstable();
            of_text.dedup();
            for bucket in of_text {
                *with.entry(bucket).or_default() += 1;
            }
            all += 1;
        }
        with.retain(|_, texts| *texts >= texts_min);
        let rarity = |texts: u32| ((1.0 + to_f32(all)) / (1.0 + to_f32(texts))).ln();
        let smoothed = |texts: u32| 1.0 + RARITY_SHARE * rarity(texts);
        let weights = with.values().map(|texts| smoothed(*texts)).collect();
        Self::new(with.into_keys().collect(), weights)
    }

    /// Buckets, ascending, and their weights. A bucket beyond the last one is never found.
    pub(super) fn new(buckets: Vec<u32>, weights: Vec<f32>) -> Self {
        let mut rows = vec![NO_ROW; BUCKETS];
        for (row, bucket) in (0u32..).zip(&buckets) {
            if let Some(place) = rows.get_mut(*bucket as usize) {
                *place = row;
            }
        }
        Self {
            rows,
            buckets,
            weights,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.buckets.len()
    }

    pub(super) fn buckets(&self) -> &[u32] {
        &self.buckets
    }

    pub(super) fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// A text as a vector: words and characters each of length one, so that neither drowns the
    /// other. Empty where nothing of the text is known.
    pub(super) fn vector(&self, text: &str) -> Sparse {
        let Grams { words, characters } = grams(text);
        let mut vector = Sparse::with_capacity(words.len() + characters.len());
        for buckets in [words, characters] {
            self.add(&buckets, &mut vector);
        }
        // A bucket may hold a word and a sequence of characters.
        vector.sort_unstable_by_key(|(row, _)| *row);
        vector.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        vector
    }

    fn add(&self, buckets: &[u32], into: &mut Sparse) {
        let from = into.len();
        let mut rows: Vec<u32> = buckets
            .iter()
            .filter_map(|bucket| self.rows.get(*bucket as usize).copied())
            .filter(|row| *row != NO_ROW)
            .collect();
        rows.sort_unstable();
        for same in rows.chunk_by(|a, b| a == b) {
            let weight = self.weights[same[0] as usize];
            // Damped, so that saying a word ten times does not make it ten times as true.
            let count = u16::try_from(same.len()).unwrap_or(u16::MAX);
            into.push((same[0], (1.0 + f32::from(count).ln()) * weight));
        }
        let squares: f32 = into[from..].iter().map(|(_, value)| value * value).sum();
        if squares > 0.0 {
            let length = squares.sqrt();
            into[from..]
                .iter_mut()
                .for_each(|(_, value)| *value /= length);
        }
    }
}

/// Counts of texts, far below 2^24.
#[allow(clippy::cast_precision_loss)]
fn to_f32(count: u32) -> f32 {
    count as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a vector whose length hangs on how much was said.
    #[test]
    fn words_and_characters_each_have_length_one() {
        let space = Space::of(["where is my order", "where is the mug", "a mug"], 1);
        for text in ["where is my order", "mug", "where where where is my mug"] {
            let squares: f32 = space.vector(text).iter().map(|(_, v)| v * v).sum();
            assert!((squares - 2.0).abs() < 1e-4, "{text}: {squares}");
        }
        assert!(space.vector("注文").is_empty());
        assert!(space.vector("").is_empty());
    }

    /// Catches: rare features that are kept, which is most of a model's size.
    #[test]
    fn what_is_in_one_text_alone_can_be_left_out() {
        let all = Space::of(["my order", "my mug"], 1);
        let common = Space::of(["my order", "my mug"], 2);
        assert!(common.len() < all.len());
        assert!(!common.vector("my").is_empty());
        assert!(common.buckets().is_sorted());
    }
}
