//! What the agent finds in a question. It needs the words, so it happens where they are open: in
//! the workflow, before they are sealed.

use super::SupportAgent;
use super::intent::Classification;
use super::knowledge::Article;
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

    /// The articles that answer a question, best first: at most five.
    #[must_use]
    pub fn search_knowledge(&self, question: &str) -> Vec<&Article> {
        self.knowledge.search(question, HITS_MAX)
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
