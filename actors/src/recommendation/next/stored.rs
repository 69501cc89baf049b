//! What is stored of a [`NextItem`].

use serde::{Deserialize, Serialize};

use super::NextItem;
use super::blend::Judge;
use super::counts::Counts;
use super::items::{Items, Slot};
use super::limits::{NextItemLimits, Tuning};
use super::sessions::Sessions;
use super::weights::{Column, Weights};
use crate::domain::Sku;

/// The stored form: what cannot be made of the rest.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    limits: NextItemLimits,
    learned: u64,
    turn: Slot,
    judge: Judge,
    items: Vec<Option<Sku>>,
    first: u32,
    sessions: Vec<Vec<Slot>>,
    columns: Vec<StoredColumn>,
}

/// Sources are in order, so that only the steps between them are stored. Of a weight the upper half
/// is; the lower one is zero.
#[derive(Debug, Serialize, Deserialize)]
struct StoredColumn {
    clicks: u32,
    /// The halves as two bytes each: as numbers nearly all of them would take three.
    weights: Vec<(Slot, [u8; 2])>,
}

/// What stands in the stored form beside products, sessions and weights: above all what the blends
/// gained.
const REST_BYTES: usize = 4_096;
/// At most, beside its name: whether there is one, the name's length, how many clicks its column was
/// worked out of, and the column's length.
const SLOT_BYTES: usize = 1 + 2 + 5 + 3;
/// A session's length, at most.
const SESSION_BYTES: usize = 3;
/// Below so many numbers each takes three bytes at most, beyond them five.
const SHORT_SLOTS: usize = 1 << 16;

/// The size of the stored form, in bytes: never less than it is, and nearly what it is where
/// there are many products. It is known without storing anything.
pub(super) fn stored_bytes(next: &NextItem) -> usize {
    let slots = next.items.slots();
    let number = if slots <= SHORT_SLOTS { 3 } else { 5 };
    REST_BYTES
        + SLOT_BYTES * slots
        + next.items.name_bytes()
        + SESSION_BYTES * next.sessions.len()
        + number * next.sessions.clicks()
        + (number + 2) * next.weights.len()
}

impl Stored {
    pub(super) fn of(next: &NextItem) -> Self {
        let columns = next.weights.columns().iter().map(|column| {
            let mut before = 0;
            let weights = column.weights.iter().map(|(source, weight)| {
                let step = source - before;
                before = *source;
                let [_, _, low, high] = weight.to_le_bytes();
                (step, [low, high])
            });
            StoredColumn {
                clicks: column.clicks,
                weights: weights.collect(),
            }
        });
        Self {
            limits: next.limits,
            learned: next.learned,
            turn: next.turn,
            judge: next.judge.clone(),
            items: next.items.stored().to_vec(),
            first: next.sessions.first(),
            sessions: next.sessions.iter().map(<[Slot]>::to_vec).collect(),
            columns: columns.collect(),
        }
    }
}

impl From<Stored> for NextItem {
    fn from(stored: Stored) -> Self {
        let mut counts = Counts::default();
        for clicks in &stored.sessions {
            for (place, slot) in clicks.iter().enumerate() {
                counts.add(&clicks[..place], *slot);
            }
        }
        let columns = stored.columns.into_iter().map(|column| {
            let mut source = 0;
            let weights = column.weights.into_iter().map(|(step, weight)| {
                source += step;
                let [low, high] = weight;
                (source, f32::from_le_bytes([0, 0, low, high]))
            });
            Column {
                clicks: column.clicks,
                weights: weights.collect(),
            }
        });
        Self {
            limits: stored.limits,
            tuning: Tuning::default(),
            sessions: Sessions::restored(stored.first, stored.sessions, stored.items.len()),
            items: Items::restored(stored.items),
            counts,
            weights: Weights::restored(columns.collect()),
            learned: stored.learned,
            turn: stored.turn,
            judge: stored.judge,
        }
    }
}
