//! Which events a subscriber gets: what was asked for, and the same held against the agents.

use std::collections::{BTreeMap, BTreeSet};

use super::error::BusError;
use crate::agent::Agent;
use crate::core::Services;
use crate::schema::EventSchema;

/// Which events: those of the named agents, with one of the named types, of entities with one of the
/// named keys. Where nothing of a kind is named, anything passes. It is held against a stored event
/// without decoding its payload.
///
/// ```
/// use mercato_runtime::Filter;
/// let filter = Filter::everything()
///     .agent("order")
///     .event("OrderPlaced")
///     .event("OrderCancelled")
///     .key_prefix("eu-");
/// # let _ = filter;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    agents: BTreeSet<Box<str>>,
    events: BTreeSet<Box<str>>,
    keys: BTreeSet<Box<str>>,
    key_prefixes: BTreeSet<Box<str>>,
}

impl Filter {
    /// Every event of every agent of the runtime.
    #[must_use]
    pub fn everything() -> Self {
        Self::default()
    }

    /// The events of agent `A`.
    #[must_use]
    pub fn of<A: Agent>() -> Self {
        Self::default().agent(A::NAME)
    }

    /// Those of this agent, and of others that are named.
    #[must_use]
    pub fn agent(mut self, name: impl Into<Box<str>>) -> Self {
        self.agents.insert(name.into());
        self
    }

    /// Those of this type, and of others that are named. It is the name that the event has today;
    /// what is stored under an older one passes too.
    #[must_use]
    pub fn event(mut self, name: impl Into<Box<str>>) -> Self {
        self.events.insert(name.into());
        self
    }

    /// Those of entities with this key, and with others that are named.
    #[must_use]
    pub fn key(mut self, key: impl Into<Box<str>>) -> Self {
        self.keys.insert(key.into());
        self
    }

    /// Those of entities whose keys begin with this, and of others that are named.
    #[must_use]
    pub fn key_prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.key_prefixes.insert(prefix.into());
        self
    }

    fn takes_key(&self, key: &str) -> bool {
        self.keys.is_empty() && self.key_prefixes.is_empty()
            || self.keys.contains(key)
            || self.key_prefixes.iter().any(|it| key.starts_with(&**it))
    }
}

/// The filters of one subscription, over the agents that there are. An event passes where it passes
/// one of them.
#[derive(Debug)]
pub(super) struct Filters(Vec<Clause>);

#[derive(Debug)]
struct Clause {
    filter: Filter,
    /// The stored names that pass, by agent; all of them where there is no list.
    agents: BTreeMap<&'static str, Option<BTreeSet<&'static str>>>,
}

impl Filters {
    /// # Errors
    /// Where a filter names what there is not.
    pub(super) fn over(filters: Vec<Filter>, services: &Services) -> Result<Self, BusError> {
        let agents = services.each().map(|it| (it.name(), it.events()));
        Self::resolve(filters, &agents.collect())
    }

    fn resolve(
        mut filters: Vec<Filter>,
        agents: &BTreeMap<&'static str, &'static [EventSchema]>,
    ) -> Result<Self, BusError> {
        if filters.is_empty() {
            filters.push(Filter::everything());
        }
        let clauses = filters.into_iter().map(|filter| {
            if let Some(agent) = filter.agents.iter().find(|it| !agents.contains_key(&***it)) {
                let agent = agent.clone();
                return Err(BusError::UnknownAgent { agent });
            }
            let named = agents
                .iter()
                .filter(|(name, _)| filter.agents.is_empty() || filter.agents.contains(**name));
            if filter.events.is_empty() {
                let agents = named.map(|(name, _)| (*name, None)).collect();
                return Ok(Clause { filter, agents });
            }
            let mut chosen = BTreeMap::new();
            let mut unknown = filter.events.clone();
            for (agent, schema) in named {
                for event in schema.iter() {
                    if filter.events.contains(event.current.name) {
                        unknown.remove(event.current.name);
                        let names: &mut Option<BTreeSet<_>> = chosen.entry(*agent).or_default();
                        let stored = event.readable().map(|form| form.name);
                        names.get_or_insert_default().extend(stored);
                    }
                }
            }
            if let Some(event) = unknown.pop_first() {
                return Err(BusError::UnknownEvent { event });
            }
            let agents = chosen;
            Ok(Clause { filter, agents })
        });
        clauses.collect::<Result<_, _>>().map(Self)
    }

    /// The agent of a stream of which some event may pass.
    pub(super) fn agent_of(&self, stream: &str) -> Option<&'static str> {
        let (agent, key) = stream.split_once('/')?;
        self.0.iter().find_map(|clause| {
            let (name, _) = clause.agents.get_key_value(agent)?;
            clause.filter.takes_key(key).then_some(*name)
        })
    }

    /// Whether an event of this stored name passes, in a stream that some events of pass.
    pub(super) fn takes(&self, stream: &str, event: &str) -> bool {
        let Some((agent, key)) = stream.split_once('/') else {
            return false;
        };
        self.0.iter().any(|clause| {
            let names = clause.agents.get(agent);
            let named = |names: &BTreeSet<&str>| names.contains(event);
            names.is_some_and(|names| names.as_ref().is_none_or(named))
                && clause.filter.takes_key(key)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::EventForm;

    const fn form(name: &'static str, version: u16) -> EventForm {
        EventForm { name, version }
    }

    const ORDERS: &[EventSchema] = &[
        EventSchema {
            current: form("Placed", 2),
            older: &[form("Accepted", 1)],
        },
        EventSchema {
            current: form("Cancelled", 1),
            older: &[],
        },
    ];
    const STOCK: &[EventSchema] = &[EventSchema {
        current: form("Counted", 1),
        older: &[],
    }];

    fn over(filters: Vec<Filter>) -> Result<Filters, BusError> {
        Filters::resolve(filters, &[("order", ORDERS), ("stock", STOCK)].into())
    }

    fn passes(filters: &Filters, stream: &str, event: &str) -> bool {
        let by_stream = filters.agent_of(stream).is_some();
        let by_event = filters.takes(stream, event);
        assert!(by_stream || !by_event, "what passes, passes both");
        by_event
    }

    /// Catches: kinds that are joined by `or`, an exact key taken for a prefix, and an agent whose
    /// name begins like another's.
    #[test]
    fn kinds_are_joined_by_and_and_names_within_one_by_or() {
        let filter = Filter::everything().agent("order").event("Placed");
        let filters = over(vec![filter.key("7").key_prefix("eu-")]).expect("known names");
        assert!(passes(&filters, "order/7", "Placed"));
        assert!(passes(&filters, "order/eu-9", "Placed"));
        assert!(!passes(&filters, "order/71", "Placed"));
        assert!(!passes(&filters, "order/new-eu-9", "Placed"));
        assert!(!passes(&filters, "order/7", "Cancelled"));
        assert!(!passes(&filters, "stock/7", "Placed"));
        assert!(!passes(&filters, "orders/7", "Placed"));
    }

    /// Catches: a filter that loses the events which are stored under an older name.
    #[test]
    fn a_renamed_event_passes_under_its_older_name() {
        let filters = over(vec![Filter::everything().event("Placed")]).expect("known names");
        assert!(passes(&filters, "order/7", "Accepted"));
        assert!(!passes(&filters, "order/7", "Cancelled"));
    }

    /// Catches: filters of one subscription that must all be passed; streams that are nobody's.
    #[test]
    fn filters_are_joined_by_or_and_only_agents_have_events() {
        let both = vec![
            Filter::everything().key("7"),
            Filter::everything().agent("stock"),
        ];
        let filters = over(both).expect("known names");
        assert!(passes(&filters, "order/7", "Cancelled"));
        assert!(passes(&filters, "stock/1", "Counted"));
        assert!(!passes(&filters, "order/8", "Placed"));
        let filters = over(Vec::new()).expect("everything");
        assert!(passes(&filters, "order/8", "Placed"));
        assert!(!passes(&filters, "subscription/mirror", "DeadLettered"));
        assert!(!passes(&filters, "flow/checkout/7", "FlowStarted"));
    }

    /// Catches: a typing error that makes a subscriber silent for good.
    #[test]
    fn what_there_is_not_cannot_be_asked_for() {
        let error = over(vec![Filter::everything().agent("ordr")]).expect_err("a typing error");
        assert!(matches!(error, BusError::UnknownAgent { .. }), "{error}");
        let filter = Filter::everything().agent("stock").event("Placed");
        let error = over(vec![filter]).expect_err("of another agent");
        assert!(matches!(error, BusError::UnknownEvent { .. }), "{error}");
    }
}
