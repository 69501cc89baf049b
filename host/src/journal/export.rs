//! `mercato journal export` and `import`.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Write};
use std::path::Path;

use mercato_actors::runtime::persistence::{Exported, ToolError, export, import};

use super::told;
use crate::output::print;

pub(super) fn export_to(file: &Path, to: Option<&Path>) -> Result<bool, String> {
    let Some(to) = to else {
        let written = write_lines(file, io::stdout().lock());
        return match written {
            // A reader that has seen enough, such as `head`, is no error.
            Err(ToolError::Output(gone)) if gone.kind() == ErrorKind::BrokenPipe => Ok(true),
            written => Ok(told(written)?.is_some()),
        };
    };
    let out = File::create_new(to).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            let error = ToolError::Exists { path: to.into() };
            error.to_string()
        }
        _ => format!(
            "cannot write {}: {error}; check that its folder exists and may be written",
            to.display()
        ),
    })?;
    let written = write_lines(file, &out)
        .and_then(|written| out.sync_all().map(|()| written).map_err(ToolError::Output));
    if written.is_err() {
        // Half an export is of no use; where it will not go, `import` refuses it.
        let _ = std::fs::remove_file(to);
    }
    match told(written)? {
        Some(written) => describe("exported to", to, written),
        None => Ok(false),
    }
}

fn write_lines(file: &Path, out: impl Write) -> Result<Exported, ToolError> {
    let views = mercato_actors::views();
    // What is none of the shop's events is exported all the same, only not decoded.
    export(file, &mut BufWriter::new(out), |stream, event| {
        views.view(stream, event).ok()
    })
}

pub(super) fn import_from(lines: &Path, to: &Path) -> Result<bool, String> {
    let imported = if lines == Path::new("-") {
        import(io::stdin().lock(), to)
    } else {
        let file = File::open(lines)
            .map_err(|error| format!("cannot read {}: {error}; check the name", lines.display()))?;
        import(BufReader::new(file), to)
    };
    let imported = match imported {
        Err(error @ ToolError::Line { .. }) => {
            return Err(format!("{}, {error}", lines.display()));
        }
        imported => told(imported)?,
    };
    match imported {
        Some(imported) => describe("imported to", to, imported),
        None => Ok(false),
    }
}

fn describe(what: &str, to: &Path, exported: Exported) -> Result<bool, String> {
    print(&format_args!(
        "{what} {}: {} appends, {} cursors\n",
        to.display(),
        exported.appends,
        exported.cursors
    ))?;
    Ok(true)
}
