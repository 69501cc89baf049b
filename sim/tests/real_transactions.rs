//! The known facts of the UCI Online Retail file, where it is at hand: `MERCATO_DATA` names a
//! folder that holds `retail/online_retail.csv.zst`. Without it these tests say so and pass.

use std::path::PathBuf;

use mercato_sim::data::{Dataset, ReadLimits, RowClass, read_transactions};
use mercato_sim::shopper::{Calibration, CalibrationOptions};

fn online_retail() -> Option<Dataset> {
    let folder = std::env::var_os("MERCATO_DATA").map(PathBuf::from);
    let path = folder.map(|folder| folder.join("retail/online_retail.csv.zst"));
    let Some(path) = path.filter(|path| path.exists()) else {
        eprintln!("skipped: MERCATO_DATA names no folder with retail/online_retail.csv.zst");
        return None;
    };
    Some(read_transactions(&path, ReadLimits::default()).unwrap())
}

#[test]
fn rows_and_facts_are_those_published() {
    let Some(dataset) = online_retail() else {
        return;
    };
    assert_eq!(dataset.rows.read(), 541_909);
    assert_eq!(dataset.rows.of(RowClass::Sale), 527_723);
    assert_eq!(dataset.rows.of(RowClass::Cancelled), 9_288);
    assert_eq!(dataset.rows.of(RowClass::Malformed), 0);
    assert_eq!(dataset.rows.exact_duplicates, 5_268);
    assert_eq!(dataset.products.len(), 3_899);
    assert_eq!(dataset.baskets.len(), 19_771);
    assert_eq!(dataset.customers, 4_333);
    let lines: usize = dataset
        .baskets
        .iter()
        .map(|basket| dataset.lines(basket).len())
        .sum();
    assert_eq!(lines, 527_723);
    let holder = dataset
        .products
        .iter()
        .find(|product| product.stock_code == "85123A")
        .unwrap();
    assert_eq!(holder.description, "WHITE HANGING HEART T-LIGHT HOLDER");
    assert_eq!(holder.price_minor, 295);
}

#[test]
fn the_calibration_is_as_measured() {
    let Some(dataset) = online_retail() else {
        return;
    };
    let uncapped = CalibrationOptions {
        basket_lines_max: u32::MAX,
        line_quantity_max: u32::MAX,
    };
    let measured = Calibration::new(&dataset, uncapped).unwrap();
    assert_eq!(
        [0.5, 0.9].map(|p| measured.basket_lines.quantile(p)),
        [15, 52]
    );
    assert_eq!(
        [0.5, 0.9, 0.99].map(|p| measured.line_quantity.quantile(p)),
        [3, 24, 100]
    );
    assert!((measured.returning_share - 0.653).abs() < 0.001);
    check_popularity(&measured);
    check_hours(&measured);

    let capped = Calibration::new(&dataset, CalibrationOptions::default()).unwrap();
    assert_eq!(capped.basket_lines.quantile(1.0), 20);
    assert_eq!(capped.line_quantity.quantile(1.0), 100);
    assert_eq!(capped.capped.baskets, 7_423);
    assert!(capped.capped.lines > 0 && capped.capped.lines < 527_723 / 100);
}

fn check_popularity(calibration: &Calibration) {
    let mut weights = calibration.popularity.clone();
    weights.sort_unstable_by(|a, b| b.cmp(a));
    let total: u64 = weights.iter().sum();
    let share = |top: usize| weights[..top].iter().sum::<u64>() as f64 / total as f64;
    assert!((share(weights.len() / 100) - 0.092).abs() < 0.001);
    assert!((share(weights.len() / 10) - 0.444).abs() < 0.001);
}

fn check_hours(calibration: &Calibration) {
    let shares = calibration.hours.shares();
    let measured = [
        0.029, 0.074, 0.118, 0.120, 0.162, 0.138, 0.122, 0.117, 0.067, 0.034,
    ];
    for (hour, expected) in (8..).zip(measured) {
        assert!(
            (shares[hour] - expected).abs() < 0.001,
            "{hour}h: {}",
            shares[hour]
        );
    }
}
