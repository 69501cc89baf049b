//! A configuration as a tree of values, with its keys in the order in which the code declares them.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::key::{Key, Step};

/// A value, in the form in which code serializes it: a time is a table of `secs` and `nanos`, a size
/// a whole number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Tree {
    Nothing,
    Boolean(bool),
    Integer(i64),
    Large(u64),
    Number(f64),
    Text(String),
    List(Vec<Tree>),
    Table(IndexMap<String, Tree>),
}

impl Tree {
    pub(crate) fn table() -> Self {
        Self::Table(IndexMap::new())
    }

    /// What a value serializes to. Through text, since that alone keeps the order of the keys.
    pub(crate) fn of(value: &impl Serialize) -> serde_json::Result<Self> {
        serde_json::from_str(&serde_json::to_string(value)?)
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Self> {
        key.steps()
            .iter()
            .try_fold(self, |tree, step| match (tree, step) {
                (Self::Table(table), Step::Name(name)) => table.get(&**name),
                (Self::List(list), Step::Index(index)) => list.get(*index),
                _ => None,
            })
    }

    /// Puts a value where the key says, and makes the tables on the way.
    pub(crate) fn put(&mut self, key: &Key, value: Self) {
        let mut tree = self;
        for step in key.steps() {
            let Step::Name(name) = step else { return };
            if !matches!(tree, Self::Table(_)) {
                *tree = Self::table();
            }
            let Self::Table(table) = tree else { return };
            tree = table
                .entry(name.as_ref().to_owned())
                .or_insert(Self::Nothing);
        }
        *tree = value;
    }

    /// Takes a value away. A list goes as a whole: without one of its items it would say something
    /// else.
    pub(crate) fn remove(&mut self, key: &Key) -> bool {
        let Some(parent) = key.parent() else {
            return false;
        };
        if key.ends_with_index() {
            return self.remove(&parent);
        }
        let mut tree = self;
        for step in parent.steps() {
            let next = match (tree, step) {
                (Self::Table(table), Step::Name(name)) => table.get_mut(&**name),
                (Self::List(list), Step::Index(index)) => list.get_mut(*index),
                _ => None,
            };
            let Some(next) = next else { return false };
            tree = next;
        }
        match (tree, key.steps().last()) {
            (Self::Table(table), Some(Step::Name(name))) => table.shift_remove(&**name).is_some(),
            _ => false,
        }
    }

    /// For a deserializer.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Nothing => Value::Null,
            Self::Boolean(it) => Value::from(*it),
            Self::Integer(it) => Value::from(*it),
            Self::Large(it) => Value::from(*it),
            Self::Number(it) => Value::from(*it),
            Self::Text(it) => Value::from(it.as_str()),
            Self::List(list) => list.iter().map(Self::to_json).collect(),
            Self::Table(table) => {
                let entries = table.iter().map(|(name, it)| (name.clone(), it.to_json()));
                Value::Object(entries.collect())
            }
        }
    }
}
