//! What a customer wants: a transparent scorer over weighted phrases. Every score can be explained
//! by the phrases that were found.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::lexicon::LEXICON;
use super::text::terms;

/// What a customer wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Intent {
    /// To know something of a product.
    ProductInfo,
    /// To know where an order is.
    OrderStatus,
    /// To change or cancel an order.
    OrderChange,
    /// To send something back, or to have money back.
    ReturnOrRefund,
    /// To have something mended that does not work.
    TechnicalIssue,
    /// To know how the shop does something.
    GeneralQuestion,
    /// To speak with a person.
    Person,
    /// To complain, or to threaten with the law.
    Complaint,
}

/// What a text was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// The best intent; `None` where nothing the shop does is recognised.
    pub intent: Option<Intent>,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
}

/// The longest phrase, in terms.
const PHRASE_TERMS_MAX: usize = 4;
/// What speaks against every intent: one weak word alone is not trusted.
const DOUBT: f64 = 1.0;
/// From this sum on, a wish for a person or a complaint goes before whatever else is said: neither
/// must get lost among the words of a long story.
const ESCALATION_MIN: f64 = 3.0;

/// Takes a text for one of the [`Intent`]s.
#[derive(Debug, Clone)]
pub struct IntentClassifier {
    phrases: BTreeMap<&'static str, Vec<(Intent, f64)>>,
}

impl Default for IntentClassifier {
    fn default() -> Self {
        let mut phrases: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (intent, weights) in LEXICON {
            for (phrase, weight) in weights {
                phrases.entry(*phrase).or_default().push((intent, *weight));
            }
        }
        Self { phrases }
    }
}

impl IntentClassifier {
    /// The intent with the highest sum of weights. Each phrase counts once, so that repeating a
    /// word does not make it truer. The confidence is the best sum's share of all sums and a
    /// constant doubt. A wish for a person and a complaint are certain.
    #[must_use]
    pub fn classify(&self, text: &str) -> Classification {
        let terms = terms(text);
        let mut found = BTreeSet::new();
        for length in 1..=PHRASE_TERMS_MAX {
            for window in terms.windows(length) {
                let phrase = window.join(" ");
                if let Some((phrase, _)) = self.phrases.get_key_value(phrase.as_str()) {
                    found.insert(*phrase);
                }
            }
        }
        let mut scores: BTreeMap<Intent, f64> = BTreeMap::new();
        for (intent, weight) in found
            .iter()
            .filter_map(|phrase| self.phrases.get(phrase))
            .flatten()
        {
            *scores.entry(*intent).or_default() += weight;
        }
        let total: f64 = scores.values().sum();
        for intent in [Intent::Complaint, Intent::Person] {
            if scores
                .get(&intent)
                .is_some_and(|score| *score >= ESCALATION_MIN)
            {
                return Classification {
                    intent: Some(intent),
                    confidence: 1.0,
                };
            }
        }
        let best = scores.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
        match best {
            Some((intent, score)) => Classification {
                intent: Some(intent),
                confidence: score / (total + DOUBT),
            },
            None => Classification {
                intent: None,
                confidence: 0.0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(text: &str) -> Option<Intent> {
        let taken_for = IntentClassifier::default().classify(text);
        taken_for.intent.filter(|_| taken_for.confidence >= 0.5)
    }

    #[test]
    fn plain_questions_are_recognised() {
        let examples = [
            ("Where is my order?", Intent::OrderStatus),
            ("can you track parcel 17 for me", Intent::OrderStatus),
            ("Can I change my order?", Intent::OrderChange),
            ("I want to cancel my order", Intent::OrderChange),
            ("how do I return these cups", Intent::ReturnOrRefund),
            ("I want my money back", Intent::ReturnOrRefund),
            ("the website shows an error", Intent::TechnicalIssue),
            ("I forgot my password", Intent::TechnicalIssue),
            ("how long does delivery take", Intent::GeneralQuestion),
            ("what material is the red mug", Intent::ProductInfo),
            ("a person, please", Intent::Person),
            ("my lawyer will hear of this", Intent::Complaint),
            (
                "my order did not arrive, I cannot track it, the app shows an error, get me a human",
                Intent::Person,
            ),
        ];
        for (text, expected) in examples {
            assert_eq!(intent(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_the_shop_does_not_do_is_out_of_scope() {
        for text in [
            "will it rain tomorrow",
            "",
            "?!?",
            "注文はどこですか",
            "\0\u{feff}",
        ] {
            assert_eq!(intent(text), None, "{text}");
        }
    }

    #[test]
    fn one_weak_word_is_not_trusted_however_often_it_is_said() {
        assert_eq!(intent("order"), None);
        assert_eq!(intent(&"order ".repeat(1_000)), None);
    }

    #[test]
    fn every_phrase_of_the_table_can_be_found() {
        for (_, weights) in LEXICON {
            for (phrase, weight) in weights {
                assert_eq!(terms(phrase).join(" "), *phrase);
                assert!(terms(phrase).len() <= PHRASE_TERMS_MAX);
                assert!(*weight > 0.0);
            }
        }
    }
}
