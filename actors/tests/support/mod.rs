//! What the Customer Support agent promises: at most two questions back, a person for who wants
//! one, nobody else's conversation, and answers that stand.

// The helpers are tests too; clippy knows only functions marked as such.
mod actions_are_said_yes_to;
mod tickets_are_answered_in_time;

use std::sync::Arc;
use std::time::Duration;

use crate::common::sealed;

use mercato_actors::{
    Catalogue, ConversationId, Currency, Intent, KnowledgeBase, Money, OpenTicket, Priority,
    PrivateText, Product, ReceiveQuery, RecordAnswer, ResolveTicket, ShowConversation, ShowTicket,
    Sku, SupportAgent, SupportChannel, SupportEvent, SupportRejection, TicketReason, Understood,
};
use mercato_runtime::Principal;
use mercato_runtime::testkit::{Given, given};

/// A conversation that begins; a shopper speaks.
fn nothing() -> Given<SupportAgent> {
    given_agent(|agent| agent)
}

fn given_agent(with: impl FnOnce(SupportAgent) -> SupportAgent) -> Given<SupportAgent> {
    let product = |sku: &str, name: &str| Product {
        sku: Sku::new(sku).unwrap(),
        name: name.into(),
        description: "".into(),
        category: "kitchen".into(),
        base_price: Money::new(500, Currency::GBP),
        cost: Money::new(200, Currency::GBP),
    };
    let products = [product("M1", "red mug"), product("T1", "tea towel")];
    let catalogue = Arc::new(Catalogue::new(products).unwrap());
    let agent = with(SupportAgent::new(KnowledgeBase::default(), catalogue));
    given(agent).by(Principal::user("C1"))
}

/// What is asked again and again.
trait Conversation {
    fn say(&mut self, text: &str) -> Result<Understood, SupportRejection>;
    fn say_for(&mut self, whose: &str, text: &str) -> Result<Understood, SupportRejection>;
    fn say_in(
        &mut self,
        channel: SupportChannel,
        text: &str,
    ) -> Result<Understood, SupportRejection>;
    fn answer(&mut self, turn: u32, clarification: bool) -> Result<(), SupportRejection>;
    fn ticket(&mut self, reason: TicketReason) -> Result<mercato_actors::Ticket, SupportRejection>;
}

impl Conversation for Given<SupportAgent> {
    fn say(&mut self, text: &str) -> Result<Understood, SupportRejection> {
        self.say_for("C1", text)
    }

    fn say_in(
        &mut self,
        channel: SupportChannel,
        text: &str,
    ) -> Result<Understood, SupportRejection> {
        self.ask(&ReceiveQuery {
            conversation: conversation(),
            text: sealed("C1", &PrivateText::new(text)),
            names_only: false,
            taken_for: self.agent().classify(text),
            channel,
        })
    }

    fn say_for(&mut self, whose: &str, text: &str) -> Result<Understood, SupportRejection> {
        self.ask(&ReceiveQuery {
            conversation: conversation(),
            text: sealed(whose, &PrivateText::new(text)),
            names_only: false,
            taken_for: self.agent().classify(text),
            channel: SupportChannel::Chat,
        })
    }

    /// The shop answers; then the customer has the word again.
    fn answer(&mut self, turn: u32, clarification: bool) -> Result<(), SupportRejection> {
        self.turn_to(Principal::System);
        let recorded = self.ask(&answer_to(turn, clarification));
        self.turn_to(Principal::user("C1"));
        recorded
    }

    fn ticket(&mut self, reason: TicketReason) -> Result<mercato_actors::Ticket, SupportRejection> {
        self.ask(&OpenTicket {
            conversation: conversation(),
            reason,
            order: None,
        })
    }
}

fn answer_to(turn: u32, clarification: bool) -> RecordAnswer {
    RecordAnswer {
        conversation: conversation(),
        turn,
        text: sealed("C1", &PrivateText::new("an answer")),
        citations: Vec::new(),
        clarification,
    }
}

fn conversation() -> ConversationId {
    ConversationId::new("chat-1").unwrap()
}

#[test]
fn the_shop_asks_back_twice_and_an_answer_counts_anew() {
    let mut given = nothing();
    assert_eq!(given.say("hm").unwrap().clarifications_left, 2);
    given.answer(1, true).unwrap();
    assert_eq!(given.say("hm").unwrap().clarifications_left, 1);
    given.answer(2, true).unwrap();
    assert_eq!(given.say("hm").unwrap().clarifications_left, 0);
    given.answer(3, false).unwrap();
    assert_eq!(given.say("hm").unwrap().clarifications_left, 2);
}

#[test]
fn the_empty_and_the_foreign_are_out_of_scope_and_the_huge_is_refused() {
    let mut given = nothing();
    for text in ["", "?!", "注文はどこですか"] {
        assert_eq!(given.say(text).unwrap().taken_for.intent, None);
    }
    let huge = "where is my order ".repeat(300);
    assert_eq!(given.say(&huge), Err(SupportRejection::QueryTooLong));
    assert_eq!(given.events().len(), 3);
}

#[test]
fn a_strangers_conversation_is_as_if_it_did_not_exist() {
    let mut given = nothing();
    let show = ShowConversation {
        conversation: conversation(),
    };
    let none = SupportRejection::NoConversation(conversation());
    assert_eq!(given.ask(&show), Err(none.clone()));
    given.say("where is my order").unwrap();
    assert_eq!(given.ask(&show).unwrap().turns.len(), 1);
    given.turn_to(Principal::user("C2"));
    assert_eq!(given.ask(&show), Err(none.clone()));
    assert_eq!(given.say("and mine?"), Err(none));
    given.turn_to(Principal::Operator("ann".into()));
    assert_eq!(given.ask(&show).unwrap().turns.len(), 1);
}

/// Catches: a customer who writes the shop's answers to themselves.
#[test]
fn the_shop_alone_answers() {
    let mut given = nothing();
    given.say("where is my order").unwrap();
    let by_the_customer = given.ask(&answer_to(1, false));
    assert_eq!(by_the_customer, Err(SupportRejection::NotStaff));
    assert_eq!(given.events().len(), 1);
}

#[test]
fn the_first_answer_stands() {
    let mut given = nothing();
    given.say("where is my order").unwrap();
    given.answer(1, false).unwrap();
    given.answer(1, true).unwrap();
    assert_eq!(given.events().len(), 2);
    assert_eq!(given.answer(9, false), Err(SupportRejection::NoQuestion(9)));
}

#[test]
fn one_ticket_waits_and_only_a_more_urgent_one_takes_its_place() {
    let mut given = nothing();
    given.say("the website shows an error").unwrap();
    let first = given.ticket(TicketReason::TechnicalIssue).unwrap();
    let due = given.now().plus(Duration::from_secs(24 * 3_600));
    assert_eq!((first.number, first.due_at), (1, due));
    assert_eq!(given.ticket(TicketReason::NotUnderstood), Ok(first));
    let second = given.ticket(TicketReason::Complaint).unwrap();
    assert_eq!((second.number, second.priority), (2, Priority::Urgent));
    assert_eq!(given.ticket(TicketReason::PersonAsked), Ok(second));

    let resolve = ResolveTicket {
        conversation: conversation(),
        number: 2,
    };
    assert_eq!(given.ask(&resolve), Err(SupportRejection::NotStaff));
    given.turn_to(Principal::Operator("ann".into()));
    given.ask(&resolve).unwrap();
    assert_eq!(given.ask(&resolve), Err(SupportRejection::NoTicket(2)));
}

#[test]
fn a_wish_for_a_person_is_never_lost() {
    let mut given = nothing();
    let story = "my order did not arrive and the app shows an error when I track it. ".repeat(40);
    let understood = given.say(&format!("{story} A person, please!")).unwrap();
    assert_eq!(understood.taken_for.intent, Some(Intent::Person));
}

#[test]
fn knowledge_is_cited_by_version_and_products_are_found_by_name() {
    let given = nothing();
    let agent = given.agent();
    let found = agent.search_knowledge("how do I return something");
    assert_eq!(&*found[0].cite().article, "returns");
    assert!(agent.search_knowledge("will it rain").is_empty());

    let find = |question: &str, page: Option<&str>| {
        let page = page.map(|sku| Sku::new(sku).unwrap());
        let found = agent.find_products(question, page.as_ref());
        found.first().map(|product| product.sku.as_str().to_owned())
    };
    let found = find("are the red mugs in stock", None);
    assert_eq!(found.as_deref(), Some("M1"));
    let found = find("what colour is it", Some("T1"));
    assert_eq!(found.as_deref(), Some("T1"));
    assert_eq!(find("what is it", Some("X9")), None);
}

/// Catches: words in a conversation that would outlive its person's erasure.
#[test]
fn what_is_sealed_for_another_person_is_refused() {
    let mut given = nothing();
    let refused = Err(SupportRejection::SealedForAnother);
    assert_eq!(given.say_for("C2", "where is my order"), refused);
    given.say("where is my order").unwrap();
    given.turn_to(Principal::Operator("ann".into()));
    assert_eq!(given.say_for("ann", "and now?"), refused);
    given.say_for("C1", "and now?").unwrap();
    let strange = RecordAnswer {
        conversation: conversation(),
        turn: 1,
        text: sealed("ann", &PrivateText::new("an answer")),
        citations: Vec::new(),
        clarification: false,
    };
    let refused = given.ask(&strange);
    assert_eq!(refused, Err(SupportRejection::SealedForAnother));
}

#[test]
fn nothing_that_was_said_shows_in_debug() {
    let mut given = nothing();
    given.say("my name is Ada Lovelace").unwrap();
    assert!(!format!("{:?} {:?}", given.events(), given.state()).contains("Lovelace"));
}
