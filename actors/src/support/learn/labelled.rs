//! Reads texts with their labels: a CSV file whose header names the columns.
//!
//! Of the columns, the first one that is called `text`, `utterance`, `query` or `question` holds the
//! text, and the first one that is called `intent`, `label` or `category` the label; others are left
//! alone. What does not fit is refused as a whole, with the first lines that do not: a model that
//! was trained on half a file looks like one that was trained.

use std::collections::BTreeMap;
use std::io::Read;

/// The longest file, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// The most examples.
const EXAMPLES_MAX: usize = 1_000_000;
/// The longest text, in bytes.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// The longest label, in bytes.
const LABEL_BYTES_MAX: usize = 64;
/// The most labels.
pub(super) const LABELS_MAX: usize = 1_024;
/// So many lines that do not fit are named.
const NAMED_MAX: usize = 3;

/// The label of what no other label fits.
pub const OUT_OF_SCOPE: &str = "oos";

/// A text, and what it was labelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// The text.
    pub text: String,
    /// Its label: [`OUT_OF_SCOPE`] for a text that no label fits.
    pub label: String,
}

/// Why a file of labelled texts cannot be learnt from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelledError {
    /// It cannot be read.
    #[error("the labelled texts cannot be read: {0}; check the path and the rights")]
    Io(#[from] std::io::Error),
    /// It is too large.
    #[error("the file is larger than {} MiB; take a sample of it", FILE_BYTES_MAX >> 20)]
    TooLarge,
    /// There is no header, or not the columns that are needed.
    #[error(
        "the header `{found}` names no column for {missing}; call one of them {}",
        one_of(.missing)
    )]
    Header {
        /// What stands in the first line.
        found: String,
        /// What is missing: `texts` or `labels`.
        missing: &'static str,
    },
    /// Lines that do not fit.
    #[error("{count} lines cannot be used, among them {named}; mend or remove them")]
    Lines {
        /// How many.
        count: usize,
        /// The first ones, with what is wrong.
        named: String,
    },
    /// There is nothing to tell apart.
    #[error(
        "the file has {examples} texts of {labels} labels beside `{OUT_OF_SCOPE}`; \
         give at least two labels with two texts each"
    )]
    TooFew {
        /// How many texts there are.
        examples: usize,
        /// How many labels.
        labels: usize,
    },
    /// There are too many.
    #[error(
        "the file has more than {EXAMPLES_MAX} texts or {LABELS_MAX} labels; take a sample of it"
    )]
    TooMany,
}

const TEXT_COLUMNS: [&str; 4] = ["text", "utterance", "query", "question"];
const LABEL_COLUMNS: [&str; 3] = ["intent", "label", "category"];

fn one_of(missing: &str) -> String {
    let names: &[&str] = if missing == "texts" {
        &TEXT_COLUMNS
    } else {
        &LABEL_COLUMNS
    };
    names.join(", ")
}

/// Reads labelled texts from CSV.
///
/// # Errors
/// When it cannot be read, has no header, is too large, or holds lines that do not fit.
pub fn read_labelled(from: impl Read) -> Result<Vec<Labelled>, LabelledError> {
    // One byte more than is allowed tells a file that is too large from one that just fits.
    let mut bytes = Vec::new();
    from.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(LabelledError::TooLarge);
    }
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(&*bytes);
    let header = match reader.byte_headers() {
        Ok(header) => header.clone(),
        Err(error) => return Err(std::io::Error::other(error.to_string()).into()),
    };
    let text_at = column(&header, &TEXT_COLUMNS, "texts")?;
    let label_at = column(&header, &LABEL_COLUMNS, "labels")?;
    let mut examples = Vec::new();
    let mut labels: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Wrong::default();
    for record in reader.byte_records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => return Err(std::io::Error::other(error.to_string()).into()),
        };
        let line = record.position().map_or(0, csv::Position::line);
        match labelled(record.get(text_at), record.get(label_at)) {
            Err(problem) => wrong.add(line, problem),
            Ok(example) => {
                if !labels.contains_key(&example.label) && labels.len() > LABELS_MAX {
                    return Err(LabelledError::TooMany);
                }
                *labels.entry(example.label.clone()).or_default() += 1;
                examples.push(example);
            }
        }
        if examples.len() > EXAMPLES_MAX {
            return Err(LabelledError::TooMany);
        }
    }
    if wrong.count > 0 {
        return Err(LabelledError::Lines {
            count: wrong.count,
            named: wrong.named.join(", "),
        });
    }
    Ok(examples)
}

#[derive(Default)]
struct Wrong {
    count: usize,
    named: Vec<String>,
}

impl Wrong {
    fn add(&mut self, line: u64, problem: &str) {
        self.count += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push(format!("line {line} ({problem})"));
        }
    }
}

fn labelled(text: Option<&[u8]>, label: Option<&[u8]>) -> Result<Labelled, &'static str> {
    let field = |bytes: Option<&[u8]>, missing: &'static str| {
        let text = std::str::from_utf8(bytes.ok_or(missing)?).map_err(|_| "no UTF-8")?;
        let text = text.trim();
        if text.is_empty() {
            Err(missing)
        } else {
            Ok(text.to_owned())
        }
    };
    let text = field(text, "no text")?;
    let label = field(label, "no label")?;
    if text.len() > TEXT_BYTES_MAX {
        return Err("the text is longer than 64 KiB");
    }
    if label.len() > LABEL_BYTES_MAX || label.chars().any(char::is_control) {
        return Err("the label is longer than 64 bytes, or no plain text");
    }
    Ok(Labelled { text, label })
}

fn column(
    header: &csv::ByteRecord,
    names: &[&str],
    missing: &'static str,
) -> Result<usize, LabelledError> {
    let called = |field: &[u8]| {
        let field = String::from_utf8_lossy(field);
        let field = field.trim().trim_start_matches('\u{feff}').to_lowercase();
        names.contains(&field.as_str())
    };
    header.iter().position(called).ok_or_else(|| {
        let fields: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
        LabelledError::Header {
            found: fields.join(",").chars().take(60).collect(),
            missing,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &[u8]) -> String {
        read_labelled(text).expect_err("refused").to_string()
    }

    /// Catches: columns that are taken by their place.
    #[test]
    fn columns_are_known_by_their_names() {
        let file = "category,Text\ncard_arrival,\"Where, please, is my card?\"\noos,hm\n";
        let read = read_labelled(file.as_bytes()).expect("it reads");
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].text, "Where, please, is my card?");
        assert_eq!(read[1].label, OUT_OF_SCOPE);
    }

    /// Catches: a broken file that is learnt from as far as it goes, and an error that does not say
    /// where.
    #[test]
    fn a_file_that_does_not_fit_is_refused_with_its_lines() {
        assert!(refused(b"").contains("names no column for texts"));
        assert!(refused(b"text,other\nx,y\n").contains("intent, label, category"));
        let broken = b"text,label\nfine,a\nno label,\n,b\n\xff\xfe,c\nalone\n";
        let told = refused(broken);
        assert!(told.starts_with("4 lines cannot be used"), "{told}");
        assert!(
            told.contains("line 3 (no label), line 4 (no text), line 5 (no UTF-8)"),
            "{told}"
        );
        let long = format!("text,label\n{},a\n", "x".repeat(TEXT_BYTES_MAX + 1));
        assert!(refused(long.as_bytes()).contains("64 KiB"));
    }

    /// Catches: labels without end.
    #[test]
    fn labels_are_bounded() {
        let mut file = "text,label\n".to_owned();
        for n in 0..LABELS_MAX + 2 {
            file.push_str(&format!("t,l{n}\n"));
        }
        assert!(matches!(
            read_labelled(file.as_bytes()),
            Err(LabelledError::TooMany)
        ));
    }
}
