//! What was measured, as tables for people, beside the figures of others.

use std::fmt;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use super::{Measured, NextItemReport, SetReport};

/// Figures of others on `retailrocket`, 15,132 questions, one core of another machine: HR@20,
/// MRR@20, median and 99th percentile in microseconds, predictions a second. `None` is not known.
type Anchor = (&'static str, f64, f64, Option<(f64, f64, f64)>);
const RETAILROCKET: (&str, usize) = ("retailrocket", 15_132);
const ANCHORS: [Anchor; 8] = [
    (
        "VMIS-kNN (Serenade), best of five",
        0.392,
        0.181,
        Some((19.0, 264.0, 27_800.0)),
    ),
    (
        "the same, repeating the session's",
        0.536,
        0.266,
        Some((14.0, 220.0, 32_400.0)),
    ),
    ("STAN", 0.508, 0.259, Some((19.0, 374.0, 21_400.0))),
    ("VSTAN", 0.573, 0.284, Some((19.0, 703.0, 16_000.0))),
    ("SLIST", 0.542, 0.254, Some((2.9, 23.0, 221_700.0))),
    (
        "VSTAN 0.7 + SLIST",
        0.572,
        0.281,
        Some((33.0, 964.0, 10_900.0)),
    ),
    ("SLIST as local ridge", 0.576, 0.289, None),
    ("VSTAN + local ridge, half each", 0.581, 0.290, None),
];

impl fmt::Display for NextItemReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for set in &self.sets {
            writeln!(f, "## {}\n{set}", set.name)?;
        }
        Ok(())
    }
}

impl fmt::Display for SetReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sessions, clicks, items) = self.learned;
        let (took, click_p99) = self.learning;
        let (memory, stored) = self.bytes;
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN);
        table.set_header([
            "method",
            "HR@20",
            "MRR@20",
            "nDCG@20",
            "p50 us",
            "p99 us",
            "predictions/s",
        ]);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let questions = self.ours().map_or(0, |ours| ours.questions);
        if (self.name.as_str(), questions) == RETAILROCKET {
            for (name, hit_rate, mrr, speed) in ANCHORS {
                let number = |number: Option<f64>| {
                    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
                };
                table.add_row([
                    format!("{name} *"),
                    format!("{hit_rate:.3}"),
                    format!("{mrr:.3}"),
                    "-".to_owned(),
                    number(speed.map(|(p50, _, _)| p50)),
                    number(speed.map(|(_, p99, _)| p99)),
                    number(speed.map(|(_, _, rate)| rate)),
                ]);
            }
        }
        for (name, measured) in &self.contenders {
            table.add_row(row(name, measured));
        }
        writeln!(
            f,
            "{questions} predictions of the next click, on one core\n{table}"
        )?;
        if (self.name.as_str(), questions) == RETAILROCKET {
            writeln!(
                f,
                "* measured elsewhere, on the same files and another machine"
            )?;
        }
        let per_click = micros(took) / clicks.max(1) as f64;
        writeln!(
            f,
            "known are {sessions} sessions, {clicks} clicks and {items} products, in {:.1} MiB of \
             memory and {:.1} MiB stored\nlearning took {:.1} s, a click {per_click:.1} us in the \
             mean and {:.0} us at the 99th percentile",
            mebibytes(memory),
            mebibytes(stored),
            took.as_secs_f64(),
            micros(click_p99),
        )
    }
}

fn row(name: &str, measured: &Measured) -> [String; 7] {
    let (p50, p99) = measured.latency;
    [
        name.to_owned(),
        format!("{:.4}", measured.hit_rate),
        format!("{:.4}", measured.mrr),
        format!("{:.4}", measured.ndcg),
        format!("{:.1}", micros(p50)),
        format!("{:.1}", micros(p99)),
        format!("{:.0}", measured.per_second),
    ]
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn mebibytes(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
