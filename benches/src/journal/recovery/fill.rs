//! The process that fills a journal, and is killed.

use std::io::Read;
use std::sync::Arc;

use futures::future::try_join_all;
use mercato_runtime::{Caller, Handle, Principal, Runtime};
use xxhash_rust::xxh3::xxh3_64;

use crate::account::{Accounts, Post, keys};
use crate::clock::two_workers;
use crate::error::AnyError;
use crate::journal::Out;
use crate::journal::contest::open_journal;
use crate::journal::workload::Payloads;
use crate::options::Plan;

/// What it says when everything is acknowledged.
pub(crate) const FILLED: &str = "filled";
/// The journal's name in the folder.
pub(crate) const FILE: &str = "journal";
/// The memo makes an event of about 200 bytes.
const MEMO_BYTES: usize = 188;

/// One entity in a hundred is hot, and the hot ones get half of all events.
pub(crate) fn hot_entities(entities: u32) -> usize {
    (entities as usize / 100).max(1)
}

/// The entity that the `nth` event is for.
fn entity_of(nth: u64, entities: u32) -> usize {
    let hot = hot_entities(entities) as u64;
    let drawn = xxh3_64(&nth.to_le_bytes()) >> 8;
    let entity = if nth.is_multiple_of(2) {
        drawn % hot
    } else {
        hot + drawn % (u64::from(entities) - hot)
    };
    usize::try_from(entity).unwrap_or(0)
}

/// Fills a journal, says so, and waits for the end.
pub(crate) fn fill(plan: &Plan, out: &mut Out<'_>) -> Result<(), AnyError> {
    two_workers()?.block_on(async {
        let journal = open_journal(&plan.folder.join(FILE))?;
        let runtime = Runtime::builder(Arc::new(journal))
            .agent(Accounts)
            .start()
            .await?;
        post_all(plan, &runtime.handle()).await?;
        out(&format!("{FILLED}\n"))?;
        // It is killed here. Where its parent is gone instead, the input ends, and so does this.
        std::io::stdin().read_to_end(&mut Vec::new())?;
        runtime.stop().await?;
        Ok(())
    })
}

async fn post_all(plan: &Plan, handle: &Handle) -> Result<(), AnyError> {
    let keys: Arc<[Box<str>]> = keys(plan.recovery_entities).into();
    let payloads = Payloads::new();
    let (events, entities, writers) = (plan.recovery_events, plan.recovery_entities, plan.writers);
    let posting = (0..writers).map(|writer| {
        let (handle, keys, payloads) = (handle.clone(), keys.clone(), payloads.clone());
        tokio::spawn(async move {
            // A machine that does other things, too, may keep a command waiting for long.
            let patience = std::time::Duration::from_secs(60);
            let caller = Caller::new(Principal::user("bench")).within(patience);
            for nth in (u64::from(writer)..events).step_by(writers as usize) {
                let post = Post {
                    account: keys[entity_of(nth, entities)].clone(),
                    amount: nth,
                    memo: payloads.of(writer, nth)[..MEMO_BYTES].to_vec(),
                };
                handle.ask(&caller, post).await?;
            }
            Ok::<_, AnyError>(())
        })
    });
    for of_one in try_join_all(posting).await? {
        of_one?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: hot entities that are not hot, or an entity that gets nothing.
    #[test]
    fn half_of_the_events_go_to_one_entity_in_a_hundred() {
        let entities = 1_000;
        let mut events = vec![0_u64; entities as usize];
        for nth in 0..100_000 {
            events[entity_of(nth, entities)] += 1;
        }
        let hot: u64 = events[..hot_entities(entities)].iter().sum();
        assert_eq!(hot, 50_000);
        assert!(events.iter().all(|events| *events > 0));
    }
}
