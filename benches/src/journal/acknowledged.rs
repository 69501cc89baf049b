//! Acknowledged appends a second, beside a bare log: the terms are in `contest.rs`.

use super::contest::{Contender, closed_loop, open_journal, section};
use super::group_log::{AppendOnly, GroupLog, open_bare};
use crate::error::AnyError;
use crate::options::{Part, Plan};
use crate::report::Section;

/// How much longer the second bare log makes its file at a time.
const STEP_BYTES: u64 = 64 << 20;

pub(crate) fn measure(plan: &Plan) -> Result<Section, AnyError> {
    let contenders = [
        Contender {
            name: "bare append-only log",
            turn: |plan| closed_loop(plan, plan.writers, open_bare),
        },
        Contender {
            name: "bare log, file sized ahead",
            turn: |plan| {
                closed_loop(plan, plan.writers, |path| {
                    Ok(GroupLog::over(AppendOnly::sized_ahead(path, STEP_BYTES)?)?)
                })
            },
        },
        Contender {
            name: "journal",
            turn: |plan| closed_loop(plan, plan.writers, open_journal),
        },
    ];
    section(
        plan,
        Part::Acknowledged,
        "Durable appends of 200-byte events, each writer awaiting its acknowledgement",
        "Ratios are to the bare append-only log.",
        &contenders,
    )
}
