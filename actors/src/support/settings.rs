//! What a merchant sets for Customer Support.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::intent_file::IntentFile;
use super::knowledge::{Article, KnowledgeBase, KnowledgeError};
use super::ticket::ServiceLevels;

/// How customers are answered, and what is done for them without a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SupportSettings {
    /// What a question is taken for below this confidence is asked back for. A share from 0 to 1.
    /// Default: 0.5.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub confidence_min: f64,
    /// The shop's own model of what customers want: the file that `mercato support train` wrote, of at
    /// most 256 MiB. It is read at the start, and a file that is exchanged counts with the next one.
    /// `None`, the default, goes by what is learnt from the questions that the project carries.
    pub intent_model: Option<IntentFile>,
    /// How soon a person must have answered a ticket; after that its priority is raised.
    pub service_levels: ServiceLevels,
    /// How many actions (a cancellation, a return) a conversation may have without a person.
    /// Default: 3.
    #[schemars(range(min = 0, max = 1_000))]
    pub actions_max: u32,
    /// The most that an order may be worth, in minor units, for a return to be agreed without a
    /// person. Default: 20 000.
    #[schemars(range(min = 0, max = 4_000_000_000_u32))]
    pub return_minor_max: u32,
    /// How long a customer may take to say yes to what the shop offers to do. Default: 30 minutes.
    #[schemars(extend("minimum" = "1s", "maximum" = "7d"))]
    pub confirm_within: Duration,
    /// A conversation that is taken up again within this time after its last answer counts as a
    /// second contact about the same matter. Default: 3 days.
    #[schemars(extend("minimum" = "1m", "maximum" = "90d"))]
    pub recontact_within: Duration,
    /// Articles beside those that the project carries, or newer versions of them. Default: none.
    pub articles: Articles,
}

impl Default for SupportSettings {
    fn default() -> Self {
        Self {
            confidence_min: 0.5,
            intent_model: None,
            service_levels: ServiceLevels::default(),
            actions_max: 3,
            return_minor_max: 20_000,
            confirm_within: Duration::from_secs(30 * 60),
            recontact_within: Duration::from_secs(3 * 24 * 60 * 60),
            articles: Articles::default(),
        }
    }
}

/// Articles that make a knowledge base together with those that the project carries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Article>", into = "Vec<Article>")]
pub struct Articles(Vec<Article>);

impl Articles {
    /// Checks and wraps articles.
    ///
    /// # Errors
    /// When they make no knowledge base with the carried ones.
    pub fn new(articles: Vec<Article>) -> Result<Self, KnowledgeError> {
        KnowledgeBase::default().publish(articles.iter().cloned())?;
        Ok(Self(articles))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Article> {
        self.0.iter()
    }
}

impl TryFrom<Vec<Article>> for Articles {
    type Error = KnowledgeError;

    fn try_from(articles: Vec<Article>) -> Result<Self, KnowledgeError> {
        Self::new(articles)
    }
}

impl From<Articles> for Vec<Article> {
    fn from(articles: Articles) -> Self {
        articles.0
    }
}
