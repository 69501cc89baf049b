//! Watches a hunt: shows how far it is, bounds its time, and ends it where a world comes to no end.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use mercato_sim::hunt::{HuntWatch, WorldId};
use mercato_sim::lives::WorldOutcome;
use parking_lot::{Condvar, Mutex};

use super::HUNT;
use crate::output::print;

/// A world takes a second or two; one that takes this long will never end.
const WORLD_MAX: Duration = Duration::from_secs(600);

/// Progress on standard error, and the end of the time, of the hunt's and of each world's.
pub(super) struct Watch {
    bar: ProgressBar,
    limit: Option<Duration>,
    at_work: Mutex<AtWork>,
    ended: Condvar,
}

/// The worlds that are on their way, and when each began.
#[derive(Default)]
struct AtWork {
    seeds: BTreeMap<u64, Duration>,
    is_over: bool,
}

impl Watch {
    pub(super) fn new(seeds: Option<u64>, limit: Option<Duration>) -> Self {
        let bar = match seeds {
            Some(seeds) => ProgressBar::new(seeds),
            None => ProgressBar::no_length(),
        };
        let template = "{spinner} {pos}/{len} worlds ({per_sec}), {elapsed} so far {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self {
            bar,
            limit,
            at_work: Mutex::default(),
            ended: Condvar::new(),
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.bar.elapsed()
    }

    pub(super) fn say(&self, what: String) {
        self.bar.set_message(what);
    }

    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// The hunt is over.
    pub(super) fn is_over(&self) {
        self.at_work.lock().is_over = true;
        self.ended.notify_all();
    }

    /// Waits until the hunt is over. A world that comes to no end ends it: it spins where no time passes,
    /// so that neither its own limits nor a signal to its thread could stop it.
    pub(super) fn until_over(&self) {
        const LOOK: Duration = Duration::from_secs(1);
        let mut at_work = self.at_work.lock();
        while !at_work.is_over {
            self.ended.wait_for(&mut at_work, LOOK);
            let now = self.bar.elapsed();
            let stuck = at_work.seeds.iter();
            let mut stuck = stuck.filter(|(_, began)| now.saturating_sub(**began) > WORLD_MAX);
            if let Some((seed, _)) = stuck.next() {
                self.bar.finish_and_clear();
                let id = WorldId::of_seed(*seed);
                let minutes = WORLD_MAX.as_secs() / 60;
                let found = format!(
                    "A LAW WAS BROKEN\nbroken: every world comes to an end: {id} has been at work for \
                     {minutes} minutes\nreplay it: {HUNT} --replay '{id}'\n"
                );
                // The hunt ends here, whether anybody reads this or not.
                let _ = print(&found);
                std::process::exit(1);
            }
        }
    }
}

impl HuntWatch for Watch {
    fn begins(&self, seed: u64) {
        let began = self.bar.elapsed();
        self.at_work.lock().seeds.insert(seed, began);
    }

    fn over(&self, seed: u64, outcome: &WorldOutcome) {
        self.at_work.lock().seeds.remove(&seed);
        self.bar.inc(1);
        if !outcome.laws_hold() {
            self.bar.set_message(format!("seed {seed} broke a law"));
        }
    }

    fn is_enough(&self) -> bool {
        self.limit.is_some_and(|limit| self.bar.elapsed() >= limit)
    }
}
