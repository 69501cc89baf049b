//! A shop and its day as plain data.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use mercato_actors::ShopConfig;
use mercato_actors::runtime::AgentOptions;

/// After what time without progress a shard counts as hung. Less than those wait who ask, so that what it
/// held is answered by the one after it.
pub(super) const HUNG_AFTER: Duration = Duration::from_secs(3);

/// A shop and its day.
#[derive(Debug, Clone, PartialEq)]
pub struct ShopPlan {
    /// Draws everything that shoppers and gateways draw.
    pub seed: u64,
    /// How many visit it.
    pub shoppers: u32,
    /// Within which time they come.
    pub open_for: Duration,
    /// When they come.
    pub rush: Rush,
    /// Of a hundred shoppers so many fill a cart; the others look at a few pages.
    pub fills_percent: u32,
    /// Of a hundred who filled a cart so many leave it behind, with what the shop holds for it.
    pub abandons_percent: u32,
    /// The longest that a shopper thinks between two steps.
    pub think_max: Duration,
    /// How many products it has.
    pub products: u32,
    /// Of a hundred shoppers so many want the first product above all.
    pub hot_percent: u32,
    /// How many units of each there are in the beginning.
    pub stock_units: u32,
    /// The most units on a line.
    pub line_units_max: u32,
    /// How often goods are delivered; `None` for never.
    pub delivery_every: Option<Duration>,
    /// How often a price is changed; `None` for never.
    pub price_change_every: Option<Duration>,
    /// For how long the shop stands by a price.
    pub quote_lifetime: Duration,
    /// For how long an order can be changed.
    pub change_for: Duration,
    /// When customers are asked for their opinion.
    pub follow_up_after: Duration,
    /// How long a supplier takes.
    pub lead_time: Duration,
    /// After how many of its events an entity is snapshot.
    pub snapshot_every: NonZeroU64,
    /// Shards of each agent.
    pub shards: NonZeroUsize,
    /// Entities that a shard keeps in memory.
    pub entities_max: NonZeroUsize,
    /// Messages that a mailbox takes.
    pub mailbox_max: NonZeroUsize,
    /// Records that are read when the journal is opened, more or less.
    pub tail_records_max: u64,
    /// The mistake that is made on purpose, if one is.
    #[cfg(feature = "planted-bugs")]
    pub planted: Option<mercato_actors::PlantedBug>,
}

/// When shoppers come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rush {
    /// Evenly.
    Steady,
    /// Half of them within a twentieth of the time, at this share of it.
    At(f64),
}

impl ShopPlan {
    /// The configuration of its runtime.
    #[must_use]
    pub fn config(&self) -> ShopConfig {
        let mut config = ShopConfig::default();
        let agent = AgentOptions {
            shards: self.shards,
            active_entities_max: self.entities_max,
            snapshot_every_events: Some(self.snapshot_every),
            ..AgentOptions::default()
        };
        for options in config.agents.each_mut() {
            options.shards = agent.shards;
            options.active_entities_max = agent.active_entities_max;
            options.snapshot_every_events = agent.snapshot_every_events;
            options.mailbox.capacity = self.mailbox_max;
            options.ready_max = Some(HUNG_AFTER);
            // Injected crashes are no sign of illness.
            options.intensity.restarts_max = 100_000;
        }
        config.journal.tail_records_max = self.tail_records_max;
        config.journal.cache_bytes = 2 << 20;
        // Room for these is made when the journal is opened, and small worlds open it often.
        config.journal.replies_max = 20_000;
        #[cfg(feature = "planted-bugs")]
        {
            let bug = mercato_actors::PlantedBug::UncheckedPage;
            config.journal.unchecked = self.planted == Some(bug);
        }
        let terms = &mut config.shop;
        terms.pricing.quote_lifetime = self.quote_lifetime;
        terms.order.change_for = self.change_for;
        terms.inventory.lead_time = self.lead_time;
        terms.inventory.lead_time_deviation = self.lead_time / 6;
        terms.inventory.cover = self.lead_time * 3;
        terms.inventory.order_min = self.stock_units.max(1);
        config
    }
}
