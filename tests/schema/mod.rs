//! What was ever stored is read as it was meant. `tests/corpus` keeps bytes of every version of
//! every event and state; `tests/corpus/README.md` says how.

mod corpus;
mod files;
mod harvest;
mod marketing_samples;
mod price_samples;
mod samples;
mod the_corpus_test_can_fail;
mod versions;
mod words;

use std::path::Path;

use corpus::Corpus;

/// Catches: a field that was renamed, removed, added, moved or given another type without a new
/// version, an old version that is no longer read, an upcaster that gives something else than it
/// did, and a new event of which no bytes are kept.
#[test]
fn every_version_ever_stored_is_read_as_it_was_meant() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let corpus = Corpus::in_folder(&folder, mercato::actors::views());
    if std::env::var_os("MERCATO_CORPUS").is_some_and(|wish| wish == "add") {
        corpus.add(harvest::samples);
    }
    let problems = corpus.problems();
    assert!(problems.is_empty(), "\n\n{}\n", problems.join("\n\n"));
}
