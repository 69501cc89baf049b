//! Looking at what competitors ask: a durable flow, one for each look.

use std::sync::Arc;

use futures::future::join_all;
use mercato_runtime::{
    Activity, ActivityError, ActivityErrorKind, Flow, FlowError, FlowType, RuntimeBuilder,
};
use serde::{Deserialize, Serialize};

use crate::domain::Sku;
use crate::ports::{CompetitorFeed, CompetitorFeedError, OBSERVATIONS_MAX, ObservedProduct};
use crate::pricing::{RecordCompetitorPrices, Repriced};

/// The flow of one look at the market. Whoever runs the shop starts it, as often as the feed has
/// something new, and names it after the moment.
pub const WATCH_MARKET: FlowType<MarketWatch, MarketWatched, MarketWatchError> =
    FlowType::new("watch-market", 1).by_the_service();
/// Asks the feed.
pub const OBSERVE_MARKET: Activity<Vec<Sku>, Vec<ObservedProduct>> =
    Activity::new("competitors.observe").repeatable();
/// The most products of one look.
pub const MARKET_SKUS_MAX: usize = 256;

/// Which products to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketWatch {
    /// At most [`MARKET_SKUS_MAX`].
    pub skus: Vec<Sku>,
}

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MarketWatched {
    /// Prices that were taken in.
    pub taken: u32,
    /// Prices that were not.
    pub ignored: u32,
    /// Products whose price moved.
    pub moved: u32,
}

/// Why nothing was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum MarketWatchError {
    /// Too many products.
    #[error("a look at the market is at most {MARKET_SKUS_MAX} products; split it")]
    TooMany,
    /// A step could not be taken.
    #[error("the look at the market stopped: {0}")]
    Flow(#[from] FlowError),
}

/// Looks at what competitors ask, and gives it to Pricing, product by product.
///
/// # Errors
/// When there are too many products, or the feed could not be asked.
pub async fn watch_market(
    flow: Flow,
    request: MarketWatch,
) -> Result<MarketWatched, MarketWatchError> {
    if request.skus.len() > MARKET_SKUS_MAX {
        return Err(MarketWatchError::TooMany);
    }
    let asked = request.skus.clone();
    let observed = flow.perform("observe", OBSERVE_MARKET, asked).await;
    let observed = observed.map_err(FlowError::from)?;
    let known = observed
        .into_iter()
        .filter(|it| request.skus.contains(&it.sku));
    let taken_in = known.map(|mut product| {
        product.observed.truncate(OBSERVATIONS_MAX);
        let flow = &flow;
        async move {
            let step = format!("record/{}", product.sku);
            let record = RecordCompetitorPrices {
                sku: product.sku,
                observed: product.observed,
            };
            flow.ask(&step, record).await
        }
    });
    let mut watched = MarketWatched::default();
    for seen in join_all(taken_in).await {
        let seen = seen.map_err(FlowError::from)?;
        watched.taken += seen.taken;
        watched.ignored += u32::try_from(seen.ignored.len()).unwrap_or(u32::MAX);
        watched.moved += u32::from(matches!(seen.repriced, Repriced::Moved { .. }));
    }
    Ok(watched)
}

/// Adds the flow, and what it asks of the feed.
#[must_use]
pub fn register_market(builder: RuntimeBuilder, feed: Arc<dyn CompetitorFeed>) -> RuntimeBuilder {
    builder
        .activity(OBSERVE_MARKET, move |_, skus| {
            let feed = Arc::clone(&feed);
            async move {
                let observed = feed.observe(&skus).await;
                observed.map_err(|error| feed_error(&error))
            }
        })
        .flow(WATCH_MARKET, watch_market)
}

fn feed_error(error: &CompetitorFeedError) -> ActivityError {
    let (kind, code) = match error {
        CompetitorFeedError::Transient => (ActivityErrorKind::Transient, "unavailable"),
        CompetitorFeedError::Refused { .. } => (ActivityErrorKind::Permanent, "refused"),
    };
    ActivityError::new(kind, code, error.to_string())
}
