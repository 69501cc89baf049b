//! `mercato simulate --scenario`: a world that somebody wrote down.

use std::time::Duration;

use mercato_sim::hunt::{SCENARIOS, Scenario, run_drawn};
use mercato_sim::lives::FaultKind;
use mercato_sim::shop::Lessons;
use mercato_sim::{Mode, SimulationOptions};

use crate::hunt::described;
use crate::output::print;

/// The largest scenario file: larger ones were not meant.
const BYTES_MAX: u64 = 1 << 20;

/// Reads a scenario file, or one that comes with the program.
pub(crate) fn read(name: &str, seed: Option<u64>) -> Result<Scenario, String> {
    let built_in = SCENARIOS.iter().find(|(known, _)| *known == name);
    let text = match (std::fs::metadata(name), built_in) {
        (Ok(file), _) if file.len() > BYTES_MAX => {
            return Err(format!(
                "{name} has more than {BYTES_MAX} bytes; it is no scenario"
            ));
        }
        (Ok(_), _) => std::fs::read_to_string(name).map_err(|error| format!("{name}: {error}"))?,
        (Err(_), Some((_, text))) => (*text).to_owned(),
        (Err(error), None) => {
            let names: Vec<&str> = SCENARIOS.iter().map(|(name, _)| *name).collect();
            return Err(format!(
                "{name}: {error}; give a scenario file, or one of {}",
                names.join(", ")
            ));
        }
    };
    let scenario = Scenario::read(name, &text).map_err(|error| error.to_string())?;
    Ok(match seed {
        Some(seed) => scenario.seeded(seed),
        None => scenario,
    })
}

/// Lives through it. `false` where a law was broken.
pub(crate) fn run(mut scenario: Scenario, lines: usize) -> Result<bool, String> {
    scenario.world.world.timeline_lines = lines;
    let outcome =
        run_drawn(&scenario.world, &Lessons::default()).map_err(|error| error.to_string())?;
    let text = described(&scenario.about, &scenario.world, &outcome);
    print(&text)?;
    Ok(outcome.laws_hold())
}

/// The same on the machine's clock: as many shoppers in as much time, and its crashes of agents.
pub(crate) fn live(scenario: &Scenario) -> Result<SimulationOptions, String> {
    let (shop, world) = (&scenario.world.shop, &scenario.world.world);
    let lives = |kind| {
        let crashes = [
            FaultKind::CrashIdle,
            FaultKind::CrashBusy,
            FaultKind::CrashFlows,
        ];
        crashes.contains(&kind)
    };
    let mut others: Vec<&str> = world
        .faults
        .faults
        .iter()
        .map(|fault| fault.kind)
        .filter(|kind| !lives(*kind))
        .map(FaultKind::name)
        .collect();
    if !world.cuts.is_empty() {
        others.push("power cuts");
    }
    if !others.is_empty() {
        return Err(format!(
            "this scenario makes no sense on the machine's clock, because of {}; leave them out, or leave out --live",
            others.join(", ")
        ));
    }
    let a_minute: f64 = world.faults.faults.iter().map(|fault| fault.rate).sum();
    let mut options = SimulationOptions::of(Mode::Live);
    options.visits = shop.shoppers.into();
    options.duration = shop.open_for;
    options.seed = shop.seed;
    options.crash_every = (a_minute > 0.0).then(|| Duration::from_secs_f64(60.0 / a_minute));
    Ok(options)
}
