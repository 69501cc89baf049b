//! `mercato simulate bugs`: how soon the laws find each planted mistake.

use std::fmt::Write;
use std::time::Duration;

use indicatif::ProgressBar;
use mercato_actors::PlantedBug;
use mercato_sim::hunt::{HuntOptions, WorldId, run_id, shrink};

use crate::args::BugsArgs;
use crate::cpu::thread_time;
use crate::hunt::{replay, told_of};
use crate::output::print;

/// Makes each mistake in turn, on one thread. `false` where one was not found in time, or where the
/// world in which it was found breaks a law without it too.
pub(crate) fn run(args: &BugsArgs) -> Result<bool, String> {
    let chosen = chosen(args.bug.as_deref())?;
    if let Some(world) = &args.again.replay {
        let [(name, bug)] = chosen[..] else {
            return Err("--replay needs the mistake that is made in that world: --bug NAME".into());
        };
        return replay(world, &args.again, planting(bug), &command(name));
    }
    let mut text = String::new();
    let _ = writeln!(
        text,
        "| mistake | seeds | CPU seconds | law that found it |"
    );
    let _ = writeln!(text, "|---|--:|--:|---|");
    let mut all_found = true;
    let mut times = Vec::new();
    let mut stories = String::new();
    for (name, bug) in chosen {
        let sought = seek(bug, args)?;
        let took = sought.took.as_secs_f64();
        times.push(took);
        let law = sought.found.as_ref().map_or("NOT FOUND", |found| found.law);
        let _ = writeln!(text, "| {name} | {} | {took:.2} | {law} |", sought.seeds);
        let Some(found) = sought.found else {
            all_found = false;
            continue;
        };
        if let Some(law) = breaks_without_it(&found.id)? {
            all_found = false;
            let _ = writeln!(
                stories,
                "\n{name} was not caught: {} breaks a law without it too: {law}. That is a mistake that \
                 nobody planted: mercato simulate hunt --replay '{}'",
                found.id, found.id
            );
        } else if args.show {
            let small = shrink(&found.id, &planting(bug), |_, _| {});
            let small = small.map_err(|error| error.to_string())?;
            let _ = writeln!(stories, "\n== {name}\n{}", told_of(&small, &command(name)));
        }
    }
    times.sort_by(f64::total_cmp);
    if let Some(median) = median(&times) {
        let _ = writeln!(text, "\nmedian {median:.2} CPU seconds on one core");
    }
    print(&text)?;
    print(&stories)?;
    Ok(all_found)
}

/// The one in the middle of times in order, or what lies between the two there.
fn median(times: &[f64]) -> Option<f64> {
    let (upper, lower) = (times.len() / 2, times.len().checked_sub(1)? / 2);
    Some(f64::midpoint(*times.get(lower)?, *times.get(upper)?))
}

/// The mistake of this name, or all of them.
fn chosen(only: Option<&str>) -> Result<Vec<(&'static str, PlantedBug)>, String> {
    let all = PlantedBug::ALL.into_iter();
    let chosen: Vec<_> = all
        .filter(|(name, _)| only.is_none_or(|only| only == *name))
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = PlantedBug::ALL.iter().map(|(name, _)| *name).collect();
        return Err(format!(
            "there is no planted mistake `{}`; there are {}",
            only.unwrap_or_default(),
            names.join(", ")
        ));
    }
    Ok(chosen)
}

fn planting(bug: PlantedBug) -> HuntOptions {
    let mut options = HuntOptions::default();
    options.planted = Some(bug);
    options
}

/// What replays a world with a mistake in it.
fn command(name: &str) -> String {
    format!("mercato simulate bugs --bug {name}")
}

/// What came of looking for one mistake.
struct Sought {
    found: Option<Caught>,
    seeds: u64,
    took: Duration,
}

/// A world in which a law breaks.
struct Caught {
    id: WorldId,
    law: &'static str,
}

/// Lives through worlds with a mistake in them until a law breaks.
fn seek(bug: PlantedBug, args: &BugsArgs) -> Result<Sought, String> {
    let options = planting(bug);
    let (began, clock) = (thread_time(), ProgressBar::hidden());
    let spent = || match (thread_time(), began) {
        (Some(now), Some(began)) => now - began,
        _ => clock.elapsed(),
    };
    let mut seeds = 0;
    let mut found = None;
    while found.is_none() && spent() < Duration::from_secs(args.seconds) {
        let id = WorldId::of_seed(args.from + seeds);
        seeds += 1;
        let outcome = run_id(&id, &options).map_err(|error| error.to_string())?;
        let law = outcome.broken().next().map(|verdict| verdict.name);
        found = law.map(|law| Caught { id, law });
    }
    Ok(Sought {
        found,
        seeds,
        took: spent(),
    })
}

/// The law that breaks in a world in which nobody makes a mistake on purpose.
fn breaks_without_it(id: &WorldId) -> Result<Option<&'static str>, String> {
    let outcome = run_id(id, &HuntOptions::default()).map_err(|error| error.to_string())?;
    Ok(outcome.broken().next().map(|verdict| verdict.name))
}
