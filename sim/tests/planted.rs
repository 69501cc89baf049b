//! A law that has never caught anything proves nothing: each planted mistake is found.

use mercato_actors::PlantedBug;
use mercato_sim::hunt::{HuntOptions, WorldId, run_id};

/// How many seeds a mistake may stay hidden in.
const SEEDS_MAX: u64 = 60;

fn found_in(bug: PlantedBug) -> Option<u64> {
    let mut options = HuntOptions::default();
    options.planted = Some(bug);
    (1..=SEEDS_MAX).find(|seed| {
        let outcome = run_id(&WorldId::of_seed(*seed), &options).expect("a world");
        !outcome.laws_hold()
    })
}

macro_rules! planted {
    ($($test:ident: $name:literal;)+) => {
        $(#[test]
        fn $test() {
            let (_, bug) = PlantedBug::ALL
                .into_iter()
                .find(|(name, _)| *name == $name)
                .expect("a mistake of this name");
            let found = found_in(bug);
            println!("{} is found with seed {found:?}", $name);
            assert!(found.is_some(), "no law finds it in {SEEDS_MAX} seeds");
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
    an_answer_before_the_commit_is_found: "acknowledge-before-commit";
    a_double_release_is_found: "release-twice";
    a_forgotten_compensation_is_found: "forget-compensation";
    a_charge_under_a_new_name_is_found: "new-charge-key";
    a_forgotten_first_reply_is_found: "drop-dedupe";
    a_late_snapshot_is_found: "snapshot-late";
    an_early_cursor_is_found: "cursor-early";
    lost_timers_are_found: "timers-lost";
    a_stale_cache_is_found: "stale-cache";
    a_dropped_mailbox_is_found: "mailbox-dropped";
    an_unchecked_page_is_found: "unchecked-page";
    an_expired_price_is_found: "expired-price";
}
