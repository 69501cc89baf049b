//! Commands that made their agent panic time and again.

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;

use mercato::persistence::{Journal, Position};
use mercato::testkit::TestWorld;
use mercato::{
    AgentOptions, AskError, AskFailure, Caller, CommandId, EventViews, PersonId, Principal,
    QuarantineError, QuarantineQuery, Replayed, RuntimeBuilder, SetAsideWhat,
};

use serde_json::Value;

use crate::quarantine::drawers::{
    Drawers, Put, all, ask_as, calm_down, command_of, hush, look, one_shard, operator, poison, put,
    start_over,
};
use crate::support::{file, memory, virtual_runtime};

/// Catches: a page that is larger than asked for, skips or repeats; a list that a restart empties;
/// a body that is not shown.
#[tokio::test(start_paused = true)]
async fn what_stands_aside_is_listed_a_page_at_a_time_and_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let drawers = Drawers::default();
    let runtime = start_over(file(&path), &drawers).await;
    for n in 0..5 {
        poison(&runtime, &drawers, &n.to_string(), put("till", n)).await;
    }
    let before = all(&runtime.quarantine());
    runtime.stop().await.expect("it stops");

    let runtime = start_over(file(&path), &drawers).await;
    let quarantine = runtime.quarantine();
    let (mut query, mut pages) = (QuarantineQuery::default(), Vec::new());
    query.page_max = NonZeroUsize::new(2).expect("not zero");
    loop {
        let page = quarantine.list(&query).expect("it reads");
        let ids = page.items.iter().map(|item| command_of(item).0);
        pages.push(ids.collect::<Vec<_>>());
        assert!(page.items.iter().all(|item| before.contains(item)));
        match page.next {
            Some(next) => query.after = next,
            None => break,
        }
    }
    let id = |n: u32| CommandId::from_key(&n.to_string());
    let expected = [vec![id(0), id(1)], vec![id(2), id(3)], vec![id(4)]];
    assert_eq!(pages, expected);
    (query.after, query.page_max) = (Position::START, NonZeroUsize::new(5).expect("not zero"));
    let whole = quarantine.list(&query).expect("it reads");
    assert_eq!(
        (whole.items.len(), whole.next),
        (5, None),
        "nothing is left"
    );

    let inspected = quarantine.inspect("drawers", id(3)).await.expect("there");
    let body = inspected.body.expect("readable");
    assert_eq!(
        (&body["drawer"], &body["amount"]),
        (&"till".into(), &3.into())
    );
    assert_eq!(&*inspected.item.entity, "till");
    match inspected.item.what {
        SetAsideWhat::Command { name, panic, .. } => {
            assert_eq!((&*name, &*panic), ("Put", "the fuse blew"));
        }
        other => panic!("{other:?}"),
    }
    let other = QuarantineQuery {
        agent: Some("shelves".into()),
        ..QuarantineQuery::default()
    };
    let unknown = quarantine.list(&other).expect_err("no such agent");
    assert!(matches!(unknown, QuarantineError::UnknownAgent { .. }));
    runtime.stop().await.expect("it stops");
}

/// Catches: a poison that crashes its shard again whenever it is asked again; a replay under another
/// id or principal, one that has its effect twice, or that stays on the list.
#[tokio::test(start_paused = true)]
async fn a_replay_has_its_effect_once_and_takes_the_command_off_the_list() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let drawers = Drawers::default();
    let runtime = start_over(file(&path), &drawers).await;
    poison(&runtime, &drawers, "pay", put("till", 5)).await;
    let restarts = runtime.handle().stats()[0].restarts;
    for _ in 0..10 {
        let again = ask_as(&runtime, "pay", put("till", 5)).await;
        let quarantined = AskFailure::Quarantined { attempts: 3 };
        assert_eq!(again, Err(AskError::Failed(quarantined)));
    }
    assert_eq!(runtime.handle().stats()[0].restarts, restarts);
    assert_eq!(look(&runtime, "till").await, Ok(0));
    runtime.stop().await.expect("it stops");

    // The code is fixed: the fuse is out.
    let runtime = start_over(file(&path), &drawers).await;
    let quarantine = runtime.quarantine();
    let id = CommandId::from_key("pay");
    let replayed = quarantine.replay(&operator(), "drawers", id).await;
    assert_eq!(replayed, Ok(Replayed::Answered));
    assert_eq!(look(&runtime, "till").await, Ok(5));
    let reply = ask_as(&runtime, "pay", put("till", 5)).await;
    assert_eq!(reply, Ok(5), "whoever asks gets the first reply");
    assert_eq!(look(&runtime, "till").await, Ok(5));
    assert_eq!(all(&quarantine), []);
    let gone = quarantine.replay(&operator(), "drawers", id).await;
    assert!(matches!(gone, Err(QuarantineError::NoSuchCommand { .. })));
    drop(quarantine);
    runtime.stop().await.expect("it stops");

    let runtime = start_over(file(&path), &drawers).await;
    assert_eq!(all(&runtime.quarantine()), []);
    runtime.stop().await.expect("it stops");
}

/// How the last replay is recorded, for people.
fn as_recorded(journal: &dyn Journal) -> Value {
    let kept = journal
        .read_stream("quarantine/drawers", 0)
        .expect("it reads");
    let last = &kept.last().expect("a record").append;
    let view = EventViews::new().view(&last.stream, &last.events[0]);
    view.expect("people can read it")
}

/// Catches: a replay that was refused and is recorded as one that was answered, or the other way round.
#[tokio::test(start_paused = true)]
async fn how_a_replay_came_out_is_recorded() {
    let drawers = Drawers::default();
    let journal = memory();
    let runtime = start_over(journal.clone(), &drawers).await;
    let quarantine = runtime.quarantine();
    for (drawer, refused) in [("till", false), ("locked", true)] {
        poison(&runtime, &drawers, drawer, put(drawer, 5)).await;
        let id = CommandId::from_key(drawer);
        let replayed = quarantine.replay(&operator(), "drawers", id).await;
        let was_refused = matches!(replayed, Ok(Replayed::Refused { .. }));
        assert_eq!(was_refused, refused, "{replayed:?}");
        let view = as_recorded(&*journal);
        assert_eq!(view["refused"], refused, "{view}");
        assert_eq!(view["by"]["Operator"], "ann", "{view}");
    }
    runtime.stop().await.expect("it stops");
}

/// Catches: a refusal that keeps the command on the list for ever, and a replay on behalf of the
/// operator in place of the one who asked.
#[tokio::test(start_paused = true)]
async fn a_replay_is_on_behalf_of_whoever_asked_and_a_refusal_answers_it() {
    let drawers = Drawers::default();
    let runtime = start_over(memory(), &drawers).await;
    drawers.fuse.store(3, Ordering::SeqCst);
    let id = CommandId::from_key("steal");
    let thief = Caller::new(Principal::user("thief")).keyed(id);
    let asked = runtime.handle().ask(&thief, put("till", -5)).await;
    asked.expect_err("quarantined");
    let quarantine = runtime.quarantine();
    let replayed = quarantine.replay(&operator(), "drawers", id).await;
    let reason = "the drawer is locked".into();
    assert_eq!(replayed, Ok(Replayed::Refused { reason }));
    assert_eq!(all(&quarantine), []);
    runtime.stop().await.expect("it stops");
}

/// Catches: a replay that loses the command when it fails, forgets how often it was tried, or crashes
/// the shard for ever.
#[tokio::test(start_paused = true)]
async fn a_replay_that_fails_again_comes_back_with_its_count() {
    let drawers = Drawers::default();
    let runtime = start_over(memory(), &drawers).await;
    poison(&runtime, &drawers, "pay", put("till", 5)).await;
    let first = all(&runtime.quarantine())[0].position;
    let id = CommandId::from_key("pay");
    for times in 2..4 {
        drawers.fuse.store(3, Ordering::SeqCst);
        let quarantine = runtime.quarantine();
        let replayed = quarantine.replay(&operator(), "drawers", id).await;
        let attempts = 3 * times;
        let again = AskFailure::Quarantined { attempts };
        assert_eq!(replayed, Err(QuarantineError::Failed(again)));
        calm_down().await;
        let standing = all(&quarantine);
        assert_eq!(standing.len(), 1);
        assert_eq!(command_of(&standing[0]), (id, attempts, times));
        assert_eq!(standing[0].position, first, "its place in the list");
    }
    assert_eq!(look(&runtime, "till").await, Ok(0), "others are served");
    let replayed = runtime
        .quarantine()
        .replay(&operator(), "drawers", id)
        .await;
    assert_eq!(replayed, Ok(Replayed::Answered));
    runtime.stop().await.expect("it stops");
}

/// Catches: a caller who is sent away, or has a second effect, while an operator replays; and a command that
/// is dropped while it has its effect.
#[tokio::test(start_paused = true)]
async fn whoever_asks_during_a_replay_joins_it() {
    let drawers = Drawers::default();
    let runtime = start_over(memory(), &drawers).await;
    poison(&runtime, &drawers, "pay", put("till", 5)).await;
    let quarantine = runtime.quarantine();
    let operator = operator();
    let id = CommandId::from_key("pay");
    let (first, second, dropped, asked) = tokio::join!(
        quarantine.replay(&operator, "drawers", id),
        quarantine.replay(&operator, "drawers", id),
        quarantine.drop_command(&operator, "drawers", id, "too late"),
        ask_as(&runtime, "pay", put("till", 5)),
    );
    assert_eq!(first, Ok(Replayed::Answered));
    assert_eq!(second, Err(QuarantineError::Replaying { command: id }));
    assert_eq!(dropped, Err(QuarantineError::Replaying { command: id }));
    assert_eq!(asked, Ok(5));
    assert_eq!(look(&runtime, "till").await, Ok(5));
    runtime.stop().await.expect("it stops");
}

/// Catches: a drop of which nobody knows who did it and why, and one that comes back.
#[tokio::test(start_paused = true)]
async fn a_dropped_command_is_off_the_list_with_who_and_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let drawers = Drawers::default();
    let runtime = start_over(file(&path), &drawers).await;
    poison(&runtime, &drawers, "pay", put("till", 5)).await;
    let id = CommandId::from_key("pay");
    let quarantine = runtime.quarantine();
    let dropped = quarantine
        .drop_command(&operator(), "drawers", id, "a test")
        .await;
    assert_eq!(dropped, Ok(()));
    let again = quarantine
        .drop_command(&operator(), "drawers", id, "a test")
        .await;
    let agent = "drawers";
    let none = QuarantineError::NoSuchCommand { agent, command: id };
    assert_eq!(again, Err(none));
    drop(quarantine);
    runtime.stop().await.expect("it stops");

    let journal = file(&path);
    let runtime = start_over(journal.clone(), &drawers).await;
    assert_eq!(all(&runtime.quarantine()), []);
    let view = as_recorded(&*journal);
    assert_eq!(view["reason"], "a test");
    assert_eq!(view["by"]["Operator"], "ann", "{view}");
    // Nothing is known of it any more, so it is asked anew.
    assert_eq!(ask_as(&runtime, "pay", put("till", 5)).await, Ok(5));
    runtime.stop().await.expect("it stops");
}

/// Catches: an operator who is told that a command is gone before that is durable.
#[tokio::test(start_paused = true)]
async fn what_was_dropped_stays_so_after_a_crash() {
    hush();
    let world = TestWorld::new(1);
    let drawers = Drawers::default();
    let shop = |builder: RuntimeBuilder| builder.agent_with(drawers.clone(), one_shard());
    let runtime = world.start(shop).await;
    poison(&runtime, &drawers, "pay", put("till", 5)).await;
    let id = CommandId::from_key("pay");
    let quarantine = runtime.quarantine();
    let by = operator();
    let dropped = quarantine.drop_command(&by, "drawers", id, "a test");
    assert_eq!(dropped.await, Ok(()));
    drop(quarantine);
    runtime.crash().await;

    let runtime = world.start(shop).await;
    assert_eq!(all(&runtime.quarantine()), []);
    runtime.stop().await;
}

/// Catches: a quarantine without a bound, and a command that is said to stand aside and does not.
#[tokio::test(start_paused = true)]
async fn where_too_many_stand_aside_the_next_is_told_so() {
    hush();
    let drawers = Drawers::default();
    let options = AgentOptions {
        quarantine_max: NonZeroUsize::MIN,
        ..one_shard()
    };
    let builder = virtual_runtime(memory()).agent_with(drawers.clone(), options);
    let runtime = builder.start().await.expect("it starts");
    poison(&runtime, &drawers, "one", put("till", 1)).await;
    drawers.fuse.store(3, Ordering::SeqCst);
    let full = AskFailure::QuarantineFull {
        attempts: 3,
        limit: 1,
    };
    let told = ask_as(&runtime, "two", put("till", 2)).await;
    assert_eq!(told, Err(AskError::Failed(full)));
    assert_eq!(all(&runtime.quarantine()).len(), 1);
    let one = CommandId::from_key("one");
    let dropped = runtime
        .quarantine()
        .drop_command(&operator(), "drawers", one, "makes room")
        .await;
    dropped.expect("dropped");
    poison(&runtime, &drawers, "two", put("till", 2)).await;
    runtime.stop().await.expect("it stops");
}

/// Catches: a desk that opens what was sealed for a person.
#[tokio::test(start_paused = true)]
async fn what_is_sealed_stays_sealed_at_the_desk() {
    let drawers = Drawers::default();
    let runtime = start_over(memory(), &drawers).await;
    let person = PersonId::new("17850").expect("an id");
    let sealed = runtime.handle().seal(&person, &"Ada Lovelace".to_owned());
    let secret = Put {
        for_whom: Some(sealed.expect("sealed")),
        ..put("till", 5)
    };
    poison(&runtime, &drawers, "pay", secret).await;
    let id = CommandId::from_key("pay");
    let inspected = runtime.quarantine().inspect("drawers", id).await;
    let shown = format!("{:?}", inspected.expect("there"));
    assert!(shown.contains("17850"), "{shown}");
    let plain = mercato::view_of(&"Ada Lovelace").expect("a view");
    assert!(!shown.contains(plain.as_str().expect("text")), "{shown}");
    runtime.stop().await.expect("it stops");
}
