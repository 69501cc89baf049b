//! The process that is killed: it does everything at once, and prints what was acknowledged.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mercato::actors::*;

use super::told::{Refusal, Told};
use super::town::{Town, until};

/// Set for the child: the journal's file, the number of its life, and how many visits were learned
/// before.
pub(crate) const FILE: &str = "MERCATO_KILL_NINE_FILE";
pub(crate) const LIFE: &str = "MERCATO_KILL_NINE_LIFE";
pub(crate) const VISITS: &str = "MERCATO_KILL_NINE_VISITS";

/// The child ends by itself after so many rounds of each kind of work, should nobody kill it.
const ROUNDS_MAX: u64 = 2_000;
/// Conversations and customers at a time.
const SIDE_BY_SIDE: u64 = 2;

/// What is asked of the desk in a row: an article answers, nobody understands, an order is not there,
/// a person is asked for, and the conversation goes on while that ticket waits.
const QUESTIONS: [&str; 5] = [
    "how long does delivery take",
    "will it rain tomorrow",
    "where is my order 4711?",
    "I want to talk to a person",
    "how do I send something back",
];

/// Lives until it is killed. Without its variables it does nothing.
pub(crate) fn live() {
    let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    let (Ok(file), Some(life), Some(visits)) = (std::env::var(FILE), number(LIFE), number(VISITS))
    else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let town = Town::open(
            Some(&PathBuf::from(file)),
            later(life),
            snapshot_every(life),
        )
        .await;
        let town = Arc::new(town);
        let mut work = vec![tokio::spawn(learn(town.clone(), visits))];
        for side in 0..SIDE_BY_SIDE {
            work.push(tokio::spawn(talk(town.clone(), life, side)));
            work.push(tokio::spawn(write_to(town.clone(), life, side)));
        }
        for work in work {
            work.await.expect("no panic");
        }
    });
}

/// Each life begins a minute after the one before.
pub(crate) fn later(life: u64) -> Duration {
    Duration::from_secs(60 * life)
}

/// After how many events of an entity a life takes a snapshot. A conversation and a customer have about
/// a dozen here: those of every other life come back from their events alone, the others from a
/// snapshot and the events after it.
pub(crate) fn snapshot_every(life: u64) -> u64 {
    if life.is_multiple_of(2) { 16 } else { 4 }
}

async fn learn(town: Arc<Town>, visits: u64) {
    for number in visits..visits + ROUNDS_MAX {
        town.visit(number).await;
        let visits = number + 1;
        let recommends = town.recommends(visits).await;
        tell(&Told::Learned { visits, recommends });
    }
}

async fn talk(town: Arc<Town>, life: u64, side: u64) {
    for round in 0..ROUNDS_MAX {
        let name = format!("chat-{life}-{side}-{round}");
        let conversation = ConversationId::new(name).expect("a name");
        for question in QUESTIONS {
            let answer = town.say(&conversation, question).await;
            let stands = town.conversation(&conversation).await;
            tell(&Told::Said {
                conversation: conversation.clone(),
                question: question.into(),
                answer: answer.text.as_str().into(),
                stands: serde_json::to_value(&stands).expect("text"),
            });
        }
    }
}

async fn write_to(town: Arc<Town>, life: u64, side: u64) {
    for round in 0..ROUNDS_MAX {
        let name = format!("customer-{life}-{side}-{round}");
        let customer = CustomerId::new(name).expect("a name");
        let email = subscribe(&town, &customer).await;
        let due_at = town.scheduled(&customer).await;
        let refusal = match round % 4 {
            0 => None,
            1 => Some(Refusal::Unsubscribed),
            2 => Some(Refusal::Bounced),
            _ => Some(Refusal::ByHand),
        };
        refuse(&town, &customer, email, refusal).await;
        let stands = town.profile(&customer).await;
        tell(&Told::Scheduled {
            customer,
            due_at,
            refusal,
            stands: serde_json::to_value(&stands).expect("text"),
        });
    }
}

/// The consent begins the campaign.
async fn subscribe(town: &Town, customer: &CustomerId) -> mercato::Personal<EmailAddress> {
    let person = customer.person().expect("a person");
    let address = EmailAddress::new(format!("{customer}@example.com")).expect("an address");
    let email = town.runtime.handle().seal(&person, &address);
    let email = email.expect("it is sealed");
    let contact = RecordContact {
        customer: customer.clone(),
        email: email.clone(),
    };
    town.ask(contact).await;
    let consent = RecordConsent {
        customer: customer.clone(),
        channel: Channel::Email,
        purpose: Purpose::Offers,
        granted: true,
        proof: "a form".into(),
    };
    town.ask(consent).await;
    email
}

/// The last thing that is acknowledged of a customer: whatever came before it, the schedule too, is
/// as durable as that.
async fn refuse(
    town: &Town,
    customer: &CustomerId,
    email: mercato::Personal<EmailAddress>,
    refusal: Option<Refusal>,
) {
    let customer = customer.clone();
    match refusal {
        None => {
            let zone = TimeZoneName::new("Europe/London").expect("a zone");
            town.ask(SetZone { customer, zone }).await;
        }
        Some(Refusal::Unsubscribed) => town.ask(Unsubscribe { customer }).await,
        Some(Refusal::ByHand) => {
            let (channel, suppress) = (Channel::Email, true);
            let by_hand = SuppressChannel {
                customer,
                channel,
                suppress,
            };
            town.ask(by_hand).await;
        }
        Some(Refusal::Bounced) => bounce(town, customer, email).await,
    }
}

/// The confirmation of an order goes out, and comes back.
async fn bounce(town: &Town, customer: CustomerId, email: mercato::Personal<EmailAddress>) {
    let order = OrderId::new(format!("O-{customer}")).expect("an order");
    let confirmation = QueueOrderConfirmation {
        customer: customer.clone(),
        order: order.clone(),
        total: Money::new(1_250, Currency::GBP),
        email,
        skus: Vec::new(),
    };
    let message = town.ask(confirmation).await;
    let flow = mercato::FlowId::new(format!("confirmation/{order}"));
    let flows = town.runtime.flows();
    let is_sent = || {
        let delivery = flows.inspect(DELIVER.name(), &flow);
        delivery.is_ok_and(|it| it.state == mercato::FlowState::Completed)
    };
    until("the confirmation is sent", is_sent).await;
    let hard = true;
    let bounce = RecordBounce {
        customer,
        message,
        hard,
    };
    town.ask(bounce).await;
}

/// One write for each line, straight to the pipe: what was written before the kill is read.
fn tell(told: &Told) {
    let line = format!("{}\n", serde_json::to_string(told).expect("text"));
    std::io::stdout()
        .write_all(line.as_bytes())
        .and_then(|()| std::io::stdout().flush())
        .expect("somebody listens");
}
