//! What comes back, in parts or as a whole, and what is refunded for it.

use super::*;

#[test]
fn returns_in_parts_give_back_exactly_what_was_paid() {
    let (mut desk, priced) = captured();
    let mut refunded = 0;
    for (sku, units) in [("tea", 1), ("coffee", 2), ("tea", 1), ("tea", 1)] {
        refunded += desk.give_back(&[(sku, units)]).unwrap().minor();
    }
    assert_eq!(refunded, priced.total.minor());
    assert_eq!(desk.state().phase(), Some(OrderPhase::Refunded));
}

#[test]
fn more_than_was_bought_cannot_come_back() {
    let (mut desk, priced) = captured();
    for lines in [&[("tea", 4)][..], &[("tea", 1), ("tea", 1)]] {
        let refused = desk.give_back(lines);
        assert!(matches!(refused, Err(OrderRejection::NotReturnable { .. })));
    }
    assert_eq!(desk.give_back(&[]), Err(OrderRejection::EmptyReturn));
    desk.ask(&RequestReturn {
        order: order(),
        lines: order_lines(&[("tea", 1)]),
    })
    .unwrap();
    for amount in [0, -1, priced.total.minor() + 1] {
        let refund = RecordRefund {
            order: order(),
            amount: gbp(amount),
        };
        assert_eq!(
            desk.ask(&refund),
            Err(OrderRejection::RefundTooLarge {
                refundable: priced.total
            })
        );
    }
    desk.ask(&RefuseReturn { order: order() }).unwrap();
    assert_eq!(desk.state().phase(), Some(OrderPhase::Captured));
}
