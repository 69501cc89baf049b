//! Stored events for people and tools.

use std::collections::BTreeMap;

use mercato_runtime::persistence::EventData;
use mercato_runtime::{Agent, Commands, EventViews, ViewError, codec, view_of};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Earned {
    points: u64,
}

#[derive(Serialize, Deserialize)]
struct EarnedV1 {
    tens: u64,
}

impl From<EarnedV1> for Earned {
    fn from(old: EarnedV1) -> Self {
        let points = old.tens * 10;
        Self { points }
    }
}

mercato_runtime::events! {
    enum LoyaltyEvent { Earned: 2 from { 1 => EarnedV1 } }
}

#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
#[error("refused")]
struct Refused;

struct Loyalty;

impl Agent for Loyalty {
    const NAME: &'static str = "loyalty";
    type State = u64;
    type Event = LoyaltyEvent;
    type Rejection = Refused;

    fn evolve(_: &mut u64, _: &LoyaltyEvent) {}
    fn commands(_: &mut Commands<Self>) {}
}

fn earned(version: u16, payload: Vec<u8>) -> EventData {
    EventData {
        name: "Earned".into(),
        version,
        payload,
    }
}

/// Catches: a tool that shows an old event as it was stored, beside others as they are today.
#[test]
fn an_old_event_is_shown_as_todays() {
    let views = EventViews::new().with::<Loyalty>();
    let old = earned(1, codec::encode(&EarnedV1 { tens: 4 }).expect("bytes"));
    let view = views.view("loyalty/ada", &old);
    assert_eq!(view, Ok(serde_json::json!({ "points": 40 })));
    let today = earned(2, codec::encode(&Earned { points: 40 }).expect("bytes"));
    assert_eq!(views.as_of_today("loyalty/ada", &old), Ok(today));
}

/// Catches: an event that is guessed at, and an error that names a customer.
#[test]
fn what_is_not_known_is_said_and_not_guessed() {
    let views = EventViews::new();
    let event = earned(1, vec![4]);
    let unknown = views
        .view("loyalty/ada", &event)
        .expect_err("nobody reads it");
    assert_eq!(
        unknown,
        ViewError::UnknownOwner {
            owner: "loyalty".into()
        }
    );
    assert!(!unknown.to_string().contains("ada"), "{unknown}");
    let views = views.with::<Loyalty>();
    for event in [earned(3, vec![4]), earned(2, vec![4, 4]), earned(2, vec![])] {
        let view = views.view("loyalty/ada", &event);
        assert!(matches!(view, Err(ViewError::Codec(_))), "{view:?}");
    }
}

#[derive(Serialize)]
enum Shape {
    Unit,
    Newtype(u8),
    Tuple(u8, char),
    Struct { field: Option<f64> },
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Pair(bool, Unit);

#[derive(Serialize)]
struct Values {
    shapes: Vec<Shape>,
    pair: Pair,
    fixed: [i8; 2],
    by_name: BTreeMap<String, f32>,
    by_number: BTreeMap<u32, ()>,
    none: Option<u8>,
    large: (u64, i64, u128, i128),
}

struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

/// Catches: bytes that nobody can read out of a view, or that are left out of it.
#[test]
fn bytes_are_shown_as_hexadecimal_digits() {
    let view = view_of(&Bytes(vec![0, 15, 255]));
    assert_eq!(view, Ok(serde_json::json!("000fff")));
}

/// Catches: a view that differs from what every other tool makes of the same value.
#[test]
fn a_view_is_what_serde_json_makes_where_it_makes_anything() {
    let values = Values {
        shapes: vec![
            Shape::Unit,
            Shape::Newtype(1),
            Shape::Tuple(2, 'é'),
            Shape::Struct { field: Some(0.25) },
        ],
        pair: Pair(true, Unit),
        fixed: [-1, 1],
        by_name: BTreeMap::from([("half".into(), 0.5)]),
        by_number: BTreeMap::from([(7, ())]),
        none: None,
        large: (u64::MAX, i64::MIN, 3, -3),
    };
    let expected = serde_json::to_value(&values).expect("json");
    assert_eq!(view_of(&values), Ok(expected));
}

/// Catches: a stored value that no tool can show.
#[test]
fn what_serde_json_refuses_has_a_view_too() {
    let by_pair = BTreeMap::from([((1, 2), "a"), ((3, 4), "b")]);
    assert!(serde_json::to_value(&by_pair).is_err());
    assert_eq!(
        view_of(&by_pair),
        Ok(serde_json::json!([[[1, 2], "a"], [[3, 4], "b"]]))
    );
    let large = (u128::MAX, i128::MIN);
    assert!(serde_json::to_value(large).is_err());
    let texts = [u128::MAX.to_string(), i128::MIN.to_string()];
    assert_eq!(view_of(&large), Ok(serde_json::json!(texts)));
}
