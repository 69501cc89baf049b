//! What the rest of the shop tells marketing: of stock, and of orders.

use super::*;

#[test]
fn promotions_pause_and_resume_and_know_of_the_reorder() {
    let sku = Sku::new("S1").unwrap();
    let mut given = nothing();
    let pause = PausePromotions {
        sku: sku.clone(),
        reason: "low stock".into(),
    };
    assert_eq!(
        given.ask(&pause).unwrap().paused.as_deref(),
        Some("low stock")
    );
    given.ask(&pause).unwrap();
    assert_eq!(given.events().len(), 1);
    let note = NoteReorder {
        sku: sku.clone(),
        units: 40,
        expected_at: NOON.plus(DAY),
    };
    let strategy = given.ask(&note).unwrap();
    assert_eq!(strategy.reorder.map(|reorder| reorder.units), Some(40));
    assert!(strategy.paused.is_some());
    let resume = ResumePromotions { sku: sku.clone() };
    assert_eq!(given.ask(&resume).unwrap().paused, None);
    assert!(
        given
            .ask(&ShowPromotions { sku })
            .unwrap()
            .reorder
            .is_some()
    );
}

#[test]
fn an_order_makes_a_prospect_a_new_customer() {
    let mut given = nothing();
    let profile = profile();
    assert_eq!(
        given.ask(&profile).unwrap().segment,
        CustomerSegment::Prospect
    );
    given.ask(&confirmation()).unwrap();
    assert_eq!(given.ask(&profile).unwrap().segment, CustomerSegment::New);
}

/// Catches: a shopper who has the shop's promotions paused or resumed, their own messages queued or
/// settled, or a purchase counted that a campaign never led to.
#[test]
fn what_the_shop_says_of_promotions_and_messages_is_not_for_shoppers() {
    let sku = Sku::new("tea").unwrap();
    let refused = Some(MarketingRejection::NotStaff);
    let shopper = || nothing().by(Principal::user("C1"));
    let pause = PausePromotions {
        sku: sku.clone(),
        reason: "low stock".into(),
    };
    assert_eq!(shopper().ask(&pause).err(), refused);
    assert_eq!(
        shopper().ask(&ResumePromotions { sku: sku.clone() }).err(),
        refused
    );
    let reorder = NoteReorder {
        sku,
        units: 5,
        expected_at: NOON,
    };
    assert_eq!(shopper().ask(&reorder).err(), refused);
    let held_out = HoldOut {
        customer: customer(),
        campaign: campaign(),
        occasion: None,
        due_at: NOON,
        counts_until: NOON,
    };
    let mut given = shopper();
    assert_eq!(given.ask(&held_out).err(), refused);
    let converted = RecordEngagement {
        customer: customer(),
        message: MessageId::OrderConfirmation(OrderId::new("o-1").unwrap()),
        engagement: Engagement::Converted {
            revenue: Money::new(1_000_000, Currency::GBP),
        },
    };
    assert_eq!(given.ask(&converted).err(), refused);
    assert_eq!(given.events(), []);
}
