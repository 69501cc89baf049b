//! Every row of a transactions file ends in exactly one class, and nothing is dropped in silence.

use std::fs;
use std::path::PathBuf;

use mercato_sim::data::{Dataset, ReadLimits, RowClass, read_transactions};
use tempfile::TempDir;

const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

/// A handmade file with at least one row of each class.
const ROWS: &str = r#"
500001,10001,"Lamp, ""Dune""",2,2024-05-01 09:00:00,2.50,77,France
500001,10002B,Rug ,1,2024-05-01 09:00:00,10.0,77,France
500001,10001,"Lamp, ""Dune""",3,2024-05-01 09:01:00,2.50,77,France
500002,10001,lamp?,1,2024-05-01 10:00:00,2.75,,Norway
500002,10001,lamp?,1,2024-05-01 10:00:00,2.75,,Norway
C500003,10001,Lamp,-2,2024-05-02 10:00:00,2.50,77,France
500004,POST,Postage,1,2024-05-02 10:00:00,4.00,77,France
500004,gift_0001_10,Voucher,1,2024-05-02 10:00:00,10.00,77,France
500004,1000,Too short a code,1,2024-05-02 10:00:00,10.00,77,France
500005,10002B,damaged,-5,2024-05-02 10:00:00,0.0,,France
500006,10001, ,4,2024-05-02 10:00:00,0.0,,France
500007,10001,Lamp,4,2024-05-02 10:00:00,0.00,,France
500008,10001,Lamp,4,2024-05-02 10:00:00,-1.00,,France
500009,10001,Lamp,4,2024-05-02 10:00:00,0.001,,France
500010,10001,Lamp,10001,2024-05-02 10:00:00,2.50,,France
500011,10001,Lamp,two,2024-05-02 10:00:00,2.50,,France
500012,10001,Lamp,2,2024-13-02 10:00:00,2.50,,France
500013,10001,Lamp,2,2024-05-02 10:00:00,"2,50",,France
500014,10001,Lamp,2
500015,10001,Lamp,0,2024-05-02 10:00:00,2.50,,France
500016,10002B,Rug,10000,5/31/2024 8:26,9.99,78,France
"#;

fn write(content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sales.csv");
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn read(content: impl AsRef<[u8]>) -> Dataset {
    let (_folder, path) = write(content);
    read_transactions(&path, ReadLimits::default()).unwrap()
}

#[test]
fn each_row_falls_into_its_class() {
    let dataset = read(format!("{HEADER}{ROWS}"));
    let counts: Vec<(RowClass, u64)> = dataset.rows.iter().collect();
    let expected = [
        (RowClass::Sale, 6),
        (RowClass::Cancelled, 1),
        (RowClass::NonProduct, 3),
        (RowClass::Returned, 1),
        (RowClass::EmptyDescription, 1),
        (RowClass::PriceZero, 1),
        (RowClass::PriceNegative, 1),
        (RowClass::PriceFraction, 1),
        (RowClass::QuantityAbsurd, 1),
        (RowClass::Malformed, 5),
    ];
    assert_eq!(counts, expected);
    assert_eq!(dataset.rows.read(), 21);
    assert_eq!(dataset.rows.skipped(), 15);
    assert_eq!(dataset.rows.exact_duplicates, 1);
    let malformed: Vec<u64> = dataset
        .rows
        .first_malformed
        .iter()
        .map(|row| row.row)
        .collect();
    assert_eq!(
        malformed,
        [17, 18, 19, 20, 21],
        "rows are counted with the header as row 1"
    );
    assert_eq!(
        dataset.rows.first_malformed[3].reason,
        "has 4 fields, not 8"
    );
}

#[test]
fn products_and_baskets_are_the_sum_of_their_sales() {
    let dataset = read(format!("{HEADER}{ROWS}"));
    let [lamp, rug] = &dataset.products[..] else {
        unreachable!("two products were sold")
    };
    assert_eq!(
        (lamp.stock_code.as_str(), lamp.description.as_str()),
        ("10001", r#"Lamp, "Dune""#)
    );
    assert_eq!(
        (lamp.price_minor, lamp.sale_lines, lamp.units_sold),
        (250, 4, 7)
    );
    assert_eq!(
        (rug.stock_code.as_str(), rug.description.as_str()),
        ("10002B", "Rug")
    );
    assert_eq!(
        (rug.price_minor, rug.sale_lines, rug.units_sold),
        (999, 2, 10_001)
    );

    let baskets: Vec<_> = dataset
        .baskets
        .iter()
        .map(|basket| {
            let lines: Vec<_> = dataset
                .lines(basket)
                .iter()
                .map(|line| (line.product, line.quantity))
                .collect();
            let country = dataset.countries[basket.country as usize].as_str();
            (basket.at.to_string(), basket.customer, country, lines)
        })
        .collect();
    let expected = [
        (
            "2024-05-01T09:00:00".to_owned(),
            Some(0),
            "France",
            vec![(0, 2), (1, 1), (0, 3)],
        ),
        (
            "2024-05-01T10:00:00".to_owned(),
            None,
            "Norway",
            vec![(0, 1), (0, 1)],
        ),
        (
            "2024-05-31T08:26:00".to_owned(),
            Some(1),
            "France",
            vec![(1, 10_000)],
        ),
    ];
    assert_eq!(baskets, expected);
    let span = dataset.span.unwrap();
    assert_eq!(
        (span.first, span.last),
        (dataset.baskets[0].at, dataset.baskets[2].at)
    );
}

#[test]
fn columns_are_found_by_name_and_others_ignored() {
    let dataset = read(
        "\u{feff}Country,Note,UnitPrice,InvoiceDate,Quantity,Description,CustomerID,StockCode,InvoiceNo\r\n\
         France,x,1.05,2024-05-01 09:00:00,2,Bowl,5,10003,600001\r\n",
    );
    assert_eq!(dataset.products[0].price_minor, 105);
    assert_eq!(dataset.countries, ["France"]);
}

#[test]
fn content_and_not_the_name_says_whether_a_file_is_compressed() {
    let plain = format!("{HEADER}{ROWS}");
    let compressed = read(zstd::encode_all(plain.as_bytes(), 3).unwrap());
    assert_eq!(compressed.rows, read(&plain).rows);
}

#[test]
fn the_report_is_a_table() {
    let table = read(format!("{HEADER}{ROWS}")).rows.to_string();
    assert!(
        table.starts_with("rows read                                       21\n"),
        "{table}"
    );
    assert!(
        table.contains("\n  cancelled invoice                              1\n"),
        "{table}"
    );
    assert!(
        table.contains("malformed: row 17: Quantity \"two\" is not a whole number"),
        "{table}"
    );
}

#[test]
fn the_sample_is_a_small_shop() {
    let sample = Dataset::sample().unwrap();
    assert_eq!(sample.products.len(), 60);
    assert!(
        (250..=400).contains(&sample.baskets.len()),
        "{}",
        sample.baskets.len()
    );
    assert_eq!(sample.rows.of(RowClass::Malformed), 0);
    for class in [
        RowClass::Cancelled,
        RowClass::NonProduct,
        RowClass::Returned,
        RowClass::PriceZero,
    ] {
        assert!(sample.rows.of(class) > 0, "{class:?}");
    }
    assert!(
        sample
            .products
            .iter()
            .all(|product| product.price_minor > 0)
    );
}
