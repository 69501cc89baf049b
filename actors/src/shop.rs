//! The shop: six agents, the journeys between them, and the outside that they reach through ports.

use std::num::NonZeroU64;
use std::sync::Arc;

use mercato_runtime::{AgentOptions, RuntimeBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Catalogue;
use crate::inventory::{InventoryAgent, InventorySettings};
use crate::journeys::{register_journeys, register_market, register_purchases};
use crate::marketing::{
    FollowUp, MarketingAgent, MarketingSettings, TriggeredCampaign, UnsubscribeUrl,
    marketing_triggers, register_marketing,
};
use crate::order::{OrderAgent, OrderSettings};
use crate::ports::{Carrier, CompetitorFeed, Mail, Messengers, Payments, Procurement};
use crate::pricing::{PricingAgent, PricingSettings, pricing_triggers};
use crate::recommendation::{BusinessRules, RecommendationAgent, recommendation_triggers};
use crate::support::{
    IntentClassifier, KnowledgeBase, SupportAgent, SupportSettings, register_support,
};

/// The names of the six agents, in the order in which they start.
pub const AGENTS: [&str; 6] = [
    "inventory",
    "pricing",
    "order",
    "recommendation",
    "support",
    "marketing",
];

/// What the shop's ports are called, where a policy or a breaker is theirs: what stands before the dot in
/// their activities.
pub const PORTS: [&str; 9] = [
    "payments",
    "carrier",
    "procurement",
    "competitors",
    "mail",
    "sms",
    "push",
    "social",
    "language",
];

/// The outside that a shop reaches.
#[derive(Clone)]
pub struct Ports {
    /// Moves money.
    pub payments: Arc<dyn Payments>,
    /// Carries parcels.
    pub carrier: Arc<dyn Carrier>,
    /// Carries mail.
    pub mail: Arc<dyn Mail>,
    /// Carry messages by SMS, push and social media.
    pub messengers: Messengers,
    /// Gives purchase orders to suppliers.
    pub procurement: Arc<dyn Procurement>,
    /// Sees what competitors ask.
    pub competitors: Arc<dyn CompetitorFeed>,
}

/// A shop's goods and terms.
#[derive(Debug, Clone)]
pub struct Shop {
    /// What it sells.
    pub catalogue: Arc<Catalogue>,
    /// How it holds and buys stock.
    pub inventory: InventorySettings,
    /// What its prices may do.
    pub pricing: PricingSettings,
    /// What its orders may hold and cost.
    pub order: OrderSettings,
    /// What it recommends, and what not.
    pub rules: BusinessRules,
    /// What it can answer.
    pub knowledge: KnowledgeBase,
    /// How it understands questions, where [`support`](Self::support) names no model. A shop that waits
    /// for customers lets it [learn](IntentClassifier::learn) before it opens.
    pub intents: IntentClassifier,
    /// How it answers them.
    pub support: SupportSettings,
    /// How it writes to its customers.
    pub marketing: MarketingSettings,
    /// The campaign that follows an order, if one does.
    pub follow_up: Option<FollowUp>,
    /// Other campaigns that begin by themselves, each with a name of its own.
    pub campaigns: Vec<TriggeredCampaign>,
    /// The limits of each agent's shards.
    pub agents: ShopAgents,
    /// The mistake that it makes on purpose.
    #[cfg(feature = "planted-bugs")]
    pub planted: Option<crate::planted::PlantedBug>,
}

/// The limits of each agent's shards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShopAgents {
    /// Those of Inventory.
    pub inventory: AgentOptions,
    /// Those of Pricing.
    pub pricing: AgentOptions,
    /// Those of Order.
    pub order: AgentOptions,
    /// Those of Recommendation. Its model of what goes with what is one large entity, of which a
    /// snapshot is worth many events: one in 4,096.
    pub recommendation: AgentOptions,
    /// Those of Support.
    pub support: AgentOptions,
    /// Those of Marketing.
    pub marketing: AgentOptions,
}

impl Default for ShopAgents {
    fn default() -> Self {
        Self::all(AgentOptions::default())
    }
}

impl ShopAgents {
    /// The same for all of them, but for the snapshots of Recommendation.
    #[must_use]
    pub fn all(options: AgentOptions) -> Self {
        Self {
            inventory: options.clone(),
            pricing: options.clone(),
            order: options.clone(),
            recommendation: AgentOptions {
                snapshot_every_events: NonZeroU64::new(4_096),
                ..options.clone()
            },
            support: options.clone(),
            marketing: options,
        }
    }

    /// Each of them.
    pub fn each_mut(&mut self) -> impl Iterator<Item = &mut AgentOptions> {
        [
            &mut self.inventory,
            &mut self.pricing,
            &mut self.order,
            &mut self.recommendation,
            &mut self.support,
            &mut self.marketing,
        ]
        .into_iter()
    }
}

/// Adds the shop's flows, what they ask of the outside, and what starts them.
pub(crate) fn with_flows(
    builder: RuntimeBuilder,
    ports: &Ports,
    unsubscribe_url: UnsubscribeUrl,
) -> RuntimeBuilder {
    let builder = register_journeys(builder, &ports.payments, ports.carrier.clone());
    let builder = register_purchases(builder, &ports.procurement);
    let builder = register_market(builder, ports.competitors.clone());
    let (mail, messengers) = (ports.mail.clone(), ports.messengers.clone());
    let builder = register_marketing(builder, mail, messengers, unsubscribe_url);
    register_support(builder)
}

impl Shop {
    /// A shop with the default terms.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        Self {
            catalogue,
            inventory: InventorySettings::default(),
            pricing: PricingSettings::default(),
            order: OrderSettings::default(),
            rules: BusinessRules::default(),
            knowledge: KnowledgeBase::default(),
            intents: IntentClassifier::default(),
            support: SupportSettings::default(),
            marketing: MarketingSettings::default(),
            follow_up: Some(FollowUp::ask_for_opinion()),
            campaigns: Vec::new(),
            agents: ShopAgents::default(),
            #[cfg(feature = "planted-bugs")]
            planted: None,
        }
    }

    /// Opens the shop in a runtime: adds its agents, flows, port calls and rules.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use mercato_actors::{
    ///     Catalogue, Currency, InProcessCarrier, InProcessCompetitors, InProcessMail,
    ///     InProcessPayments, InProcessProcurement, Messengers, Money, Ports, Product, Shop, Sku,
    /// };
    /// use mercato_actors::runtime::Runtime;
    /// use mercato_actors::runtime::persistence::{JournalOptions, RedbJournal, WriterPlace};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let catalogue = Catalogue::new([Product {
    ///     sku: Sku::new("MUG-1")?,
    ///     name: "Mug".into(),
    ///     description: "A blue mug".into(),
    ///     category: "kitchen".into(),
    ///     base_price: Money::new(450, Currency::GBP),
    ///     cost: Money::new(200, Currency::GBP),
    /// }])?;
    /// let ports = Ports {
    ///     payments: Arc::new(InProcessPayments::new(Default::default())),
    ///     carrier: Arc::new(InProcessCarrier::new(Default::default())),
    ///     mail: Arc::new(InProcessMail::new(Default::default())),
    ///     messengers: Messengers::in_process(),
    ///     procurement: Arc::new(InProcessProcurement::new(Default::default(), Default::default())),
    ///     competitors: Arc::new(InProcessCompetitors::new()),
    /// };
    /// let journal = RedbJournal::in_memory(JournalOptions::default(), WriterPlace::Thread)?;
    /// let builder = Runtime::builder(Arc::new(journal));
    /// let runtime = Shop::new(Arc::new(catalogue)).open(builder, &ports).start().await?;
    /// assert_eq!(runtime.handle().stats().len(), 6);
    /// runtime.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn open(mut self, builder: RuntimeBuilder, ports: &Ports) -> RuntimeBuilder {
        let follow_up = self.follow_up.take().map(TriggeredCampaign::from);
        let mut campaigns = std::mem::take(&mut self.campaigns);
        campaigns.extend(follow_up);
        let unsubscribe_url = self.marketing.unsubscribe_url.clone();
        #[cfg(feature = "planted-bugs")]
        let ports = &crate::planted::ports(ports, self.planted);
        let builder = self.open_for_questions(builder);
        let builder = with_flows(builder, ports, unsubscribe_url);
        recommendation_triggers()
            .into_iter()
            .chain(marketing_triggers(campaigns))
            .chain(pricing_triggers())
            .fold(builder, RuntimeBuilder::trigger)
    }

    /// Adds the agents alone: they answer, and nothing moves by itself. For looking at a shop
    /// without going on with its business.
    #[must_use]
    pub fn open_for_questions(self, builder: RuntimeBuilder) -> RuntimeBuilder {
        let limits = self.agents;
        let inventory = InventoryAgent::new(self.inventory).of(self.catalogue.clone());
        let pricing = PricingAgent::new(self.pricing, self.catalogue.clone())
            .with_tax_in_prices(self.order.tax_in_prices_max());
        #[cfg(feature = "planted-bugs")]
        let (inventory, pricing) = crate::planted::agents(inventory, pricing, self.planted);
        builder
            .agent_with(inventory, limits.inventory)
            .agent_with(pricing, limits.pricing)
            .agent_with(
                OrderAgent::new(self.order, self.catalogue.clone()),
                limits.order,
            )
            .agent_with(
                RecommendationAgent::new(self.catalogue.clone(), self.rules),
                limits.recommendation,
            )
            .agent_with(
                SupportAgent::new(self.knowledge, self.catalogue)
                    .with_intents(self.intents)
                    .with_settings(self.support),
                limits.support,
            )
            .agent_with(MarketingAgent::new(self.marketing), limits.marketing)
    }
}

#[cfg(test)]
mod tests {
    use super::PORTS;
    use crate::journeys::{AUTHORISE, CREATE_LABEL, OBSERVE_MARKET, PLACE_PURCHASE};
    use crate::marketing::{SEND_MAIL, SEND_PUSH, SEND_SMS, SEND_SOCIAL};
    use crate::support::PHRASE_SENTENCE;

    /// Catches: a port that is called something else than its activities say, so that a policy for it would
    /// be taken for misspelt.
    #[test]
    fn ports_are_called_as_their_activities_say() {
        let activities = [
            format!("{AUTHORISE:?}"),
            format!("{CREATE_LABEL:?}"),
            format!("{PLACE_PURCHASE:?}"),
            format!("{OBSERVE_MARKET:?}"),
            format!("{SEND_MAIL:?}"),
            format!("{SEND_SMS:?}"),
            format!("{SEND_PUSH:?}"),
            format!("{SEND_SOCIAL:?}"),
            format!("{PHRASE_SENTENCE:?}"),
        ];
        let ports = activities.each_ref().map(|name| name.split('.').next());
        assert_eq!(ports, PORTS.map(Some));
    }
}
