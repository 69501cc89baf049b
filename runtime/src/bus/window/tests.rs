#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::num::{NonZeroU32, NonZeroUsize};

use mercato_persistence::{Append, EventData, Recorded};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn record(position: u64, key: u32, events: usize) -> Vec<Arc<BusEvent>> {
    let event = EventData {
        name: "Added".into(),
        version: 1,
        payload: vec![0; 10],
    };
    let recorded = Recorded {
        position: Position::new(position),
        version_before: 0,
        append: Append {
            events: vec![event; events],
            ..Append::to(format!("counters/{key}"), 0, 0)
        },
    };
    BusEvent::chosen_of(&recorded, "counters", |_, _| true).collect()
}

fn window(parallel: usize, ahead: usize, on_failure: OnFailure) -> Window {
    let options = SubscriptionOptions {
        parallel_max: NonZeroUsize::new(parallel).expect("some"),
        ahead_max: NonZeroUsize::new(ahead).expect("some"),
        on_failure,
        redelivery: Redelivery {
            attempts_max: NonZeroU32::new(2).expect("some"),
            ..Redelivery::default()
        },
        ..SubscriptionOptions::default()
    };
    Window::new(options, Some(Duration::from_secs(1)))
}

/// Catches: a key that two work on at once, an event that overtakes another of its key, a cursor
/// that passes what is not settled, more out than may be, more held than may be, an event that is
/// never handed out or is lost: over thousands of drawn histories.
#[test]
fn whatever_happens_order_bounds_and_the_cursor_hold() {
    for seed in 0..300 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let set_aside = rng.random_bool(0.5);
        let policy = match set_aside {
            true => OnFailure::SetAside,
            false => OnFailure::BlockKey,
        };
        let (parallel, ahead) = (rng.random_range(1..6), rng.random_range(1..40));
        let mut window = window(parallel, ahead, policy);
        let (mut now, mut position) = (0, 0);
        let mut out: Vec<Taken> = Vec::new();
        let mut settled = BTreeSet::new();
        let mut read = BTreeSet::new();
        let mut last_of_key = BTreeMap::<Arc<str>, EventPlace>::new();
        for step in 0..400 {
            let ending = step >= 300;
            match rng.random_range(0..6) {
                0 | 1 if window.room() > 0 && !ending => {
                    position += 1;
                    let events = record(position, rng.random_range(0..4), rng.random_range(0..4));
                    read.extend(events.iter().map(|event| event.place));
                    window.read_up_to(Position::new(position), events.into_iter(), |_| false);
                }
                2 | 3 => out.extend(window.take(at(now))),
                4 if !out.is_empty() => {
                    let taken = out.swap_remove(rng.random_range(0..out.len()));
                    let verdict = match rng.random_range(0..4) {
                        0 if !ending => Verdict::Failed(DeliveryError::retry("no")),
                        1 if !ending => Verdict::Failed(DeliveryError::permanent("never")),
                        _ => Verdict::Done,
                    };
                    let is_done = matches!(verdict, Verdict::Done);
                    let became = window.settle(taken.ticket, verdict, at(now), &mut rng);
                    if became == Settled::Done {
                        assert!(is_done);
                        let key = taken.event.stream.clone();
                        let before = last_of_key.insert(key, taken.event.place);
                        assert!(before < Some(taken.event.place), "events of a key overtook");
                        settled.insert(taken.event.place);
                    }
                }
                _ => {
                    now += rng.random_range(0..200);
                    window.tick(at(now), &mut rng);
                }
            }
            while let Some((place, held)) = window.first_spent() {
                assert!(set_aside);
                last_of_key.insert(held.event.stream.clone(), place);
                settled.insert(place);
                window.give_up(place);
            }
            assert!(window.out() <= parallel);
            // One record may go over.
            assert!(window.holds().0 < ahead + 4, "{:?}", window.holds());
            let lanes = window.leases.lanes().len();
            assert_eq!(lanes, window.out(), "one at a time for each key");
            let first_open = read.difference(&settled).next();
            let cursor = first_open.map_or(position, |place| place.position.get() - 1);
            assert_eq!(window.cursor().get(), cursor, "seed {seed} step {step}");
        }
        // Whatever is left can be brought to its end.
        for taken in out.drain(..) {
            window.settle(taken.ticket, Verdict::Done, at(now), &mut rng);
        }
        for _ in 0..10_000 {
            now += 1_000;
            window.tick(at(now), &mut rng);
            while let Some(taken) = window.take(at(now)) {
                window.settle(taken.ticket, Verdict::Done, at(now), &mut rng);
            }
        }
        assert_eq!(window.cursor().get(), position);
        assert_eq!(window.holds(), (0, 0));
        assert!(window.lanes.is_empty(), "a lane is left behind");
    }
}

/// Catches: an event that is handed out anew while somebody still works on its key, after a reset
/// or after the disk failed; and an answer to the old one that settles the new one.
#[test]
fn a_restart_waits_for_those_who_still_work_on_the_key() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut window = window(4, 40, OnFailure::SetAside);
    window.read_up_to(Position::new(1), record(1, 1, 1).into_iter(), |_| false);
    let old = window.take(at(0)).expect("one is ready");
    window.restart(Position::START);
    window.read_up_to(Position::new(1), record(1, 1, 1).into_iter(), |_| false);
    window.read_up_to(Position::new(2), record(2, 2, 1).into_iter(), |_| false);
    let other = window.take(at(0)).expect("another key may go");
    assert_eq!(other.event.key(), "2");
    assert!(window.take(at(0)).is_none(), "its key is being worked on");
    let became = window.settle(old.ticket, Verdict::Done, at(0), &mut rng);
    assert_eq!(became, Settled::Late, "the old answer settles nothing");
    assert_eq!(window.cursor(), Position::START);
    let anew = window.take(at(0)).expect("now it may go");
    assert_eq!(anew.event.key(), "1");
}

/// Catches: an acknowledgement that counts although the delivery is out again elsewhere.
#[test]
fn an_acknowledgement_after_its_time_is_late() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut window = window(4, 40, OnFailure::SetAside);
    window.read_up_to(Position::new(1), record(1, 1, 1).into_iter(), |_| false);
    let first = window.take(at(0)).expect("one is ready");
    assert!(window.extend(first.ticket, at(600)));
    assert_eq!(window.tick(at(1_500), &mut rng), 0, "it was extended");
    assert_eq!(window.tick(at(1_600), &mut rng), 1);
    assert!(!window.extend(first.ticket, at(1_600)));
    window.tick(at(60_000), &mut rng);
    let second = window.take(at(60_000)).expect("it comes again");
    assert_eq!(second.attempt, 2);
    let late = window.settle(first.ticket, Verdict::Done, at(60_000), &mut rng);
    assert_eq!((late, window.cursor()), (Settled::Late, Position::START));
    window.settle(second.ticket, Verdict::Done, at(60_000), &mut rng);
    assert_eq!(window.cursor(), Position::new(1));
}

/// Catches: a dead letter that moves the cursor, or that is forgotten when it is handled.
#[test]
fn a_dead_letter_that_is_handled_is_redeemed_and_moves_no_cursor() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut window = window(4, 40, OnFailure::SetAside);
    window.restart(Position::new(9));
    let letter = record(3, 1, 1).remove(0);
    window.redeliver(letter.clone());
    window.redeliver(letter.clone());
    let taken = window.take(at(0)).expect("it is ready");
    assert!(window.take(at(0)).is_none(), "it is in hand once");
    window.settle(taken.ticket, Verdict::Done, at(0), &mut rng);
    assert_eq!(window.cursor(), Position::new(9));
    assert_eq!(window.first_redeemed(), Some(letter.place));
    window.forget_redeemed(letter.place);
    assert_eq!(window.first_redeemed(), None);
}

/// Catches: a window that grows by large payloads; an event that is larger than the bound and never
/// comes.
#[test]
fn bytes_bound_the_window_but_for_one_record() {
    let mut window = window(4, 40, OnFailure::SetAside);
    window.options.held_bytes_max = 1;
    assert!(window.room() > 0, "an empty window takes any record");
    let more = window.read_up_to(Position::new(1), record(1, 1, 2).into_iter(), |_| false);
    assert!(!more);
    assert_eq!(window.room(), 0);
    assert_eq!(window.holds().0, 2);
}

/// Catches: a read for each event that is settled, a window that is read into no more until it is
/// empty, and one that takes a record more, or less, than it may.
#[test]
fn a_full_window_is_read_into_again_when_that_is_worth_a_read() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (ahead, least) in [(100u32, 32), (64, 32), (10, 5), (3, 2), (1, 1)] {
        let most = usize::try_from(ahead).expect("it fits");
        let mut window = window(most, most, OnFailure::SetAside);
        for key in 1..=ahead {
            assert!(window.room() > 0);
            let events = record(key.into(), key, 1).into_iter();
            let more = window.read_up_to(Position::new(key.into()), events, |_| false);
            assert_eq!(more, key < ahead, "{key} of {ahead}");
        }
        for settled in 1..=most {
            assert!(window.can_give());
            let taken = window.take(at(0)).expect("one is ready");
            window.settle(taken.ticket, Verdict::Done, at(0), &mut rng);
            let room = if settled < least { 0 } else { settled };
            assert_eq!(window.room(), room, "{settled} of {ahead}");
        }
        assert!(!window.can_give(), "nothing is left");
    }
}

/// Catches: what is held that is counted without its payload or its key, and a bound in bytes that
/// is passed.
#[test]
fn a_window_is_full_when_what_it_holds_takes_as_much_as_it_may() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut window = window(4, 40, OnFailure::SetAside);
    // Ten bytes of payload, `counters/1`, and what stands around them.
    let each = 10 + 10 + 256;
    window.options.held_bytes_max = 2 * each;
    assert!(window.read_up_to(Position::new(1), record(1, 1, 1).into_iter(), |_| false));
    assert_eq!(window.holds(), (1, each));
    assert!(!window.read_up_to(Position::new(2), record(2, 2, 1).into_iter(), |_| false));
    assert_eq!((window.holds(), window.room()), ((2, 2 * each), 0));
    let taken = window.take(at(0)).expect("one is ready");
    window.settle(taken.ticket, Verdict::Done, at(0), &mut rng);
    assert_eq!((window.holds(), window.room()), ((1, each), 39));
}

/// Catches: an attempt more or less than a subscription has, and one that counts though nobody looked
/// at the event.
#[test]
fn an_event_is_tried_as_often_as_the_subscription_says() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut window = window(4, 40, OnFailure::SetAside);
    window.read_up_to(Position::new(1), record(1, 1, 1).into_iter(), |_| false);
    let mut give_back = |window: &mut Window, now, verdict| {
        let taken = window.take(at(now)).expect("it is ready");
        let became = window.settle(taken.ticket, verdict, at(now), &mut rng);
        (taken.attempt, became)
    };
    let untouched = give_back(&mut window, 0, Verdict::Untouched);
    assert_eq!(untouched, (1, Settled::Again));
    let no = || Verdict::Failed(DeliveryError::retry_after(Duration::from_secs(5), "no"));
    assert_eq!(give_back(&mut window, 0, no()), (1, Settled::Again));
    let mut other = ChaCha8Rng::seed_from_u64(2);
    assert_eq!(window.next_tick(), Some(at(5_000)));
    window.tick(at(4_999), &mut other);
    assert!(!window.can_give(), "its time has not come");
    window.tick(at(5_000), &mut other);
    assert_eq!(give_back(&mut window, 5_000, no()), (2, Settled::Spent));
    let (place, held) = window.first_spent().expect("it is to be set aside");
    assert_eq!((place.position, &*held.reason), (Position::new(1), "no"));
}

/// Catches: a subscriber that is called although it has as much in hand as it may have, and one that is
/// not called although it may have more.
#[test]
fn a_window_gives_as_much_at_a_time_as_it_may() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut window = window(2, 40, OnFailure::SetAside);
    for (position, key) in [(1, 1), (2, 2), (3, 3)] {
        let events = record(position, key, 1).into_iter();
        window.read_up_to(Position::new(position), events, |_| false);
    }
    let first = window.take(at(0)).expect("one is ready");
    assert!(window.can_give());
    let second = window.take(at(0)).expect("another one is ready");
    assert!(
        !window.can_give() && window.take(at(0)).is_none(),
        "two are out"
    );
    window.settle(first.ticket, Verdict::Done, at(0), &mut rng);
    assert!(window.can_give());
    window.take(at(0)).expect("the last one is ready");
    window.settle(second.ticket, Verdict::Done, at(0), &mut rng);
    assert!(!window.can_give(), "nothing is left");
}

/// Catches: a window that reads on without a bound past one event that is not settled, since all behind it
/// are.
#[test]
fn what_is_settled_behind_an_open_event_takes_its_room() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut window = window(8, 8, OnFailure::BlockKey);
    let mut open = Vec::new();
    for key in 1..=8 {
        assert_eq!(window.room(), usize::try_from(9 - key).expect("few"));
        let position = Position::new(key.into());
        window.read_up_to(position, record(key.into(), key, 1).into_iter(), |_| false);
        let taken = window.take(at(0)).expect("it is ready");
        match key {
            1 => open.push(taken),
            _ => drop(window.settle(taken.ticket, Verdict::Done, at(0), &mut rng)),
        }
    }
    assert_eq!((window.room(), window.holds().0), (0, 1));
    for taken in open {
        window.settle(taken.ticket, Verdict::Done, at(0), &mut rng);
    }
    assert_eq!((window.room(), window.cursor()), (8, Position::new(8)));
}
