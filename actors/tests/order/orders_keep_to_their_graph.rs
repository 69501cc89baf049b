//! The states of an order over any history.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Act {
    Price,
    Authorise,
    Lose,
    Decline,
    Place,
    Change,
    Label,
    Capture,
    Cancel,
    Return(u32),
    Refuse,
    Refund(i64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Price),
        4 => Just(Act::Authorise),
        1 => Just(Act::Lose),
        1 => Just(Act::Decline),
        4 => Just(Act::Place),
        1 => Just(Act::Change),
        4 => Just(Act::Label),
        4 => Just(Act::Capture),
        1 => Just(Act::Cancel),
        4 => (1u32..5).prop_map(Act::Return),
        1 => Just(Act::Refuse),
        4 => (-10i64..2_000).prop_map(Act::Refund),
    ]
}

/// Whether it was done.
fn carry_out(desk: &mut Given<OrderAgent>, act: &Act, total: &mut Money) -> bool {
    let amount = *total;
    match act {
        Act::Price => match desk.price(&[("tea", 333)]) {
            Ok(priced) => {
                *total = priced.total;
                true
            }
            Err(_) => false,
        },
        Act::Authorise => desk.authorise(PaymentOutcome::Authorised(amount)).is_ok(),
        Act::Lose => desk.authorise(PaymentOutcome::Unknown).is_ok(),
        Act::Decline => desk
            .authorise(PaymentOutcome::Declined(DeclineReason::Issuer))
            .is_ok(),
        Act::Place => desk.ask(&PlaceOrder { order: order() }).is_ok(),
        Act::Change => desk
            .ask(&ChangeOrder {
                order: order(),
                address: address("GB"),
            })
            .is_ok(),
        Act::Label => desk.ask(&label()).is_ok(),
        Act::Capture => desk
            .ask(&RecordCapture {
                order: order(),
                amount,
            })
            .is_ok(),
        Act::Cancel => desk.ask(&cancel()).is_ok(),
        Act::Return(units) => desk
            .ask(&RequestReturn {
                order: order(),
                lines: order_lines(&[("tea", *units)]),
            })
            .is_ok(),
        Act::Refuse => desk.ask(&RefuseReturn { order: order() }).is_ok(),
        Act::Refund(minor) => desk
            .ask(&RecordRefund {
                order: order(),
                amount: gbp(*minor),
            })
            .is_ok(),
    }
}

impl Act {
    /// The edges that this may follow.
    fn edges(&self) -> &[Transition] {
        match self {
            Self::Price => &[Transition::Price],
            Self::Authorise => &[Transition::Authorise],
            Self::Lose => &[Transition::LosePayment],
            Self::Decline => &[Transition::Decline],
            Self::Place => &[Transition::Place],
            Self::Change => &[Transition::Change],
            Self::Label => &[Transition::Label],
            Self::Capture => &[Transition::Capture],
            Self::Cancel => &[Transition::Cancel],
            Self::Return(_) => &[Transition::RequestReturn],
            Self::Refuse => &[Transition::RefuseReturn],
            Self::Refund(_) => &[Transition::RefundPart, Transition::RefundAll],
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn an_order_never_leaves_its_graph_and_never_refunds_more_than_it_took(
        acts in proptest::collection::vec(act(), 0..120),
    ) {
        let mut desk = received(&[("tea", 4)]);
        let mut total = gbp(0);
        for act in &acts {
            let before = desk.state().phase().unwrap();
            let done = carry_out(&mut desk, act, &mut total);
            let after = desk.state().phase().unwrap();
            let followed = act.edges().iter().any(|edge| before.after(*edge) == Some(after));
            let stayed = before == after;
            prop_assert!(if done { followed || stayed } else { stayed }, "{:?}: {:?}", before, act);
            if let (captured, Some(refunded)) = desk.state().money() {
                prop_assert!(captured.is_some_and(|taken| refunded.minor() <= taken.minor()));
            }
        }
    }
}
