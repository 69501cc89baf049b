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
    let agreed = desk.ask(&RequestReturn {
        order: order(),
        lines: order_lines(&[("tea", 1)]),
    });
    let due = agreed.unwrap().refund;
    assert!(due.minor() < priced.total.minor());
    for amount in [0, -1, due.minor() + 1] {
        let refund = RecordRefund {
            order: order(),
            parts: vec![MoneyPart {
                payment: (&order()).into(),
                amount: gbp(amount),
            }],
        };
        assert_eq!(
            desk.ask(&refund),
            Err(OrderRejection::RefundTooLarge { refundable: due })
        );
    }
    desk.ask(&RefuseReturn { order: order() }).unwrap();
    assert_eq!(desk.state().phase(), Some(OrderPhase::Captured));
}

fn request(lines: &[(&str, u32)]) -> RequestReturn {
    RequestReturn {
        order: order(),
        lines: order_lines(lines),
    }
}

fn found(sku: &str, resaleable: u32, damaged: u32) -> InspectReturn {
    InspectReturn {
        order: order(),
        findings: vec![ReturnFinding {
            sku: Sku::new(sku).unwrap(),
            resaleable,
            damaged,
        }],
    }
}

/// Catches: money for what was not in the parcel, and units that can never come back after that.
#[test]
fn only_what_was_in_the_parcel_is_paid_for() {
    let (mut desk, _) = captured();
    let agreed = desk.ask(&request(&[("tea", 3)])).unwrap();
    assert_eq!(&*agreed.rma, "o-1-R1");
    assert!(desk.ask(&found("tea", 3, 1)).is_err());
    assert!(desk.ask(&found("coffee", 1, 0)).is_err());
    let due = desk.ask(&found("tea", 1, 1)).unwrap();
    assert!(due.minor() < agreed.refund.minor());
    assert_eq!(desk.ask(&found("tea", 1, 1)), Ok(due));
    assert_eq!(
        desk.ask(&found("tea", 3, 0)),
        Err(OrderRejection::AlreadyInspected)
    );
    desk.ask(&RecordRefund {
        order: order(),
        parts: vec![MoneyPart {
            payment: (&order()).into(),
            amount: due,
        }],
    })
    .unwrap();
    let again = desk.ask(&request(&[("tea", 2)]));
    assert!(matches!(
        again,
        Err(OrderRejection::NotReturnable { returnable: 1, .. })
    ));
    assert_eq!(&*desk.ask(&request(&[("tea", 1)])).unwrap().rma, "o-1-R2");
    assert_eq!(desk.ask(&found("tea", 0, 0)), Ok(gbp(0)));
}

/// Catches: a return that is agreed for ever, one that closes under inspection, and one that is agreed
/// long after the sale.
#[test]
fn a_return_has_its_time() {
    let (mut desk, _) = captured();
    let lapse = LapseReturn { order: order() };
    desk.ask(&request(&[("tea", 1)])).unwrap();
    desk.ask(&lapse).unwrap();
    assert_eq!(desk.state().phase(), Some(OrderPhase::Captured));
    desk.ask(&request(&[("tea", 1)])).unwrap();
    desk.ask(&found("tea", 1, 0)).unwrap();
    desk.ask(&lapse).unwrap();
    assert_eq!(desk.state().phase(), Some(OrderPhase::ReturnRequested));
    desk.ask(&RefuseReturn { order: order() }).unwrap();
    desk.pass(Duration::from_secs(31 * 86_400));
    assert!(matches!(
        desk.ask(&request(&[("tea", 1)])),
        Err(OrderRejection::ReturnTooLate { .. })
    ));
}
