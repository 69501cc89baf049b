//! The port through which the shop sees what competitors ask.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::future::{self, BoxFuture, FutureExt};
use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{BasisPoints, CompetitorId, Money, Sku};

/// The most prices of one product in an answer of a feed.
pub const OBSERVATIONS_MAX: usize = 64;

/// Looks at what competitors ask.
pub trait CompetitorFeed: Send + Sync + 'static {
    /// The prices of these products that the feed has seen last, at most [`OBSERVATIONS_MAX`] of
    /// each. A look changes nothing, so it may be repeated.
    ///
    /// # Errors
    /// When the feed cannot be reached.
    fn observe<'a>(
        &'a self,
        skus: &'a [Sku],
    ) -> BoxFuture<'a, Result<Vec<ObservedProduct>, CompetitorFeedError>>;
}

/// What competitors ask for one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedProduct {
    /// The product, by the shop's own name.
    pub sku: Sku,
    /// What was seen of it.
    pub observed: Vec<CompetitorObservation>,
}

/// A competitor's price, as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompetitorObservation {
    /// Whose.
    pub source: CompetitorId,
    /// The price of one unit, before tax.
    pub unit: Money,
    /// When it was seen.
    pub seen_at: Timestamp,
    /// How far it is to be believed that it is of the same article and right: from nothing to the
    /// whole.
    pub confidence: BasisPoints,
}

/// Why a feed gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompetitorFeedError {
    /// It cannot be reached, or is busy.
    #[error("the competitor feed is unavailable; try again later")]
    Transient,
    /// It will not answer.
    #[error("the competitor feed refused: {reason}")]
    Refused {
        /// What it says.
        reason: Box<str>,
    },
}

/// A feed inside this process: it has seen what it was told.
#[derive(Debug, Default)]
pub struct InProcessCompetitors {
    // Held for a few instructions and never across an await.
    seen: Mutex<BTreeMap<Sku, BTreeMap<CompetitorId, CompetitorObservation>>>,
}

impl InProcessCompetitors {
    /// A feed that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells it of a price; the one before of the same source is forgotten.
    pub fn see(&self, sku: Sku, observation: CompetitorObservation) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let product = seen.entry(sku).or_default();
        product.insert(observation.source.clone(), observation);
    }
}

impl CompetitorFeed for InProcessCompetitors {
    fn observe<'a>(
        &'a self,
        skus: &'a [Sku],
    ) -> BoxFuture<'a, Result<Vec<ObservedProduct>, CompetitorFeedError>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let observed = skus.iter().filter_map(|sku| {
            let product = seen.get(sku)?.values();
            let observed = product.take(OBSERVATIONS_MAX).cloned().collect();
            let sku = sku.clone();
            Some(ObservedProduct { sku, observed })
        });
        future::ready(Ok(observed.collect())).boxed()
    }
}
