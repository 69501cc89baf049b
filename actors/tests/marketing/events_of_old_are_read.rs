//! What campaigns of old recorded is still understood.

use mercato_runtime::{Event, codec};

use super::*;

fn read<T: serde::Serialize>(name: &str, old: &T) -> MarketingEvent {
    let bytes = codec::encode(old).unwrap();
    MarketingEvent::decode(name, 1, &bytes).unwrap()
}

/// Catches: a campaign that is refused after an update because its templates are of the old kind.
#[test]
fn templates_of_old_are_jinja_now() {
    // A struct is stored as its fields in their order.
    let old = (
        (
            Purpose::News,
            vec![CustomerSegment::New],
            vec![("for {order}", "dear {customer}")],
            None::<Sku>,
            Duration::from_secs(60),
            DAY,
        ),
        NOON,
    );
    let MarketingEvent::CampaignTriggered(read) = read("CampaignTriggered", &old) else {
        panic!("another event");
    };
    assert_eq!(&*read.plan.variants[0].subject, "for {{ order }}");
    assert_eq!(read.plan.check(true), Ok(()));
    assert_eq!(read.plan.channels, [Channel::Email]);
}

/// Catches: a night that moves by an hour or a half with an update.
#[test]
fn quiet_hours_of_old_keep_their_clock() {
    let old = ((21u8, 8u8, -210i16),);
    let zone = TimeZoneName::new("-03:30").unwrap();
    let hours = QuietHours::new(21, 8, zone).unwrap();
    assert_eq!(read("QuietHoursSet", &old), QuietHoursSet { hours }.into());
}

/// Catches: results of old that are lost, or that wait for ever.
#[test]
fn results_of_old_count_at_once() {
    let plan = super::campaigns_keep_their_plan::plan(&["a", "b"]);
    let begun = CampaignTriggered { plan, at: NOON };
    let sent = read("SendCounted", &(1u8,));
    let clicked = read("EngagementCounted", &(1u8, Engagement::Clicked));
    let mut given = nothing().after([begun.into(), sent.clone(), sent, clicked]);
    let campaign = campaign();
    let report = given.ask(&CampaignMetrics { campaign }).unwrap();
    assert_eq!((report.total.sent, report.total.clicked), (2, 1));
}
