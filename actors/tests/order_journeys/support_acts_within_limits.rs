//! What Customer Support does beside answering: offers, tickets, identity, and persons.

use super::town::ada;
use super::*;

fn query(text: &str, named: Option<OrderId>) -> CustomerQuery {
    CustomerQuery {
        conversation: ConversationId::new("chat").unwrap(),
        text: PrivateText::new(text),
        order: named,
        product: None,
        channel: SupportChannel::Chat,
    }
}

async fn ask(town: &Town, caller: &Caller, query: CustomerQuery) -> SupportAnswer {
    let handle = town.runtime.handle();
    let answer = handle.serve(caller, async |scope| answer_query(scope, query).await);
    answer.await.unwrap()
}

async fn say(town: &Town, text: &str) -> SupportAnswer {
    ask(town, &ada(), query(text, None)).await
}

async fn chat(town: &Town) -> Conversation {
    let conversation = ConversationId::new("chat").unwrap();
    town.ask(ShowConversation { conversation }).await.unwrap()
}

/// Catches: an order that is cancelled without a yes, twice, or past Order's rules.
#[tokio::test(start_paused = true)]
async fn a_cancellation_is_offered_confirmed_and_done_by_order() {
    let town = Town::open().await;
    town.check_out(Basket::of(&[("tea", 2)])).await.unwrap();
    let offered = say(&town, "please cancel order o-1").await;
    assert_eq!(offered.resolution, Resolution::Offered);
    assert!(offered.text.as_str().contains("cancel order o-1"));
    assert_eq!(
        town.view().await.phase,
        OrderPhase::Placed,
        "nobody said yes"
    );
    let taken = say(&town, "Yes, please!").await;
    assert_eq!(taken.resolution, Resolution::Answered);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(town.view().await.phase, OrderPhase::Cancelled);
    let done = chat(&town).await;
    assert_eq!(done.actions[0].outcome, Some(ActionOutcome::Done));
    // A second yes is an answer to nothing.
    say(&town, "yes").await;
    assert_eq!(chat(&town).await.actions.len(), 1);
    town.close().await;
}

/// Catches: a no that is taken for a yes.
#[tokio::test(start_paused = true)]
async fn a_no_leaves_the_order_as_it_is() {
    let town = Town::open().await;
    town.check_out(Basket::of(&[("tea", 2)])).await.unwrap();
    say(&town, "please cancel order o-1").await;
    let left = say(&town, "no").await;
    assert!(left.text.as_str().contains("leave it as it is"));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_ne!(town.view().await.phase, OrderPhase::Cancelled);
    assert!(chat(&town).await.actions.is_empty());
    town.close().await;
}

/// Catches: a return that is agreed past Order's rules or the merchant's limit.
#[tokio::test(start_paused = true)]
async fn a_return_is_agreed_within_the_limit_and_goes_to_a_person_beyond() {
    let town = Town::open().await;
    town.check_out(Basket::of(&[("tea", 2)])).await.unwrap();
    town.until(OrderPhase::Captured).await;
    let offered = say(&town, "I want to return order o-1").await;
    assert_eq!(
        offered.resolution,
        Resolution::Offered,
        "{:?}",
        offered.text.as_str()
    );
    say(&town, "ok").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let outcome = chat(&town).await.actions[0].outcome.clone();
    let Some(ActionOutcome::ReturnAgreed { rma, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(&*rma, "o-1-R1");
    town.close().await;

    let cheap = |shop: &mut Shop| shop.support.return_minor_max = 100;
    let town = Town::open_with(cheap, |gateway, _| gateway).await;
    town.check_out(Basket::of(&[("tea", 2)])).await.unwrap();
    town.until(OrderPhase::Captured).await;
    let beyond = say(&town, "I want to return order o-1").await;
    let Resolution::Escalated(ticket) = beyond.resolution else {
        panic!("{beyond:?}");
    };
    assert_eq!(ticket.reason, TicketReason::OverLimit);
    town.close().await;
}

/// Catches: an offer that a stranger makes to themselves, and says yes to, over somebody else's order,
/// and one over goods whose return a person has to decide on.
#[tokio::test(start_paused = true)]
async fn a_yes_does_nothing_to_a_strangers_order_and_nothing_beyond_the_limit() {
    let cheap = |shop: &mut Shop| shop.support.return_minor_max = 100;
    let town = Town::open_with(cheap, |gateway, _| gateway).await;
    town.check_out(Basket::of(&[("tea", 2)])).await.unwrap();
    let bob = Caller::new(Principal::user("bob"));
    let order = OrderId::new("o-1").unwrap();
    let cancel = SupportAction::CancelOrder {
        order: order.clone(),
    };
    yes_to_oneself(&town, &bob, "b", cancel).await;
    town.until(OrderPhase::Captured).await;
    let lines = town.view().await.lines;
    let back = SupportAction::ReturnGoods { order, lines };
    yes_to_oneself(&town, &bob, "b2", back.clone()).await;
    yes_to_oneself(&town, &ada(), "a", back).await;
    town.close().await;
}

/// Offers something in a conversation, says yes to it, and is refused.
async fn yes_to_oneself(town: &Town, caller: &Caller, chat: &str, action: SupportAction) {
    let conversation = ConversationId::new(chat).unwrap();
    let said = |text: &str| CustomerQuery {
        conversation: conversation.clone(),
        ..query(text, None)
    };
    ask(town, caller, said("hello")).await;
    let offer = OfferAction {
        conversation: conversation.clone(),
        action,
    };
    let handle = town.runtime.handle();
    let offer = handle.ask(caller, offer).await.unwrap();
    ask(town, caller, said("yes")).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let shown = town.ask(ShowConversation { conversation }).await.unwrap();
    let taken = shown.actions.iter().find(|it| it.number == offer.number);
    let outcome = taken.unwrap().outcome.clone();
    assert!(
        matches!(outcome, Some(ActionOutcome::Refused { .. })),
        "{chat}: {outcome:?}"
    );
}

/// Catches: an answer about a product that knows neither its stock nor its price, and a shop that does not
/// ask which one is meant, or has forgotten the question by the answer.
#[tokio::test(start_paused = true)]
async fn a_question_about_a_product_is_answered_with_its_stock_and_price() {
    let town = Town::open().await;
    for text in [
        "is the tea in stock",
        "do you have this in stock",
        "the tea",
    ] {
        let answer = say(&town, text).await;
        let told = answer.text.as_str().to_owned();
        if text.contains("tea") {
            assert_eq!(answer.resolution, Resolution::Answered, "{text}: {told}");
            assert!(told.contains("It is in stock"), "{text}: {told}");
            assert!(told.contains("10.00"), "{text}: {told}");
        } else {
            assert_eq!(answer.resolution, Resolution::Clarifying, "{text}: {told}");
        }
    }
    town.close().await;
}

/// Catches: a shop that asks which order or product is meant and has forgotten, by the answer, what was
/// asked of it; and one that takes every order that is named for an answer.
#[tokio::test(start_paused = true)]
async fn what_was_asked_is_kept_while_the_shop_asks_back() {
    let town = Town::open().await;
    town.check_out(Basket::of(&[("tea", 2)])).await.unwrap();
    for answer in ["order o-1", "o-1", "it is order number o-1"] {
        let asked = say(&town, "please cancel my order").await;
        assert_eq!(asked.resolution, Resolution::Clarifying);
        let named = say(&town, answer).await;
        assert!(!named.text.as_str().contains("Which order"), "{answer}");
        assert_ne!(named.resolution, Resolution::Clarifying, "{answer}");
        let taken_for = chat(&town).await.turns.back().unwrap().taken_for;
        assert_eq!(taken_for.intent, Some(Intent::OrderChange), "{answer}");
    }
    let status = say(&town, "where is order o-1").await;
    assert_eq!(status.resolution, Resolution::Answered);
    let taken_for = chat(&town).await.turns.back().unwrap().taken_for;
    assert_eq!(taken_for.intent, Some(Intent::OrderStatus));
    town.close().await;
}

/// Catches: a refusal of Order's that the customer, who was told that it is being done, never hears
/// of.
#[tokio::test(start_paused = true)]
async fn what_order_refuses_after_a_yes_goes_to_a_person() {
    let town = Town::open().await;
    town.check_out(Basket::of(&[("tea", 2)])).await.unwrap();
    say(&town, "please cancel order o-1").await;
    // The customer thinks it over until the parcel has left.
    town.until(OrderPhase::Captured).await;
    say(&town, "yes").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let after = chat(&town).await;
    let outcome = after.actions[0].outcome.clone();
    assert!(
        matches!(outcome, Some(ActionOutcome::Refused { .. })),
        "{outcome:?}"
    );
    assert_eq!(after.ticket.unwrap().reason, TicketReason::ActionRefused);
    town.close().await;
}

/// Catches: an answer by which a stranger learns that an order exists.
#[tokio::test(start_paused = true)]
async fn a_strangers_order_and_a_missing_one_get_the_same_answer() {
    let town = Town::open().await;
    town.check_out(Basket::of(&[("tea", 1)])).await.unwrap();
    let bob = Caller::new(Principal::user("bob"));
    let mut told = Vec::new();
    for (number, order) in ["o-1", "o-2"].into_iter().enumerate() {
        for (kind, text) in ["where is order", "cancel order", "I want to return order"]
            .into_iter()
            .enumerate()
        {
            let query = CustomerQuery {
                conversation: ConversationId::new(format!("b{number}{kind}")).unwrap(),
                ..query(&format!("{text} {order}"), None)
            };
            let answer = ask(&town, &bob, query).await;
            let text = answer.text.as_str().replace(order, "it");
            told.push((number, text, answer.resolution));
        }
    }
    let (theirs, missing) = told.split_at(3);
    for (theirs, missing) in theirs.iter().zip(missing) {
        assert_eq!((&theirs.1, &theirs.2), (&missing.1, &missing.2));
        assert!(theirs.1.contains("I find no order"), "{}", theirs.1);
    }
    // Whoever is not signed in is asked to, whatever order they name.
    let guest = CustomerQuery {
        conversation: ConversationId::new("guest").unwrap(),
        ..query("where is order o-1", None)
    };
    let guest = ask(&town, &Caller::system(), guest).await;
    assert_eq!(guest.resolution, Resolution::SignInNeeded);
    town.close().await;
}

/// Catches: a third question back, and a wish for a person that is not heard.
#[tokio::test(start_paused = true)]
async fn who_is_not_understood_twice_gets_a_person() {
    let town = Town::open().await;
    for _ in 0..2 {
        let answer = say(&town, "will it rain tomorrow").await;
        assert_eq!(answer.resolution, Resolution::OutOfScope);
    }
    let third = say(&town, "注文はどこですか").await;
    let Resolution::Escalated(ticket) = third.resolution else {
        panic!("{third:?}");
    };
    assert_eq!(ticket.reason, TicketReason::NotUnderstood);
    let person = say(&town, "get me a human").await;
    assert!(matches!(person.resolution, Resolution::Escalated(_)));
    let huge = "where is my order ".repeat(1 << 16);
    let handle = town.runtime.handle();
    let asked = query(&huge, None);
    let refused = handle
        .serve(&ada(), async |scope| answer_query(scope, asked).await)
        .await
        .unwrap_err();
    assert_eq!(
        refused,
        SupportError::Refused(SupportRejection::QueryTooLong)
    );
    assert_eq!(
        chat(&town).await.asked,
        4,
        "what was asked before is as it was"
    );
    town.close().await;
}

/// Catches: a clock that does not run, and one that runs on when a person has answered.
#[tokio::test(start_paused = true)]
async fn a_ticket_that_nobody_answers_is_raised_by_its_clock() {
    let town = Town::open().await;
    say(&town, "the website shows an error").await;
    tokio::time::sleep(HOUR * 23).await;
    assert_eq!(chat(&town).await.breaches, 0);
    tokio::time::sleep(HOUR * 2).await;
    let raised = chat(&town).await;
    assert_eq!(
        (raised.breaches, raised.ticket.unwrap().priority),
        (1, Priority::High)
    );
    let handle = town.runtime.handle();
    let person = PersonId::new("ada").unwrap();
    let answer = AnswerTicket {
        conversation: ConversationId::new("chat").unwrap(),
        number: 1,
        text: handle.seal(&person, &PrivateText::new("mended")).unwrap(),
    };
    town.ask(answer).await.unwrap();
    tokio::time::sleep(HOUR * 48).await;
    assert_eq!(chat(&town).await.breaches, 1);
    town.close().await;
}
