//! Each way in which a transactions file can be wrong has its own error, which names the file, the
//! row, what was wrong and how to mend it.

use std::fs;
use std::path::Path;

use mercato_sim::data::{DataError, ReadLimits, read_transactions};
use proptest::prelude::*;

const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
const ROW: &str = "500001,10001,Lamp,2,2024-05-01 09:00:00,2.50,77,France";

/// Reads a file of this content, expects this error, and each of these parts in its message.
#[track_caller]
fn check(content: impl AsRef<[u8]>, limits: ReadLimits, is: fn(&DataError) -> bool, says: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sales.csv");
    fs::write(&path, content).unwrap();
    check_path(&path, limits, is, says);
}

#[track_caller]
fn check_path(path: &Path, limits: ReadLimits, is: fn(&DataError) -> bool, says: &[&str]) {
    let Err(error) = read_transactions(path, limits) else {
        panic!("it was read")
    };
    assert!(is(&error), "{error:?}");
    let message = error.to_string();
    assert!(
        message.starts_with(&path.display().to_string()),
        "{message}"
    );
    for part in says {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

fn no_limits_changed() -> ReadLimits {
    ReadLimits::default()
}

#[test]
fn a_missing_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nowhere.csv");
    check_path(
        &path,
        no_limits_changed(),
        |e| matches!(e, DataError::Missing { .. }),
        &["no such file", "check the path"],
    );
}

#[test]
fn a_directory() {
    let folder = tempfile::tempdir().unwrap();
    check_path(
        folder.path(),
        no_limits_changed(),
        |e| matches!(e, DataError::Directory { .. }),
        &["is a directory"],
    );
}

#[test]
fn a_path_the_system_refuses() {
    // Below a file there can be no file; unlike permissions, this is refused to root too.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    let path = folder.path().join("file/sales.csv");
    check_path(
        &path,
        no_limits_changed(),
        |e| matches!(e, DataError::Unreadable { .. }),
        &["cannot be read", "permissions"],
    );
}

#[test]
fn an_empty_file_and_a_header_alone() {
    let is = |e: &DataError| matches!(e, DataError::Empty { .. });
    check("", no_limits_changed(), is, &["is empty"]);
    check(format!("{HEADER}\n"), no_limits_changed(), is, &["no rows"]);
}

#[test]
fn a_spreadsheet_or_another_archive() {
    let is = |e: &DataError| matches!(e, DataError::OtherFormat { .. });
    check(
        b"PK\x03\x04rest",
        no_limits_changed(),
        is,
        &["spreadsheet", "export"],
    );
    check(b"\x1f\x8b\x08rest", no_limits_changed(), is, &["gzip"]);
}

#[test]
fn wrong_columns() {
    check(
        "InvoiceNo;StockCode;Price\n1;2;3\n",
        no_limits_changed(),
        |e| matches!(e, DataError::WrongColumns { .. }),
        &[
            "row 1",
            "missing InvoiceNo,StockCode,",
            "found InvoiceNo;StockCode;Price",
            "separated by commas",
        ],
    );
}

#[test]
fn bytes_that_are_not_utf8() {
    let mut content = format!("{HEADER}\n{ROW}\n\n500002,10001,Lamp ").into_bytes();
    content.extend(b"\xA33 off,2,2024-05-01 09:00:00,2.50,77,France\n"); // a pound sign in ISO-8859-1
    check(
        content,
        no_limits_changed(),
        |e| matches!(e, DataError::NotUtf8 { .. }),
        &["row 3", "iconv -f ISO-8859-1"],
    );
}

#[test]
fn a_last_row_that_is_cut_off() {
    check(
        format!("{HEADER}\n{ROW}\n500002,10001,La"),
        no_limits_changed(),
        |e| matches!(e, DataError::Truncated { row: 3, .. }),
        &["row 3", "cut short", "too few fields", "download it again"],
    );
}

#[test]
fn a_compressed_stream_that_ends_early() {
    let rows: String = (0..5_000)
        .map(|n| {
            format!(
                "{n},10001,Lamp {},2,2024-05-01 09:00:00,2.50,,France\n",
                n * 7
            )
        })
        .collect();
    let mut compressed = zstd::encode_all(format!("{HEADER}\n{rows}").as_bytes(), 3).unwrap();
    compressed.truncate(compressed.len() / 2);
    check(
        compressed,
        no_limits_changed(),
        |e| matches!(e, DataError::Truncated { .. }),
        &["row ", "the compressed stream ends early"],
    );
}

#[test]
fn a_compressed_stream_that_is_damaged() {
    let mut compressed = zstd::encode_all(format!("{HEADER}\n{ROW}\n").as_bytes(), 3).unwrap();
    compressed[5..9].fill(0xFF);
    check(
        compressed,
        no_limits_changed(),
        |e| matches!(e, DataError::Damaged { .. }),
        &["row 1", "cannot be read on"],
    );
}

#[test]
fn a_quote_that_is_never_closed() {
    let rest = format!("{ROW}\n").repeat(20_000);
    let limits = ReadLimits {
        row_bytes_max: 4_096,
        ..ReadLimits::default()
    };
    check(
        format!("{HEADER}\n{ROW}\n500002,10001,\"Lamp,2\n{rest}"),
        limits,
        |e| {
            matches!(
                e,
                DataError::RowTooLong {
                    row: 3,
                    bytes_max: 4_096,
                    ..
                }
            )
        },
        &["row 3", "longer than 4096 bytes", "never closed"],
    );
}

#[test]
fn a_row_just_over_the_limit() {
    let limits = ReadLimits {
        row_bytes_max: 100,
        ..ReadLimits::default()
    };
    let long = format!(
        "500002,10001,{},2,2024-05-01 09:00:00,2.50,77,France",
        "x".repeat(80)
    );
    check(
        format!("{HEADER}\n{ROW}\n{long}\n{ROW}\n"),
        limits,
        |e| matches!(e, DataError::RowTooLong { row: 3, .. }),
        &[],
    );
}

#[test]
fn too_many_rows() {
    let limits = ReadLimits {
        rows_max: 2,
        ..ReadLimits::default()
    };
    check(
        format!("{HEADER}\n{ROW}\n{ROW}\n{ROW}\n"),
        limits,
        |e| matches!(e, DataError::TooManyRows { rows_max: 2, .. }),
        &["more than 2 rows", "split the file"],
    );
}

#[test]
fn too_many_malformed_rows() {
    let bad = "500002,10001,Lamp,many,2024-05-01 09:00:00,2.50,77,France";
    let content = format!("{HEADER}\n{ROW}\n{}", format!("{bad}\n").repeat(11));
    check(
        content,
        no_limits_changed(),
        |e| {
            matches!(
                e,
                DataError::TooManyMalformed {
                    malformed: 11,
                    malformed_max: 10,
                    ..
                }
            )
        },
        &[
            "row 3",
            "Quantity \"many\"",
            "11 of 12 rows",
            "mend or remove",
        ],
    );
}

#[test]
fn a_tenth_of_malformed_rows_in_a_long_file() {
    let bad = "500002,10001,Lamp,2,yesterday,2.50,77,France";
    let content = format!(
        "{HEADER}\n{}{}",
        format!("{ROW}\n").repeat(1_800),
        format!("{bad}\n").repeat(200)
    );
    check(
        content,
        no_limits_changed(),
        |e| {
            matches!(
                e,
                DataError::TooManyMalformed {
                    malformed_max: 20,
                    ..
                }
            )
        },
        &["row 1802", "InvoiceDate \"yesterday\""],
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_content_makes_the_reader_panic(tail in proptest::collection::vec(any::<u8>(), 0..400)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sales.csv");
        fs::write(&path, [format!("{HEADER}\n{ROW}\n").as_bytes(), &tail].concat()).unwrap();
        let _ = read_transactions(&path, ReadLimits::default());
    }
}
