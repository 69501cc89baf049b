//! Lines that wait for stock, and lines that are given up.

use super::*;

fn cancel_line(sku: &str) -> CancelLine {
    CancelLine {
        order: order(),
        sku: Sku::new(sku).unwrap(),
        reason: CancelReason::Customer,
    }
}

/// Catches: a backorder that is sent, or paid, before there is stock for it; and one that is never.
#[test]
fn what_is_on_backorder_is_sent_and_paid_when_it_comes() {
    let (mut desk, priced) = placed(&[("tea", 5), ("coffee", 1)], &[("tea", 2), ("coffee", 1)]);
    desk.ask(&BeginFulfilment { order: order() }).unwrap();
    desk.send_planned();
    let view = desk.view();
    assert_eq!(view.phase, OrderPhase::Fulfilling);
    assert_eq!((view.units[0].sent, view.units[0].backordered), (2, 3));
    assert_eq!(desk.shown().backordered, order_lines(&[("tea", 3)]));
    assert!(view.captured.unwrap().minor() < priced.total.minor());
    let pending = PendingUnits {
        order: order(),
        sku: Sku::new("tea").unwrap(),
    };
    assert_eq!(desk.ask(&pending), Ok(3));

    let more = |name, units| AllocateStock {
        order: order(),
        holds: holds(name, &[("tea", units)]),
    };
    assert!(matches!(
        desk.ask(&more("o-1.b1", 4)),
        Err(OrderRejection::HoldsDiffer { waiting: 3, .. })
    ));
    desk.ask(&more("o-1.b1", 3)).unwrap();
    desk.send_planned();
    let view = desk.view();
    assert_eq!(view.phase, OrderPhase::Captured);
    assert_eq!(view.captured, Some(priced.total));
}

/// Catches: a cancelled line whose stock stays held or whose money is taken, and a last line that
/// leaves an order without contents behind.
#[test]
fn a_cancelled_line_is_never_taken_for_and_the_last_one_takes_the_order_with_it() {
    let lines = [("tea", 3), ("coffee", 2)];
    let (mut desk, priced) = placed(&lines, &lines);
    assert_eq!(desk.ask(&cancel_line("tea")), Ok(3));
    assert_eq!(desk.ask(&cancel_line("tea")), Ok(0));
    assert!(matches!(
        desk.ask(&cancel_line("cocoa")),
        Err(OrderRejection::NotOrdered(_))
    ));
    let freed = desk.events().iter().find_map(|event| match event {
        OrderEvent::LineCancelled(cancelled) => Some(cancelled.freed.clone()),
        _ => None,
    });
    assert_eq!(freed, Some(holds("o-1", &[("tea", 3)])));
    let mut last = desk;
    let kept = {
        let tea = priced.line(&Sku::new("tea").unwrap()).unwrap().gross();
        priced.total.minus(tea.unwrap()).unwrap()
    };
    let money = last.ask(&ShowPayments { order: order() }).unwrap();
    assert_eq!(money.payable, Some(kept));
    assert_eq!(last.ask(&cancel_line("coffee")), Ok(2));
    assert_eq!(last.view().phase, OrderPhase::Cancelled);

    let (mut desk, _) = placed(&lines, &lines);
    desk.ask(&cancel_line("tea")).unwrap();
    desk.ask(&BeginFulfilment { order: order() }).unwrap();
    desk.send_planned();
    let view = desk.view();
    assert_eq!(
        (view.phase, view.captured),
        (OrderPhase::Captured, Some(kept))
    );
    // All that was sent comes back: all that was taken is given back, and nothing more.
    assert_eq!(desk.give_back(&[("coffee", 2)]), Ok(kept));
    assert_eq!(desk.view().phase, OrderPhase::Refunded);
}

/// Catches: a packed order whose held lines are cancelled under the hands of who packs them, and one
/// that waits for ever after its backorders were given up.
#[test]
fn while_an_order_is_packed_only_what_is_on_backorder_is_cancelled() {
    let (mut desk, _) = placed(&[("tea", 5), ("coffee", 1)], &[("tea", 2)]);
    desk.ask(&BeginFulfilment { order: order() }).unwrap();
    assert_eq!(desk.ask(&cancel_line("tea")), Ok(3));
    desk.send_planned();
    assert_eq!(desk.view().phase, OrderPhase::Fulfilling);
    assert_eq!(desk.ask(&cancel_line("coffee")), Ok(1));
    assert_eq!(desk.view().phase, OrderPhase::Captured);

    let (mut nothing, _) = placed(&[("tea", 5)], &[]);
    nothing.ask(&BeginFulfilment { order: order() }).unwrap();
    assert_eq!(nothing.ask(&cancel_line("tea")), Ok(5));
    assert_eq!(nothing.view().phase, OrderPhase::Cancelled);
}
