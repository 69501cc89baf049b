//! Kevin Hillstrom's e-mail experiment (MineThatData, 2008): 64,000 customers, a third each got mail
//! about men's goods, about women's, or none; who visited the shop in the two weeks after is known.
//!
//! The optimiser is replayed as in Li et al. 2011, "Unbiased offline evaluation of contextual-bandit-
//! based news article recommendation algorithms": customers pass in an order drawn by lot, and where
//! the optimiser chooses what the customer really got, the outcome is shown to it. Since the shares
//! were drawn by lot, what it sees is what it would have seen.

use std::path::Path;

use mercato_actors::optimise::{
    Arm, Group, Lift, Posteriors, SampleRatio, choose, lift, sample_ratio,
};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::CampaignBenchError;
use super::replay::{columns, number, problem};

/// How often customers pass.
const PASSES: u32 = 20;
const ARMS: [&str; 3] = ["No E-Mail", "Mens E-Mail", "Womens E-Mail"];
/// The floor of the agent's defaults.
const FLOOR: f64 = 0.1;

/// One arm of the experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmRow {
    /// What its customers got.
    pub name: &'static str,
    /// How many they were.
    pub people: u64,
    /// The share that visited.
    pub visited: f64,
    /// Against those who got none.
    pub lift: Option<Lift>,
}

/// How well a rule says whom to write to about women's goods.
#[derive(Debug, Clone, PartialEq)]
pub struct QiniRow {
    /// By what customers are ranked.
    pub rule: &'static str,
    /// The area between the curve of additional visits and the line of a ranking by lot, in visits
    /// for each 1,000 customers (Radcliffe 2007).
    pub qini: f64,
}

/// What the experiment showed, and what the optimiser made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct HillstromReplay {
    /// The arms.
    pub arms: Vec<ArmRow>,
    /// Whether the arms have the sizes of thirds.
    pub ratio: Option<SampleRatio>,
    /// Rules for women's goods, the best first.
    pub qini: Vec<QiniRow>,
    /// How many outcomes the optimiser saw in a pass, on the average.
    pub seen: f64,
    /// The share of visits among them, and half the width of its interval over the passes.
    pub ours: (f64, f64),
    /// The share of its choices that went to the best arm.
    pub best_share: f64,
}

struct Customer {
    arm: usize,
    visited: bool,
    recency: f64,
    history: f64,
    womens: bool,
    mens: bool,
}

pub(super) fn replay(path: &Path, seed: u64) -> Result<HillstromReplay, CampaignBenchError> {
    let names = ["recency", "history", "mens", "womens", "segment", "visit"];
    let mut customers = Vec::new();
    for (row, [recency, history, mens, womens, segment, visit]) in
        columns(path, names)?.into_iter().enumerate()
    {
        let arm = ARMS.iter().position(|arm| *arm == segment);
        customers.push(Customer {
            arm: arm.ok_or_else(|| problem(path, &format!("knows no arm {segment}")))?,
            visited: visit == "1",
            recency: number(path, row, &recency)?,
            history: number(path, row, &history)?,
            womens: womens == "1",
            mens: mens == "1",
        });
    }
    let group = |arm: usize| {
        let people = customers.iter().filter(|one| one.arm == arm);
        let visited = people.clone().filter(|one| one.visited).count();
        Group {
            people: people.count() as u64,
            buyers: visited as u64,
        }
    };
    let groups = [0, 1, 2].map(group);
    let arms = groups.iter().zip(ARMS).enumerate();
    let arms = arms.map(|(arm, (group, name))| ArmRow {
        name,
        people: group.people,
        visited: share(group.buyers, group.people),
        lift: (arm > 0).then(|| lift(*group, groups[0])).flatten(),
    });
    let (seen, ours, best_share) = passes(
        &mut (0..customers.len()).collect::<Vec<_>>(),
        &customers,
        seed,
    );
    Ok(HillstromReplay {
        arms: arms.collect(),
        ratio: sample_ratio(&groups.map(|group| (group.people, 1.0))),
        qini: rules(&customers),
        seen,
        ours,
        best_share,
    })
}

#[allow(clippy::cast_precision_loss)] // counts of people
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / (whole as f64).max(1.0)
}

fn passes(order: &mut [usize], customers: &[Customer], seed: u64) -> (f64, (f64, f64), f64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut rates, mut seen, mut best, mut chosen) = (Vec::new(), 0u64, 0u64, 0u64);
    for _ in 0..PASSES {
        order.shuffle(&mut rng);
        let mut arms = [Arm::default(); 3];
        let mut posteriors = Posteriors::of(&arms);
        for customer in order.iter().filter_map(|place| customers.get(*place)) {
            let Some(choice) = choose(&posteriors, None, FLOOR, &mut rng) else {
                continue;
            };
            chosen += 1;
            best += u64::from(choice.variant == 1);
            if choice.variant == customer.arm {
                let arm = &mut arms[choice.variant];
                arm.rewarded += u32::from(customer.visited);
                arm.ignored += u32::from(!customer.visited);
                posteriors.update(&arms);
            }
        }
        let known: u32 = arms.iter().map(|arm| arm.known()).sum();
        let rewarded: u32 = arms.iter().map(|arm| arm.rewarded).sum();
        seen += u64::from(known);
        rates.push(f64::from(rewarded) / f64::from(known.max(1)));
    }
    let n = f64::from(PASSES);
    let mean = rates.iter().sum::<f64>() / n;
    let variance = rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half_width = 1.96 * (variance / n).sqrt();
    (
        share(seen, PASSES.into()),
        (mean, half_width),
        share(best, chosen),
    )
}

fn rules(customers: &[Customer]) -> Vec<QiniRow> {
    let flag = |set: bool| f64::from(u8::from(set));
    type Rule = (&'static str, fn(&Customer, fn(bool) -> f64) -> f64);
    let rules: [Rule; 5] = [
        ("bought women's goods", |one, flag| flag(one.womens)),
        ("bought men's goods", |one, flag| flag(one.mens)),
        ("bought lately", |one, _| -one.recency),
        ("spent much in the past year", |one, _| one.history),
        ("bought women's goods, then by money spent", |one, flag| {
            flag(one.womens) * 1e6 + one.history
        }),
    ];
    let mut rows: Vec<QiniRow> = rules
        .into_iter()
        .map(|(rule, score)| QiniRow {
            rule,
            qini: qini(customers, |one| score(one, flag)),
        })
        .collect();
    rows.sort_by(|a, b| b.qini.total_cmp(&a.qini));
    rows
}

/// Mail about women's goods against none.
fn qini(customers: &[Customer], score: impl Fn(&Customer) -> f64) -> f64 {
    let mut ranked: Vec<(f64, &Customer)> = customers
        .iter()
        .filter(|one| one.arm != 1)
        .map(|one| (score(one), one))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    #[allow(clippy::cast_precision_loss)] // counts of people
    let total = ranked.len() as f64;
    let (mut written, mut visits, mut alone, mut visits_alone) = (0.0, 0.0, 0.0, 0.0f64);
    let (mut area, mut x, mut y) = (0.0, 0.0, 0.0);
    for group in ranked.chunk_by(|a, b| a.0 == b.0) {
        for (_, one) in group {
            let visited = f64::from(u8::from(one.visited));
            if one.arm == 2 {
                written += 1.0;
                visits += visited;
            } else {
                alone += 1.0;
                visits_alone += visited;
            }
        }
        let (before_x, before_y) = (x, y);
        x = (written + alone) / total;
        y = visits - visits_alone * written / f64::max(alone, 1.0);
        area += (x - before_x) * (y + before_y) / 2.0;
    }
    (area - y / 2.0) / total * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(arm: usize, visited: bool, womens: bool) -> Customer {
        Customer {
            arm,
            visited,
            recency: 1.0,
            history: 1.0,
            womens,
            mens: false,
        }
    }

    /// Catches: a Qini that rewards whoever visits anyway.
    #[test]
    fn a_rule_is_worth_what_it_adds() {
        let mut customers = Vec::new();
        for _ in 0..100 {
            // Mail moves who bought women's goods; the others visit anyway.
            customers.push(customer(2, true, true));
            customers.push(customer(0, false, true));
            customers.push(customer(2, true, false));
            customers.push(customer(0, true, false));
        }
        let right = qini(&customers, |one| f64::from(u8::from(one.womens)));
        let wrong = qini(&customers, |one| f64::from(u8::from(!one.womens)));
        let blind = qini(&customers, |_| 1.0);
        assert!(right > 60.0 && wrong < -60.0, "{right} {wrong}");
        assert!(blind.abs() < 1e-9);
    }
}
