//! How well customers are served is among the metrics, and the same after a restart.

use std::time::Duration;

use mercato::actors::*;
use mercato::{Caller, Metrics, PersonId, Principal, Runtime, Scope};

use crate::erasure::customers::ask;
use crate::support::memory;
use crate::telemetry::town::shop_over;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn chat(name: &str) -> ConversationId {
    ConversationId::new(name).expect("a name")
}

async fn say(runtime: &Runtime, name: &str, text: &str) {
    let query = CustomerQuery {
        conversation: chat(name),
        text: PrivateText::new(text),
        order: None,
        product: None,
        channel: SupportChannel::Chat,
    };
    let caller = Caller::new(Principal::user(name)).within(Duration::from_secs(60));
    let workflow = async |scope: &Scope| answer_query(scope, query).await;
    let answer = runtime.handle().serve(&caller, workflow).await;
    answer.expect("it is answered");
}

/// An article answers, nobody understands, and two want a person, who is an hour late with the one
/// and forgets the other.
async fn a_day(runtime: &Runtime) {
    say(runtime, "ada", "how long does delivery take").await;
    say(runtime, "bob", "will it rain tomorrow").await;
    for name in ["cid", "dot"] {
        say(runtime, name, "I want to talk to a person").await;
    }
    tokio::time::sleep(9 * HOUR).await;
    let handle = runtime.handle();
    let person = PersonId::new("cid").expect("a pseudonym");
    let text = handle.seal(&person, &PrivateText::new("here I am"));
    let (conversation, number) = (chat("cid"), 1);
    let answer = AnswerTicket {
        conversation: conversation.clone(),
        number,
        text: text.expect("it seals"),
    };
    ask(&handle, answer).await;
    let resolve = ResolveTicket {
        conversation,
        number,
    };
    ask(&handle, resolve).await;
}

fn of_support(metrics: Metrics) -> Vec<mercato::FamilySamples> {
    let mut families = metrics.families;
    families.retain(|it| it.family.name.starts_with("mercato_support_"));
    families
}

/// Catches: a measure that is told under another's name or label, one that is counted twice when two
/// ask for it at once, and one that a restart forgets.
#[tokio::test(start_paused = true)]
async fn how_customers_are_served_is_told_and_outlives_a_restart() {
    let journal = memory();
    let desk = DeskWatch::new(&SupportSettings::default());
    let runtime = shop_over(journal.clone(), &desk).start().await;
    let runtime = runtime.expect("it starts");
    say(&runtime, "eve", "how long does delivery take").await;
    let bus = runtime.bus();
    let (one, other) = tokio::join!(desk.refresh(&bus), desk.refresh(&bus));
    assert_eq!(one.expect("read").questions, 1);
    assert_eq!(other.expect("read").questions, 1);
    a_day(&runtime).await;
    let before = runtime.metrics();
    let asked = before.counter("mercato_support_questions_total", &[]);
    assert_eq!(asked, 1, "a metric is read without the journal");

    let figures = desk.refresh(&bus).await.expect("it is read");
    assert_eq!(figures.containment(), Some(0.6));
    let metrics = runtime.metrics();
    let count = |name: &str, labels: &[&str]| {
        metrics.counter(&format!("mercato_support_{name}_total"), labels)
    };
    assert_eq!(count("conversations", &[]), 5);
    assert_eq!(count("conversations_handed_over", &[]), 2);
    assert_eq!(count("conversations_taken_up_again", &[]), 0);
    assert_eq!(count("questions", &[]), 5);
    let answers = ["article", "asked_back", "other"].map(|it| count("answers", &[it]));
    assert_eq!(answers, [2, 1, 2]);
    assert_eq!(count("tickets", &["person asked"]), 2);
    assert_eq!(count("ticket_breaches", &[]), 2);
    let open = metrics.gauge("mercato_support_tickets_open", &[]);
    assert_eq!(open, Some(1.0));
    let times = |name: &str| {
        let times = metrics.histogram(&format!("mercato_support_{name}_seconds"), &[]);
        let times = times.expect("times");
        (times.count(), Duration::from_nanos(times.sum))
    };
    let (answers, waited) = times("answer");
    assert!(
        answers == 5 && waited < Duration::from_secs(1),
        "{waited:?}"
    );
    let (answers, waited) = times("ticket_answer");
    assert!(
        answers == 1 && waited >= 9 * HOUR && waited < 10 * HOUR,
        "{waited:?}"
    );
    let page = metrics.to_prometheus();
    assert!(page.contains("mercato_support_tickets_total{reason=\"person asked\"} 2\n"));
    for name in ["ada", "bob", "cid", "dot", "eve"] {
        assert!(!page.contains(&format!("\"{name}\"")), "{name} is a label");
    }
    let told = of_support(metrics);
    assert_eq!(told.len(), 11);
    runtime.stop().await.expect("it stops");

    let desk = DeskWatch::new(&SupportSettings::default());
    let runtime = shop_over(journal, &desk).start().await;
    let runtime = runtime.expect("it starts");
    desk.refresh(&runtime.bus()).await.expect("it is read");
    assert_eq!(of_support(runtime.metrics()), told);
    runtime.stop().await.expect("it stops");
}
