//! Events invalidate: the caches' reader of the journal.

use std::convert::Infallible;
use std::sync::Arc;

use mercato_persistence::{Position, Recorded};
use tokio::sync::watch;

use crate::error::AskFailure;

use super::caches::Caches;
use super::tag::Tag;

/// How many appends it takes from the journal at once.
const BATCH: usize = 128;

/// Follows the journal for the caches until the runtime stops. Caches begin empty, so it begins
/// where the journal ended when they were made, and has no cursor in it.
pub(crate) async fn follow(caches: Arc<Caches>, mut stopping: watch::Receiver<bool>) {
    tokio::select! {
        biased;
        _ = stopping.wait_for(|stopping| *stopping) => {}
        ended = run(&caches) => {
            let Err(failure) = ended;
            tracing::error!(%failure, "the caches cannot follow the events, and keep nothing more");
        }
    }
    caches.give_up();
}

async fn run(caches: &Caches) -> Result<Infallible, AskFailure> {
    let journal = caches.journal();
    let mut cursor = caches.begun_at();
    loop {
        match read_on(caches, &mut cursor).await {
            Err(AskFailure::ReadOnly { .. }) => {
                let back = journal.until_writable().await;
                back.map_err(AskFailure::read_only)?;
                // What was not durable was taken back, and its positions are given out again.
                cursor = journal.durable();
                caches.forget();
                caches.saw(cursor);
            }
            ended => return ended,
        }
    }
}

async fn read_on(caches: &Caches, cursor: &mut Position) -> Result<Infallible, AskFailure> {
    let journal = caches.journal();
    loop {
        let records = journal.read(*cursor, BATCH);
        let records = records.map_err(AskFailure::unreadable)?;
        let Some(last) = records.last() else {
            let next = journal.until_durable(cursor.next()).await;
            next.map_err(AskFailure::read_only)?;
            continue;
        };
        for recorded in &records {
            invalidate(caches, recorded);
        }
        *cursor = last.position;
        caches.saw(*cursor);
    }
}

fn invalidate(caches: &Caches, recorded: &Recorded) {
    #[cfg(feature = "planted-bugs")]
    if caches.is_stale() {
        return;
    }
    let append = &recorded.append;
    let Some((agent, _)) = append.stream.split_once('/') else {
        return;
    };
    if append.events.is_empty() {
        return;
    }
    caches.invalidate(&Tag::of_stream(&append.stream));
    caches.invalidate(&Tag::of_agent(agent));
    for event in &append.events {
        caches.invalidate(&Tag::of_event(agent, &event.name));
    }
}
