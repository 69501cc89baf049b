//! Every key with what it is for, what it may be, and its default, as a file to begin with.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use indexmap::IndexMap;

use crate::key::Key;
use crate::load::{Configuration, schema_of};
use crate::reload::RELOADS;
use crate::schema::{Kind, Node};
use crate::tree::Tree;
use crate::write::{is_leaf, literal, write_leaf};

/// Lines are no longer than this.
const WIDTH: usize = 96;

/// The file that says nothing: every key is there with its default, in a comment, under what it is
/// for and what it may be. Without the `#` before a key, the file says that key.
#[must_use]
pub fn reference<T: Configuration>() -> String {
    let schema = schema_of::<T>();
    let mut reference = Reference {
        out: String::new(),
        described: BTreeMap::new(),
    };
    if let Ok(Tree::Table(defaults)) = Tree::of(&T::default()) {
        // Writing into a string does not fail.
        let _ = reference.table(Node::root(&schema), &defaults, &Key::default(), None);
    }
    reference.out
}

/// Every value of the configuration that has no values below it, with what is said of it.
#[must_use]
pub fn described<T: Configuration>() -> Vec<Described> {
    let schema = schema_of::<T>();
    let mut found = Vec::new();
    let default = Tree::of(&T::default()).unwrap_or(Tree::Nothing);
    describe(
        Node::root(&schema),
        &Key::default(),
        &default,
        &mut found,
        0,
    );
    found
}

/// What is said of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Described {
    /// Its key; a name that whoever writes it chooses reads `NAME`.
    pub key: Key,
    /// What it is for; empty where nothing is said.
    pub text: String,
    /// The whole doc comment that it comes from.
    pub doc: String,
    /// What it may be, in words.
    pub expected: String,
    /// Whether it is a number, a time or a size, and so has a range.
    pub measured: bool,
    /// The least that it may be, as it is written.
    pub min: Option<String>,
    /// The most that it may be, as it is written.
    pub max: Option<String>,
    /// Its default, as it is written; none where it has to be said.
    pub default: Option<String>,
}

fn describe(node: Node<'_>, key: &Key, default: &Tree, found: &mut Vec<Described>, depth: usize) {
    /// Tables in tables are no deeper than this.
    const DEPTH_MAX: usize = 12;
    if depth > DEPTH_MAX {
        return;
    }
    match node.kind() {
        Kind::Table => {
            for (name, below) in node.properties() {
                let default = default_of(below, default.get(&Key::of([name])));
                describe(below, &key.child(name), &default, found, depth + 1);
            }
        }
        Kind::Map => {
            if let Some(values) = node.values() {
                describe(values, &key.child("NAME"), &Tree::Nothing, found, depth + 1);
            }
        }
        kind => {
            let (min, max) = node.range_texts();
            let no_default = *default == Tree::Nothing && !node.optional();
            found.push(Described {
                key: key.clone(),
                text: plain(node.description().unwrap_or_default()),
                doc: node.description().unwrap_or_default().to_owned(),
                expected: node.expected(),
                measured: matches!(
                    kind,
                    Kind::Time | Kind::Bytes | Kind::Integer | Kind::Number
                ),
                min,
                max,
                default: (!no_default).then(|| literal(Some(node), default)),
            });
        }
    }
}

/// The default of a value: what the whole says, or else its type.
fn default_of(node: Node<'_>, said: Option<&Tree>) -> Tree {
    said.cloned().unwrap_or_else(|| {
        node.default()
            .and_then(|it| Tree::of(it).ok())
            .unwrap_or(Tree::Nothing)
    })
}

struct Reference {
    out: String,
    /// The first table of each type, which alone is described key by key, and what it is for.
    described: BTreeMap<String, (Key, String)>,
}

impl Reference {
    fn table(
        &mut self,
        node: Node<'_>,
        table: &IndexMap<String, Tree>,
        key: &Key,
        reloads: Option<bool>,
    ) -> fmt::Result {
        let reloads = node.mark(RELOADS).or(reloads);
        let first = self.first_of_type(node, key);
        let first = first.as_ref();
        if !key.steps().is_empty() {
            self.header(node, key, reloads, first)?;
        }
        let below = table
            .iter()
            .filter_map(|(name, tree)| Some((name, node.below_name(name)?, tree)));
        let (leaves, tables): (Vec<_>, Vec<_>) = below
            .partition(|(_, node, tree)| is_leaf(*node, tree) && !matches!(node.kind(), Kind::Map));
        for (name, of_leaf, tree) in leaves {
            if first.is_none() && node.kind() != Kind::Map {
                self.out.push('\n');
                self.comment(0, &plain(of_leaf.description().unwrap_or_default()))?;
                let default = literal(Some(of_leaf), tree);
                self.comment(0, &figures(of_leaf, Some(&default)))?;
            }
            self.out.push('#');
            write_leaf(&mut self.out, name, Some(of_leaf), tree)?;
            self.out.push('\n');
            if first.is_none() && of_leaf.kind() == Kind::Table {
                let says = match of_leaf.excludes() {
                    true => "One of:".to_owned(),
                    false => format!("[{}], where it is there, says:", key.child(name)),
                };
                self.comment(0, &says)?;
                self.listed(of_leaf, 4)?;
            }
        }
        for (name, node, tree) in tables {
            let key = key.child(name);
            match (node.kind(), tree) {
                (Kind::Map, Tree::Table(entries)) if !entries.is_empty() => {
                    self.table(node, entries, &key, reloads)?;
                }
                (Kind::Map, _) => self.map(node, &key, reloads)?,
                (_, Tree::Table(entries)) => self.table(node, entries, &key, reloads)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The table in which the keys of this type were described, where that was another one, and what
    /// that is for.
    fn first_of_type(&mut self, node: Node<'_>, key: &Key) -> Option<(Key, String)> {
        let name = node.type_name()?.to_owned();
        let text = node.description().unwrap_or_default();
        let first = self.described.entry(name);
        let first = first.or_insert_with(|| (key.clone(), text.to_owned()));
        (first.0 != *key).then(|| first.clone())
    }

    fn header(
        &mut self,
        node: Node<'_>,
        key: &Key,
        reloads: Option<bool>,
        first: Option<&(Key, String)>,
    ) -> fmt::Result {
        self.out.push('\n');
        let said = node.description().unwrap_or_default();
        let mut text = match first {
            Some((first, text)) if text == said => format!("As [{first}]."),
            Some((first, _)) => format!("{} As [{first}].", plain(said)),
            None => plain(said),
        };
        if node.kind() == Kind::Map {
            let of = node.values().map(Node::expected).unwrap_or_default();
            text = format!(
                "{text} Each is {of}. Where this table is written, it takes the place of all of them."
            );
        }
        if key.steps().len() == 1 {
            let when = match reloads {
                Some(true) => "at once, when the configuration is read again",
                _ => "with the next start",
            };
            text = format!("{text} Changes count {when}.");
        }
        self.comment(0, text.trim())?;
        writeln!(self.out, "[{key}]")
    }

    /// A table whose keys whoever writes it chooses, and that is empty.
    fn map(&mut self, node: Node<'_>, key: &Key, reloads: Option<bool>) -> fmt::Result {
        let Some(values) = node.values() else {
            return Ok(());
        };
        self.out.push('\n');
        let text = plain(node.description().unwrap_or_default());
        let when = match (key.steps().len(), reloads.or(node.mark(RELOADS))) {
            (1, Some(true)) => " Changes count at once, when the configuration is read again.",
            (1, _) => " Changes count with the next start.",
            _ => "",
        };
        if values.kind() != Kind::Table {
            let each = values.expected();
            self.comment(0, format!("{text} Each is {each}.{when}").trim())?;
            return writeln!(self.out, "[{key}]");
        }
        let named = key.child("NAME");
        self.comment(0, format!("{text}{when}").trim())?;
        match self.first_of_type(values, &named) {
            Some((first, _)) => self.comment(
                0,
                &format!("Any number of [{named}], with the keys of [{first}]."),
            ),
            None => {
                self.comment(0, &format!("Any number of [{named}], each with:"))?;
                self.listed(values, 4)
            }
        }
    }

    /// The keys of a table that is not there.
    fn listed(&mut self, node: Node<'_>, indent: usize) -> fmt::Result {
        for (name, below) in node.properties() {
            let default = default_of(below, None);
            let default = (default != Tree::Nothing).then(|| literal(Some(below), &default));
            let text = plain(below.description().unwrap_or_default());
            let figures = figures(below, default.as_deref());
            self.comment(indent, &format!("{name}: {text} {figures}"))?;
            let table = match below.kind() {
                Kind::List => below.items(),
                Kind::Table => Some(below),
                _ => None,
            };
            if let Some(table) = table.filter(|it| it.kind() == Kind::Table && indent < 12) {
                self.listed(table, indent + 4)?;
            }
        }
        Ok(())
    }

    /// A text in comments, broken into lines.
    fn comment(&mut self, indent: usize, text: &str) -> fmt::Result {
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty()
                && line.chars().count() + 1 + word.chars().count() + indent + 2 > WIDTH
            {
                writeln!(self.out, "# {:indent$}{line}", "")?;
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if line.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "# {:indent$}{line}", "")
    }
}

/// What a value may be, and its default.
fn figures(node: Node<'_>, default: Option<&str>) -> String {
    let mut expected = node.expected();
    if let Some(first) = expected.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    match default {
        Some(default) => format!("{expected}; default {default}."),
        None => format!("{expected}."),
    }
}

/// A doc comment without its links and line breaks, and without the sentence that tells range and
/// default to readers of the code: here both come from the code itself.
fn plain(doc: &str) -> String {
    let doc = unlinked(&doc.replace('\n', " ")).replace("`None`", "\"none\"");
    let mut kept = String::new();
    for sentence in doc.split_inclusive(". ") {
        let lower = sentence.trim().to_lowercase();
        let figures = |c: char| c.is_ascii_digit() || ", to.".contains(c);
        let ranges = lower.starts_with(|c: char| c.is_ascii_digit())
            && (lower.contains("default ") || lower.chars().all(figures));
        if !ranges && !lower.starts_with("default") {
            kept.push_str(sentence);
        }
    }
    kept.trim().to_owned()
}

/// `` [`Name`](path) `` reads `` `Name` ``.
fn unlinked(doc: &str) -> String {
    let mut out = String::new();
    let mut rest = doc;
    while let Some(open) = rest.find('[') {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        let Some(close) = from.find(']') else {
            out.push_str(from);
            return out;
        };
        let (text, after) = (&from[1..close], &from[close + 1..]);
        let target = after.strip_prefix('(').and_then(|it| it.find(')'));
        match target {
            Some(end) => {
                out.push_str(text);
                rest = &after[end + 2..];
            }
            None if text.starts_with('`') => {
                out.push_str(text);
                rest = after;
            }
            None => {
                out.push_str(&from[..=close]);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a link of rustdoc in the reference, and a default that is told twice.
    #[test]
    fn doc_comments_read_without_links_and_without_their_figures() {
        let doc = "How often, see [`Guard`](x::y) and\n[`Call`]. 1 to 20; default 3. See [table].";
        assert_eq!(
            plain(doc),
            "How often, see `Guard` and `Call`. See [table]."
        );
    }
}
