//! `mercato simulate`: resolves what was typed, shows progress, prints the report.

use indicatif::{ProgressBar, ProgressStyle};
use mercato_sim::{Mode, Progress, SimulationOptions, simulate};

use crate::args::{SimulateArgs, SimulateTask, duration};
use crate::config;
use crate::hunt;
use crate::output::print;
use crate::scenario;

/// Runs a simulation. `false` where a law was broken.
pub(crate) fn run(args: SimulateArgs) -> Result<bool, String> {
    if let Some(task) = args.task {
        return match task {
            SimulateTask::Hunt(args) => hunt::run(&args),
            SimulateTask::Hash { seed, replay } => hunt::hash(seed, replay.as_deref()),
            #[cfg(feature = "planted-bugs")]
            SimulateTask::Bugs(args) => crate::bugs::run(&args),
        };
    }
    if let Some(name) = &args.scenario {
        let scenario = scenario::read(name, args.seed)?;
        let scenario = scenario::with(scenario, &args.fault, &args.cut)?;
        let scenario = match args.live {
            true => scenario::live(scenario)?,
            false => scenario,
        };
        return scenario::run(scenario, args.lines);
    }
    day(&resolve(args)?)
}

/// Runs a day, and prints what it found.
fn day(options: &SimulationOptions) -> Result<bool, String> {
    let mut bar = Bar::new();
    let report = simulate(options, &mut bar);
    bar.bar.finish_and_clear();
    let report = report.map_err(|error| error.to_string())?;
    print(&report)?;
    Ok(report.laws_hold())
}

/// Turns what was typed into options that mean something.
fn resolve(args: SimulateArgs) -> Result<SimulationOptions, String> {
    let mode = if args.live { Mode::Live } else { Mode::Virtual };
    let mut options = SimulationOptions::of(mode);
    if let Some(duration) = args.duration {
        options.duration = duration;
        options.crash_every = Some(SimulationOptions::crash_every(mode, duration));
    }
    match args.crash.as_deref() {
        None => {}
        Some("off") => options.crash_every = None,
        Some(every) => {
            let every = duration(every).map_err(|hint| format!("--crash: {hint}, or `off`"))?;
            options.crash_every = Some(every);
        }
    }
    options.data = args.data;
    options.visits = args.shoppers;
    options.seed = args.seed.unwrap_or(1);
    options.store = args.store;
    options.backup = args.backup;
    options.config = config::loaded(args.config.as_deref())?.config;
    Ok(options)
}

/// Progress on standard error, where it does not mix with the report.
struct Bar {
    bar: ProgressBar,
}

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template(
            "{msg:>22} [{bar:30}] {pos}/{len} visits, {elapsed} so far",
        );
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar }
    }
}

impl Progress for Bar {
    fn stage(&mut self, stage: &str) {
        self.bar.set_message(stage.to_owned());
        self.bar.tick();
    }

    fn visits(&mut self, over: u64, all: u64) {
        self.bar.set_length(all);
        self.bar.set_position(over);
    }
}
