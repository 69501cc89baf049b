//! The best policies for Poisson demand, by expected cost.

use statrs::distribution::{Discrete, DiscreteCDF, Poisson};

/// The most demand that is planned exactly; above it the normal approximation is as good.
const MEAN_MAX: f64 = 1_000.0;
/// How far a search goes before it gives up.
const STEPS_MAX: u32 = 100_000;

/// An (r, Q) policy: order `quantity` when the inventory position is at `reorder_point`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReorderQuantityPlan {
    /// r.
    pub reorder_point: i64,
    /// Q.
    pub quantity: u32,
    /// What it costs in a unit of time.
    pub cost: f64,
}

/// An (s, S) policy: order up to `order_up_to` when a review finds the position at `reorder_point`
/// or below.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderUpToPlan {
    /// s.
    pub reorder_point: i64,
    /// S.
    pub order_up_to: i64,
    /// What it costs in a period.
    pub cost: f64,
}

/// What a position costs while Poisson demand of some mean comes before it is changed.
struct PositionCost {
    holding: f64,
    stockout: f64,
    mean: f64,
    demand: Poisson,
}

impl PositionCost {
    fn new(holding: f64, stockout: f64, mean: f64) -> Option<Self> {
        let sound = holding > 0.0 && stockout > 0.0 && mean <= MEAN_MAX;
        let demand = Poisson::new(mean).ok()?;
        sound.then_some(Self {
            holding,
            stockout,
            mean,
            demand,
        })
    }

    /// `h * E(y - D)+ + p * E(D - y)+`.
    fn of(&self, position: i64) -> f64 {
        let Ok(units) = u64::try_from(position) else {
            let missing = self.mean - float(position);
            return self.stockout * missing;
        };
        // E(y - D)+ = (y - m) * P(D <= y) + m * P(D = y), for Poisson demand.
        let left = (float(position) - self.mean) * self.demand.cdf(units)
            + self.mean * self.demand.pmf(units);
        let missing = left - float(position) + self.mean;
        self.holding * left + self.stockout * missing
    }

    /// The lowest of the cheapest positions; the cost is convex.
    fn cheapest(&self) -> i64 {
        let mut position = 0;
        while position < i64::from(STEPS_MAX) && self.of(position + 1) < self.of(position) {
            position += 1;
        }
        position
    }
}

#[allow(clippy::cast_precision_loss)] // positions are far below 2^52
fn float(position: i64) -> f64 {
    position as f64
}

/// The best (r, Q) under continuous review, with `demand` a unit of time, delivered after
/// `lead_time`, an order costing `order`, a unit held `holding` and a unit owed `stockout` in a
/// unit of time (Federgruen and Zheng, "An efficient algorithm for computing an optimal (r, Q)
/// policy in continuous review stochastic inventory systems", Operations Research 40, 1992). `None`
/// where costs are not above zero, or demand over the lead time is above 1,000 units.
#[must_use]
pub fn reorder_quantity(
    holding: f64,
    stockout: f64,
    order: f64,
    demand: f64,
    lead_time: f64,
) -> Option<ReorderQuantityPlan> {
    let position = PositionCost::new(holding, stockout, demand * lead_time)?;
    let order = order * demand;
    // Positions r + 1 to r + Q are passed through equally often; the cheapest of them come first.
    let first = position.cheapest();
    let (mut reorder_point, mut quantity) = (first - 1, 1u32);
    let mut cost = order + position.of(first);
    while quantity < STEPS_MAX {
        let below = position.of(reorder_point);
        let above = position.of(reorder_point + i64::from(quantity) + 1);
        let next = below.min(above);
        if next >= cost {
            break;
        }
        cost += (next - cost) / f64::from(quantity + 1);
        quantity += 1;
        if below <= above {
            reorder_point -= 1;
        }
    }
    Some(ReorderQuantityPlan {
        reorder_point,
        quantity,
        cost,
    })
}

/// The best (s, S) under periodic review, with Poisson `demand` in a period and a delivery that
/// comes `lead_time` whole periods later (Zheng and Federgruen, "Finding optimal (s, S) policies is
/// about as simple as evaluating a single policy", Operations Research 39, 1991). `None` where
/// costs are not above zero, or demand over the lead time is above 1,000 units.
#[must_use]
pub fn order_up_to(
    holding: f64,
    stockout: f64,
    order: f64,
    demand: f64,
    lead_time: u32,
) -> Option<OrderUpToPlan> {
    let over = demand * f64::from(lead_time + 1);
    let position = PositionCost::new(holding, stockout, over)?;
    let mut renewal = Renewal::new(Poisson::new(demand).ok()?);
    let cheapest = position.cheapest();
    let (mut low, mut up_to) = (cheapest, cheapest);
    let mut steps = 0;
    loop {
        low -= 1;
        steps += 1;
        if steps > STEPS_MAX {
            return None;
        }
        if renewal.cost(&position, order, low, up_to) <= position.of(low) {
            break;
        }
    }
    let mut cost = renewal.cost(&position, order, low, up_to);
    let mut candidate = up_to + 1;
    while position.of(candidate) <= cost && steps <= STEPS_MAX {
        steps += 1;
        if renewal.cost(&position, order, low, candidate) < cost {
            up_to = candidate;
            while renewal.cost(&position, order, low, up_to) <= position.of(low + 1) {
                low += 1;
            }
            cost = renewal.cost(&position, order, low, up_to);
        }
        candidate += 1;
    }
    Some(OrderUpToPlan {
        reorder_point: low,
        order_up_to: up_to,
        cost,
    })
}

/// How often each distance below S is visited between two orders.
struct Renewal {
    demand: Vec<f64>,
    visits: Vec<f64>,
    poisson: Poisson,
}

impl Renewal {
    fn new(poisson: Poisson) -> Self {
        let none = poisson.pmf(0);
        Self {
            demand: vec![none],
            visits: vec![1.0 / (1.0 - none)],
            poisson,
        }
    }

    fn visits(&mut self, distance: usize) -> f64 {
        while self.visits.len() <= distance {
            let next = self.visits.len();
            self.demand.push(self.poisson.pmf(next as u64));
            let earlier = self.visits.iter().rev();
            let came: f64 = self
                .demand
                .iter()
                .skip(1)
                .zip(earlier)
                .map(|(p, m)| p * m)
                .sum();
            let none = self.demand.first().copied().unwrap_or_default();
            self.visits.push(came / (1.0 - none));
        }
        self.visits.get(distance).copied().unwrap_or_default()
    }

    /// The cost of a period under (s, S).
    fn cost(&mut self, position: &PositionCost, order: f64, low: i64, up_to: i64) -> f64 {
        let (mut cost, mut periods) = (order, 0.0);
        for distance in 0..usize::try_from(up_to - low).unwrap_or(0) {
            let visits = self.visits(distance);
            let at = up_to - i64::try_from(distance).unwrap_or(i64::MAX);
            cost += visits * position.of(at);
            periods += visits;
        }
        if periods > 0.0 {
            cost / periods
        } else {
            f64::INFINITY
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a search that stops beside the best. Values by the library stockpyl 1.0.2.
    #[test]
    fn published_examples_come_out() {
        let plan = reorder_quantity(20.0, 150.0, 100.0, 1.5, 2.0).expect("sound costs");
        assert_eq!((plan.reorder_point, plan.quantity), (3, 5));
        assert!((plan.cost - 107.9236).abs() < 1e-3, "{plan:?}");
        let plan = order_up_to(1.0, 4.0, 5.0, 6.0, 0).expect("sound costs");
        assert_eq!((plan.reorder_point, plan.order_up_to), (4, 10));
        assert!((plan.cost - 8.0341).abs() < 1e-3, "{plan:?}");
    }

    /// Catches: neighbours that would be cheaper.
    #[test]
    fn no_neighbour_is_cheaper() {
        let position = PositionCost::new(1.0, 9.0, 12.0).expect("sound costs");
        let mut renewal = Renewal::new(Poisson::new(12.0).expect("a mean"));
        let best = order_up_to(1.0, 9.0, 30.0, 12.0, 0).expect("sound costs");
        for (low, up) in [(-1, 0), (1, 0), (0, -1), (0, 1), (1, 1), (-1, -1)] {
            let (low, up) = (best.reorder_point + low, best.order_up_to + up);
            let cost = renewal.cost(&position, 30.0, low, up);
            assert!(
                cost >= best.cost - 1e-9,
                "({low}, {up}) costs {cost}, {best:?}"
            );
        }
    }

    /// Catches: a search without an end.
    #[test]
    fn what_cannot_be_planned_is_not() {
        assert_eq!(reorder_quantity(0.0, 1.0, 1.0, 1.0, 1.0), None);
        assert_eq!(reorder_quantity(1.0, 1.0, 1.0, 1e9, 1.0), None);
        assert_eq!(order_up_to(1.0, 0.0, 1.0, 1.0, 0), None);
    }
}
