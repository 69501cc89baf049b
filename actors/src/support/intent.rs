//! What a customer wants: learnt from labelled questions, with a few words beside that always mean
//! a person.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::learn::{
    IntentModel, Labelled, LabelledError, OUT_OF_SCOPE, TrainOptions, read_labelled, train,
};
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

impl Intent {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ProductInfo,
        Self::OrderStatus,
        Self::OrderChange,
        Self::ReturnOrRefund,
        Self::TechnicalIssue,
        Self::GeneralQuestion,
        Self::Person,
        Self::Complaint,
    ];

    /// Its name in labelled files and in metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ProductInfo => "product-info",
            Self::OrderStatus => "order-status",
            Self::OrderChange => "order-change",
            Self::ReturnOrRefund => "return-or-refund",
            Self::TechnicalIssue => "technical-issue",
            Self::GeneralQuestion => "general-question",
            Self::Person => "person",
            Self::Complaint => "complaint",
        }
    }
}

/// What a text was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// The best intent; `None` where nothing the shop does is recognised.
    pub intent: Option<Intent>,
    /// How sure that is, 0 to 1; for no intent 0.
    pub confidence: f64,
}

impl Classification {
    const NOTHING: Self = Self {
        intent: None,
        confidence: 0.0,
    };
}

/// A model that the shop cannot use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntentModelError {
    /// It was trained for something else.
    #[error(
        "the model knows `{found}`, which the shop does not; label texts {known} or {OUT_OF_SCOPE}",
        known = Intent::ALL.map(Intent::label).join(", ")
    )]
    Unknown {
        /// A label that is none of the shop's.
        found: Box<str>,
    },
}

/// The longest phrase of the lexicon, in terms.
const PHRASE_TERMS_MAX: usize = 4;
/// From this sum on, a wish for a person or a complaint goes before whatever else is said: neither
/// must get lost among the words of a long story.
const ESCALATION_MIN: f64 = 3.0;
/// The labelled questions that the project carries. They were written for it.
const CARRIED: &str = include_str!("samples/intents.csv");

/// Takes a text for one of the [`Intent`]s.
///
/// The default one learns from questions that the project carries, when it is first asked or told to
/// ([`learn`](Self::learn)): always the same. A shop of one's own trains a model from its own questions
/// (`mercato support train`) and names it in its configuration
/// ([`SupportSettings::intent_model`](super::SupportSettings::intent_model)), or uses it through
/// [`from_model`](Self::from_model).
#[derive(Debug, Clone)]
pub struct IntentClassifier {
    phrases: BTreeMap<&'static str, Vec<(Intent, f64)>>,
    /// Learnt once for all who hold a clone.
    learnt: Arc<OnceLock<Option<Learnt>>>,
}

#[derive(Debug)]
struct Learnt {
    model: IntentModel,
    /// By the model's classes; `None` for what is out of scope.
    intents: Vec<Option<Intent>>,
}

impl Learnt {
    fn new(model: IntentModel) -> Result<Self, IntentModelError> {
        let intent = |label: &str| match Intent::ALL.into_iter().find(|i| i.label() == label) {
            Some(intent) => Ok(Some(intent)),
            None if label == OUT_OF_SCOPE => Ok(None),
            None => Err(IntentModelError::Unknown {
                found: label.into(),
            }),
        };
        let intents = model.labels().map(intent).collect::<Result<_, _>>()?;
        Ok(Self { model, intents })
    }

    /// `None` where the carried questions cannot be learnt from, which a test rules out: then
    /// everything is asked back for, and a person takes over.
    fn carried() -> Option<Self> {
        let model = train(&carried_questions().ok()?, TrainOptions::SMALL).ok()?;
        Self::new(model).ok()
    }
}

/// The labelled questions that the project carries: to train a shop's own model beside them.
///
/// # Errors
/// Never, which a test holds.
pub fn carried_questions() -> Result<Vec<Labelled>, LabelledError> {
    read_labelled(CARRIED.as_bytes())
}

impl Default for IntentClassifier {
    fn default() -> Self {
        let mut phrases: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (intent, weights) in LEXICON {
            for (phrase, weight) in weights {
                phrases.entry(*phrase).or_default().push((intent, *weight));
            }
        }
        Self {
            phrases,
            learnt: Arc::default(),
        }
    }
}

impl IntentClassifier {
    /// One that goes by a model of one's own.
    ///
    /// # Errors
    /// When the model knows a label that is no [`Intent`].
    pub fn from_model(model: IntentModel) -> Result<Self, IntentModelError> {
        let learnt = Some(Learnt::new(model)?);
        Ok(Self {
            learnt: Arc::new(OnceLock::from(learnt)),
            ..Self::default()
        })
    }

    /// Learns from the carried questions now, for itself and all its clones, so that the first question
    /// does not wait for it: 30 milliseconds, once. Whoever waits for customers calls it before; a shop
    /// that is opened to look at a page of it, or in a test, need not pay for it. Nothing happens where
    /// it has learnt, or goes by a model.
    pub fn learn(&self) {
        self.learnt.get_or_init(Learnt::carried);
    }

    /// What a text is taken for. A wish for a person and a complaint that the lexicon knows are
    /// certain, whatever else is said; everything else is as likely as the model says.
    #[must_use]
    pub fn classify(&self, text: &str) -> Classification {
        if let Some(intent) = self.escalation(text) {
            return Classification {
                intent: Some(intent),
                confidence: 1.0,
            };
        }
        let Some(learnt) = self.learnt.get_or_init(Learnt::carried) else {
            return Classification::NOTHING;
        };
        let prediction = learnt.model.predict(text);
        match learnt.intents.get(prediction.class) {
            Some(Some(intent)) if !prediction.out_of_scope => Classification {
                intent: Some(*intent),
                confidence: prediction.confidence,
            },
            _ => Classification::NOTHING,
        }
    }

    /// Each phrase counts once, so that repeating a word does not make it truer.
    fn escalation(&self, text: &str) -> Option<Intent> {
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
        let weights = found.iter().filter_map(|phrase| self.phrases.get(phrase));
        for (intent, weight) in weights.flatten() {
            *scores.entry(*intent).or_default() += weight;
        }
        let enough = |intent: &Intent| scores.get(intent).is_some_and(|s| *s >= ESCALATION_MIN);
        [Intent::Complaint, Intent::Person].into_iter().find(enough)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intents(texts: &[&str]) -> Vec<Option<Intent>> {
        let classifier = IntentClassifier::default();
        let sure = |text: &&str| {
            let taken_for = classifier.classify(text);
            taken_for.intent.filter(|_| taken_for.confidence >= 0.5)
        };
        texts.iter().map(sure).collect()
    }

    /// Catches: carried questions that teach too little. None of these is among them word for word,
    /// but those that shoppers of the simulator ask.
    #[test]
    fn plain_questions_are_recognised() {
        let examples = [
            ("Where is my order?", Intent::OrderStatus),
            ("can you track parcel 17 for me", Intent::OrderStatus),
            ("hey, where's order 99812 right now?", Intent::OrderStatus),
            ("has my parcel left yet", Intent::OrderStatus),
            ("Can I change my order?", Intent::OrderChange),
            ("I want to cancel my order", Intent::OrderChange),
            ("please cancel order 71", Intent::OrderChange),
            (
                "I typed in the wrong address for my order",
                Intent::OrderChange,
            ),
            ("how do I return these cups", Intent::ReturnOrRefund),
            ("I want my money back", Intent::ReturnOrRefund),
            ("when will I be refunded", Intent::ReturnOrRefund),
            ("the website shows an error", Intent::TechnicalIssue),
            ("I forgot my password", Intent::TechnicalIssue),
            ("your app crashed again", Intent::TechnicalIssue),
            ("how long does delivery take", Intent::GeneralQuestion),
            ("can I pay with a credit card", Intent::GeneralQuestion),
            ("what material is the red mug", Intent::ProductInfo),
            (
                "Tell me about the WHITE HANGING HEART T-LIGHT HOLDER, is it in stock?",
                Intent::ProductInfo,
            ),
            ("what colour is it", Intent::ProductInfo),
            ("a person, please", Intent::Person),
            ("I'd rather talk to a member of staff", Intent::Person),
            ("my lawyer will hear of this", Intent::Complaint),
            (
                "this is outrageous, I am furious with your shop",
                Intent::Complaint,
            ),
            (
                "my order did not arrive, I cannot track it, the app shows an error, get me a human",
                Intent::Person,
            ),
        ];
        let texts = examples.map(|(text, _)| text);
        let wrong: Vec<_> = (intents(&texts).into_iter().zip(examples))
            .filter(|(taken_for, (_, meant))| *taken_for != Some(*meant))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn what_the_shop_does_not_do_is_out_of_scope() {
        let strange = [
            "will it rain tomorrow",
            "what is the capital of norway",
            "write me a song about the sea",
            "",
            "?!?",
            "注文はどこですか",
            "\0\u{feff}",
        ];
        assert_eq!(intents(&strange), [None; 7]);
    }

    /// Catches: a shop that is told to learn before its doors open, and learns at the first question
    /// all the same, because its agent holds a clone.
    #[test]
    fn what_is_learnt_before_is_learnt_for_all_clones() {
        let classifier = IntentClassifier::default();
        let of_agent = classifier.clone();
        assert!(of_agent.learnt.get().is_none());
        classifier.learn();
        assert!(of_agent.learnt.get().is_some());
    }

    #[test]
    fn one_weak_word_is_not_trusted_however_often_it_is_said() {
        assert_eq!(intents(&["order", &"order ".repeat(1_000)]), [None; 2]);
    }

    /// Catches: work that grows with the text, and a megabyte that is a failure.
    #[test]
    fn a_text_of_a_megabyte_is_taken_for_what_it_begins_with() {
        let huge = "where is my order? ".repeat(1 << 16);
        assert_eq!(intents(&[&huge]), [Some(Intent::OrderStatus)]);
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

    /// Catches: a carried label that is no intent, or an intent that nothing is carried for.
    #[test]
    fn every_intent_has_questions_to_learn_from() {
        let carried = carried_questions().expect("the carried questions");
        for label in Intent::ALL
            .map(Intent::label)
            .into_iter()
            .chain([OUT_OF_SCOPE])
        {
            let questions = carried.iter().filter(|q| q.label == label).count();
            assert!(questions >= 30, "{label}: {questions}");
        }
        assert!(Learnt::carried().is_some());
    }

    /// Catches: a model of another trade that answers the shop's customers.
    #[test]
    fn a_model_with_labels_of_another_trade_is_refused() {
        let example = |text: &str, label: &str| Labelled {
            text: text.into(),
            label: label.into(),
        };
        let examples = [
            example("my card was stolen", "lost_card"),
            example("I lost my card", "lost_card"),
            example("where is my order", "order-status"),
            example("track my order", "order-status"),
        ];
        let model = train(&examples, TrainOptions::SMALL).expect("two labels");
        let refused = IntentClassifier::from_model(model).expect_err("another trade");
        assert!(
            refused.to_string().contains("knows `lost_card`"),
            "{refused}"
        );
    }
}
