//! When sessions begin.

use std::time::Duration;

use rand::Rng;
use rand::distr::Distribution;
use rand_distr::weighted::WeightedAliasIndex;

use super::error::ShopperError;
use super::profile::HourProfile;

/// The start of each of `sessions` sessions, in ms from the beginning, sorted.
///
/// Each start is drawn on its own from the day that the profile describes: its hour by weight,
/// evenly within the hour. A duration other than 24 h holds the same day, squeezed or stretched.
///
/// # Errors
/// [`ShopperError::ZeroDuration`] below 1 ms; [`ShopperError::EmptyHours`] when no hour has a weight.
pub fn arrivals(
    sessions: usize,
    duration: Duration,
    hours: &HourProfile,
    rng: &mut impl Rng,
) -> Result<Vec<u64>, ShopperError> {
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if duration_ms == 0 {
        return Err(ShopperError::ZeroDuration);
    }
    let hour = WeightedAliasIndex::new(hours.0.to_vec()).map_err(|_| ShopperError::EmptyHours)?;
    let mut starts_ms: Vec<u64> = (0..sessions)
        .map(|_| {
            let hours_into_day = hour.sample(rng) as f64 + rng.random::<f64>();
            part_of(duration_ms, hours_into_day / 24.0)
        })
        .collect();
    starts_ms.sort_unstable();
    Ok(starts_ms)
}

/// The moment at this part (0 to below 1) of a duration; never its very end.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "both factors are positive, and float to integer saturates"
)]
fn part_of(duration_ms: u64, part: f64) -> u64 {
    ((duration_ms as f64 * part) as u64).min(duration_ms - 1)
}
