//! Writes values down as TOML, in the form in which they are read.

use std::fmt::{self, Write};
use std::time::Duration;

use serde::Deserialize;

use crate::key::write_name;
use crate::read::NONE;
use crate::schema::{Kind, Node};
use crate::text::{bytes_text, duration_text, quoted};
use crate::tree::Tree;

/// Whether it is written behind `key =`, and not as a table of its own: so are a time, and a table
/// whose keys exclude each other.
pub(crate) fn is_leaf(node: Node<'_>, tree: &Tree) -> bool {
    !matches!(tree, Tree::Table(_)) || node.kind() == Kind::Time || node.excludes()
}

/// What stands behind `key =`.
pub(crate) fn literal(node: Option<Node<'_>>, tree: &Tree) -> String {
    let kind = node.map(Node::kind);
    let size = |bytes: u64| {
        bytes_text(bytes)
            .filter(|_| kind == Some(Kind::Bytes))
            .map_or_else(|| bytes.to_string(), |text| quoted(&text))
    };
    match tree {
        Tree::Nothing => quoted(NONE),
        Tree::Boolean(it) => it.to_string(),
        Tree::Integer(it) => u64::try_from(*it).map_or_else(|_| it.to_string(), size),
        Tree::Large(it) => size(*it),
        // With a point in it, so that it is no whole number.
        Tree::Number(it) => format!("{it:?}"),
        Tree::Text(it) => quoted(it),
        Tree::List(items) => {
            let of_items = node.and_then(Node::items);
            let items: Vec<_> = items.iter().map(|it| literal(of_items, it)).collect();
            format!("[{}]", items.join(", "))
        }
        Tree::Table(_) if kind == Some(Kind::Time) => {
            let time = Duration::deserialize(tree.to_json()).unwrap_or_default();
            quoted(&duration_text(time))
        }
        Tree::Table(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(name, it)| {
                    let below = node.and_then(|node| node.below_name(name));
                    let mut entry = String::new();
                    // Writing into a string does not fail.
                    let _ = write_name(&mut entry, name);
                    format!("{entry} = {}", literal(below, it))
                })
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// `key = value`.
pub(crate) fn write_leaf(
    out: &mut String,
    name: &str,
    node: Option<Node<'_>>,
    tree: &Tree,
) -> fmt::Result {
    write_name(out, name)?;
    write!(out, " = {}", literal(node, tree))
}
