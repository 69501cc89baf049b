//! Search by the share of a question's terms that a document holds, rare terms weighing more.

use std::collections::{BTreeMap, BTreeSet};

use super::text::terms;

/// Terms that say nothing of a subject.
pub(super) const STOP_TERMS: [&str; 44] = [
    "a", "about", "an", "and", "are", "at", "be", "can", "could", "do", "does", "for", "from",
    "have", "how", "i", "in", "is", "it", "me", "my", "of", "on", "or", "please", "tell", "that",
    "the", "there", "these", "this", "to", "was", "we", "what", "when", "where", "which", "will",
    "with", "would", "you", "your", "am",
];

/// Documents by their terms.
#[derive(Debug, Clone, Default)]
pub(super) struct TermIndex {
    /// Documents by term, each once, in ascending order.
    postings: BTreeMap<String, Vec<usize>>,
    documents: usize,
}

/// A document that answers a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hit {
    /// Which: its place in the order in which documents were added.
    pub(super) document: usize,
    /// The share of the question that it holds, above 0 and at most 1.
    pub(super) score: f64,
}

impl TermIndex {
    pub(super) fn add(&mut self, text: &str) {
        for term in content_terms(text) {
            self.postings.entry(term).or_default().push(self.documents);
        }
        self.documents += 1;
    }

    /// The best documents for a question, best first; of equals the earlier one.
    pub(super) fn search(&self, question: &str, limit: usize) -> Vec<Hit> {
        let mut whole = 0.0;
        let mut scores: BTreeMap<usize, f64> = BTreeMap::new();
        for term in content_terms(question) {
            let postings = self.postings.get(&term).map_or(&[][..], Vec::as_slice);
            let weight = self.weight(postings.len());
            whole += weight;
            for document in postings {
                *scores.entry(*document).or_default() += weight;
            }
        }
        let mut hits: Vec<_> = scores
            .into_iter()
            .map(|(document, score)| Hit {
                document,
                score: score / whole,
            })
            .collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        hits.truncate(limit);
        hits
    }

    /// Inverse document frequency, smoothed so that a term of every document still weighs a little.
    #[allow(clippy::cast_precision_loss)] // counts of documents, far below 2^52
    fn weight(&self, documents_with: usize) -> f64 {
        (1.0 + (1 + self.documents) as f64 / (1 + documents_with) as f64).ln()
    }
}

/// The terms that say something, each once, without the plural's `s`.
fn content_terms(text: &str) -> BTreeSet<String> {
    terms(text)
        .into_iter()
        .filter(|term| !STOP_TERMS.contains(&term.as_str()))
        .map(|term| match term.strip_suffix('s') {
            Some(stem) if stem.len() > 2 && !stem.ends_with('s') => stem.to_owned(),
            _ => term,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_with_more_of_the_question_comes_first() {
        let mut index = TermIndex::default();
        index.add("red mug with dots");
        index.add("blue mug");
        index.add("tea towel");
        let hits = index.search("do you have red mugs?", 5);
        assert_eq!(hits[0].document, 0);
        assert!((hits[0].score - 1.0).abs() < 1e-12);
        assert_eq!(hits.len(), 2);
        assert!(index.search("what is it?", 5).is_empty());
        assert!(index.search("注文", 5).is_empty());
    }
}
