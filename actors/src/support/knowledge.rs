//! The knowledge base: articles by id and version, and the search in them.
//!
//! The interface is [`KnowledgeBase::search`] alone: whoever knows better how to search replaces
//! what is behind it.

use serde::{Deserialize, Serialize};

use super::articles::ARTICLES;
use super::search::TermIndex;

/// An article of the knowledge base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Article {
    /// Its name: `delivery-times`.
    pub id: Box<str>,
    /// Its version; a changed article has a higher one.
    pub version: u32,
    /// The question that it answers.
    pub title: Box<str>,
    /// The answer.
    pub body: Box<str>,
}

/// The article that a claim rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// Its name.
    pub article: Box<str>,
    /// The version that was read.
    pub version: u32,
}

impl Article {
    /// The citation of this version.
    #[must_use]
    pub fn cite(&self) -> Citation {
        Citation {
            article: self.id.clone(),
            version: self.version,
        }
    }
}

/// What the shop can say without asking anybody.
#[derive(Debug, Clone)]
pub struct KnowledgeBase {
    articles: Vec<Article>,
    index: TermIndex,
}

/// An article must hold this share of a question to answer it.
const SCORE_MIN: f64 = 0.4;

impl KnowledgeBase {
    /// A knowledge base of these articles.
    #[must_use]
    pub fn new(articles: Vec<Article>) -> Self {
        let mut index = TermIndex::default();
        for article in &articles {
            index.add(&format!(
                "{} {} {}",
                article.id, article.title, article.body
            ));
        }
        Self { articles, index }
    }

    /// The articles that answer a question, best first; none where none does.
    #[must_use]
    pub fn search(&self, question: &str, limit: usize) -> Vec<&Article> {
        self.index
            .search(question, limit)
            .into_iter()
            .filter(|hit| hit.score >= SCORE_MIN)
            .filter_map(|hit| self.articles.get(hit.document))
            .collect()
    }
}

impl Default for KnowledgeBase {
    /// The articles that the project carries itself.
    fn default() -> Self {
        Self::new(ARTICLES.iter().map(Article::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(question: &str) -> Option<String> {
        let knowledge = KnowledgeBase::default();
        let found = knowledge.search(question, 1);
        found.first().map(|article| article.id.to_string())
    }

    #[test]
    fn common_questions_find_their_article() {
        let examples = [
            ("How long does delivery take?", "delivery-times"),
            ("how do I return something", "returns"),
            ("when do I get my refund", "refunds"),
            ("which payment methods do you take", "payment-methods"),
            ("how do I unsubscribe from the newsletter", "newsletter"),
            ("can I get a vat invoice", "invoices"),
        ];
        for (question, article) in examples {
            assert_eq!(first(question).as_deref(), Some(article), "{question}");
        }
    }

    #[test]
    fn no_article_no_claim() {
        for question in [
            "will it rain tomorrow",
            "",
            "注文はどこですか",
            "who is the king of spain",
        ] {
            assert_eq!(first(question), None, "{question}");
        }
    }
}
