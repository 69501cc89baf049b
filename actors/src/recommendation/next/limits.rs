//! How much is remembered, and how it is weighed.

use serde::{Deserialize, Serialize};

/// What a [`NextItem`](super::NextItem) holds at most. Beyond it the oldest session is forgotten,
/// with everything that was learned from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextItemLimits {
    /// Sessions.
    pub sessions_max: usize,
    /// Clicks of all sessions together.
    pub clicks_max: usize,
    /// Products.
    pub items_max: usize,
    /// Clicks of one session; what comes after them begins a new one.
    pub session_clicks_max: usize,
    /// Products whose clicks explain the click on another one: the order of the system of equations
    /// that is solved, whose work grows with its cube.
    pub sources_max: usize,
    /// Weights that one product keeps, of either kind: of what leads to it, the strongest; and of
    /// what it leads to, so many times [`LEADS_PER_WEIGHT`](Self::LEADS_PER_WEIGHT).
    pub weights_max: usize,
    /// Bytes of the stored form. A journal sets larger snapshots aside, and a model that is never
    /// stored is made of all its events again at each start.
    pub stored_bytes_max: usize,
}

impl NextItemLimits {
    /// A product can lead to more products than lead to it: what everybody looks at leads
    /// everywhere.
    pub const LEADS_PER_WEIGHT: usize = 40;

    /// How many products one product can lead to.
    #[must_use]
    pub fn leads_max(&self) -> usize {
        self.weights_max * Self::LEADS_PER_WEIGHT
    }
}

impl Default for NextItemLimits {
    fn default() -> Self {
        Self {
            sessions_max: 262_144,
            clicks_max: 1_048_576,
            // One less than the numbers that are stored in three bytes: a newcomer has its own before
            // somebody else has to go.
            items_max: 65_535,
            session_clicks_max: 64,
            sources_max: 100,
            weights_max: 32,
            stored_bytes_max: 12 << 20,
        }
    }
}

/// How clicks are weighed. The values were chosen on three public data sets together, see
/// `docs/RECOMMENDATION.md`; they are part of what the model is, and no setting of a shop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tuning {
    /// Added to the diagonal of the equations, in clicks: how many clicks it takes to be believed.
    pub(super) ridge: f32,
    /// How much a click counts for of the one after it, where weights are applied.
    pub(super) weight_fade: f32,
    /// The same, where sessions are compared.
    pub(super) near_fade: f32,
    /// How much a click of a near session counts for of one that is one place closer to where the
    /// sessions meet.
    pub(super) place_fade: f32,
    /// Of each product so many sessions are compared, the latest.
    pub(super) sessions_per_item_max: usize,
    /// So many sessions are compared in all.
    pub(super) compared_max: usize,
    /// So many of those that were compared are followed.
    pub(super) near_max: usize,
    /// How much less the oldest session counts than the newest one.
    pub(super) recency: f32,
    /// One click in so many judges the blends before it is learned.
    pub(super) clicks_per_judgement: u32,
    /// A product's weights are worked out anew when its clicks grew by one part in so many.
    pub(super) grown_part: u32,
    /// After so many clicks one more product's weights are worked out anew, in turn.
    pub(super) clicks_per_turn: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            ridge: 4.0,
            weight_fade: 0.513_417,
            near_fade: 0.606_531,
            place_fade: 0.606_531,
            sessions_per_item_max: 500,
            compared_max: 1_000,
            near_max: 200,
            recency: 0.8,
            clicks_per_judgement: 8,
            grown_part: 8,
            clicks_per_turn: 4,
        }
    }
}
