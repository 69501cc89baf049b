//! What the in-process gateway promises: the outside that the simulator holds the shop against.

// Helpers stand outside the test functions, where clippy takes no test for one.
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use mercato_actors::*;

/// The gateway lives in this process: its answers are there at once.
fn now<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().unwrap()
}

fn gateway() -> InProcessPayments {
    InProcessPayments::new(LedgerOptions::default())
}

fn gbp(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

fn payment(name: &str) -> PaymentId {
    PaymentId::new(name).unwrap()
}

fn authorise(name: &str, minor: i64) -> AuthoriseRequest {
    AuthoriseRequest {
        payment: payment(name),
        order: OrderId::new("o-1").unwrap(),
        amount: gbp(minor),
        method: PaymentMethod::token("tok"),
        supplements: None,
    }
}

fn amount(minor: i64) -> MovementRequest {
    MovementRequest {
        payment: payment("p"),
        amount: gbp(minor),
    }
}

#[test]
fn a_repeated_key_moves_no_more_money() {
    let gateway = gateway();
    let first = now(gateway.authorise(&authorise("p", 100)));
    assert_eq!(now(gateway.authorise(&authorise("p", 100))), first);
    now(gateway.capture("c", &amount(60))).unwrap();
    now(gateway.capture("c", &amount(60))).unwrap();
    assert_eq!(
        gateway.ledger().payments[&payment("p")].captured,
        Some(gbp(60))
    );
    assert_eq!(
        now(gateway.capture("c", &amount(40))),
        Err(PaymentError::KeyReused)
    );
    assert_eq!(
        now(gateway.authorise(&authorise("p", 101))),
        Err(PaymentError::KeyReused)
    );
}

#[test]
fn no_more_is_captured_than_authorised_and_none_refunded_than_captured() {
    let gateway = gateway();
    assert_eq!(
        now(gateway.capture("c0", &amount(1))),
        Err(PaymentError::NotAuthorised)
    );
    now(gateway.authorise(&authorise("p", 100))).unwrap();
    now(gateway.capture("c1", &amount(60))).unwrap();
    assert_eq!(
        now(gateway.capture("c2", &amount(41))),
        Err(PaymentError::Amount { left: gbp(40) })
    );
    for refund in [61, 0, -1] {
        assert_eq!(
            now(gateway.refund("r", &amount(refund))),
            Err(PaymentError::Amount { left: gbp(60) })
        );
    }
    now(gateway.refund("r", &amount(60))).unwrap();
    // What was not captured is given up, and captured no more; all of it captured is not voided.
    let voided = now(gateway.void("v", &payment("p")));
    assert_eq!(voided, Ok(VoidOutcome::RemainderVoided));
    assert_eq!(
        now(gateway.capture("c3", &amount(1))),
        Err(PaymentError::NotAuthorised)
    );
    let full = authorise("q", 10);
    let full = AuthoriseRequest {
        order: OrderId::new("o-2").unwrap(),
        ..full
    };
    now(gateway.authorise(&full)).unwrap();
    let all = MovementRequest {
        payment: payment("q"),
        amount: gbp(10),
    };
    now(gateway.capture("c4", &all)).unwrap();
    let voided = now(gateway.void("v2", &payment("q")));
    assert_eq!(voided, Err(PaymentError::AlreadyCaptured));
}

#[test]
fn an_authorisation_that_arrives_after_its_void_is_declined() {
    let gateway = gateway();
    assert_eq!(
        now(gateway.void("v", &payment("p"))),
        Ok(VoidOutcome::NothingToVoid)
    );
    assert_eq!(
        now(gateway.authorise(&authorise("p", 100))),
        Err(PaymentError::Declined(DeclineReason::Voided))
    );
}

#[test]
fn a_second_payment_of_an_order_is_refused_and_counted() {
    let gateway = gateway();
    now(gateway.authorise(&authorise("p", 100))).unwrap();
    assert_eq!(
        now(gateway.authorise(&authorise("q", 100))),
        Err(PaymentError::Declined(DeclineReason::AlreadyPaid))
    );
    assert_eq!(gateway.ledger().double_charges_refused, 1);
}

/// Catches: a law against double charges that looks at names, and supplements to nothing.
#[test]
fn a_payment_that_adds_to_another_says_so() {
    let gateway = gateway();
    let more = |name: &str, to: &str| AuthoriseRequest {
        supplements: Some(payment(to)),
        ..authorise(name, 50)
    };
    let refused = Err(PaymentError::Declined(DeclineReason::AlreadyPaid));
    assert_eq!(now(gateway.authorise(&more("q", "p"))), refused);
    now(gateway.authorise(&authorise("p", 100))).unwrap();
    assert_eq!(now(gateway.authorise(&more("r", "other"))), refused);
    now(gateway.authorise(&more("s", "p"))).unwrap();
    now(gateway.capture("c", &amount(100))).unwrap();
    // What is taken is paid, voided or not.
    assert_eq!(now(gateway.authorise(&authorise("t", 100))), refused);
}

/// Catches: money that is taken long after it was set aside.
#[tokio::test(start_paused = true)]
async fn what_is_set_aside_ends() {
    let clock = mercato_runtime::Clock::starting_at(mercato_runtime::Timestamp::from_millis(0));
    let week = std::time::Duration::from_secs(7 * 86_400);
    let gateway = gateway().with_expiry(clock, week);
    let authorised = gateway.authorise(&authorise("p", 100)).await.unwrap();
    assert_eq!(authorised.until, Some(clock.now().plus(week)));
    gateway.capture("c", &amount(40)).await.unwrap();
    tokio::time::sleep(week).await;
    assert_eq!(
        gateway.capture("c2", &amount(60)).await,
        Err(PaymentError::Expired)
    );
    // What was done is done, and is answered as it was.
    gateway.capture("c", &amount(40)).await.unwrap();
    gateway.refund("r", &amount(40)).await.unwrap();
}

#[test]
fn a_restored_gateway_has_the_same_books() {
    let written = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&written);
    let first = InProcessPayments::new(LedgerOptions {
        entries_max: 3,
        sink: Some(Box::new(move |entry: &PaymentEntry| {
            sink.lock().unwrap().push(entry.clone());
        })),
    });
    now(first.authorise(&authorise("p", 100))).unwrap();
    now(first.capture("c", &amount(100))).unwrap();
    now(first.refund("r", &amount(10))).unwrap();
    let full = now(first.refund("r2", &amount(10)));
    assert_eq!(full, Err(PaymentError::Full));

    let second = gateway();
    second.restore(written.lock().unwrap().clone()).unwrap();
    assert_eq!(second.ledger(), first.ledger());
    now(second.capture("c", &amount(100))).unwrap();
    assert_eq!(second.ledger(), first.ledger());
}
