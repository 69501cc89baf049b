//! Medians and ratios.

/// The median; of an even number of values the upper of the two in the middle.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The median of the ratios within each round.
pub(crate) fn ratio(of: &[f64], to: &[f64]) -> f64 {
    median(of.iter().zip(to).map(|(of, to)| of / to))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a mean, which one slow round would spoil.
    /// Catches: a mean in place of a median.
    #[test]
    fn a_median_does_not_follow_an_outlier() {
        assert!((median([3.0, 1.0, 1_000.0]) - 3.0).abs() < f64::EPSILON);
    }

    /// Catches: a ratio of medians, which compares one contender's calm with the other's noise.
    #[test]
    fn a_ratio_compares_within_rounds() {
        let (of, to) = ([10.0, 200.0, 3.0], [20.0, 400.0, 1.0]);
        assert!((ratio(&of, &to) - 0.5).abs() < f64::EPSILON);
    }

    /// Catches: a figure for no measurement at all.
    #[test]
    fn nothing_has_no_median() {
        assert!(median([]).is_nan());
    }
}
