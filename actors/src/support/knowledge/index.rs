//! Full-text search over articles by tantivy: BM25 (Robertson and Zaragoza, "The Probabilistic
//! Relevance Framework", 2009) over stems, held against what the question asks.
//!
//! It is deterministic: one segment, written in place by whoever builds it, without a thread, and
//! never merged; equals come in the order in which they were added. The one thing that tantivy
//! draws by chance is the segment's name, which nothing shows. Nothing here waits or sleeps.

use std::collections::BTreeSet;
use std::sync::Arc;

use tantivy::collector::TopDocs;
use tantivy::directory::RamDirectory;
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{
    Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, StopWordFilter, TextAnalyzer,
    TokenStream, TokenizerManager,
};
use tantivy::{Index, IndexReader, ReloadPolicy, Searcher, TantivyDocument, TantivyError, Term};

use super::{Article, KnowledgeError};
use crate::support::search::STOP_TERMS;

/// So much of a question, in bytes, is looked at: no customer's question is longer.
const QUESTION_BYTES_MAX: usize = 4 * 1024;
/// So many different terms of a question count.
const TERMS_MAX: usize = 64;
/// What `don't` and `where's` leave behind the apostrophe.
const CONTRACTED: [&str; 8] = ["s", "t", "d", "ll", "re", "ve", "m", "don"];
/// A longer word is no word, in bytes.
const TERM_BYTES_MAX: usize = 40;
/// What tantivy may take while it builds; the least that it accepts is 15 MB.
const BUILD_BYTES_MAX: usize = 16_000_000;
/// The analyzer's name within the index.
const ANALYZER: &str = "article";
/// An article must hold this share of a question to answer it.
const SHARE_MIN: f32 = 0.4;

/// Articles by their terms.
#[derive(Clone)]
pub(super) struct ArticleIndex {
    searcher: Arc<Searcher>,
    words: Field,
    analyzer: TextAnalyzer,
}

impl From<TantivyError> for KnowledgeError {
    fn from(error: TantivyError) -> Self {
        Self::Index(error.to_string().into())
    }
}

impl ArticleIndex {
    /// An index of these articles; they are known by their places.
    pub(super) fn build(articles: &[Article]) -> Result<Self, KnowledgeError> {
        let mut schema = Schema::builder();
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(ANALYZER)
            .set_index_option(IndexRecordOption::WithFreqs);
        let options = TextOptions::default().set_indexing_options(indexing);
        let words = schema.add_text_field("words", options);
        let schema = schema.build();
        let analyzer = analyzer();
        let tokenizers = TokenizerManager::new();
        tokenizers.register(ANALYZER, analyzer.clone());
        let mut writer = Index::builder()
            .schema(schema)
            .tokenizers(tokenizers)
            .single_segment_index_writer::<TantivyDocument>(
                RamDirectory::create(),
                BUILD_BYTES_MAX,
            )?;
        for article in articles {
            let mut document = TantivyDocument::new();
            // The title is the question that it answers, so it counts twice.
            document.add_text(
                words,
                format!("{0} {1} {1} {2}", article.id, article.title, article.body),
            );
            writer.add_document(document)?;
        }
        let index = writer.finalize()?;
        let reader = index.reader_builder();
        // Nothing is added later, and the other policy would start a thread to watch for it.
        let reader: IndexReader = reader.reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self {
            searcher: Arc::new(reader.searcher()),
            words,
            analyzer,
        })
    }

    /// The places of the articles that hold enough of a question, best first; of equals the one
    /// that was added first. An index that cannot be read finds nothing: no claim is made then.
    pub(super) fn search(&self, question: &str, limit: usize) -> Vec<usize> {
        self.try_search(question, limit).unwrap_or_default()
    }

    fn try_search(&self, question: &str, limit: usize) -> Result<Vec<usize>, TantivyError> {
        let terms = self.terms(question);
        if terms.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let mut whole = 0.0;
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::with_capacity(terms.len());
        for term in terms {
            let term = Term::from_field_text(self.words, &term);
            whole += self.weight(self.searcher.doc_freq(&term)?);
            let query = TermQuery::new(term, IndexRecordOption::WithFreqs);
            clauses.push((Occur::Should, Box::new(query)));
        }
        let best = TopDocs::with_limit(limit).order_by_score();
        let found = self.searcher.search(&BooleanQuery::new(clauses), &best)?;
        // A term that an article of middling length holds once scores its weight, so this is the
        // share of the question that the article speaks of.
        let enough = found
            .into_iter()
            .filter(|(score, _)| *score >= SHARE_MIN * whole);
        Ok(enough.map(|(_, at)| at.doc_id as usize).collect())
    }

    /// The weight that BM25 gives a term, which is highest for one that no article holds.
    #[allow(clippy::cast_precision_loss)] // counts of at most ten thousand articles
    fn weight(&self, articles_with: u64) -> f32 {
        let all = self.searcher.num_docs() as f32;
        let with = articles_with as f32;
        (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
    }

    fn terms(&self, question: &str) -> BTreeSet<String> {
        let mut end = question.len().min(QUESTION_BYTES_MAX);
        while !question.is_char_boundary(end) {
            end -= 1;
        }
        let mut analyzer = self.analyzer.clone();
        let mut tokens = analyzer.token_stream(&question[..end]);
        let mut terms = BTreeSet::new();
        while terms.len() < TERMS_MAX && tokens.advance() {
            terms.insert(tokens.token().text.clone());
        }
        terms
    }
}

fn analyzer() -> TextAnalyzer {
    let stop = STOP_TERMS.iter().chain(&CONTRACTED);
    let stop = StopWordFilter::remove(stop.map(|term| (*term).to_owned()));
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(TERM_BYTES_MAX))
        .filter(LowerCaser)
        .filter(stop)
        .filter(Stemmer::new(Language::English))
        .build()
}
