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
