//! Campaigns: a plan that can be carried out, and results that count once.

use std::collections::BTreeSet;

use super::*;

fn plan(bodies: &[&str]) -> CampaignPlan {
    CampaignPlan {
        purpose: Purpose::Offers,
        segments: BTreeSet::from([CustomerSegment::New]),
        variants: (bodies.iter())
            .map(|body| Template {
                subject: "tea".into(),
                body: (*body).into(),
            })
            .collect(),
        promotes: None,
        delay: Duration::ZERO,
        valid_for: DAY,
    }
}

fn trigger(plan: CampaignPlan) -> TriggerCampaign {
    TriggerCampaign {
        campaign: campaign(),
        plan,
    }
}

#[test]
fn a_plan_that_cannot_be_carried_out_is_refused() {
    let mut given = nothing();
    let template = TemplateError::Unknown("name".into());
    let refused = Err(MarketingRejection::Plan(PlanError::Template(template)));
    assert_eq!(given.ask(&trigger(plan(&["dear {name}"]))), refused);
    let refused = Err(MarketingRejection::Plan(PlanError::Variants));
    assert_eq!(given.ask(&trigger(plan(&[]))), refused);
    let assign = AssignVariant {
        campaign: campaign(),
    };
    let unknown = MarketingRejection::UnknownCampaign(campaign());
    assert_eq!(given.ask(&assign), Err(unknown));
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

#[test]
fn the_variant_that_is_clicked_is_preferred_and_measured() {
    let mut given = nothing();
    given.ask(&trigger(plan(&["a", "b"]))).unwrap();
    for message in 0..150u32 {
        for variant in 0..2u8 {
            let campaign = campaign();
            given.ask(&CountSend { campaign, variant }).unwrap();
        }
        if message % 5 == 0 {
            let clicked = CountEngagement {
                campaign: campaign(),
                variant: 1,
                engagement: Engagement::Clicked,
            };
            given.ask(&clicked).unwrap();
        }
    }
    let allocation = given
        .ask(&OptimiseCampaign {
            campaign: campaign(),
        })
        .unwrap();
    assert_eq!(allocation.preferred, Some(1));
    let metrics = given
        .ask(&CampaignMetrics {
            campaign: campaign(),
        })
        .unwrap();
    assert!((metrics[1].click_rate() - 0.2).abs() < 1e-12);
    let preferred = (0..100)
        .map(|_| {
            given
                .ask(&AssignVariant {
                    campaign: campaign(),
                })
                .unwrap()
                .variant
        })
        .filter(|variant| *variant == 1)
        .count();
    assert!(preferred > 80, "{preferred}");
    let unknown = CountSend {
        campaign: campaign(),
        variant: 2,
    };
    assert_eq!(
        given.ask(&unknown),
        Err(MarketingRejection::UnknownVariant(2))
    );
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
