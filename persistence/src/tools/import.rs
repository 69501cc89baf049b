//! A journal made of an export.

use std::collections::HashMap;
use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::Arc;

use super::error::ToolError;
use super::export::Exported;
use super::line::{AppendLine, CursorLine, End, FORMAT, Header, LINE_BYTES_MAX, Line, VERSION};
use super::new_file::NewFile;
use crate::block::Link;
use crate::front::Head;
use crate::record::{Mark, Position, Recorded};
use crate::stored::encode_append;

/// The largest append that any journal takes.
const RECORD_BYTES_MAX: usize = 16 << 20;
/// No export has more subscribers.
const CURSORS_MAX: usize = 100_000;

/// Builds the journal that [`export`](super::export()) wrote, in a new file at `to`. Exported
/// again, it gives the same lines. Where the streams stand is kept in memory while it works.
///
/// # Errors
/// See [`ToolError`]. A line that does not fit is named by its number; there is no file at `to`
/// then that was not there before.
pub fn import(input: impl BufRead, to: impl AsRef<Path>) -> Result<Exported, ToolError> {
    let mut lines = Lines::new(input);
    lines.header()?;
    let mut import = Import {
        file: NewFile::begin(to.as_ref())?,
        heads: HashMap::new(),
        replies_from: Position::START.next(),
        cursors: Vec::new(),
    };
    loop {
        let line = lines.next()?.ok_or_else(|| {
            lines.refuse(
                "the export ends here without its last line, so it was cut short; export it again",
            )
        })?;
        let taken = match line {
            Line::Header(_) => Err("a second header; import one export at a time".into()),
            Line::RepliesFrom(position) => import.replies_from(position),
            Line::Append(line) => import.append(line, &lines)?,
            Line::Cursor(cursor) => import.cursor(cursor),
            Line::End(end) => match import.end(&end) {
                Ok(()) => break,
                Err(what) => Err(what),
            },
        };
        taken.map_err(|what| lines.refuse(what))?;
    }
    if lines.next()?.is_some() {
        return Err(lines.refuse("something follows the last line; import one export at a time"));
    }
    let exported = Exported {
        appends: import.file.last().get(),
        cursors: import.cursors.len() as u64,
    };
    import.file.finish(import.cursors)?;
    Ok(exported)
}

struct Import {
    file: NewFile,
    heads: HashMap<Arc<str>, Head>,
    replies_from: Position,
    cursors: Vec<(Box<str>, Position)>,
}

impl Import {
    fn replies_from(&mut self, position: Position) -> Result<(), String> {
        self.replies_from = position;
        Ok(())
    }

    /// The outer error is not the line's.
    fn append<R>(
        &mut self,
        line: AppendLine,
        lines: &Lines<R>,
    ) -> Result<Result<(), String>, ToolError> {
        let expected = self.file.last().next();
        let position = line.position;
        if position != expected {
            return Ok(Err(format!(
                "position {position} follows {}, so lines are missing or out of order; export again",
                self.file.last()
            )));
        }
        let version_before = line.version_before;
        let append = match line.into_append() {
            Ok(append) => append,
            Err(what) => return Ok(Err(what)),
        };
        let head = self.heads.entry(append.stream.clone()).or_default();
        if head.version != version_before {
            return Ok(Err(format!(
                "stream `{}` goes on from version {version_before}, but it is at {}; lines were changed or left out, so export again",
                append.stream, head.version
            )));
        }
        if !append.timers.is_empty() && append.stream.contains('\0') {
            return Ok(Err(format!(
                "the stream {:?} has a zero byte in its name and cannot carry timers, and no journal has such an append; export again",
                append.stream
            )));
        }
        let bytes = encode_append(&append).map_err(|error| lines.refuse(error))?;
        if bytes.len() > RECORD_BYTES_MAX {
            return Ok(Err(format!(
                "the append has {} bytes, and the largest that a journal takes has {RECORD_BYTES_MAX}; split it",
                bytes.len()
            )));
        }
        let open = append.mark.map_or(head.open, |mark| mark == Mark::Open);
        let link = Link {
            previous: head.last,
            open,
        };
        let recorded = Recorded {
            position,
            version_before,
            append,
        };
        *head = Head {
            version: recorded.version_after(),
            last: position,
            open,
        };
        self.file
            .record(&recorded, bytes, link, self.replies_from)?;
        Ok(Ok(()))
    }

    fn cursor(&mut self, CursorLine { name, position }: CursorLine) -> Result<(), String> {
        let last = self.file.last();
        if position > last {
            return Err(format!(
                "cursor `{name}` stands at position {position}, beyond the last append at {last}; export again"
            ));
        }
        if self
            .cursors
            .last()
            .is_some_and(|(before, _)| *before >= name)
        {
            return Err(format!(
                "cursor `{name}` is out of order or there twice; keep one line for each, by name"
            ));
        }
        if self.cursors.len() >= CURSORS_MAX {
            return Err(format!("more than {CURSORS_MAX} cursors; remove some"));
        }
        self.cursors.push((name, position));
        Ok(())
    }

    fn end(&self, end: &End) -> Result<(), String> {
        let found = End {
            appends: self.file.last().get(),
            cursors: self.cursors.len() as u64,
        };
        if *end == found {
            return Ok(());
        }
        Err(format!(
            "the last line counts {} appends and {} cursors, but {} and {} came before it; export again",
            end.appends, end.cursors, found.appends, found.cursors
        ))
    }
}

/// The lines of an export, counted.
struct Lines<R> {
    input: R,
    number: u64,
    text: Vec<u8>,
}

impl<R> Lines<R> {
    fn refuse(&self, what: impl std::fmt::Display) -> ToolError {
        ToolError::Line {
            line: self.number,
            what: what.to_string(),
        }
    }
}

impl<R: BufRead> Lines<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            number: 0,
            text: Vec::new(),
        }
    }

    /// Reads the header. It is looked at by itself: one of a later version may have other fields.
    fn header(&mut self) -> Result<(), ToolError> {
        #[derive(serde::Deserialize)]
        struct FirstLine {
            header: Header,
        }
        let is_there = self.read()?;
        let header = match serde_json::from_slice::<FirstLine>(&self.text) {
            Ok(first) if is_there && first.header.format == FORMAT => first.header,
            _ => {
                self.number = 1;
                let header = format!(r#"{{"header":{{"format":"{FORMAT}","version":{VERSION}}}}}"#);
                return Err(self.refuse(format_args!(
                    "this is no export of a journal; the first line of one is {header}"
                )));
            }
        };
        if header.version == VERSION {
            return Ok(());
        }
        Err(self.refuse(format_args!(
            "the export has version {}, and this mercato reads version {VERSION}; use the one that wrote it",
            header.version
        )))
    }

    fn next(&mut self) -> Result<Option<Line>, ToolError> {
        if !self.read()? {
            return Ok(None);
        }
        let line = serde_json::from_slice(&self.text);
        line.map(Some).map_err(|error| {
            // Only the place is told: serde_json quotes what it found, which may be a person's.
            let what = match error.classify() {
                serde_json::error::Category::Data => {
                    "a field is missing, unknown or of another kind"
                }
                _ => "it is no JSON object",
            };
            self.refuse(format_args!(
                "{what} (column {}); this is not what an export writes, so export again",
                error.column()
            ))
        })
    }

    /// Reads the next line. `false` at the end.
    fn read(&mut self) -> Result<bool, ToolError> {
        self.text.clear();
        let mut bounded = (&mut self.input).take(LINE_BYTES_MAX as u64 + 1);
        let read = bounded
            .read_until(b'\n', &mut self.text)
            .map_err(ToolError::Input)?;
        self.number += 1;
        if read > LINE_BYTES_MAX {
            return Err(self.refuse(format_args!(
                "the line is longer than {LINE_BYTES_MAX} bytes, which no export writes; export again"
            )));
        }
        self.text.pop_if(|end| *end == b'\n');
        Ok(read > 0)
    }
}
