//! Demand forecasting: how much of a product will be asked for, and how far off that has been.
//!
//! The module is pure and knows no shop: numbers in, numbers out. [`forecast`] is its door. A
//! [`Series`] of equal periods goes through these rooms:
//!
//! | room | what | source |
//! |---|---|---|
//! | `series` | what is a series, and demand that an empty shelf hid | |
//! | `pattern` | smooth, erratic, intermittent or lumpy | Syntetos, Boylan and Croston 2005 |
//! | `season` | a test for a season, and its indices | Assimakopoulos and Nikolopoulos 2000 |
//! | `smoothing` | simple exponential smoothing, windows | Brown 1959 |
//! | `theta` | the dynamic optimised Theta model | Fiorucci et al. 2016 |
//! | `ets` | exponential smoothing in state space, by the library `augurs` | Hyndman et al. 2002 |
//! | `intermittent` | Croston, SBA, TSB | Croston 1972, Syntetos and Boylan 2005, Teunter, Syntetos and Babai 2011 |
//! | `aggregate` | ADIDA, IMAPA | Nikolopoulos et al. 2011, Petropoulos and Kourentzes 2015 |
//! | `combine` | which of them to believe, for this one series | |
//! | `accuracy` | MASE, RMSSE, WAPE, sMAPE | Hyndman and Koehler 2006 |
//!
//! No single method is best for every product. Each is tried on the latest part of the series that
//! it was not shown, and counts for the less the more it erred there: see [`forecast`].
//!
//! ```
//! use mercato_actors::forecast::{Series, forecast};
//!
//! let weeks = [4.0, 6.0, 5.0, 5.0, 4.0, 6.0, 5.0, 5.0, 6.0, 4.0, 5.0, 5.0];
//! let forecast = forecast(&Series::new(weeks, 1)?, 4)?;
//! assert!(forecast.points.iter().all(|week| (4.0..6.0).contains(week)));
//! assert!(forecast.held_out.is_some_and(|error| error.mean_absolute < 1.0));
//! # Ok::<(), mercato_actors::forecast::SeriesError>(())
//! ```

mod accuracy;
mod aggregate;
mod combine;
mod ets;
mod intermittent;
mod method;
mod pattern;
mod season;
mod series;
mod smoothing;
mod theta;

pub use accuracy::{Accuracy, AccuracySum, accuracy};
pub use combine::{Forecasted, HORIZON_MAX, HeldOut, forecast};
pub use method::Method;
pub use pattern::DemandPattern;
pub use series::{PERIODS_MAX, Period, Series, SeriesError, uncensor};

/// The mean; zero of nothing.
fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.iter().sum::<f64>() / count(values.len())
}

/// The middle value, or the mean of the two in the middle; zero of nothing.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match (sorted.get(half), sorted.len() % 2) {
        (Some(middle), 1) => *middle,
        (Some(upper), _) => (sorted.get(half.wrapping_sub(1)).unwrap_or(upper) + upper) / 2.0,
        (None, _) => 0.0,
    }
}

/// A number of periods as a number to calculate with: exact, for there are few.
#[allow(clippy::cast_precision_loss)]
fn count(periods: usize) -> f64 {
    periods as f64
}
