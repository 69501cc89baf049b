//! Acknowledged appends a second, beside a bare log: the terms are in `contest.rs`.

use serde_json::json;

use super::contest::{Contender, HEADER, closed_loop, open_journal, rounds};
use super::group_log::{AppendOnly, GroupLog};
use crate::error::AnyError;
use crate::options::{Part, Plan};
use crate::report::{Grid, Section};

/// How much longer the second bare log makes its file at a time.
const STEP_BYTES: u64 = 64 << 20;

pub(crate) fn measure(plan: &Plan) -> Result<Section, AnyError> {
    let contenders = [
        Contender {
            name: "bare append-only log",
            turn: |plan| {
                closed_loop(plan, plan.writers, |path| {
                    Ok(GroupLog::over(AppendOnly::create(path)?)?)
                })
            },
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
    let standings = rounds(plan, &contenders)?;
    let floor = &standings[0];
    Ok(Section {
        part: Part::Acknowledged,
        grids: vec![Grid {
            title: "Durable appends of 200-byte events, each writer awaiting its acknowledgement"
                .into(),
            header: HEADER.to_vec(),
            rows: standings.iter().map(|one| one.row(floor)).collect(),
        }],
        notes: vec!["Ratios are to the bare append-only log.".into()],
        figures: json!(
            standings
                .iter()
                .map(|one| one.figures(floor))
                .collect::<Vec<_>>()
        ),
    })
}
