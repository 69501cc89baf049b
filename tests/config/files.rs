//! What is no configuration file is refused as a whole.

use std::fs;
use std::path::Path;

use mercato::actors::ShopConfig;
use mercato::config::{FILE_BYTES_MAX, Sources, load};

use super::lines;
use super::read;

#[track_caller]
fn refused(path: &Path) -> String {
    let read = load::<ShopConfig>(&Sources::file(path));
    let error = read.expect_err("it is refused").to_string();
    assert!(error.starts_with(&path.display().to_string()), "{error}");
    error
}

/// Catches: a folder that is opened, a file that is read without a bound, text that is guessed at.
#[test]
fn what_is_no_text_file_of_this_size_is_refused_with_a_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a file");
        path
    };
    let missing = refused(&folder.path().join("none.toml"));
    assert!(
        missing.contains("name a configuration file that can be read"),
        "{missing}"
    );
    let of_folder = refused(folder.path());
    assert!(
        of_folder.contains("is a folder; name a configuration file"),
        "{of_folder}"
    );
    let latin = refused(&file("latin.toml", b"[journal]\n# caf\xe9\n"));
    assert!(
        latin.contains("line 2, column 6 is no UTF-8 text; save the file as UTF-8"),
        "{latin}"
    );
    let ten_megabytes = file("large.toml", &vec![b'#'; 10 << 20]);
    let large = refused(&ten_megabytes);
    assert!(large.contains("is larger than 1 MiB"), "{large}");

    let mut just_fits = b"[journal]\n# ".to_vec();
    just_fits.resize(usize::try_from(FILE_BYTES_MAX).expect("a size"), b'x');
    assert!(load::<ShopConfig>(&Sources::file(file("fits.toml", &just_fits))).is_ok());
}

/// Catches: an empty file that is an error, and a byte order mark that is.
#[test]
fn a_file_that_says_nothing_is_the_defaults() {
    for text in [
        "",
        "\n",
        "# nothing\n",
        "[journal]\n",
        "\u{feff}[journal]\n",
    ] {
        let loaded = read(text).expect("it is read");
        assert_eq!(loaded.config, ShopConfig::default(), "{text:?}");
        assert_eq!(loaded.said(), (0, 0));
    }
}

/// Catches: a parser that ends at the first line that it does not understand, and a second value of
/// one key that is taken in silence.
#[test]
fn every_line_that_is_no_toml_is_told() {
    let text = "[journal]\n\
                replies_max = \n\
                check_on_open = true\n\
                check_on_open = false\n\
                [recovery\n\
                [flows]\n\
                panics_max = 0\n";
    let told = lines(read(text));
    let at = |place: &str| {
        let found = told.iter().find(|line| line.starts_with(place));
        found
            .unwrap_or_else(|| panic!("nothing at {place} in\n{}", told.join("\n")))
            .clone()
    };
    at("shop.toml:2:");
    let doubled = at("shop.toml:4:1");
    assert!(doubled.contains("duplicate key"), "{doubled}");
    at("shop.toml:5:");
    let range = at("shop.toml:7:");
    assert!(
        range.contains("flows.panics_max is 0; use a whole number, 1 to 100"),
        "{range}"
    );
}

/// Catches: a nesting that ends the process, and a file of mistakes that is told without end.
#[test]
fn nesting_and_mistakes_have_a_bound() {
    let deep = format!("a = {}1{}", "[".repeat(20_000), "]".repeat(20_000));
    assert!(read(&deep).is_err());
    let many: String = (0..5_000).map(|n| format!("unknown_{n} = 1\n")).collect();
    let error = read(&many).expect_err("it is refused").to_string();
    assert!(
        error.starts_with("the configuration has 5000 mistakes"),
        "{error}"
    );
    assert!(
        error.ends_with("and 4900 more; mend these first"),
        "{error}"
    );
    assert_eq!(error.lines().count(), 102);
}
