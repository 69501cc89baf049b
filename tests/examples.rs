//! The examples of workflows do what they say.
#![allow(
    clippy::expect_used,
    unreachable_pub,
    missing_docs,
    clippy::duplicate_mod,
    reason = "a test fails by panicking; each example has the same shop as a module of its own"
)]

#[path = "../examples/event_driven.rs"]
mod event_driven;
#[cfg(feature = "sim")]
#[allow(dead_code, reason = "its `main` is for `cargo run`")]
#[path = "../examples/own_law.rs"]
mod own_law;
#[path = "../examples/parallel.rs"]
mod parallel;
#[path = "../examples/sequential.rs"]
mod sequential;

use mercato::actors::Currency;

/// Catches: an example that shows something else than it says, such as a step that is not undone.
#[tokio::test]
async fn one_step_follows_the_other_and_is_undone_with_it() {
    let (price, left, why) = sequential::run().await.expect("it runs");
    assert_eq!(price.currency(), Currency::GBP);
    assert!(price.minor() <= 500, "{price} is no offer");
    assert_eq!(left, [1, 2], "one mug is held, and the pot was released");
    assert!(why.contains("is too dear"), "{why}");
}

/// Catches: a branch that is missing from the response, and a race that is won twice.
#[tokio::test]
async fn branches_are_joined_and_the_winner_alone_counts() {
    let (lines, left) = parallel::run().await.expect("it runs");
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("mug: 2 at "), "{lines:?}");
    assert_eq!(
        left.iter().sum::<u64>(),
        3,
        "one of the four is held: {left:?}"
    );
}

/// Catches: a chain of events that breaks on its way, or has an effect twice.
#[tokio::test]
async fn one_event_leads_to_the_other() {
    assert_eq!(
        event_driven::run().await.expect("it runs"),
        ("completed".to_owned(), 1)
    );
}

/// Catches: a simulator under which an agent of somebody else's no longer lives, or keeps its law.
#[cfg(feature = "sim")]
#[test]
fn an_agent_of_ones_own_keeps_a_law_of_ones_own() {
    own_law::hunt(5).expect("the law holds");
}
