//! Stored events that cannot be read or applied.

use std::num::NonZeroU64;

use mercato::persistence::Position;
use mercato::{
    AgentOptions, AskError, AskFailure, Caller, CommandId, QuarantineError, RecoveryOptions,
    Replayed,
};

use crate::quarantine::drawers::{
    Drawers, Locked, UNLUCKY, all, append_raw, ask_as, hush, look, one_shard, operator, put,
    start_over,
};
use crate::support::{file, memory, virtual_runtime};

/// Catches: an event that is recorded although it cannot be applied, after which its entity is lost.
#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_applied_is_never_recorded() {
    let journal = memory();
    let runtime = start_over(journal.clone(), &Drawers::default()).await;
    assert_eq!(ask_as(&runtime, "a", put("till", 1)).await, Ok(1));
    UNLUCKY.set(13);
    let asked = ask_as(&runtime, "b", put("till", 13)).await;
    let quarantined = AskFailure::Quarantined { attempts: 3 };
    assert_eq!(asked, Err(AskError::Failed(quarantined)));
    assert_eq!(journal.version("drawers/till").expect("it reads"), 1);
    assert_eq!(ask_as(&runtime, "c", put("till", 2)).await, Ok(3));
    UNLUCKY.set(0);
    let id = CommandId::from_key("b");
    let replayed = runtime
        .quarantine()
        .replay(&operator(), "drawers", id)
        .await;
    assert_eq!(replayed, Ok(Replayed::Answered));
    assert_eq!(look(&runtime, "till").await, Ok(16));
    runtime.stop().await.expect("it stops");
}

fn is_quarantined(asked: &Result<i64, AskError<Locked>>, at: Position, words: &str) {
    match asked {
        Err(AskError::Failed(failure @ AskFailure::EntityQuarantined { place, event, .. })) => {
            assert_eq!((place.position, place.index), (at, 0));
            assert_eq!(&**event, "Added");
            let text = failure.to_string();
            assert!(text.contains(words) && text.contains("retry"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

/// Catches: a stored event that crashes its shard time and again, is read again at each ask, stops
/// other entities, or is forgotten by a restart; a retry that changes nothing.
#[tokio::test(start_paused = true)]
async fn a_stored_event_that_cannot_be_applied_stops_its_entity_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let drawers = Drawers::default();
    let runtime = start_over(file(&path), &drawers).await;
    for amount in [5, 13, 7] {
        let id = amount.to_string();
        ask_as(&runtime, &id, put("till", amount))
            .await
            .expect("taken");
    }
    ask_as(&runtime, "other", put("other", 2))
        .await
        .expect("taken");
    runtime.stop().await.expect("it stops");

    // A version that cannot apply what the one before recorded.
    UNLUCKY.set(13);
    let at = Position::new(2);
    for _ in 0..2 {
        let runtime = start_over(file(&path), &drawers).await;
        runtime.until_recovered().await;
        for n in 0..100 {
            let asked = ask_as(&runtime, &format!("x{n}"), put("till", 1)).await;
            is_quarantined(&asked, at, "an unlucky amount");
        }
        assert_eq!(look(&runtime, "other").await, Ok(2));
        assert_eq!(runtime.handle().stats()[0].restarts, 0);
        let standing = all(&runtime.quarantine());
        assert_eq!(standing.len(), 1, "{standing:?}");
        assert_eq!(&*standing[0].entity, "till");
        let inspected = runtime.quarantine().inspect_entity("drawers", "till").await;
        assert_eq!(
            inspected.expect("there").body.expect("readable")["amount"],
            13
        );
        let retried = runtime
            .quarantine()
            .retry(&operator(), "drawers", "till")
            .await;
        let still = retried.expect_err("still unlucky");
        assert!(matches!(
            still,
            QuarantineError::Failed(AskFailure::EntityQuarantined { .. })
        ));
        runtime.stop().await.expect("it stops");
    }

    let runtime = start_over(file(&path), &drawers).await;
    is_quarantined(&look(&runtime, "till").await, at, "an unlucky amount");
    UNLUCKY.set(0);
    is_quarantined(&look(&runtime, "till").await, at, "an unlucky amount");
    let quarantine = runtime.quarantine();
    let released = quarantine.retry(&operator(), "drawers", "till").await;
    assert_eq!(released, Ok(()));
    assert_eq!(look(&runtime, "till").await, Ok(25));
    assert_eq!(all(&quarantine), []);
    let none = quarantine.retry(&operator(), "drawers", "till").await;
    assert_eq!(
        none,
        Err(QuarantineError::NoSuchEntity { agent: "drawers" })
    );
    runtime.stop().await.expect("it stops");
}

/// Catches: an entity with a long history that counts as read after a part of it.
#[tokio::test(start_paused = true)]
async fn a_retry_reads_a_long_history_to_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let drawers = Drawers::default();
    let runtime = start_over(file(&path), &drawers).await;
    let (handle, caller) = (runtime.handle(), Caller::system());
    for amount in (0..600).map(|_| 1).chain([13]) {
        handle
            .ask(&caller, put("till", amount))
            .await
            .expect("taken");
    }
    drop(handle);
    runtime.stop().await.expect("it stops");

    UNLUCKY.set(13);
    let options = AgentOptions {
        snapshot_every_events: NonZeroU64::new(1_000_000),
        ..one_shard()
    };
    let without = RecoveryOptions {
        preload_max: 0,
        ..RecoveryOptions::default()
    };
    hush();
    let builder = virtual_runtime(file(&path)).agent_with(drawers.clone(), options);
    let runtime = builder.recovery(without).start().await.expect("it starts");
    let unread = look(&runtime, "till").await;
    assert!(unread.is_err(), "{unread:?}");
    let quarantine = runtime.quarantine();
    let retried = quarantine.retry(&operator(), "drawers", "till").await;
    assert!(retried.is_err(), "the last one is still unlucky");
    UNLUCKY.set(0);
    let retried = quarantine.retry(&operator(), "drawers", "till").await;
    assert_eq!(retried, Ok(()));
    assert_eq!(look(&runtime, "till").await, Ok(613));
    runtime.stop().await.expect("it stops");
}

/// Catches: an entity that stays aside although a new version can read it.
#[tokio::test(start_paused = true)]
async fn an_entity_goes_on_by_itself_under_a_version_that_can_read_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let drawers = Drawers::default();
    for (unlucky, expected) in [(0, Some(13)), (13, None), (0, Some(13))] {
        UNLUCKY.set(unlucky);
        let runtime = start_over(file(&path), &drawers).await;
        let asked = ask_as(&runtime, "once", put("till", 13)).await;
        assert_eq!(asked.ok(), expected);
        let aside = usize::from(expected.is_none());
        assert_eq!(all(&runtime.quarantine()).len(), aside);
        runtime.stop().await.expect("it stops");
    }
}

/// Catches: bytes that cannot be read, and versions that nobody knows, told as if the disk were ill; and
/// an entity that is set aside each time that it is asked for.
#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_stops_its_entity_alone() {
    let journal = memory();
    let unknown = append_raw(&*journal, "drawers/newer", 9, vec![1]);
    let damaged = append_raw(&*journal, "drawers/bad", 1, vec![255, 255, 255]);
    let runtime = start_over(journal.clone(), &Drawers::default()).await;
    is_quarantined(&look(&runtime, "newer").await, unknown, "version 9");
    is_quarantined(&look(&runtime, "bad").await, damaged, "cannot decode");
    let recorded = journal.durable();
    is_quarantined(&look(&runtime, "bad").await, damaged, "cannot decode");
    assert_eq!(journal.durable(), recorded, "it is set aside once");
    assert_eq!(ask_as(&runtime, "a", put("till", 1)).await, Ok(1));
    let quarantine = runtime.quarantine();
    assert_eq!(all(&quarantine).len(), 2);
    let inspected = quarantine.inspect_entity("drawers", "bad").await;
    let inspected = inspected.expect("there");
    assert_eq!(inspected.bytes, "ffffff");
    assert!(inspected.body.is_err());
    runtime.stop().await.expect("it stops");
}
