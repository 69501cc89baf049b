//! SPEC's second journey, "Where is my order?", and the label of a parcel.

use super::town::ada;
use super::*;

async fn enquire(town: &Town, text: &str) -> String {
    enquire_as(town, &ada(), text).await
}

async fn enquire_as(town: &Town, caller: &Caller, text: &str) -> String {
    let query = CustomerQuery {
        conversation: ConversationId::new("chat").unwrap(),
        text: PrivateText::new(text),
        order: Some(order()),
        product: None,
        channel: SupportChannel::Chat,
    };
    let handle = town.runtime.handle();
    let answer = handle
        .serve(caller, async |scope| answer_query(scope, query).await)
        .await;
    answer.unwrap().text.as_str().to_owned()
}

/// Catches: an enquiry that is answered without Order, without Inventory, or without the carrier.
#[tokio::test(start_paused = true)]
async fn the_customer_is_told_where_the_order_is_and_how_it_can_change() {
    let town = Town::open().await;
    town.check_out(Basket::of(&[("tea", 1)])).await.unwrap();
    let where_is_it = "Where is my order?";
    assert!(enquire(&town, where_is_it).await.contains("is placed"));
    let change = enquire(&town, "Can I change my order?").await;
    assert!(
        change.contains("- tea: 1 ordered, 19 more in stock"),
        "{change}"
    );
    assert!(change.contains("or coffee: 20 in stock"), "{change}");

    let view = town.until(OrderPhase::Captured).await;
    let tracking = view.tracking.unwrap();
    let told = enquire(&town, where_is_it).await;
    assert!(told.contains("has left our warehouse"), "{told}");
    assert!(told.contains(tracking.as_str()), "{told}");
    let scan = RecordTracking {
        order: order(),
        tracking,
        scan: TrackingScan {
            at: town.runtime.handle().clock().now(),
            status: ParcelStatus::OutForDelivery,
        },
    };
    town.ask(scan).await.unwrap();
    let told = enquire(&town, where_is_it).await;
    assert!(told.contains("is out for delivery"), "{told}");
    town.close().await;
}

/// Catches: a question that comes again under its key, as after a crash, and is refused for good because the
/// order has moved on meanwhile; and one that counts twice.
#[tokio::test(start_paused = true)]
async fn a_question_that_comes_again_is_answered_by_how_things_stand_then() {
    let town = Town::open().await;
    town.check_out(Basket::of(&[("tea", 1)])).await.unwrap();
    let keyed = ada().keyed(CommandId::from_key("asked once"));
    let mut told = Vec::new();
    for text in ["Where is my order?"; 3] {
        told.push(enquire_as(&town, &keyed, text).await);
        town.until(OrderPhase::Captured).await;
    }
    assert!(told[0].contains("is placed"), "{told:?}");
    assert!(told[1].contains("has left our warehouse"), "{told:?}");
    assert_eq!(told[1], told[2]);
    let conversation = ConversationId::new("chat").unwrap();
    let kept = town.ask(ShowConversation { conversation }).await.unwrap();
    assert_eq!(kept.turns.len(), 1);
    assert!(kept.turns[0].answer.is_some());
    town.close().await;
}

/// Catches: a label for a parcel that is not there, or with another number than the carrier's.
#[tokio::test(start_paused = true)]
async fn a_parcel_has_a_label_to_print() {
    let town = Town::open().await;
    town.check_out(Basket::of(&[("tea", 2)])).await.unwrap();
    let view = town.until(OrderPhase::Captured).await;
    let handle = town.runtime.handle();
    let label = async |parcel| {
        handle
            .serve(&Caller::system(), async |scope| {
                shipping_label(scope, order(), parcel, "Mercato, Hull").await
            })
            .await
    };
    let made = label(1).await.unwrap();
    let number = view.tracking.unwrap();
    assert!(made.zpl().contains(&format!("^FD{number}^FS")));
    assert!(made.svg().unwrap().contains("0.400 kg"));
    assert!(matches!(
        label(2).await,
        Err(ShippingLabelError::NoParcel { parcel: 2, .. })
    ));
    town.close().await;
}
