//! Keeps a model in a file.
//!
//! All numbers are little-endian. A reader takes nothing on trust: the checksum is looked at first,
//! then every count against its bound before anything is made of that size, and what is left over is
//! an error.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `MERCINTM` |
//! | 2 | the version of the layout, 1 |
//! | 8 | XXH3 of everything behind |
//! | 4, and each 4 and text | the labels |
//! | 4, and each 4 and 4 | the buckets in use, ascending, and their weights |
//! | 4 | from which familiarity on a text is in scope |
//! | matrix, numbers | the linear head: weights by feature, bias |
//! | 4, and each matrix, numbers, and numbers for each label | the hidden heads |
//!
//! A matrix is its width (4), its rows (4), a scale for each, and a byte for each value; numbers are
//! their count (4) and each of them (4).

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::grams::BUCKETS;
use super::labelled::LABELS_MAX;
use super::model::{HiddenHead, IntentModel, LinearHead};
use super::rows::Bytes;
use super::space::Space;

const MAGIC: &[u8; 8] = b"MERCINTM";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 8 + 2 + 8;

/// The largest model file, in bytes.
pub const MODEL_BYTES_MAX: usize = 256 * 1024 * 1024;
/// The longest label, in bytes.
const LABEL_BYTES_MAX: usize = 64;
/// The widest layer.
const WIDTH_MAX: usize = 4_096;
/// The most heads with a hidden layer.
const HEADS_MAX: usize = 16;

/// Why a file is no model that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFileError {
    /// It is something else.
    #[error("this is no intent model; train one with `mercato support train`")]
    NoModel,
    /// Another program wrote it.
    #[error(
        "the model has layout {0}, and this program reads {VERSION}; train it anew with this program"
    )]
    Version(u16),
    /// It is damaged.
    #[error("the model is damaged: {0}; copy it again or train it anew")]
    Damaged(&'static str),
    /// It is too large.
    #[error(
        "{0} bytes are more than the {MODEL_BYTES_MAX} that a model may have; train one with \
         `mercato support train`"
    )]
    TooLarge(u64),
    /// It cannot be read.
    #[error("{0}; name a file that `mercato support train` wrote")]
    Unreadable(Box<str>),
}

use ModelFileError::{Damaged, Unreadable};

impl IntentModel {
    /// The model as it is kept in a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.count(self.labels.len());
        for label in &self.labels {
            to.count(label.len());
            to.0.extend_from_slice(label.as_bytes());
        }
        to.count(self.space.len());
        for bucket in self.space.buckets() {
            to.0.extend_from_slice(&bucket.to_le_bytes());
        }
        to.plain(self.space.weights());
        to.plain(&[self.familiar_from]);
        to.matrix(&self.linear.weights);
        to.numbers(&self.linear.bias);
        to.count(self.hidden.len());
        for head in &self.hidden {
            to.matrix(&head.inner);
            to.numbers(&head.inner_bias);
            head.outer.iter().for_each(|row| to.numbers(row));
        }
        let body = to.0;
        let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&xxh3_64(&body).to_le_bytes());
        bytes.extend_from_slice(&body);
        bytes
    }

    /// The model in this file.
    ///
    /// # Errors
    /// When it cannot be read, or as [`from_bytes`](Self::from_bytes).
    pub fn read(path: &Path) -> Result<Self, ModelFileError> {
        let unreadable = |error: std::io::Error| Unreadable(error.to_string().into());
        let metadata = fs::metadata(path).map_err(unreadable)?;
        // A pipe would be waited for, and a device has no end.
        if !metadata.is_file() {
            return Err(Unreadable("this is no plain file".into()));
        }
        // Before it is read, so that nobody waits for what is refused anyway.
        if metadata.len() > MODEL_BYTES_MAX as u64 {
            return Err(ModelFileError::TooLarge(metadata.len()));
        }
        let mut bytes = Vec::new();
        // One byte more than allowed tells a file that grew since it was looked at.
        File::open(path)
            .and_then(|file| {
                file.take(MODEL_BYTES_MAX as u64 + 1)
                    .read_to_end(&mut bytes)
            })
            .map_err(unreadable)?;
        Self::from_bytes(&bytes)
    }

    /// A model out of the bytes of a file.
    ///
    /// # Errors
    /// When it is no model, of another version, damaged, or larger than a model may be.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        if bytes.len() > MODEL_BYTES_MAX {
            return Err(ModelFileError::TooLarge(bytes.len() as u64));
        }
        let (magic, rest) = bytes.split_first_chunk().ok_or(ModelFileError::NoModel)?;
        if magic != MAGIC {
            return Err(ModelFileError::NoModel);
        }
        let cut = Damaged("it is cut off");
        let (version, rest) = rest.split_first_chunk().ok_or(cut.clone())?;
        let version = u16::from_le_bytes(*version);
        if version != VERSION {
            return Err(ModelFileError::Version(version));
        }
        let (checksum, body) = rest.split_first_chunk().ok_or(cut)?;
        if xxh3_64(body) != u64::from_le_bytes(*checksum) {
            return Err(Damaged("its checksum does not match"));
        }
        let mut from = Reader(body);
        let model = from.model()?;
        match from.0.is_empty() {
            true => Ok(model),
            false => Err(Damaged("something stands behind its end")),
        }
    }
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    /// A count that is far below 2^32: what is read is held to smaller bounds.
    fn count(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&count.to_le_bytes());
    }

    fn plain(&mut self, numbers: &[f32]) {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
        self.0.extend(bytes);
    }

    fn numbers(&mut self, numbers: &[f32]) {
        self.count(numbers.len());
        self.plain(numbers);
    }

    fn matrix(&mut self, matrix: &Bytes) {
        self.count(matrix.width());
        self.numbers(matrix.scales());
        let bytes = matrix.values().iter().map(|value| value.cast_unsigned());
        self.0.extend(bytes);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], ModelFileError> {
        let (taken, rest) = self
            .0
            .split_at_checked(bytes)
            .ok_or(Damaged("it is cut off"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn count(&mut self, most: usize) -> Result<usize, ModelFileError> {
        let (count, rest) = self.0.split_first_chunk().ok_or(Damaged("it is cut off"))?;
        self.0 = rest;
        let count = usize::try_from(u32::from_le_bytes(*count)).unwrap_or(usize::MAX);
        if count > most {
            return Err(Damaged("a count is beyond its bound"));
        }
        Ok(count)
    }

    fn plain(&mut self, count: usize) -> Result<Vec<f32>, ModelFileError> {
        let bytes = self.take(count.saturating_mul(4))?;
        let (words, _) = bytes.as_chunks::<4>();
        Ok(words.iter().map(|word| f32::from_le_bytes(*word)).collect())
    }

    /// Exactly so many finite numbers.
    fn numbers(&mut self, count: usize) -> Result<Vec<f32>, ModelFileError> {
        if self.count(count)? != count {
            return Err(Damaged("its parts do not fit together"));
        }
        let numbers = self.plain(count)?;
        match numbers.iter().all(|number| number.is_finite()) {
            true => Ok(numbers),
            false => Err(Damaged("a number is none")),
        }
    }

    fn matrix(&mut self, rows: usize, width: Option<usize>) -> Result<Bytes, ModelFileError> {
        let found = self.count(WIDTH_MAX)?;
        if width.is_some_and(|width| width != found) {
            return Err(Damaged("its parts do not fit together"));
        }
        let scales = self.numbers(rows)?;
        let values = self.take(rows.saturating_mul(found))?;
        let values = values.iter().map(|byte| byte.cast_signed()).collect();
        Bytes::new(found, scales, values).ok_or(Damaged("its parts do not fit together"))
    }

    fn model(&mut self) -> Result<IntentModel, ModelFileError> {
        // One more than labels: that of what is out of scope.
        let classes = self.count(LABELS_MAX + 1)?;
        if classes < 2 {
            return Err(Damaged("it has nothing to tell apart"));
        }
        let mut labels: Vec<Box<str>> = Vec::with_capacity(classes);
        for _ in 0..classes {
            let bytes = self.count(LABEL_BYTES_MAX)?;
            let label = std::str::from_utf8(self.take(bytes)?);
            labels.push(label.map_err(|_| Damaged("a label is no text"))?.into());
        }
        let features = self.count(BUCKETS)?;
        let (buckets, _) = self.take(features.saturating_mul(4))?.as_chunks::<4>();
        let buckets: Vec<u32> = buckets.iter().map(|b| u32::from_le_bytes(*b)).collect();
        let ascending = buckets.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascending || buckets.last().is_some_and(|last| *last as usize >= BUCKETS) {
            return Err(Damaged("its features are not in order"));
        }
        let weights = self.plain(features)?;
        let familiar_from = self.plain(1)?.first().copied().unwrap_or(f32::NAN);
        if familiar_from.is_nan() || !weights.iter().all(|weight| weight.is_finite()) {
            return Err(Damaged("a number is none"));
        }
        let linear = LinearHead {
            weights: self.matrix(features, Some(classes))?,
            bias: self.numbers(classes)?,
        };
        let mut hidden = Vec::new();
        for _ in 0..self.count(HEADS_MAX)? {
            let inner = self.matrix(features, None)?;
            let width = inner.width();
            hidden.push(HiddenHead {
                inner_bias: self.numbers(width)?,
                outer: (0..classes)
                    .map(|_| self.numbers(width + 1))
                    .collect::<Result<_, _>>()?,
                inner,
            });
        }
        Ok(IntentModel {
            labels,
            space: Space::new(buckets, weights),
            linear,
            hidden,
            familiar_from,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Labelled, TrainOptions, train};
    use super::*;

    fn model() -> IntentModel {
        let mut examples = Vec::new();
        for n in 0..12 {
            for (text, label) in [("where is my order", "status"), ("a red mug", "product")] {
                examples.push(Labelled {
                    text: format!("{text} {n}"),
                    label: label.to_owned(),
                });
            }
        }
        let options = TrainOptions {
            texts_min: 1,
            hidden_heads: 1,
            width: 4,
            linear_rounds: 3,
            hidden_rounds: 3,
            ..TrainOptions::default()
        };
        train(&examples, options).expect("two labels")
    }

    /// Catches: a part that is not written, or read in another order.
    #[test]
    fn a_model_comes_back_as_it_was() {
        let model = model();
        let back = IntentModel::from_bytes(&model.to_bytes()).expect("it reads");
        assert_eq!(back.to_bytes(), model.to_bytes());
        for text in ["where is my order 7", "mug", "something else", ""] {
            assert_eq!(back.predict(text), model.predict(text), "{text}");
        }
    }

    /// Catches: a damaged file that is used, or that makes the reader fail or take memory without
    /// end: every byte is turned over, and the file is cut at every place.
    #[test]
    fn a_damaged_file_is_refused_with_what_is_wrong() {
        let bytes = model().to_bytes();
        let refused = |bytes: &[u8]| IntentModel::from_bytes(bytes).expect_err("refused");
        assert_eq!(refused(b""), ModelFileError::NoModel);
        assert_eq!(refused(b"text,label\n"), ModelFileError::NoModel);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x55;
            refused(&damaged);
            refused(&bytes[..at]);
        }
        let mut newer = bytes;
        newer[8] = 9;
        assert_eq!(refused(&newer), ModelFileError::Version(9));
        assert!(refused(&newer).to_string().contains("train it anew"));
    }

    /// Catches: a reader that trusts counts where the checksum was made to fit.
    #[test]
    fn a_forged_file_is_held_to_its_bounds() {
        let bytes = model().to_bytes();
        for at in (HEADER_BYTES..bytes.len()).step_by(3) {
            let mut forged = bytes.clone();
            forged[at] = 0xff;
            let checksum = xxh3_64(&forged[HEADER_BYTES..]).to_le_bytes();
            forged[10..HEADER_BYTES].copy_from_slice(&checksum);
            // Another number is another model; what counts is that it ends.
            let _ = IntentModel::from_bytes(&forged);
        }
    }
}
