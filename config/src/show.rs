//! The configuration in force, with the origin of each value, as TOML that can be read again.

use std::fmt::{self, Write};

use indexmap::IndexMap;

use crate::key::Key;
use crate::load::{Configuration, Loaded, schema_of};
use crate::problem::Origin;
use crate::schema::Node;
use crate::tree::Tree;
use crate::write::{is_leaf, write_leaf};

/// Origins stand in a column of their own, where the values are no longer than this.
const COLUMN: usize = 48;

impl<T: Configuration> Loaded<T> {
    /// The configuration in force as TOML, each value with its origin in a comment behind it. Read
    /// again, it is the same. No secret is in it, since a configuration holds none.
    #[must_use]
    pub fn show(&self) -> String {
        let schema = schema_of::<T>();
        let mut out = String::new();
        if let Tree::Table(table) = &self.tree {
            // Writing into a string does not fail.
            let _ = self.table(&mut out, Node::root(&schema), table, &Key::default());
        }
        out
    }

    fn table(
        &self,
        out: &mut String,
        node: Node<'_>,
        table: &IndexMap<String, Tree>,
        key: &Key,
    ) -> fmt::Result {
        let (leaves, tables): (Vec<_>, Vec<_>) = table
            .iter()
            .filter_map(|(name, tree)| Some((name, node.below_name(name)?, tree)))
            .partition(|(_, node, tree)| is_leaf(*node, tree));
        let is_root = key.steps().is_empty();
        if !is_root && (!leaves.is_empty() || tables.is_empty()) {
            if !out.is_empty() {
                out.push('\n');
            }
            writeln!(out, "[{key}]")?;
        }
        for (name, node, tree) in leaves {
            let mut line = String::new();
            write_leaf(&mut line, name, Some(node), tree)?;
            let origin = match self.origin(&key.child(name)) {
                Origin::File { file, line, .. } => format!("{file}:{line}"),
                other => other.to_string(),
            };
            writeln!(out, "{line:<COLUMN$}  # {origin}")?;
        }
        for (name, node, tree) in tables {
            if let Tree::Table(table) = tree {
                self.table(out, node, table, &key.child(name))?;
            }
        }
        Ok(())
    }
}
