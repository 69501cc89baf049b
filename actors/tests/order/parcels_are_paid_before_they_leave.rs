//! Parcels: what goes into each, what is taken for it, and what the carrier tells of it.

use super::*;

/// Terms under which a parcel holds at most two units.
fn small_parcels() -> Given<OrderAgent> {
    desk_with(OrderSettings {
        parcel_grams_max: 400,
        ..OrderSettings::default()
    })
}

/// Catches: money taken for what has not left, twice for one parcel, or not exactly in the end.
#[test]
fn each_parcel_is_paid_by_itself_and_all_of_them_sum_to_the_total() {
    let lines = [("tea", 2), ("coffee", 2)];
    let (mut desk, priced) = placed_by(small_parcels(), &lines, &lines);
    desk.ask(&BeginFulfilment { order: order() }).unwrap();
    let planned = desk.shown().planned;
    assert_eq!(planned.len(), 2);
    assert_eq!(planned[0].grams, 400);

    let leave = |parcel| RecordDispatch {
        order: order(),
        parcel,
    };
    desk.ask(&label_of(&planned[0])).unwrap();
    desk.when(&leave(1))
        .then_rejection(&OrderRejection::ParcelUnpaid(1));
    // One parcel after the other.
    assert!(desk.ask(&label_of(&planned[1])).is_err());
    desk.capture(1).unwrap();
    // 2 x 333 and shipping, and a fifth: the tax of 579.2 is divided over all of it.
    let first = desk.view().captured.unwrap();
    let again = RecordCapture {
        order: order(),
        parcel: 1,
        parts: vec![MoneyPart {
            payment: (&order()).into(),
            amount: first,
        }],
    };
    desk.when(&again)
        .then_rejection(&OrderRejection::ParcelPaid(1));
    desk.ask(&leave(1)).unwrap();
    desk.when(&leave(1)).then_events(Vec::<OrderEvent>::new());
    assert_eq!(desk.view().phase, OrderPhase::Fulfilling);
    assert!(first.minor() < priced.total.minor());

    desk.send_planned();
    let view = desk.view();
    assert_eq!(view.phase, OrderPhase::Captured);
    assert_eq!(view.captured, Some(priced.total));
    assert_eq!(view.parcels.len(), 2);
}

/// Catches: a step that is refused when it is taken a second time, or that does its work twice.
#[test]
fn a_label_and_stock_that_are_recorded_again_change_nothing() {
    let (mut desk, _) = placed(&[("tea", 5), ("coffee", 1)], &[("tea", 2)]);
    desk.ask(&BeginFulfilment { order: order() }).unwrap();
    let label = label_of(&desk.shown().planned[0]);
    let more = AllocateStock {
        order: order(),
        holds: holds("o-1.b1", &[("tea", 3)]),
    };
    desk.ask(&label).unwrap();
    desk.ask(&more).unwrap();
    let nothing = Vec::<OrderEvent>::new;
    desk.when(&label).then_events(nothing());
    desk.when(&more).then_events(nothing());
    let others = [
        RecordLabel {
            tracking: TrackingNumber::new("RB123456785GB").unwrap(),
            ..label.clone()
        },
        RecordLabel {
            contents: more.holds.clone(),
            ..label.clone()
        },
    ];
    for other in &others {
        desk.when(other)
            .then_rejection(&OrderRejection::ParcelDiffers { next: 2 });
    }
    desk.capture(1).unwrap();
    desk.ask(&RecordDispatch {
        order: order(),
        parcel: 1,
    })
    .unwrap();
    desk.when(&label).then_events(nothing());
    desk.send_planned();
    desk.when(&more).then_events(nothing());
    desk.ask(&CancelLine {
        order: order(),
        sku: Sku::new("coffee").unwrap(),
        reason: CancelReason::Customer,
    })
    .unwrap();
    assert_eq!(desk.view().phase, OrderPhase::Captured);
    desk.when(&label).then_events(nothing());
}

/// Catches: an authorisation that is believed to hold for ever, and money that is set aside twice.
#[test]
fn money_that_is_no_longer_set_aside_is_set_aside_anew_before_it_is_taken() {
    let lines = [("tea", 2), ("coffee", 2)];
    let (mut desk, priced) = placed_by(small_parcels(), &lines, &lines);
    desk.ask(&BeginFulfilment { order: order() }).unwrap();
    let planned = desk.shown().planned;
    desk.ask(&label_of(&planned[0])).unwrap();
    desk.capture(1).unwrap();
    let first = desk.view().captured.unwrap();
    desk.ask(&RecordDispatch {
        order: order(),
        parcel: 1,
    })
    .unwrap();
    let expire = ExpireAuthorisation {
        order: order(),
        payment: (&order()).into(),
    };
    desk.ask(&expire).unwrap();
    desk.when(&expire).then_events(Vec::<OrderEvent>::new());
    desk.ask(&label_of(&planned[1])).unwrap();
    let left = priced.total.minus(first).unwrap();
    assert_eq!(
        desk.capture(2),
        Err(OrderRejection::AmountDiffers { total: left })
    );
    let renew = |amount| RecordRenewal {
        order: order(),
        payment: MoneyPart {
            payment: PaymentId::new("o-1.p1").unwrap(),
            amount,
        },
        until: None,
    };
    assert!(desk.ask(&renew(priced.total)).is_err());
    desk.ask(&renew(left)).unwrap();
    desk.capture(2).unwrap();
    assert_eq!(desk.view().captured, Some(priced.total));
}

/// Catches: late and doubled news of the carrier that overwrite what is known, and parcels of others.
#[test]
fn what_the_carrier_tells_late_or_twice_changes_nothing() {
    let (mut desk, _) = captured();
    let now = desk.now();
    let tell = |number: &str, hours: u64, status| RecordTracking {
        order: order(),
        tracking: TrackingNumber::new(number).unwrap(),
        scan: TrackingScan {
            at: now.plus(Duration::from_secs(hours * 3_600)),
            status,
        },
    };
    let ours = "RR473124829GB";
    desk.ask(&tell(ours, 5, ParcelStatus::OutForDelivery))
        .unwrap();
    for (hours, status) in [
        (5, ParcelStatus::OutForDelivery),
        (2, ParcelStatus::InTransit),
    ] {
        desk.when(&tell(ours, hours, status))
            .then_events(Vec::<OrderEvent>::new());
    }
    let scan = desk.view().parcels[0].scan.clone().unwrap();
    assert_eq!(scan.status, ParcelStatus::OutForDelivery);
    let stranger = "RB123456785GB";
    assert!(matches!(
        desk.ask(&tell(stranger, 9, ParcelStatus::Delivered)),
        Err(OrderRejection::UnknownParcel(_))
    ));
}
