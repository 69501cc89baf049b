//! What was acknowledged, held to what is there.
//!
//! What each of them catches was seen: the mistake was made in the code for a while, and three kills were
//! enough, but where it says otherwise.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use mercato::actors::*;
use serde::Serialize;
use serde_json::Value;

use super::told::{Books, Refusal};
use super::town::{Town, until};

/// As the child's words are read: from text.
fn as_told(value: &impl Serialize) -> Value {
    let text = serde_json::to_string(value).expect("text");
    serde_json::from_str(&text).expect("as it was written")
}

/// The same is recommended as by a shop that saw the same visits and was never killed, at each
/// moment at which the child said what it recommends, and once the visit that the kill broke off is
/// over.
///
/// Catches: an event that a load passes over (a click, a basket, a view of one shopper), a snapshot without
/// the weights or with an event more than it says, a reply that is forgotten where there is a snapshot, so
/// that half a visit happens twice, a cursor that goes on before its event is learned, and an answer
/// that leaves before it is durable. A click that the trigger learns twice, since what it does has another
/// id in the next life, needs a kill between that and the cursor: one run of three.
pub(crate) async fn recommendations(town: &Town, whole: &Town, before: u64, books: &mut Books) {
    let visits = books.visits();
    for number in before..visits {
        whole.visit(number).await;
        let expected = whole.recommends(number + 1).await;
        let told = books.recommends.get(&(number + 1));
        assert_eq!(told, Some(&expected), "after {} visits", number + 1);
    }
    town.until_learned().await;
    town.visit(visits).await;
    whole.visit(visits).await;
    let expected = whole.recommends(visits + 1).await;
    let recommended = town.recommends(visits + 1).await;
    assert_eq!(recommended, expected, "after {visits} visits and one more");
    books.recommends.insert(visits + 1, expected);
}

/// Every conversation stands as it stood, or one question further on: that one was heard and its
/// answer not acknowledged. What was said can still be read.
///
/// Catches: an event that a load passes over (a question, an answer, a ticket), a snapshot without the
/// ticket, and keys that were not written before what they seal. An event that is passed over is seen in
/// lives without a snapshot behind it, and a snapshot that lacks something in those with one: so there are
/// both ([`snapshot_every`](super::child::snapshot_every)).
pub(crate) async fn conversations(town: &Town, books: &Books) {
    let handle = town.runtime.handle();
    for (name, talk) in &books.conversations {
        let conversation = town.conversation(name).await;
        let told = &talk.turns;
        let further = conversation.turns.len().checked_sub(told.len());
        let further = further.unwrap_or_else(|| panic!("{name}: a question is lost"));
        assert!(further <= 1, "{name}: {further} questions more");
        let stands = as_told(&conversation);
        if further == 0 {
            assert_eq!(stands, talk.stands, "{name}");
        } else {
            let turns = stands["turns"].as_array().expect("turns");
            let before = talk.stands["turns"].as_array().expect("turns");
            assert_eq!(turns[..told.len()], before[..], "{name}");
            // A ticket that a person had to answer is not gone.
            let had_ticket = !talk.stands["ticket"].is_null();
            assert!(!had_ticket || conversation.ticket.is_some(), "{name}");
        }
        for ((question, answer), turn) in told.iter().zip(&conversation.turns) {
            let asked = handle.vault().unseal(&turn.question).expect("it is read");
            assert_eq!(asked.as_str(), question, "{name}");
            let recorded = turn.answer.as_ref().expect("an answer");
            let said = handle.vault().unseal(&recorded.text).expect("it is read");
            assert_eq!(said.as_str(), answer, "{name}");
        }
    }
}

/// Every customer stands as they stood, and their message is due when it was due.
///
/// Catches: an event that a load passes over (a consent, a time zone, an unsubscribing, a suppression), a
/// snapshot without the suppressions, a sleep that begins anew in the next life, and a timer that a start
/// does not know.
pub(crate) async fn schedules(town: &Town, books: &Books) {
    for (customer, told) in &books.customers {
        let stands = as_told(&town.profile(customer).await);
        assert_eq!(stands, told.stands, "{customer}");
        let due_at = town.scheduled(customer).await;
        assert_eq!(due_at, told.due_at, "{customer}");
    }
}

/// Whoever must not be written to is refused one more message now.
///
/// Catches: a suppression, or an unsubscribing, that stands in the books and is not asked for.
pub(crate) async fn suppressions(town: &Town, books: &Books, life: u64) {
    let refused = books.customers.iter().filter_map(|(customer, told)| {
        let expected = match told.refusal? {
            Refusal::Unsubscribed => DropReason::NoConsent,
            Refusal::Bounced | Refusal::ByHand => DropReason::Suppressed,
        };
        Some((customer, expected))
    });
    let asked = refused.map(async |(customer, expected)| {
        let decided = one_more(town, customer, life).await;
        assert_eq!(decided, SendDecision::Dropped(expected), "{customer}");
    });
    join_all(asked).await;
}

/// What is decided of one more message for a customer that is due now.
async fn one_more(town: &Town, customer: &CustomerId, life: u64) -> SendDecision {
    let now = town.runtime.handle().clock().now();
    let occasion = OrderId::new(format!("again-{life}")).expect("an order");
    let content = Content {
        subject: "once more".into(),
        body: "for you".into(),
    };
    let html = None;
    let queue = QueuePromotion {
        customer: customer.clone(),
        campaign: CampaignId::new("again").expect("a name"),
        occasion: Some(occasion),
        variant: 0,
        explored: false,
        purpose: Purpose::Offers,
        channel: Channel::Email,
        words: Words { content, html },
        promotes: None,
        due_at: now,
        counts_until: now,
        expires_at: now.plus(Duration::from_secs(3_600)),
    };
    let message = town.ask(queue).await;
    let decide = DecideSend {
        customer: customer.clone(),
        message,
        promotion_paused: false,
        out_of_stock: false,
    };
    town.ask(decide).await
}

/// A day later everybody who was on the schedule gets one message, and whoever must not be written
/// to gets none.
///
/// Catches: a timer that is known and wakes nobody, and a suppression that is not asked for on the day.
pub(crate) async fn the_day_of_the_campaign(town: &Town, books: &Books) {
    let written_to = || {
        let mut written_to: BTreeMap<Box<str>, u64> = BTreeMap::new();
        for entry in town.mail.ledger() {
            if entry.message.stream == MessageStream::Promotional {
                *written_to
                    .entry(entry.message.to.as_str().into())
                    .or_default() += 1;
            }
        }
        written_to
    };
    let address = |customer: &CustomerId| Box::from(format!("{customer}@example.com"));
    let due = books
        .customers
        .iter()
        .filter(|(_, told)| told.refusal.is_none());
    let due: Vec<Box<str>> = due.map(|(customer, _)| address(customer)).collect();
    let all_are = || {
        let written_to = written_to();
        due.iter().all(|address| written_to.contains_key(address))
    };
    until("everybody on the schedule is written to", all_are).await;
    // The other campaigns were due earlier or a moment later; none of them is on its way any more.
    let is_quiet = || {
        let running = town
            .runtime
            .flows()
            .list(Some(RUN_CAMPAIGN.name()), None, 1);
        running.expect("the flows").flows.is_empty()
    };
    until("no campaign is on its way", is_quiet).await;
    let written_to = written_to();
    assert!(
        written_to.values().all(|times| *times == 1),
        "{written_to:?}"
    );
    for (customer, told) in &books.customers {
        let is_written_to = written_to.contains_key(&address(customer));
        assert_eq!(is_written_to, told.refusal.is_none(), "{customer}");
    }
}
