//! Shoppers are drawn from the figures they are stated to be drawn from, and a seed says all.

use std::time::Duration;

use mercato_sim::data::Dataset;
use mercato_sim::shopper::{
    Calibration, CalibrationOptions, CatalogueSampler, Population, arrivals, default_personas,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn calibration() -> Calibration {
    Calibration::new(&Dataset::sample().unwrap(), CalibrationOptions::default()).unwrap()
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn population(shoppers: u64, seed: u64) -> Population {
    Population::new(
        shoppers,
        default_personas().unwrap(),
        &calibration(),
        rng(seed),
    )
    .unwrap()
}

/// Half the sum of the differences between two distributions.
fn total_variation(observed: &[u64], expected: &[f64]) -> f64 {
    let total = observed.iter().sum::<u64>() as f64;
    let differences = observed
        .iter()
        .zip(expected)
        .map(|(n, p)| (*n as f64 / total - p).abs());
    differences.sum::<f64>() / 2.0
}

#[test]
fn arrivals_follow_the_hours_whatever_the_duration() {
    let hours = calibration().hours;
    for duration in [DAY, Duration::from_secs(3_600), DAY * 7] {
        let duration_ms = u64::try_from(duration.as_millis()).unwrap();
        let starts_ms = arrivals(20_000, duration, &hours, &mut rng(1)).unwrap();
        assert_eq!(starts_ms.len(), 20_000);
        assert!(starts_ms.is_sorted());
        assert!(starts_ms.iter().all(|start| *start < duration_ms));
        let mut histogram = [0; 24];
        for start_ms in starts_ms {
            histogram[usize::try_from(start_ms * 24 / duration_ms).unwrap()] += 1;
        }
        let distance = total_variation(&histogram, &hours.shares());
        assert!(distance <= 0.02, "{duration:?}: {distance}");
    }
}

#[test]
fn products_are_drawn_by_popularity() {
    let calibration = calibration();
    let sampler = CatalogueSampler::new(&calibration).unwrap();
    let mut rng = rng(2);
    let mut drawn = vec![0; calibration.popularity.len()];
    for _ in 0..100_000 {
        drawn[sampler.product(&mut rng) as usize] += 1;
    }
    let total = calibration.popularity.iter().sum::<u64>() as f64;
    let weights: Vec<f64> = calibration
        .popularity
        .iter()
        .map(|lines| *lines as f64 / total)
        .collect();
    let distance = total_variation(&drawn, &weights);
    assert!(distance <= 0.02, "{distance}");
}

#[test]
fn baskets_hold_different_products_and_follow_their_sizes() {
    let calibration = calibration();
    let sampler = CatalogueSampler::new(&calibration).unwrap();
    let mut rng = rng(3);
    let mut sizes = Vec::new();
    for _ in 0..5_000 {
        let basket = sampler.basket(&mut rng);
        let mut products: Vec<u32> = basket.iter().map(|line| line.product).collect();
        products.sort_unstable();
        products.dedup();
        assert_eq!(products.len(), basket.len());
        assert!(basket.iter().all(|line| (1..=100).contains(&line.quantity)));
        sizes.push(basket.len());
    }
    sizes.sort_unstable();
    assert_eq!(
        sizes[2_500],
        calibration.basket_lines.quantile(0.5) as usize
    );
    assert!((1..=20).contains(&sizes[0]) && sizes[4_999] <= 20);
}

#[test]
fn one_seed_gives_one_day_and_another_seed_another() {
    let hours = calibration().hours;
    let starts = |seed| arrivals(500, DAY, &hours, &mut rng(seed)).unwrap();
    assert_eq!(starts(4), starts(4));
    assert_ne!(starts(4), starts(5));
    let sampler = CatalogueSampler::new(&calibration()).unwrap();
    let basket = |seed| sampler.basket(&mut rng(seed));
    assert_eq!(basket(4), basket(4));
    assert_ne!(basket(4), basket(5));
}

#[test]
fn a_shopper_stays_the_same_in_a_larger_population() {
    let describe = |population: &Population, index| {
        let shopper = population.shopper(index).unwrap();
        (
            shopper.email,
            shopper.persona.name(),
            shopper.country,
            shopper.jurisdiction,
        )
    };
    let (small, large) = (population(50, 6), population(10_000_000, 6));
    for index in 0..50 {
        assert_eq!(describe(&small, index), describe(&large, index));
    }
    assert_eq!(describe(&small, 17).0, "shopper-17@example.test");
    assert!(small.shopper(50).is_none());
    assert!(large.shopper(9_999_999).is_some());
}

#[test]
fn personas_and_countries_come_in_their_shares() {
    let calibration = calibration();
    let population = population(20_000, 7);
    let shoppers: Vec<_> = (0..20_000)
        .map(|index| population.shopper(index).unwrap())
        .collect();

    let personas = default_personas().unwrap();
    let count = |name| {
        shoppers
            .iter()
            .filter(|shopper| shopper.persona.name() == name)
            .count() as u64
    };
    let observed: Vec<u64> = personas
        .iter()
        .map(|persona| count(persona.name()))
        .collect();
    let shares: Vec<f64> = personas.iter().map(|persona| persona.share()).collect();
    assert!(total_variation(&observed, &shares) <= 0.02);

    let count = |name: &str| {
        shoppers
            .iter()
            .filter(|shopper| &*shopper.country == name)
            .count() as u64
    };
    let observed: Vec<u64> = calibration
        .countries
        .iter()
        .map(|(name, _)| count(name))
        .collect();
    let total = calibration
        .countries
        .iter()
        .map(|(_, baskets)| baskets)
        .sum::<u64>() as f64;
    let shares: Vec<f64> = calibration
        .countries
        .iter()
        .map(|(_, n)| *n as f64 / total)
        .collect();
    assert!(total_variation(&observed, &shares) <= 0.02);
}
