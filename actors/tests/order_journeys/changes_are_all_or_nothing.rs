//! "Can I change my order?", and what follows when the answer is yes.

use mercato_runtime::Timestamp;

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

async fn options(town: &Town) -> Vec<LineOption> {
    let (handle, caller) = (town.runtime.handle(), ada());
    let options = handle.serve(&caller, async |scope| {
        modification_options(scope, order()).await
    });
    match options.await.unwrap() {
        ModificationOptions::Changeable { lines, .. } => lines,
        ModificationOptions::TooLate { phase } => panic!("it is {phase}"),
    }
}

fn offered(line: &LineOption) -> Vec<(&str, i64)> {
    let others = line.alternatives.iter();
    others
        .map(|other| (other.sku.as_str(), other.unit_difference.minor()))
        .collect()
}

/// Catches: a trade customer who is told everybody's prices, and then charged others.
#[tokio::test(start_paused = true)]
async fn a_trade_customer_is_told_the_differences_of_trade() {
    let town = Town::open().await;
    let mut cart = town.cart("o-1");
    let quantity = Quantity::new(2).unwrap();
    cart.add(CartLine {
        sku: sku("tea"),
        quantity,
        held: None,
    })
    .unwrap();
    let request = CheckoutRequest {
        segment: Segment::Trade,
        ..town.request(cart, &Basket::of(&[]))
    };
    let receipt = town.run_checkout(request).await.unwrap();
    // Trade pays 5 % less, of every product.
    assert_eq!(receipt.priced.lines[0].unit, gbp(950));
    let lines = options(&town).await;
    assert_eq!(lines[0].unit_difference, gbp(0));
    assert_eq!(
        offered(&lines[0]),
        [("coffee", 0), ("mate", -95), ("cocoa", 190)]
    );
    // And this is what such a change comes to: a cocoa at 1 140, and a fifth.
    let request = OrderChangeRequest {
        segment: Segment::Trade,
        ..change(&[("tea", 2), ("cocoa", 1)], 1)
    };
    let receipt = run(&town, "c-1", request).await.unwrap();
    assert_eq!(receipt.difference, gbp((950 + 190) * 6 / 5));
    town.until(OrderPhase::Captured).await;
    town.close().await;
}

/// Catches: the price of one unit that is told for a line of many, where many cost less apiece.
#[tokio::test(start_paused = true)]
async fn differences_are_told_for_as_many_units_as_are_ordered() {
    let town = Town::open().await;
    for (name, unit) in [("tea", 900), ("cocoa", 1_000)] {
        let many = ListPrice {
            channel: None,
            segment: None,
            quantity_from: Quantity::new(5).unwrap(),
            from: Timestamp::default(),
            until: None,
            unit: gbp(unit),
            cost: None,
        };
        let list = SetPriceList {
            sku: sku(name),
            entries: vec![many],
            reason: PriceReason::Merchant,
        };
        town.ask(list).await.unwrap();
    }
    let receipt = town.check_out(Basket::of(&[("tea", 5)])).await.unwrap();
    assert_eq!(receipt.priced.lines[0].unit, gbp(900));
    let lines = options(&town).await;
    assert_eq!(lines[0].unit_difference, gbp(0));
    assert_eq!(
        offered(&lines[0]),
        [("coffee", 100), ("mate", 0), ("cocoa", 100)]
    );
    town.until(OrderPhase::Captured).await;
    town.close().await;
}
