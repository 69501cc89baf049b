//! "Can I change my order?", and what follows when the answer is yes.

use super::gateway::Call;
use super::town::ada;
use super::*;

fn change(lines: &[(&str, u32)], revision: u32) -> OrderChangeRequest {
    let line = |(name, units): &(&str, u32)| OrderLine {
        sku: sku(name),
        quantity: Quantity::new(*units).unwrap(),
    };
    OrderChangeRequest {
        order: order(),
        revision,
        lines: lines.iter().map(line).collect(),
        segment: Segment::Standard,
    }
}

async fn run(
    town: &Town,
    name: &str,
    request: OrderChangeRequest,
) -> Result<ChangeReceipt, RunError<ReviseError>> {
    let handle = town.runtime.handle();
    handle
        .run(&ada(), ORDER_CHANGE, FlowId::new(name), request)
        .await
}

/// Catches: options that name nothing, or a difference that is not the one that is charged.
#[tokio::test(start_paused = true)]
async fn the_customer_sees_alternatives_and_differences_and_pays_just_that() {
    let town = Town::open().await;
    let before = town.check_out(Basket::of(&[("tea", 2)])).await.unwrap();
    let handle = town.runtime.handle();
    let options = handle
        .serve(&ada(), async |scope| {
            modification_options(scope, order()).await
        })
        .await
        .unwrap();
    let ModificationOptions::Changeable { revision, lines } = options else {
        panic!("it can be changed");
    };
    let line = &lines[0];
    assert_eq!((line.available, line.unit_difference), (18, gbp(0)));
    let offered: Vec<_> = line
        .alternatives
        .iter()
        .map(|other| (other.sku.as_str(), other.unit_difference.minor()))
        .collect();
    assert_eq!(offered, [("coffee", 0), ("mate", -100), ("cocoa", 200)]);

    // One more tea, and a cocoa instead of nothing.
    let request = change(&[("tea", 3), ("cocoa", 1)], revision);
    let receipt = run(&town, "c-1", request).await.unwrap();
    assert_eq!(receipt.revision, 2);
    // 1 000 + 1 200 and a fifth; shipping is free from 50 pounds, and this is below.
    assert_eq!(receipt.difference, gbp(2_640));
    let view = town.until(OrderPhase::Captured).await;
    assert_eq!(view.captured, Some(receipt.priced.total));
    let taken: i64 = town
        .records()
        .values()
        .filter_map(|record| Some(record.captured?.minor()))
        .collect::<Vec<_>>()
        .iter()
        .sum();
    assert_eq!(taken, before.priced.total.minor() + 2_640);
    assert_eq!(town.balances("tea").await.shipped, 3);
    assert_eq!(town.balances("cocoa").await.shipped, 1);
    let late = handle
        .serve(&ada(), async |scope| {
            modification_options(scope, order()).await
        })
        .await;
    let phase = OrderPhase::Captured;
    assert_eq!(late, Ok(ModificationOptions::TooLate { phase }));
    town.close().await;
}

/// Catches: a smaller order that is taken for in full, or whose freed stock stays held.
#[tokio::test(start_paused = true)]
async fn a_smaller_order_is_taken_for_as_it_is() {
    let town = Town::open().await;
    town.check_out(Basket::of(&[("tea", 3), ("coffee", 2)]))
        .await
        .unwrap();
    let receipt = run(&town, "c-1", change(&[("tea", 1)], 1)).await.unwrap();
    assert!(receipt.difference.minor() < 0);
    let view = town.until(OrderPhase::Captured).await;
    assert_eq!(view.captured, Some(receipt.priced.total));
    let paid = town.payment().unwrap();
    assert!(paid.voided, "the rest is given up");
    for (name, shipped) in [("tea", 1), ("coffee", 0)] {
        let stock = town.balances(name).await;
        assert_eq!(
            (stock.shipped, stock.reserved, stock.committed),
            (shipped, 0, 0),
            "{name}"
        );
    }
    town.close().await;
}

/// Catches: a change that fails half-way and leaves the order locked, stock held or money set aside.
#[tokio::test(start_paused = true)]
async fn a_change_that_cannot_be_finished_leaves_the_order_as_it_was() {
    let town = Town::open().await;
    let before = town.check_out(Basket::of(&[("tea", 2)])).await.unwrap();
    let much = run(&town, "c-1", change(&[("tea", 2), ("cocoa", 21)], 1)).await;
    assert!(matches!(
        much.unwrap_err(),
        RunError::Failed(ReviseError::Stock { .. })
    ));
    let stale = run(&town, "c-2", change(&[("tea", 1)], 7)).await;
    assert!(matches!(
        stale.unwrap_err(),
        RunError::Failed(ReviseError::Order(OrderRejection::RevisionDiffers {
            revision: 1
        }))
    ));
    let view = town.view().await;
    assert_eq!((view.phase, view.revision), (OrderPhase::Placed, 1));
    assert_eq!(town.balances("cocoa").await.reserved, 0);
    // The same name with another wish is another request's answer to nobody.
    let other = run(&town, "c-1", change(&[("tea", 1)], 1)).await;
    assert_eq!(other.unwrap_err(), RunError::Unserved(AskFailure::IdReused));
    let view = town.until(OrderPhase::Captured).await;
    assert_eq!(view.captured, Some(before.priced.total));
    town.close().await;
}

/// Catches: a second authorisation after a lost answer.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_about_the_difference_is_looked_up() {
    let town = Town::open().await;
    town.check_out(Basket::of(&[("tea", 1)])).await.unwrap();
    town.payments.lose(Call::Authorise);
    let receipt = run(&town, "c-1", change(&[("tea", 2)], 1)).await.unwrap();
    let view = town.until(OrderPhase::Captured).await;
    assert_eq!(view.captured, Some(receipt.priced.total));
    assert_eq!(town.records().len(), 2);
    town.close().await;
}
