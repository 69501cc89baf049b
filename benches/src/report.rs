//! A part's figures: as tables for people, and as one object for machines.

use std::fmt;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::Value;

use crate::options::Part;

/// What one part of a measurement found.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) part: Part,
    pub(crate) grids: Vec<Grid>,
    /// What a reader must know to read the figures.
    pub(crate) notes: Vec<String>,
    /// The same figures, by name.
    pub(crate) figures: Value,
}

/// One table. Its first column names things, the others hold figures.
#[derive(Debug)]
pub(crate) struct Grid {
    pub(crate) title: String,
    pub(crate) header: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table
            .load_style(presets::ASCII_MARKDOWN)
            .set_header(&self.header);
        for row in &self.rows {
            table.add_row(row);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(f, "{}\n\n{table}", self.title)
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## {}", self.part.name())?;
        for grid in &self.grids {
            write!(f, "\n{grid}")?;
        }
        for note in &self.notes {
            writeln!(f, "\n{note}")?;
        }
        Ok(())
    }
}

/// A figure that not every machine can give.
pub(crate) fn or_dash(figure: Option<f64>, digits: usize) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.digits$}"))
}
