//! How much to buy, by what it costs.

use statrs::distribution::{Continuous, ContinuousCDF, Normal};

/// The economic order quantity (Harris 1913): `sqrt(2 * K * d / h)`, for a cost `order` of each
/// order, a cost `holding` of keeping one unit for a unit of time, and `demand` in that time. Zero
/// where one of them makes no sense.
///
/// ```
/// use mercato_actors::replenish::economic_order_quantity;
///
/// assert!((economic_order_quantity(8.0, 0.225, 1_300.0) - 304.0468).abs() < 1e-4);
/// ```
#[must_use]
pub fn economic_order_quantity(order: f64, holding: f64, demand: f64) -> f64 {
    let quantity = (2.0 * order * demand / holding).sqrt();
    if quantity.is_finite() { quantity } else { 0.0 }
}

/// What to have for a demand that comes once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NewsvendorPlan {
    /// How much to have.
    pub stock: f64,
    /// What that is expected to cost.
    pub cost: f64,
    /// With which probability it is enough.
    pub probability: f64,
}

/// The newsvendor (Arrow, Harris and Marschak 1951) with normal demand: each unit left over costs
/// `holding`, each unit short `stockout`. `None` where costs or deviation are not above zero.
///
/// ```
/// use mercato_actors::replenish::newsvendor;
///
/// let plan = newsvendor(0.18, 0.70, 50.0, 8.0).expect("sound costs");
/// assert!((plan.stock - 56.604).abs() < 1e-3 && (plan.cost - 1.9976).abs() < 1e-3);
/// ```
#[must_use]
pub fn newsvendor(
    holding: f64,
    stockout: f64,
    mean: f64,
    deviation: f64,
) -> Option<NewsvendorPlan> {
    if holding <= 0.0 || stockout <= 0.0 {
        return None;
    }
    let demand = Normal::new(mean, deviation).ok()?;
    let probability = stockout / (stockout + holding);
    let stock = demand.inverse_cdf(probability);
    Some(NewsvendorPlan {
        stock,
        cost: (holding + stockout) * deviation * deviation * demand.pdf(stock),
        probability,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: under- and overage exchanged. Values by the library stockpyl 1.0.2.
    #[test]
    fn published_examples_come_out() {
        let plan = newsvendor(0.18, 0.70, 50.0, 8.0).expect("sound costs");
        assert!((plan.stock - 56.604).abs() < 1e-3, "{plan:?}");
        assert!((plan.cost - 1.9976).abs() < 1e-3, "{plan:?}");
        assert!((economic_order_quantity(8.0, 0.225, 1_300.0) - 304.0468).abs() < 1e-4);
    }

    /// Catches: infinities handed on.
    #[test]
    fn costs_that_make_no_sense_give_no_plan() {
        assert_eq!(newsvendor(0.0, 1.0, 5.0, 1.0), None);
        assert_eq!(newsvendor(1.0, 1.0, 5.0, 0.0), None);
        assert!(economic_order_quantity(1.0, 0.0, 5.0).abs() < 1e-12);
        assert!(economic_order_quantity(1.0, 1.0, -5.0).abs() < 1e-12);
    }
}
