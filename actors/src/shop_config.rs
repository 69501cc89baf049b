//! What a configuration file says of a shop and of the runtime below it.

use std::sync::Arc;
use std::time::Duration;

use mercato_config::{Configuration, Contradiction, Key, Live, Loaded};
use mercato_runtime::persistence::JournalOptions;
use mercato_runtime::{
    AGENT_RESPONSES, AgentOptions, Alarms, CacheSettings, CachesSettings, Clock, FlowOptions,
    KNOWLEDGE_BASE, Policies, PolicyBook, RecoveryOptions, RuntimeBuilder, STORE_READS,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::inventory::InventorySettings;
use crate::marketing::MarketingSettings;
use crate::order::OrderSettings;
use crate::pricing::PricingSettings;
use crate::recommendation::BusinessRules;
use crate::shop::{AGENTS, PORTS, Shop, ShopAgents};
use crate::support::SupportSettings;

/// A shop and its runtime, as a configuration file describes them. Each section is the options of
/// whoever uses them, and its defaults are theirs.
///
/// ```
/// use mercato_actors::ShopConfig;
/// use mercato_actors::config::{Sources, load};
///
/// let text = "
/// [journal]
/// commit_time_max = '50ms'
///
/// [policies.ports.payments]
/// attempt_timeout = '4s'
/// service_unavailable.breaker.slow_call = '2s'
///
/// [shop.pricing]
/// quote_lifetime = '30m'
/// ";
/// let loaded = load::<ShopConfig>(&Sources::text("shop.toml", text))?;
/// assert_eq!(loaded.config.shop.pricing.quote_lifetime.as_secs(), 1_800);
/// assert_eq!(loaded.said(), (4, 0));
/// # Ok::<_, mercato_actors::config::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShopConfig {
    /// The limits of the journal.
    pub journal: JournalOptions,
    /// How soon the shop is back after a start.
    pub recovery: RecoveryOptions,
    /// The limits of flows.
    pub flows: FlowOptions,
    /// The limits of each agent's shards.
    pub agents: ShopAgents,
    /// How calls to agents and ports treat failure.
    #[schemars(extend("x-reloads" = true))]
    pub policies: Policies,
    /// What was answered before is kept in caches: `agent_responses` by its name, and those that a
    /// program opens by theirs.
    pub caches: CachesSettings,
    /// What is watched.
    pub telemetry: Watching,
    /// The merchant's terms.
    pub shop: ShopTerms,
}

/// What is watched while the shop works.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Watching {
    /// What monitoring is told of. `None`, the default, watches nothing; an empty table watches the
    /// performance targets.
    pub alarms: Option<Alarms>,
}

impl Default for ShopConfig {
    fn default() -> Self {
        // What pages show of stock and prices is kept until an event says otherwise. What depends on
        // the time beside that, such as a quote's end, is ten minutes old at most, so that the shop
        // stands by a price that it shows for another five.
        let answers = CacheSettings {
            fresh: Duration::from_secs(600),
            ..CacheSettings::default()
        };
        Self {
            journal: JournalOptions::default(),
            recovery: RecoveryOptions::default(),
            flows: FlowOptions::default(),
            agents: ShopAgents::default(),
            policies: Policies::default(),
            caches: CachesSettings::default().with(AGENT_RESPONSES, answers),
            telemetry: Watching::default(),
            shop: ShopTerms::default(),
        }
    }
}

/// What the merchant decides, by the agent that goes by it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShopTerms {
    /// How stock is held and bought.
    pub inventory: InventorySettings,
    /// What prices may do.
    pub pricing: PricingSettings,
    /// What orders may hold and cost.
    pub order: OrderSettings,
    /// What is recommended, and what not.
    pub recommendation: BusinessRules,
    /// How customers are answered.
    pub support: SupportSettings,
    /// How customers are written to.
    pub marketing: MarketingSettings,
}

impl ShopConfig {
    /// A shop with these terms and limits.
    #[must_use]
    pub fn furnish(&self, shop: Shop) -> Shop {
        let terms = self.shop.clone();
        Shop {
            inventory: terms.inventory,
            pricing: terms.pricing,
            order: terms.order,
            rules: terms.recommendation,
            support: terms.support,
            marketing: terms.marketing,
            agents: self.agents.clone(),
            ..shop
        }
    }

    /// A runtime with these limits. The journal is opened before it, with
    /// [`journal`](Self::journal), and the policies are in a
    /// [`PolicyBook`](mercato_runtime::PolicyBook), which whoever reloads them keeps.
    #[must_use]
    pub fn limit(&self, builder: RuntimeBuilder) -> RuntimeBuilder {
        let builder = builder
            .recovery(self.recovery)
            .flow_options(self.flows)
            .caches(self.caches.clone());
        match &self.telemetry.alarms {
            Some(alarms) => builder.alarms(alarms.clone()),
            None => builder,
        }
    }

    /// What was loaded, as it may be read again while the shop works: its policies change at once, for
    /// whoever goes by this book, and anything else needs a restart.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use mercato_actors::ShopConfig;
    /// use mercato_actors::config::{Sources, load};
    /// use mercato_actors::runtime::{Clock, Dependency, PolicyBook, Timestamp};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let loaded = load::<ShopConfig>(&Sources::nothing())?;
    /// let book = Arc::new(PolicyBook::new(loaded.config.policies.clone())?);
    /// let clock = Clock::starting_at(Timestamp::from_millis(0));
    /// // The book also goes to `RuntimeBuilder::policies`.
    /// let live = ShopConfig::live(loaded, book.clone(), clock);
    /// let text = "policies.ports.mail.attempt_timeout = '7s'";
    /// let changes = live.reload(&Sources::text("shop.toml", text))?;
    /// assert_eq!(changes[0].key.to_string(), "policies.ports.mail");
    /// assert_eq!(book.policy(Dependency::Port("mail")).attempt_timeout.as_secs(), 7);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn live(loaded: Loaded<Self>, policies: Arc<PolicyBook>, clock: Clock) -> Live<Self> {
        Live::new(
            loaded,
            move || clock.elapsed(),
            move |config| {
                policies.reload(config.policies.clone())?;
                Ok(())
            },
        )
    }

    /// The names in it that nothing of the shop has, each with those that there are. A program with agents,
    /// ports or caches of its own gives them limits by their names, so they are no mistake by themselves;
    /// one that has none has misspelt them, and what they say is in force for nobody.
    ///
    /// ```
    /// use mercato_actors::ShopConfig;
    /// use mercato_actors::config::{Sources, load};
    ///
    /// let text = "policies.ports.payment.attempt_timeout = '7s'";
    /// let loaded = load::<ShopConfig>(&Sources::text("shop.toml", text))?;
    /// let (key, known) = &loaded.config.foreign_names()[0];
    /// assert_eq!(key.to_string(), "policies.ports.payment");
    /// assert_eq!(known[0], "payments");
    /// # Ok::<_, mercato_actors::config::ConfigError>(())
    /// ```
    #[must_use]
    pub fn foreign_names(&self) -> Vec<(Key, &'static [&'static str])> {
        const CACHES: [&str; 3] = [AGENT_RESPONSES, KNOWLEDGE_BASE, STORE_READS];
        let of = |section: &str, known: &'static [&'static str], names: Vec<&String>| {
            let section = Key::dotted(section);
            let foreign = names.into_iter().filter(|name| !known.contains(&&***name));
            let foreign = foreign.map(|name| (section.child(name), known));
            foreign.collect::<Vec<_>>()
        };
        [
            of(
                "policies.agents",
                &AGENTS,
                self.policies.agents.keys().collect(),
            ),
            of(
                "policies.ports",
                &PORTS,
                self.policies.ports.keys().collect(),
            ),
            of("caches", &CACHES, self.caches.by_name.keys().collect()),
        ]
        .concat()
    }

    fn agents(&self) -> [(&'static str, &AgentOptions); 6] {
        let ShopAgents {
            inventory,
            pricing,
            order,
            recommendation,
            support,
            marketing,
        } = &self.agents;
        [
            ("inventory", inventory),
            ("pricing", pricing),
            ("order", order),
            ("recommendation", recommendation),
            ("support", support),
            ("marketing", marketing),
        ]
    }
}

impl Configuration for ShopConfig {
    fn contradictions(&self) -> Vec<Contradiction> {
        let mut found = Vec::new();
        let mut add =
            |within: &str, contradictions: Vec<(&'static str, String, String)>| {
                let within = Key::dotted(within);
                found.extend(contradictions.into_iter().map(|(name, what, remedy)| {
                    Contradiction {
                        key: within.child(name),
                        within: within.clone(),
                        what,
                        remedy,
                    }
                }));
            };
        add("journal", self.journal.contradictions());
        for (name, agent) in self.agents() {
            let within = format!("agents.{name}.mailbox");
            add(&within, agent.mailbox.contradictions());
        }
        let segments = &self.shop.marketing.segments;
        add("shop.marketing.segments", segments.contradictions());
        found.extend(self.policies.problems().into_iter().map(|problem| {
            let path = Key::dotted("policies").joined(&Key::dotted(&problem.path));
            Contradiction {
                within: path.first(if problem.path.starts_with("default") {
                    2
                } else {
                    3
                }),
                key: path,
                what: format!("is {}", problem.found),
                remedy: problem.mend,
            }
        }));
        let alarms = self.telemetry.alarms.as_ref().map(Alarms::problems);
        found.extend(alarms.into_iter().flatten().map(|problem| {
            let alarms = Key::dotted("telemetry.alarms");
            let path = alarms.joined(&Key::dotted(&problem.path));
            Contradiction {
                // Of a list the alarm, of the rest all of it.
                within: path.first(if problem.path.contains('[') { 4 } else { 3 }),
                key: path,
                what: format!("is {}", problem.found),
                remedy: problem.mend,
            }
        }));
        if let Err(invalid) = self.caches.check() {
            found.extend(invalid.problems.into_iter().map(|problem| {
                let path = Key::dotted("caches").joined(&Key::dotted(&problem.path));
                Contradiction {
                    within: path.first(2),
                    key: path,
                    what: format!("is {}", problem.found),
                    remedy: format!("choose {}", problem.range),
                }
            }));
        }
        found
    }
}
