//! Where a subscriber starts, and where it goes on.

use mercato::persistence::Position;
use mercato::{BusError, Filter, RuntimeError, StartAt, Subscription};

use crate::bus::common::{Seen, add_up, soon, start};
use crate::support::{file, memory, virtual_runtime};

/// Catches: a start that counts for a name which is known; "now" that means the time of the first
/// delivery, or lets through what was recorded before.
#[tokio::test(start_paused = true)]
async fn where_it_starts_counts_for_a_new_name_only() {
    let runtime = start(memory()).await;
    let bus = runtime.bus();
    add_up(&runtime, &["a"], 1..=3).await;
    let third = runtime.bus().replay([], ..).expect("everything");
    let mut last = Position::START;
    let mut replay = third;
    while let Some(delivery) = replay.next().await.expect("it is readable") {
        last = delivery.place().position;
    }
    let cases = [
        ("beginning", StartAt::Beginning, vec![1, 2, 3, 4, 5]),
        ("now", StartAt::Now, vec![4, 5]),
        (
            "after-2",
            StartAt::After(Position::new(last.get() - 1)),
            vec![3, 4, 5],
        ),
    ];
    let mut seen = Vec::new();
    for (name, at, _) in &cases {
        let these = Seen::default();
        let subscription = Subscription::new(*name).starting(*at);
        let attached = bus.subscribe(subscription, these.handler()).await;
        attached.expect("it is attached");
        seen.push(these);
    }
    add_up(&runtime, &["a"], 4..=5).await;
    soon().await;
    for ((name, _, expected), seen) in cases.iter().zip(&seen) {
        assert_eq!(seen.amounts(), *expected, "{name}");
        bus.detach(name).await;
    }
    // Recorded while nobody is attached: the known name goes on where it was.
    add_up(&runtime, &["a"], 6..=7).await;
    for (name, _, _) in &cases {
        let these = Seen::default();
        let subscription = Subscription::new(*name).starting(StartAt::Now);
        let attached = bus.subscribe(subscription, these.handler()).await;
        attached.expect("it is attached");
        soon().await;
        assert_eq!(these.amounts(), [6, 7], "{name}");
    }
    runtime.stop().await.expect("it stops");
}

/// Catches: a cursor that is not kept, that is lost with a clean stop, or that skips what was
/// recorded in between.
#[tokio::test(start_paused = true)]
async fn after_a_restart_it_goes_on_behind_what_it_handled() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let mut expected = Vec::new();
    for life in 0..3i64 {
        let runtime = start(file(&path)).await;
        let seen = Seen::default();
        let subscription = Subscription::new("mirror").only(Filter::everything().key("a"));
        let attached = runtime.bus().subscribe(subscription, seen.handler()).await;
        attached.expect("it is attached");
        soon().await;
        assert_eq!(
            seen.amounts(),
            expected,
            "what was recorded while nobody was attached"
        );
        add_up(&runtime, &["a"], 1..=3).await;
        soon().await;
        runtime.bus().detach("mirror").await;
        add_up(&runtime, &["a"], 4 + life..=4 + life).await;
        expected = vec![4 + life];
        runtime.stop().await.expect("it stops");
    }
}

/// Catches: two subscribers that move one cursor; names and places that make one silent.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_in_words() {
    let runtime = start(memory()).await;
    let bus = runtime.bus();
    let nobody = || Seen::default().handler();
    let twice = [Subscription::new("once"), Subscription::new("once")];
    let [first, second] = twice;
    bus.subscribe(first, nobody())
        .await
        .expect("it is attached");
    let refusals = [
        (second, "detach it first"),
        (Subscription::new("Ünnamed"), "lower-case letters"),
        (Subscription::new("x".repeat(129)), "1 to 128"),
        (
            Subscription::new("typo").only(Filter::everything().agent("countres")),
            "`countres`, which this runtime does not have",
        ),
        (
            Subscription::new("typo").only(Filter::everything().agent("lamps").event("Added")),
            "`Added`, which none of its agents records",
        ),
        (
            Subscription::new("far").starting(StartAt::After(Position::new(999))),
            "position 999 lies after",
        ),
    ];
    for (subscription, words) in refusals {
        let refused = bus.subscribe(subscription, nobody()).await;
        let refused = refused.expect_err(words).to_string();
        assert!(refused.contains(words), "{refused}");
    }
    let longest = Subscription::new("x".repeat(128));
    bus.subscribe(longest, nobody()).await.expect("128 bytes");
    let unknown = bus.stats("far").expect_err("it was not started");
    assert!(matches!(unknown, BusError::Unknown { .. }), "{unknown}");
    let names: Vec<_> = bus.subscribers().expect("they are known");
    assert_eq!(
        names.len(),
        2,
        "a refused subscription leaves nothing behind"
    );
    runtime.stop().await.expect("it stops");
}

/// Catches: names without a bound, and one that the journal knows already and that is refused because there
/// are so many.
#[tokio::test(start_paused = true)]
async fn so_many_names_and_no_more() {
    let runtime = start(memory()).await;
    let bus = runtime.bus();
    let name = |nth: u32| format!("name-{nth}");
    let attach = async |nth| {
        let subscription = Subscription::new(&*name(nth));
        bus.subscribe(subscription, Seen::default().handler()).await
    };
    for nth in 0..1_024 {
        attach(nth).await.expect("there is room");
        bus.detach(&name(nth)).await;
    }
    let refused = attach(1_024).await.expect_err("one too many");
    assert!(matches!(refused, BusError::TooMany { .. }), "{refused}");
    attach(7).await.expect("its name is known");
    runtime.stop().await.expect("it stops");
}

struct Impostor;

impl mercato::Agent for Impostor {
    const NAME: &'static str = "subscription";
    type State = ();
    type Event = crate::support::CounterEvent;
    type Rejection = crate::support::BelowZero;

    fn evolve(_: &mut (), _: &Self::Event) {}

    fn commands(_: &mut mercato::Commands<Self>) {}
}

/// Catches: an agent whose events are taken for what the runtime keeps of subscriptions.
#[tokio::test(start_paused = true)]
async fn no_agent_has_the_name_of_the_runtimes_own_records() {
    let refused = virtual_runtime(memory()).agent(Impostor).start().await;
    let refused = refused.expect_err("the name is taken");
    assert!(
        matches!(refused, RuntimeError::Reserved { .. }),
        "{refused}"
    );
}
