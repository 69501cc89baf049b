//! What becomes of the journal as it grows: appends a second early and late, memory, and the file.
//!
//! Each variant runs in a process of its own, whose peak memory is then the journal's and its
//! writers' alone. Around each point the journal's windows and a bare log's take turns, and the
//! figure that counts is how the ratio of the two changes: the disk has other things to do at the
//! late point than at the early one.

mod appends;

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use self::appends::{Growing, append_for, append_so_many, growers};
use super::contest::{Log, open_journal};
use super::group_log::open_bare;
use super::workload::EVENT_BYTES;
use super::{Out, compaction, own_folder};
use crate::clock::{now, two_workers};
use crate::error::AnyError;
use crate::launch::Launch;
use crate::machine::peak_memory_bytes;
use crate::options::{Part, Plan, Role};
use crate::report::{Grid, Section, or_dash};
use crate::stats::{median, ratio};

pub(crate) use self::appends::Spread;

/// Where the early window is, in events, of a full run.
const EARLY_EVENTS: u64 = 100_000;

/// What one variant found.
#[derive(Debug, Serialize, Deserialize)]
struct Grown {
    early: Point,
    late: Point,
    events: u64,
    file: Size,
    compacted: Size,
    compaction_seconds: f64,
}

/// What a file takes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Size {
    /// Its length, which is what a copy of it takes.
    bytes: u64,
    /// What the disk gives it: less than the length where it was never written.
    disk_bytes: u64,
}

impl Size {
    fn of(path: &Path) -> std::io::Result<Self> {
        const BLOCK_BYTES: u64 = 512;
        let file = std::fs::metadata(path)?;
        Ok(Self {
            bytes: file.len(),
            disk_bytes: file.blocks() * BLOCK_BYTES,
        })
    }
}

/// What was measured around one number of events.
#[derive(Debug, Serialize, Deserialize)]
struct Point {
    events: u64,
    per_second: f64,
    bare_ratio: f64,
    peak_memory_bytes: Option<u64>,
}

impl Grown {
    fn bytes_per_event(&self, bytes: u64) -> f64 {
        bytes as f64 / self.events as f64
    }
}

pub(crate) fn measure(plan: &Plan, launch: &Launch) -> Result<Section, AnyError> {
    let mut variants = Vec::new();
    for (name, role) in [
        ("10,000 streams, drawn uniformly", Role::GrowthFewStreams),
        ("a new stream for every 10 events", Role::GrowthNewStreams),
    ] {
        let folder = own_folder(&plan.folder)?;
        let mut running = launch.start(plan, role, folder.path())?;
        let mut told = String::new();
        running.output()?.read_to_string(&mut told)?;
        running.finish()?;
        variants.push((name, serde_json::from_str::<Grown>(&told)?));
    }
    let rates = variants.iter().flat_map(|(name, grown)| {
        [&grown.early, &grown.late].map(|point| {
            vec![
                format!("{name}, at {}", point.events),
                format!("{:.0}", point.per_second),
                format!("{:.2}", point.bare_ratio),
                format!("{:.2}", point.per_second / grown.early.per_second),
                format!("{:.2}", point.bare_ratio / grown.early.bare_ratio),
                or_dash(point.peak_memory_bytes.map(mebibytes), 0),
            ]
        })
    });
    let files = variants.iter().map(|(name, grown)| {
        let compacted = grown.bytes_per_event(grown.compacted.bytes);
        vec![
            (*name).to_owned(),
            grown.events.to_string(),
            format!("{:.0}", grown.bytes_per_event(grown.file.bytes)),
            format!("{:.0}", grown.bytes_per_event(grown.file.disk_bytes)),
            format!("{compacted:.0}"),
            format!("{:.0}", grown.bytes_per_event(grown.compacted.disk_bytes)),
            format!("{:.2}", compacted / EVENT_BYTES as f64),
            format!("{:.1}", grown.compaction_seconds),
        ]
    });
    Ok(Section {
        part: Part::Growth,
        grids: vec![
            Grid {
                title: "Acknowledged appends as the journal grows".into(),
                header: vec![
                    "",
                    "acknowledged/s",
                    "ratio to bare log",
                    "of the early rate",
                    "of the early ratio",
                    "peak memory MiB",
                ],
                rows: rates.collect(),
            },
            Grid {
                title: "The file once it is closed".into(),
                header: vec![
                    "",
                    "events",
                    "bytes/event",
                    "on disk",
                    "compacted",
                    "on disk",
                    "of the payload",
                    "compaction s",
                ],
                rows: files.collect(),
            },
        ],
        notes: notes(plan, variants.iter().map(|(_, grown)| grown)),
        figures: json!({
            "few_streams": figures(&variants[0].1),
            "new_streams": figures(&variants[1].1),
        }),
    })
}

fn notes<'a>(plan: &Plan, variants: impl IntoIterator<Item = &'a Grown>) -> Vec<String> {
    let mut notes = vec!["Each variant in a process of its own.".to_owned()];
    let was_cut = |grown: &Grown| grown.late.events < plan.events;
    if let Some(most) = plan.growth_max
        && variants.into_iter().any(was_cut)
    {
        notes.push(format!(
            "Growth ended after {} s, short of {} events: see --growth-seconds, or name --events.",
            most.as_secs_f64(),
            plan.events
        ));
    }
    notes
}

fn figures(grown: &Grown) -> serde_json::Value {
    json!({
        "measured": grown,
        "late_of_early_rate": grown.late.per_second / grown.early.per_second,
        "late_of_early_ratio": grown.late.bare_ratio / grown.early.bare_ratio,
        "compacted_of_payload": grown.bytes_per_event(grown.compacted.bytes) / EVENT_BYTES as f64,
    })
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Lets a journal grow in this process, and hands what was found to `out`.
pub(crate) fn grow(plan: &Plan, spread: Spread, out: &mut Out<'_>) -> Result<(), AnyError> {
    let path = plan.folder.join("journal");
    let grown = two_workers()?.block_on(grow_at(plan, spread, &path))?;
    Ok(out(&serde_json::to_string(&grown)?)?)
}

async fn grow_at(plan: &Plan, spread: Spread, path: &Path) -> Result<Grown, AnyError> {
    let mut journal = Growing::new(open_journal(path)?, growers(plan.writers, spread));
    let bare_path = plan.folder.join("bare");
    let mut bare = Growing::new(
        open_bare(&bare_path)?,
        growers(plan.writers, Spread::FewStreams),
    );

    let end = plan.growth_max.map(|most| now() + most);
    let early = EARLY_EVENTS.min(plan.events / 10);
    append_so_many(&mut journal, early, end).await?;
    let early = point(plan, &mut journal, &mut bare).await?;
    let rest = plan.events.saturating_sub(journal.events);
    append_so_many(&mut journal, rest, end).await?;
    let late = point(plan, &mut journal, &mut bare).await?;

    let events = journal.events;
    bare.close().await?;
    journal.close().await?;
    let file = Size::of(path)?;
    let start = now();
    compaction::compact(path)?;
    Ok(Grown {
        early,
        late,
        events,
        file,
        compacted: Size::of(path)?,
        compaction_seconds: start.elapsed().as_secs_f64(),
    })
}

/// Measures where the journal is now. All windows together take one turn, so that the journal does
/// not grow much in them.
async fn point(
    plan: &Plan,
    journal: &mut Growing<impl Log>,
    bare: &mut Growing<impl Log>,
) -> Result<Point, AnyError> {
    let events = journal.events;
    let window = plan.turn / plan.rounds;
    let (mut rates, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        floor.push(append_for(bare, window).await?);
        rates.push(append_for(journal, window).await?);
    }
    Ok(Point {
        events,
        per_second: median(rates.iter().copied()),
        bare_ratio: ratio(&rates, &floor),
        peak_memory_bytes: peak_memory_bytes(),
    })
}
