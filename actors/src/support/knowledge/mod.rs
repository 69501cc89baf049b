//! The knowledge base: articles by id and version, and the search in them.
//!
//! It is a value that never changes: what is published makes a new one
//! ([`KnowledgeBase::publish`]), and whoever reads the old one goes on with it. So an agent that
//! holds one decides the same however often it is asked.

mod carried;
mod index;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::index::ArticleIndex;

/// An article of the knowledge base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Article {
    /// Its name: `delivery-times`. One to 64 lower-case letters, digits and hyphens.
    pub id: Box<str>,
    /// Its version; a changed article has a higher one.
    pub version: u32,
    /// The question that it answers, at most 512 bytes.
    pub title: Box<str>,
    /// The answer, 1 byte to 8 KiB.
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

impl fmt::Display for Citation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (version {})", self.article, self.version)
    }
}

/// The longest name of an article, in bytes.
const ID_BYTES_MAX: usize = 64;
/// The longest title, in bytes.
const TITLE_BYTES_MAX: usize = 512;
/// The longest body, in bytes: an answer is a body, and must fit into one.
const BODY_BYTES_MAX: usize = 8 * 1024;

/// Why articles make no knowledge base.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KnowledgeError {
    /// There are too many.
    #[error(
        "{0} articles are more than the {most} that a knowledge base holds; take old versions out",
        most = KnowledgeBase::ARTICLES_MAX
    )]
    TooMany(usize),
    /// A name that cannot be cited.
    #[error(
        "`{0}` names no article; use one to {ID_BYTES_MAX} lower-case letters, digits and hyphens"
    )]
    Name(Box<str>),
    /// Two articles that a citation could not tell apart.
    #[error("{0} is there twice with different words; give the changed one a higher version")]
    Twice(Citation),
    /// An article that says nothing, or too much.
    #[error(
        "{article}: the {part} is {bytes} bytes long; write 1 to {most}",
        most = bytes_max(.part)
    )]
    Length {
        /// Which article.
        article: Citation,
        /// Its title or its body.
        part: &'static str,
        /// How long that is.
        bytes: usize,
    },
    /// The index could not be built.
    #[error("the articles cannot be indexed: {0}; look at the memory that is left")]
    Index(Box<str>),
}

/// How long a part may be.
fn bytes_max(part: &str) -> usize {
    match part {
        "title" => TITLE_BYTES_MAX,
        _ => BODY_BYTES_MAX,
    }
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

    fn check(&self) -> Result<(), KnowledgeError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if self.id.is_empty() || self.id.len() > ID_BYTES_MAX || !self.id.bytes().all(allowed) {
            // What was written is repeated in the message, so it must not be long.
            let shown: String = self.id.chars().take(ID_BYTES_MAX).collect();
            return Err(KnowledgeError::Name(shown.into()));
        }
        for (part, text) in [("title", &self.title), ("body", &self.body)] {
            if text.trim().is_empty() || text.len() > bytes_max(part) {
                return Err(KnowledgeError::Length {
                    article: self.cite(),
                    part,
                    bytes: text.len(),
                });
            }
        }
        Ok(())
    }
}

/// What the shop can say without asking anybody.
#[derive(Clone)]
pub struct KnowledgeBase {
    /// Every version that was given, by name and version: a citation can be looked up for good.
    articles: BTreeMap<(Box<str>, u32), Article>,
    /// The newest version of each, in the order of their names; what the index's numbers mean.
    current: Vec<Article>,
    index: Option<ArticleIndex>,
}

impl fmt::Debug for KnowledgeBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cited: Vec<_> = self.current.iter().map(|article| article.cite()).collect();
        f.debug_tuple("KnowledgeBase").field(&cited).finish()
    }
}

impl KnowledgeBase {
    /// How many articles it holds, all versions counted.
    pub const ARTICLES_MAX: usize = 10_000;

    /// A knowledge base of these articles. Of several versions the highest one is searched; the
    /// others are kept for whoever looks a citation up.
    ///
    /// # Errors
    /// When there are too many, or one cannot be cited, says nothing, or is there twice with
    /// different words.
    pub fn new(articles: impl IntoIterator<Item = Article>) -> Result<Self, KnowledgeError> {
        Self::empty().publish(articles)
    }

    /// One without articles: it answers nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            articles: BTreeMap::new(),
            current: Vec::new(),
            index: None,
        }
    }

    /// The same with more articles, or newer versions of them.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn publish(
        &self,
        articles: impl IntoIterator<Item = Article>,
    ) -> Result<Self, KnowledgeError> {
        let mut all = self.articles.clone();
        let known = all.len();
        for article in articles {
            article.check()?;
            let key = (article.id.clone(), article.version);
            match all.get(&key) {
                Some(known) if *known != article => {
                    return Err(KnowledgeError::Twice(article.cite()));
                }
                Some(_) => {}
                None => {
                    all.insert(key, article);
                }
            }
            if all.len() > Self::ARTICLES_MAX {
                return Err(KnowledgeError::TooMany(all.len()));
            }
        }
        // An index takes a while to build, and every shop that opens publishes what it is told.
        if all.len() == known {
            return Ok(self.clone());
        }
        // Later versions come later, so that the last one of each name stays.
        let newest: BTreeMap<&str, &Article> = all
            .values()
            .map(|article| (&*article.id, article))
            .collect();
        let current: Vec<Article> = newest.into_values().cloned().collect();
        let index = match current.is_empty() {
            true => None,
            false => Some(ArticleIndex::build(&current)?),
        };
        Ok(Self {
            articles: all,
            current,
            index,
        })
    }

    /// The articles that answer a question, best first; none where none does.
    #[must_use]
    pub fn search(&self, question: &str, limit: usize) -> Vec<&Article> {
        let Some(index) = &self.index else {
            return Vec::new();
        };
        let found = index.search(question, limit).into_iter();
        found
            .filter_map(|document| self.current.get(document))
            .collect()
    }

    /// The article as it was when it was cited.
    #[must_use]
    pub fn cited(&self, citation: &Citation) -> Option<&Article> {
        let key = (citation.article.clone(), citation.version);
        self.articles.get(&key)
    }
}

impl Default for KnowledgeBase {
    /// The articles that the project carries itself.
    fn default() -> Self {
        // A test holds that they make one; without it the shop would claim nothing, and ask people.
        Self::new(carried::ARTICLES.iter().map(Article::from)).unwrap_or_else(|_| Self::empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn article(id: &str, version: u32, title: &str, body: &str) -> Article {
        Article {
            id: id.into(),
            version,
            title: title.into(),
            body: body.into(),
        }
    }

    fn first(question: &str) -> Option<String> {
        let knowledge = KnowledgeBase::default();
        let found = knowledge.search(question, 1);
        found.first().map(|article| article.id.to_string())
    }

    /// Catches: carried articles that make no index, and a search that ranks the wrong one first.
    #[test]
    fn common_questions_find_their_article() {
        let examples = [
            ("How long does delivery take?", "delivery-times"),
            ("what does shipping cost", "delivery-times"),
            ("do you deliver to other countries", "delivery-abroad"),
            ("how do I return something", "returns"),
            ("how can I send these cups back", "returns"),
            ("when do I get my refund", "refunds"),
            ("I want my money back", "refunds"),
            ("which payment methods do you take", "payment-methods"),
            ("can I pay by card", "payment-methods"),
            ("how do I unsubscribe from the newsletter", "newsletter"),
            ("can I get a vat invoice", "invoices"),
            ("what data do you keep", "privacy"),
        ];
        for (question, article) in examples {
            assert_eq!(first(question).as_deref(), Some(article), "{question}");
        }
    }

    /// Catches: an article that is claimed to answer what it does not speak of.
    #[test]
    fn no_article_no_claim() {
        for question in [
            "will it rain tomorrow",
            "",
            "?! \u{200b} …",
            "注文はどこですか",
            "who is the king of spain",
            "what is the",
        ] {
            assert_eq!(first(question), None, "{question}");
        }
        assert!(KnowledgeBase::empty().search("delivery", 5).is_empty());
    }

    /// Catches: a huge question that costs more than a long one, or fails.
    #[test]
    fn a_question_of_a_megabyte_is_searched_by_its_first_terms() {
        let huge = "how long does delivery take ".repeat(1 << 16);
        assert_eq!(first(&huge).as_deref(), Some("delivery-times"));
        let noise: String = (0..200_000).map(|n| format!("w{n} ")).collect();
        assert_eq!(first(&noise), None);
    }

    /// Catches: an old version that still answers, or a citation that leads nowhere.
    #[test]
    fn the_newest_version_answers_and_old_citations_stay() {
        let old = article("returns", 1, "How do I return goods?", "Within 14 days.");
        let new = article("returns", 3, "How do I return goods?", "Within 30 days.");
        let knowledge = KnowledgeBase::new([new.clone(), old.clone()]).expect("two versions");
        assert_eq!(knowledge.search("return goods", 5), [&new]);
        assert_eq!(knowledge.cited(&old.cite()), Some(&old));
        let newer = article("returns", 4, "How do I return goods?", "Within 60 days.");
        let after = knowledge.publish([newer.clone()]).expect("a newer version");
        assert_eq!(after.search("return goods", 5), [&newer]);
        assert_eq!(knowledge.search("return goods", 5), [&new]);
        assert_eq!(after.cited(&new.cite()), Some(&new));
    }

    /// Catches: articles that could not be told apart, or that say nothing, and are taken all the
    /// same.
    #[test]
    fn articles_that_cannot_be_cited_are_refused_with_a_remedy() {
        let fine = article("a", 1, "title", "body");
        let changed = article("a", 1, "title", "another body");
        let refused = |articles: Vec<Article>| {
            let error = KnowledgeBase::new(articles).expect_err("refused");
            error.to_string()
        };
        assert!(refused(vec![fine.clone(), changed]).contains("higher version"));
        assert!(refused(vec![article("A b", 1, "t", "b")]).contains("lower-case"));
        assert!(refused(vec![article("a", 1, "t", " ")]).contains("the body is 1 bytes"));
        let long = "x".repeat(BODY_BYTES_MAX + 1);
        assert!(refused(vec![article("a", 1, "t", &long)]).contains("8193 bytes"));
        assert!(KnowledgeBase::new([fine.clone(), fine]).is_ok());
    }

    /// Catches: an order of results that hangs on chance, as on the random name of a segment.
    #[test]
    fn the_same_articles_answer_in_the_same_order() {
        let articles: Vec<_> = (0..200)
            .map(|n| article(&format!("a{n}"), 1, "delivery of parcels", "the same words"))
            .collect();
        let once = KnowledgeBase::new(articles.clone()).expect("articles");
        let again = KnowledgeBase::new(articles.into_iter().rev()).expect("articles");
        let ids = |knowledge: &KnowledgeBase| -> Vec<Box<str>> {
            let found = knowledge.search("parcels", 50).into_iter();
            found.map(|article| article.id.clone()).collect()
        };
        assert_eq!(ids(&once).len(), 50);
        assert_eq!(ids(&once), ids(&again));
    }
}
