//! Where a value stands in the configuration.

use std::fmt;

use serde_path_to_error::{Path, Segment};

use crate::text::quoted;

/// The path to a value: `policies.ports.payments.attempt_timeout`, `shop.inventory.season[3]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Key(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    Name(Box<str>),
    Index(usize),
}

impl Key {
    /// The key of these names, the outermost first.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(|it| Step::Name(it.into())).collect())
    }

    /// The same, with a name behind it.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        self.with(Step::Name(name.into()))
    }

    pub(crate) fn item(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// Reads `a.b[3].c`, of names without a dot or a bracket in them.
    #[must_use]
    pub fn dotted(text: &str) -> Self {
        let names = text.split(['.', '[']).filter(|name| !name.is_empty());
        let step = |name: &str| match name.strip_suffix(']').map(str::parse) {
            Some(Ok(index)) => Step::Index(index),
            _ => Step::Name(name.into()),
        };
        Self(names.map(step).collect())
    }

    /// Whether this is the key of a table or list around the other, or the other itself.
    #[must_use]
    pub fn is_around(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// The key of the table or list that holds it; none for the whole.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, before) = self.0.split_last()?;
        Some(Self(before.to_vec()))
    }

    /// This key, and the other below it.
    #[must_use]
    pub fn joined(&self, below: &Self) -> Self {
        Self(self.0.iter().chain(&below.0).cloned().collect())
    }

    /// The first so many names of it.
    #[must_use]
    pub fn first(&self, names: usize) -> Self {
        Self(self.0.iter().take(names).cloned().collect())
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }

    pub(crate) fn ends_with_index(&self) -> bool {
        matches!(self.0.last(), Some(Step::Index(_)))
    }

    /// How far a deserializer had come; where it does not know, the key ends.
    pub(crate) fn of_path(path: &Path) -> Self {
        let steps = path.iter().map_while(|segment| match segment {
            Segment::Map { key } => Some(Step::Name(key.as_str().into())),
            Segment::Enum { variant } => Some(Step::Name(variant.as_str().into())),
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Unknown => None,
        });
        Self(steps.collect())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Name(name) => {
                    if nth > 0 {
                        f.write_str(".")?;
                    }
                    write_name(f, name)?;
                }
            }
        }
        Ok(())
    }
}

/// A key as TOML wants it: bare where that is possible.
pub(crate) fn write_name(out: &mut dyn fmt::Write, name: &str) -> fmt::Result {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) {
        out.write_str(name)
    } else {
        out.write_str(&quoted(name))
    }
}
