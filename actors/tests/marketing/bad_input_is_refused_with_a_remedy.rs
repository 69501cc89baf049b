//! What is wrong is refused before anything comes of it, and says how to mend it.

use super::campaigns_keep_their_plan::{plan, trigger};
use super::*;

fn refusal(plan: CampaignPlan) -> String {
    let refused = nothing().ask(&trigger(plan)).unwrap_err();
    assert!(
        matches!(refused, MarketingRejection::Plan(_)),
        "{refused:?}"
    );
    refused.to_string()
}

/// Catches: a mail that is half written when somebody finds out that it names what it does not have.
#[test]
fn a_template_with_a_missing_field_is_refused_when_the_campaign_begins() {
    let text = refusal(plan(&["fine", "thanks for {{ order }}"]));
    assert!(
        text.contains("variant 1") && text.contains("no order"),
        "{text}"
    );
    let text = refusal(plan(&["{% if customer %}{{ product }}{% endif %}"]));
    assert!(text.contains("no product"), "{text}");
    let text = refusal(plan(&["dear {{ name }}"]));
    assert!(text.contains("no field is called name"), "{text}");
    let text = refusal(plan(&["dear {{ customer"]));
    assert!(text.contains("line 1"), "{text}");
    let with_order = TriggerCampaign {
        has_order: true,
        ..trigger(plan(&["thanks for {{ order }}"]))
    };
    assert_eq!(nothing().ask(&with_order), Ok(()));
}

/// Catches: a campaign without an arm to choose, for nobody, by nothing, or for ever.
#[test]
fn a_plan_that_cannot_be_carried_out_is_refused() {
    let good = || plan(&["a"]);
    assert!(refusal(plan(&[])).contains("1 to 8 variants"));
    let nobody = CampaignPlan {
        segments: Default::default(),
        ..good()
    };
    assert!(refusal(nobody).contains("no segment"));
    let nowhere = CampaignPlan {
        channels: Vec::new(),
        ..good()
    };
    assert!(refusal(nowhere).contains("at least one channel"));
    let twice = CampaignPlan {
        channels: vec![Channel::Sms, Channel::Sms],
        ..good()
    };
    assert!(refusal(twice).contains("each once"));
    let late = CampaignPlan {
        delay: DAY * 400,
        ..good()
    };
    assert!(refusal(late).contains("366 days"));
    let at_25 = CampaignPlan {
        timing: Timing::AtHour(25),
        ..good()
    };
    assert!(refusal(at_25).contains("0 to 23"));
    let no_window = CampaignPlan {
        window: Duration::ZERO,
        ..good()
    };
    assert!(refusal(no_window).contains("attribution window"));
    let assign = AssignVariant {
        campaign: campaign(),
    };
    let unknown = MarketingRejection::UnknownCampaign(campaign());
    assert_eq!(nothing().ask(&assign), Err(unknown));
}

/// Catches: a segment that nobody is in, taken without a word. The words are those of the message that
/// whoever hands a plan in is shown.
#[test]
fn unknown_segments_and_zones_are_named() {
    use mercato_runtime::serde_json::{from_str, from_value, json, to_value};
    let segment = from_str::<CustomerSegment>("\"Whales\"")
        .unwrap_err()
        .to_string();
    assert!(
        segment.contains("Whales") && segment.contains("Champion"),
        "{segment}"
    );
    let mut value = to_value(plan(&["a"])).unwrap();
    value["colour"] = json!("red");
    let unknown = from_value::<CampaignPlan>(value).unwrap_err().to_string();
    assert!(unknown.contains("colour"), "{unknown}");
    let zone = TimeZoneName::new("Europe/Atlantis")
        .unwrap_err()
        .to_string();
    assert!(zone.contains("Europe/London"), "{zone}");
}

/// Catches: settings that mean nothing and are taken.
#[test]
fn malformed_settings_are_refused() {
    use mercato_runtime::serde_json::{from_value, json};
    let settings = |value| from_value::<MarketingSettings>(value).map(drop);
    for (wrong, part) in [
        (
            json!({"cap": {"messages": 0, "per": {"secs": 60, "nanos": 0}}}),
            "nonzero",
        ),
        (
            json!({"cap": {"messages": 65, "per": {"secs": 60, "nanos": 0}}}),
            "at most 64",
        ),
        (json!({"exploration_floor": 1.5}), "0 to 1"),
        (json!({"holdout": 0.9}), "0 to 0.5"),
        (
            json!({"quiet_hours": {"from_hour": 24, "until_hour": 8, "zone": "UTC"}}),
            "0 to 23",
        ),
        (
            json!({"quiet_hours": {"from_hour": 21, "until_hour": 8, "zone": "Nowhere"}}),
            "zone",
        ),
        (json!({"unsubscribe_url": "http://shop.test"}), "https"),
        (json!({"ways_out": {"sms": ""}}), "how to unsubscribe"),
        (json!({"soft_bounces_max": 0}), "nonzero"),
        (json!({"sound": "loud"}), "unknown field"),
    ] {
        let refused = settings(wrong.clone()).unwrap_err().to_string();
        assert!(refused.contains(part), "{wrong}: {refused}");
    }
    assert!(settings(json!({"holdout": 0.0, "exploration_floor": 0.0})).is_ok());
}

/// Catches: a message by SMS that goes to somebody's mail, and an address sealed for another.
#[test]
fn addresses_are_of_their_channel_and_their_owner() {
    let mut given = nothing();
    let number = ChannelAddress::new(Channel::Sms, "+447700900123").unwrap();
    let reach = |channel, whose| RecordReach {
        customer: customer(),
        channel,
        address: sealed(whose, &number),
    };
    let refused = Err(MarketingRejection::SealedForAnother);
    assert_eq!(given.ask(&reach(Channel::Sms, "C2")), refused);
    let refused = Err(MarketingRejection::NotForMail);
    assert_eq!(given.ask(&reach(Channel::Email, "C1")), refused);
    given.ask(&reach(Channel::Sms, "C1")).unwrap();
    given.ask(&reach(Channel::Sms, "C1")).unwrap();
    assert_eq!(given.events().len(), 1);
}
