//! What triggers cannot deal with.

use std::sync::Arc;
use std::time::Duration;

use mercato::persistence::{Journal, JournalOptions};
use mercato::testkit::TestWorld;
use mercato::{
    Letters, Occurred, Reaction, Runtime, RuntimeBuilder, Trigger, TriggerError, TriggerState,
    codec,
};

use crate::quarantine::drawers::{
    AVERSE, DrawerEvent, Drawers, append_raw, ask_as, hush, look, one_shard, put,
};
use crate::support::{file, memory, virtual_runtime};

/// What is put into `a` is copied; what is put into `b` would be, into a drawer that is locked.
fn copying() -> Trigger {
    Trigger::on::<Drawers>("copy", |occurred: &Occurred<DrawerEvent>| {
        let DrawerEvent::Added(added) = &occurred.event;
        assert_ne!(added.amount, AVERSE.get(), "not that amount");
        let to = match &*occurred.entity {
            "a" => "copy",
            "b" => "locked",
            _ => return vec![],
        };
        vec![Reaction::command(&put(to, added.amount))]
    })
}

async fn start_copying(journal: Arc<dyn Journal>, drawers: &Drawers, copy: Trigger) -> Runtime {
    hush();
    let builder = virtual_runtime(journal).agent_with(drawers.clone(), one_shard());
    let runtime = builder.trigger(copy).start().await.expect("it starts");
    settle().await;
    runtime
}

async fn settle() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// Catches: a trigger that stops at what it cannot read, forgets it, or does it twice when it is
/// delivered again.
#[tokio::test(start_paused = true)]
async fn what_a_trigger_cannot_deal_with_is_kept_and_can_be_delivered_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let drawers = Drawers::default();
    let unread = {
        let journal = file(&path);
        let unread = append_raw(
            &*journal,
            "drawers/a",
            9,
            codec::encode(&3i64).expect("bytes"),
        );
        let runtime = start_copying(journal, &drawers, copying()).await;
        ask_as(&runtime, "1", put("b", 2)).await.expect("taken");
        settle().await;
        let health = runtime.health();
        assert!(health.stopped_triggers.is_empty() && health.blocked_triggers.is_empty());
        assert_eq!(health.dead_letters, 2);
        runtime.stop().await.expect("it stops");
        unread
    };

    let runtime = start_copying(file(&path), &drawers, copying()).await;
    let triggers = runtime.triggers();
    let letters = triggers.dead_letters("copy").expect("it reads");
    let reasons: Vec<_> = letters.iter().map(|it| &*it.reason).collect();
    assert!(reasons[0].contains("version 9"), "{reasons:?}");
    assert_eq!(reasons[1], "the drawer is locked");
    assert_eq!((letters[0].place.position, &*letters[1].key), (unread, "b"));
    // It is delivered again, refused again, and stands aside as before.
    let refused = Letters::At(letters[1].place);
    let again = triggers.redeliver("copy", refused).await.expect("tried");
    assert_eq!((again.dealt_with, again.failed), (0, 1));
    assert_eq!(triggers.dead_letters("copy").expect("it reads")[1].times, 2);
    let dropped = triggers.drop_dead_letters("copy", refused).await;
    assert_eq!(dropped, Ok(1));
    let none = triggers.drop_dead_letters("copy", refused).await;
    assert!(matches!(none, Err(TriggerError::NoDeadLetter { .. })));
    let unknown = triggers.redeliver("paste", Letters::All).await;
    assert!(matches!(unknown, Err(TriggerError::Unknown { .. })));
    drop(triggers);
    runtime.stop().await.expect("it stops");

    let runtime = start_copying(file(&path), &drawers, copying()).await;
    let stats = &runtime.triggers().stats().expect("it reads")[0];
    assert_eq!((stats.dead_letters, stats.lag), (1, 0), "{stats:?}");
    runtime.stop().await.expect("it stops");
}

/// Catches: a rule whose panic stops it for good, and a redelivery with a second effect.
#[tokio::test(start_paused = true)]
async fn a_rule_that_panics_over_an_event_goes_on_and_has_it_again_once_mended() {
    let drawers = Drawers::default();
    let runtime = start_copying(memory(), &drawers, copying()).await;
    AVERSE.set(13);
    for amount in [4, 13, 5] {
        let id = amount.to_string();
        ask_as(&runtime, &id, put("a", amount))
            .await
            .expect("taken");
    }
    settle().await;
    AVERSE.set(0);
    assert_eq!(look(&runtime, "copy").await, Ok(9));
    let triggers = runtime.triggers();
    let letters = triggers.dead_letters("copy").expect("it reads");
    assert_eq!(letters.len(), 1);
    assert!(letters[0].reason.contains("panicked"), "{letters:?}");
    for expected in [(1, 0), (0, 0)] {
        let done = triggers
            .redeliver("copy", Letters::All)
            .await
            .expect("done");
        assert_eq!((done.dealt_with, done.failed), expected);
        assert_eq!(look(&runtime, "copy").await, Ok(22));
    }
    runtime.stop().await.expect("it stops");
}

/// Catches: a trigger in order that lets events overtake one that it cannot deal with, waits unseen,
/// or does not go on.
#[tokio::test(start_paused = true)]
async fn a_trigger_in_order_waits_visibly_and_goes_on_when_it_can_or_is_told_to() {
    let drawers = Drawers::default();
    let runtime = start_copying(memory(), &drawers, copying().in_order()).await;
    let not_blocked = runtime.triggers().set_aside("copy");
    assert_eq!(not_blocked, Err(TriggerError::NotBlocked { name: "copy" }));
    let put_all = async |amounts: &[i64]| {
        for amount in amounts {
            let id = amount.to_string();
            ask_as(&runtime, &id, put("a", *amount))
                .await
                .expect("taken");
        }
        settle().await;
    };
    let copied = async || look(&runtime, "copy").await.expect("an answer");

    AVERSE.set(13);
    put_all(&[4, 13, 5]).await;
    assert_eq!(copied().await, 4, "nothing overtakes");
    assert_eq!(runtime.health().blocked_triggers, ["copy"]);
    let state = runtime.triggers().stats().expect("it reads")[0]
        .state
        .clone();
    let TriggerState::Blocked { place, .. } = state else {
        panic!("{state:?}");
    };
    let event = runtime.bus().event(place).expect("it reads");
    assert_eq!(event.expect("an event").key(), "a");
    // The rule is mended: it goes on by itself.
    AVERSE.set(17);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(copied().await, 22);
    assert!(runtime.health().blocked_triggers.is_empty());

    put_all(&[17, 6]).await;
    assert_eq!(copied().await, 22);
    runtime.triggers().set_aside("copy").expect("it waits");
    settle().await;
    assert_eq!(copied().await, 28, "it goes on without that one");
    let letters = runtime.triggers().dead_letters("copy").expect("it reads");
    assert_eq!(letters.len(), 1);
    assert!(letters[0].reason.contains("not that amount"), "{letters:?}");
    runtime.stop().await.expect("it stops");
}

/// Catches: the wish to set aside what a trigger waits at, which is kept for a later event where the
/// trigger could deal with that one after all.
#[tokio::test(start_paused = true)]
async fn a_wish_to_set_aside_is_for_the_event_that_is_waited_at() {
    let drawers = Drawers::default();
    let runtime = start_copying(memory(), &drawers, copying().in_order()).await;
    let put_all = async |amounts: &[i64]| {
        for amount in amounts {
            let id = amount.to_string();
            let taken = ask_as(&runtime, &id, put("a", *amount)).await;
            taken.expect("taken");
        }
        settle().await;
    };
    AVERSE.set(13);
    put_all(&[13]).await;
    AVERSE.set(0);
    runtime.triggers().set_aside("copy").expect("it waits");
    settle().await;
    AVERSE.set(17);
    put_all(&[17, 6]).await;
    assert_eq!(runtime.health().blocked_triggers, ["copy"]);
    let letters = runtime.triggers().dead_letters("copy").expect("it reads");
    assert!(letters.is_empty(), "{letters:?}");
    runtime.stop().await.expect("it stops");
}

/// Catches: what a trigger dealt with before it waited at a later event, and that it deals with again
/// after a restart, when nobody knows the first time any more.
#[tokio::test(start_paused = true)]
async fn what_was_dealt_with_before_an_event_that_is_waited_at_is_not_done_again() {
    const REPLIES_MAX: usize = 4;
    let options = JournalOptions {
        replies_max: REPLIES_MAX,
        ..JournalOptions::default()
    };
    let world = TestWorld::with_journal(1, options);
    let drawers = Drawers::default();
    // Both events are there before the trigger is, so that it reads them together.
    hush();
    let builder = virtual_runtime(world.journal()).agent_with(drawers.clone(), one_shard());
    let runtime = builder.start().await.expect("it starts");
    AVERSE.set(13);
    for amount in [4, 13] {
        let id = amount.to_string();
        let taken = ask_as(&runtime, &id, put("a", amount)).await;
        taken.expect("taken");
    }
    runtime.stop().await.expect("it stops");
    for start in 0..2 {
        let journal = world.journal();
        let runtime = start_copying(journal, &drawers, copying().in_order()).await;
        assert_eq!(runtime.health().blocked_triggers, ["copy"]);
        assert_eq!(look(&runtime, "copy").await, Ok(4), "at start {start}");
        for other in 0..2 * REPLIES_MAX {
            let id = format!("{start}/{other}");
            let taken = ask_as(&runtime, &id, put("others", 1)).await;
            taken.expect("taken");
        }
        runtime.stop().await.expect("it stops");
    }
    AVERSE.set(0);
}

/// Catches: a list of what stands aside that grows without end, and one that is full and does not keep
/// it that something on it failed again.
#[tokio::test(start_paused = true)]
async fn a_full_list_takes_nothing_new_and_keeps_what_is_on_it() {
    let drawers = Drawers::default();
    let runtime = start_copying(memory(), &drawers, copying()).await;
    for n in 0..=1_000 {
        let id = n.to_string();
        ask_as(&runtime, &id, put("b", 1)).await.expect("taken");
    }
    settle().await;
    let triggers = runtime.triggers();
    let stats = || triggers.stats().expect("it reads").swap_remove(0);
    assert_eq!(stats().dead_letters, 1_000);
    assert_eq!(runtime.health().blocked_triggers, ["copy"]);
    let first = triggers
        .dead_letters("copy")
        .expect("it reads")
        .swap_remove(0);
    let place = Letters::At(first.place);
    let again = triggers.redeliver("copy", place).await.expect("tried");
    assert_eq!((again.dealt_with, again.failed), (0, 1));
    let letters = triggers.dead_letters("copy").expect("it reads");
    assert_eq!((letters.len(), letters[0].times), (1_000, 2));
    // There is a place again, and the trigger goes on.
    assert_eq!(triggers.drop_dead_letters("copy", place).await, Ok(1));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((stats().dead_letters, stats().lag), (1_000, 0));
    assert!(runtime.health().blocked_triggers.is_empty());
    runtime.stop().await.expect("it stops");
}

/// Catches: a trigger in order that waits for what an agent has refused, and would refuse again.
#[tokio::test(start_paused = true)]
async fn a_refusal_holds_no_trigger_up() {
    let drawers = Drawers::default();
    let runtime = start_copying(memory(), &drawers, copying().in_order()).await;
    for (id, drawer, amount) in [("1", "b", 2), ("2", "a", 3)] {
        let taken = ask_as(&runtime, id, put(drawer, amount)).await;
        taken.expect("taken");
    }
    settle().await;
    assert_eq!(look(&runtime, "copy").await, Ok(3));
    let health = runtime.health();
    assert!(health.blocked_triggers.is_empty(), "{health:?}");
    assert_eq!(health.dead_letters, 1);
    runtime.stop().await.expect("it stops");
}

/// Catches: an operator who is told that an event is dropped before that is durable.
#[tokio::test(start_paused = true)]
async fn what_was_dropped_from_a_triggers_list_stays_so_after_a_crash() {
    hush();
    let world = TestWorld::new(1);
    let refusing = || {
        Trigger::on::<Drawers>("copy", |_: &Occurred<DrawerEvent>| {
            vec![Reaction::command(&put("locked", 1))]
        })
    };
    let shop = |builder: RuntimeBuilder| {
        let builder = builder.agent_with(Drawers::default(), one_shard());
        builder.trigger(refusing())
    };
    let runtime = world.start(shop).await;
    for id in ["1", "2"] {
        ask_as(&runtime, id, put("a", 4)).await.expect("taken");
    }
    settle().await;
    let measured =
        |metrics: &mercato::Metrics| metrics.gauge("mercato_trigger_dead_letters", &["copy"]);
    assert_eq!(measured(&runtime.metrics()), Some(2.0));
    let triggers = runtime.triggers();
    let dropped = triggers.drop_dead_letters("copy", Letters::All).await;
    assert_eq!(dropped.expect("they are dropped"), 2);
    runtime.crash().await;

    let runtime = world.start(shop).await;
    settle().await;
    let left = runtime.triggers().dead_letters("copy").expect("it reads");
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(measured(&runtime.metrics()), Some(0.0));
    runtime.stop().await;
}
