//! Everything personal that is stored, and whether it can still be read.

use std::collections::BTreeMap;

use mercato::actors::*;
use mercato::persistence::{Journal, RedbJournal};
use mercato::{Event, Handle, Personal, Unreadable, Vault};
use serde::de::DeserializeOwned;

use crate::erasure::customers::{Customer, ask, chat};
use crate::erasure::town::log;

/// What was found of a customer: how often each kind of thing could be read, and could not because
/// its person is erased.
pub(crate) type Found = BTreeMap<(&'static str, String), (u32, u32)>;

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
pub(crate) fn personal_fields(journal: &RedbJournal) -> Found {
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
                        MarketingEvent::ReachRecorded(e) => {
                            look(vault, &mut found, "reach", &e.address);
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
pub(crate) async fn answered(handle: &Handle, customer: &Customer, orders: &[&str]) -> Found {
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
pub(crate) fn dropped_for_erasure(journal: &RedbJournal) -> Vec<String> {
    let events = log(journal)
        .into_iter()
        .flat_map(|recorded| recorded.append.events.clone());
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
