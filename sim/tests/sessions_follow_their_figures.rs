//! Sessions convert, last and pause as they are stated to, whatever way the graph sends a shopper.

use std::sync::Arc;

use mercato_sim::data::Dataset;
use mercato_sim::shopper::{
    Action, Calibration, CalibrationOptions, Population, SessionFigures, SessionModel, Step, Walk,
    default_personas,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// The sessions of the first shoppers of a population, one each.
fn sessions(shoppers: u64, seed: u64) -> Vec<Vec<Step>> {
    let model = SessionModel::new(SessionFigures::default()).unwrap();
    let dataset = Dataset::sample().unwrap();
    let calibration = Calibration::new(&dataset, CalibrationOptions::default()).unwrap();
    let personas = default_personas().unwrap();
    let population = Population::new(shoppers, personas, &calibration, rng(seed)).unwrap();
    let mut rng = rng(seed ^ 0xA5A5);
    (0..shoppers)
        .map(|index| {
            let persona = population.shopper(index).unwrap().persona;
            Walk::new(persona, model, &mut rng).collect()
        })
        .collect()
}

#[test]
fn one_seed_gives_the_same_sessions_and_another_seed_others() {
    assert_eq!(sessions(200, 4), sessions(200, 4));
    assert_ne!(sessions(200, 4), sessions(200, 5));
}

#[test]
fn each_persona_converts_as_stated() {
    let model = SessionModel::new(SessionFigures::default()).unwrap();
    let mut rng = rng(8);
    for persona in default_personas().unwrap().into_iter().map(Arc::new) {
        let orders = (0..40_000)
            .filter(|_| {
                let mut walk = Walk::new(Arc::clone(&persona), model, &mut rng);
                walk.any(|step| step.action == Action::Checkout)
            })
            .count();
        let conversion = orders as f64 / 40_000.0;
        let stated = persona.conversion();
        assert!(
            (conversion - stated).abs() <= 0.006,
            "{}: {conversion}, {stated}",
            persona.name()
        );
    }
}

#[test]
fn sessions_convert_and_abandon_carts_as_commonly_reported() {
    let sessions = sessions(60_000, 9);
    let with = |action| {
        let has = |steps: &&Vec<Step>| steps.iter().any(|step| step.action == action);
        sessions.iter().filter(has).count() as f64
    };
    let conversion = with(Action::Checkout) / sessions.len() as f64;
    assert!((0.02..=0.03).contains(&conversion), "{conversion}");
    let abandoned = 1.0 - with(Action::Checkout) / with(Action::AddToCart);
    assert!((0.65..=0.75).contains(&abandoned), "{abandoned}");
}

#[test]
fn sessions_are_as_long_as_click_data_say() {
    let lengths: Vec<usize> = sessions(60_000, 10).iter().map(Vec::len).collect();
    let at_most =
        |clicks| lengths.iter().filter(|length| **length <= clicks).count() as f64 / 60_000.0;
    // P(1 + ceil(X) <= n) = P(X <= n - 1) for X log-normal with mu 0.76 and sigma 0.84.
    for (clicks, expected) in [
        (2, 0.1827),
        (3, 0.4683),
        (4, 0.6567),
        (6, 0.8440),
        (11, 0.9669),
    ] {
        assert!(
            (at_most(clicks) - expected).abs() <= 0.03,
            "{clicks}: {}",
            at_most(clicks)
        );
    }
}

#[test]
fn shoppers_think_as_long_as_click_data_say() {
    let sessions = sessions(20_000, 11);
    assert!(sessions.iter().all(|steps| steps[0].think_ms == 0));
    let mut think_ms: Vec<u64> = sessions
        .iter()
        .flat_map(|s| &s[1..])
        .map(|step| step.think_ms)
        .collect();
    think_ms.sort_unstable();
    let quantile = |percent: usize| think_ms[think_ms.len() * percent / 100] as f64;
    assert!(
        (quantile(50) / 51_900.0 - 1.0).abs() <= 0.05,
        "{}",
        quantile(50)
    );
    assert!(
        (quantile(90) / 378_000.0 - 1.0).abs() <= 0.05,
        "{}",
        quantile(90)
    );
    assert!(*think_ms.last().unwrap() <= 1_800_000);
}

#[test]
fn nobody_pays_without_having_filled_and_seen_the_cart() {
    for steps in sessions(20_000, 12) {
        assert!(steps.len() <= 200);
        let actions: Vec<Action> = steps.iter().map(|step| step.action).collect();
        let first = |action| actions.iter().position(|found| *found == action);
        assert!(
            actions
                .iter()
                .filter(|action| **action == Action::Checkout)
                .count()
                <= 1
        );
        if let Some(paid) = first(Action::Checkout) {
            assert_eq!(actions[paid - 1], Action::ViewCart);
        }
        if let Some(seen) = first(Action::ViewCart) {
            assert!(first(Action::AddToCart).is_some_and(|filled| filled < seen));
        }
    }
}

#[test]
fn the_bound_on_steps_holds_for_buyers_of_endless_patience() {
    let figures = SessionFigures {
        clicks_mu: 20.0,
        steps_max: 30,
        ..SessionFigures::default()
    };
    let model = SessionModel::new(figures).unwrap();
    let mut rng = rng(13);
    for persona in default_personas().unwrap() {
        let buyer = Arc::new(persona.with_conversion(1.0).unwrap());
        for _ in 0..500 {
            let steps: Vec<Step> = Walk::new(Arc::clone(&buyer), model, &mut rng).collect();
            assert!(steps.len() <= 30, "{}", steps.len());
            assert!(steps.iter().any(|step| step.action == Action::Checkout));
        }
    }
}
