//! What the shop stored, for people and tools.

use mercato_runtime::EventViews;

use crate::inventory::InventoryAgent;
use crate::marketing::MarketingAgent;
use crate::order::OrderAgent;
use crate::pricing::PricingAgent;
use crate::recommendation::RecommendationAgent;
use crate::support::SupportAgent;

/// Views of everything that the six agents, their flows and the runtime itself store.
///
/// ```
/// let views = mercato_actors::views();
/// let owners: Vec<_> = views.kinds().map(|kinds| kinds.owner).collect();
/// assert_eq!(
///     owners,
///     [
///         "flow", "inventory", "marketing", "order", "pricing", "quarantine", "recommendation",
///         "subscription", "support", "trigger",
///     ]
/// );
/// ```
#[must_use]
pub fn views() -> EventViews {
    EventViews::new()
        .with::<InventoryAgent>()
        .with::<PricingAgent>()
        .with::<OrderAgent>()
        .with::<RecommendationAgent>()
        .with::<SupportAgent>()
        .with::<MarketingAgent>()
}
