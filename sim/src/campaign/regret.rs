//! What choosing costs: how many rewards a contestant loses against sending the best variant from the
//! first message on.
//!
//! Ten variants, one rewarded at .10 and nine at .08, 60,000 messages: the hard case of two places
//! after the point. The contestants that are ours run the agent's own code, `optimise`. UCB1 and
//! epsilon-greedy are as in Auer, Cesa-Bianchi and Fischer 2002, "Finite-time analysis of the
//! multiarmed bandit problem".

use std::thread;
use std::time::Duration;

use mercato_actors::optimise::{Posteriors, choose, outlook};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::late::Counts;

/// One message a minute: the 60,000 take six weeks.
pub(super) const ROUND: Duration = Duration::from_secs(60);
/// How often the stopping rule is asked, in messages.
const LOOK_EVERY: u32 = 2_000;

/// The set-up.
#[derive(Debug, Clone)]
pub struct RegretOptions {
    /// How often each contestant runs.
    pub runs: u32,
    /// Draws everything: run `n` of a contestant has the same variants and rewards everywhere.
    pub seed: u64,
    /// How many messages are sent in a run.
    pub messages: u32,
    /// The rate of the best variant, and of the others.
    pub rates: (f64, f64),
    /// How many variants there are.
    pub variants: usize,
    /// After how long a reward arrives on the average, where rewards are late.
    pub delay_mean: Duration,
    /// After how long a message is a failure, where rewards are late.
    pub window: Duration,
}

impl Default for RegretOptions {
    fn default() -> Self {
        Self {
            runs: 1_000,
            seed: 1,
            messages: 60_000,
            rates: (0.10, 0.08),
            variants: 10,
            delay_mean: ROUND * 500,
            window: ROUND * 2_000,
        }
    }
}

/// How rewards come, and how they are counted while they are on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewards {
    /// They are there before the next message.
    AtOnce,
    /// Late, and counted as the agent does: a message that waits counts by the share of rewards that
    /// would have arrived.
    Late,
    /// Late; a message is a failure until its reward arrives.
    FailureUntilRewarded,
    /// Late; a message counts when its reward arrives or its window closes, and not before.
    NothingUntilKnown,
    /// Late; a message counts when its window closes, rewarded or not.
    WhenClosed,
}

/// Who chooses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Contestant {
    /// The agent's optimiser.
    Thompson {
        /// The share that is spread evenly.
        floor: f64,
        /// How rewards come.
        rewards: Rewards,
        /// Whether the search ends by the agent's stopping rule.
        stops: bool,
    },
    /// The upper confidence bound of Auer et al.
    Ucb1,
    /// The best so far, and any with this chance.
    EpsilonGreedy(f64),
    /// Any.
    Uniform,
    /// The best from the beginning on.
    BestFixed,
}

/// What a contestant lost.
#[derive(Debug, Clone, PartialEq)]
pub struct RegretRow {
    /// Who.
    pub contestant: Contestant,
    /// In how many runs.
    pub runs: u32,
    /// Rewards lost in a run, on the average.
    pub mean: f64,
    /// Half the width of its 95 % interval.
    pub half_width: f64,
    /// What 95 of 100 runs lost at most.
    pub p95: f64,
    /// Of runs in which the search ended, the share in which it ended with the best variant.
    pub right: Option<(u32, f64)>,
}

/// The contestants, ours first, each with the part of the runs that it takes: what only shows how not
/// to count runs less often.
const FIELD: [(Contestant, u32); 13] = {
    const fn ours(floor: f64, rewards: Rewards, stops: bool) -> Contestant {
        Contestant::Thompson {
            floor,
            rewards,
            stops,
        }
    }
    [
        (Contestant::BestFixed, 1),
        (ours(0.0, Rewards::AtOnce, false), 1),
        (ours(0.1, Rewards::AtOnce, false), 1),
        (ours(0.0, Rewards::Late, false), 1),
        (ours(0.1, Rewards::Late, false), 1),
        (ours(0.1, Rewards::Late, true), 1),
        (ours(0.0, Rewards::WhenClosed, false), 5),
        (ours(0.0, Rewards::FailureUntilRewarded, false), 5),
        (ours(0.0, Rewards::NothingUntilKnown, false), 5),
        (Contestant::EpsilonGreedy(0.05), 1),
        (Contestant::EpsilonGreedy(0.1), 1),
        (Contestant::Ucb1, 1),
        (Contestant::Uniform, 1),
    ]
};

/// Lets each contestant run.
#[must_use]
pub fn regret(options: &RegretOptions) -> Vec<RegretRow> {
    FIELD
        .iter()
        .map(|(contestant, part)| row(options, *contestant, (options.runs / part).max(2)))
        .collect()
}

/// One contestant's runs, on all cores. Which core takes which run changes nothing.
fn row(options: &RegretOptions, contestant: Contestant, runs: u32) -> RegretRow {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let cores = u32::try_from(cores).unwrap_or(1).min(runs);
    let mut lost: Vec<(u32, Outcome)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores)
            .map(|core| {
                scope.spawn(move || {
                    let mine = (core..runs).step_by(cores as usize);
                    mine.map(|number| (number, run(options, contestant, number)))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_default())
            .collect()
    });
    lost.sort_by_key(|(number, _)| *number);
    let mut regrets: Vec<f64> = lost.iter().map(|(_, outcome)| outcome.regret).collect();
    let n = f64::from(runs);
    let mean = regrets.iter().sum::<f64>() / n;
    let variance = regrets.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (n - 1.0);
    regrets.sort_unstable_by(f64::total_cmp);
    let p95 = regrets.get(regrets.len() * 95 / 100).copied();
    let ended: Vec<bool> = lost.iter().filter_map(|(_, one)| one.ended_right).collect();
    let right = ended.iter().filter(|right| **right).count();
    #[allow(clippy::cast_precision_loss)] // counts of runs
    let right = (!ended.is_empty()).then(|| right as f64 / ended.len() as f64);
    RegretRow {
        contestant,
        runs,
        mean,
        half_width: 1.96 * (variance / n).sqrt(),
        p95: p95.unwrap_or(mean),
        right: right.map(|right| (u32::try_from(ended.len()).unwrap_or(u32::MAX), right)),
    }
}

struct Outcome {
    regret: f64,
    ended_right: Option<bool>,
}

/// The variants of one run and their rewards.
struct World<'a> {
    options: &'a RegretOptions,
    best: usize,
    rewards: SmallRng,
    regret: f64,
}

impl World<'_> {
    fn send(&mut self, variant: usize) -> bool {
        let (best, other) = self.options.rates;
        let rate = if variant == self.best { best } else { other };
        self.regret += best - rate;
        self.rewards.random::<f64>() < rate
    }
}

fn run(options: &RegretOptions, contestant: Contestant, number: u32) -> Outcome {
    let seed = options.seed.wrapping_mul(1_000_003) + u64::from(number);
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut world = World {
        options,
        // Nobody gains by a preference for the first or the last.
        best: rng.random_range(0..options.variants),
        rewards: SmallRng::seed_from_u64(!seed),
        regret: 0.0,
    };
    let ended_right = match contestant {
        Contestant::Thompson {
            floor,
            rewards,
            stops,
        } => thompson(&mut world, floor, rewards, stops, &mut rng),
        Contestant::Ucb1 | Contestant::EpsilonGreedy(_) => {
            plain(&mut world, contestant, &mut rng);
            None
        }
        Contestant::Uniform => {
            for _ in 0..options.messages {
                let variant = rng.random_range(0..options.variants);
                world.send(variant);
            }
            None
        }
        Contestant::BestFixed => {
            for _ in 0..options.messages {
                world.send(world.best);
            }
            None
        }
    };
    Outcome {
        regret: world.regret,
        ended_right,
    }
}

/// The textbook's policies: every variant once, then by their rule.
fn plain(world: &mut World<'_>, contestant: Contestant, rng: &mut SmallRng) {
    let variants = world.options.variants;
    let (mut sent, mut rewarded) = (vec![0.0; variants], vec![0.0; variants]);
    for message in 0..world.options.messages {
        let first = usize::try_from(message)
            .ok()
            .filter(|first| *first < variants);
        let variant = match (first, contestant) {
            (Some(first), _) => first,
            (None, Contestant::EpsilonGreedy(epsilon)) if rng.random::<f64>() < epsilon => {
                rng.random_range(0..variants)
            }
            (None, Contestant::EpsilonGreedy(_)) => {
                highest((0..variants).map(|one| rewarded[one] / sent[one]))
            }
            (None, _) => {
                let log = 2.0 * f64::from(message).ln();
                highest((0..variants).map(|one| {
                    let bound: f64 = log / sent[one];
                    rewarded[one] / sent[one] + bound.sqrt()
                }))
            }
        };
        sent[variant] += 1.0;
        if world.send(variant) {
            rewarded[variant] += 1.0;
        }
    }
}

fn highest(values: impl Iterator<Item = f64>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (index, value) in values.enumerate() {
        if value > best.1 {
            best = (index, value);
        }
    }
    best.0
}

/// The agent's own choice, with counts that are kept in one of several ways.
fn thompson(
    world: &mut World<'_>,
    floor: f64,
    rewards: Rewards,
    stops: bool,
    rng: &mut SmallRng,
) -> Option<bool> {
    let mut counts = Counts::new(world.options, rewards);
    let mut posteriors = Posteriors::of(&counts.arms);
    let mut preferred = None;
    for message in 0..world.options.messages {
        if counts.pass(message) {
            posteriors.update(&counts.arms);
        }
        if stops && message > 0 && message.is_multiple_of(LOOK_EVERY) {
            preferred = outlook(&counts.arms, rng).winner;
        }
        let choice = choose(&posteriors, preferred, floor, rng)?;
        let rewarded = world.send(choice.variant);
        if counts.sent(message, choice.variant, rewarded, &mut world.rewards) {
            posteriors.update(&counts.arms);
        }
    }
    preferred.map(|preferred| preferred == world.best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(runs: u32) -> RegretOptions {
        RegretOptions {
            runs,
            messages: 3_000,
            rates: (0.30, 0.10),
            variants: 4,
            ..RegretOptions::default()
        }
    }

    fn ours(floor: f64, rewards: Rewards) -> Contestant {
        Contestant::Thompson {
            floor,
            rewards,
            stops: false,
        }
    }

    /// Catches: a regret that is counted of what was drawn and not of what was chosen.
    #[test]
    fn the_best_loses_nothing_and_even_shares_lose_their_share() {
        let options = small(20);
        assert!(row(&options, Contestant::BestFixed, 20).mean.abs() < 1e-9);
        let uniform = row(&options, Contestant::Uniform, 20).mean;
        assert!((uniform - 0.75 * 0.2 * 3_000.0).abs() < 10.0, "{uniform}");
    }

    /// Catches: an optimiser that learns nothing, and a floor that costs nothing because it is not
    /// kept.
    #[test]
    fn ours_learns_and_the_floor_costs_its_share() {
        let options = small(20);
        let free = row(&options, ours(0.0, Rewards::AtOnce), 20).mean;
        assert!(free < 60.0, "{free}");
        let floored = row(&options, ours(0.1, Rewards::AtOnce), 20).mean;
        let cost = 0.1 * 0.75 * 0.2 * 3_000.0;
        assert!((floored - free - cost).abs() < 25.0, "{free} {floored}");
    }

    /// Catches: counts of late rewards that run after their own sends.
    #[test]
    fn what_waits_is_counted_so_that_delay_costs_little() {
        let options = RegretOptions {
            messages: 10_000,
            ..small(12)
        };
        let late = row(&options, ours(0.0, Rewards::Late), 12).mean;
        let naive = row(&options, ours(0.0, Rewards::NothingUntilKnown), 12).mean;
        assert!(late < naive, "{late} {naive}");
    }

    /// Catches: a table that another machine does not repeat.
    #[test]
    fn the_same_seed_gives_the_same_table() {
        let options = small(6);
        let contestant = ours(0.1, Rewards::Late);
        assert_eq!(row(&options, contestant, 6), row(&options, contestant, 6));
        let other = RegretOptions { seed: 2, ..options };
        assert_ne!(row(&options, contestant, 6), row(&other, contestant, 6));
    }
}
