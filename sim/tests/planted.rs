//! A law that has never caught anything proves nothing: each planted mistake is found.

use mercato_actors::PlantedBug;
use mercato_sim::hunt::{HuntOptions, WorldId, run_id, shrink};

/// How many seeds a mistake may stay hidden in.
const SEEDS_MAX: u64 = 60;

fn planting(name: &str) -> HuntOptions {
    let mut all = PlantedBug::ALL.into_iter();
    let named = all.find(|(known, _)| *known == name);
    let mut options = HuntOptions::default();
    options.planted = Some(named.expect("a mistake of this name").1);
    options
}

/// The laws that break in a world.
fn broken(id: &WorldId, options: &HuntOptions) -> Vec<&'static str> {
    let outcome = run_id(id, options).expect("a world");
    outcome.broken().map(|verdict| verdict.name).collect()
}

/// The first world in which a law breaks, and the laws that do.
fn found(options: &HuntOptions) -> Option<(WorldId, Vec<&'static str>)> {
    let worlds = (1..=SEEDS_MAX).map(WorldId::of_seed);
    let mut worlds = worlds.map(|id| (id.clone(), broken(&id, options)));
    worlds.find(|(_, broken)| !broken.is_empty())
}

macro_rules! planted {
    ($($test:ident: $name:literal, $($law:literal)|+;)+) => {
        $(#[test]
        fn $test() {
            let (id, laws) = found(&planting($name)).expect("a law that finds it");
            println!("{} is found in {id} by {laws:?}", $name);
            let expected = [$($law),+];
            let as_expected = laws.iter().any(|law| expected.contains(law));
            assert!(as_expected, "{id} breaks {laws:?}, and not {expected:?}");
            // A law that breaks without the mistake too has caught something else.
            let without = broken(&id, &HuntOptions::default());
            assert!(without.is_empty(), "{id} breaks {without:?} by itself");
        })+

/// Catches: a mistake that nobody tries.
        #[test]
        fn every_mistake_is_tried() {
            let tried = [$($name),+];
            assert_eq!(tried, PlantedBug::ALL.map(|(name, _)| name));
        }
    };
}

planted! {
    an_answer_before_the_commit_is_found: "acknowledge-before-commit",
        "a page shows no stock from before what was booked" | "a delivery is booked once"
        | "an acknowledged order survives" | "every promise has its stock";
    a_double_release_is_found: "release-twice", "no unit is promised twice";
    a_forgotten_compensation_is_found: "forget-compensation",
        "nothing is held for an order that was given up" | "money is conserved";
    a_charge_under_a_new_name_is_found: "new-charge-key",
        "no order is charged twice" | "money is conserved";
    a_forgotten_first_reply_is_found: "drop-dedupe",
        "a delivery is booked once" | "what comes twice is answered as the first time"
        | "money is conserved";
    a_late_snapshot_is_found: "snapshot-late", "stock is conserved";
    an_early_cursor_is_found: "cursor-early",
        "every order is confirmed by mail, once" | "money is conserved";
    lost_timers_are_found: "timers-lost",
        "money is conserved" | "every flow ends, or stands on the work list"
        | "nothing is held for an order that was given up";
    a_stale_cache_is_found: "stale-cache", "a page shows no stock from before what was booked";
    a_dropped_mailbox_is_found: "mailbox-dropped", "every flow ends, or stands on the work list";
    an_unchecked_page_is_found: "unchecked-page", "damage is found when the journal is opened";
    an_expired_price_is_found: "expired-price", "no price is taken after its quote expired";
}

/// Catches: a world that is made smaller until another law breaks, or none.
#[test]
fn a_broken_law_is_shown_in_the_smallest_world_that_breaks_it() {
    let options = planting("drop-dedupe");
    let (id, laws) = found(&options).expect("a law that finds it");
    let small = shrink(&id, &options, |_, _| {}).expect("a smaller world");
    assert!(
        broken(&small.id, &options).contains(&laws[0]),
        "{}",
        small.id
    );
    let size = |id: &WorldId| {
        let drawn = id.draw(&options);
        let faults = drawn.world.faults.faults.len();
        (drawn.shop.shoppers, drawn.world.cuts.len() + faults)
    };
    let (before, after) = (size(&id), size(&small.id));
    println!(
        "{id} {before:?} is made {} {after:?} in {} tries",
        small.id, small.tries
    );
    assert!(
        after.0 * 2 < before.0 && after.1 <= before.1,
        "{before:?} to {after:?}"
    );
}
