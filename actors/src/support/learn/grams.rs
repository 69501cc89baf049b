//! Cuts a text into hashed n-grams.
//!
//! Words and pairs of neighbours, and sequences of two to five characters within a word and its
//! edges. They are hashed into 2^18 buckets (Weinberger et al., "Feature Hashing for Large Scale
//! Multitask Learning", 2009), so that no dictionary has to be kept. Digits are one digit: an order
//! number says that there is one, and no more.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Buckets: 2^18.
pub(super) const BUCKETS: usize = 1 << 18;
/// So many words of a text count: the work on one has a bound, whatever its length.
const WORDS_MAX: usize = 512;
/// So many characters of a word count.
const WORD_CHARS_MAX: usize = 48;
/// The shortest and the longest sequence of characters.
const CHARS: std::ops::RangeInclusive<usize> = 2..=5;

/// Kinds of n-grams, which are hashed apart: the seeds of the hash.
const WORD: u64 = 1;
const WORD_PAIR: u64 = 2;
const CHARACTERS: u64 = 3;

/// The buckets of a text's n-grams: those of words, and those of characters. Each is as often there
/// as its n-gram.
#[derive(Debug, Default, Clone)]
pub(super) struct Grams {
    pub(super) words: Vec<u32>,
    pub(super) characters: Vec<u32>,
}

/// The n-grams of a text. Of a text without words there are none.
pub(super) fn grams(text: &str) -> Grams {
    let words = words(text);
    let mut grams = Grams::default();
    let mut joined = String::new();
    for word in &words {
        grams.words.push(bucket(WORD, word));
        of_characters(word, &mut grams.characters);
    }
    for pair in words.windows(2) {
        joined.clear();
        joined.extend([&pair[0], " ", &pair[1]]);
        grams.words.push(bucket(WORD_PAIR, &joined));
    }
    grams
}

/// Words of any script, in lower case, without apostrophes, each digit a zero.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’'))
        .filter_map(|word| {
            let letters = word.chars().filter(|c| c.is_alphanumeric());
            let lower = letters.flat_map(char::to_lowercase);
            let word: String = lower
                .map(|c| if c.is_numeric() { '0' } else { c })
                .take(WORD_CHARS_MAX)
                .collect();
            (!word.is_empty()).then_some(word)
        })
        .take(WORDS_MAX)
        .collect()
}

fn of_characters(word: &str, into: &mut Vec<u32>) {
    let edged = format!("^{word}$");
    let mut starts: Vec<usize> = edged.char_indices().map(|(at, _)| at).collect();
    starts.push(edged.len());
    for length in CHARS {
        for ends in starts.windows(length + 1) {
            into.push(bucket(CHARACTERS, &edged[ends[0]..ends[length]]));
        }
    }
}

fn bucket(kind: u64, gram: &str) -> u32 {
    const MASK: u64 = BUCKETS as u64 - 1;
    // Below 2^18, so nothing is cut off.
    #[allow(clippy::cast_possible_truncation)]
    let bucket = (xxh3_64_with_seed(gram.as_bytes(), kind) & MASK) as u32;
    bucket
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: kinds of n-grams that fall together, and edges that are lost.
    #[test]
    fn a_text_is_cut_into_words_pairs_and_characters() {
        let of = grams("Where's it?");
        assert_eq!(of.words.len(), 2 + 1);
        // `^wheres$` has 7 + 6 + 5 + 4 sequences, and `^it$` 3 + 2 + 1.
        assert_eq!(of.characters.len(), 22 + 6);
        assert_eq!(words("Order 17, é注文!"), ["order", "00", "é注文"]);
        assert!(grams("?! \u{200b} …").words.is_empty());
    }

    /// Catches: work that grows with the text without end.
    #[test]
    fn a_text_of_a_megabyte_costs_no_more_than_its_first_words() {
        let long = grams(&"order ".repeat(200_000));
        assert_eq!(long.words.len(), 2 * WORDS_MAX - 1);
        let wide = grams(&"x".repeat(1 << 20));
        assert_eq!(wide.words.len(), 1);
        assert!(wide.characters.len() < 4 * (WORD_CHARS_MAX + 2));
    }
}
