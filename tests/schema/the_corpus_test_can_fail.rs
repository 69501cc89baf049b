//! The corpus of a small agent is written by one version of its code and checked by others, each
//! with one change that somebody might make.

use std::fs;

use mercato::EventViews;
use tempfile::TempDir;

use crate::schema::corpus::{Corpus, Samples};
use crate::schema::versions::{
    added, event_gone, first, moved, raised_without_upcaster, removed, removed_at_the_end, renamed,
    retyped, second, second_otherwise, second_renamed, second_with_old_moved, state_changed,
    state_raised, variant_added, variants_moved,
};

/// The same value in both numbers: nothing but the layout can tell one field from the other.
fn samples_of_first() -> Samples {
    let mut samples = Samples::default();
    let placed = mercato::codec::encode(&first::Placed {
        order: 7,
        units: 7,
        gift: true,
        reason: first::Reason::Phone,
    });
    let key = ("orders".to_owned(), "Placed".to_owned());
    samples.events.insert(key, placed.expect("bytes"));
    let state = mercato::codec::encode(&first::State { placed: 3, open: 3 });
    let states = [(String::new(), state.expect("bytes"))].into();
    samples.states.insert("orders".to_owned(), states);
    samples
}

/// Today's event of the second version, which needs a file of its own.
fn samples_of_second() -> Samples {
    let mut samples = Samples::default();
    let placed = mercato::codec::encode(&second::Placed {
        order: 8,
        units: 9,
        note: "by phone".into(),
    });
    let key = ("orders".to_owned(), "Placed".to_owned());
    samples.events.insert(key, placed.expect("bytes"));
    samples
}

fn renamed_samples() -> Samples {
    let mut samples = samples_of_first();
    let placed = samples.events.remove(&("orders".into(), "Placed".into()));
    let key = ("orders".to_owned(), "Ordered".to_owned());
    samples.events.insert(key, placed.expect("bytes"));
    samples
}

fn corpus(folder: &TempDir, views: EventViews) -> Corpus {
    Corpus::in_folder(folder.path(), views).of("orders")
}

/// A corpus that the first version wrote.
fn kept_by_first() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    corpus(&folder, first::views()).add(samples_of_first);
    folder
}

/// What the check says when this code meets the first version's corpus: one problem, that says all
/// of this.
#[track_caller]
fn is_caught(views: EventViews, says: &[&str]) {
    let problems = corpus(&kept_by_first(), views).problems();
    for part in says {
        let said = problems.iter().any(|problem| problem.contains(part));
        assert!(said, "nothing says {part:?}: {problems:#?}");
    }
}

#[track_caller]
fn is_sound(corpus: &Corpus) {
    let problems = corpus.problems();
    assert!(problems.is_empty(), "{problems:#?}");
}

/// Catches: a check that fails for code which changed nothing, or nothing that matters.
#[test]
fn unchanged_code_and_new_variants_pass() {
    let folder = kept_by_first();
    is_sound(&corpus(&folder, first::views()));
    is_sound(&corpus(&folder, variant_added::views()));
}

/// Catches: a changed struct that reads old bytes as something else, or not at all.
#[test]
fn each_change_of_a_layout_is_caught_with_words() {
    let advice = [
        "Events of this version are in journals that exist",
        "raise the version to 2",
        "`Placed: 2 from { 1 => PlacedV1 }`",
    ];
    let changes = [
        (renamed::views(), "field `units` is now `pieces`"),
        (removed::views(), "field `gift` is gone"),
        (removed_at_the_end::views(), "field `reason` is gone"),
        (added::views(), "field `note` is new"),
        (
            moved::views(),
            "they were `order, units, gift, reason`, and are `units, order, gift, reason`",
        ),
        (retyped::views(), "`units` was u32, and is u16"),
        (
            variants_moved::views(),
            "`reason` was one of `Web, Phone`, and is one of `Phone, Web`",
        ),
    ];
    for (views, change) in changes {
        is_caught(views, &["`Placed` v1 of `orders`", change]);
    }
    is_caught(renamed::views(), &advice);
}

/// Catches: a version that was raised, or an event that was renamed, without a thought for what is
/// stored.
#[test]
fn a_version_that_nobody_reads_is_caught_with_words() {
    is_caught(
        raised_without_upcaster::views(),
        &[
            "`Placed` v1 of `orders` is read by nobody",
            "add an upcaster: `Placed: 2 from { 1 => PlacedV1 }`",
            "there is no corpus file for `Placed` v2 of `orders`; run `MERCATO_CORPUS=add",
        ],
    );
    is_caught(
        event_gone::views(),
        &["if the event was renamed, say so: `NewName: 1 from { Placed: 1 => PlacedV1 }`"],
    );
    let problems = Corpus::in_folder(kept_by_first().path(), EventViews::new()).problems();
    let gone = "nobody reads the streams of `orders`";
    assert!(
        problems.iter().any(|problem| problem.contains(gone)),
        "{problems:#?}"
    );
}

/// Catches: a state whose layout changes under the snapshots that exist.
#[test]
fn a_changed_state_needs_a_new_version() {
    is_caught(
        state_changed::views(),
        &[
            "they were `placed, open`, and are `open, placed`",
            "Raise the agent's `STATE_VERSION` to 2",
        ],
    );
    let says = "there is no corpus file for `state` v2 of `orders`";
    is_caught(state_raised::views(), &[says]);
    let folder = kept_by_first();
    let raised = corpus(&folder, state_raised::views());
    raised.add(samples_of_first);
    is_sound(&raised);
}

/// Catches: an old version that is read with another struct than it was written with, an upcaster
/// that changes unseen, and `add` changing what is kept.
#[test]
fn an_older_version_is_held_to_its_layout_and_to_what_it_becomes() {
    let folder = kept_by_first();
    let path = folder.path().join("orders/Placed.v1.json");
    let kept = fs::read_to_string(&path).expect("a file");

    let today = corpus(&folder, second::views());
    let problems = today.problems();
    let says = "no file says what becomes of it today";
    assert!(problems.iter().any(|it| it.contains(says)), "{problems:#?}");
    today.add(samples_of_second);
    is_sound(&today);
    assert_eq!(fs::read_to_string(&path).expect("a file"), kept);
    let upcast = fs::read_to_string(folder.path().join("orders/Placed.v1.upcast.json"));
    let upcast: serde_json::Value = serde_json::from_str(&upcast.expect("a file")).expect("json");
    assert_eq!(
        upcast,
        serde_json::json!({
            "name": "Placed",
            "version": 2,
            "view": { "order": 7, "units": 7, "note": "Phone" },
        })
    );

    let problems = corpus(&folder, second_otherwise::views()).problems();
    let says = "becomes something else than it did: `units` was 7, and is 0";
    assert!(problems.iter().any(|it| it.contains(says)), "{problems:#?}");
    let problems = corpus(&folder, second_with_old_moved::views()).problems();
    let says = "in the struct that its upcaster starts from";
    assert!(problems.iter().any(|it| it.contains(says)), "{problems:#?}");
}

/// Catches: a renamed event that loses what was stored under its old name.
#[test]
fn a_renamed_event_reads_its_old_name() {
    let folder = kept_by_first();
    let renamed = corpus(&folder, second_renamed::views());
    renamed.add(renamed_samples);
    is_sound(&renamed);
    let upcast = fs::read_to_string(folder.path().join("orders/Placed.v1.upcast.json"));
    assert!(upcast.expect("a file").contains("\"name\": \"Ordered\""));
}
