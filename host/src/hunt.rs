//! `mercato simulate hunt` and `hash`: worlds from seeds, until a law breaks.

mod pace;
mod watch;

use std::fmt::Write;
use std::time::Duration;

use mercato_sim::hunt::{
    Broken, Drawn, Found, Hunt, HuntOptions, HuntReport, WorldId, hunt, run_id, shrink,
};
use mercato_sim::lives::WorldOutcome;

use self::watch::Watch;
use crate::args::{HuntArgs, ReplayArgs};
use crate::cpu::process_time;
use crate::output::print;

/// How long a hunt took.
#[derive(Clone, Copy)]
struct Took {
    clock: Duration,
    /// On all processors, where the system tells.
    processor: Option<Duration>,
}

/// What replays a world of a hunt.
const HUNT: &str = "mercato simulate hunt";

/// How long a hunt lasts that nobody bounded.
const MINUTES: f64 = 3.0;

/// Hunts, or replays a world. `false` where a law was broken.
pub(crate) fn run(args: &HuntArgs) -> Result<bool, String> {
    if let Some(name) = &args.again.replay {
        return replay(name, &args.again, HuntOptions::default(), HUNT);
    }
    if args.pace {
        return pace::run();
    }
    let minutes = match (args.minutes, args.seeds) {
        (Some(minutes), _) if !(minutes > 0.0 && minutes <= 100_000.0) => {
            return Err("--minutes must be above 0, and 100000 at most".into());
        }
        (None, Some(_)) => None,
        (minutes, _) => Some(minutes.unwrap_or(MINUTES)),
    };
    if args.seeds == Some(0) || args.threads == Some(0) {
        return Err("--seeds and --threads must be at least 1".into());
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let watch = Watch::new(
        args.seeds,
        minutes.map(|it| Duration::from_secs_f64(it * 60.0)),
    );
    let planned = Hunt {
        from: args.from,
        seeds: args.seeds.unwrap_or(u64::MAX),
        threads: args.threads.unwrap_or(cores),
        options: HuntOptions::default(),
    };
    let worked_before = process_time();
    let report = std::thread::scope(|scope| {
        scope.spawn(|| watch.until_over());
        let report = hunt(&planned, &watch);
        watch.is_over();
        report
    });
    let report = report.map_err(|error| error.to_string())?;
    let worked = process_time().zip(worked_before);
    let took = Took {
        clock: watch.elapsed(),
        processor: worked.map(|(now, before)| now.saturating_sub(before)),
    };
    let Some(broken) = &report.broken else {
        watch.clear();
        print(&summary(&report, &planned, took))?;
        return Ok(true);
    };
    let told = |tries: u32, id: &WorldId| {
        watch.say(format!(
            "a law is broken; making it smaller: {tries} tries, {id}"
        ));
    };
    let found = shrink(&broken.id, &planned.options, told).map_err(|error| error.to_string())?;
    watch.clear();
    print(&summary(&report, &planned, took))?;
    match found.outcome.laws_hold() {
        true => print(&not_again(broken, &found))?,
        false => print(&told_of(&found, HUNT))?,
    }
    Ok(false)
}

/// A world that broke a law in the hunt, and holds every one when it is run again. What was seen is all
/// that there is.
fn not_again(broken: &Broken, found: &Found) -> String {
    let id = &broken.id;
    let mut text = format!(
        "\nIT DID NOT COME AGAIN: world {id} came to {} in the hunt and comes to {} now. Chance has leaked \
         into it; `mercato simulate hash --seed {}` in several processes may show where.\n",
        broken.outcome.hash.mark(),
        found.outcome.hash.mark(),
        id.seed
    );
    for verdict in broken.outcome.broken() {
        for case in &verdict.cases {
            let _ = writeln!(text, "broken: {}: {case}", verdict.name);
        }
    }
    text
}

/// Replays a world, with its last moments; `command` is what does so.
pub(crate) fn replay(
    name: &str,
    asked: &ReplayArgs,
    mut options: HuntOptions,
    command: &str,
) -> Result<bool, String> {
    let id: WorldId = name.parse().map_err(|error| format!("--replay: {error}"))?;
    options.timeline_lines = asked.lines;
    if asked.shrink {
        let found = shrink(&id, &options, |_, _| {}).map_err(|error| error.to_string())?;
        print(&told_of(&found, command))?;
        return Ok(found.outcome.laws_hold());
    }
    let outcome = run_id(&id, &options).map_err(|error| error.to_string())?;
    let mark = outcome.hash.mark();
    if let Some(expected) = asked.expect.filter(|expected| *expected != mark) {
        print(&format!(
            "THE WORLD HAS CHANGED: it came to {expected} when it was named, and comes to {mark} now. \
             Another mercato named it, or a mistake was mended or made since; what follows is another \
             story under the same name.\n\n"
        ))?;
    }
    print(&world(&id, &outcome))?;
    Ok(outcome.laws_hold())
}

/// Prints the hashes of a world.
pub(crate) fn hash(seed: u64, replay: Option<&str>) -> Result<bool, String> {
    let id = match replay {
        Some(name) => name.parse().map_err(|error| format!("--replay: {error}"))?,
        None => WorldId::of_seed(seed),
    };
    let outcome = run_id(&id, &HuntOptions::default()).map_err(|error| error.to_string())?;
    print(&format!("{id} {}\n", outcome.hash))?;
    Ok(outcome.laws_hold())
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn summary(report: &HuntReport, planned: &Hunt, took: Took) -> String {
    let tally = &report.tally;
    let seconds = took.clock.as_secs_f64();
    let (of, unit) = match took.processor {
        Some(worked) => (worked.as_secs_f64(), "second of one processor"),
        None => (seconds, "second"),
    };
    let of = of.max(1e-9);
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} worlds from seed {} on, {} with three power cuts or more, in {seconds:.1} s on {} threads: \
         {:.1} worlds and {:.0} shopper-hours a {unit}",
        report.worlds,
        planned.from,
        report.with_three_cuts,
        planned.threads,
        report.worlds as f64 / of,
        report.shopper_hours / of,
    );
    let _ = writeln!(
        text,
        "{} power cuts, {} other faults; {} damaged disks found out, {} that would be taken for torn \
         ones; {} requests asked, {} answered, {} asked again; {} records",
        tally.cuts,
        tally.strikes.all(),
        tally.damage_found,
        tally.taken_for_torn,
        tally.asked,
        tally.answered,
        tally.unserved,
        tally.records,
    );
    let _ = writeln!(text, "faults that struck: {}", tally.strikes);
    let held = match report.broken {
        None => "every law held",
        Some(_) => "A LAW WAS BROKEN",
    };
    let _ = writeln!(text, "{held}");
    text
}

/// What a hunt found, for people, with the command that replays it.
pub(crate) fn told_of(found: &Found, command: &str) -> String {
    let mut text = format!("\nThe smallest world of {} tries:\n", found.tries);
    text.push_str(&world(&found.id, &found.outcome));
    let _ = writeln!(
        text,
        "\nreplay it: {command} --replay '{}' --expect {}",
        found.id,
        found.outcome.hash.mark()
    );
    text
}

fn world(id: &WorldId, outcome: &WorldOutcome) -> String {
    let drawn = id.draw(&HuntOptions::default());
    described(&format!("world {id}"), &drawn, outcome)
}

/// A world and what it came to, for people.
pub(crate) fn described(about: &str, drawn: &Drawn, outcome: &WorldOutcome) -> String {
    let mut text = String::new();
    let (shop, plan) = (&drawn.shop, &drawn.world);
    let _ = writeln!(
        text,
        "{about}: {} shoppers in {:.0} s, {} products of {} units, {} shards",
        shop.shoppers,
        shop.open_for.as_secs_f64(),
        shop.products,
        shop.stock_units,
        shop.shards,
    );
    for cut in &plan.cuts {
        let _ = writeln!(
            text,
            "  power cut at {:?}, which leaves {:?}; dark for {:.1} s",
            cut.at,
            cut.leaves,
            cut.dark_for.as_secs_f64()
        );
    }
    for fault in &plan.faults.faults {
        let _ = writeln!(
            text,
            "  {} at {:.3} from {:.0} s to {:.0} s",
            fault.kind.name(),
            fault.rate,
            fault.from.as_secs_f64(),
            fault.until.as_secs_f64()
        );
    }
    let _ = writeln!(text, "its last moments:");
    for line in &outcome.timeline {
        let _ = writeln!(text, "  {line}");
    }
    let tally = &outcome.tally;
    let _ = writeln!(
        text,
        "{} lives, {} power cuts, {} requests, {} records, {:.0} s of its own time; {}",
        tally.lives,
        tally.cuts,
        tally.asked,
        tally.records,
        outcome.lasted.as_secs_f64(),
        outcome.hash
    );
    for verdict in outcome.broken() {
        for case in &verdict.cases {
            let _ = writeln!(text, "broken: {}: {case}", verdict.name);
        }
    }
    if outcome.laws_hold() {
        let _ = writeln!(text, "every law held");
    }
    text
}
