//! Safety stock and reorder point.

/// How long a supplier takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeadTime {
    /// On average, in units of time.
    pub mean: f64,
    /// Its standard deviation, in the same.
    pub deviation: f64,
}

/// The standard deviation of demand over the lead time: `sqrt(L * sd^2 + d^2 * sL^2)`, for demand
/// of `mean` and `deviation` a unit of time, independent from one to the next.
#[must_use]
pub fn deviation_over_lead_time(mean: f64, deviation: f64, lead: LeadTime) -> f64 {
    (lead.mean * deviation.powi(2) + mean.powi(2) * lead.deviation.powi(2)).sqrt()
}

/// Safety stock: `factor` standard deviations of demand over the lead time. The factor is
/// [`ServiceLevel::normal_factor`](super::ServiceLevel::normal_factor) where demand is normal.
///
/// ```
/// use mercato_actors::replenish::{LeadTime, safety_stock};
///
/// // 100 a day, deviation 20, delivered in 4 days: 1.645 * 20 * 2.
/// let lead = LeadTime { mean: 4.0, deviation: 0.0 };
/// assert!((safety_stock(1.645, 100.0, 20.0, lead) - 65.8).abs() < 1e-9);
/// ```
#[must_use]
pub fn safety_stock(factor: f64, mean: f64, deviation: f64, lead: LeadTime) -> f64 {
    factor * deviation_over_lead_time(mean, deviation, lead)
}

/// The reorder point: demand over the lead time, and the safety stock.
#[must_use]
pub fn reorder_point(mean: f64, lead: LeadTime, safety: f64) -> f64 {
    mean * lead.mean + safety
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::BasisPoints;
    use crate::inventory::replenish::ServiceLevel;

    /// Catches: variances that are not added, or a lead time that is not squared in.
    #[test]
    fn both_uncertainties_count() {
        let lead = LeadTime {
            mean: 9.0,
            deviation: 2.0,
        };
        // By hand: 9 * 16 + 100 * 4 = 544.
        let deviation = deviation_over_lead_time(10.0, 4.0, lead);
        assert!((deviation - 544f64.sqrt()).abs() < 1e-12);
        let safety = safety_stock(2.0, 10.0, 4.0, lead);
        assert!((reorder_point(10.0, lead, safety) - (90.0 + 2.0 * 544f64.sqrt())).abs() < 1e-9);
    }

    /// Catches: a factor of the wrong tail. The values are those of the normal table.
    #[test]
    fn factors_are_those_of_the_normal_table() {
        for (level, factor) in [
            (5_000, 0.0),
            (9_000, 1.2816),
            (9_500, 1.6449),
            (9_900, 2.3263),
        ] {
            let level = ServiceLevel::new(BasisPoints::new(level)).expect("a level");
            assert!((level.normal_factor() - factor).abs() < 1e-4, "{level}");
        }
        assert!(ServiceLevel::new(BasisPoints::new(10_000)).is_err());
        assert!(ServiceLevel::new(BasisPoints::new(4_999)).is_err());
    }
}
