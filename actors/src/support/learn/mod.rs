//! A classifier of short texts that is trained from labelled ones: see
//! [`train`] and [`IntentModel`].
//!
//! Hashed n-grams (`grams.rs`) become sparse vectors (`space.rs`). A linear head (`linear.rs`) and
//! heads with a hidden layer (`hidden.rs`) score the classes, and their sum is turned into chances
//! that are as often right as they say (`chances.rs`). `file.rs` keeps a model, `labelled.rs` reads
//! what it learns from, and `measure.rs` says how good it is. docs/SUPPORT.md has the figures.
//!
//! The same texts and seed give the same model; nothing here knows of time.

mod chances;
mod file;
mod grams;
mod hidden;
mod labelled;
mod linear;
mod measure;
mod model;
mod rows;
mod space;
mod train;

pub use file::{MODEL_BYTES_MAX, ModelFileError};
pub use labelled::{Labelled, LabelledError, OUT_OF_SCOPE, read_labelled};
pub use measure::{Scored, area_under_roc, calibration_error, score};
pub use model::{IntentModel, Prediction};
pub use train::{TrainOptions, train};
