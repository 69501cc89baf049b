//! `mercato journal verify`: checks a file, and the shop's ledgers in it.

use std::path::Path;

use mercato_actors::runtime::persistence::{OpenError, verify};
use mercato_sim::Books;

use crate::output::print;

/// `false` where the journal is damaged.
pub(super) fn run(file: &Path) -> Result<bool, String> {
    let mut books = Books::default();
    let mut unreadable = Vec::new();
    let verified = verify(file, |recorded| {
        if let Err(error) = books.enter(recorded) {
            unreadable.push(format!("position {}: {error}", recorded.position));
        }
    });
    let report = match verified {
        Ok(report) => report,
        // Too damaged to be opened is a finding, too.
        Err(damaged @ OpenError::Damaged { .. }) => {
            print(&format_args!("problem: {damaged}\n"))?;
            return Ok(false);
        }
        Err(error) => return Err(error.to_string()),
    };
    let problems: Vec<String> = report
        .problems
        .iter()
        .cloned()
        .chain(unreadable)
        .chain(books.contradictions())
        .collect();
    let mut text = format!("{}\n", file.display());
    let facts = [
        ("commits", report.blocks),
        ("appends", report.records),
        ("events", report.events),
        ("streams", report.streams),
        ("unfinished", report.open_streams),
        ("first replies", report.commands),
        ("bytes", report.bytes),
        ("orders placed", books.business.orders),
    ];
    for (what, count) in facts {
        text += &format!("  {what:<14}{count:>12}\n");
    }
    for problem in &problems {
        text += &format!("problem: {problem}\n");
    }
    if problems.is_empty() {
        text += "sound: checksums, order, versions, commands, index, timers, cursors and ledgers agree\n";
    }
    print(&text)?;
    Ok(problems.is_empty())
}
