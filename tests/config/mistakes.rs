//! Everything that is wrong is told at once, with its place and a remedy.

use super::{is_read, lines, read, read_under};

/// Catches: a check that ends at the first mistake, one that forgets a kind of mistake, a wrong line
/// or column, and a message without its range.
#[test]
fn everything_that_is_wrong_is_told_at_once_with_place_range_and_remedy() {
    let text = r#"
[journal]
group_bytes_max = "128 MiB"
commit_time_max = 20
queue_byte_max = "8 MiB"
replies_max = "many"
check_on_open = "yes"

[jurnal]
replies_max = 1

[recovery]
time_max = "soon"

[agents.inventory]
shards = 0
mailbox = 7

[agents.inventry]
shards = 1

[policies.default.network_timeout]
fallbacks = ["cached_respons"]

[policies.ports.payments.rate_limiting.limit]
calls = 0
per = "1s"
burst_calls = 5

[caches.knowledge_base]
bytes_max = "1 KiB"

[[telemetry.alarms.alarms]]
name = "deep"
measure = { kind = "level", of = { metric = "mercato_depths" } }
comparison = "over"
threshold = 5
unit = "count"

[shop.order.tax]
GB = 2000
Germany = 1900

[shop.inventory]
season = [10000, 10000]

[shop.marketing]
exploration_floor = 1.5
quiet_hours.from_hour = 24
"#;
    let expected = [
        r#"shop.toml:3:19: journal.group_bytes_max is "128 MiB"; use a size, 1 to "64 MiB""#,
        r#"shop.toml:4:19: journal.commit_time_max is 20; a time has a unit, such as "20s"; use a time, "1ms" to "10s""#,
        "shop.toml:5:1: journal.queue_byte_max is not known; did you mean `queue_bytes_max`?",
        r#"shop.toml:6:15: journal.replies_max is "many"; use a whole number, 1 to 100,000,000"#,
        r#"shop.toml:7:17: journal.check_on_open is "yes"; use true or false"#,
        "shop.toml:9:2: jurnal is not known; did you mean `journal`?",
        r#"shop.toml:13:12: recovery.time_max is "soon"; use a time, "10ms" to "1h""#,
        "shop.toml:16:10: agents.inventory.shards is 0; use a whole number, 1 to 4,096",
        "shop.toml:17:11: agents.inventory.mailbox is 7; use a table",
        "shop.toml:19:9: agents.inventry is not known; did you mean `inventory`?",
        r#"shop.toml:23:14: policies.default.network_timeout.fallbacks[0] is "cached_respons"; did you mean "cached_response"? use one of "cached_response", "alternative_service", "error_message", "queue_request", "re_authenticate""#,
        "shop.toml:26:9: policies.ports.payments.rate_limiting.limit.calls is 0; use a whole number, 1 to 1,000,000",
        r#"shop.toml:31:13: caches.knowledge_base.bytes_max is "1 KiB"; use a size, "4 KiB" to "1 TiB""#,
        r#"shop.toml:36:14: telemetry.alarms.alarms[0].comparison is "over"; use one of "above", "below""#,
        "shop.toml:42:1: shop.order.tax.Germany cannot be used: ",
        "shop.toml:45:10: shop.inventory.season has 2 items; write 12 of them",
        "shop.toml:48:21: shop.marketing.exploration_floor is 1.5; use a number, 0 to 1",
        "shop.toml:49:25: shop.marketing.quiet_hours.from_hour is 24; use a whole number, 0 to 23",
    ];
    let told = lines(read(text));
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}\ninstead of\n{expected}");
    }
    assert_eq!(told.len(), expected.len(), "{}", told.join("\n"));
}

/// Catches: values that cannot hold together and are accepted, or drawn into order in silence.
#[test]
fn values_that_contradict_each_other_are_refused() {
    let text = r#"
[journal]
queue_bytes_max = "512 KiB"
record_bytes_max = "2 MiB"

[agents.order.mailbox]
capacity = 10
key_max = 11

[policies.default]
attempt_timeout = "2m"

[policies.ports.mail.service_unavailable.breaker]
open_first = "2m"
window = { calls = 3 }

[shop.marketing.segments]
recent = "200d"

[[telemetry.alarms.alarms]]
name = "deep"
measure = { kind = "level", of = { metric = "mercato_depths" } }
comparison = "above"
threshold = 5
unit = "count"
"#;
    let expected = [
        "shop.toml:3:1: journal.queue_bytes_max is 524288 bytes; the largest append has to fit",
        "shop.toml:8:1: agents.order.mailbox.key_max is 11; one key cannot have more places",
        "shop.toml:11:1: policies.default.attempt_timeout is 120s; choose at most call_budget",
        "shop.toml:13:42: policies.ports.mail.service_unavailable.breaker.calls_min is 5; choose at \
         most window.calls, which is 3",
        "shop.toml:14:1: policies.ports.mail.service_unavailable.breaker.open_first is 120s; choose",
        "shop.toml:17:17: shop.marketing.segments.gone is",
        "shop.toml:22:36: telemetry.alarms.alarms[0].measure.of.metric is \"mercato_depths\"; there is",
    ];
    let told = lines(read(text));
    assert_eq!(told.len(), expected.len(), "{}", told.join("\n"));
    for expected in expected {
        let found = told.iter().any(|told| told.starts_with(expected));
        assert!(found, "{expected}\nis not in\n{}", told.join("\n"));
    }
}

/// Catches: a mistake that follows from another one, and hides it.
#[test]
fn what_follows_from_a_mistake_is_not_told_as_another() {
    // Were the wrong value taken for its default, the queue would be too small for it.
    let told = lines(read(
        "[journal]\nqueue_bytes_max = \"512 KiB\"\nrecord_bytes_max = \"256 KBB\"\n",
    ));
    assert_eq!(told.len(), 1, "{}", told.join("\n"));
    assert!(
        told[0].starts_with("shop.toml:3:20: journal.record_bytes_max"),
        "{}",
        told[0]
    );
    // Nor is `calls` missing, since it is there.
    let told = lines(read(
        "[policies.default.rate_limiting]\nlimit = { calls = -1, per = \"1s\", burst_calls = 1 }\n",
    ));
    assert_eq!(told.len(), 1, "{}", told.join("\n"));
    assert!(told[0].contains("limit.calls is -1"), "{}", told[0]);
}

/// Catches: a table with a key left out that is taken anyway, or refused without saying which.
#[test]
fn what_has_to_be_said_is_asked_for() {
    let told = lines(read(
        "[policies.default.rate_limiting]\nlimit = { calls = 5, per = \"1s\" }\n",
    ));
    assert_eq!(told.len(), 1, "{}", told.join("\n"));
    assert!(
        told[0].starts_with("shop.toml:2:1: policies.default.rate_limiting.limit")
            && told[0].contains("burst_calls"),
        "{}",
        told[0]
    );
}

/// Catches: mistakes of the environment that are told alone, or that are passed over.
#[test]
fn the_environment_is_held_to_the_same_rules() {
    let told = lines(read_under(
        "[flows]\npanics_max = 0\n",
        &[
            ("MERCATO__JOURNAL__REPLIES_MAX", "0"),
            ("MERCATO__JOURNAL__REPLYS_MAX", "5"),
            ("MERCATO__JOURNAL", "5"),
            ("MERCATO__", "5"),
            ("MERCATO__SHOP__INVENTORY__SEASON", "[1, 2"),
            ("MERCATO__POLICIES__PORTS__MAIL__ATTEMPT_TIMEOUT", "1y"),
            ("MERCATO_LOG", "info"),
            ("HOME", "/nowhere"),
        ],
    ));
    let expected = [
        "shop.toml:2:14: flows.panics_max is 0; use",
        "environment MERCATO__: ",
        "environment MERCATO__JOURNAL: journal is 5; use a table",
        "environment MERCATO__JOURNAL__REPLIES_MAX: journal.replies_max is 0; use a",
        "environment MERCATO__JOURNAL__REPLYS_MAX: journal.replys_max is not known; did you mean \
         `REPLIES_MAX`?",
        "environment MERCATO__POLICIES__PORTS__MAIL__ATTEMPT_TIMEOUT: \
         policies.ports.mail.attempt_timeout is \"1y\"; use a time",
        "environment MERCATO__SHOP__INVENTORY__SEASON: shop.inventory.season is no value; use a list",
    ];
    assert_eq!(told.len(), expected.len(), "{}", told.join("\n"));
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}\ninstead of\n{expected}");
    }
}

/// Catches: one way to write a value that is refused, or read as another value.
#[test]
fn times_sizes_and_numbers_are_read_in_each_of_their_forms() {
    let loaded = is_read(
        r#"
[journal]
group_bytes_max = 1_048_576
queue_bytes_max = "0.5 GiB"
record_bytes_max = 0x10_0000
commit_time_max = "0.5s"
replies_keep = "4 weeks 2 days"

[agents.order]
command_max = "none"
snapshot_every_events = 16
mailbox.key_max = "none"

[policies.default.service_unavailable.breaker.window]
seconds = 60

[shop.marketing]
exploration_floor = 1
"#,
    );
    let journal = &loaded.config.journal;
    assert_eq!(journal.group_bytes_max, 1 << 20);
    assert_eq!(journal.queue_bytes_max, 512 << 20);
    assert_eq!(journal.record_bytes_max, 1 << 20);
    assert_eq!(journal.commit_time_max.as_millis(), 500);
    assert_eq!(journal.replies_keep.as_secs(), 30 * 86_400);
    let order = &loaded.config.agents.order;
    assert_eq!(order.command_max, None);
    assert_eq!(order.snapshot_every_events.map(u64::from), Some(16));
}
