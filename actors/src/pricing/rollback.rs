//! Going back to an earlier price.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind};
use serde::{Deserialize, Serialize};

use super::changes::{PriceChangeStage, PriceChangeTerms, PriceVersion};
use super::events::PriceReason;
use super::rejection::staff;
use super::{PricingAgent, PricingRejection, PricingState};
use crate::domain::Sku;

/// Makes an earlier version hold again, at once. It becomes a new version; what waits goes on
/// waiting. What the product costs stays as it is now: that is a fact and no choice, and a cost of
/// long ago would take the floor down with it. A price that now lies below the floor is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollBackPrice {
    /// The product.
    pub sku: Sku,
    /// The version to go back to.
    pub to: u32,
}

impl Command for RollBackPrice {
    type Agent = PricingAgent;
    type Reply = PriceChangeStage;
    const NAME: &'static str = "RollBackPrice";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let state = state.price();
        let unknown = PricingRejection::UnknownVersion { version: self.to };
        let earlier = state.versions.get(self.to).ok_or(unknown)?;
        if state.current().version == self.to {
            let version = self.to;
            return Ok(Decision::reply(PriceChangeStage::Activated { version }));
        }
        let home = agent.home_price(&self.sku, state.current());
        let (_, cost) = home.ok_or_else(|| PricingRejection::UnknownProduct(self.sku.clone()))?;
        let terms = PriceChangeTerms {
            cost,
            at: None,
            reason: PriceReason::RolledBack,
            ..earlier.terms.clone()
        };
        agent.check_terms(&terms)?;
        agent.activate(&self.sku, None, state, &terms, context.now, Vec::new())
    }
}

/// Asks for the versions of a price that are remembered, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowPriceVersions {
    /// The product.
    pub sku: Sku,
}

impl Command for ShowPriceVersions {
    type Agent = PricingAgent;
    type Reply = Vec<PriceVersion>;
    const NAME: &'static str = "ShowPriceVersions";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        _: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let versions = state.price().versions.all().cloned().collect();
        Ok(Decision::reply(versions))
    }
}
