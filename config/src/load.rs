//! From a file and an environment to a configuration, or to everything that is wrong with them.

use std::path::PathBuf;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::environment::read_environment;
use crate::key::Key;
use crate::problem::{ConfigError, Origin, PROBLEMS_MAX, Problems};
use crate::read::{Places, read_file};
use crate::schema::{Kind, Node};
use crate::source::Text;
use crate::tree::Tree;
use crate::write::is_leaf;

/// What a configuration file says, typed. A field is a section, and a section is the options of
/// whoever uses them, with their defaults: nothing is said twice.
///
/// ```
/// use mercato_config::{Configuration, Sources, load};
/// use schemars::JsonSchema;
/// use serde::{Deserialize, Serialize};
///
/// /// How points are given.
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields, default)]
/// struct Loyalty {
///     /// Points for each pound.
///     #[schemars(range(min = 1, max = 100))]
///     points: u32,
///     /// How long they are kept.
///     #[schemars(extend("minimum" = "1d", "maximum" = "3650d"))]
///     kept: std::time::Duration,
/// }
///
/// impl Default for Loyalty {
///     fn default() -> Self {
///         Self { points: 5, kept: std::time::Duration::from_secs(365 * 86_400) }
///     }
/// }
///
/// #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields, default)]
/// struct Mine {
///     loyalty: Loyalty,
/// }
///
/// impl Configuration for Mine {}
///
/// let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
/// let sources = Sources::nothing().with_environment([set("MERCATO__LOYALTY__KEPT", "30d")]);
/// let loaded = load::<Mine>(&sources)?;
/// assert_eq!(loaded.config.loyalty.points, 5);
/// assert_eq!(loaded.config.loyalty.kept.as_secs(), 30 * 86_400);
///
/// let sources = Sources::nothing().with_environment([
///     set("MERCATO__LOYALTY__POINTS", "0"),
///     set("MERCATO__LOYALTY__KEEP", "30d"),
/// ]);
/// let refused = load::<Mine>(&sources).unwrap_err().to_string();
/// assert!(refused.contains("loyalty.points is 0; use a whole number, 1 to 100"), "{refused}");
/// assert!(refused.contains("loyalty.keep is not known; did you mean `KEPT`?"), "{refused}");
/// # Ok::<_, mercato_config::ConfigError>(())
/// ```
pub trait Configuration:
    Default + Clone + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    /// Values that are right by themselves, and wrong together.
    fn contradictions(&self) -> Vec<Contradiction> {
        Vec::new()
    }
}

/// Values that are right by themselves, and wrong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The table that holds all of them. Where another mistake was found in it, this one is not
    /// told: it may follow from that.
    pub within: Key,
    /// The value that is to be changed.
    pub key: Key,
    /// What is wrong with it: `is 3`.
    pub what: String,
    /// How to mend it.
    pub remedy: String,
}

/// Where a configuration comes from. The environment goes before the file, and the file before the
/// defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    file: Option<PathBuf>,
    text: Option<(String, String)>,
    environment: Vec<(String, String)>,
}

impl Sources {
    /// The defaults alone.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// This file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            file: Some(path.into()),
            ..Self::default()
        }
    }

    /// This text, under a name for messages.
    #[must_use]
    pub fn text(name: &str, text: impl Into<String>) -> Self {
        Self {
            text: Some((name.to_owned(), text.into())),
            ..Self::default()
        }
    }

    /// The same, with these environment variables; those that do not begin with
    /// [`PREFIX`](crate::PREFIX) mean nothing here.
    #[must_use]
    pub fn with_environment(self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            environment: variables.into_iter().collect(),
            ..self
        }
    }
}

/// A configuration that holds, and where each of its values was said.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    /// The configuration.
    pub config: T,
    pub(crate) tree: Tree,
    places: Places,
}

impl<T: Configuration> Loaded<T> {
    /// Where a value was said.
    #[must_use]
    pub fn origin(&self, key: &Key) -> Origin {
        self.places.get(key).cloned().unwrap_or(Origin::Default)
    }

    /// How many values were said by a file, and how many by the environment.
    #[must_use]
    pub fn said(&self) -> (usize, usize) {
        let schema = schema_of::<T>();
        let schema = Node::root(&schema);
        let of_another = |key: &Key| {
            let parent = key.parent().and_then(|parent| schema.at(&parent));
            key.ends_with_index() || parent.is_some_and(Node::excludes)
        };
        let leaves = self.places.iter().filter(|(key, _)| {
            let node = schema.at(key);
            let tree = self.tree.get(key);
            let leaf = node
                .zip(tree)
                .is_some_and(|(node, tree)| is_leaf(node, tree));
            leaf && !of_another(key)
        });
        leaves.fold((0, 0), |(file, environment), (_, origin)| match origin {
            Origin::Environment { .. } => (file, environment + 1),
            _ => (file + 1, environment),
        })
    }
}

/// The schema of a configuration.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

/// Reads a configuration, and checks it as a whole.
///
/// # Errors
/// When the file cannot be read, or with everything that is wrong with what it and the environment
/// say.
pub fn load<T: Configuration>(sources: &Sources) -> Result<Loaded<T>, ConfigError> {
    let schema = schema_of::<T>();
    let schema = Node::root(&schema);
    let (mut places, mut problems) = (Places::new(), Problems::default());
    let text = match (&sources.file, &sources.text) {
        (Some(path), _) => Some(Text::read(path)?),
        (None, Some((name, text))) => Some(Text::new(name, text.clone())),
        (None, None) => None,
    };
    let mut said = match &text {
        Some(text) => read_file(schema, text, &mut places, &mut problems),
        None => Tree::table(),
    };
    let environment = &sources.environment;
    read_environment(schema, environment, &mut said, &mut places, &mut problems);
    let config = build::<T>(schema, said, &places, &mut problems);
    let mut contradictions = config.contradictions();
    contradictions.retain(|it| !problems.any_under(&it.within));
    for found in contradictions {
        let place = nearest(&places, &found.key);
        problems.add(place, found.key, found.what, found.remedy);
    }
    problems.into_result()?;
    let tree = Tree::of(&config).map_err(|error| ConfigError::Unreadable {
        file: sources.file.clone().unwrap_or_default(),
        problem: format!("cannot be written down again: {error}; report this as a defect"),
    })?;
    Ok(Loaded {
        config,
        tree,
        places,
    })
}

/// Makes the typed configuration. What the types refuse is noted and left out, until the rest is
/// accepted.
fn build<T: Configuration>(
    schema: Node<'_>,
    mut said: Tree,
    places: &Places,
    problems: &mut Problems,
) -> T {
    let defaults = Tree::of(&T::default()).unwrap_or(Tree::Nothing);
    for _ in 0..PROBLEMS_MAX {
        if problems.full() {
            break;
        }
        let whole = completed(schema, Some(&defaults), &said);
        let refused = match serde_path_to_error::deserialize(whole.to_json()) {
            Ok(config) => return config,
            Err(refused) => refused,
        };
        let mut key = Key::of_path(refused.path());
        // What is missing because it was left out was told already.
        if !problems.any_under(&key) {
            let node = schema.at(&key);
            let what = if node.is_some_and(Node::secret) {
                "is no reference to a secret".to_owned()
            } else {
                format!("cannot be used: {}", refused.inner())
            };
            let remedy = node.map_or_else(
                || "correct it".to_owned(),
                |it| format!("use {}", it.expected()),
            );
            problems.add(nearest(places, &key), key.clone(), what, remedy);
        }
        while !said.remove(&key) {
            match key.parent() {
                Some(parent) => key = parent,
                None => return T::default(),
            }
        }
    }
    T::default()
}

/// What was said, over the defaults of where it stands. A section that differs from what its type
/// has by default keeps that, also where one of its keys is said.
fn completed(node: Node<'_>, default: Option<&Tree>, said: &Tree) -> Tree {
    let of_type = node.default().and_then(|it| Tree::of(it).ok());
    let default = default.or(of_type.as_ref());
    let Tree::Table(said) = said else {
        return said.clone();
    };
    let default = match default {
        Some(Tree::Table(default)) if !node.excludes() => Some(default),
        _ => None,
    };
    let mut whole = match default {
        Some(default) if node.kind() == Kind::Table => default.clone(),
        _ => IndexMap::new(),
    };
    for (name, said) in said {
        let default = default.and_then(|it| it.get(name));
        let completed = match node.below_name(name) {
            Some(below) => completed(below, default, said),
            None => said.clone(),
        };
        whole.insert(name.clone(), completed);
    }
    Tree::Table(whole)
}

/// Where a value was said, or the table around it.
fn nearest(places: &Places, key: &Key) -> Origin {
    let mut key = Some(key.clone());
    while let Some(at) = key {
        if let Some(place) = places.get(&at) {
            return place.clone();
        }
        key = at.parent();
    }
    Origin::Default
}
