//! Open Bandit (Saito et al. 2020): recommendations of a fashion shop, drawn evenly from 34, with the
//! clicks that came of them.
//!
//! What the optimiser would have earned is estimated by inverse propensity: it learns from the first
//! half of the log, and its chances of choosing each item weigh the second half's clicks. Both the
//! plain estimator and the self-normalised one are given (Swaminathan and Joachims 2015).

use std::path::Path;

use mercato_actors::optimise::{Arm, outlook};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::CampaignBenchError;
use super::replay::{columns, number, problem};

/// The floor of the agent's defaults.
const FLOOR: f64 = 0.1;

/// What a policy earns, by its clicks a view.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyValue {
    /// Which.
    pub policy: &'static str,
    /// By inverse propensity.
    pub value: f64,
    /// Half the width of its 95 % interval.
    pub half_width: f64,
    /// By the self-normalised estimator.
    pub normalised: f64,
}

/// What the log says.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenBanditReplay {
    /// Views in the log.
    pub views: usize,
    /// Clicks among them.
    pub clicks: usize,
    /// What even shares and the optimiser earn on its second half.
    pub policies: Vec<PolicyValue>,
}

pub(super) fn replay(path: &Path, seed: u64) -> Result<OpenBanditReplay, CampaignBenchError> {
    let mut log = Vec::new();
    let names = ["item_id", "click", "propensity_score"];
    for (row, [item, click, propensity]) in columns(path, names)?.into_iter().enumerate() {
        let item: usize = number(path, row, &item)?;
        let propensity: f64 = number(path, row, &propensity)?;
        if item >= 1_000 || !(0.0..=1.0).contains(&propensity) || propensity == 0.0 {
            return Err(problem(
                path,
                &format!("row {} is no view of an item", row + 2),
            ));
        }
        log.push((item, click == "1", propensity));
    }
    let items = log
        .iter()
        .map(|(item, ..)| item + 1)
        .max()
        .unwrap_or_default();
    let (learnt, tested) = log.split_at(log.len() / 2);
    let mut arms = vec![Arm::default(); items];
    for (item, click, _) in learnt {
        arms[*item].rewarded += u32::from(*click);
        arms[*item].ignored += u32::from(!*click);
    }
    #[allow(clippy::cast_precision_loss)] // tens of items
    let even = 1.0 / items as f64;
    let chances = outlook(&arms, &mut ChaCha8Rng::seed_from_u64(seed)).chances;
    let ours: Vec<f64> = chances
        .iter()
        .map(|chance| (1.0 - FLOOR) * chance + FLOOR * even)
        .collect();
    Ok(OpenBanditReplay {
        views: log.len(),
        clicks: log.iter().filter(|(_, click, _)| *click).count(),
        policies: vec![
            value("even shares", tested, &vec![even; items]),
            value("Mercato", tested, &ours),
        ],
    })
}

fn value(policy: &'static str, log: &[(usize, bool, f64)], chances: &[f64]) -> PolicyValue {
    #[allow(clippy::cast_precision_loss)] // views
    let n = log.len() as f64;
    let weigh = |item: usize, propensity: f64| chances[item] / propensity;
    let earned: Vec<f64> = log
        .iter()
        .map(|(item, click, propensity)| match click {
            true => weigh(*item, *propensity),
            false => 0.0,
        })
        .collect();
    let weights: f64 = log
        .iter()
        .map(|(item, _, propensity)| weigh(*item, *propensity))
        .sum();
    let sum: f64 = earned.iter().sum();
    let mean = sum / n;
    let variance = earned.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (n - 1.0);
    PolicyValue {
        policy,
        value: mean,
        half_width: 1.96 * (variance / n).sqrt(),
        normalised: sum / weights.max(f64::MIN_POSITIVE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a weight that is the wrong way round.
    #[test]
    fn a_policy_earns_what_its_items_earn() {
        // Of four views each, item 0 is always clicked and item 1 never.
        let log: Vec<_> = (0..8usize)
            .map(|view| (view % 2, view.is_multiple_of(2), 0.5))
            .collect();
        let good = value("good", &log, &[1.0, 0.0]);
        assert!((good.value - 1.0).abs() < 1e-12);
        assert!((good.normalised - 1.0).abs() < 1e-12);
        let even = value("even", &log, &[0.5, 0.5]);
        assert!((even.value - 0.5).abs() < 1e-12);
    }
}
