//! Sessions, as files hold them.
//!
//! `.txt`: in the training file a session a line, its products separated by spaces; in the test file
//! a prefix a line, a tabulator, the product that was clicked next, and whatever follows after a
//! further tabulator. `.tsv`: both files have a click a line, with the header `SessionId`, `ItemId`,
//! `Time`; sessions are put into the order of their last clicks.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use mercato_actors::Sku;

use super::RecommendDataError;

/// The largest file that is read, uncompressed.
pub(super) const FILE_BYTES_MAX: u64 = 1 << 30;
/// The most clicks that a line may hold.
const LINE_CLICKS_MAX: usize = 10_000;

/// One question of the test: the clicks of a session so far, oldest first, and the next one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Question {
    pub(super) prefix: Vec<Sku>,
    pub(super) next: Sku,
}

/// A set, as it was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Set {
    pub(super) name: String,
    pub(super) train: Vec<Vec<Sku>>,
    pub(super) test: Vec<Question>,
}

/// Two files that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    name: String,
    is_tsv: bool,
    train: PathBuf,
    test: PathBuf,
}

/// The pairs of files in a folder and in its folder `sessions`, by name.
pub(super) fn pairs(folder: &Path) -> Vec<Pair> {
    let mut found = BTreeMap::new();
    for folder in [folder.join("sessions"), folder.to_owned()] {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let file = path.file_name().and_then(|name| name.to_str());
            let plain = file.map(|name| name.strip_suffix(".zst").unwrap_or(name));
            let Some((name, kind)) = plain.and_then(|plain| plain.split_once("_train.")) else {
                continue;
            };
            if !["txt", "tsv"].contains(&kind) {
                continue;
            }
            let test = folder.join(format!("{name}_test.{kind}"));
            let packed = folder.join(format!("{name}_test.{kind}.zst"));
            let Some(test) = [test, packed].into_iter().find(|path| path.is_file()) else {
                continue;
            };
            let pair = Pair {
                name: name.to_owned(),
                is_tsv: kind == "tsv",
                train: path.clone(),
                test,
            };
            found.insert((name.to_owned(), kind.to_owned()), pair);
        }
    }
    found.into_values().collect()
}

impl Pair {
    pub(super) fn read(&self) -> Result<Set, RecommendDataError> {
        let (train, test) = if self.is_tsv {
            let test = clicks(&self.test)?;
            let questions = test.iter().flat_map(|session| questions(session));
            (clicks(&self.train)?, questions.collect())
        } else {
            (sessions(&self.train)?, prefixes(&self.test)?)
        };
        let file = if train.iter().all(|session| session.len() < 2) {
            &self.train
        } else if test.is_empty() {
            &self.test
        } else {
            return Ok(Set {
                name: self.name.clone(),
                train,
                test,
            });
        };
        Err(RecommendDataError::Empty { file: file.clone() })
    }
}

/// Every prefix of a session asks for the click after it.
fn questions(session: &[Sku]) -> impl Iterator<Item = Question> {
    (1..session.len()).map(|length| Question {
        prefix: session[..length].to_vec(),
        next: session[length].clone(),
    })
}

fn sessions(file: &Path) -> Result<Vec<Vec<Sku>>, RecommendDataError> {
    let text = text(file)?;
    let lines = text.lines().zip(1..);
    let filled = lines.filter(|(line, _)| !line.trim().is_empty());
    filled
        .map(|(line, number)| products(line, file, number))
        .collect()
}

fn prefixes(file: &Path) -> Result<Vec<Question>, RecommendDataError> {
    let text = text(file)?;
    let mut questions = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        if line.trim().is_empty() {
            continue;
        }
        let mut parts = line.split('\t');
        let (Some(prefix), Some(next)) = (parts.next(), parts.next()) else {
            let problem =
                "no tabulator between the clicks and the next click; separate them by one";
            return Err(refused(file, number, problem.to_owned()));
        };
        let prefix = products(prefix, file, number)?;
        if prefix.is_empty() {
            let problem = "no click before the next one; leave the line out".to_owned();
            return Err(refused(file, number, problem));
        }
        let next = product(next.trim(), file, number)?;
        questions.push(Question { prefix, next });
    }
    Ok(questions)
}

fn clicks(file: &Path) -> Result<Vec<Vec<Sku>>, RecommendDataError> {
    let text = text(file)?;
    let mut lines = text.lines().zip(1..);
    let header = lines.next().map_or("", |(line, _)| line);
    let names: Vec<&str> = header.split('\t').collect();
    let column = |name: &str| {
        let place = names.iter().position(|column| *column == name);
        place.ok_or_else(|| {
            let problem = format!("no column {name}; the header is SessionId, ItemId, Time");
            refused(file, 1, problem)
        })
    };
    let (session, item, time) = (column("SessionId")?, column("ItemId")?, column("Time")?);
    let mut sessions: BTreeMap<&str, Vec<(f64, Sku)>> = BTreeMap::new();
    for (line, number) in lines {
        let values: Vec<&str> = line.split('\t').collect();
        let value = |place: usize| {
            let value = values.get(place).copied();
            value.ok_or_else(|| refused(file, number, "a value is missing; add it".to_owned()))
        };
        let at: f64 = value(time)?.parse().map_err(|_| {
            let problem = "the time is no number; give it in seconds".to_owned();
            refused(file, number, problem)
        })?;
        let click = (at, product(value(item)?, file, number)?);
        sessions.entry(value(session)?).or_default().push(click);
    }
    let mut ordered: Vec<_> = sessions.into_values().collect();
    for session in &mut ordered {
        session.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    let last = |session: &[(f64, Sku)]| session.last().map_or(0.0, |(at, _)| *at);
    ordered.sort_by(|a, b| last(a).total_cmp(&last(b)));
    let plain = ordered.into_iter();
    Ok(plain
        .map(|session| session.into_iter().map(|(_, sku)| sku).collect())
        .collect())
}

fn products(line: &str, file: &Path, number: usize) -> Result<Vec<Sku>, RecommendDataError> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.len() > LINE_CLICKS_MAX {
        let problem = format!("more than {LINE_CLICKS_MAX} clicks; split the session");
        return Err(refused(file, number, problem));
    }
    let words = words.into_iter();
    words.map(|word| product(word, file, number)).collect()
}

fn product(word: &str, file: &Path, number: usize) -> Result<Sku, RecommendDataError> {
    Sku::new(word).map_err(|error| refused(file, number, error.to_string()))
}

fn refused(file: &Path, line: usize, problem: String) -> RecommendDataError {
    RecommendDataError::Line {
        file: file.to_owned(),
        line,
        problem,
    }
}

fn text(file: &Path) -> Result<String, RecommendDataError> {
    let mut bytes = Vec::new();
    let mut read = || {
        let plain = File::open(file)?;
        let limit = FILE_BYTES_MAX + 1;
        if file.extension().is_some_and(|extension| extension == "zst") {
            let plain = zstd::Decoder::new(plain)?;
            plain.take(limit).read_to_end(&mut bytes)
        } else {
            plain.take(limit).read_to_end(&mut bytes)
        }
    };
    let unreadable = |cause: io::Error| RecommendDataError::Unreadable {
        file: file.to_owned(),
        cause,
    };
    let size = read().map_err(unreadable)?;
    if size as u64 > FILE_BYTES_MAX {
        let file = file.to_owned();
        return Err(RecommendDataError::TooLarge { file });
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        refused(file, line, "no text in utf-8; convert the file".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sku(name: &str) -> Sku {
        Sku::new(name).expect("a sku")
    }

    /// Catches: a line that is guessed at or skipped, and a line number that is off by one.
    #[test]
    fn a_line_that_does_not_fit_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &[u8]| {
            std::fs::write(folder.path().join(name), text).expect("a file");
        };
        let problem = || {
            let pair = pairs(folder.path()).remove(0);
            pair.read().expect_err("refused").to_string()
        };
        write("a_train.txt", b"1 2\n\n3 4\n");
        write("a_test.txt", b"1\t2\t77\n1 2\n");
        assert!(
            problem().contains("a_test.txt, line 2: no tabulator"),
            "{}",
            problem()
        );
        write("a_test.txt", b"1\t2\n\t2\n");
        assert!(
            problem().contains("line 2: no click before"),
            "{}",
            problem()
        );
        write("a_train.txt", b"1 2\n3 a/b\n");
        assert!(
            problem().contains("a_train.txt, line 2: sku holds"),
            "{}",
            problem()
        );
        write("a_train.txt", b"1 2\n3 \xff\n");
        assert!(
            problem().contains("line 2: no text in utf-8"),
            "{}",
            problem()
        );
        write("a_train.txt", b"1\n");
        write("a_test.txt", b"1\t2\n");
        assert!(
            problem().contains("holds no session of two clicks"),
            "{}",
            problem()
        );
    }

    /// Catches: clicks in the order of the file, and sessions in that of their names.
    #[test]
    fn clicks_are_put_into_the_order_of_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("a file");
        };
        write(
            "b_train.tsv",
            "SessionId\tItemId\tTime\n1\tx\t9\n2\ty\t4.0\n1\tz\t8\n2\tw\t5\n",
        );
        write(
            "b_test.tsv",
            "SessionId\tItemId\tTime\n7\tx\t11\n7\tz\t10\n7\tw\t12\n",
        );
        let set = pairs(folder.path()).remove(0).read().expect("a set");
        assert_eq!(set.train, [[sku("y"), sku("w")], [sku("z"), sku("x")]]);
        assert_eq!(set.test.len(), 2);
        assert_eq!(set.test[1].prefix, [sku("z"), sku("x")]);
        assert_eq!(set.test[1].next, sku("w"));
        write("b_test.tsv", "SessionId\tItemId\tTime\n7\tx\tnoon\n");
        let refused = pairs(folder.path()).remove(0).read().expect_err("refused");
        assert!(
            refused
                .to_string()
                .contains("line 2: the time is no number"),
            "{refused}"
        );
    }
}
