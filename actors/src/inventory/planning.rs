//! The forecast of a SKU: made when it is due, kept, and held against what came.

use std::borrow::Cow;
use std::time::Duration;

use mercato_runtime::{Command, Context, Decided, Decision, Kind};
use serde::{Deserialize, Serialize};

use super::InventoryAgent;
use super::draft::Draft;
use super::outlook::{self, Forecast};
use super::rejection::staff;
use super::state::Stock;
use crate::domain::Sku;

/// How often a forecast is made anew while nothing else makes it.
pub(super) const REVIEW_EVERY: Duration = Duration::from_secs(86_400);

/// Makes the forecast anew, and with it the reorder point. A durable timer gives it once a day; a
/// commit does the same where the forecast is older than that, or than an hour for a product that
/// was first sold within two weeks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviseForecast {
    /// The product.
    pub sku: Sku,
}

impl Command for ReviseForecast {
    type Agent = InventoryAgent;
    type Reply = Forecast;
    const NAME: &'static str = "ReviseForecast";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let mut draft = Draft::open(agent, stock, &self.sku, context)?;
        let revised = outlook::revise(&agent.settings, stock, context.now);
        let forecast = Forecast::of(&revised, &stock.outlook);
        draft.record(revised);
        draft.reply(forecast)
    }
}

/// Forecasts demand, and records nothing. A forecast that is not too old is given as it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForecastDemand {
    /// The product.
    pub sku: Sku,
}

impl Command for ForecastDemand {
    type Agent = InventoryAgent;
    type Reply = Forecast;
    const NAME: &'static str = "ForecastDemand";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        agent.check(&self.sku)?;
        let revised = outlook::current(&agent.settings, stock, context.now);
        let forecast = Forecast::of(&revised, &stock.outlook);
        Ok(Decision::reply(forecast))
    }
}
