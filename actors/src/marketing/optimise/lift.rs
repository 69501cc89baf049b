//! What a campaign is worth: how much more often those bought who were written to than those who were
//! drawn by lot and left alone.
//!
//! The last click takes credit for whoever would have bought anyway; this difference does not. Both
//! groups are compared as they were drawn, whether or not their message was sent in the end. The
//! interval is Newcombe's, of the two groups' Wilson scores (Newcombe 1998, "Interval estimation for
//! the difference between independent proportions", method 10): it also holds where nobody bought.

use serde::{Deserialize, Serialize};

/// The standard normal quantile of a two-sided interval of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// A group of people, and how many of them bought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// How many they are.
    pub people: u64,
    /// How many of them bought in their window.
    pub buyers: u64,
}

impl Group {
    /// The share that bought, and the interval of it (Wilson 1927).
    #[allow(clippy::cast_precision_loss)] // counts of people
    fn share(self) -> Option<(f64, f64, f64)> {
        if self.people == 0 {
            return None;
        }
        let n = self.people as f64;
        let p = self.buyers.min(self.people) as f64 / n;
        let middle = p + Z * Z / (2.0 * n);
        let width = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        Some((p, (middle - width) / scale, (middle + width) / scale))
    }
}

/// What a campaign changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Lift {
    /// The share of buyers among those who were written to, less that among those who were not.
    pub points: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The difference as a share of what those bought who were left alone; `None` where they bought
    /// nothing.
    pub relative: Option<f64>,
}

/// The lift of the treated over those held out. `None` where one of the groups is empty.
#[must_use]
pub fn lift(treated: Group, held_out: Group) -> Option<Lift> {
    let (treated, treated_low, treated_high) = treated.share()?;
    let (alone, alone_low, alone_high) = held_out.share()?;
    let points = treated - alone;
    Some(Lift {
        points,
        low: points - ((treated - treated_low).powi(2) + (alone_high - alone).powi(2)).sqrt(),
        high: points + ((treated_high - treated).powi(2) + (alone - alone_low).powi(2)).sqrt(),
        relative: (alone > 0.0).then(|| points / alone),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(buyers: u64, people: u64) -> Group {
        Group { people, buyers }
    }

    /// The examples of Newcombe's table II, method 10.
    #[test]
    fn the_interval_is_newcombes() {
        let found = lift(group(56, 70), group(48, 80)).unwrap();
        assert!((found.points - 0.2).abs() < 1e-12);
        assert!((found.low - 0.0524).abs() < 5e-5, "{found:?}");
        assert!((found.high - 0.3339).abs() < 5e-5, "{found:?}");
        let found = lift(group(0, 10), group(0, 20)).unwrap();
        assert!((found.low + 0.1611).abs() < 5e-5, "{found:?}");
        assert!((found.high - 0.2775).abs() < 5e-5, "{found:?}");
        assert_eq!(found.relative, None);
    }

    #[test]
    fn without_a_holdout_there_is_no_lift() {
        assert_eq!(lift(group(5, 10), Group::default()), None);
    }
}
