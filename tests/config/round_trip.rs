//! What is shown reads as the same.

use mercato::actors::ShopConfig;
use mercato::config::{Sources, described, load};
use proptest::prelude::*;

use super::{is_read, read};

#[track_caller]
pub(super) fn shown_reads_as_the_same(config: &mercato::config::Loaded<ShopConfig>) {
    let shown = config.show();
    let again = load::<ShopConfig>(&Sources::text("shown.toml", &*shown));
    let again = again.unwrap_or_else(|error| panic!("{shown}\n{error}"));
    assert_eq!(again.config, config.config, "{shown}");
}

/// Catches: a value that is shown in a form that is not read, or as another one.
#[test]
fn the_defaults_and_a_full_file_are_shown_as_they_are() {
    shown_reads_as_the_same(&is_read(""));
    shown_reads_as_the_same(&is_read(
        r#"
[caches]

[policies.ports."payments"]
rate_limiting.limit = { calls = 5, per = "1m 30s", burst_calls = 2 }
service_unavailable.breaker.window = { seconds = 30 }
network_timeout.fallbacks = []

[shop.recommendation]
pinned = ["MUG-1", "A\"B", "C'D"]

[agents.support]
command_max = "none"
mailbox.key_max = 7
"#,
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Catches: a unit that rounds, a key that is left out of what is shown, an order of tables that
    /// TOML reads otherwise.
    #[test]
    fn any_valid_configuration_is_shown_as_it_is(
        picks in prop::collection::vec((any::<prop::sample::Index>(), 0.0f64..=1.0), 1..6),
    ) {
        let keys: Vec<_> = described::<ShopConfig>()
            .into_iter()
            .filter(|it| it.measured && !it.key.to_string().contains(".limit.") && !it.key.to_string().contains(".window."))
            .collect();
        let mut text = String::new();
        let mut said = std::collections::BTreeSet::new();
        for (pick, at) in picks {
            let it = pick.get(&keys);
            let name = if it.key.to_string().contains("tax") { "FR" } else { "mail" };
            let key = it.key.to_string().replace("NAME", name);
            if said.insert(key.clone()) {
                let (min, max) = (it.min.as_ref().expect("a range"), it.max.as_ref().expect("a range"));
                text.push_str(&format!("{key} = {}\n", between(min, max, at)));
            }
        }
        // Some of them contradict each other, and are refused.
        if let Ok(loaded) = read(&text) {
            prop_assert_eq!(loaded.said().0, said.len());
            shown_reads_as_the_same(&loaded);
        }
    }
}

/// A value in the range.
fn between(min: &str, max: &str, at: f64) -> String {
    #[allow(clippy::cast_possible_truncation, reason = "any value will do")]
    let whole = |min: i128, max: i128| min + ((max - min) as f64 * at) as i128;
    if min.starts_with('"') {
        let nanos = |text: &str| -> i128 {
            let text = text.trim_matches('"');
            let split = text.find(|c: char| c.is_alphabetic()).expect("a unit");
            let (number, unit) = text.split_at(split);
            let unit = match unit {
                "d" => 86_400_000_000_000,
                "h" => 3_600_000_000_000,
                "m" => 60_000_000_000,
                "s" => 1_000_000_000,
                "ms" => 1_000_000,
                other => panic!("{other}"),
            };
            number.parse::<i128>().expect("a number") * unit
        };
        return format!("\"{}ns\"", whole(nanos(min), nanos(max)));
    }
    if min.contains('.') {
        return format!("{at:?}");
    }
    let end = |text: &str| text.parse::<i128>().expect("a whole number");
    whole(end(min), end(max)).to_string()
}
