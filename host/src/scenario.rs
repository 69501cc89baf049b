//! `mercato simulate --scenario`: a world that somebody wrote down.

use mercato_sim::hunt::{SCENARIOS, Scenario, run_drawn};
use mercato_sim::lives::FaultKind;
use mercato_sim::shop::Lessons;

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

/// The scenario with what was typed beside it.
pub(crate) fn with(
    mut scenario: Scenario,
    faults: &[String],
    cuts: &[String],
) -> Result<Scenario, String> {
    for typed in faults {
        let problem = |error| format!("--fault {typed}: {error}");
        scenario = scenario.with_fault(typed).map_err(problem)?;
    }
    for typed in cuts {
        let problem = |error| format!("--cut {typed}: {error}");
        scenario = scenario.with_cut(typed).map_err(problem)?;
    }
    Ok(scenario)
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

/// The same on the machine's clock: the shop of the scenario with the faults that it has, on as many
/// threads as there are.
pub(crate) fn live(mut scenario: Scenario) -> Result<Scenario, String> {
    let live = scenario.world.world.live();
    scenario.world.world = live.map_err(|kinds| {
        let kinds: Vec<&str> = kinds.into_iter().map(FaultKind::name).collect();
        format!(
            "this scenario makes no sense on the machine's clock, because of {}: no machine's clock can \
             be moved by it; write it without, or leave out --live",
            kinds.join(", ")
        )
    })?;
    Ok(scenario)
}
