//! What a backtest found, as tables for people.

use std::fmt;

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use super::{BacktestReport, Contender, Evaluation};

impl fmt::Display for BacktestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for evaluation in &self.evaluations {
            writeln!(f, "## {}\n{evaluation}", evaluation.name)?;
        }
        if let Some((coverage, factors)) = &self.safety {
            let mut enough = table(&["asked", "normal", "pooled conformal", "built in"]);
            for level in coverage {
                enough.add_row([
                    percent(level.asked),
                    percent(level.normal),
                    percent(level.pooled),
                    percent(level.built_in),
                ]);
            }
            writeln!(
                f,
                "## safety stock\nshare of the last origin's forecasts of four weeks within what was \
                 expected and the safety stock; pooled factors are of the two origins before\n{enough}\n"
            )?;
            let levels = factors.first().map(|(_, _, of_levels)| of_levels);
            let mut header = vec!["pattern".to_owned(), "scores".to_owned()];
            header.extend(
                levels
                    .into_iter()
                    .flatten()
                    .map(|(level, _)| percent(*level)),
            );
            let mut pooled = table(&header.iter().map(String::as_str).collect::<Vec<_>>());
            for (pattern, scores, of_levels) in factors {
                let mut row = vec![format!("{pattern:?}"), scores.to_string()];
                row.extend(of_levels.iter().map(|(_, factor)| format!("{factor:.2}")));
                pooled.add_row(row);
            }
            writeln!(
                f,
                "deviations that each level took, by all scores\n{pooled}\n"
            )?;
        }
        for file in &self.missing {
            writeln!(f, "skipped: {file} is not in the folder")?;
        }
        Ok(())
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = table(&["method", "MASE", "WAPE", "RMSSE", "sMAPE", "seconds"]);
        for contender in &self.contenders {
            let errors = &contender.errors;
            rows.add_row([
                name(contender),
                format!("{:.4}", errors.mase()),
                format!("{:.4}", errors.wape()),
                format!("{:.4}", errors.rmsse()),
                format!("{:.2}", errors.smape()),
                format!("{:.2}", contender.took.as_secs_f64()),
            ]);
        }
        let forecasts = self.ours().map_or(0, |ours| ours.errors.forecasts());
        writeln!(f, "{} series, {forecasts} forecasts\n{rows}", self.series)?;
        if let (Some(ours), Some(best)) = (self.ours(), self.best_single()) {
            writeln!(
                f,
                "MASE {:.4} beside {:.4} of the best single method, {}",
                ours.errors.mase(),
                best.errors.mase(),
                name(best)
            )?;
        }
        Ok(())
    }
}

fn name(contender: &Contender) -> String {
    contender
        .method
        .map_or_else(|| "Mercato".to_owned(), |method| method.to_string())
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(header.to_vec());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
