//! The Recommendation agent: what a shopper may like, and what goes with what.
//!
//! It owns one entity for each shopper (their [`Taste`]) and two for the shop: the [`Model`] of
//! products that are bought together, and the [`Clicks`], of which it learns what comes next in a
//! visit. All are bounded.

mod candidates;
mod click_commands;
mod clicks;
mod commands;
mod events;
mod exposures;
mod model;
mod model_stored;
mod next;
mod rank;
mod reads;
mod rules;
mod taste;
#[cfg(test)]
mod testing;
mod triggers;
mod workflow;

use std::sync::Arc;

use mercato_runtime::{Agent, Commands};
use serde::{Deserialize, Serialize};

pub use candidates::{Candidate, CandidateContext, Candidates, Rung, Showcase};
pub use click_commands::{LearnClick, LogExposure, NextProduct, NextProducts};
pub use clicks::{Clicks, Visitor};
pub use commands::{
    LearnBasket, RecommendationRejection, RecordPurchase, RecordView, RestoreProduct,
    SuppressProduct,
};
pub use events::{
    BasketLearned, BoughtProduct, ClickLearned, ProductRestored, ProductSuppressed, ProductViewed,
    ProductsBought, ProductsShown, RecommendationEvent, ShownProduct,
};
pub use exposures::Exposures;
pub use model::Model;
pub use next::{NextItem, NextItemLimits, NextItemSize, SessionNumber};
pub use reads::{GenerateCandidates, NewProduct, PopularProducts, ShopperTaste};
pub use rules::BusinessRules;
pub use taste::{Purchase, Taste};
pub use triggers::recommendation_triggers;
pub use workflow::{
    BrowseRequest, Device, RecommendError, Recommendation, Recommendations, Situation, recommend,
};

use crate::domain::Catalogue;

/// The Recommendation agent.
#[derive(Debug, Clone)]
pub struct RecommendationAgent {
    catalogue: Arc<Catalogue>,
    rules: BusinessRules,
}

impl RecommendationAgent {
    /// An agent that recommends from this catalogue, under these rules.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>, rules: BusinessRules) -> Self {
        Self { catalogue, rules }
    }
}

/// One entity of the Recommendation agent; its key says which.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum RecommendationState {
    /// Before the first event.
    #[default]
    New,
    /// `shopper/<customer>`.
    Shopper(Taste),
    /// `model`.
    Model(Model),
    /// `clicks`.
    Clicks(Box<Clicks>),
}

impl RecommendationState {
    /// The shopper's taste; of a new shopper nothing is known.
    #[must_use]
    pub fn taste(&self) -> &Taste {
        static UNKNOWN: Taste = Taste::unknown();
        match self {
            Self::Shopper(taste) => taste,
            Self::New | Self::Model(_) | Self::Clicks(_) => &UNKNOWN,
        }
    }

    /// The model; a new one has learned nothing.
    #[must_use]
    pub fn model(&self) -> &Model {
        static UNTAUGHT: Model = Model::untaught();
        match self {
            Self::Model(model) => model,
            Self::New | Self::Shopper(_) | Self::Clicks(_) => &UNTAUGHT,
        }
    }

    /// The clicks; `None` before the first one.
    #[must_use]
    pub fn clicks(&self) -> Option<&Clicks> {
        match self {
            Self::Clicks(clicks) => Some(clicks),
            Self::New | Self::Shopper(_) | Self::Model(_) => None,
        }
    }

    fn change_clicks(&mut self, change: impl FnOnce(&mut Clicks)) {
        if matches!(self, Self::New) {
            *self = Self::Clicks(Box::default());
        }
        if let Self::Clicks(clicks) = self {
            change(clicks);
        }
    }

    fn change_taste(&mut self, change: impl FnOnce(&mut Taste)) {
        if matches!(self, Self::New) {
            *self = Self::Shopper(Taste::unknown());
        }
        if let Self::Shopper(taste) = self {
            change(taste);
        }
    }

    fn change_model(&mut self, change: impl FnOnce(&mut Model)) {
        if matches!(self, Self::New) {
            *self = Self::Model(Model::untaught());
        }
        if let Self::Model(model) = self {
            change(model);
        }
    }
}

impl Agent for RecommendationAgent {
    const NAME: &'static str = "recommendation";
    /// 2: clicks, what was shown, and when something was bought before. 3: the model by numbers, and
    /// how much of the clicks is stored at most.
    const STATE_VERSION: u16 = 3;
    type State = RecommendationState;
    type Event = RecommendationEvent;
    type Rejection = RecommendationRejection;

    fn evolve(state: &mut Self::State, event: &Self::Event) {
        match event {
            RecommendationEvent::ProductViewed(event) => {
                state.change_taste(|taste| taste.viewed(event));
            }
            RecommendationEvent::ProductsBought(event) => {
                state.change_taste(|taste| taste.bought(event));
            }
            RecommendationEvent::BasketLearned(event) => {
                state.change_model(|model| model.learn(&event.skus));
            }
            RecommendationEvent::ProductSuppressed(event) => state.change_model(|model| {
                model.suppress(event.sku.clone(), event.reason.clone());
            }),
            RecommendationEvent::ProductRestored(event) => {
                state.change_model(|model| model.restore(&event.sku));
            }
            RecommendationEvent::ClickLearned(event) => {
                state.change_clicks(|clicks| clicks.click(event));
            }
            RecommendationEvent::ProductsShown(event) => {
                state.change_model(|model| model.shown(event));
            }
        }
    }

    fn commands(commands: &mut Commands<Self>) {
        commands
            .add::<RecordView>()
            .add::<RecordPurchase>()
            .add::<LearnBasket>()
            .add::<SuppressProduct>()
            .add::<RestoreProduct>()
            .add::<ShopperTaste>()
            .add::<GenerateCandidates>()
            .add::<PopularProducts>()
            .add::<NewProduct>()
            .add::<LearnClick>()
            .add::<NextProducts>()
            .add::<LogExposure>();
    }
}
