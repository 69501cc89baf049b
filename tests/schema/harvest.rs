//! Samples from a simulated day: of every event and state that occurs, the one that shows most.

use std::collections::BTreeMap;

use mercato::persistence::{EventData, verify};
use mercato::{Agent, Event, Layout, codec};
use mercato_sim::{Mode, Silent, SimulationOptions, simulate};

use crate::schema::corpus::Samples;
use crate::schema::samples;

/// A larger state says no more, and nobody reads it.
const STATE_BYTES_MAX: usize = 4_096;
/// How many states of one entity are looked at.
const STATES_OF_ENTITY_MAX: u64 = 64;

/// Samples of a simulated day, and those written by hand in place of what a day does not show.
pub fn samples() -> Samples {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("day.redb");
    let day = SimulationOptions {
        visits: 2_000,
        store: Some(store.clone()),
        // Crashes add nothing to what is stored, and a test that panics on purpose is loud.
        crash_every: None,
        ..SimulationOptions::of(Mode::Virtual)
    };
    let report = simulate(&day, &mut Silent).expect("a day");
    assert!(report.laws_hold(), "a day that went wrong shows nothing");

    let views = mercato::actors::views();
    let mut events = BTreeMap::<(String, String), (usize, Vec<u8>)>::new();
    let mut states = folds();
    let report = verify(&store, |recorded| {
        let stream = &recorded.append.stream;
        for event in &recorded.append.events {
            if let Some(fold) = states.iter_mut().find(|fold| fold.owns(stream)) {
                fold.apply(stream, event);
            }
            let Ok((layout, Ok(()))) = views.layout(stream, event) else {
                continue;
            };
            let owner = stream.split('/').next().unwrap_or_default();
            let key = (owner.to_owned(), event.name.clone().into());
            let best = events.entry(key).or_default();
            if best.1.is_empty() || layout.places() > best.0 {
                *best = (layout.places(), event.payload.clone());
            }
        }
    });
    assert!(report.expect("the day's journal").is_sound());

    let by_hand = samples::by_hand();
    for ((owner, name), bytes) in &by_hand {
        for fold in states.iter_mut().filter(|fold| fold.owns(owner)) {
            fold.enrich(name, bytes);
        }
    }
    let events = events.into_iter().map(|(key, (_, bytes))| (key, bytes));
    Samples {
        // What was written by hand was written because the day shows less.
        events: events.chain(by_hand).collect(),
        states: states.into_iter().map(|fold| fold.states()).collect(),
    }
}

/// The states of one agent, made of its events.
trait Folding {
    fn owns(&self, stream: &str) -> bool;
    fn apply(&mut self, stream: &str, event: &EventData);
    /// Applies one more event to the states found, where they show more after it.
    fn enrich(&mut self, name: &str, payload: &[u8]);
    fn states(self: Box<Self>) -> (String, BTreeMap<String, Vec<u8>>);
}

struct Fold<A: Agent> {
    entities: BTreeMap<String, (u64, A::State)>,
    best: BTreeMap<String, (usize, Vec<u8>)>,
}

fn folds() -> Vec<Box<dyn Folding>> {
    use mercato::actors::{
        InventoryAgent, MarketingAgent, OrderAgent, PricingAgent, RecommendationAgent, SupportAgent,
    };
    vec![
        fold::<InventoryAgent>(),
        fold::<PricingAgent>(),
        fold::<OrderAgent>(),
        fold::<RecommendationAgent>(),
        fold::<SupportAgent>(),
        fold::<MarketingAgent>(),
    ]
}

fn fold<A: Agent>() -> Box<dyn Folding> {
    Box::new(Fold::<A> {
        entities: BTreeMap::new(),
        best: BTreeMap::new(),
    })
}

impl<A: Agent> Folding for Fold<A> {
    fn owns(&self, stream: &str) -> bool {
        stream.split('/').next() == Some(A::NAME)
    }

    fn apply(&mut self, stream: &str, event: &EventData) {
        let event = A::Event::decode(&event.name, event.version, &event.payload);
        let (count, state) = self.entities.entry(stream.to_owned()).or_default();
        A::evolve(state, &event.expect("an event of today"));
        *count += 1;
        if *count > STATES_OF_ENTITY_MAX {
            return;
        }
        consider::<A>(&mut self.best, state);
    }

    fn enrich(&mut self, name: &str, payload: &[u8]) {
        let newest = A::Event::schema()
            .iter()
            .find(|schema| schema.current.name == name);
        let version = newest.expect("an event of today").current.version;
        let event = A::Event::decode(name, version, payload).expect("a sample of today");
        let found: Vec<Vec<u8>> = self.best.values().map(|best| best.1.clone()).collect();
        for bytes in found {
            let mut state: A::State = codec::decode(&bytes).expect("a state");
            A::evolve(&mut state, &event);
            consider::<A>(&mut self.best, &state);
        }
    }

    fn states(self: Box<Self>) -> (String, BTreeMap<String, Vec<u8>>) {
        let best = self.best.into_iter();
        let states = best.map(|(label, (_, bytes))| (label, bytes)).collect();
        (A::NAME.to_owned(), states)
    }
}

/// Keeps the state where it shows more than the best one of its kind.
fn consider<A: Agent>(best: &mut BTreeMap<String, (usize, Vec<u8>)>, state: &A::State) {
    let bytes = codec::encode(state).expect("a state");
    if bytes.len() > STATE_BYTES_MAX {
        return;
    }
    let (layout, read) = Layout::of::<A::State>(&bytes);
    read.expect("what was just written");
    let view = mercato::view_of(state).expect("a state in json");
    let best = best.entry(variant(&view)).or_default();
    if layout.places() > best.0 {
        *best = (layout.places(), bytes);
    }
}

/// The variant of a state that is an enum: an agent's entities may be of several kinds.
fn variant(view: &serde_json::Value) -> String {
    let names = view.as_object().filter(|object| object.len() == 1);
    names
        .and_then(|object| object.keys().next())
        .filter(|name| name.starts_with(char::is_uppercase))
        .map(|name| name.to_lowercase())
        .unwrap_or_default()
}
