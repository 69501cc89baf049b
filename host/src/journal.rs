//! `mercato journal`: looks at a journal file without the shop that wrote it.

use std::path::Path;

use mercato_actors::runtime::persistence::verify;
use mercato_sim::Books;

use crate::args::{JournalArgs, JournalTask};

/// `false` where the journal is damaged.
pub(crate) fn run(args: &JournalArgs) -> Result<bool, String> {
    match &args.task {
        JournalTask::Verify { file } => verify_file(file),
    }
}

fn verify_file(file: &Path) -> Result<bool, String> {
    let mut books = Books::default();
    let mut unreadable = Vec::new();
    let report = verify(file, |recorded| {
        if let Err(error) = books.enter(recorded) {
            unreadable.push(format!("position {}: {error}", recorded.position));
        }
    })
    .map_err(|error| error.to_string())?;

    println!("{}", file.display());
    println!("  commits        {:>12}", report.blocks);
    println!("  appends        {:>12}", report.records);
    println!("  events         {:>12}", report.events);
    println!("  streams        {:>12}", report.streams);
    println!("  unfinished     {:>12}", report.open_streams);
    println!("  first replies  {:>12}", report.commands);
    println!("  bytes          {:>12}", report.bytes);
    println!("  orders placed  {:>12}", books.business.orders);

    let twice = books.orders.iter().filter(|(_, book)| book.placed > 1);
    let problems: Vec<String> = report
        .problems
        .iter()
        .cloned()
        .chain(unreadable)
        .chain(books.no_oversell.cases.iter().cloned())
        .chain(twice.map(|(order, book)| format!("{order} is placed {} times", book.placed)))
        .collect();
    for problem in &problems {
        println!("problem: {problem}");
    }
    if problems.is_empty() {
        println!("sound: checksums, order, versions, commands and ledgers agree");
    }
    Ok(problems.is_empty())
}
