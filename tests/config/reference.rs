//! The reference is made of the code, and the documents hold it.

use mercato::actors::ShopConfig;
use mercato::config::{Described, Key, described, reference};

use super::{is_read, problems, read};

/// Catches: a key that nobody described, a number without a range, and a value that has neither a
/// default nor a reason to have none.
#[test]
fn every_key_is_described_with_its_range_and_its_default() {
    let described = described::<ShopConfig>();
    assert!(
        described.len() > 150,
        "only {} keys were found",
        described.len()
    );
    let mut lacking = Vec::new();
    for it in &described {
        let key = it.key.to_string();
        // What a list in a map holds is said of the map.
        if it.text.is_empty() && !key.ends_with(".NAME") {
            lacking.push(format!("{key} is not described"));
        }
        if it.measured && (it.min.is_none() || it.max.is_none()) {
            lacking.push(format!("{key} has no range"));
        }
        // A rate has to be said in whole, or not at all; so has the window, a country's tax, what is
        // restricted in a place, and what orders and stock cost.
        let in_whole = [
            ".limit.",
            ".window.",
            "order.tax",
            ".restricted_in.",
            "inventory.costs.",
        ];
        if it.default.is_none() && !in_whole.iter().any(|it| key.contains(it)) {
            lacking.push(format!("{key} has no default"));
        }
    }
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
}

/// Catches: a doc comment whose default is no longer that of the code.
#[test]
fn defaults_in_doc_comments_are_those_of_the_code() {
    let mut compared = 0;
    for it in described::<ShopConfig>() {
        // An agent's intensity is another one than that of any supervisor.
        if it.key.to_string().contains(".intensity.") {
            continue;
        }
        let said = it.doc.to_lowercase();
        let Some((_, said)) = said.rsplit_once("default") else {
            continue;
        };
        let said: String = said
            .trim_start_matches(|c: char| !c.is_ascii_digit())
            .chars()
            .take_while(|c| c.is_ascii_digit() || ",. _".contains(*c))
            .filter(char::is_ascii_digit)
            .collect();
        let Some(default) = it.default.filter(|_| it.measured && !said.is_empty()) else {
            continue;
        };
        let digits: String = default.chars().filter(char::is_ascii_digit).collect();
        // A share is said in percent, a minute in seconds, and a clear price with its point.
        let same = [1u64, 60, 3_600, 86_400, 100].iter().any(|factor| {
            let (said, digits) = (said.parse::<u64>(), digits.parse::<u64>());
            match (said, digits) {
                (Ok(said), Ok(digits)) => {
                    said == digits || digits * factor == said || said * factor == digits
                }
                _ => false,
            }
        });
        assert!(
            same,
            "{} is {default}, and its doc comment says: {}",
            it.key, it.doc
        );
        compared += 1;
    }
    assert!(compared > 60, "only {compared} were compared");
}

/// Catches: a range in the reference that is not the one that is checked, at either end.
#[test]
fn the_ranges_that_are_documented_are_those_that_are_checked() {
    let mut checked = 0;
    for it in described::<ShopConfig>().iter().filter(|it| it.measured) {
        let key = named(&it.key);
        let ends = [(&it.min, -1), (&it.max, 1)];
        for (end, beyond) in ends {
            let end = end.as_ref().expect("a range");
            let out = problems(read(&format!("{key} = {}\n", further(it, end, beyond))));
            assert!(
                out.iter()
                    .any(|it| it.key == key && it.remedy.contains("use ")),
                "{key}: {} is accepted, or refused without a remedy: {out:?}",
                further(it, end, beyond)
            );
            // The end itself may contradict another value, but lies in the range.
            let text = format!("{key} = {end}\n");
            let in_range = match read(&text) {
                Ok(_) => true,
                Err(error) => !error.to_string().contains(&format!("{key} is {end}; use ")),
            };
            assert!(in_range, "{text} is out of its range");
            checked += 1;
        }
    }
    assert!(checked > 200, "only {checked} ends were looked at");
}

/// Catches: a policy's range that says one thing to the file and another one to the code.
#[test]
fn a_policy_that_the_code_accepts_is_one_that_the_file_accepts() {
    for it in described::<ShopConfig>().iter().filter(|it| it.measured) {
        let key = named(&it.key);
        if !key.to_string().starts_with("policies.default.") {
            continue;
        }
        for end in [&it.min, &it.max].into_iter().flatten() {
            let refused = read(&format!("{key} = {end}\n")).err();
            let refused = refused.map(|it| it.to_string()).unwrap_or_default();
            // `choose 1 to 20` is what the code says of a range, and `choose at most` of another key.
            let of_key = refused
                .lines()
                .filter(|line| line.contains(&format!("{key} is")));
            let range = of_key
                .filter_map(|line| line.rsplit_once("; choose "))
                .find(|(_, remedy)| remedy.starts_with(|c: char| c.is_ascii_digit()));
            assert_eq!(range, None, "{key} = {end}");
        }
    }
}

/// Catches: a default in the reference that is not the code's, and a line of it that is no TOML.
#[test]
fn the_reference_read_as_a_file_is_the_defaults() {
    let reference = reference::<ShopConfig>();
    assert_eq!(is_read(&reference).said(), (0, 0));
    let said: String = reference
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let loaded = is_read(&said);
    assert_eq!(loaded.config, ShopConfig::default());
    assert!(loaded.said().0 > 150, "only {:?} were said", loaded.said());
}

/// Catches: documents that say something else than the code. `MERCATO_DOCS=write` writes them anew.
#[test]
fn the_document_holds_the_reference_as_the_code_gives_it() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/CONFIG.md");
    let document = std::fs::read_to_string(path).expect("docs/CONFIG.md");
    let (before, _) = document.split_once("```toml\n# --").expect("the reference");
    let now = format!(
        "{before}```toml\n# -- mercato config show --defaults --\n{}```\n",
        reference::<ShopConfig>()
    );
    if std::env::var_os("MERCATO_DOCS").is_some_and(|it| it == "write") {
        std::fs::write(path, now).expect("it is written");
        return;
    }
    assert!(
        document == now,
        "docs/CONFIG.md is not what the code says; write it anew with \
         `MERCATO_DOCS=write cargo test --test promises config`"
    );
}

/// A key with a name in place of the one that whoever writes it chooses.
fn named(key: &Key) -> Key {
    let name = if key.to_string().contains("tax") {
        "FR"
    } else {
        "payments"
    };
    Key::dotted(&key.to_string().replace("NAME", name))
}

/// A value a little beyond the end of a range.
fn further(it: &Described, end: &str, beyond: i64) -> String {
    let text = end.trim_matches('"');
    if end.starts_with('"') {
        return match (beyond, text) {
            (-1, "0s") => "\"-1s\"".to_owned(),
            (-1, _) => "\"0s\"".to_owned(),
            _ => format!("\"{text} 1ns\""),
        };
    }
    if it.expected.starts_with("a number") {
        let end: f64 = text.parse().expect("a number");
        return format!("{:?}", end + if beyond < 0 { -0.5 } else { 0.5 });
    }
    (text.parse::<i128>().expect("a whole number") + i128::from(beyond)).to_string()
}
