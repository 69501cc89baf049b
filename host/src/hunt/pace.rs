//! `mercato simulate hunt --pace`: what a second of one processor comes to, beside its targets.

use std::fmt::Write;
use std::time::Duration;

use mercato_sim::hunt::{Crowd, HuntOptions, run_drawn, small_world};
use mercato_sim::lives::WorldOutcome;
use mercato_sim::{Mode, Silent, SimulationOptions, simulate};

use crate::cpu::process_time;
use crate::output::print;

/// Everything is measured so often, one after the other, and the one in the middle counts: what else a
/// machine does changes what a second of it comes to.
const ROUNDS: u32 = 5;
/// Small worlds of visitors that are lived through in a round, the same ones in each; one goes before them
/// all, in which the shop learns its lessons.
const VISITORS: u32 = 60;
/// Those in which everybody buys, which are dearer.
const BUYERS: u32 = 12;
/// Visits to the shop in one hour.
const VISITS: u32 = 1_000;

/// What a second of one processor is to come to.
const WORLDS_MIN: f64 = 20.0;
const SHOPPER_HOURS_MIN: f64 = 400.0;

/// Measures all of it on one thread. `false` where a law was broken; a target that is missed is a figure
/// like another.
pub(crate) fn run() -> Result<bool, String> {
    let options = HuntOptions::default();
    let mut visitors = Pace::of(Crowd::Visitors, VISITORS, &options);
    let mut buyers = Pace::of(Crowd::Buyers, BUYERS, &options);
    let mut hours = Vec::new();
    let mut hold = visitors.live(0)?.laws_hold();
    for _ in 0..ROUNDS {
        hold &= visitors.measure()?;
        hold &= buyers.measure()?;
        let (hour, holds) = day()?;
        hours.push(hour);
        hold &= holds;
    }
    let mut text = String::from(
        "| a second of one processor | measured | least | most | target | |\n\
         |---|--:|--:|--:|--:|---|\n",
    );
    let small = "small worlds: 100 shoppers, 3 minutes, one power cut";
    let (few, all) = (visitors.records(), buyers.records());
    for (what, mut measured, target) in [
        (
            format!("{small}; 3 of them buy, {few} records"),
            visitors.a_second,
            Some(WORLDS_MIN),
        ),
        (
            format!("the same, and all of them buy, {all} records"),
            buyers.a_second,
            None,
        ),
        (
            "shopper-hours: 1,000 visits in an hour".to_owned(),
            hours,
            Some(SHOPPER_HOURS_MIN),
        ),
    ] {
        measured.sort_by(f64::total_cmp);
        let (least, most) = (measured[0], measured[measured.len() - 1]);
        let measured = measured[measured.len() / 2];
        let (target, met) = match target {
            Some(target) if measured >= target => (format!("{target:.0}"), "met"),
            Some(target) => (format!("{target:.0}"), "missed"),
            None => (String::new(), ""),
        };
        let _ = writeln!(
            text,
            "| {what} | {measured:.1} | {least:.1} | {most:.1} | {target} | {met} |"
        );
    }
    if cfg!(debug_assertions) {
        text.push_str("\nThis is a debug build: its figures say nothing.\n");
    }
    print(&text)?;
    Ok(hold)
}

/// What small worlds come to.
struct Pace<'a> {
    crowd: Crowd,
    /// How many in a round.
    worlds: u32,
    options: &'a HuntOptions,
    /// Of each round.
    a_second: Vec<f64>,
    /// Of each world.
    records: Vec<u64>,
}

impl<'a> Pace<'a> {
    fn of(crowd: Crowd, worlds: u32, options: &'a HuntOptions) -> Self {
        Self {
            crowd,
            worlds,
            options,
            a_second: Vec::new(),
            records: Vec::new(),
        }
    }

    fn live(&self, seed: u32) -> Result<WorldOutcome, String> {
        let world = small_world(seed.into(), self.crowd, self.options);
        run_drawn(&world, &self.options.lessons).map_err(|error| error.to_string())
    }

    /// Lives through the worlds of a round. Whether their laws held.
    fn measure(&mut self) -> Result<bool, String> {
        let began = worked()?;
        let lived = (1..=self.worlds).map(|seed| self.live(seed));
        let lived: Vec<_> = lived.collect::<Result<_, _>>()?;
        self.a_second.push(f64::from(self.worlds) / since(began)?);
        self.records.extend(lived.iter().map(|it| it.tally.records));
        Ok(lived.iter().all(WorldOutcome::laws_hold))
    }

    /// Of one world, in the middle.
    fn records(&mut self) -> u64 {
        self.records.sort_unstable();
        self.records[self.records.len() / 2]
    }
}

/// Shopper-hours a second, and whether the laws of the day held.
fn day() -> Result<(f64, bool), String> {
    let mut options = SimulationOptions::of(Mode::Virtual);
    options.visits = VISITS.into();
    options.duration = Duration::from_secs(3_600);
    options.crash_every = None;
    options.seed = 1;
    let began = worked()?;
    let report = simulate(&options, &mut Silent).map_err(|error| error.to_string())?;
    Ok((f64::from(VISITS) / since(began)?, report.laws_hold()))
}

fn worked() -> Result<Duration, String> {
    let told = process_time();
    told.ok_or_else(|| "this system does not tell how long a processor has worked".into())
}

/// Seconds of work, of which the system tells no less than a tick.
fn since(began: Duration) -> Result<f64, String> {
    let seconds = worked()?.saturating_sub(began).as_secs_f64();
    Ok(seconds.max(0.01))
}
