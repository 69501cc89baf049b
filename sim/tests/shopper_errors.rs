//! A population that cannot be is refused with a typed error that says what to give instead.

use std::time::Duration;

use mercato_sim::data::Dataset;
use mercato_sim::shopper::{
    Calibration, CalibrationOptions, CatalogueSampler, Graph, HourProfile, Persona, Population,
    SHOPPERS_MAX, SessionFigures, SessionModel, ShopperError, State, Transitions, arrivals,
    default_personas,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(1)
}

fn calibration() -> Calibration {
    Calibration::new(&Dataset::sample().unwrap(), CalibrationOptions::default()).unwrap()
}

fn population(shoppers: u64, personas: Vec<Persona>) -> Result<Population, ShopperError> {
    Population::new(shoppers, personas, &calibration(), rng())
}

#[test]
fn no_shoppers_or_too_many() {
    let personas = default_personas().unwrap();
    assert_eq!(
        population(0, personas.clone()).unwrap_err(),
        ShopperError::NoShoppers
    );
    let error = population(SHOPPERS_MAX + 1, personas).unwrap_err();
    assert_eq!(
        error.to_string(),
        "10000001 shoppers: ask for at most 10000000"
    );
}

#[test]
fn no_personas() {
    let error = population(5, Vec::new()).unwrap_err();
    assert!(matches!(
        error,
        ShopperError::BadOption {
            option: "personas",
            ..
        }
    ));
}

#[test]
fn no_time_and_no_hours() {
    let error = arrivals(5, Duration::ZERO, &calibration().hours, &mut rng()).unwrap_err();
    assert_eq!(error, ShopperError::ZeroDuration);
    let error = arrivals(
        5,
        Duration::from_secs(1),
        &HourProfile::default(),
        &mut rng(),
    );
    assert_eq!(error.unwrap_err(), ShopperError::EmptyHours);
}

#[test]
fn nothing_to_buy() {
    let mut dataset = Dataset::sample().unwrap();
    dataset.baskets.clear();
    let error = Calibration::new(&dataset, CalibrationOptions::default()).unwrap_err();
    assert_eq!(error, ShopperError::EmptyCatalogue);
    let calibration = Calibration {
        popularity: Vec::new(),
        ..calibration()
    };
    assert_eq!(
        CatalogueSampler::new(&calibration).unwrap_err(),
        ShopperError::EmptyCatalogue
    );
}

#[test]
fn options_outside_their_range() {
    let dataset = Dataset::sample().unwrap();
    let options = CalibrationOptions {
        basket_lines_max: 0,
        ..CalibrationOptions::default()
    };
    let error = Calibration::new(&dataset, options).unwrap_err();
    assert_eq!(
        error.to_string(),
        "basket_lines_max is 0: it must be at least 1"
    );

    for figures in [
        SessionFigures {
            steps_max: 5,
            ..SessionFigures::default()
        },
        SessionFigures {
            think_sigma: -1.0,
            ..SessionFigures::default()
        },
        SessionFigures {
            clicks_mu: f64::NAN,
            ..SessionFigures::default()
        },
    ] {
        assert!(matches!(
            SessionModel::new(figures),
            Err(ShopperError::BadOption { .. })
        ));
    }

    let persona = default_personas().unwrap().remove(0);
    let error = persona.with_conversion(1.5).unwrap_err();
    assert_eq!(error.to_string(), "conversion is 1.5: it must be 0 to 1");
}

/// A graph in which everything leads to leaving at once, but for the given row.
fn graph_with(state: State, row: &Transitions) -> Result<Graph, ShopperError> {
    let mut rows: Vec<(State, &Transitions)> = State::ALL[..8]
        .iter()
        .map(|from| (*from, &[(State::Leave, 1.0)] as &Transitions))
        .collect();
    rows.push((state, row));
    Graph::new(&[(State::Browse, 1.0)], &rows)
}

#[test]
fn probabilities_that_are_none() {
    assert!(graph_with(State::Browse, &[(State::Browse, 0.5), (State::Leave, 0.5)]).is_ok());
    for row in [
        &[(State::Leave, 0.9)] as &Transitions,
        &[(State::Leave, 0.6), (State::Browse, 0.6)],
        &[(State::Leave, 1.5), (State::Browse, -0.5)],
        &[(State::Leave, f64::NAN)],
        &[],
    ] {
        let error = graph_with(State::Search, row).unwrap_err();
        assert!(
            matches!(error, ShopperError::BadProbabilities { from: "search", .. }),
            "{error}"
        );
    }
}

#[test]
fn states_without_a_way_out() {
    let error = graph_with(State::Search, &[(State::Search, 1.0)]).unwrap_err();
    assert_eq!(
        error,
        ShopperError::DeadEnd {
            from: State::Search
        }
    );
    let error = Graph::new(&[(State::Browse, 1.0)], &[]).unwrap_err();
    assert_eq!(
        error,
        ShopperError::DeadEnd {
            from: State::Browse
        }
    );
}

#[test]
fn paying_without_having_seen_the_cart() {
    let error = graph_with(State::Browse, &[(State::Checkout, 1.0)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "check out can be reached from browse: it may only follow view cart"
    );
    let error = graph_with(State::Search, &[(State::ViewCart, 1.0)]).unwrap_err();
    assert!(matches!(
        error,
        ShopperError::BadTransition {
            to: State::ViewCart,
            ..
        }
    ));
}
