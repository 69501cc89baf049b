//! Decimal text to integer minor units, exactly: no float ever holds money.

/// Largest believable unit price: ten thousand million in major units. Totals over baskets of such
/// prices still fit an `i64`.
const PRICE_MINOR_MAX: i64 = 1_000_000_000_000;

/// What a price field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Price {
    /// A whole number of minor units (pence).
    Minor(i64),
    /// A number that is no whole count of minor units, such as `0.001`. It is not rounded: a price
    /// of nothing, or ten times the price, would be an invention.
    FractionOfMinor,
}

/// Reads `[-]digits[.digits]`, or says why it is no price.
pub(super) fn parse_price(text: &str) -> Result<Price, &'static str> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err("ends in a decimal point"),
        Some(parts) => parts,
        None => (digits, ""),
    };
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return Err("is not a decimal number");
    }
    let (pence, beyond) = fraction.split_at(fraction.len().min(2));
    let minor = format!("{whole}{pence:0<2}")
        .parse::<i64>()
        .ok()
        .filter(|minor| *minor <= PRICE_MINOR_MAX)
        .ok_or("is larger than any price")?;
    if beyond.bytes().any(|digit| digit != b'0') {
        return Ok(Price::FractionOfMinor);
    }
    Ok(Price::Minor(if negative { -minor } else { minor }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimal_text_becomes_whole_pence() {
        for (text, minor) in [
            ("2.55", 255),
            ("2.1", 210),
            ("3", 300),
            ("0.0", 0),
            ("0.29", 29), // 28 when it goes through a float
            ("1.500", 150),
            ("-11062.06", -1_106_206),
            ("10000000000.00", PRICE_MINOR_MAX),
        ] {
            assert_eq!(parse_price(text), Ok(Price::Minor(minor)), "{text}");
        }
    }

    #[test]
    fn fractions_of_a_penny_are_told_not_rounded() {
        for text in ["0.001", "-0.005", "1.2345"] {
            assert_eq!(parse_price(text), Ok(Price::FractionOfMinor), "{text}");
        }
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for text in [
            "",
            "-",
            ".",
            ".5",
            "5.",
            "1,5",
            "1.2.3",
            "1e3",
            "+1",
            "NaN",
            "£2",
            "10000000000.01",
            "99999999999999999999",
        ] {
            assert!(parse_price(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_amount_survives_writing_and_reading(minor in -PRICE_MINOR_MAX..=PRICE_MINOR_MAX) {
            let sign = if minor < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{:02}", minor.abs() / 100, minor.abs() % 100);
            prop_assert_eq!(parse_price(&text), Ok(Price::Minor(minor)));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = parse_price(&text);
        }
    }
}
