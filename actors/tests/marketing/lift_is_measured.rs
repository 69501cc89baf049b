//! Who is left alone, for which messages a purchase counts, and what the campaign is worth.

use super::campaigns_keep_their_plan::{plan, trigger};
use super::*;

fn message_of(name: &str) -> MessageId {
    MessageId::Campaign {
        campaign: CampaignId::new(name).unwrap(),
        occasion: None,
    }
}

fn queued(given: &mut Given<MarketingAgent>, name: &str) -> MessageId {
    let queue = QueuePromotion {
        campaign: CampaignId::new(name).unwrap(),
        occasion: None,
        ..promotion(0, NOON.plus(DAY * 9))
    };
    given.ask(&queue).unwrap()
}

fn sent(given: &mut Given<MarketingAgent>, name: &str) -> MessageId {
    let message = queued(given, name);
    given.ask(&decide(&message)).unwrap();
    given.ask(&delivery(&message)).unwrap();
    message
}

fn clicks(given: &mut Given<MarketingAgent>, message: &MessageId) {
    let clicked = RecordEngagement {
        customer: customer(),
        message: message.clone(),
        engagement: Engagement::Clicked,
    };
    given.ask(&clicked).unwrap();
}

fn buys(given: &mut Given<MarketingAgent>, order: &str) -> Vec<PurchaseAttributed> {
    let before = given.events().len();
    let confirm = QueueOrderConfirmation {
        order: OrderId::new(order).unwrap(),
        ..confirmation()
    };
    given.ask(&confirm).unwrap();
    let new = &given.events()[before..];
    new.iter()
        .filter_map(|event| match event {
            MarketingEvent::PurchaseAttributed(it) => Some(it.clone()),
            _ => None,
        })
        .collect()
}

/// Catches: credit for the first click, for a click that never was, or for two purchases.
#[test]
fn a_purchase_counts_for_every_open_window_and_converts_the_last_click() {
    let mut given = subscribed();
    let spring = sent(&mut given, "spring");
    let summer = sent(&mut given, "summer");
    sent(&mut given, "autumn");
    given.pass(HOUR);
    clicks(&mut given, &summer);
    given.pass(HOUR);
    clicks(&mut given, &spring);
    given.pass(HOUR);
    let counted = buys(&mut given, "O1");
    assert_eq!(counted.len(), 3);
    let last: Vec<_> = counted.iter().filter(|it| it.last_click).collect();
    assert_eq!(last.len(), 1);
    assert_eq!(last[0].message, spring);
    assert_eq!(last[0].sent_at, Some(NOON));
    assert_eq!(
        buys(&mut given, "O2"),
        [],
        "each window counts one purchase"
    );
}

/// Catches: a window that never closes, or opens before the message is due.
#[test]
fn outside_of_its_window_nothing_counts() {
    let mut given = subscribed();
    let queue = QueuePromotion {
        due_at: NOON.plus(DAY),
        counts_until: NOON.plus(DAY * 2),
        ..promotion(1, NOON.plus(DAY * 9))
    };
    given.ask(&queue).unwrap();
    assert_eq!(buys(&mut given, "O1"), []);
    given.pass(DAY * 2 + HOUR);
    assert_eq!(buys(&mut given, "O2"), []);
}

/// Catches: people who are left alone and forgotten, so that nothing can be compared with them.
#[test]
fn who_is_left_alone_is_counted_too() {
    let mut given = subscribed();
    let hold_out = HoldOut {
        customer: customer(),
        campaign: campaign(),
        occasion: None,
        due_at: NOON,
        counts_until: NOON.plus(DAY),
    };
    given.ask(&hold_out).unwrap();
    given.ask(&hold_out).unwrap();
    let held = |event: &MarketingEvent| matches!(event, MarketingEvent::HeldOut(_));
    assert_eq!(given.count(held), 1);
    let counted = buys(&mut given, "O1");
    assert_eq!(counted.len(), 1);
    assert_eq!(counted[0].variant, None);
    assert_eq!(counted[0].message, message_of("spring"));
    // Who is left alone gets no message, whoever asks for one later.
    let message = queued(&mut given, "spring");
    let unknown = Err(MarketingRejection::UnknownMessage(message.clone()));
    assert_eq!(given.ask(&decide(&message)), unknown);
}

/// Catches: a lift that compares those who clicked with everybody else.
#[test]
fn the_lift_compares_all_who_were_drawn() {
    let mut given = with(MarketingSettings {
        holdout: HoldoutShare::new(0.5).unwrap(),
        ..MarketingSettings::default()
    });
    given.ask(&trigger(plan(&["a"]))).unwrap();
    let count = |outcome| CountOutcome {
        campaign: campaign(),
        outcome,
    };
    let revenue = Money::new(1_000, Currency::GBP);
    for number in 0..1_000u32 {
        given
            .ask(&AssignVariant {
                campaign: campaign(),
            })
            .unwrap();
        given.ask(&count(OutcomeCounted::HeldOut)).unwrap();
        if number % 10 < 2 {
            let bought = OutcomeCounted::Bought {
                variant: 0,
                revenue,
                last_click: number.is_multiple_of(20),
                sent_at: None,
                at: given.now(),
            };
            given.ask(&count(bought)).unwrap();
        }
        if number.is_multiple_of(10) {
            given
                .ask(&count(OutcomeCounted::HeldOutBought { revenue }))
                .unwrap();
        }
    }
    let campaign = campaign();
    let report = given.ask(&CampaignMetrics { campaign }).unwrap();
    let lift = report.lift.unwrap();
    assert!((lift.points - 0.1).abs() < 1e-12, "{lift:?}");
    assert!(lift.low > 0.06 && lift.high < 0.14, "{lift:?}");
    assert_eq!(report.total.converted, 50);
    assert_eq!(
        report.total.bought_for,
        Some(Money::new(200_000, Currency::GBP))
    );
    assert!(!report.holdout_ratio.unwrap().is_mismatch());
}

/// Catches: purchases that teach the optimiser nothing where they are what it is for.
#[test]
fn a_campaign_for_purchases_learns_from_purchases() {
    let mut given = nothing();
    let purchases = CampaignPlan {
        objective: Objective::Purchases,
        ..plan(&["a", "b"])
    };
    given.ask(&trigger(purchases)).unwrap();
    let at = given.now();
    for number in 0..400u32 {
        for variant in 0..2u8 {
            let (campaign, explored) = (campaign(), false);
            given
                .ask(&CountSend {
                    campaign,
                    variant,
                    explored,
                    at: Some(at),
                })
                .unwrap();
        }
        if number.is_multiple_of(4) {
            let outcome = OutcomeCounted::Bought {
                variant: 1,
                revenue: Money::new(100, Currency::GBP),
                last_click: false,
                sent_at: Some(at),
                at,
            };
            given
                .ask(&CountOutcome {
                    campaign: campaign(),
                    outcome,
                })
                .unwrap();
        }
    }
    given.pass(DAY * 4);
    let optimise = OptimiseCampaign {
        campaign: campaign(),
    };
    assert_eq!(given.ask(&optimise).unwrap().preferred, Some(1));
}

/// Catches: a customer who moves among the others without the others.
#[test]
fn segments_follow_the_fifths_of_all_buyers() {
    let mut population = with(MarketingSettings::default());
    for number in 0..100u32 {
        let bought = Purchases {
            orders: 1 + number / 10,
            spent: Money::new(i64::from(number) * 100, Currency::GBP),
            last_at: NOON.minus(DAY * (100 - number)),
        };
        let note = NoteBuyer {
            before: None,
            after: bought,
        };
        if number == 99 {
            assert_eq!(population.ask(&ShowQuintiles {}), Ok(None), "too few");
        }
        population.ask(&note).unwrap();
    }
    let quintiles = population.ask(&ShowQuintiles {}).unwrap();
    assert!(quintiles.is_some());
    let mut given = subscribed();
    given.ask(&confirmation()).unwrap();
    let among = CustomerProfile {
        customer: customer(),
        quintiles,
    };
    // One order of 12.50 today: among these a new customer.
    assert_eq!(given.ask(&among).unwrap().segment, CustomerSegment::New);
    for order in 2..=9 {
        let confirm = QueueOrderConfirmation {
            order: OrderId::new(format!("O{order}")).unwrap(),
            total: Money::new(100_000, Currency::GBP),
            ..confirmation()
        };
        given.ask(&confirm).unwrap();
    }
    assert_eq!(
        given.ask(&among).unwrap().segment,
        CustomerSegment::Champion
    );
}
