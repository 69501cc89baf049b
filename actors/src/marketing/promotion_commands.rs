//! What Inventory tells Marketing of a product: pause, resume, more is coming.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, State, Timestamp};
use serde::{Deserialize, Serialize};

use super::MarketingAgent;
use super::events::{PromotionsPaused, PromotionsResumed, ReorderNoted};
use super::promotion::{PromotionStrategy, Reorder};
use super::rejection::{MarketingRejection, NOTE_BYTES_MAX, staff};
use crate::domain::Sku;

fn promotions_key(sku: &Sku) -> Cow<'static, str> {
    Cow::Owned(format!("promotions/{sku}"))
}

/// Stops all promotions of a product: what is nearly gone must not be advertised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PausePromotions {
    /// Which.
    pub sku: Sku,
    /// Why, for people: at most 200 bytes.
    pub reason: Box<str>,
}

impl Command for PausePromotions {
    type Agent = MarketingAgent;
    type Reply = PromotionStrategy;
    const NAME: &'static str = "PausePromotions";

    fn entity(&self) -> Cow<'_, str> {
        promotions_key(&self.sku)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        if self.reason.len() > NOTE_BYTES_MAX {
            return Err(MarketingRejection::NoteTooLong);
        }
        let mut strategy = state.promotions().clone();
        let event = strategy.paused.is_none().then(|| PromotionsPaused {
            reason: self.reason.clone(),
        });
        strategy.paused.get_or_insert_with(|| self.reason.clone());
        Ok(Decision::reply(strategy).record_all(event))
    }
}

/// Lets promotions of a product go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResumePromotions {
    /// Which.
    pub sku: Sku,
}

impl Command for ResumePromotions {
    type Agent = MarketingAgent;
    type Reply = PromotionStrategy;
    const NAME: &'static str = "ResumePromotions";

    fn entity(&self) -> Cow<'_, str> {
        promotions_key(&self.sku)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let mut strategy = state.promotions().clone();
        let event = strategy.paused.take().map(|_| PromotionsResumed);
        Ok(Decision::reply(strategy).record_all(event))
    }
}

/// Tells Marketing that more of a product is on its way. Promotions go on when it has arrived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoteReorder {
    /// Of which.
    pub sku: Sku,
    /// How many units.
    pub units: u32,
    /// When they should arrive.
    pub expected_at: Timestamp,
}

impl Command for NoteReorder {
    type Agent = MarketingAgent;
    type Reply = PromotionStrategy;
    const NAME: &'static str = "NoteReorder";

    fn entity(&self) -> Cow<'_, str> {
        promotions_key(&self.sku)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let strategy = PromotionStrategy {
            paused: state.promotions().paused.clone(),
            reorder: Some(Reorder {
                units: self.units,
                expected_at: self.expected_at,
            }),
        };
        Ok(Decision::reply(strategy).record(ReorderNoted {
            units: self.units,
            expected_at: self.expected_at,
        }))
    }
}

/// Reads how a product is promoted at present.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShowPromotions {
    /// Which.
    pub sku: Sku,
}

impl Command for ShowPromotions {
    type Agent = MarketingAgent;
    type Reply = PromotionStrategy;
    const NAME: &'static str = "ShowPromotions";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        promotions_key(&self.sku)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        Ok(Decision::reply(state.promotions().clone()))
    }
}
