//! What a customer wants: a transparent scorer over weighted words and phrases.
//!
//! The table is data. Every score can be explained by the phrases that were found.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

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

/// Phrases of one to four terms, and how much each speaks for an intent.
const LEXICON: [(Intent, &[(&str, f64)]); 8] = [
    (
        Intent::ProductInfo,
        &[
            ("product", 1.5),
            ("item", 0.5),
            ("size", 1.5),
            ("colour", 1.5),
            ("color", 1.5),
            ("material", 2.0),
            ("made of", 2.0),
            ("dimensions", 2.0),
            ("in stock", 2.5),
            ("available", 1.5),
            ("do you sell", 2.5),
            ("do you have", 2.0),
            ("how much is", 2.5),
            ("how much does", 1.5),
            ("price", 1.5),
            ("tell me about", 1.5),
        ],
    ),
    (
        Intent::OrderStatus,
        &[
            ("where is my", 3.0),
            ("wheres my", 3.0),
            ("order status", 3.5),
            ("status of", 2.0),
            ("track", 2.5),
            ("tracking", 2.5),
            ("arrive", 1.5),
            ("arrived", 1.5),
            ("not received", 2.0),
            ("my parcel", 2.0),
            ("my package", 2.0),
            ("shipped", 1.5),
            ("dispatched", 1.5),
            ("order", 0.5),
        ],
    ),
    (
        Intent::OrderChange,
        &[
            ("change my order", 4.0),
            ("change order", 3.5),
            ("cancel", 3.0),
            ("cancel my order", 2.0),
            ("modify", 3.0),
            ("change", 1.5),
            ("different size", 2.0),
            ("instead of", 2.0),
            ("add to my", 2.0),
            ("wrong address", 3.0),
            ("order", 0.5),
        ],
    ),
    (
        Intent::ReturnOrRefund,
        &[
            ("return", 2.5),
            ("returns", 2.5),
            ("send back", 3.0),
            ("send it back", 3.0),
            ("refund", 3.0),
            ("refunded", 3.0),
            ("money back", 3.0),
            ("exchange", 2.0),
        ],
    ),
    (
        Intent::TechnicalIssue,
        &[
            ("website", 2.0),
            ("app", 2.0),
            ("error", 2.5),
            ("crash", 2.5),
            ("crashes", 2.5),
            ("bug", 2.5),
            ("not working", 2.5),
            ("doesnt work", 2.5),
            ("does not work", 2.5),
            ("cant log in", 3.0),
            ("cannot log in", 3.0),
            ("log in", 2.0),
            ("login", 2.0),
            ("password", 2.5),
            ("page", 1.0),
        ],
    ),
    (
        Intent::GeneralQuestion,
        &[
            ("delivery", 2.0),
            ("shipping", 2.0),
            ("how long", 1.5),
            ("how do i pay", 3.0),
            ("pay", 2.0),
            ("payment", 2.0),
            ("gift card", 2.5),
            ("voucher", 2.0),
            ("opening hours", 3.0),
            ("do you ship", 3.0),
            ("policy", 2.0),
            ("privacy", 2.5),
            ("newsletter", 2.5),
            ("unsubscribe", 2.5),
            ("tax", 2.0),
            ("vat", 2.5),
            ("invoice", 2.0),
        ],
    ),
    (
        Intent::Person,
        &[
            ("human", 4.0),
            ("person please", 4.0),
            ("real person", 4.0),
            ("a person", 3.0),
            ("speak to", 3.0),
            ("talk to", 3.0),
            ("agent", 2.0),
        ],
    ),
    (
        Intent::Complaint,
        &[
            ("complaint", 4.0),
            ("complain", 4.0),
            ("lawyer", 5.0),
            ("solicitor", 5.0),
            ("legal action", 5.0),
            ("sue", 5.0),
            ("ombudsman", 5.0),
        ],
    ),
];

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
        for (intent, weight) in found.iter().flat_map(|phrase| &self.phrases[phrase]) {
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
