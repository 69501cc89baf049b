//! Environment variables that say something else than the file.
//!
//! `MERCATO__JOURNAL__GROUP_BYTES_MAX=8MiB` is `group_bytes_max` of `[journal]`: two underscores go
//! one table down. A value is written as in the file; quotes around a text may be left out.

use std::sync::Arc;

use toml::Spanned;
use toml::de::DeValue;

use crate::key::{Key, Step};
use crate::problem::{Origin, Problems};
use crate::read::{From, Places, Reader};
use crate::schema::{Kind, Node};
use crate::text::closest;
use crate::tree::Tree;

/// What the names of overrides begin with.
pub const PREFIX: &str = "MERCATO__";

/// The longest value of an override.
const VALUE_BYTES_MAX: usize = 64 * 1024;
/// So many overrides are read.
const VARIABLES_MAX: usize = 1_000;

/// Reads one override after the other into the tree, in the order of their names.
pub(crate) fn read_environment(
    schema: Node<'_>,
    variables: &[(String, String)],
    tree: &mut Tree,
    places: &mut Places,
    problems: &mut Problems,
) {
    let mut ours: Vec<_> = variables
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), name.strip_prefix(PREFIX)?, value)))
        .collect();
    ours.sort_unstable();
    for (nth, (variable, path, value)) in ours.into_iter().enumerate() {
        let place = Origin::Environment {
            variable: Arc::from(variable),
        };
        if nth >= VARIABLES_MAX || value.len() > VALUE_BYTES_MAX {
            let what = if nth >= VARIABLES_MAX {
                format!("is one override more than the {VARIABLES_MAX} that are read")
            } else {
                format!("has a value of {} bytes", value.len())
            };
            let remedy = "write it into the file".to_owned();
            problems.add(place, Key::default(), what, remedy);
            continue;
        }
        let Some((key, node)) = find(schema, tree, path, &place, problems) else {
            continue;
        };
        let Some(said) = parse(node, value) else {
            let what = "is no value".to_owned();
            problems.add(place, key, what, format!("use {}", node.expected()));
            continue;
        };
        // What the file said here, and below, counts for nothing.
        places.retain(|said, _| !key.is_around(said));
        let mut reader = Reader {
            from: From::Environment(variable),
            places,
            problems,
        };
        let Some(said) = reader.value(node, &said, &key) else {
            tree.remove(&key);
            continue;
        };
        places.insert(key.clone(), place);
        tree.put(&key, said);
    }
}

/// The value that a variable's name means.
fn find<'a>(
    schema: Node<'a>,
    tree: &Tree,
    path: &str,
    place: &Origin,
    problems: &mut Problems,
) -> Option<(Key, Node<'a>)> {
    let mut node = schema;
    let mut key = Key::default();
    for part in path.split("__") {
        let known: Vec<_> = node.properties().into_iter().map(|it| it.0).collect();
        let found = known.iter().find(|name| name.eq_ignore_ascii_case(part));
        let name = match (found, node.kind()) {
            (Some(name), _) => (*name).to_owned(),
            (None, Kind::Map) if !part.is_empty() => chosen_name(tree, &key, part),
            (None, _) => {
                let below = key.child(&part.to_ascii_lowercase());
                let remedy = match closest(part, known.iter().copied()) {
                    Some(meant) => format!("did you mean `{}`?", meant.to_ascii_uppercase()),
                    None => "unset it, or correct its name: two underscores go one table down"
                        .to_owned(),
                };
                problems.add(place.clone(), below, "is not known".to_owned(), remedy);
                return None;
            }
        };
        node = node.below(&Step::Name(name.as_str().into()))?;
        key = key.child(&name);
    }
    Some((key, node))
}

/// A key that whoever wrote the file chose; a new one is in lower case.
fn chosen_name(tree: &Tree, key: &Key, part: &str) -> String {
    let existing = match tree.get(key) {
        Some(Tree::Table(table)) => table.keys().find(|name| name.eq_ignore_ascii_case(part)),
        _ => None,
    };
    existing.map_or_else(|| part.to_ascii_lowercase(), Clone::clone)
}

/// A value as in the file, or a text without its quotes.
fn parse<'v>(node: Node<'_>, value: &'v str) -> Option<Spanned<DeValue<'v>>> {
    let bare = || Spanned::new(0..value.len(), DeValue::String(value.into()));
    let unquoted = !value.trim_start().starts_with(['"', '\'', '[', '{']);
    let is_text = matches!(node.kind(), Kind::Text | Kind::Choice(_) | Kind::Time);
    if unquoted && is_text {
        return Some(bare());
    }
    match DeValue::parse(value.trim()) {
        Ok(parsed) => Some(parsed),
        // `8MiB`, `none`: what is no TOML value is a text without its quotes.
        Err(_) if unquoted => Some(bare()),
        Err(_) => None,
    }
}
