//! Campaigns: a plan that can be carried out, and results that count once.

use super::*;

pub(crate) fn plan(bodies: &[&str]) -> CampaignPlan {
    let variants = bodies.iter().map(|body| Template {
        subject: "tea".into(),
        body: (*body).into(),
        html: None,
    });
    CampaignPlan::by_mail(Purpose::Offers, [CustomerSegment::New], variants.collect())
}

pub(crate) fn trigger(plan: CampaignPlan) -> TriggerCampaign {
    TriggerCampaign {
        campaign: campaign(),
        plan,
        has_order: false,
    }
}

fn metrics(given: &mut Given<MarketingAgent>) -> CampaignReport {
    let campaign = campaign();
    given.ask(&CampaignMetrics { campaign }).unwrap()
}

fn send(given: &mut Given<MarketingAgent>, variant: u8, explored: bool) {
    let (campaign, at) = (campaign(), Some(given.now()));
    given
        .ask(&CountSend {
            campaign,
            variant,
            explored,
            at,
        })
        .unwrap();
}

fn click(given: &mut Given<MarketingAgent>, variant: u8, sent_at: Timestamp) {
    let clicked = CountEngagement {
        campaign: campaign(),
        variant,
        engagement: Engagement::Clicked,
        sent_at: Some(sent_at),
        at: Some(given.now()),
    };
    given.ask(&clicked).unwrap();
}

#[test]
fn a_campaign_keeps_its_plan() {
    let mut given = nothing();
    given.ask(&trigger(plan(&["a", "b"]))).unwrap();
    given.ask(&trigger(plan(&["a", "b"]))).unwrap();
    assert_eq!(given.events().len(), 1);
    let refused = Err(MarketingRejection::CampaignRuns(campaign()));
    assert_eq!(given.ask(&trigger(plan(&["c"]))), refused);
}

/// Catches: an optimiser that is never asked, and one that judges before the clicks are in.
#[test]
fn the_variant_that_is_clicked_is_preferred_and_measured() {
    let mut given = nothing();
    given.ask(&trigger(plan(&["a", "b"]))).unwrap();
    let sent_at = given.now();
    for _ in 0..500 {
        send(&mut given, 0, false);
        send(&mut given, 1, false);
    }
    let optimise = OptimiseCampaign {
        campaign: campaign(),
    };
    given.pass(Duration::from_secs(60));
    assert_eq!(given.ask(&optimise).unwrap().preferred, None, "too early");
    for _ in 0..100 {
        click(&mut given, 1, sent_at);
    }
    given.pass(DAY * 4);
    let allocation = given.ask(&optimise).unwrap();
    assert_eq!(allocation.preferred, Some(1));
    let report = metrics(&mut given);
    assert!((report.variants[1].click_rate() - 0.2).abs() < 1e-12);
    assert!((report.total.click_rate() - 0.1).abs() < 1e-12);
    let assign = AssignVariant {
        campaign: campaign(),
    };
    let assigned: Vec<_> = (0..200).map(|_| given.ask(&assign).unwrap()).collect();
    let preferred = assigned.iter().filter(|one| one.variant == 1).count();
    assert!(preferred > 170, "{preferred}");
    assert!(assigned.iter().any(|one| one.explored && one.variant == 0));
    let unknown = CountSend {
        campaign: campaign(),
        variant: 2,
        explored: false,
        at: None,
    };
    assert_eq!(
        given.ask(&unknown),
        Err(MarketingRejection::UnknownVariant(2))
    );
}

/// Catches: a winner among variants of which one is lost on its way.
#[test]
fn no_variant_is_preferred_while_shares_are_wrong() {
    let mut given = nothing();
    given.ask(&trigger(plan(&["a", "b"]))).unwrap();
    let assign = AssignVariant {
        campaign: campaign(),
    };
    let sent_at = given.now();
    for number in 0..4_000u32 {
        let assigned = given.ask(&assign).unwrap();
        // A filter swallows half of variant 0.
        if assigned.variant == 1 || number.is_multiple_of(2) {
            send(&mut given, assigned.variant, assigned.explored);
        }
        if assigned.variant == 1 && number.is_multiple_of(3) {
            click(&mut given, 1, sent_at);
        }
    }
    given.pass(DAY * 4);
    let ratio = metrics(&mut given).sample_ratio.unwrap();
    assert!(ratio.is_mismatch(), "{ratio:?}");
    let optimise = OptimiseCampaign {
        campaign: campaign(),
    };
    let allocation = given.ask(&optimise).unwrap();
    assert!(allocation.chances[1] > 0.99);
    assert_eq!(allocation.preferred, None);
}

#[test]
fn an_engagement_counts_once_and_only_for_what_was_sent() {
    let mut given = subscribed();
    let message = given.ask(&promotion(1, NOON.plus(DAY))).unwrap();
    let clicked = RecordEngagement {
        customer: customer(),
        message: message.clone(),
        engagement: Engagement::Clicked,
    };
    let unknown = Err(MarketingRejection::UnknownMessage(message.clone()));
    assert_eq!(given.ask(&clicked), unknown);
    given.ask(&decide(&message)).unwrap();
    given.ask(&delivery(&message)).unwrap();
    given.ask(&clicked).unwrap();
    given.ask(&clicked).unwrap();
    let counted = |event: &&MarketingEvent| matches!(event, MarketingEvent::MessageEngaged(_));
    assert_eq!(given.events().iter().filter(counted).count(), 1);
}
