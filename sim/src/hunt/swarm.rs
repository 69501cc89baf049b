//! Many worlds at once, one to a thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{HuntOptions, WorldId, run_id};
use crate::error::SimulationError;
use crate::lives::{Tally, WorldOutcome};

/// A hunt over seeds.
#[derive(Debug, Clone)]
pub struct Hunt {
    /// The first seed.
    pub from: u64,
    /// How many seeds.
    pub seeds: u64,
    /// How many worlds at once.
    pub threads: usize,
    /// What holds for all of them.
    pub options: HuntOptions,
}

/// Told of a hunt while it goes on. Called from every thread; must be quick.
pub trait HuntWatch: Sync {
    /// A world begins.
    fn begins(&self, seed: u64);
    /// A world is over.
    fn over(&self, seed: u64, outcome: &WorldOutcome);
    /// Whether the hunt is to stop after the worlds that are on their way.
    fn is_enough(&self) -> bool;
}

/// What a hunt came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HuntReport {
    /// How many worlds were lived through.
    pub worlds: u64,
    /// Those with three power cuts and more.
    pub with_three_cuts: u64,
    /// What happened in all of them together.
    pub tally: Tally,
    /// For how long they were open together, in hours, times their shoppers.
    pub shopper_hours: f64,
    /// The first world that broke a law.
    pub broken: Option<Broken>,
}

/// A world that broke a law.
#[derive(Debug, Clone, PartialEq)]
pub struct Broken {
    /// The world.
    pub id: WorldId,
    /// What it came to. Where it comes to something else when it is run again, chance has leaked in.
    pub outcome: WorldOutcome,
}

/// Lives through the worlds of all seeds, and stops at the first broken law.
///
/// # Errors
/// When a world cannot be run.
pub fn hunt(hunt: &Hunt, watch: &dyn HuntWatch) -> Result<HuntReport, SimulationError> {
    let next = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    let report = Mutex::new(HuntReport::default());
    let problem = Mutex::new(None);
    let one_after_the_other = || {
        while !is_over.load(Ordering::Relaxed) && !watch.is_enough() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= hunt.seeds {
                return;
            }
            let id = WorldId::of_seed(hunt.from.wrapping_add(number));
            watch.begins(id.seed);
            match run_id(&id, &hunt.options) {
                Ok(outcome) => {
                    watch.over(id.seed, &outcome);
                    if !outcome.laws_hold() {
                        is_over.store(true, Ordering::Relaxed);
                    }
                    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                    report.add(&id, hunt, &outcome);
                }
                Err(error) => {
                    is_over.store(true, Ordering::Relaxed);
                    let mut problem = problem.lock().unwrap_or_else(PoisonError::into_inner);
                    problem.get_or_insert(error);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..hunt.threads.max(1) {
            scope.spawn(one_after_the_other);
        }
    });
    let report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    match problem.into_inner().unwrap_or_else(PoisonError::into_inner) {
        // A law that another thread saw broken says more.
        Some(error) if report.broken.is_none() => Err(error),
        _ => Ok(report),
    }
}

impl HuntReport {
    fn add(&mut self, id: &WorldId, hunt: &Hunt, outcome: &WorldOutcome) {
        self.worlds += 1;
        self.with_three_cuts += u64::from(outcome.tally.cuts >= 3);
        self.tally.add(&outcome.tally);
        let shop = id.draw(&hunt.options).shop;
        self.shopper_hours += shop.open_for.as_secs_f64() / 3_600.0 * f64::from(shop.shoppers);
        let is_first = self
            .broken
            .as_ref()
            .is_none_or(|first| id.seed < first.id.seed);
        if !outcome.laws_hold() && is_first {
            self.broken = Some(Broken {
                id: id.clone(),
                outcome: outcome.clone(),
            });
        }
    }
}
