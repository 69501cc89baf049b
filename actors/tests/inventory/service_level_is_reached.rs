//! The service level that is asked for is the one that is reached, over simulated years.

use mercato_actors::forecast::{DemandPattern, Series, forecast};
use mercato_actors::replenish::{
    DemandOutlook, LeadTime, OrderTerms, ReorderPlan, Replenishment, SafetyMethod, Scores,
    ServiceLevel,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::*;

fn level(points: i32) -> ServiceLevel {
    ServiceLevel::new(BasisPoints::new(points)).unwrap()
}

/// Draws from the distributions that the test needs, without a library's opinion of them.
struct Chance(ChaCha8Rng);

impl Chance {
    fn uniform(&mut self) -> f64 {
        // 53 bits, and never zero.
        ((self.0.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    fn exponential(&mut self, rate: f64) -> f64 {
        -self.uniform().ln() / rate
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// The share of order cycles without a stock-out in a year of single customers under (r, Q): each
/// buys a unit, an order is placed when the position reaches r, and comes after a drawn lead time.
fn cycles_without_stock_out(
    plan: &ReorderPlan,
    terms: &OrderTerms,
    a_day: f64,
    lead: LeadTime,
    chance: &mut Chance,
) -> (u32, u32) {
    let quantity = plan.quantity(terms, i64::try_from(plan.reorder_point).unwrap());
    let quantity = i64::from(quantity.unwrap());
    let mut on_hand = i64::try_from(plan.reorder_point).unwrap() + quantity;
    let mut position = on_hand;
    let mut arrivals: std::collections::VecDeque<f64> = [].into();
    let (mut day, mut cycles, mut good) = (0.0, 0, 0);
    while day < 365.0 {
        day += chance.exponential(a_day);
        while arrivals.front().is_some_and(|at| *at <= day) {
            arrivals.pop_front();
            cycles += 1;
            // What was left just before the delivery says whether this cycle ran out.
            good += u32::from(on_hand >= 0);
            on_hand += quantity;
        }
        on_hand -= 1;
        position -= 1;
        if position <= i64::try_from(plan.reorder_point).unwrap() {
            position += quantity;
            let lead_time = (lead.mean + lead.deviation * chance.normal()).max(0.1);
            let at = (day + lead_time).max(arrivals.back().copied().unwrap_or_default());
            arrivals.push_back(at);
        }
    }
    (cycles, good)
}

/// Catches: a factor of the wrong tail, a variance left out, a point that is one cycle late.
#[test]
fn the_cycle_service_level_is_within_a_point_of_the_one_asked_for() {
    for (asked, deviation) in [(9_000, 0.0), (9_500, 0.0), (9_500, 1.0), (9_800, 0.5)] {
        let terms = OrderTerms {
            service_level: level(asked),
            safety: SafetyMethod::Normal,
            replenishment: Replenishment::FixedQuantity,
            safety_min: 0,
            pack_size: std::num::NonZeroU32::MIN,
            order_min: 600,
            costs: None,
        };
        let a_day = 40.0;
        let lead = LeadTime {
            mean: 6.0,
            deviation,
        };
        let demand = DemandOutlook {
            per_day: a_day,
            deviation: 40f64.sqrt(),
            pattern: DemandPattern::Smooth,
            established: true,
            cover_days: 7.0,
        };
        let plan = ReorderPlan::new(&terms, &demand, lead, &Scores::default());
        let mut chance = Chance(ChaCha8Rng::seed_from_u64(5));
        let (mut cycles, mut good) = (0, 0);
        // A year of four hundred products.
        for _ in 0..400 {
            let (of_year, without) =
                cycles_without_stock_out(&plan, &terms, a_day, lead, &mut chance);
            cycles += of_year;
            good += without;
        }
        let reached = f64::from(good) / f64::from(cycles);
        let asked = f64::from(asked) / 10_000.0;
        assert!(
            (reached - asked).abs() < 0.01,
            "{reached:.4} of {cycles} cycles where {asked} was asked for, {plan:?}"
        );
    }
}

/// A day of lumpy demand: on three days of ten somebody buys, and now and then very much.
fn lumpy_day(chance: &mut Chance) -> f64 {
    if chance.uniform() > 0.3 {
        return 0.0;
    }
    (1.0 + (2.0 + 1.1 * chance.normal()).exp()).floor()
}

/// Catches: scores of the wrong sign or scale, which normal factors would hide. Demand is lumpy,
/// where they fall short.
#[test]
fn own_scores_reach_the_level_where_normal_factors_do_not() {
    let mut chance = Chance(ChaCha8Rng::seed_from_u64(11));
    let (mut normal, mut own, mut all) = (0u32, 0u32, 0u32);
    for _ in 0..60 {
        let days: Vec<f64> = (0..365).map(|_| lumpy_day(&mut chance)).collect();
        let mut scores = Scores::default();
        // A forecast of four days each fourth day, held against what came, as the agent does.
        for day in (40usize..361).step_by(4) {
            let series = Series::new(&days[day.saturating_sub(60)..day], 1).unwrap();
            let ahead = forecast(&series, 4).unwrap();
            let deviation = ahead.deviation * 2.0;
            let came: f64 = days[day..day + 4].iter().sum();
            let score = (came - ahead.points.iter().sum::<f64>()) / deviation;
            if scores.len() >= 40 {
                all += 1;
                normal += u32::from(score <= level(9_500).normal_factor());
                own += u32::from(score <= scores.factor(level(9_500)).unwrap());
            }
            #[allow(clippy::cast_possible_truncation)] // it saturates
            scores.add((score * 1_000.0) as i64);
        }
    }
    let share = |covered: u32| f64::from(covered) / f64::from(all);
    assert!(all > 2_000, "{all}");
    assert!((share(own) - 0.95).abs() < 0.015, "own {}", share(own));
    assert!(share(normal) < share(own), "normal {}", share(normal));
}

/// Catches: a time in which the agent's own alerts, orders and forecasts do not keep the shelf
/// filled.
#[test]
fn half_a_year_of_the_agent_keeps_the_shelf_filled() {
    let mut chance = Chance(ChaCha8Rng::seed_from_u64(3));
    let mut shop = stocked(200);
    let mut due: Vec<(u64, PurchaseOrderId, u32)> = Vec::new();
    let (mut asked, mut sold, mut orders) = (0, 0, 0);
    for day in 0..182 {
        due.retain(|(at, order, quantity)| {
            if *at > day {
                return true;
            }
            let receive = ReceivePurchaseOrder {
                sku: sku(),
                order: order.clone(),
                delivery: 1,
                quantity: units(*quantity),
                arrived_at: NOW,
            };
            shop.ask(&receive).unwrap();
            false
        });
        for customer in 0..12 {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it saturates
            let wanted = (chance.exponential(0.5).ceil() as u32).clamp(1, 20);
            asked += wanted;
            let name = format!("{day}-{customer}");
            if shop.ask(&reserve(&name, wanted)).is_ok() {
                sold += wanted;
                shop.ask(&commit(&name)).unwrap();
                shop.ask(&ship(&name)).unwrap();
            }
            // What the alert would start.
            if levels(&mut shop).status != StockStatus::Available {
                let consider = ConsiderReorder {
                    sku: sku(),
                    waiting: 0,
                };
                if let Ok(ReorderStatus::Raised {
                    order, quantity, ..
                }) = shop.ask(&consider)
                {
                    orders += 1;
                    let late = u64::from(chance.uniform() < 0.3);
                    due.push((day + 2 + late, order, quantity.get()));
                }
            }
            shop.pass(HOUR * 2);
        }
    }
    let filled = f64::from(sold) / f64::from(asked);
    assert!(
        filled > 0.97,
        "{filled:.4} of {asked} units, {orders} orders"
    );
    // And it does not do so by filling the shop with it: a week's demand and the lead time's.
    let on_hand = levels(&mut shop).balances.on_hand;
    assert!(on_hand < 800, "{on_hand}");
    assert!((15..45).contains(&orders), "{orders}");
    laws_hold(&mut shop).unwrap();
}
