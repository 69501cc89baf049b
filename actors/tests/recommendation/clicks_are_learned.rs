//! A click counts at once, a visit ends, and whatever comes in, the model stays within its bounds and
//! is what its stored form says.

use std::time::Duration;

use mercato_actors::{
    Clicks, CustomerId, LearnClick, NextItem, NextItemLimits, NextProducts, RecommendationAgent,
    RecommendationRejection, SessionId, SessionNumber, Sku, Visitor,
};
use mercato_runtime::testkit::Given;
use mercato_runtime::{Agent, Principal, codec};
use proptest::prelude::*;

use super::{nothing, sku};

const MINUTE: Duration = Duration::from_secs(60);

fn visit(name: &str) -> Visitor {
    Visitor::Visit(SessionId::new(name).unwrap())
}

fn click(who: &str, number: u16) -> LearnClick {
    LearnClick {
        visitor: visit(who),
        sku: sku(number),
        at: None,
    }
}

fn after(session: &[u16], visitor: Option<Visitor>) -> NextProducts {
    NextProducts {
        visitor,
        session: session.iter().map(|number| sku(*number)).collect(),
        wanted: 20,
    }
}

fn named(given: &mut Given<RecommendationAgent>, question: &NextProducts) -> Vec<Sku> {
    let next = given.ask(question).unwrap();
    assert!(
        next.iter()
            .all(|next| next.score > 0.0 && next.score <= 1.0)
    );
    assert!(next.is_sorted_by(|a, b| a.score >= b.score));
    next.into_iter().map(|next| next.sku).collect()
}

/// Catches: learning that waits for a night, or for more than one click.
#[test]
fn a_click_counts_for_the_very_next_prediction() {
    let mut given = nothing();
    given.ask(&click("a", 1)).unwrap();
    assert!(named(&mut given, &after(&[1], None)).is_empty());
    given.ask(&click("a", 2)).unwrap();
    assert_eq!(named(&mut given, &after(&[1], None))[0], sku(2));
    given.ask(&click("a", 3)).unwrap();
    assert_eq!(named(&mut given, &after(&[2, 1], None))[0], sku(3));
}

/// Catches: a visit that goes on for ever, so that what was clicked today follows what was clicked a
/// week ago, and one that ends too soon.
#[test]
fn a_visit_is_over_after_half_an_hour_of_silence() {
    let mut given = nothing();
    given.ask(&click("a", 1)).unwrap();
    given.pass(MINUTE * 29);
    given.ask(&click("a", 2)).unwrap();
    given.pass(MINUTE * 31);
    given.ask(&click("a", 3)).unwrap();
    assert_eq!(named(&mut given, &after(&[1], None)), [sku(2), sku(1)]);
    assert!(named(&mut given, &after(&[3], None)).is_empty());
    assert_eq!(named(&mut given, &after(&[2], None)), [sku(1), sku(2)]);
}

/// Catches: a visit that is its own nearest neighbour, and is told what it has seen already.
#[test]
fn a_visit_is_not_asked_about_itself() {
    let mut given = nothing();
    for (who, number) in [("a", 1), ("a", 2), ("b", 1), ("b", 5)] {
        given.ask(&click(who, number)).unwrap();
    }
    let others = named(&mut given, &after(&[1], Some(visit("b"))));
    assert_eq!(others[0], sku(2));
}

/// Catches: a feed that stops at a product that the shop does not sell, and one that invents it.
#[test]
fn a_feed_goes_on_over_unknown_products_and_empty_sessions() {
    let mut given = nothing();
    assert_eq!(given.ask(&click("a", 1)), Ok(true));
    assert_eq!(given.ask(&click("a", 999)), Ok(false));
    assert_eq!(given.ask(&click("a", 2)), Ok(true));
    assert_eq!(given.events().len(), 2);
    assert!(named(&mut given, &after(&[], None)).is_empty());
    assert!(named(&mut given, &after(&[999], None)).is_empty());
    assert_eq!(named(&mut given, &after(&[999, 1], None))[0], sku(2));
    let mut many = after(&[1], None);
    many.wanted = 65;
    let refused = Err(RecommendationRejection::TooManyWanted);
    assert_eq!(given.ask(&many), refused);
}

/// Catches: somebody who clicks in the name of another, or in the future.
#[test]
fn a_click_is_its_shoppers_and_never_to_come() {
    let mut given = nothing();
    let now = given.now();
    let mut click = click("a", 1);
    click.visitor = Visitor::Shopper(CustomerId::new("C1").unwrap());
    click.at = Some(now.plus(MINUTE));
    given.turn_to(Principal::user("C2"));
    assert_eq!(given.ask(&click), Err(RecommendationRejection::NotYours));
    given.turn_to(Principal::user("C1"));
    given.ask(&click).unwrap();
    click.sku = sku(2);
    click.at = Some(now);
    given.ask(&click).unwrap();
    given.turn_to(Principal::System);
    assert_eq!(named(&mut given, &after(&[1], None))[0], sku(2));
}

/// Catches: visits of one click that push those out from which something follows, and more open
/// visits than there is room for.
#[test]
fn a_flood_of_visitors_leaves_the_visits_that_teach_something() {
    let mut given = nothing();
    given.ask(&click("a", 1)).unwrap();
    given.ask(&click("a", 2)).unwrap();
    for number in 0..10_000 {
        given.pass(Duration::from_millis(1));
        given.ask(&click(&format!("v{number}"), 3)).unwrap();
    }
    let clicks = given.state().clicks().unwrap();
    assert!(clicks.open() <= Clicks::OPEN_MAX);
    assert_eq!(clicks.learned().size().clicks, 2);
    assert_eq!(named(&mut given, &after(&[1], None))[0], sku(2));
}

/// Catches: a product that is no longer clicked and keeps what led to it, and sums that are not
/// taken away with their sessions.
#[test]
fn what_is_forgotten_leaves_nothing_behind() {
    let mut next = NextItem::new(small());
    for _ in 0..3 {
        let session = next.learn(None, &sku(1));
        next.learn(Some(session), &sku(2));
    }
    for number in 0..40 {
        let session = next.learn(None, &sku(100 + number % 4));
        next.learn(Some(session), &sku(100 + (number + 1) % 4));
    }
    assert!(next.next([&sku(1)], None, 20).is_empty());
    let size = next.size();
    assert_eq!(size.items, 4);
    assert!(size.sums <= 4 * 4 * 2 && size.weights <= 4 * 4, "{size:?}");
}

fn small() -> NextItemLimits {
    NextItemLimits {
        sessions_max: 12,
        clicks_max: 60,
        items_max: 20,
        session_clicks_max: 8,
        sources_max: 5,
        weights_max: 3,
        stored_bytes_max: usize::MAX,
    }
}

/// Learns clicks of a few visits that go on at the same time.
fn flood(next: &mut NextItem, open: &mut [Option<SessionNumber>], clicks: &[(usize, u16)]) {
    for (who, number) in clicks {
        let place = who % open.len();
        open[place] = Some(next.learn(open[place], &sku(*number)));
    }
}

proptest! {
    /// Catches: any bound that a flood gets past, and a restored model that goes another way.
    #[test]
    fn bounds_hold_under_a_flood_and_the_stored_form_goes_on_as_the_model_does(
        before in proptest::collection::vec((0usize..6, 0u16..60), 0..300),
        later in proptest::collection::vec((0usize..6, 0u16..60), 0..100),
    ) {
        let limits = small();
        let mut next = NextItem::new(limits);
        let mut open = [None; 6];
        flood(&mut next, &mut open, &before);
        let size = next.size();
        prop_assert!(size.sessions <= limits.sessions_max);
        prop_assert!(size.clicks <= limits.clicks_max);
        prop_assert!(size.items <= limits.items_max);
        prop_assert!(size.weights <= size.items * limits.weights_max);
        prop_assert!(size.sums <= size.items * size.items * 2);
        let bytes = codec::encode(&next).unwrap();
        prop_assert!(bytes.len() <= size.stored_bytes);
        let mut restored: NextItem = codec::decode(&bytes).unwrap();
        let mut reopened = open;
        flood(&mut next, &mut open, &later);
        flood(&mut restored, &mut reopened, &later);
        prop_assert_eq!(codec::encode(&restored).unwrap(), codec::encode(&next).unwrap());
        for number in 0..60 {
            let question = [sku(number), sku(number / 2)];
            prop_assert_eq!(restored.next(&question, None, 9), next.next(&question, None, 9));
        }
    }

    /// Catches: a state that is not the fold of its events.
    #[test]
    fn clicks_replay_the_same(
        clicks in proptest::collection::vec((0usize..5, 1u16..=200, 0u64..40), 0..200)
    ) {
        let mut given = nothing();
        for (who, number, minutes) in &clicks {
            given.pass(MINUTE * u32::try_from(*minutes).unwrap());
            given.ask(&click(&format!("v{who}"), *number)).unwrap();
        }
        let mut replayed = <RecommendationAgent as Agent>::State::default();
        for event in given.events() {
            RecommendationAgent::evolve(&mut replayed, event);
        }
        prop_assert_eq!(&replayed, given.state());
        let bytes = codec::encode(given.state()).unwrap();
        let restored: <RecommendationAgent as Agent>::State = codec::decode(&bytes).unwrap();
        prop_assert_eq!(&restored, given.state());
    }
}
