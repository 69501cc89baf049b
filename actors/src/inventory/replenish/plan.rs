//! The policy of one product: at which point to order, and how much.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conformal::{Scores, pooled_factor};
use super::economic::{economic_order_quantity, newsvendor};
use super::exact::{order_up_to, reorder_quantity};
use super::safety::{LeadTime, deviation_over_lead_time};
use super::service::ServiceLevel;
use crate::inventory::forecast::DemandPattern;

/// Up to this much demand over the lead time, policies by cost are exact; above it, normal.
const EXACT_MAX: f64 = 100.0;
const DAYS_A_YEAR: f64 = 365.25;
/// A quotient closer to a whole number than this is that number.
const ROUNDING: f64 = 1e-9;

/// Which of the two classical policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Replenishment {
    /// (s, S): at the reorder point or below, order up to a level.
    OrderUpTo,
    /// (r, Q): at the reorder point or below, order a fixed quantity, as often as it takes.
    FixedQuantity,
}

/// How many deviations of safety stock a service level takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SafetyMethod {
    /// As many as of the normal distribution: for demand that is known to be normal.
    Normal,
    /// As many as forecasts needed that were made before: the product's own where there are enough
    /// of them, those of its pattern otherwise; of a product that is new, as of the normal one.
    Conformal,
}

/// What orders and stock cost, in one unit of money throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostTerms {
    /// Each order.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub order: u32,
    /// One unit in stock for a year.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub holding_a_year: u32,
    /// One unit short for a day.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub stockout_a_day: u32,
}

/// The terms on which a product is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderTerms {
    /// How often stock may run out. Where costs are given, they say how often it should.
    pub service_level: ServiceLevel,
    /// By which deviations.
    pub safety: SafetyMethod,
    /// By which policy.
    pub replenishment: Replenishment,
    /// The least safety stock, in units.
    pub safety_min: u32,
    /// Suppliers sell whole packs of so many units.
    pub pack_size: NonZeroU32,
    /// The fewest units that a supplier sells.
    pub order_min: u32,
    /// Where given, quantities are chosen by what they cost.
    pub costs: Option<CostTerms>,
}

/// What is expected of demand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DemandOutlook {
    /// Mean units a day, over the lead time and what follows.
    pub per_day: f64,
    /// The standard deviation of one day.
    pub deviation: f64,
    /// What kind of demand it is.
    pub pattern: DemandPattern,
    /// Whether it has been seen for long enough to be compared with other products.
    pub established: bool,
    /// For how many days an order is to last beyond the lead time, where no costs say it.
    pub cover_days: f64,
}

/// What follows from it, in units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReorderPlan {
    /// Demand over the lead time.
    pub over_lead_time: f64,
    /// Its standard deviation.
    pub deviation: f64,
    /// Beyond demand over the lead time.
    pub safety: f64,
    /// Order at this position or below.
    pub reorder_point: u64,
    /// Up to here, or this much above the reorder point, is ordered.
    pub order_up_to: u64,
}

impl ReorderPlan {
    /// The policy for a product.
    #[must_use]
    pub fn new(
        terms: &OrderTerms,
        demand: &DemandOutlook,
        lead: LeadTime,
        scores: &Scores,
    ) -> Self {
        let over_lead_time = demand.per_day * lead.mean;
        let deviation = deviation_over_lead_time(demand.per_day, demand.deviation, lead);
        let floor = f64::from(terms.safety_min);
        if let Some((point, up_to)) = exact(terms, demand, lead) {
            let safety = (point - over_lead_time).max(floor);
            let reorder_point = whole_units(over_lead_time + safety);
            return Self {
                over_lead_time,
                deviation,
                safety,
                reorder_point,
                order_up_to: reorder_point.saturating_add(whole_units(up_to - point)),
            };
        }
        let level = service_level(terms, demand, deviation);
        let factor = match terms.safety {
            SafetyMethod::Normal => level.normal_factor(),
            SafetyMethod::Conformal => {
                let others = || match demand.established {
                    true => pooled_factor(demand.pattern, level),
                    false => level.normal_factor(),
                };
                scores.factor(level).unwrap_or_else(others)
            }
        };
        let safety = (factor * deviation).max(floor);
        let reorder_point = whole_units(over_lead_time + safety);
        let quantity = terms
            .costs
            .map_or(demand.per_day * demand.cover_days, |costs| {
                let holding = f64::from(costs.holding_a_year) / DAYS_A_YEAR;
                economic_order_quantity(f64::from(costs.order), holding, demand.per_day)
            });
        Self {
            over_lead_time,
            deviation,
            safety,
            reorder_point,
            order_up_to: reorder_point.saturating_add(whole_units(quantity)),
        }
    }

    /// A plan of which only the two points are known.
    #[must_use]
    pub(crate) fn of_points(reorder_point: u64, order_up_to: u64) -> Self {
        Self {
            over_lead_time: 0.0,
            deviation: 0.0,
            safety: 0.0,
            reorder_point,
            order_up_to,
        }
    }

    /// How many units to order at an inventory position, in whole packs and at least the supplier's
    /// minimum; `None` above the reorder point.
    #[must_use]
    pub fn quantity(&self, terms: &OrderTerms, position: i64) -> Option<u32> {
        let missing = i128::from(self.reorder_point) - i128::from(position);
        let missing = u64::try_from(missing).ok()?;
        let above = self.order_up_to.saturating_sub(self.reorder_point);
        let wanted = match terms.replenishment {
            Replenishment::OrderUpTo => missing.saturating_add(above),
            Replenishment::FixedQuantity => {
                let once = above.max(u64::from(terms.order_min)).max(1);
                // Enough times to pass the reorder point.
                (missing / once + 1).saturating_mul(once)
            }
        };
        let wanted = u32::try_from(wanted)
            .unwrap_or(u32::MAX)
            .max(terms.order_min);
        let pack = terms.pack_size.get();
        Some(wanted.max(1).div_ceil(pack).saturating_mul(pack))
    }
}

/// The best policy by cost, for what sells slowly enough: its reorder point, and up to where.
fn exact(terms: &OrderTerms, demand: &DemandOutlook, lead: LeadTime) -> Option<(f64, f64)> {
    let costs = terms.costs?;
    if demand.per_day * lead.mean > EXACT_MAX || demand.per_day <= 0.0 {
        return None;
    }
    let holding = f64::from(costs.holding_a_year) / DAYS_A_YEAR;
    let stockout = f64::from(costs.stockout_a_day);
    let order = f64::from(costs.order);
    let position = |units: i64| f64::from(i32::try_from(units).unwrap_or(i32::MAX));
    match terms.replenishment {
        Replenishment::FixedQuantity => {
            let plan = reorder_quantity(holding, stockout, order, demand.per_day, lead.mean)?;
            let point = position(plan.reorder_point);
            Some((point, point + f64::from(plan.quantity)))
        }
        Replenishment::OrderUpTo => {
            let days = u32::try_from(whole_units(lead.mean)).ok()?;
            let plan = order_up_to(holding, stockout, order, demand.per_day, days)?;
            Some((position(plan.reorder_point), position(plan.order_up_to)))
        }
    }
}

/// Where costs are given, the newsvendor's share of cycles; the one asked for otherwise.
fn service_level(terms: &OrderTerms, demand: &DemandOutlook, deviation: f64) -> ServiceLevel {
    let by_cost = terms.costs.and_then(|costs| {
        // A unit is held for about as long as an order lasts.
        let days = demand.cover_days.max(1.0);
        let holding = f64::from(costs.holding_a_year) / DAYS_A_YEAR * days;
        let stockout = f64::from(costs.stockout_a_day);
        let plan = newsvendor(holding, stockout, demand.per_day, deviation)?;
        #[allow(clippy::cast_possible_truncation)] // a probability
        let points = (plan.probability * 10_000.0).round() as i32;
        ServiceLevel::new(crate::domain::BasisPoints::new(points.clamp(5_000, 9_999))).ok()
    });
    by_cost.unwrap_or(terms.service_level)
}

/// Whole units, rounded up.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a cast of a float saturates
pub(crate) fn whole_units(quantity: f64) -> u64 {
    (quantity - ROUNDING).ceil().max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: OrderTerms = OrderTerms {
        service_level: ServiceLevel::P95,
        safety: SafetyMethod::Normal,
        replenishment: Replenishment::OrderUpTo,
        safety_min: 0,
        pack_size: NonZeroU32::MIN,
        order_min: 0,
        costs: None,
    };

    fn plan(terms: &OrderTerms, per_day: f64, deviation: f64) -> ReorderPlan {
        let demand = DemandOutlook {
            per_day,
            deviation,
            pattern: DemandPattern::Smooth,
            established: true,
            cover_days: 7.0,
        };
        let lead = LeadTime {
            mean: 4.0,
            deviation: 0.0,
        };
        ReorderPlan::new(terms, &demand, lead, &Scores::default())
    }

    /// Catches: an order that is not in whole packs, below the minimum, or above the point.
    #[test]
    fn orders_are_in_whole_packs_and_large_enough() {
        let terms = OrderTerms {
            pack_size: NonZeroU32::MIN.saturating_add(11),
            order_min: 24,
            safety_min: 5,
            ..TERMS
        };
        let quiet = plan(&terms, 0.0, 0.0);
        assert_eq!((quiet.reorder_point, quiet.order_up_to), (5, 5));
        assert_eq!(quiet.quantity(&terms, 6), None);
        assert_eq!(quiet.quantity(&terms, 5), Some(24));
        assert_eq!(quiet.quantity(&terms, -30), Some(36));
        // 100 a day: 400 over the lead time, and 1.645 * 20 * 2.
        let busy = plan(&terms, 100.0, 20.0);
        assert_eq!((busy.reorder_point, busy.order_up_to), (466, 1_166));
        assert_eq!(busy.quantity(&terms, 400), Some(768));
    }

    /// Catches: a fixed quantity that leaves the position below the point.
    #[test]
    fn a_fixed_quantity_comes_as_often_as_it_takes() {
        let terms = OrderTerms {
            replenishment: Replenishment::FixedQuantity,
            ..TERMS
        };
        let plan = plan(&terms, 100.0, 20.0);
        assert_eq!(plan.quantity(&terms, 466), Some(700));
        assert_eq!(plan.quantity(&terms, 467), None);
        assert_eq!(plan.quantity(&terms, -300), Some(1_400));
    }

    /// Catches: costs that are not heeded, and units of time mixed up.
    #[test]
    fn costs_choose_the_quantity() {
        let terms = OrderTerms {
            replenishment: Replenishment::FixedQuantity,
            costs: Some(CostTerms {
                order: 100,
                holding_a_year: 7_305,
                stockout_a_day: 150,
            }),
            ..TERMS
        };
        let demand = DemandOutlook {
            per_day: 1.5,
            deviation: 1.5f64.sqrt(),
            pattern: DemandPattern::Smooth,
            established: true,
            cover_days: 7.0,
        };
        let lead = LeadTime {
            mean: 2.0,
            deviation: 0.0,
        };
        // The exact example: holding 20, stockout 150, order 100, demand 1.5, lead time 2: (3, 5).
        let plan = ReorderPlan::new(&terms, &demand, lead, &Scores::default());
        assert_eq!((plan.reorder_point, plan.order_up_to), (3, 8));
        assert_eq!(plan.quantity(&terms, 3), Some(5));
    }

    /// Catches: own scores that are not used when there are enough of them.
    #[test]
    fn own_scores_take_the_place_of_the_pool() {
        let terms = OrderTerms {
            safety: SafetyMethod::Conformal,
            ..TERMS
        };
        let demand = DemandOutlook {
            per_day: 10.0,
            deviation: 5.0,
            pattern: DemandPattern::Lumpy,
            established: true,
            cover_days: 7.0,
        };
        let lead = LeadTime {
            mean: 4.0,
            deviation: 0.0,
        };
        let mut scores = Scores::default();
        let pooled = ReorderPlan::new(&terms, &demand, lead, &scores);
        let factor = pooled_factor(DemandPattern::Lumpy, ServiceLevel::P95);
        assert!((pooled.safety - factor * 10.0).abs() < 1e-9);
        for _ in 0..19 {
            scores.add(500);
        }
        let own = ReorderPlan::new(&terms, &demand, lead, &scores);
        assert!((own.safety - 5.0).abs() < 1e-9, "{own:?}");
    }
}
