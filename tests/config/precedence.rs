//! The environment goes before the file, the file before the defaults, and each value says whose it
//! is.

use mercato::actors::ShopConfig;
use mercato::config::{Key, Origin};

use super::{is_read, read_under};

/// Catches: a file that beats the environment, an override that takes its whole section with it, and
/// an origin that is not the one that counted.
#[test]
fn the_environment_goes_before_the_file_and_the_file_before_the_default() {
    let text =
        "[journal]\nreplies_max = 5_000\ncommit_time_max = \"30ms\"\n\n[caches.store_reads]\n";
    let loaded = read_under(
        text,
        &[
            ("MERCATO__JOURNAL__REPLIES_MAX", "6000"),
            ("MERCATO__JOURNAL__CHECK_ON_OPEN", "false"),
            ("MERCATO__CACHES__STORE_READS__FRESH", "5s"),
            ("MERCATO__CACHES__KNOWLEDGE_BASE__BYTES_MAX", "1MiB"),
            ("MERCATO__AGENTS__ORDER__COMMAND_MAX", "none"),
            ("MERCATO__SHOP__INVENTORY__LEAD_TIME", "\"3d\""),
        ],
    )
    .expect("it is read");
    let config = &loaded.config;
    assert_eq!(config.journal.replies_max, 6_000);
    assert_eq!(config.journal.commit_time_max.as_millis(), 30);
    assert!(!config.journal.check_on_open);
    let caches = &config.caches;
    assert_eq!(caches.by_name.len(), 2);
    assert_eq!(caches.of("store_reads").fresh.as_secs(), 5);
    assert_eq!(caches.of("knowledge_base").bytes_max, 1 << 20);
    assert_eq!(config.agents.order.command_max, None);
    assert_eq!(config.shop.inventory.lead_time.as_secs(), 3 * 86_400);
    assert_eq!(loaded.said(), (1, 6));

    let origin = |key: &str| loaded.origin(&Key::dotted(key)).to_string();
    assert_eq!(
        origin("journal.replies_max"),
        "environment MERCATO__JOURNAL__REPLIES_MAX"
    );
    assert_eq!(origin("journal.commit_time_max"), "shop.toml:3:1");
    assert_eq!(
        loaded.origin(&Key::dotted("journal.replies_keep")),
        Origin::Default
    );

    let shown = loaded.show();
    for line in [
        "replies_max = 6000                                # environment MERCATO__JOURNAL__REPLIES_MAX",
        "commit_time_max = \"30ms\"                          # shop.toml:3",
        "replies_keep = \"30d\"                              # default",
        "group_bytes_max = \"4 MiB\"                         # default",
        "command_max = \"none\"                              # environment MERCATO__AGENTS__ORDER__COMMAND_MAX",
    ] {
        assert!(
            shown.lines().any(|shown| shown == line),
            "{line}\nis not in\n{shown}"
        );
    }
}

/// Catches: a section that loses its own defaults, and gets those of its type, when one of its keys
/// is said.
#[test]
fn a_key_that_is_said_leaves_the_others_of_its_section_as_they_are() {
    let loaded = is_read(
        "[agents.recommendation.intensity]\nperiod = \"20s\"\n\n\
         [shop.marketing.quiet_hours]\nuntil_hour = 7\n\n\
         [policies.ports.payments.network_timeout]\nattempts_max = 2\n",
    );
    let defaults = ShopConfig::default();
    let recommendation = &loaded.config.agents.recommendation;
    assert_eq!(recommendation.intensity.restarts_max, 64);
    assert_eq!(recommendation.intensity.period.as_secs(), 20);
    assert_eq!(
        recommendation.snapshot_every_events,
        defaults.agents.recommendation.snapshot_every_events
    );
    let mut marketing = loaded.config.shop.marketing.clone();
    assert_ne!(marketing, defaults.shop.marketing);
    marketing.quiet_hours = defaults.shop.marketing.quiet_hours.clone();
    assert_eq!(marketing, defaults.shop.marketing);
    let payments = &loaded.config.policies.ports["payments"];
    assert_eq!(
        payments.network_timeout.fallbacks,
        defaults.policies.default.network_timeout.fallbacks
    );
    assert_eq!(payments.service_unavailable.attempts_max, 5);
}

/// Catches: names of variables that are taken for keys in the case in which they are written.
#[test]
fn names_that_the_file_chose_are_found_whatever_their_case() {
    let text = "[shop.order.tax]\nGB = 2000\nFR = 2000\n";
    let loaded = read_under(text, &[("MERCATO__SHOP__ORDER__TAX__GB", "1750")]).expect("read");
    let tax: Vec<_> = loaded
        .config
        .shop
        .order
        .tax
        .iter()
        .map(|(country, rate)| (country.as_str().to_owned(), rate.get()))
        .collect();
    assert_eq!(tax, [("FR".to_owned(), 2_000), ("GB".to_owned(), 1_750)]);
}
