//! What was found, beside what others reach, as tables for people.

use std::fmt;

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use super::sets::{BANKING, BITEXT, CLINC};
use super::{IntentEvaluation, IntentReport};

/// What others reach on a set: accuracy, macro-F1, area under the ROC, seconds of training.
struct Others {
    name: &'static str,
    set: &'static str,
    accuracy: f64,
    macro_f1: Option<f64>,
    area_under_roc: Option<f64>,
    seconds: Option<f64>,
}

const PEER: &str = "scikit-learn 1.9.1, TF-IDF and LinearSVC";
const SOFTMAX: &str = "softmax over hashed n-grams";

/// The peer was run by the command in docs/SUPPORT.md, on the same files; the softmax is an earlier
/// measurement of a plain one, and the last row what is published of a fine-tuned BERT (Casanueva et
/// al. 2020, table 2; Larson et al. 2019, table 2).
const OTHERS: [Others; 8] = [
    peer(BANKING, 0.9117, 0.9117, None, 10.8),
    softmax(BANKING, 0.911),
    published("BERT, fine-tuned, published", BANKING, 0.9366),
    peer(CLINC, 0.9282, 0.9272, Some(0.9491), 25.3),
    softmax(CLINC, 0.910),
    published("BERT, fine-tuned, published", CLINC, 0.962),
    peer(BITEXT, 0.9975, 0.9975, None, 2.8),
    softmax(BITEXT, 0.999),
];

const fn peer(
    set: &'static str,
    accuracy: f64,
    macro_f1: f64,
    area_under_roc: Option<f64>,
    seconds: f64,
) -> Others {
    Others {
        name: PEER,
        set,
        accuracy,
        macro_f1: Some(macro_f1),
        area_under_roc,
        seconds: Some(seconds),
    }
}

const fn softmax(set: &'static str, accuracy: f64) -> Others {
    published(SOFTMAX, set, accuracy)
}

const fn published(name: &'static str, set: &'static str, accuracy: f64) -> Others {
    Others {
        name,
        set,
        accuracy,
        macro_f1: None,
        area_under_roc: None,
        seconds: None,
    }
}

impl fmt::Display for IntentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN);
        table.set_header([
            "set",
            "classifier",
            "accuracy",
            "macro-F1",
            "calibration error",
            "AUROC out of scope",
            "us p50",
            "us p99",
            "MB",
            "training s",
        ]);
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        for evaluation in &self.evaluations {
            table.add_row(ours(evaluation));
            let others = OTHERS.iter().filter(|others| others.set == evaluation.name);
            table.add_rows(others.map(theirs));
        }
        writeln!(f, "## intents\n{table}")?;
        for evaluation in &self.evaluations {
            writeln!(
                f,
                "{}: {} classes, trained with {} questions, asked {}",
                evaluation.name,
                evaluation.classes,
                evaluation.trained_with,
                evaluation.scored.examples
            )?;
            if let Some(strange) = evaluation.out_of_scope {
                writeln!(
                    f,
                    "{}: {:.1} % of what is out of scope is refused, and {:.1} % of what is in scope",
                    evaluation.name,
                    strange.refused * 100.0,
                    strange.refused_in_scope * 100.0
                )?;
            }
        }
        for set in &self.missing {
            writeln!(f, "skipped: {set} is not in the folder")?;
        }
        Ok(())
    }
}

fn ours(evaluation: &IntentEvaluation) -> Vec<String> {
    let scored = &evaluation.scored;
    let (p50, p99) = evaluation.latency;
    let us = |time: std::time::Duration| format!("{:.0}", time.as_secs_f64() * 1e6);
    // A file of at most some hundred megabytes: exact as a float.
    #[allow(clippy::cast_precision_loss)]
    let megabytes = evaluation.model_bytes as f64 / 1e6;
    vec![
        evaluation.name.to_owned(),
        "Mercato".to_owned(),
        format!("{:.4}", scored.accuracy),
        format!("{:.4}", scored.macro_f1),
        format!("{:.4}", scored.calibration_error),
        optional(
            evaluation
                .out_of_scope
                .map(|strange| strange.area_under_roc),
            4,
        ),
        us(p50),
        us(p99),
        format!("{megabytes:.1}"),
        format!("{:.1}", evaluation.took.as_secs_f64()),
    ]
}

fn theirs(others: &Others) -> Vec<String> {
    vec![
        others.set.to_owned(),
        others.name.to_owned(),
        format!("{:.4}", others.accuracy),
        optional(others.macro_f1, 4),
        "-".to_owned(),
        optional(others.area_under_roc, 4),
        "-".to_owned(),
        "-".to_owned(),
        "-".to_owned(),
        optional(others.seconds, 1),
    ]
}

fn optional(figure: Option<f64>, digits: usize) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.digits$}"))
}
