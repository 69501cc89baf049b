//! Values as people write and read them: times, sizes, numbers, quoted text.

use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use jiff::{Span, SpanRelativeTo};

/// Longer texts are no time and no size.
const TEXT_BYTES_MAX: usize = 64;

/// Reads `30s`, `20 ms`, `1h 30m`, `7d`. A day has 24 hours.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let span = Span::from_str(text).ok()?;
    let signed = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(signed).ok()
}

/// The shortest text that reads as this time.
pub(crate) fn duration_text(duration: Duration) -> String {
    const UNITS: [(u128, &str); 7] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ];
    let mut rest = duration.as_nanos();
    let mut parts = Vec::new();
    for (nanos, unit) in UNITS {
        if rest >= nanos {
            parts.push(format!("{}{unit}", rest / nanos));
            rest %= nanos;
        }
    }
    if parts.is_empty() {
        return "0s".to_owned();
    }
    parts.join(" ")
}

/// Reads `64 MiB`, `1.5 GB`, `4096`.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    Some(ByteSize::from_str(text).ok()?.as_u64())
}

/// The largest unit that the size is a whole multiple of; none where it is of none.
pub(crate) fn bytes_text(bytes: u64) -> Option<String> {
    const UNITS: [(u32, &str); 4] = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let (shift, unit) = UNITS
        .into_iter()
        .find(|(shift, _)| bytes > 0 && bytes.trailing_zeros() >= *shift)?;
    Some(format!("{} {unit}", bytes >> shift))
}

/// A whole number with its thousands apart: `1,000,000`.
pub(crate) fn grouped(number: i128) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    if number < 0 {
        text.push('-');
    }
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A text in quotes, as JSON and TOML both read it.
pub(crate) fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.replace('\u{7f}', "\\u007F")
}

/// The beginning of a text, on one line, for a message.
pub(crate) fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    let line = text.lines().next().unwrap_or_default().trim();
    let mut short: String = line.chars().take(CHARS_MAX).collect();
    if short.len() < text.trim().len() {
        short.push_str("...");
    }
    short
}

/// The known word that was probably meant.
pub(crate) fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Below this two words have little in common.
    const LIKENESS_MIN: f64 = 0.75;
    let word = word.to_ascii_lowercase();
    known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&word, known), known))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Catches: a unit read as another one, and what is no time taken for one.
    #[test]
    fn times_and_sizes_are_read_as_people_write_them() {
        let of = Duration::from_millis;
        for (text, millis) in [
            ("20ms", 20),
            ("20 ms", 20),
            ("1h 30m", 5_400_000),
            ("30d", 2_592_000_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Some(of(millis)), "{text}");
        }
        for nonsense in ["", "30", "soon", "-5s", "2 months", "1e9s"] {
            assert_eq!(duration(nonsense), None, "{nonsense}");
        }
        assert_eq!(bytes("64 MiB"), Some(64 << 20));
        assert_eq!(bytes("1 MB"), Some(1_000_000));
        assert_eq!(bytes("-1 MB"), None);
        assert_eq!(bytes("many"), None);
        assert_eq!(grouped(-1_234_567), "-1,234,567");
    }

    /// Catches: a suggestion for everything, and none for a slip of the finger.
    #[test]
    fn only_a_likely_word_is_suggested() {
        let known = ["group_bytes_max", "queue_bytes_max", "check_on_open"];
        assert_eq!(closest("queue_byte_max", known), Some("queue_bytes_max"));
        assert_eq!(closest("colour", known), None);
    }

    proptest! {
        /// Catches: a unit left out, or a remainder lost.
        #[test]
        fn what_is_shown_reads_as_the_same(nanos in 0u64..10_000_000_000_000_000_000, size in any::<u64>()) {
            let time = Duration::from_nanos(nanos);
            prop_assert_eq!(duration(&duration_text(time)), Some(time));
            if let Some(text) = bytes_text(size) {
                prop_assert_eq!(bytes(&text), Some(size));
            }
        }
    }
}
