//! What a conversation with Customer Support promises across restarts: it is as it was, goes on in
//! another channel, and its clocks ran while the shop was closed. And what a language model may do to
//! it: say the same in other words.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{self, BoxFuture, FutureExt};
use mercato::actors::*;
use mercato::persistence::{DiskPace, JournalOptions, RedbJournal, WriterPlace};
use mercato::{
    CachesSettings, Caller, Clock, Entropy, KNOWLEDGE_BASE, Principal, Runtime, RuntimeBuilder,
    SampleValue, Scope, Timestamp,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

struct EvenDisk;

impl DiskPace for EvenDisk {
    fn commit_time(&mut self, _: usize) -> Duration {
        Duration::from_millis(2)
    }
}

/// A shop over this file, so many hours after it was first opened.
async fn open(path: &Path, hours: u32) -> Runtime {
    open_with(path, hours, |builder| builder).await
}

async fn open_with(
    path: &Path,
    hours: u32,
    with: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
) -> Runtime {
    let writer = WriterPlace::Task(Box::new(EvenDisk));
    let journal = RedbJournal::open(path, JournalOptions::default(), writer);
    let catalogue = Catalogue::new([Product {
        sku: Sku::new("tea").expect("a sku"),
        name: "tea".into(),
        description: "to drink".into(),
        category: "drinks".into(),
        base_price: Money::new(1_000, Currency::GBP),
        cost: Money::new(400, Currency::GBP),
    }]);
    let shop = Shop::new(Arc::new(catalogue.expect("a catalogue")));
    let begun = Timestamp::from_millis(1_600_000_000_000);
    let builder = Runtime::builder(Arc::new(journal.expect("a journal")))
        .clock(Clock::starting_at(begun.plus(HOUR * hours)))
        .entropy(Entropy::seeded(7));
    let runtime = with(shop.open_for_questions(builder)).start().await;
    runtime.expect("it starts")
}

async fn say(runtime: &Runtime, channel: SupportChannel, text: &str) -> SupportAnswer {
    let query = CustomerQuery {
        conversation: ConversationId::new("chat-1").expect("a name"),
        text: PrivateText::new(text),
        order: None,
        product: None,
        channel,
    };
    let caller = Caller::new(Principal::user("ada"));
    let workflow = async |scope: &Scope| answer_query(scope, query).await;
    let answer = runtime.handle().serve(&caller, workflow).await;
    answer.expect("it is answered")
}

async fn conversation(runtime: &Runtime) -> Conversation {
    let show = ShowConversation {
        conversation: ConversationId::new("chat-1").expect("a name"),
    };
    let shown = runtime.handle().ask(&Caller::system(), show).await;
    shown.expect("it is there")
}

/// Catches: a conversation that a restart forgets, a third question back because of one, and a
/// ticket whose clock stood still while the shop was closed.
#[tokio::test(start_paused = true)]
async fn a_conversation_is_as_it_was_after_a_restart_and_goes_on_by_telephone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let runtime = open(&path, 0).await;
    let delivery = say(
        &runtime,
        SupportChannel::Chat,
        "how long does delivery take",
    )
    .await;
    assert_eq!(&*delivery.citations[0].article, "delivery-times");
    for _ in 0..2 {
        say(&runtime, SupportChannel::Chat, "will it rain tomorrow").await;
    }
    let before = conversation(&runtime).await;
    runtime.stop().await.expect("it stops");

    let runtime = open(&path, 1).await;
    assert_eq!(conversation(&runtime).await, before);
    let third = say(&runtime, SupportChannel::Phone, "asdf").await;
    assert!(
        matches!(third.resolution, Resolution::Escalated(_)),
        "{third:?}"
    );
    let after = conversation(&runtime).await;
    assert_eq!(
        (after.turns.len(), after.channel),
        (4, SupportChannel::Phone)
    );
    runtime.stop().await.expect("it stops");

    let runtime = open(&path, 30).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let raised = conversation(&runtime).await;
    assert_eq!(raised.breaches, 1);
    assert_eq!(raised.ticket.expect("it waits").priority, Priority::High);
    runtime.stop().await.expect("it stops");
}

/// Catches: a knowledge base that is searched anew for each who asks, whose searches nobody measures,
/// and an answer that is given to another question.
#[tokio::test(start_paused = true)]
async fn what_many_ask_is_looked_up_once_and_that_is_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let with_caches = |builder: RuntimeBuilder| builder.caches(CachesSettings::default());
    let runtime = open_with(&path, 0, with_caches).await;
    let cited = async |text: &str| {
        let answer = say(&runtime, SupportChannel::Chat, text).await;
        answer.citations.first().map(|it| it.article.to_string())
    };
    for _ in 0..3 {
        let article = cited("how long does delivery take").await;
        assert_eq!(article.as_deref(), Some("delivery-times"));
        assert_eq!(
            cited("can I send it back").await.as_deref(),
            Some("returns")
        );
    }
    let handle = runtime.handle();
    let stats = handle.caches().expect("they are switched on").stats();
    let knowledge = stats.iter().find(|it| it.cache == KNOWLEDGE_BASE);
    let knowledge = knowledge.expect("it was opened");
    assert_eq!((knowledge.loads, knowledge.hits), (2, 4));
    let metrics = runtime.metrics();
    let loads = metrics.samples("mercato_cache_load_seconds").iter();
    let of_knowledge = loads.filter(|sample| sample.labels[0] == KNOWLEDGE_BASE);
    let counts = of_knowledge.map(|sample| match &sample.value {
        SampleValue::Histogram(times) => times.count(),
        other => panic!("{other:?}"),
    });
    assert_eq!(counts.sum::<u64>(), 2);
    runtime.stop().await.expect("it stops");
}

/// Says what it is told to, and remembers what it was given.
#[derive(Default)]
struct Parrot {
    says: Mutex<Option<Box<str>>>,
    heard: Mutex<Vec<String>>,
}

impl Parrot {
    fn say(&self, text: Option<&str>) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) = text.map(Into::into);
    }
}

impl LanguageModel for Parrot {
    fn phrase<'a>(
        &'a self,
        sentence: &'a str,
    ) -> BoxFuture<'a, Result<Box<str>, LanguageModelError>> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(sentence.to_owned());
        let says = self.says.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = "it does not want to".into();
        future::ready(says.clone().ok_or(LanguageModelError::Refused { reason })).boxed()
    }
}

/// Catches: a model that is told who asks or about what, whose words are taken without being held to
/// the facts, or without which there is no answer.
#[tokio::test(start_paused = true)]
async fn a_language_model_phrases_and_decides_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let parrot = Arc::new(Parrot::default());
    let model = parrot.clone();
    let with = |builder| register_language(builder, model);
    let runtime = open_with(&path, 0, with).await;
    let caller = Caller::new(Principal::user("ada"));
    let chat = ConversationId::new("chat-1").expect("a name");
    let question = "I am Ada, where is order 4711?";
    let cases = [
        (
            Some("Sadly there is no order {1} of yours here."),
            "Sadly there is no order 4711 of yours here.",
        ),
        (
            Some("Order {1} comes on the 5th!"),
            "I find no order 4711 under your account.",
        ),
        (None, "I find no order 4711 under your account."),
    ];
    for (says, expected) in cases {
        parrot.say(says);
        let answer = say(&runtime, SupportChannel::Chat, question).await;
        let resolution = answer.resolution.clone();
        let said = phrase_answer(&runtime.handle(), &caller, &chat, answer).await;
        assert!(
            said.text.as_str().starts_with(expected),
            "{:?}",
            said.text.as_str()
        );
        assert_eq!(said.resolution, resolution);
    }
    for heard in parrot
        .heard
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .iter()
    {
        assert!(!heard.contains("4711") && !heard.contains("Ada"), "{heard}");
        assert!(heard.contains("{1}"), "{heard}");
    }
    runtime.stop().await.expect("it stops");

    // Without one, answers are the shop's own.
    let runtime = open(&path, 1).await;
    let answer = say(&runtime, SupportChannel::Chat, question).await;
    let said = phrase_answer(&runtime.handle(), &caller, &chat, answer.clone()).await;
    assert_eq!(said, answer);
    runtime.stop().await.expect("it stops");
}
