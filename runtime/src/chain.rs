//! Who waits for whom, so that no call waits for itself.
//!
//! Agents decide without asking, shards wait for nobody, and neither do triggers or timers. So a call
//! comes back to itself only by way of code that holds a [`Handle`](crate::Handle): an activity, and
//! the requests that it makes. An activity keeps its flow waiting, and a flow that runs or joins another
//! one waits for that; where they wait for each other in a circle, none of them ever ends. The
//! orchestrator knows no callers, and a flow can be joined by many; so the chain that a call carries
//! leads to its innermost flow, and from there on the table of those who wait at present tells.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::builder::RuntimeBuilder;
use crate::error::AskFailure;
use crate::ids::FlowId;

/// How many calls may wait for each other, where nothing else is said.
pub(crate) const HOPS_MAX: u32 = 32;

impl RuntimeBuilder {
    /// Bounds how many calls may wait for each other: requests, flows and activities that call on
    /// through a handle, each within the one before. One more is answered
    /// [`AskFailure::TooDeep`](crate::AskFailure::TooDeep). Default 32.
    #[must_use]
    pub fn hops_max(mut self, hops_max: NonZeroU32) -> Self {
        self.hops_max = hops_max.get();
        self
    }
}

/// A call that waits for another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hop {
    /// A request, by the type of its workflow.
    Request(&'static str),
    Flow(Arc<str>),
    Activity(Box<str>),
}

impl Hop {
    pub(crate) fn flow(name: &str, id: &FlowId) -> Self {
        Self::Flow(format!("{name}/{id}").into())
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(workflow) => write!(f, "request {workflow}"),
            Self::Flow(flow) => write!(f, "flow {flow}"),
            Self::Activity(activity) => write!(f, "activity {activity}"),
        }
    }
}

/// The calls that wait for this one, up to the innermost flow among them. Cheap to clone; most calls
/// have an empty one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain(Option<Arc<Link>>);

#[derive(Debug)]
struct Link {
    hop: Hop,
    before: Chain,
}

impl Chain {
    /// The same with one more call that waits.
    pub(crate) fn then(&self, hop: Hop) -> Self {
        Self(Some(Arc::new(Link {
            hop,
            before: self.clone(),
        })))
    }

    /// Its calls, the innermost first.
    fn hops(&self) -> impl Iterator<Item = &Hop> {
        let first = self.0.as_deref();
        let links = std::iter::successors(first, |link| link.before.0.as_deref());
        links.map(|link| &link.hop)
    }

    /// The flow that it begins with.
    fn flow(&self) -> Option<&Arc<str>> {
        self.hops().find_map(|hop| match hop {
            Hop::Flow(flow) => Some(flow),
            _ => None,
        })
    }
}

/// The calls of one runtime that wait for flows and keep a flow waiting themselves.
#[derive(Debug)]
pub(crate) struct Waits {
    hops_max: u32,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// Who waits, by the flow that is waited for.
    waiting: BTreeMap<(Arc<str>, u64), Chain>,
    count: u64,
}

/// A wait for a flow. It is over when this is dropped.
#[must_use]
pub(crate) struct Waiting {
    waits: Arc<Waits>,
    key: Option<(Arc<str>, u64)>,
}

impl Waits {
    pub(crate) fn new(hops_max: u32) -> Self {
        Self {
            hops_max,
            table: Mutex::default(),
        }
    }

    /// The chain of a request that is made in `chain`.
    ///
    /// # Errors
    /// [`AskFailure::TooDeep`].
    pub(crate) fn request(&self, chain: &Chain, hop: Hop) -> Result<Chain, AskFailure> {
        // A request holds nothing that another one could wait for. It can only go too deep.
        if chain.0.is_some() {
            self.check(&self.table.lock(), chain, &hop)?;
        }
        Ok(chain.then(hop))
    }

    /// Notes that `chain` waits for a flow, as long as the guard lives.
    ///
    /// # Errors
    /// [`AskFailure::Cycle`] where that flow waits for the chain, and [`AskFailure::TooDeep`].
    pub(crate) fn wait_for(
        self: &Arc<Self>,
        chain: &Chain,
        name: &str,
        id: &FlowId,
    ) -> Result<Waiting, AskFailure> {
        let mut waiting = Waiting {
            waits: self.clone(),
            key: None,
        };
        if chain.0.is_none() {
            return Ok(waiting);
        }
        let hop = Hop::flow(name, id);
        let mut table = self.table.lock();
        self.check(&table, chain, &hop)?;
        // Nobody can wait for a request, so a chain without a flow closes no circle.
        if let (Some(_), Hop::Flow(flow)) = (chain.flow(), hop) {
            table.count += 1;
            let key = (flow, table.count);
            table.waiting.insert(key.clone(), chain.clone());
            waiting.key = Some(key);
        }
        Ok(waiting)
    }

    fn check(&self, table: &Table, chain: &Chain, hop: &Hop) -> Result<(), AskFailure> {
        let path = |mut hops: Vec<String>| {
            hops.reverse();
            hops.push(hop.to_string());
            hops
        };
        match table.above(chain, hop, self.hops_max) {
            Above::Outermost => Ok(()),
            Above::Itself(hops) => Err(AskFailure::Cycle { path: path(hops) }),
            Above::TooMany(hops) => Err(AskFailure::TooDeep {
                hops_max: self.hops_max,
                path: path(hops),
            }),
        }
    }
}

/// What stands above a call, the innermost first.
enum Above {
    /// Callers who wait for nobody else.
    Outermost,
    /// The call itself.
    Itself(Vec<String>),
    /// More calls than may be.
    TooMany(Vec<String>),
}

impl Table {
    /// Walks from a chain to whoever waits for its flow, and so on, nearest first.
    fn above(&self, chain: &Chain, hop: &Hop, hops_max: u32) -> Above {
        let mut ways = std::collections::VecDeque::from([(chain, Vec::new())]);
        let mut seen = BTreeSet::new();
        while let Some((chain, mut hops)) = ways.pop_front() {
            for above in chain.hops() {
                hops.push(above.to_string());
                if above == hop && matches!(above, Hop::Flow(_)) {
                    return Above::Itself(hops);
                }
                if hops.len() >= hops_max as usize {
                    return Above::TooMany(hops);
                }
            }
            let Some(flow) = chain.flow() else {
                continue;
            };
            if seen.insert(flow.clone()) {
                let who = self
                    .waiting
                    .range((flow.clone(), 0)..=(flow.clone(), u64::MAX));
                ways.extend(who.map(|(_, chain)| (chain, hops.clone())));
            }
        }
        Above::Outermost
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.waits.table.lock().waiting.remove(&key);
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests {
    use super::*;

    fn activity_of(flow: &str) -> Chain {
        let flow = Hop::flow(flow, &FlowId::new("1"));
        Chain::default()
            .then(flow)
            .then(Hop::Activity("call".into()))
    }

    fn wait(waits: &Arc<Waits>, by: &Chain, on: &str) -> Result<Waiting, AskFailure> {
        waits.wait_for(by, on, &FlowId::new("1"))
    }

    fn cycle(refused: Result<Waiting, AskFailure>) -> String {
        match refused.map(drop) {
            Err(AskFailure::Cycle { path }) => path.join(" > "),
            other => panic!("no cycle: {other:?}"),
        }
    }

    /// Catches: a circle that is seen only where it is of one flow, or only by whoever started the
    /// others; and a path that names something else.
    #[test]
    fn whoever_closes_a_circle_is_refused_by_its_name() {
        let waits = Arc::new(Waits::new(HOPS_MAX));
        let (a, b, c) = (activity_of("a"), activity_of("b"), activity_of("c"));
        assert_eq!(
            cycle(wait(&waits, &a, "a")),
            "flow a/1 > activity call > flow a/1"
        );
        // b is joined by a long after others started it, and others wait for it too.
        let _others = wait(&waits, &activity_of("other"), "b").expect("no circle");
        let _first = wait(&waits, &a, "b").expect("no circle");
        let _second = wait(&waits, &b, "c").expect("no circle");
        assert_eq!(
            cycle(wait(&waits, &c, "a")),
            "flow a/1 > activity call > flow b/1 > activity call > flow c/1 > activity call > flow a/1"
        );
        let request = waits.request(&c, Hop::Request("serve"));
        let request = request.expect("not deep");
        assert!(cycle(wait(&waits, &request, "b")).contains("request serve > flow b/1"));
        // Two who wait for one flow close no circle.
        let _diamond = wait(&waits, &a, "c").expect("no circle");
    }

    /// Catches: a wait that is remembered after it is over.
    #[test]
    fn a_wait_that_is_over_stands_in_nobodys_way() {
        let waits = Arc::new(Waits::new(HOPS_MAX));
        let (a, b) = (activity_of("a"), activity_of("b"));
        drop(wait(&waits, &a, "b").expect("no circle"));
        let again = wait(&waits, &b, "a").expect("no circle any more");
        drop(again);
        assert!(waits.table.lock().waiting.is_empty());
    }

    /// Catches: two who wait for one flow and are taken for one, so that whoever goes takes the other
    /// along.
    #[test]
    fn of_two_who_wait_for_one_flow_each_is_remembered() {
        let waits = Arc::new(Waits::new(HOPS_MAX));
        let (a, b, c) = (activity_of("a"), activity_of("b"), activity_of("c"));
        let first = wait(&waits, &a, "c").expect("no circle");
        let second = wait(&waits, &b, "c").expect("no circle");
        drop(second);
        assert!(cycle(wait(&waits, &c, "a")).starts_with("flow a/1 >"));
        drop(first);
        drop(wait(&waits, &c, "a").expect("no circle any more"));
    }

    /// Catches: a bound that counts the hops of one chain alone, and one that is off by one.
    #[test]
    fn calls_nest_so_deep_and_no_deeper() {
        let waits = Arc::new(Waits::new(4));
        let mut chain = Chain::default();
        for _ in 0..4 {
            chain = waits
                .request(&chain, Hop::Request("again"))
                .expect("not yet");
        }
        let refused = waits.request(&chain, Hop::Request("again"));
        let Err(AskFailure::TooDeep { hops_max, path }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((hops_max, path.len()), (4, 5));
        // Two hops of a, two of b: c would be the fifth.
        let _wait = wait(&waits, &activity_of("a"), "b").expect("not yet");
        let refused = wait(&waits, &activity_of("b"), "c").map(drop);
        assert!(
            matches!(refused, Err(AskFailure::TooDeep { .. })),
            "{refused:?}"
        );
    }
}
