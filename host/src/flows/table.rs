//! Columns for people.

/// Rows under their heads, each column as wide as its widest cell.
pub(super) fn aligned<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells
            .chain([heads[column].chars().count()])
            .max()
            .unwrap_or(0)
    });
    let line = |cells: [&str; N]| {
        let mut line = String::new();
        for (cell, width) in cells.into_iter().zip(widths) {
            line += &format!("{cell:<width$}  ");
        }
        format!("{}\n", line.trim_end())
    };
    let rows = rows
        .iter()
        .map(|row| line(row.each_ref().map(|cell| &**cell)));
    std::iter::once(line(heads)).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: columns that run into each other, and spaces after the last one.
    #[test]
    fn columns_stand_under_their_heads() {
        let rows = [
            ["fulfil/ö-1".into(), "parked".into(), "a wake".into()],
            ["deliver/1".into(), "undoing".into(), String::new()],
        ];
        assert_eq!(
            aligned(["flow", "state", "waits for"], &rows),
            "flow        state    waits for\n\
             fulfil/ö-1  parked   a wake\n\
             deliver/1   undoing\n"
        );
    }
}
