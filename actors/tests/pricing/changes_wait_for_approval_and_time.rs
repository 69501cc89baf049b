//! A large change needs a second person, a planned one comes at its time, and any can be taken back.

use super::*;

fn approve(shelf: &mut Given<PricingAgent>, name: &str) -> Changed {
    let change = PriceChangeId::new(name).unwrap();
    shelf.ask(&ApprovePriceChange { sku: sku(), change })
}

fn activate(shelf: &mut Given<PricingAgent>, name: &str) -> Changed {
    let change = PriceChangeId::new(name).unwrap();
    shelf.ask(&ActivatePriceChange { sku: sku(), change })
}

fn drop_it(shelf: &mut Given<PricingAgent>, name: &str) -> Result<(), PricingRejection> {
    let change = PriceChangeId::new(name).unwrap();
    shelf.ask(&DropPriceChange { sku: sku(), change })
}

fn version(version: u32) -> PriceChangeStage {
    PriceChangeStage::Activated { version }
}

/// Catches: a large change that takes effect by itself, or by the word of whoever proposed it.
#[test]
fn a_large_change_needs_somebody_else() {
    let mut shelf = shelf_of(1_000, 500).by(operator("ann"));
    assert_eq!(shelf.change("small", 1_200, 500), Ok(version(2)));
    assert_eq!(
        shelf.change("large", 1_441, 500),
        Ok(PriceChangeStage::Proposed)
    );
    assert_eq!(shelf.unit(), 1_200);
    assert_eq!(
        approve(&mut shelf, "large"),
        Err(PricingRejection::ApproverNeeded)
    );
    shelf.turn_to(Principal::user("bob"));
    assert_eq!(
        approve(&mut shelf, "large"),
        Err(PricingRejection::ApproverNeeded)
    );
    shelf.turn_to(operator("bob"));
    assert_eq!(approve(&mut shelf, "large"), Ok(version(3)));
    assert_eq!(shelf.unit(), 1_441);
    let stage = version(3);
    assert_eq!(
        approve(&mut shelf, "large"),
        Err(PricingRejection::ChangeStage { stage })
    );
}

/// Catches: a planned change that comes too early, twice, or after it was dropped.
#[test]
fn a_planned_change_comes_at_its_time() {
    let mut shelf = shelf_of(1_000, 500);
    let at = shelf.now().plus(HOUR);
    let mut planned = change("planned", 1_100, 500);
    planned.terms.at = Some(at);
    let decided = shelf.when(&planned).answer();
    assert_eq!(decided, Ok(PriceChangeStage::Scheduled));
    assert_eq!(
        shelf.ask(&planned),
        Ok(PriceChangeStage::Scheduled),
        "repeating changes nothing"
    );
    let early = Err(PricingRejection::ChangeStage {
        stage: PriceChangeStage::Scheduled,
    });
    assert_eq!(activate(&mut shelf, "planned"), early);
    shelf.pass(HOUR);
    assert_eq!(activate(&mut shelf, "planned"), Ok(version(2)));
    assert_eq!(activate(&mut shelf, "planned"), Ok(version(2)));
    assert_eq!(shelf.unit(), 1_100);
    let mut other = change("other", 1_200, 500);
    other.terms.at = Some(shelf.now().plus(HOUR));
    shelf.ask(&other).unwrap();
    drop_it(&mut shelf, "other").unwrap();
    drop_it(&mut shelf, "other").unwrap();
    shelf.pass(HOUR);
    let dropped = Err(PricingRejection::ChangeStage {
        stage: PriceChangeStage::Dropped,
    });
    assert_eq!(activate(&mut shelf, "other"), dropped);
}

/// Catches: a planned change without the timer that brings it about.
#[test]
fn a_planned_change_sets_its_timer() {
    let shelf = shelf_of(1_000, 500);
    let at = shelf.now().plus(HOUR);
    let mut planned = change("planned", 1_100, 500);
    planned.terms.at = Some(at);
    let principal = Principal::System;
    let context = mercato_runtime::Context {
        now: shelf.now(),
        entity: "tea",
        version: 0,
        command_id: mercato_runtime::CommandId::from_key("1"),
        principal: &principal,
        deadline: at,
    };
    let decision =
        mercato_runtime::Command::decide(&planned, shelf.agent(), shelf.state(), &context);
    let timers = decision.unwrap();
    assert_eq!(
        timers.timers().collect::<Vec<_>>(),
        [("change/planned", at)]
    );
}

/// Catches: a large change that is approved and yet comes before its time.
#[test]
fn an_approved_change_still_waits_for_its_time() {
    let mut shelf = shelf_of(1_000, 500).by(operator("ann"));
    let mut planned = change("planned", 2_000, 500);
    planned.terms.at = Some(shelf.now().plus(HOUR));
    assert_eq!(shelf.ask(&planned), Ok(PriceChangeStage::Proposed));
    shelf.turn_to(operator("bob"));
    assert_eq!(
        approve(&mut shelf, "planned"),
        Ok(PriceChangeStage::Scheduled)
    );
    assert_eq!(shelf.unit(), 1_000);
    shelf.pass(HOUR);
    assert_eq!(activate(&mut shelf, "planned"), Ok(version(2)));
    assert_eq!(shelf.unit(), 2_000);
}

/// Catches: two changes for one moment, of which chance would choose.
#[test]
fn changes_may_not_fall_on_one_moment() {
    let mut shelf = shelf_of(1_000, 500);
    let at = Some(shelf.now().plus(HOUR));
    for (name, expected) in [("a", true), ("b", false)] {
        let mut planned = change(name, 1_100, 500);
        planned.terms.at = at;
        assert_eq!(shelf.ask(&planned).is_ok(), expected);
    }
}

/// Catches: a rollback that loses what was before the first change, or needs a day.
#[test]
fn a_price_is_rolled_back_at_once() {
    let mut shelf = shelf_of(1_000, 500);
    shelf.change("wrong", 900, 500).unwrap();
    let quote = shelf.quote(None);
    assert_eq!(quote.unit, gbp(900));
    assert_eq!(
        shelf.ask(&RollBackPrice { sku: sku(), to: 1 }),
        Ok(version(3))
    );
    assert_eq!(shelf.unit(), 1_000);
    assert_eq!(
        shelf.quote(Some(quote.hold())),
        quote,
        "who was shown the lower price gets it"
    );
    let versions = shelf.ask(&ShowPriceVersions { sku: sku() }).unwrap();
    let told: Vec<_> = versions
        .iter()
        .map(|it| (it.version, it.terms.reason))
        .collect();
    use PriceReason as R;
    assert_eq!(
        told,
        [(1, R::Merchant), (2, R::Merchant), (3, R::RolledBack)]
    );
    let unknown = shelf.ask(&RollBackPrice { sku: sku(), to: 9 });
    assert_eq!(
        unknown,
        Err(PricingRejection::UnknownVersion { version: 9 })
    );
}

fn list_price(unit: i64) -> ListPrice {
    ListPrice {
        channel: None,
        segment: None,
        quantity_from: Quantity::ONE,
        from: Timestamp::default(),
        until: None,
        unit: gbp(unit),
        cost: None,
    }
}

fn set_list(
    shelf: &mut Given<PricingAgent>,
    entries: &[ListPrice],
) -> Result<(), PricingRejection> {
    shelf.ask(&SetPriceList {
        sku: sku(),
        entries: entries.to_vec(),
        reason: PriceReason::Merchant,
    })
}

/// Catches: a price list by which one person alone makes the change that a second one must approve.
#[test]
fn a_price_list_makes_no_large_change_by_itself() {
    let mut shelf = shelf_of(1_000, 500).by(operator("ann"));
    assert!(set_list(&mut shelf, &[list_price(530)]).is_err());
    assert!(set_list(&mut shelf, &[list_price(1_201)]).is_err());
    assert_eq!(shelf.unit(), 1_000);
    assert_eq!(set_list(&mut shelf, &[list_price(800)]), Ok(()));
    assert_eq!(shelf.unit(), 800);
    let next = set_list(&mut shelf, &[list_price(639)]);
    assert!(next.is_err(), "against the price of now, not the base");
    assert_eq!(set_list(&mut shelf, &[list_price(640)]), Ok(()));
    // The base price is one that was approved.
    assert_eq!(set_list(&mut shelf, &[]), Ok(()));
    assert_eq!(shelf.unit(), 1_000);
}

/// Catches: a large change for some terms only, for later, or by an entry that is left out.
#[test]
fn a_price_list_is_compared_on_all_terms_at_all_times() {
    let mut shelf = shelf_of(1_000, 500).by(operator("ann"));
    let later = ListPrice {
        from: shelf.now().plus(DAY),
        ..list_price(700)
    };
    assert!(set_list(&mut shelf, &[later]).is_err());
    let crate_of_ten = ListPrice {
        quantity_from: units(10),
        ..list_price(700)
    };
    assert!(set_list(&mut shelf, &[crate_of_ten]).is_err());
    let in_the_app = ListPrice {
        channel: Some(SalesChannel::App),
        ..list_price(850)
    };
    let for_trade = ListPrice {
        segment: Some(Segment::Trade),
        ..list_price(1_150)
    };
    assert_eq!(set_list(&mut shelf, &[in_the_app, for_trade]), Ok(()));
    // Resellers in the app paid 1,150.
    assert!(set_list(&mut shelf, &[in_the_app]).is_err());
    assert_eq!(set_list(&mut shelf, &[for_trade]), Ok(()));
}

/// Catches: a list whose own cost makes room for what the floor forbids.
#[test]
fn a_price_list_moves_no_floor_by_its_cost() {
    let mut shelf = shelf_of(1_000, 500).by(operator("ann"));
    let for_nothing = ListPrice {
        cost: Some(gbp(0)),
        ..list_price(1_000)
    };
    assert!(set_list(&mut shelf, &[for_nothing]).is_err());
    let a_little = ListPrice {
        cost: Some(gbp(450)),
        ..list_price(1_000)
    };
    assert_eq!(set_list(&mut shelf, &[a_little]), Ok(()));
}

/// Catches: a cost that one person alone moves, and with it the floor under every promotion.
#[test]
fn a_large_change_of_cost_needs_somebody_else() {
    let mut shelf = shelf_of(1_000, 500).by(operator("ann"));
    let proposed = Ok(PriceChangeStage::Proposed);
    assert_eq!(shelf.change("nothing", 1_000, 0), proposed);
    assert_eq!(shelf.change("dear", 1_000, 700), proposed);
    assert!(shelf.promote("most", 7_000).is_err());
    assert_eq!(shelf.change("little", 1_000, 420), Ok(version(2)));
    shelf.turn_to(operator("bob"));
    assert_eq!(approve(&mut shelf, "nothing"), Ok(version(3)));
    assert_eq!(shelf.promote("most", 7_000), Ok(()));
}

/// Catches: a rollback that brings back what a product cost then, and with it a floor under which
/// everything is sold at a loss.
#[test]
fn a_rollback_keeps_the_cost_of_now() {
    let mut shelf = shelf_of(1_000, 500).by(operator("ann"));
    shelf.change("dearer", 1_100, 600).unwrap();
    let back = shelf.ask(&RollBackPrice { sku: sku(), to: 1 });
    assert_eq!(back, Ok(version(3)));
    let versions = shelf.ask(&ShowPriceVersions { sku: sku() }).unwrap();
    let now = &versions.last().unwrap().terms;
    assert_eq!((now.base, now.cost), (gbp(1_000), gbp(600)));
    shelf.change("dear", 1_200, 719).unwrap();
    shelf.change("dearest", 1_200, 862).unwrap();
    shelf.change("beyond", 1_200, 960).unwrap();
    let floor = gbp(1_008);
    let below = shelf.ask(&RollBackPrice { sku: sku(), to: 1 });
    assert_eq!(below, Err(PricingRejection::BelowFloor { floor }));
    assert_eq!(shelf.unit(), 1_200);
}

/// Catches: one person who plans a small step up and a small step down after it, which together are a
/// large one, in whichever order they are planned; and the same with the second step made at once.
#[test]
fn steps_that_follow_each_other_are_held_against_each_other() {
    for first_up in [true, false] {
        let mut shelf = shelf_of(1_000, 500).by(operator("ann"));
        let now = shelf.now();
        let planned = |name: &str, base, hours| {
            let mut planned = change(name, base, 500);
            planned.terms.at = Some(now.plus(HOUR * hours));
            planned
        };
        let (up, down) = (planned("up", 1_190, 1), planned("down", 810, 2));
        let (first, second) = if first_up { (up, down) } else { (down, up) };
        assert_eq!(shelf.ask(&first), Ok(PriceChangeStage::Scheduled));
        assert_eq!(shelf.ask(&second), Ok(PriceChangeStage::Proposed));
        let small = planned("small", 960, 3);
        assert_eq!(shelf.ask(&small), Ok(PriceChangeStage::Scheduled));
    }
    let mut shelf = shelf_of(1_000, 500).by(operator("ann"));
    let mut down = change("down", 810, 500);
    down.terms.at = Some(shelf.now().plus(HOUR));
    assert_eq!(shelf.ask(&down), Ok(PriceChangeStage::Scheduled));
    let at_once = shelf.change("up", 1_190, 500);
    assert_eq!(at_once, Ok(PriceChangeStage::Proposed));
    assert_eq!(shelf.unit(), 1_000);
    // Without what it would lead to it is a small change again.
    drop_it(&mut shelf, "down").unwrap();
    drop_it(&mut shelf, "up").unwrap();
    assert_eq!(shelf.change("up-again", 1_190, 500), Ok(version(2)));
}
