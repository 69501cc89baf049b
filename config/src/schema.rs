//! What the code knows of each value: its kind, its range, its default, what it is for.
//!
//! A section is a plain struct of the crate that uses it, with `serde` and `schemars` derived. Here
//! the schema that comes of it is read. Four things are read into it:
//!
//! - a [`Duration`](std::time::Duration) is written as a time, `"30s"`;
//! - a whole number with `bytes` in its name is written as a size, `"64 MiB"`;
//! - a text whose type has the format `file` is called the name of a file;
//! - a range is `#[schemars(range(min = .., max = ..))]`; where that does not reach the number (a
//!   time, a newtype), `#[schemars(extend("minimum" = .., "maximum" = ..))]`. On a list or a map it
//!   is the range of each value in it.

use std::time::Duration;

use serde_json::Value;

use crate::key::{Key, Step};
use crate::text::{self, bytes_text, duration_text, grouped, quoted};

/// One place in a schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'a> {
    root: &'a Value,
    /// What is said where the value stands.
    here: &'a Value,
    /// What is said of its type.
    of: &'a Value,
    name: &'a str,
    optional: bool,
    /// What is said of it by what it stands in.
    said: Option<&'a str>,
    /// What is said where the list or the map stands that it is in.
    around: &'a Value,
    secret: bool,
}

/// How a value is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind<'a> {
    Time,
    Bytes,
    Integer,
    Number,
    Boolean,
    Text,
    /// One of these words.
    Choice(Vec<&'a str>),
    List,
    /// Keys that are known.
    Table,
    /// Keys that whoever writes it chooses.
    Map,
    /// Something that only the code can judge.
    Other,
}

/// An end of a range.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) enum Bound {
    Whole(i128),
    Number(f64),
    Time(Duration),
}

impl<'a> Node<'a> {
    pub(crate) fn root(root: &'a Value) -> Self {
        Self::new(root, root, "")
    }

    fn new(root: &'a Value, here: &'a Value, name: &'a str) -> Self {
        /// References in references are no deeper than this.
        const DEPTH_MAX: usize = 16;
        let (mut of, mut optional) = (here, false);
        for _ in 0..DEPTH_MAX {
            let alternatives = of["anyOf"].as_array().map(Vec::as_slice);
            of = if let Some(reference) = of["$ref"].as_str() {
                let pointer = reference.strip_prefix('#').unwrap_or(reference);
                root.pointer(pointer).unwrap_or(&Value::Null)
            } else if let Some([a, b]) = alternatives {
                let nothing = |it: &Value| it["type"] == "null";
                optional |= nothing(a) || nothing(b);
                match (nothing(a), nothing(b)) {
                    (false, true) => a,
                    (true, false) => b,
                    _ => break,
                }
            } else {
                break;
            };
        }
        optional |= types(of).any(|it| it == "null");
        Self {
            root,
            here,
            of,
            name,
            optional,
            said: None,
            around: &Value::Null,
            secret: here["writeOnly"] == true || of["writeOnly"] == true,
        }
    }

    /// Whether `"none"` may stand here.
    pub(crate) fn optional(self) -> bool {
        self.optional
    }

    pub(crate) fn kind(self) -> Kind<'a> {
        if let Some(words) = self.words() {
            return Kind::Choice(words);
        }
        let names: Vec<_> = self.properties().into_iter().map(|it| it.0).collect();
        if names == ["nanos", "secs"] {
            return Kind::Time;
        }
        if !names.is_empty() {
            return Kind::Table;
        }
        match types(self.of).find(|it| *it != "null") {
            Some("integer") if self.name.split('_').any(|word| word == "bytes") => Kind::Bytes,
            Some("integer") => Kind::Integer,
            Some("number") => Kind::Number,
            Some("boolean") => Kind::Boolean,
            Some("string") => Kind::Text,
            Some("array") => Kind::List,
            Some("object") if self.of["additionalProperties"].is_object() => Kind::Map,
            Some("object") => Kind::Table,
            _ => Kind::Other,
        }
    }

    /// The words that may stand here, where it is a choice of words.
    fn words(self) -> Option<Vec<&'a str>> {
        let words: Option<Vec<_>> = if let Some(words) = self.of["enum"].as_array() {
            let words = words.iter().filter(|it| !it.is_null());
            words.map(Value::as_str).collect()
        } else {
            let variants = self.of["oneOf"].as_array()?;
            let words = variants.iter().map(|it| match &it["enum"] {
                Value::Array(words) => words.iter().map(Value::as_str).collect(),
                _ => it["const"].as_str().map(|word| vec![word]),
            });
            words.collect::<Option<Vec<_>>>().map(|it| it.concat())
        };
        words.filter(|words| !words.is_empty())
    }

    /// Whether the keys of this table exclude each other.
    pub(crate) fn excludes(self) -> bool {
        self.kind() == Kind::Table && !self.of["oneOf"].is_null()
    }

    /// The known keys of a table, in the order of their names.
    pub(crate) fn properties(self) -> Vec<(&'a str, Node<'a>)> {
        let of_variants = self.of["oneOf"].as_array().into_iter().flatten();
        let below = |of: &'a Value, said: Option<&'a str>| {
            let properties = of["properties"].as_object().into_iter().flatten();
            properties.map(move |(name, here)| {
                let node = Self::new(self.root, here, name);
                let secret = self.secret || node.secret;
                let node = Self {
                    said,
                    secret,
                    ..node
                };
                (name.as_str(), node)
            })
        };
        // What is said of a variant is said of its one key.
        let of_variants =
            of_variants.flat_map(|variant| below(variant, variant["description"].as_str()));
        let mut found: Vec<_> = below(self.of, None).chain(of_variants).collect();
        found.sort_by_key(|it| it.0);
        found.dedup_by_key(|it| it.0);
        found
    }

    /// What stands under a key of a table or a map, or at each place of a list.
    pub(crate) fn below(self, step: &Step) -> Option<Self> {
        match step {
            Step::Index(_) => self.items(),
            Step::Name(name) => {
                let known = self.properties().into_iter().find(|it| it.0 == &**name);
                known.map(|it| it.1).or_else(|| self.values())
            }
        }
    }

    /// What stands under a name.
    pub(crate) fn below_name(self, name: &str) -> Option<Self> {
        self.below(&Step::Name(name.into()))
    }

    /// What stands at a key.
    pub(crate) fn at(self, key: &Key) -> Option<Self> {
        key.steps().iter().try_fold(self, |it, step| it.below(step))
    }

    /// The values of a map.
    pub(crate) fn values(self) -> Option<Self> {
        self.each(&self.of["additionalProperties"])
    }

    /// The items of a list.
    pub(crate) fn items(self) -> Option<Self> {
        self.each(&self.of["items"])
    }

    fn each(self, here: &'a Value) -> Option<Self> {
        let node = Self::new(self.root, here, self.name);
        let bounded = |it: &Value| !(it["minimum"].is_null() && it["maximum"].is_null());
        let node = Self {
            // Of lists in lists and maps in maps, the range is said of the outermost.
            around: match bounded(self.here) {
                true => self.here,
                false => self.around,
            },
            secret: self.secret || node.secret,
            ..node
        };
        here.is_object().then_some(node)
    }

    /// How many items a list may have.
    pub(crate) fn items_bounds(self) -> (Option<u64>, Option<u64>) {
        (self.of["minItems"].as_u64(), self.of["maxItems"].as_u64())
    }

    /// The type's name, where it has one: two tables of one type have the same keys.
    pub(crate) fn type_name(self) -> Option<&'a str> {
        let options = self.here["anyOf"].as_array().into_iter().flatten();
        std::iter::once(self.here)
            .chain(options)
            .find_map(|it| it["$ref"].as_str())
    }

    /// What it is for; of the type, where nothing is said of the value.
    pub(crate) fn description(self) -> Option<&'a str> {
        let said = |it: &'a Value| it["description"].as_str();
        said(self.here).or(self.said).or_else(|| said(self.of))
    }

    /// A mark that its author set on this value.
    pub(crate) fn mark(self, name: &str) -> Option<bool> {
        self.here[name].as_bool()
    }

    /// Whether what stands here must never be shown.
    pub(crate) fn secret(self) -> bool {
        self.secret
    }

    /// The ends of the range.
    pub(crate) fn range(self) -> (Option<Bound>, Option<Bound>) {
        (self.bound("minimum"), self.bound("maximum"))
    }

    fn bound(self, end: &str) -> Option<Bound> {
        let said = [self.here, self.around, self.of].map(|it| &it[end]);
        let said = said.into_iter().find(|it| !it.is_null())?;
        match self.kind() {
            Kind::Time => Some(Bound::Time(text::duration(said.as_str()?)?)),
            Kind::Integer | Kind::Bytes => {
                let whole = said.as_i64().map(i128::from);
                Some(Bound::Whole(whole.or(said.as_u64().map(i128::from))?))
            }
            Kind::Number => Some(Bound::Number(said.as_f64()?)),
            _ => None,
        }
    }

    /// The ends of the range, as they are written.
    pub(crate) fn range_texts(self) -> (Option<String>, Option<String>) {
        let (min, max) = self.range();
        let written = |bound| match bound {
            Bound::Time(time) => quoted(&duration_text(time)),
            Bound::Number(number) => format!("{number:?}"),
            Bound::Whole(whole) => whole.to_string(),
        };
        (min.map(written), max.map(written))
    }

    /// The default that its type has here.
    pub(crate) fn default(self) -> Option<&'a Value> {
        self.here.get("default")
    }

    /// Whether a value lies in the range.
    pub(crate) fn allows(self, value: Bound) -> bool {
        let (min, max) = self.range();
        min.is_none_or(|min| value >= min) && max.is_none_or(|max| value <= max)
    }

    /// What may stand here, in words: `a time, "1ms" to "10s"`.
    pub(crate) fn expected(self) -> String {
        let what = match self.kind() {
            Kind::Time => "a time",
            Kind::Bytes => "a size",
            Kind::Integer => "a whole number",
            Kind::Number => "a number",
            Kind::Boolean => "true or false",
            Kind::Text if self.of["format"] == "file" => "the name of a file",
            Kind::Text => "a text",
            Kind::List => {
                let items = self.items().map(Self::expected).unwrap_or_default();
                let count = match self.items_bounds() {
                    (Some(min), Some(max)) if min == max => format!(" of {max}"),
                    (_, Some(max)) => format!(" of at most {}", grouped(max.into())),
                    _ => String::new(),
                };
                return format!("a list{count}, each {items}");
            }
            Kind::Table if self.excludes() => {
                let names: Vec<_> = self.properties().into_iter().map(|it| it.0).collect();
                return format!("a table with one of {}", names.join(", "));
            }
            Kind::Table | Kind::Map => "a table",
            Kind::Other => "a value",
            Kind::Choice(words) => return format!("one of \"{}\"", words.join("\", \"")),
        };
        let mut text = what.to_owned();
        let range = match self.range() {
            (Some(min), Some(max)) => Some(format!(
                "{} to {}",
                self.bound_text(min),
                self.bound_text(max)
            )),
            (Some(min), None) => Some(format!("at least {}", self.bound_text(min))),
            (None, Some(max)) => Some(format!("at most {}", self.bound_text(max))),
            (None, None) => None,
        };
        if let Some(range) = range {
            text.push_str(", ");
            text.push_str(&range);
        }
        if self.optional {
            text.push_str(", or \"none\"");
        }
        text
    }

    fn bound_text(self, bound: Bound) -> String {
        match bound {
            Bound::Time(time) => format!("\"{}\"", duration_text(time)),
            Bound::Number(number) => number.to_string(),
            Bound::Whole(whole) => u64::try_from(whole)
                .ok()
                .filter(|_| self.kind() == Kind::Bytes)
                .and_then(bytes_text)
                .map_or_else(|| grouped(whole), |size| format!("\"{size}\"")),
        }
    }
}

fn types(schema: &Value) -> impl Iterator<Item = &str> {
    let one = schema["type"].as_str();
    let several = schema["type"].as_array().into_iter().flatten();
    one.into_iter().chain(several.filter_map(Value::as_str))
}
