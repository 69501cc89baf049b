//! A customer is erased: nothing that was kept of them can be read, anywhere, and the shop goes on
//! as if nothing had happened.

pub(crate) mod customers;
mod found;
mod town;

use std::sync::Arc;

use customers::{ADA, BOB, Customer, ask, check_out, enquire, order_of, status};
use found::{Found, answered, dropped_for_erasure, personal_fields};
use mercato::SealError;
use mercato::actors::*;
use mercato::persistence::verify;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use town::{HOUR, Town, holds, sku};

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
    assert_eq!(status(&handle, "a-3").await.phase, OrderPhase::Fulfilling);
    // Four orders of two; the third of Ada's is held for her and never leaves.
    let levels = ask(&handle, CheckStock { sku: sku() }).await;
    assert_eq!(levels.available, 92);
    for (customer, orders) in [(&ADA, 3), (&BOB, 1)] {
        let id = CustomerId::new(customer.id).expect("a customer");
        let profile = ask(
            &handle,
            CustomerProfile {
                customer: id,
                quintiles: None,
            },
        )
        .await;
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
