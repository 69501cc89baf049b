//! `mercato simulate hunt --pace`: what a second of one processor comes to, beside its targets.

use std::fmt::Write;
use std::time::Duration;

use mercato_sim::hunt::{Crowd, HuntOptions, run_drawn, small_world};
use mercato_sim::lives::WorldOutcome;
use mercato_sim::{Mode, Silent, SimulationOptions, simulate};

use crate::cpu::process_time;
use crate::output::print;

/// Small worlds that are lived through; one goes before them, in which the shop learns its lessons.
const WORLDS: u32 = 60;
/// Visits to the shop in one hour.
const VISITS: u32 = 1_000;

/// What a second of one processor is to come to.
const WORLDS_MIN: f64 = 20.0;
const SHOPPER_HOURS_MIN: f64 = 400.0;

/// Measures both, one after the other on one thread. `false` where a law was broken; a target that is
/// missed is a figure like another.
pub(crate) fn run() -> Result<bool, String> {
    let visitors = small_worlds(Crowd::Visitors)?;
    let buyers = small_worlds(Crowd::Buyers)?;
    let (hours, day_holds) = day()?;
    let mut text =
        String::from("| a second of one processor | measured | target | |\n|---|--:|--:|---|\n");
    let small = "small worlds: 100 shoppers, 3 minutes, one power cut";
    for (what, measured, target) in [
        (
            format!("{small}; 3 of them buy, {} records", visitors.records),
            visitors.a_second,
            Some(WORLDS_MIN),
        ),
        (
            format!("the same, and all of them buy, {} records", buyers.records),
            buyers.a_second,
            None,
        ),
        (
            "shopper-hours: 1,000 visits in an hour".to_owned(),
            hours,
            Some(SHOPPER_HOURS_MIN),
        ),
    ] {
        let (target, met) = match target {
            Some(target) if measured >= target => (format!("{target:.0}"), "met"),
            Some(target) => (format!("{target:.0}"), "missed"),
            None => (String::new(), ""),
        };
        let _ = writeln!(text, "| {what} | {measured:.1} | {target} | {met} |");
    }
    if cfg!(debug_assertions) {
        text.push_str("\nThis is a debug build: its figures say nothing.\n");
    }
    print(&text)?;
    Ok(visitors.hold && buyers.hold && day_holds)
}

/// What small worlds come to.
struct Pace {
    a_second: f64,
    /// Of one world, in the middle.
    records: u64,
    hold: bool,
}

fn small_worlds(crowd: Crowd) -> Result<Pace, String> {
    let options = HuntOptions::default();
    let live = |seed: u32| {
        let world = small_world(seed.into(), crowd, &options);
        run_drawn(&world, &options.lessons).map_err(|error| error.to_string())
    };
    live(0)?;
    let began = worked()?;
    let lived: Vec<_> = (1..=WORLDS).map(live).collect::<Result<_, _>>()?;
    let a_second = f64::from(WORLDS) / since(began)?;
    let mut records: Vec<_> = lived.iter().map(|world| world.tally.records).collect();
    records.sort_unstable();
    Ok(Pace {
        a_second,
        records: records[records.len() / 2],
        hold: lived.iter().all(WorldOutcome::laws_hold),
    })
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
