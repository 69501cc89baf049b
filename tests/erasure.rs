//! A customer is erased: nothing that was kept of them can be read, anywhere, and the shop goes on
//! as if nothing had happened.
#![cfg(feature = "shop")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mercato::actors::*;
use mercato::persistence::{
    DiskPace, Journal, JournalOptions, Position, Recorded, RedbJournal, WriterPlace, verify,
};
use mercato::{
    AgentOptions, Caller, Clock, Command, Entropy, Event, FlowId, Handle, PersonId, Personal,
    Principal, Runtime, Scope, SealError, Timestamp, Unreadable, Vault,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::de::DeserializeOwned;

const HOUR: Duration = Duration::from_secs(60 * 60);
/// Noon, so that no message waits for the morning.
const NOON_MS: u64 = 1_600_000_000_000 - 1_600_000_000_000 % 86_400_000 + 43_200_000;

/// What the shop is told of a customer, and must keep nowhere in the open.
struct Customer {
    id: &'static str,
    email: &'static str,
    name: &'static str,
    street: &'static str,
    question: &'static str,
}

const ADA: Customer = Customer {
    id: "c-1",
    email: "ada.byron@analytical.example",
    name: "Augusta Ada Byron",
    street: "12 St James's Square",
    question: "Where is my order? I am Countess Lovelace and my phone is 0207-1815",
};
const BOB: Customer = Customer {
    id: "c-2",
    email: "bob.hobbes@leviathan.example",
    name: "Robert Hobbes",
    street: "3 Malmesbury Lane",
    question: "Where is my order? My neighbour Mrs Cavendish takes parcels",
};

impl Customer {
    fn person(&self) -> PersonId {
        PersonId::new(self.id).expect("a pseudonym")
    }

    fn caller(&self) -> Caller {
        Caller::new(Principal::user(self.id)).within(Duration::from_secs(600))
    }

    fn plain_texts(&self) -> [&'static str; 6] {
        let said = self.question.split_once('?').expect("a question").1;
        let local = self.email.split_once('@').expect("an address").0;
        [
            self.email,
            local,
            self.name,
            self.street,
            said,
            self.question,
        ]
    }
}

struct EvenDisk;

impl DiskPace for EvenDisk {
    fn commit_time(&mut self, _: usize) -> Duration {
        Duration::from_millis(2)
    }
}

struct Town {
    folder: tempfile::TempDir,
    mail: Arc<InProcessMail>,
}

fn sku() -> Sku {
    Sku::new("tea").expect("a sku")
}

impl Town {
    fn path(&self) -> PathBuf {
        self.folder.path().join("shop.redb")
    }

    async fn open(&self, hour: u32) -> (Arc<RedbJournal>, Runtime) {
        let writer = WriterPlace::Task(Box::new(EvenDisk));
        let journal = RedbJournal::open(self.path(), JournalOptions::default(), writer);
        let journal = Arc::new(journal.expect("a journal"));
        let catalogue = Catalogue::new([Product {
            sku: sku(),
            name: "tea".into(),
            description: "to drink".into(),
            category: "drinks".into(),
            base_price: Money::new(1_000, Currency::GBP),
            cost: Money::new(400, Currency::GBP),
        }]);
        let ports = Ports {
            payments: Arc::new(InProcessPayments::new(LedgerOptions::default())),
            carrier: Arc::new(InProcessCarrier::new(LedgerOptions::default())),
            mail: self.mail.clone(),
        };
        let mut shop = Shop::new(Arc::new(catalogue.expect("a catalogue")));
        shop.agents = AgentOptions {
            // So often that every kind of entity has snapshots.
            snapshot_every_events: 2,
            ..AgentOptions::default()
        };
        let noon = Timestamp::from_millis(NOON_MS);
        let builder = Runtime::builder(journal.clone())
            .clock(Clock::starting_at(noon.plus(HOUR * hour)))
            .entropy(Entropy::seeded(7));
        let runtime = shop.open(builder, &ports).start().await;
        (journal, runtime.expect("it starts"))
    }

    /// The bytes of every file, by name.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = std::fs::read_dir(self.folder.path()).expect("a folder");
        let file = |path: &Path| {
            (
                path.display().to_string(),
                std::fs::read(path).expect("a file"),
            )
        };
        entries
            .map(|entry| file(&entry.expect("an entry").path()))
            .collect()
    }

    /// Looks for plain text in every file, and in every record and snapshot, whatever layout the
    /// files have.
    fn holds_no_plain_text(&self, journal: &RedbJournal) {
        let mut places = self.files();
        assert_eq!(
            places.len(),
            2,
            "the journal and the keys: {:?}",
            places.keys()
        );
        for recorded in log(journal) {
            let stream = &recorded.append.stream;
            let place = places.entry(stream.to_string()).or_default();
            for event in &recorded.append.events {
                place.extend_from_slice(&event.payload);
            }
            if let Some(first) = &recorded.append.command {
                place.extend_from_slice(&first.reply);
            }
            if let Some(snapshot) = journal.snapshot(stream).expect("a sound journal") {
                place.extend_from_slice(&snapshot.state);
            }
        }
        for text in [ADA, BOB].iter().flat_map(Customer::plain_texts) {
            for (place, bytes) in &places {
                assert!(!holds(bytes, text.as_bytes()), "{place} holds {text}");
            }
        }
        // What is not personal can be found in just this way.
        assert!(places.values().any(|bytes| holds(bytes, b"c-1")));
        let snapshots = [
            "order/a-1",
            "marketing/customer/c-1",
            "support/conversation/chat-c-1",
        ]
        .map(|stream| journal.snapshot(stream).expect("a sound journal").is_some());
        assert_eq!(snapshots, [true; 3], "every kind of entity has a snapshot");
    }
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

fn log(journal: &RedbJournal) -> Vec<Recorded> {
    journal
        .read(Position::START, usize::MAX)
        .expect("a sound journal")
}

/// What a customer gives at the checkout, sealed at the edge.
fn order_of(handle: &Handle, customer: &Customer, order: &str) -> CheckoutRequest {
    let id = CustomerId::new(customer.id).expect("a customer");
    let mut cart = Cart::new(CartId::new(order).expect("a cart"), id.clone());
    let line = CartLine {
        sku: sku(),
        quantity: Quantity::new(2).expect("a quantity"),
        held: None,
    };
    cart.add(line).expect("room");
    let (person, sealer) = (id.person().expect("a pseudonym"), handle.sealer());
    let email = EmailAddress::new(customer.email).expect("an address");
    let (name, street) = (customer.name, customer.street);
    let address = Address::new(name, street, "London", "SW1Y 4JH", Jurisdiction::GB);
    let address = address.expect("an address");
    CheckoutRequest {
        order: OrderId::new(order).expect("an order"),
        cart,
        segment: Segment::Standard,
        email: sealer.seal(&person, &email).expect("it seals"),
        address: Destination::seal(&sealer, &person, &address).expect("it seals"),
        method: PaymentMethod::token("tok"),
    }
}

async fn ask<C: Command>(handle: &Handle, command: C) -> C::Reply {
    let answer = handle.ask(&Caller::system(), command).await;
    answer.unwrap_or_else(|error| panic!("{}: {error}", C::NAME))
}

async fn check_out(handle: &Handle, customer: &Customer, request: CheckoutRequest) {
    let id = FlowId::new(request.order.as_str());
    let receipt = handle.run(&customer.caller(), CHECKOUT, id, request).await;
    receipt.expect("the order is placed");
}

async fn status(handle: &Handle, order: &str) -> OrderView {
    let order = OrderId::new(order).expect("an order");
    ask(handle, OrderStatus { order }).await
}

async fn enquire(handle: &Handle, customer: &Customer) -> Result<SupportAnswer, SupportError> {
    let query = CustomerQuery {
        conversation: chat(customer),
        text: PrivateText::new(customer.question),
        order: OrderId::new("a-1").ok(),
        product: None,
    };
    let workflow = async |scope: &Scope| answer_query(scope, query).await;
    handle.serve(&customer.caller(), workflow).await
}

fn chat(customer: &Customer) -> ConversationId {
    ConversationId::new(format!("chat-{}", customer.id)).expect("a name")
}

/// What was found of a customer: how often each kind of thing could be read, and could not because
/// its person is erased.
type Found = BTreeMap<(&'static str, String), (u32, u32)>;

fn look<T: DeserializeOwned>(
    vault: &Vault,
    found: &mut Found,
    kind: &'static str,
    personal: &Personal<T>,
) {
    let counts = found
        .entry((kind, personal.person().to_string()))
        .or_default();
    match vault.unseal(personal) {
        Ok(_) => counts.0 += 1,
        Err(Unreadable::Erased { .. }) => counts.1 += 1,
        Err(other) => panic!("{kind}: {other}"),
    }
}

/// Decodes every event of the journal, and looks at everything personal in them.
fn personal_fields(journal: &RedbJournal) -> Found {
    let (vault, mut found) = (journal.vault(), Found::new());
    for recorded in log(journal) {
        for event in &recorded.append.events {
            let (name, version, bytes) = (&*event.name, event.version, &event.payload);
            let unreadable = "every event can be decoded";
            match recorded
                .append
                .stream
                .split_once('/')
                .map(|(agent, _)| agent)
            {
                Some("order") => {
                    match OrderEvent::decode(name, version, bytes).expect(unreadable) {
                        OrderEvent::OrderReceived(e) => {
                            look(
                                vault,
                                &mut found,
                                "order's address",
                                e.details.address.address(),
                            );
                            look(vault, &mut found, "order's e-mail", &e.details.email);
                        }
                        OrderEvent::OrderPlaced(e) => {
                            look(vault, &mut found, "placed order's e-mail", &e.email);
                        }
                        _ => {}
                    }
                }
                Some("marketing") => {
                    match MarketingEvent::decode(name, version, bytes).expect(unreadable) {
                        MarketingEvent::ConfirmationQueued(e) => {
                            look(vault, &mut found, "confirmation's e-mail", &e.email);
                        }
                        MarketingEvent::ContactRecorded(e) => {
                            look(vault, &mut found, "contact", &e.email);
                        }
                        _ => {}
                    }
                }
                Some("support") => {
                    match SupportEvent::decode(name, version, bytes).expect(unreadable) {
                        SupportEvent::QueryReceived(e) => {
                            look(vault, &mut found, "question", &e.text);
                        }
                        SupportEvent::AnswerRecorded(e) => {
                            look(vault, &mut found, "answer", &e.text);
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
    }
    found
}

/// What the agents answer of a customer: sealed as it stands in their states.
async fn answered(handle: &Handle, customer: &Customer, orders: &[&str]) -> Found {
    let (vault, mut found) = (handle.vault().clone(), Found::new());
    for order in orders {
        let order = OrderId::new(*order).expect("an order");
        let fulfilment = ask(handle, ShowFulfilment { order }).await;
        look(&vault, &mut found, "address", fulfilment.address.address());
    }
    let conversation = chat(customer);
    let conversation = ask(handle, ShowConversation { conversation }).await;
    for turn in &conversation.turns {
        look(&vault, &mut found, "question", &turn.question);
        let answer = turn.answer.as_ref().expect("it was answered");
        look(&vault, &mut found, "answer", &answer.text);
    }
    found
}

/// What was dropped because its receiver is erased.
fn dropped_for_erasure(journal: &RedbJournal) -> Vec<String> {
    let events = log(journal)
        .into_iter()
        .flat_map(|recorded| recorded.append.events);
    let dropped = events.filter(|event| &*event.name == "MessageDropped");
    let decoded = dropped.map(|event| {
        MarketingEvent::decode(&event.name, event.version, &event.payload).expect("an event")
    });
    decoded
        .filter_map(|event| match event {
            MarketingEvent::MessageDropped(e) if e.reason == DropReason::Erased => {
                Some(e.message.to_string())
            }
            _ => None,
        })
        .collect()
}

/// Catches: personal data that is stored in the open, or under a key that outlives its person; a
/// flow that tries for ever to reach somebody erased; and an erasure after which the journal, or
/// anybody else's data, cannot be read.
#[tokio::test(start_paused = true)]
async fn an_erased_customer_can_be_read_nowhere_and_the_shop_goes_on() {
    let town = Town {
        folder: tempfile::tempdir().expect("a folder"),
        mail: Arc::new(InProcessMail::new(LedgerOptions::default())),
    };
    let (journal, runtime) = town.open(0).await;
    let handle = runtime.handle();

    // The first to seal for Ada draws her key, and this test draws it, so as to know it.
    let mut key = [0; 64];
    ChaCha20Rng::seed_from_u64(1).fill_bytes(&mut key);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let drawn = handle.vault().seal(&ADA.person(), &(), &mut rng);
    drawn.expect("it seals");

    let quantity = Quantity::new(100).expect("a quantity");
    ask(
        &handle,
        ReceiveStock {
            sku: sku(),
            quantity,
        },
    )
    .await;
    for (customer, order) in [(&ADA, "a-1"), (&BOB, "b-1")] {
        let id = CustomerId::new(customer.id).expect("a customer");
        let email = EmailAddress::new(customer.email).expect("an address");
        let email = handle.seal(&customer.person(), &email).expect("it seals");
        let record = RecordContact {
            customer: id.clone(),
            email,
        };
        ask(&handle, record).await;
        let consent = RecordConsent {
            customer: id,
            channel: Channel::Email,
            purpose: Purpose::FollowUp,
            granted: true,
            proof: "the box at the checkout".into(),
        };
        ask(&handle, consent).await;
        check_out(&handle, customer, order_of(&handle, customer, order)).await;
        for _ in 0..2 {
            enquire(&handle, customer).await.expect("an answer");
        }
    }
    tokio::time::sleep(HOUR * 4).await;
    let mailed = |to: &str| {
        let ledger = town.mail.ledger();
        ledger
            .iter()
            .filter(|entry| entry.message.to.as_str() == to)
            .count()
    };
    // The confirmation and the follow-up.
    assert_eq!((mailed(ADA.email), mailed(BOB.email)), (2, 2));

    // Ada's second order has its follow-up before it when she is erased, and a third one was
    // filled in already.
    check_out(&handle, &ADA, order_of(&handle, &ADA, "a-2")).await;
    tokio::time::sleep(HOUR).await;
    assert_eq!(mailed(ADA.email), 3);
    let filled_in = order_of(&handle, &ADA, "a-3");
    town.holds_no_plain_text(&journal);
    assert!(
        town.files().values().any(|bytes| holds(bytes, &key)),
        "the test knows the key"
    );

    let report = runtime.erase(&[ADA.person()]).expect("a good disk");
    assert_eq!(report.erased, [ADA.person()]);
    assert!(!town.files().values().any(|bytes| holds(bytes, &key)));
    assert!(matches!(
        enquire(&handle, &ADA).await,
        Err(SupportError::Sealing(SealError::Erased { .. }))
    ));
    check_out(&handle, &ADA, filled_in).await;
    tokio::time::sleep(HOUR * 7 / 2).await;
    assert_eq!(
        (mailed(ADA.email), mailed(BOB.email)),
        (3, 2),
        "nothing more is sent to her"
    );
    let mut dropped = dropped_for_erasure(&journal);
    dropped.sort();
    let expected = [
        "campaign/follow-up/a-2",
        "campaign/follow-up/a-3",
        "confirmation/a-3",
    ];
    assert_eq!(dropped, expected);
    let work = runtime.work_list().expect("a sound journal");
    assert_eq!(work.len(), 1, "{work:?}");
    assert_eq!((&*work[0].flow, &*work[0].id), ("fulfil", "a-3"));
    assert!(
        work[0].error.contains("c-1 was erased"),
        "{}",
        work[0].error
    );
    drop(handle);
    runtime.stop().await.expect("it stops");
    drop(journal);

    let report = verify(town.path(), |_| ()).expect("it opens");
    assert!(report.is_sound(), "{:?}", report.problems);
    let (journal, runtime) = town.open(9).await;
    let handle = runtime.handle();
    town.holds_no_plain_text(&journal);
    assert!(!town.files().values().any(|bytes| holds(bytes, &key)));

    // All of it is still there, and of what is Ada's nothing can be read.
    let kinds: [(_, u32, u32); 7] = [
        ("answer", 2, 2),
        ("confirmation's e-mail", 3, 1),
        ("contact", 1, 1),
        ("order's address", 3, 1),
        ("order's e-mail", 3, 1),
        ("placed order's e-mail", 3, 1),
        ("question", 2, 2),
    ];
    let of = |customer: &Customer, kind| (kind, customer.id.to_owned());
    let expected: Found = kinds
        .into_iter()
        .flat_map(|(kind, ada, bob)| [(of(&ADA, kind), (0, ada)), (of(&BOB, kind), (bob, 0))])
        .collect();
    assert_eq!(personal_fields(&journal), expected);
    let kinds: [(_, u32, u32); 3] = [("address", 3, 1), ("answer", 2, 2), ("question", 2, 2)];
    let ada = answered(&handle, &ADA, &["a-1", "a-2", "a-3"]).await;
    let bob = answered(&handle, &BOB, &["b-1"]).await;
    for (kind, of_ada, of_bob) in kinds {
        assert_eq!(ada[&of(&ADA, kind)], (0, of_ada), "{kind}");
        assert_eq!(bob[&of(&BOB, kind)], (of_bob, 0), "{kind}");
    }

    // The order book holds, and every agent answers.
    for order in ["a-1", "a-2", "b-1"] {
        let view = status(&handle, order).await;
        assert_eq!(view.phase, OrderPhase::Captured, "{order}");
        assert_eq!(view.captured, view.total, "{order}");
    }
    assert_eq!(status(&handle, "a-3").await.phase, OrderPhase::Placed);
    // Four orders of two; the third of Ada's is held for her and never leaves.
    let levels = ask(&handle, CheckStock { sku: sku() }).await;
    assert_eq!(levels.available, 92);
    for (customer, orders) in [(&ADA, 3), (&BOB, 1)] {
        let id = CustomerId::new(customer.id).expect("a customer");
        let profile = ask(&handle, CustomerProfile { customer: id }).await;
        assert!(!profile.agreed.is_empty());
        let segment = if orders == 1 {
            CustomerSegment::New
        } else {
            CustomerSegment::Regular
        };
        assert_eq!(profile.segment, segment);
    }
    let refused = handle.seal(&ADA.person(), &0u8);
    let person = ADA.person();
    assert_eq!(refused, Err(SealError::Erased { person }));
    check_out(&handle, &BOB, order_of(&handle, &BOB, "b-2")).await;
    let work = runtime.work_list().expect("a sound journal");
    assert_eq!(work.len(), 1, "{work:?}");
    drop(handle);
    runtime.stop().await.expect("it stops");
}
