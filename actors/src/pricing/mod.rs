//! Pricing: what a product costs a shopper now, and why.
//!
//! The entity is a SKU. What a price is made of (base price, strategy, promotions, competitors) is
//! recorded with its reasons; a price itself is calculated from that on demand, by the same steps
//! each time, and carries the trace of them.

mod calculate;
mod commands;
mod events;
mod quote;
mod settings;
mod state;

use std::sync::Arc;

use mercato_runtime::{Agent, Commands};
use serde::{Deserialize, Serialize};

use crate::domain::{BasisPoints, Catalogue, Currency, MoneyError, PromotionId, Sku};

pub use calculate::{PriceStep, Segment, TraceEntry};
pub use commands::{
    AdjustStrategy, PausePromotion, PriceRecommendation, RecordCompetitorPrice, SetBasePrice,
    StartPromotion,
};
pub use events::{
    BasePriceSet, CompetitorPriceRecorded, Lifecycle, PriceReason, PricingEvent, PromotionPaused,
    PromotionStarted, StrategyAdjusted,
};
pub use quote::{Quote, QuotePrice};
pub use settings::PricingSettings;
pub use state::{CompetitorPrice, PriceInputs, PriceState, Promotion};

/// The agent that owns prices.
#[derive(Debug, Clone)]
pub struct PricingAgent {
    settings: PricingSettings,
    catalogue: Arc<Catalogue>,
}

impl PricingAgent {
    /// Pricing over a catalogue, whose prices hold until others are set.
    #[must_use]
    pub fn new(settings: PricingSettings, catalogue: Arc<Catalogue>) -> Self {
        Self {
            settings,
            catalogue,
        }
    }
}

impl Agent for PricingAgent {
    const NAME: &'static str = "pricing";
    type State = PriceState;
    type Event = PricingEvent;
    type Rejection = PricingRejection;

    fn evolve(state: &mut PriceState, event: &PricingEvent) {
        state.apply(event);
    }

    fn commands(commands: &mut Commands<Self>) {
        commands
            .add::<SetBasePrice>()
            .add::<AdjustStrategy>()
            .add::<StartPromotion>()
            .add::<PausePromotion>()
            .add::<RecordCompetitorPrice>()
            .add::<QuotePrice>();
    }
}

/// Why Pricing refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum PricingRejection {
    /// Nobody ever gave the product a price.
    #[error("sku {0} has no price; set a base price or add it to the catalogue")]
    UnknownProduct(Sku),
    /// A price must be above zero, and a cost not below.
    #[error("price must be above zero and cost not below zero; correct the amount")]
    Amount,
    /// The shop prices in one currency.
    #[error("prices of this shop are in {expected}; convert the amount first")]
    Currency {
        /// The currency of the catalogue.
        expected: Currency,
    },
    /// A strategy moves prices only so far.
    #[error("adjustment is beyond {max} either way; choose a smaller one")]
    AdjustmentTooLarge {
        /// The furthest that a strategy may move a price.
        max: BasisPoints,
    },
    /// A promotion must take something off, and not everything.
    #[error("promotion must take off more than 0.00% and at most {max}; choose a share in between")]
    PromotionShare {
        /// The most that a promotion may take off.
        max: BasisPoints,
    },
    /// A promotion must end after it starts, and not lie in the past.
    #[error("promotion must end after it starts and after now; correct its times")]
    PromotionTimes,
    /// Another promotion has this id.
    #[error("promotion {0} exists with other terms; use another id")]
    PromotionDiffers(PromotionId),
    /// There are too many.
    #[error("sku has {max} promotions that have not ended; wait for one to end")]
    TooManyPromotions {
        /// The most that a SKU may have.
        max: u32,
    },
    /// There is no such promotion.
    #[error("promotion {0} is unknown or has ended; check its id")]
    UnknownPromotion(PromotionId),
    /// A price that was seen lies in the future, or is older than the one known.
    #[error("competitor price is from the future or older than the one known; send the latest")]
    CompetitorTime,
    /// A calculation has no result.
    #[error("price cannot be calculated: {0}")]
    Money(#[from] MoneyError),
}
