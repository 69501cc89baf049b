//! What a layout tells, and what goes through an upcaster.

use std::collections::BTreeMap;

use mercato_runtime::{CodecError, Event, EventForm, Layout, codec};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Everything {
    flag: bool,
    small: u8,
    wide: u128,
    signed: i64,
    fraction: f64,
    letter: char,
    text: Box<str>,
    maybe: Option<Inner>,
    list: Vec<Inner>,
    pair: (u16, String),
    map: BTreeMap<u32, Choice>,
    choices: Vec<Choice>,
    wrapped: Wrapper,
    nothing: (),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Inner {
    value: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wrapper(Inner);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Choice {
    Plain,
    Newtype(Inner),
    Tuple(u8, bool),
    Struct { field: i16 },
}

fn everything() -> Everything {
    Everything {
        flag: true,
        small: 200,
        wide: 1 << 100,
        signed: -5,
        fraction: 0.5,
        letter: 'é',
        text: "text".into(),
        maybe: Some(Inner { value: 1 }),
        list: vec![Inner { value: 2 }, Inner { value: 3 }],
        pair: (4, "five".into()),
        map: BTreeMap::from([(6, Choice::Plain)]),
        choices: vec![
            Choice::Newtype(Inner { value: 7 }),
            Choice::Tuple(8, true),
            Choice::Struct { field: -9 },
        ],
        wrapped: Wrapper(Inner { value: 10 }),
        nothing: (),
    }
}

/// Catches: a place that the watcher does not see, or sees under another name.
#[test]
fn a_layout_knows_every_place_of_a_value() {
    let bytes = codec::encode(&everything()).expect("bytes");
    let (layout, read) = Layout::of::<Everything>(&bytes);
    assert_eq!(read, Ok(()));
    let variants = serde_json::json!({ "enum": ["Plain", "Newtype", "Tuple", "Struct"] });
    let inner = serde_json::json!({ "struct": ["value"] });
    let fields = [
        "flag", "small", "wide", "signed", "fraction", "letter", "text", "maybe", "list", "pair",
        "map", "choices", "wrapped", "nothing",
    ];
    let expected = serde_json::json!({
        ".": { "struct": fields },
        "flag": "bool",
        "small": "u8",
        "wide": "u128",
        "signed": "i64",
        "fraction": "f64",
        "letter": "char",
        "text": "text",
        "maybe": "an option",
        "maybe?": inner,
        "maybe?.value": "u32",
        "list": "a list",
        "list[]": inner,
        "list[].value": "u32",
        "pair": "a tuple of 2",
        "pair.0": "u16",
        "pair.1": "text",
        "map": "a map",
        "map[key]": "u32",
        "map[value]": variants,
        "choices": "a list",
        "choices[]": variants,
        "choices[].Newtype": inner,
        "choices[].Newtype.value": "u32",
        "choices[].Tuple": "a tuple of 2",
        "choices[].Tuple.0": "u8",
        "choices[].Tuple.1": "bool",
        "choices[].Struct": { "struct": ["field"] },
        "choices[].Struct.field": "i16",
        "wrapped": inner,
        "wrapped.value": "u32",
        "nothing": "nothing",
    });
    assert_eq!(
        serde_json::to_value(&layout).expect("layouts have a form in json"),
        expected
    );
    let back: Layout = serde_json::from_value(expected).expect("and are read from it");
    assert_eq!(back, layout);
    assert_eq!(back.changes(&layout), Vec::<String>::new());
}

/// Catches: a watched read that accepts bytes which a plain one refuses, and one that says nothing
/// of how far it came.
#[test]
fn bytes_that_do_not_fit_are_refused_with_the_layout_so_far() {
    let mut bytes = codec::encode(&everything()).expect("bytes");
    bytes.push(0);
    let (_, read) = Layout::of::<Everything>(&bytes);
    assert_eq!(read, Err(CodecError::Trailing { extra: 1 }));
    let (layout, read) = Layout::of::<Everything>(&bytes[..3]);
    assert_eq!(
        read,
        codec::decode::<Everything>(&bytes[..3]).map(drop),
        "watching changes nothing"
    );
    assert!(read.is_err());
    assert!(layout.places() >= 3, "{layout:?}");
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Earned {
    points: u64,
    reason: String,
}

#[derive(Serialize, Deserialize)]
struct EarnedV2 {
    points: u64,
}

#[derive(Serialize, Deserialize)]
struct EarnedV1 {
    points: u8,
    doubled: bool,
}

impl From<EarnedV2> for Earned {
    fn from(old: EarnedV2) -> Self {
        let (points, reason) = (old.points, "unknown".into());
        Self { points, reason }
    }
}

impl From<EarnedV1> for Earned {
    fn from(old: EarnedV1) -> Self {
        let factor = if old.doubled { 2 } else { 1 };
        EarnedV2 {
            points: u64::from(old.points) * factor,
        }
        .into()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Spent {
    points: u64,
}

mercato_runtime::events! {
    enum Loyalty {
        Earned: 3 from { 1 => EarnedV1, 2 => EarnedV2, PointsAdded: 7 => EarnedV2 },
        Spent: 1,
    }
}

/// Catches: an older form that is not read, or through another upcaster.
#[test]
fn every_older_form_becomes_todays_event() {
    let today = |points, reason: &str| {
        let reason = reason.into();
        Ok(Loyalty::from(Earned { points, reason }))
    };
    let first = EarnedV1 {
        points: 5,
        doubled: true,
    };
    let first = codec::encode(&first).expect("bytes");
    let second = codec::encode(&EarnedV2 { points: 300 }).expect("bytes");
    assert_eq!(Loyalty::decode("Earned", 1, &first), today(10, "unknown"));
    assert_eq!(Loyalty::decode("Earned", 2, &second), today(300, "unknown"));
    assert_eq!(
        Loyalty::decode("PointsAdded", 7, &second),
        today(300, "unknown")
    );
    let event = today(1, "a purchase").expect("an event");
    let bytes = event.encode().expect("bytes");
    assert_eq!(Loyalty::decode("Earned", 3, &bytes), today(1, "a purchase"));
    assert_eq!(
        event.view(),
        Ok(serde_json::json!({ "points": 1, "reason": "a purchase" }))
    );
    for (name, version) in [
        ("Earned", 4),
        ("Earned", 7),
        ("PointsAdded", 1),
        ("Spent", 2),
    ] {
        let unknown = Err(CodecError::unknown(name, version));
        assert_eq!(Loyalty::decode(name, version, &bytes), unknown);
        let (_, read) = Loyalty::layout(name, version, &bytes);
        assert_eq!(read, Err(CodecError::unknown(name, version)));
    }
}

/// Catches: a schema that hides a form from whoever keeps bytes of each.
#[test]
fn the_schema_lists_every_form() {
    let form = |name, version| EventForm { name, version };
    let forms: Vec<Vec<EventForm>> = Loyalty::schema()
        .iter()
        .map(|schema| schema.readable().collect())
        .collect();
    assert_eq!(
        forms,
        [
            vec![
                form("Earned", 3),
                form("Earned", 1),
                form("Earned", 2),
                form("PointsAdded", 7)
            ],
            vec![form("Spent", 1)],
        ]
    );
}

#[derive(Serialize, Deserialize)]
struct Address {
    street: String,
    town: String,
    country: String,
}

#[derive(Serialize, Deserialize)]
struct ShortAddress {
    street: String,
    city: String,
}

#[derive(Serialize, Deserialize)]
struct TownFirst {
    town: String,
    street: String,
}

#[derive(Serialize, Deserialize)]
struct StreetFirst {
    street: String,
    town: String,
}

#[derive(Serialize, Deserialize)]
struct Of<T> {
    home: T,
}

/// Catches: fields that changed places and of which it is not said where.
#[test]
fn fields_that_changed_places_are_told_with_what_they_are_of() {
    let text = String::new;
    let before = || TownFirst {
        town: text(),
        street: text(),
    };
    let after = || StreetFirst {
        street: text(),
        town: text(),
    };
    let bytes = codec::encode(&before()).expect("bytes");
    let (was, _) = Layout::of::<TownFirst>(&bytes);
    let bytes = codec::encode(&after()).expect("bytes");
    let (is, _) = Layout::of::<StreetFirst>(&bytes);
    let told = was.changes(&is).join("; ");
    assert!(told.starts_with("the fields changed places"), "{told}");
    let bytes = codec::encode(&Of { home: before() }).expect("bytes");
    let (was, _) = Layout::of::<Of<TownFirst>>(&bytes);
    let bytes = codec::encode(&Of { home: after() }).expect("bytes");
    let (is, _) = Layout::of::<Of<StreetFirst>>(&bytes);
    let told = was.changes(&is).join("; ");
    assert!(told.starts_with("the fields of `home` changed"), "{told}");
}

/// Catches: a field that is gone, and of which nothing is said because another one seems to be renamed.
#[test]
fn a_field_that_is_gone_is_told_beside_one_that_is_new() {
    let text = String::new;
    let (street, town, country) = (text(), text(), text());
    let before = Address {
        street,
        town,
        country,
    };
    let (street, city) = (text(), text());
    let after = ShortAddress { street, city };
    let (before, _) = Layout::of::<Address>(&codec::encode(&before).expect("bytes"));
    let (after, _) = Layout::of::<ShortAddress>(&codec::encode(&after).expect("bytes"));
    let changes = before.changes(&after).join("; ");
    for told in ["`town` is gone", "`country` is gone", "`city` is new"] {
        assert!(changes.contains(told), "{told}: {changes}");
    }
}
