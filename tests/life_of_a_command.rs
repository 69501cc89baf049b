//! What the runtime promises of one command: admission, deadline, idempotency, the output rule,
//! and that no crash loses or doubles it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::{BelowZero, COMMIT, Counters, add, memory, read, virtual_runtime};
use mercato::{AskError, AskFailure, Caller, CommandId, CrashPoint, EventViews, Principal};

fn somebody() -> Caller {
    Caller::new(Principal::user("1"))
}

/// Catches: releasing a reply before the commit that it depends on.
#[tokio::test(start_paused = true)]
async fn an_answer_leaves_only_when_it_is_durable() {
    let journal = memory();
    let builder = virtual_runtime(journal.clone()).agent(Counters::default());
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();
    let before = handle.clock().elapsed();
    assert_eq!(handle.ask(&somebody(), add("a", 5)).await, Ok(5));
    assert!(handle.clock().elapsed() - before >= COMMIT);
    assert_eq!(
        journal
            .read_stream("counters/a", 0)
            .expect("it reads")
            .len(),
        1
    );

    // A read of what is durable already waits for nothing; a refusal tells of the state, and
    // waits like an answer where that state is not durable yet.
    let before = handle.clock().elapsed();
    assert_eq!(handle.ask(&somebody(), read("a")).await, Ok(5));
    assert_eq!(handle.clock().elapsed(), before);
    let caller = somebody();
    let (added, refused) = tokio::join!(
        handle.ask(&caller, add("a", 1)),
        handle.ask(&caller, add("a", -100)),
    );
    assert_eq!(added, Ok(6));
    assert_eq!(refused, Err(AskError::Rejected(BelowZero { value: 6 })));
    assert!(handle.clock().elapsed() - before >= COMMIT);
    runtime.stop().await.expect("it stops");
}

/// Catches: a missing dedupe record, or one that is not compared with the body.
#[tokio::test(start_paused = true)]
async fn a_repeated_id_gets_the_first_reply_and_has_no_second_effect() {
    let runtime = virtual_runtime(memory()).agent(Counters::default());
    let runtime = runtime.start().await.expect("it starts");
    let handle = runtime.handle();
    let once = somebody().keyed(CommandId::from_key("once"));
    assert_eq!(handle.ask(&once, add("a", 5)).await, Ok(5));
    assert_eq!(handle.ask(&somebody(), add("a", 1)).await, Ok(6));
    assert_eq!(
        handle.ask(&once, add("a", 5)).await,
        Ok(5),
        "the first reply"
    );
    assert_eq!(handle.ask(&somebody(), read("a")).await, Ok(6));
    assert_eq!(
        handle.ask(&once, add("a", 7)).await,
        Err(AskError::Failed(AskFailure::IdReused))
    );
    runtime.stop().await.expect("it stops");
}

/// Catches: a mailbox that dies with its actor, and a redelivery that is applied twice.
#[tokio::test(start_paused = true)]
async fn crashes_lose_nothing_and_double_nothing() {
    let runtime = virtual_runtime(memory()).agent(Counters::default());
    let runtime = runtime.start().await.expect("it starts");
    let handle = runtime.handle();
    let caller = somebody();
    let asks = (0..200).map(|n| {
        let (handle, runtime, caller) = (&handle, &runtime, &caller);
        async move {
            if n % 20 == 0 {
                let point = [CrashPoint::Idle, CrashPoint::NextCommand][n / 20 % 2];
                for shard in 0..runtime.shards("counters") {
                    assert!(runtime.crash_shard("counters", shard, point));
                }
            }
            handle.ask(caller, add(&format!("c{}", n % 10), 1)).await
        }
    });
    for answer in futures::future::join_all(asks).await {
        assert!(answer.is_ok(), "{answer:?}");
    }
    for counter in 0..10 {
        assert_eq!(
            handle.ask(&caller, read(&format!("c{counter}"))).await,
            Ok(20)
        );
    }
    let stats = &handle.stats()[0];
    assert!(stats.restarts >= 10, "{stats:?}");
    assert_eq!(stats.quarantined, 0);
    runtime.stop().await.expect("it stops");
}

/// Catches: retrying for ever, giving up at once, and losing the commands behind the poison.
#[tokio::test(start_paused = true)]
async fn a_command_that_keeps_panicking_is_set_aside_and_the_others_go_on() {
    let agent = Counters::default();
    let journal = memory();
    let builder = virtual_runtime(journal.clone()).agent(agent.clone());
    let runtime = builder.start().await.expect("it starts");
    let handle = runtime.handle();

    agent.fuse.store(2, Ordering::SeqCst);
    assert_eq!(
        handle.ask(&somebody(), add("a", 1)).await,
        Ok(1),
        "third time lucky"
    );

    agent.fuse.store(3, Ordering::SeqCst);
    let poisoned = CommandId::from_key("poison");
    let (caller, other) = (somebody().keyed(poisoned), somebody());
    let (poison, innocent) = tokio::join!(
        handle.ask(&caller, add("a", 1)),
        handle.ask(&other, read("a")),
    );
    assert_eq!(
        poison,
        Err(AskError::Failed(AskFailure::Quarantined { attempts: 3 }))
    );
    assert_eq!(innocent, Ok(1));
    let kept = journal
        .read_stream("quarantine/counters", 0)
        .expect("it reads");
    assert_eq!(kept.len(), 1, "what was set aside is kept");
    let append = &kept[0].append;
    let view = EventViews::new().view(&append.stream, &append.events[0]);
    let view = view.expect("people can read it");
    assert_eq!(
        (&view["name"], &view["attempts"]),
        (&"Add".into(), &3.into()),
        "{view}"
    );
    assert_eq!(view["command"], poisoned.as_uuid().to_string());
    runtime.stop().await.expect("it stops");
}

/// Catches: running a command whose caller has given up, and waiting beyond the deadline.
#[tokio::test(start_paused = true)]
async fn what_has_passed_its_deadline_does_not_run() {
    let runtime = virtual_runtime(memory()).agent(Counters::default());
    let runtime = runtime.start().await.expect("it starts");
    let handle = runtime.handle();
    let hurried = somebody().within(Duration::ZERO);
    assert_eq!(
        handle.ask(&hurried, add("a", 1)).await,
        Err(AskError::Failed(AskFailure::DeadlineExceeded))
    );
    assert_eq!(handle.ask(&somebody(), read("a")).await, Ok(0));
    assert_eq!(handle.stats()[0].shed, 1);
    runtime.stop().await.expect("it stops");
}

/// Catches: an unbounded mailbox, and an overload that is not told.
#[tokio::test(start_paused = true)]
async fn overload_is_a_typed_answer() {
    let runtime = virtual_runtime(memory()).agent(Counters::default());
    let runtime = runtime.start().await.expect("it starts");
    let handle = runtime.handle();
    let eager = somebody().fail_fast();
    let asks = (0..5_000).map(|_| handle.ask(&eager, add("hot", 1)));
    let answers = futures::future::join_all(asks).await;
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    let overloaded = answers
        .iter()
        .filter(|answer| matches!(answer, Err(AskError::Failed(AskFailure::Overloaded { .. }))))
        .count();
    assert_eq!(taken + overloaded, 5_000);
    // One entity may have half of the places that its shard's mailbox has.
    assert!(overloaded > 0 && taken >= 512, "{taken} taken");
    // Who waits for room instead gets it.
    let patient = somebody();
    let asks = (0..5_000).map(|_| handle.ask(&patient, add("cool", 1)));
    let answers = futures::future::join_all(asks).await;
    assert!(answers.iter().all(Result::is_ok));
    runtime.stop().await.expect("it stops");
}

/// Catches: a key so long, or empty, that it has no place in the journal.
#[tokio::test(start_paused = true)]
async fn a_bad_key_is_refused_in_words() {
    let runtime = virtual_runtime(memory()).agent(Counters::default());
    let runtime = runtime.start().await.expect("it starts");
    let handle = runtime.handle();
    for key in [String::new(), "k".repeat(300)] {
        let refused = handle.ask(&somebody(), read(&key)).await;
        let Err(AskError::Failed(AskFailure::Invalid { reason })) = refused else {
            panic!("{refused:?}");
        };
        assert!(reason.contains("1 to 256"), "{reason}");
    }
    runtime.stop().await.expect("it stops");
}
