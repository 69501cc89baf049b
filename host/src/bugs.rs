//! `mercato simulate bugs`: how soon the laws find each planted mistake.

use std::fmt::Write;
use std::time::Duration;

use indicatif::ProgressBar;
use mercato_actors::PlantedBug;
use mercato_sim::hunt::{HuntOptions, WorldId, run_id, shrink};

use crate::cpu::thread_time;
use crate::hunt::told_of;
use crate::output::print;

/// Makes each mistake in turn, on one thread. `false` where one was not found in time.
pub(crate) fn run(seconds: u64, only: Option<&str>, from: u64, show: bool) -> Result<bool, String> {
    let known = |name: &str| PlantedBug::ALL.iter().any(|(known, _)| *known == name);
    if let Some(name) = only.filter(|name| !known(name)) {
        let names: Vec<_> = PlantedBug::ALL.iter().map(|(name, _)| *name).collect();
        return Err(format!(
            "there is no planted mistake `{name}`; there are {}",
            names.join(", ")
        ));
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
    let mut options = HuntOptions::default();
    for (name, bug) in PlantedBug::ALL {
        if only.is_some_and(|only| only != name) {
            continue;
        }
        options.planted = Some(bug);
        let (began, clock) = (thread_time(), ProgressBar::hidden());
        let spent = || match (thread_time(), began) {
            (Some(now), Some(began)) => now - began,
            _ => clock.elapsed(),
        };
        let mut found = None;
        let mut seeds = 0;
        while found.is_none() && spent() < Duration::from_secs(seconds) {
            let id = WorldId::of_seed(from + seeds);
            seeds += 1;
            let outcome = run_id(&id, &options).map_err(|error| error.to_string())?;
            let law = outcome.broken().next().map(|verdict| verdict.name);
            found = law.map(|law| (id, law));
        }
        let took = spent().as_secs_f64();
        let law = found.as_ref().map_or("NOT FOUND", |(_, law)| law);
        let _ = writeln!(text, "| {name} | {seeds} | {took:.2} | {law} |");
        all_found &= found.is_some();
        times.push(took);
        if let (Some((id, _)), true) = (found, show) {
            let small = shrink(&id, &options, |_, _| {}).map_err(|error| error.to_string())?;
            let _ = writeln!(stories, "\n== {name}\n{}", told_of(&small));
        }
    }
    times.sort_by(f64::total_cmp);
    if let Some(median) = times.get(times.len() / 2) {
        let _ = writeln!(text, "\nmedian {median:.2} CPU seconds on one core");
    }
    print(&text)?;
    print(&stories)?;
    Ok(all_found)
}
