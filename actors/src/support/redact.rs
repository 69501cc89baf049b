//! Takes out of a text what tells who somebody is, for whatever leaves the house or is looked at by
//! people who need not know.
//!
//! What is found: addresses of mail, telephone numbers, card numbers (ISO/IEC 7812, by Luhn's check
//! digit), account numbers (IBAN, ISO 13616, by their remainder), British postcodes, and streets
//! with a number as English and German write them. Names are not: no pattern tells them from other
//! words. So texts are sealed all the same, and this is a second line.
//!
//! Too much is taken rather than too little: an order number that looks like a telephone number
//! goes, too.

use std::borrow::Cow;

use regex::{Captures, Regex};

/// What stands in the place of a text that cannot be looked through.
const WITHHELD: &str = "[withheld]";

/// What is looked for, in this order: what is longer first, so that no part of it is taken for
/// something else.
const RULES: [(Kind, &str); 6] = [
    (Kind::Mail, r"[\p{L}0-9._%+'-]+@[\p{L}0-9.-]+\.\p{L}{2,}"),
    (
        Kind::Account,
        r"(?i)\b[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,4})?\b",
    ),
    (Kind::Card, r"\b[0-9](?:[ -]{0,2}[0-9]){12,18}\b"),
    (
        Kind::Phone,
        r"(?:\+|\b00?)[1-9](?:[ ()./-]{0,3}[0-9]){6,14}\b|\(0?[0-9]{2,5}\)(?:[ ./-]{0,2}[0-9]){5,9}\b|\b[0-9]{3}[ .-][0-9]{3,4}[ .-][0-9]{3,4}\b",
    ),
    (
        Kind::Address,
        r"(?i)\b[0-9]{1,5}[a-z]?,? (?:[\p{L}'’-]+ ){1,4}(?:street|road|avenue|lane|drive|court|square|boulevard|close|place|terrace|gardens|crescent|st|rd|ave|ln|blvd)\b\.?|\b\p{L}+(?:straße|strasse|str\.|gasse|allee|platz|weg) [0-9]{1,5}[a-z]?\b",
    ),
    (
        Kind::Address,
        r"(?i)\b[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}\b",
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mail,
    Account,
    Card,
    Phone,
    Address,
}

impl Kind {
    const fn label(self) -> &'static str {
        match self {
            Self::Mail => "[email]",
            Self::Account => "[account]",
            Self::Card => "[card]",
            Self::Phone => "[phone]",
            Self::Address => "[address]",
        }
    }

    /// Whether what looks like it is it, where a check digit tells.
    fn holds(self, found: &str) -> bool {
        match self {
            Self::Card => luhn(found),
            Self::Account => remainder_of_account(found) == 1,
            Self::Mail | Self::Phone | Self::Address => true,
        }
    }
}

/// Takes personal data out of texts.
#[derive(Debug, Clone)]
pub struct Redactor {
    /// `None` where a pattern could not be built; then nothing is let through.
    rules: Option<Vec<(Kind, Regex)>>,
}

impl Default for Redactor {
    fn default() -> Self {
        let rules = RULES.iter().map(|(kind, pattern)| {
            let pattern = Regex::new(pattern).ok()?;
            Some((*kind, pattern))
        });
        Self {
            rules: rules.collect(),
        }
    }
}

impl Redactor {
    /// The text without what tells who somebody is: a word in brackets stands for each.
    ///
    /// ```
    /// let redactor = mercato_actors::Redactor::default();
    /// let text = "I am at ada@example.org, my card is 4111 1111 1111 1111";
    /// assert_eq!(redactor.redact(text), "I am at [email], my card is [card]");
    /// ```
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(rules) = &self.rules else {
            return Cow::Borrowed(WITHHELD);
        };
        let mut redacted = Cow::Borrowed(text);
        for (kind, pattern) in rules {
            let replaced = match pattern.replace_all(&redacted, |found: &Captures<'_>| {
                let found = found.get(0).map_or("", |whole| whole.as_str());
                match kind.holds(found) {
                    true => kind.label().to_owned(),
                    false => found.to_owned(),
                }
            }) {
                Cow::Owned(replaced) => Some(replaced),
                Cow::Borrowed(_) => None,
            };
            if let Some(replaced) = replaced {
                redacted = Cow::Owned(replaced);
            }
        }
        redacted
    }
}

/// Luhn's check (US patent 2950048, ISO/IEC 7812-1): every second digit from the right is doubled,
/// and the digits of all of it sum to a multiple of ten.
fn luhn(text: &str) -> bool {
    let digits = text.chars().rev().filter_map(|c| c.to_digit(10));
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| match place % 2 {
            0 => digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// ISO 7064, MOD 97-10: the first four characters go to the end, letters count as 10 to 35; what
/// is right leaves 1.
fn remainder_of_account(text: &str) -> u32 {
    let characters: Vec<char> = text.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let (country, rest) = characters.split_at(characters.len().min(4));
    rest.iter().chain(country).fold(0, |remainder, c| {
        let value = c.to_digit(36).unwrap_or(0);
        let shift = if value > 9 { 100 } else { 10 };
        (remainder * shift + value) % 97
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a pattern that does not build, after which nothing would be let through.
    #[test]
    fn what_tells_who_somebody_is_is_taken_out() {
        let redactor = Redactor::default();
        let cases = [
            (
                "write to Ada.Lovelace+shop@mail.example.co.uk now",
                "write to [email] now",
            ),
            ("jürgen@münchen.example", "[email]"),
            (
                "my card 4111-1111-1111-1111 was charged",
                "my card [card] was charged",
            ),
            ("5500005555555559", "[card]"),
            (
                "IBAN DE89 3704 0044 0532 0130 00, please",
                "IBAN [account], please",
            ),
            ("call +44 20 7946 0958", "call [phone]"),
            ("call 020 7946 0958 today", "call [phone] today"),
            ("call (555) 123-4567", "call [phone]"),
            ("call 555-123-4567", "call [phone]"),
            (
                "I live at 221b Baker Street, London NW1 6XE",
                "I live at [address], London [address]",
            ),
            ("Lindenstraße 12a in Bonn", "[address] in Bonn"),
        ];
        for (text, expected) in cases {
            assert_eq!(redactor.redact(text), expected, "{text}");
        }
    }

    /// Catches: a filter that leaves nothing to read.
    #[test]
    fn what_is_about_the_goods_stays() {
        let redactor = Redactor::default();
        for text in [
            "where is my order 536365, I paid 24.99 on 12/01/2026",
            "2 mugs of 300 ml and 10 towels",
            // Sixteen digits without the check digit of a card.
            "tracking 4111111111111112",
            "order A-17",
            "注文はどこですか",
            "",
        ] {
            assert_eq!(redactor.redact(text), text);
        }
    }

    /// Catches: a pattern whose time grows faster than its text.
    #[test]
    fn a_text_of_a_megabyte_is_looked_through() {
        let redactor = Redactor::default();
        let huge = "1 a".repeat(1 << 18) + " ada@example.org";
        assert!(redactor.redact(&huge).ends_with("[email]"));
    }

    /// Catches: text that leaves where it could not be looked through.
    #[test]
    fn what_cannot_be_looked_through_is_withheld() {
        let redactor = Redactor { rules: None };
        assert_eq!(redactor.redact("ada@example.org"), WITHHELD);
    }

    #[test]
    fn check_digits_are_those_of_the_standards() {
        // The example of Luhn's patent and the IBAN registry's of Germany and Britain.
        assert!(luhn("79927398713"));
        assert!(!luhn("79927398714"));
        assert_eq!(remainder_of_account("GB29 NWBK 6016 1331 9268 19"), 1);
        assert_ne!(remainder_of_account("GB29 NWBK 6016 1331 9268 18"), 1);
    }
}
