//! Turns what is written into values, held against the schema. Whatever is wrong is noted, left
//! out, and the rest read on.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::key::{Key, Step};
use crate::problem::{Origin, Problems};
use crate::schema::{Bound, Kind, Node};
use crate::source::Text;
use crate::text::{bytes, closest, duration, quoted, shortened};
use crate::tree::Tree;

/// The word for a value that is not there.
pub(crate) const NONE: &str = "none";

/// Where each value was said.
pub(crate) type Places = BTreeMap<Key, Origin>;

/// Where the text that is read comes from.
pub(crate) enum From<'a> {
    File(&'a Text),
    Environment(&'a str),
}

/// Reads values out of one text.
pub(crate) struct Reader<'a> {
    pub(crate) from: From<'a>,
    pub(crate) places: &'a mut Places,
    pub(crate) problems: &'a mut Problems,
}

/// Reads a whole file.
pub(crate) fn read_file(
    schema: Node<'_>,
    text: &Text,
    places: &mut Places,
    problems: &mut Problems,
) -> Tree {
    let (table, errors) = DeTable::parse_recoverable(&text.text);
    for error in errors {
        let place = text.place(error.span().map_or(0, |span| span.start));
        let what = error.message().trim().replace('\n', ", ");
        let remedy = "correct it; values are written `key = value`, under `[section]`".into();
        problems.add(place, Key::default(), what, remedy);
    }
    let mut reader = Reader {
        from: From::File(text),
        places,
        problems,
    };
    let key = Key::default();
    reader.table(schema, table.get_ref(), &key)
}

impl Reader<'_> {
    fn place(&self, offset: usize) -> Origin {
        match &self.from {
            From::File(text) => text.place(offset),
            From::Environment(variable) => Origin::Environment {
                variable: (*variable).into(),
            },
        }
    }

    /// What is written, for a message.
    fn shown(&self, node: Node<'_>, value: &Spanned<DeValue<'_>>) -> String {
        if node.secret() {
            return "a value that is not shown".to_owned();
        }
        match (value.get_ref(), &self.from) {
            (DeValue::Table(_), _) => "a table".to_owned(),
            (DeValue::String(text), _) => quoted(&shortened(text)),
            (_, From::File(text)) => {
                shortened(text.text.get(value.span()).unwrap_or("something else"))
            }
            (DeValue::Integer(number), From::Environment(_)) => number.to_string(),
            (DeValue::Float(number), From::Environment(_)) => number.to_string(),
            (other, From::Environment(_)) => format!("a TOML {}", other.type_str()),
        }
    }

    fn wrong(
        &mut self,
        node: Node<'_>,
        value: &Spanned<DeValue<'_>>,
        key: &Key,
        remedy: Option<String>,
    ) {
        let what = format!("is {}", self.shown(node, value));
        let remedy = remedy.unwrap_or_else(|| format!("use {}", node.expected()));
        let place = self.place(value.span().start);
        self.problems.add(place, key.clone(), what, remedy);
    }

    fn table(&mut self, node: Node<'_>, table: &DeTable<'_>, key: &Key) -> Tree {
        let mut tree = Tree::table();
        for (name, value) in table {
            let below = key.child(name.get_ref());
            let place = self.place(name.span().start);
            let Some(node_below) = node.below(&Step::Name(name.get_ref().as_ref().into())) else {
                self.unknown(node, name.get_ref(), below, place);
                continue;
            };
            self.places.insert(below.clone(), place);
            if let Some(value) = self.value(node_below, value, &below) {
                tree.put(&Key::of([name.get_ref().as_ref()]), value);
            }
        }
        tree
    }

    fn unknown(&mut self, node: Node<'_>, name: &str, key: Key, place: Origin) {
        let known: Vec<_> = node.properties().into_iter().map(|it| it.0).collect();
        let remedy = match closest(name, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if known.is_empty() => "leave it out".to_owned(),
            None => format!("known here: {}", known.join(", ")),
        };
        self.problems
            .add(place, key, "is not known".to_owned(), remedy);
    }

    /// Reads one value; nothing where it cannot be used.
    pub(crate) fn value(
        &mut self,
        node: Node<'_>,
        value: &Spanned<DeValue<'_>>,
        key: &Key,
    ) -> Option<Tree> {
        if node.optional() && value.get_ref().as_str() == Some(NONE) {
            return Some(Tree::Nothing);
        }
        let read = match (node.kind(), value.get_ref()) {
            (Kind::Time, DeValue::String(text)) => duration(text)
                .filter(|it| node.allows(Bound::Time(*it)))
                .map(|it| Tree::of(&it).unwrap_or(Tree::Nothing)),
            (Kind::Time, DeValue::Integer(number)) => {
                let remedy = format!(
                    "a time has a unit, such as \"{number}s\"; use {}",
                    node.expected()
                );
                self.wrong(node, value, key, Some(remedy));
                return None;
            }
            (Kind::Bytes, DeValue::String(text)) => bytes(text)
                .filter(|it| node.allows(Bound::Whole(i128::from(*it))))
                .map(whole_unsigned),
            (Kind::Bytes | Kind::Integer, DeValue::Integer(number)) => {
                i128::from_str_radix(number.as_str(), number.radix())
                    .ok()
                    .filter(|it| node.allows(Bound::Whole(*it)))
                    .and_then(whole)
            }
            (Kind::Number, DeValue::Float(number)) => number
                .as_str()
                .parse()
                .ok()
                .filter(|it: &f64| it.is_finite() && node.allows(Bound::Number(*it)))
                .map(Tree::Number),
            (Kind::Number, DeValue::Integer(number)) => {
                i32::from_str_radix(number.as_str(), number.radix())
                    .ok()
                    .map(f64::from)
                    .filter(|it| node.allows(Bound::Number(*it)))
                    .map(Tree::Number)
            }
            (Kind::Boolean, DeValue::Boolean(it)) => Some(Tree::Boolean(*it)),
            (Kind::Text, DeValue::String(text)) => Some(Tree::Text(text.as_ref().to_owned())),
            (Kind::Choice(words), DeValue::String(text)) => {
                if !words.contains(&&**text) {
                    let meant = closest(text, words);
                    let meant = meant.map(|it| format!("did you mean \"{it}\"? "));
                    let remedy = format!("{}use {}", meant.unwrap_or_default(), node.expected());
                    self.wrong(node, value, key, Some(remedy));
                    return None;
                }
                Some(Tree::Text(text.as_ref().to_owned()))
            }
            (Kind::List, DeValue::Array(items)) => return self.list(node, value, items, key),
            (Kind::Table | Kind::Map, DeValue::Table(table)) => {
                return Some(self.table(node, table, key));
            }
            (Kind::Other, value) => plain(value),
            _ => None,
        };
        if read.is_none() {
            self.wrong(node, value, key, None);
        }
        read
    }

    fn list(
        &mut self,
        node: Node<'_>,
        value: &Spanned<DeValue<'_>>,
        items: &[Spanned<DeValue<'_>>],
        key: &Key,
    ) -> Option<Tree> {
        let (min, max) = node.items_bounds();
        let count = items.len() as u64;
        if min.is_some_and(|min| count < min) || max.is_some_and(|max| count > max) {
            let what = format!("has {count} items");
            let remedy = match (min, max) {
                (Some(min), Some(max)) if min == max => format!("write {min} of them"),
                (min, Some(max)) => format!("write {} to {max} of them", min.unwrap_or(0)),
                (min, None) => format!("write at least {} of them", min.unwrap_or(0)),
            };
            let place = self.place(value.span().start);
            self.problems.add(place, key.clone(), what, remedy);
            return None;
        }
        let of_item = node.items()?;
        let read: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(nth, item)| {
                let key = key.item(nth);
                self.places
                    .insert(key.clone(), self.place(item.span().start));
                self.value(of_item, item, &key)
            })
            .collect();
        // A list without one of its items would say something else.
        read.into_iter().collect::<Option<_>>().map(Tree::List)
    }
}

fn whole(number: i128) -> Option<Tree> {
    let signed = i64::try_from(number).map(Tree::Integer);
    signed
        .or_else(|_| u64::try_from(number).map(Tree::Large))
        .ok()
}

fn whole_unsigned(number: u64) -> Tree {
    i64::try_from(number).map_or(Tree::Large(number), Tree::Integer)
}

/// A value as it stands, for what only the code can judge.
fn plain(value: &DeValue<'_>) -> Option<Tree> {
    match value {
        DeValue::String(text) => Some(Tree::Text(text.as_ref().to_owned())),
        DeValue::Boolean(it) => Some(Tree::Boolean(*it)),
        DeValue::Integer(it) => whole(i128::from_str_radix(it.as_str(), it.radix()).ok()?),
        DeValue::Float(it) => it.as_str().parse().ok().map(Tree::Number),
        DeValue::Datetime(it) => Some(Tree::Text(it.to_string())),
        DeValue::Array(items) => {
            let items = items.iter().map(|it| plain(it.get_ref()));
            items.collect::<Option<_>>().map(Tree::List)
        }
        DeValue::Table(table) => {
            let entries = table
                .iter()
                .map(|(name, it)| Some((name.get_ref().to_string(), plain(it.get_ref())?)));
            entries.collect::<Option<_>>().map(Tree::Table)
        }
    }
}
