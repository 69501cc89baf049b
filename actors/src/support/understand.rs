//! What the agent finds in a question. It needs the words, so it happens where they are open: in
//! the workflow, before they are sealed.

use std::convert::Infallible;
use std::sync::Arc;

use mercato_runtime::{Answer, Cache, KNOWLEDGE_BASE, Scope};
use xxhash_rust::xxh3::xxh3_128;

use super::SupportAgent;
use super::answer::{lone_order, mentioned_order};
use super::intent::Classification;
use super::knowledge::{Article, Citation};
use super::text::{PrivateText, terms};
use crate::domain::{Product, Sku};

/// The most articles or products that a search gives.
const HITS_MAX: usize = 5;
/// A product's name must hold this share of a question to be meant by it.
const PRODUCT_SCORE_MIN: f64 = 0.3;

impl SupportAgent {
    /// What a question is taken for.
    #[must_use]
    pub fn classify(&self, question: &str) -> Classification {
        self.intents.classify(question)
    }

    /// Whether a question only names an order or a product: an answer to a shop that asked which.
    #[must_use]
    pub fn only_names(&self, question: &str) -> bool {
        let named = self.find_products(question, None);
        only_names(question, named.first().copied())
    }

    /// The articles that answer a question, best first: at most five.
    #[must_use]
    pub fn search_knowledge(&self, question: &str) -> Vec<&Article> {
        self.knowledge.search(question, HITS_MAX)
    }

    /// The article that answers a question best. It is looked for once for all who ask in the same
    /// words, which are not kept: they may be somebody's own.
    pub(super) async fn best_article(
        self: &Arc<Self>,
        scope: &Scope,
        question: &PrivateText,
    ) -> Option<&Article> {
        let best = |agent: &Self, question: &PrivateText| {
            let found = agent.search_knowledge(question.as_str()).into_iter();
            found.map(Article::cite).next()
        };
        let found = match scope.caches() {
            None => best(self, question),
            Some(caches) => {
                let cache: Cache<u128, Option<Citation>, Infallible> =
                    caches.shared(KNOWLEDGE_BASE, |_, found| weigh(found.as_ref()));
                let words = xxh3_128(question.as_str().as_bytes());
                let (agent, asked) = (self.clone(), question.clone());
                let search = move || async move { Ok(Answer::Fresh(best(&agent, &asked))) };
                match cache.get_or_load(words, &[], search).await {
                    Ok(found) => found.into_value(),
                    // So many questions are looked up at once that the cache takes no more.
                    Err(_) => best(self, question),
                }
            }
        };
        self.knowledge.cited(&found?)
    }

    /// The products that a question may mean, best first: at most five. The one on the page that
    /// the customer looks at comes before all.
    #[must_use]
    pub fn find_products(&self, question: &str, page: Option<&Sku>) -> Vec<&Product> {
        let hits = self.products.search(question, HITS_MAX);
        let named = hits
            .into_iter()
            .filter(|hit| hit.score >= PRODUCT_SCORE_MIN)
            .filter_map(|hit| self.skus.get(hit.document))
            .filter(|sku| page != Some(*sku));
        let found = page.into_iter().chain(named);
        let products = found.filter_map(|sku| self.catalogue.get(sku));
        products.take(HITS_MAX).collect()
    }
}

/// Whether a text only names an order, or this product, and says nothing about it.
fn only_names(text: &str, product: Option<&Product>) -> bool {
    const FILLERS: [&str; 18] = [
        "order", "number", "no", "nr", "it", "its", "is", "the", "a", "my", "i", "mean", "meant",
        "that", "this", "one", "about", "please",
    ];
    let order = mentioned_order(text).or_else(|| lone_order(text));
    let name = product.map(|product| terms(&product.name));
    let name = name.unwrap_or_default();
    let words = text.split_whitespace();
    let words = words.map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let is_order = |word: &str| order.as_ref().is_some_and(|it| it.as_str() == word);
    let others = words.filter(|word| !is_order(word)).flat_map(terms);
    let mut others = others
        .filter(|term| !FILLERS.contains(&term.as_str()))
        .peekable();
    let names_something = order.is_some() || others.peek().is_some();
    names_something && others.all(|term| name.contains(&term))
}

/// What a question's hash and its answer take in memory.
fn weigh(found: Option<&Citation>) -> u64 {
    let name = found.map_or(0, |citation| citation.article.len());
    (size_of::<(u128, Option<Citation>)>() + name) as u64
}
