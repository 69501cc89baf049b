//! Holds that lapse by themselves.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided};
use serde::{Deserialize, Serialize};

use super::InventoryAgent;
use super::draft::Draft;
use super::state::Stock;
use crate::domain::Sku;

/// Sweeps the holds that have lapsed. A durable timer gives it when the next one does; every other
/// write sweeps too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepHolds {
    /// The product.
    pub sku: Sku,
}

impl Command for SweepHolds {
    type Agent = InventoryAgent;
    type Reply = ();
    const NAME: &'static str = "SweepHolds";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
    ) -> Decided<Self> {
        Draft::open(agent, stock, &self.sku, context)?.reply(())
    }
}
