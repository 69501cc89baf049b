//! What kind of demand a product has.

use serde::{Deserialize, Serialize};

use super::{count, mean};

/// The four patterns of Syntetos, Boylan and Croston ("On the categorization of demand patterns",
/// Journal of the Operational Research Society 56, 2005): by the mean interval between demands
/// (1.32 periods) and by the squared coefficient of variation of their sizes (0.49).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DemandPattern {
    /// Often, in like sizes.
    Smooth,
    /// Often, in sizes that differ.
    Erratic,
    /// Seldom, in like sizes.
    Intermittent,
    /// Seldom, in sizes that differ. Also what was never asked for at all.
    Lumpy,
}

const INTERVAL: f64 = 1.32;
const VARIATION: f64 = 0.49;

impl DemandPattern {
    /// The pattern of demand in equal periods, zeros included.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let sizes: Vec<f64> = values.iter().copied().filter(|v| *v > 0.0).collect();
        let size = mean(&sizes);
        if size <= 0.0 {
            return Self::Lumpy;
        }
        let squares: Vec<f64> = sizes.iter().map(|v| (v - size).powi(2)).collect();
        let often = count(values.len()) / count(sizes.len()) < INTERVAL;
        let alike = mean(&squares) / size.powi(2) < VARIATION;
        match (often, alike) {
            (true, true) => Self::Smooth,
            (true, false) => Self::Erratic,
            (false, true) => Self::Intermittent,
            (false, false) => Self::Lumpy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: bounds exchanged, or zeros counted among the sizes.
    #[test]
    fn the_four_patterns_are_told_apart() {
        assert_eq!(DemandPattern::of(&[5.0, 6.0, 5.0]), DemandPattern::Smooth);
        assert_eq!(
            DemandPattern::of(&[1.0, 30.0, 1.0, 2.0]),
            DemandPattern::Erratic
        );
        assert_eq!(
            DemandPattern::of(&[0.0, 5.0, 0.0, 5.0]),
            DemandPattern::Intermittent
        );
        assert_eq!(
            DemandPattern::of(&[0.0, 1.0, 0.0, 30.0, 0.0, 1.0]),
            DemandPattern::Lumpy
        );
        assert_eq!(DemandPattern::of(&[0.0, 0.0]), DemandPattern::Lumpy);
    }
}
