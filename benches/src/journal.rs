//! Durable appends through the journal, beside the least that could be called durable: a bare
//! append-only log with the same group commit.

mod acknowledged;
mod compaction;
mod contest;
mod group_log;
mod growth;
mod latency;
mod layouts;
mod record;
mod recovery;
mod workload;

use std::path::Path;

use serde_json::{Map, json};

use crate::error::{AnyError, BenchError};
use crate::launch::Launch;
use crate::machine::{free_bytes, is_in_memory};
use crate::options::{JournalArgs, Part, Plan, Role};
use crate::report::Section;

/// Where the figures go, piece by piece, as they are found.
type Out<'a> = dyn FnMut(&str) -> Result<(), String> + 'a;

/// Measures the journal and hands the figures to `out`: each part as it is done, or one JSON object
/// at the end.
///
/// `launch` says how this program is started again, for the parts that need a process of their own.
///
/// # Errors
/// See [`BenchError`]. What was written to the folder is removed in any case.
pub fn journal(args: &JournalArgs, launch: &Launch, out: &mut Out<'_>) -> Result<(), BenchError> {
    let plan = Plan::of(args)?;
    if let Some(role) = args.role {
        return play(role, &plan, out);
    }
    check_folder(&plan)?;
    let mut figures = Map::new();
    figures.insert("settings".into(), settings(&plan));
    if !plan.json {
        say(out, &terms(&plan))?;
    }
    for part in &plan.parts {
        let section = measure(*part, &plan, launch).map_err(|source| BenchError::Failed {
            part: part.name(),
            source,
        })?;
        if !plan.json {
            say(out, &section.to_string())?;
        }
        figures.insert(section.part.name().into(), section.figures);
    }
    if plan.json {
        say(out, &format!("{:#}\n", serde_json::Value::Object(figures)))?;
    }
    Ok(())
}

fn measure(part: Part, plan: &Plan, launch: &Launch) -> Result<Section, AnyError> {
    match part {
        Part::Acknowledged => acknowledged::measure(plan),
        Part::Latency => latency::measure(plan),
        Part::Growth => growth::measure(plan, launch),
        Part::Recovery => recovery::measure(plan, launch),
        Part::Layouts => layouts::measure(plan),
    }
}

/// What this process does where another one started it for a part.
fn play(role: Role, plan: &Plan, out: &mut Out<'_>) -> Result<(), BenchError> {
    let part = match role {
        Role::GrowthFewStreams | Role::GrowthNewStreams => Part::Growth,
        Role::RecoveryFill => Part::Recovery,
    };
    let failed = |source| BenchError::Failed {
        part: part.name(),
        source,
    };
    match role {
        Role::GrowthFewStreams => growth::grow(plan, growth::Spread::FewStreams, out),
        Role::GrowthNewStreams => growth::grow(plan, growth::Spread::NewStreams, out),
        Role::RecoveryFill => recovery::fill(plan, out),
    }
    .map_err(failed)
}

/// Refuses a folder that cannot hold the measurement, before any of it is made.
fn check_folder(plan: &Plan) -> Result<(), BenchError> {
    let folder = |source| BenchError::Folder {
        path: plan.folder.clone(),
        source,
    };
    writable(&plan.folder).map_err(folder)?;
    let free = free_bytes(&plan.folder).map_err(folder)?;
    enough_space(&plan.folder, free, plan.disk_bytes())
}

fn writable(folder: &Path) -> std::io::Result<()> {
    // Asked first, since what says that a new folder cannot be made names that one.
    if !std::fs::metadata(folder)?.is_dir() {
        return Err(std::io::ErrorKind::NotADirectory.into());
    }
    own_folder(folder).map(drop)
}

fn enough_space(folder: &Path, free: u64, needed: u64) -> Result<(), BenchError> {
    if needed <= free {
        return Ok(());
    }
    Err(BenchError::NoSpace {
        folder: folder.into(),
        free_mib: free >> 20,
        needed_mib: needed >> 20,
    })
}

/// A new folder under `folder`, gone with what is returned.
fn own_folder(folder: &Path) -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix("mercato-bench-")
        .tempdir_in(folder)
}

fn settings(plan: &Plan) -> serde_json::Value {
    json!({
        "quick": plan.quick,
        "writers": plan.writers,
        "rounds": plan.rounds,
        "seconds": plan.turn.as_secs_f64(),
        "events": plan.events,
        "folder_in_memory": is_in_memory(&plan.folder),
    })
}

fn terms(plan: &Plan) -> String {
    let mut terms = format!(
        "{} writers; medians of {} rounds of {} s in which the contenders take turns\n",
        plan.writers,
        plan.rounds,
        plan.turn.as_secs_f64()
    );
    if plan.quick {
        terms += "a quick look: the figures mean nothing\n";
    }
    if is_in_memory(&plan.folder) {
        terms += "the folder lies in memory, where a sync costs nothing: name one on a disk with --folder\n";
    }
    terms
}

fn say(out: &mut Out<'_>, text: &str) -> Result<(), BenchError> {
    out(text).map_err(BenchError::Output)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a disk that is filled up, and a refusal that does not say what to do.
    #[test]
    fn too_little_space_is_refused_in_words() {
        let folder = Path::new("/bench");
        assert!(enough_space(folder, 5 << 20, 5 << 20).is_ok());
        let refusal = enough_space(folder, 5 << 20, 6 << 20).expect_err("too little");
        let refusal = refusal.to_string();
        for part in ["/bench has 5 MiB free", "6 MiB", "--events", "--folder"] {
            assert!(refusal.contains(part), "{refusal}");
        }
    }
}
