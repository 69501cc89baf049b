//! `mercato journal stats`.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use mercato_actors::runtime::persistence::{ExpectedRecovery, JournalStats, RecoveryCosts, stats};
use serde_json::{Value, json};

use super::told;
use crate::output::{moment, print};

pub(super) fn run(file: &Path, as_json: bool) -> Result<bool, String> {
    let Some(stats) = told(stats(file))? else {
        return Ok(false);
    };
    if as_json {
        print(&format_args!("{}\n", json_of(&stats)))?;
    } else {
        print(&text_of(file, &stats).map_err(|error| error.to_string())?)?;
    }
    Ok(true)
}

fn text_of(file: &Path, stats: &JournalStats) -> Result<String, std::fmt::Error> {
    let mut text = format!("{}\n", file.display());
    let facts = [
        ("appends", stats.records),
        ("events", stats.events),
        ("streams", stats.streams),
        ("unfinished", stats.open_streams),
        ("first replies", stats.commands_kept),
        ("timers", stats.timers),
        ("snapshots", stats.snapshots),
        ("events after snapshots", stats.events_after_snapshots),
        ("checkpoint", stats.checkpoint.get()),
        ("appends after it", stats.tail_records),
        ("bytes", stats.file_bytes),
        ("bytes per event", stats.bytes_per_event().unwrap_or(0)),
    ];
    for (what, count) in facts {
        writeln!(text, "  {what:<24}{count:>14}")?;
    }
    if let Some(since) = stats.commands_since_ms {
        writeln!(text, "first replies are kept since {}", moment(since))?;
    }
    if let Some(due) = stats.next_timer_ms {
        writeln!(text, "the next timer is due at {}", moment(due))?;
    }
    for table in &stats.tables {
        writeln!(
            text,
            "table {:<18}{:>14} bytes in {} rows, {} more to keep them",
            table.name, table.stored_bytes, table.rows, table.overhead_bytes
        )?;
    }
    for cursor in &stats.cursors {
        writeln!(
            text,
            "cursor `{}` stands at position {}, {} behind",
            cursor.name.escape_debug(),
            cursor.position,
            cursor.behind
        )?;
    }
    let costs = RecoveryCosts::default();
    let recovery = stats.expected_recovery(&costs);
    writeln!(
        text,
        "expected recovery time {}: {} to check pages, {} to read what follows the checkpoint, {} to read which commands are known, {} to load what is unfinished",
        shown(recovery.total()),
        shown(recovery.checking_pages),
        shown(recovery.reading_tail),
        shown(recovery.reading_commands),
        shown(recovery.loading_streams)
    )?;
    let of_all = stats.expected_recovery_of_all(&costs);
    writeln!(
        text,
        "and {} where every stream is loaded at once",
        shown(of_all.total())
    )?;
    Ok(text)
}

fn shown(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

fn json_of(stats: &JournalStats) -> Value {
    let costs = RecoveryCosts::default();
    let cursors = stats.cursors.iter().map(|cursor| {
        json!({ "name": cursor.name, "position": cursor.position.get(), "behind": cursor.behind })
    });
    let tables = stats.tables.iter().map(|table| {
        json!({
            "name": table.name,
            "rows": table.rows,
            "stored_bytes": table.stored_bytes,
            "overhead_bytes": table.overhead_bytes,
        })
    });
    json!({
        "records": stats.records,
        "events": stats.events,
        "streams": stats.streams,
        "open_streams": stats.open_streams,
        "commands_kept": stats.commands_kept,
        "commands_since_ms": stats.commands_since_ms,
        "timers": stats.timers,
        "next_timer_ms": stats.next_timer_ms,
        "snapshots": stats.snapshots,
        "events_after_snapshots": stats.events_after_snapshots,
        "last": stats.last.get(),
        "checkpoint": stats.checkpoint.get(),
        "tail_records": stats.tail_records,
        "file_bytes": stats.file_bytes,
        "bytes_per_event": stats.bytes_per_event(),
        "cursors": cursors.collect::<Vec<_>>(),
        "tables": tables.collect::<Vec<_>>(),
        "expected_recovery_us": recovery_of(&stats.expected_recovery(&costs)),
        "expected_recovery_of_all_us": recovery_of(&stats.expected_recovery_of_all(&costs)),
    })
}

fn recovery_of(recovery: &ExpectedRecovery) -> Value {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    json!({
        "total": micros(recovery.total()),
        "checking_pages": micros(recovery.checking_pages),
        "reading_tail": micros(recovery.reading_tail),
        "reading_commands": micros(recovery.reading_commands),
        "loading_streams": micros(recovery.loading_streams),
    })
}
